//! The control plane: handlers, deploys, publishing, admin server.
