//! Documents of `apigateway` 2015-07-09, one file per resource.

pub mod authorizer;
pub mod deployment;
pub mod documentation;
pub mod gateway_response;
pub mod integration;
pub mod integration_response;
pub mod method;
pub mod method_response;
pub mod model;
pub mod request_validator;
pub mod resource;
pub mod rest_api;
pub mod stage;

pub use authorizer::Authorizer;
pub use deployment::Deployment;
pub use documentation::{DocumentationPart, DocumentationVersion};
pub use gateway_response::GatewayResponse;
pub use integration::{Integration, IntegrationResponse, TlsConfig};
pub use method::{Method, MethodResponse};
pub use model::Model;
pub use request_validator::RequestValidator;
pub use resource::Resource;
pub use rest_api::{EndpointConfiguration, RestApi};
pub use stage::{AccessLogSettings, CanarySettings, MethodSetting, Stage};
