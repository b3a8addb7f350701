//! The generated table: one row per operation of the published service models (`cargo xtask ops`).

#[rustfmt::skip]
pub mod lambda;
#[rustfmt::skip]
pub mod lambda_input;
#[rustfmt::skip]
pub mod management;
#[rustfmt::skip]
pub mod op;
#[rustfmt::skip]
pub mod v1;
#[rustfmt::skip]
pub mod v2;

use crate::Operation;

/// All 230 rows of API Gateway. Lambda has a table of its own, [`lambda::OPERATIONS`]: other paths, another server.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    v1::OPERATIONS.iter().chain(&v2::OPERATIONS).chain(&management::OPERATIONS)
}
