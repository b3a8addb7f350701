//! IAM policy documents: parse and decide.
