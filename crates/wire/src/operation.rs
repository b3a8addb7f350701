//! What the service model says about one operation.

use crate::Op;

/// Which API an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `apigateway` 2015-07-09.
    V1,
    /// `apigatewayv2` 2018-11-29.
    V2,
    /// `apigatewaymanagementapi` 2018-11-29, served by workers.
    Management,
    /// `lambda` 2015-03-31, served by the function host.
    Lambda,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Which one.
    pub op: Op,
    /// Of which API.
    pub service: Service,
    /// AWS's name.
    pub name: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path template, `/restapis/{restapi_id}`.
    pub path: &'static str,
    /// Query literal that tells it from its twin, `mode=import`, or empty.
    pub query: &'static str,
    /// Success status of the model.
    pub status: u16,
}
