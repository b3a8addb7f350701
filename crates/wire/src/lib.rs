//! The AWS REST-JSON surface: operation facts, routing, calls, replies, errors, pages.
