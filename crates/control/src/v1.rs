//! Handlers of `apigateway` 2015-07-09: one file per resource, one function per operation.

pub(crate) mod accounts;
pub(crate) mod api_keys;
pub(crate) mod base_path_mappings;
pub(crate) mod client_certificates;
pub(crate) mod deployments;
pub(crate) mod domain_name_access_associations;
pub(crate) mod domain_names;
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
pub(crate) mod sdks;
pub(crate) mod stages;
pub(crate) mod tags;
pub(crate) mod test_invoke;
pub(crate) mod usage_plan_keys;
pub(crate) mod usage_plans;
pub(crate) mod usages;
pub(crate) mod vpc_links;
