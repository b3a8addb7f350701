//! The data plane: listeners, pipeline, integrations, config follower.
