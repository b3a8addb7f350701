//! The AWS REST-JSON surface: operation facts, routing, calls, replies, errors, pages.
//!
//! Must not know: what an operation does, sockets, SQL.

pub mod call;
pub mod input;
pub mod operation;
pub mod operations;
pub mod page;
pub mod reply;
pub mod route;

pub use call::Call;
pub use input::lambda_input;
pub use operation::{Operation, Service};
pub use operations::op::Op;
pub use reply::Reply;
pub use route::{RouteError, Routed, route, route_lambda};
