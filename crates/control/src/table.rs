//! Which handler serves which operation. An operation without a row answers 501 and says so.

use stagecoach_resources::v1::{Deployment, Model, RequestValidator, RestApi};
use stagecoach_wire::Op;

use crate::call::Handler;
use crate::v1::{
    deployments, exports, gateway_responses, imports, integrations, items, methods, models, request_validators,
    resources, responses, rest_apis, stages, test_invoke,
};

macro_rules! operations {
    ($($operation:ident => $handler:expr;)*) => {
        /// The handler of `operation`.
        pub(crate) fn handler(operation: Op) -> Option<Handler> {
            match operation {
                $(Op::$operation => Some(|cx| Box::pin(($handler)(cx))),)*
                _ => None,
            }
        }

        /// Names of the operations that are built.
        #[cfg(test)]
        pub(crate) const BUILT: &[&str] = &[$(stringify!($operation)),*];
    };
}

operations! {
    CreateRestApi => rest_apis::create;
    GetRestApi => items::get::<RestApi>;
    GetRestApis => items::list::<RestApi>;
    UpdateRestApi => rest_apis::update;
    DeleteRestApi => rest_apis::delete;
    ImportRestApi => imports::import;
    PutRestApi => imports::put;
    CreateResource => resources::create;
    GetResource => resources::get;
    GetResources => resources::list;
    UpdateResource => resources::update;
    DeleteResource => resources::delete;
    PutMethod => methods::put;
    GetMethod => methods::get;
    UpdateMethod => methods::update;
    DeleteMethod => methods::delete;
    PutMethodResponse => responses::put_method_response;
    GetMethodResponse => responses::get_method_response;
    UpdateMethodResponse => responses::update_method_response;
    DeleteMethodResponse => responses::delete_method_response;
    PutIntegration => integrations::put;
    GetIntegration => integrations::get;
    UpdateIntegration => integrations::update;
    DeleteIntegration => integrations::delete;
    PutIntegrationResponse => responses::put_integration_response;
    GetIntegrationResponse => responses::get_integration_response;
    UpdateIntegrationResponse => responses::update_integration_response;
    DeleteIntegrationResponse => responses::delete_integration_response;
    CreateDeployment => deployments::create;
    GetDeployment => deployments::get;
    GetDeployments => items::list_in_api::<Deployment>;
    UpdateDeployment => deployments::update;
    DeleteDeployment => deployments::delete;
    CreateStage => stages::create;
    GetStage => stages::get;
    GetStages => stages::list;
    UpdateStage => stages::update;
    DeleteStage => stages::delete;
    FlushStageCache => stages::flush;
    FlushStageAuthorizersCache => stages::flush;
    GetExport => exports::get;
    CreateModel => models::create;
    GetModel => models::get;
    GetModels => items::list_in_api::<Model>;
    GetModelTemplate => models::template;
    UpdateModel => models::update;
    DeleteModel => models::delete;
    CreateRequestValidator => request_validators::create;
    GetRequestValidator => items::get_in_api::<RequestValidator>;
    GetRequestValidators => items::list_in_api::<RequestValidator>;
    UpdateRequestValidator => request_validators::update;
    DeleteRequestValidator => request_validators::delete;
    PutGatewayResponse => gateway_responses::put;
    GetGatewayResponse => gateway_responses::get;
    GetGatewayResponses => gateway_responses::list;
    UpdateGatewayResponse => gateway_responses::update;
    DeleteGatewayResponse => gateway_responses::delete;
    TestInvokeMethod => test_invoke::method;
    TestInvokeAuthorizer => test_invoke::authorizer;
}

#[cfg(test)]
mod tests {
    use stagecoach_wire::operations;

    use super::*;

    #[test]
    fn every_row_is_an_operation_of_aws() {
        for name in BUILT {
            let operation = operations::all().find(|operation| operation.name == *name);
            assert!(operation.is_some_and(|operation| handler(operation.op).is_some()), "{name}");
        }
        assert_eq!(BUILT.len(), 59);
    }
}
