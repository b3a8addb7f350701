//! Documents of `apigateway` 2015-07-09, one file per resource.

pub mod deployment;
pub mod integration;
pub mod integration_response;
pub mod method;
pub mod method_response;
pub mod parts;
pub mod resource;
pub mod rest_api;
pub mod stage;

pub use deployment::Deployment;
pub use integration::{Integration, IntegrationResponse, TlsConfig};
pub use method::{Method, MethodResponse};
pub use parts::{Authorizer, GatewayResponse, Model, RequestValidator};
pub use resource::Resource;
pub use rest_api::{EndpointConfiguration, RestApi};
pub use stage::{AccessLogSettings, CanarySettings, MethodSetting, Stage};
