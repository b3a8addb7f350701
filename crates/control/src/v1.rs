//! Handlers of `apigateway` 2015-07-09: one file per resource, one function per operation.

pub(crate) mod deployments;
pub(crate) mod exports;
pub(crate) mod gateway_responses;
pub(crate) mod imports;
pub(crate) mod integrations;
pub(crate) mod items;
pub(crate) mod methods;
pub(crate) mod models;
pub(crate) mod request_validators;
pub(crate) mod resources;
pub(crate) mod responses;
pub(crate) mod rest_apis;
pub(crate) mod stages;
pub(crate) mod test_invoke;
