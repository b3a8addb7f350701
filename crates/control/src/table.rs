//! Which handler serves which operation. An operation without a row answers 501 and says so.

use stagecoach_resources::v1::{
    Authorizer, ClientCertificate, Deployment, DocumentationPart, DocumentationVersion, Model, RequestValidator,
    RestApi, UsagePlan, VpcLink,
};
use stagecoach_wire::Op;

use crate::call::Handler;
use crate::v1::{
    accounts, api_keys, authorizers, base_path_mappings, client_certificates, deployments, documentation_parts,
    documentation_versions, domain_name_access_associations, domain_names, exports, gateway_responses, imports,
    integrations, items, methods, models, request_validators, resources, responses, rest_apis, sdks, stages, tags,
    test_invoke, usage_plan_keys, usage_plans, usages, vpc_links,
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
    FlushStageCache => stages::flush_cache;
    FlushStageAuthorizersCache => stages::flush_authorizers_cache;
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
    CreateAuthorizer => authorizers::create;
    GetAuthorizer => items::get_in_api::<Authorizer>;
    GetAuthorizers => items::list_in_api::<Authorizer>;
    UpdateAuthorizer => authorizers::update;
    DeleteAuthorizer => authorizers::delete;
    CreateDocumentationPart => documentation_parts::create;
    GetDocumentationPart => items::get_in_api::<DocumentationPart>;
    GetDocumentationParts => documentation_parts::list;
    ImportDocumentationParts => documentation_parts::import;
    UpdateDocumentationPart => documentation_parts::update;
    DeleteDocumentationPart => documentation_parts::delete;
    CreateDocumentationVersion => documentation_versions::create;
    GetDocumentationVersion => items::get_in_api::<DocumentationVersion>;
    GetDocumentationVersions => items::list_in_api::<DocumentationVersion>;
    UpdateDocumentationVersion => documentation_versions::update;
    DeleteDocumentationVersion => documentation_versions::delete;
    PutGatewayResponse => gateway_responses::put;
    GetGatewayResponse => gateway_responses::get;
    GetGatewayResponses => gateway_responses::list;
    UpdateGatewayResponse => gateway_responses::update;
    DeleteGatewayResponse => gateway_responses::delete;
    TestInvokeMethod => test_invoke::method;
    TestInvokeAuthorizer => test_invoke::authorizer;
    GetSdk => sdks::get;
    GetSdkType => sdks::get_type;
    GetSdkTypes => sdks::list_types;
    CreateApiKey => api_keys::create;
    ImportApiKeys => api_keys::import;
    GetApiKey => api_keys::get;
    GetApiKeys => api_keys::list;
    UpdateApiKey => api_keys::update;
    DeleteApiKey => api_keys::delete;
    CreateUsagePlan => usage_plans::create;
    GetUsagePlan => items::get::<UsagePlan>;
    GetUsagePlans => usage_plans::list;
    UpdateUsagePlan => usage_plans::update;
    DeleteUsagePlan => usage_plans::delete;
    CreateUsagePlanKey => usage_plan_keys::create;
    GetUsagePlanKey => usage_plan_keys::get;
    GetUsagePlanKeys => usage_plan_keys::list;
    DeleteUsagePlanKey => usage_plan_keys::delete;
    GetUsage => usages::get;
    UpdateUsage => usages::update;
    CreateDomainName => domain_names::create;
    GetDomainName => domain_names::get;
    GetDomainNames => domain_names::list;
    UpdateDomainName => domain_names::update;
    DeleteDomainName => domain_names::delete;
    CreateBasePathMapping => base_path_mappings::create;
    GetBasePathMapping => base_path_mappings::get;
    GetBasePathMappings => base_path_mappings::list;
    UpdateBasePathMapping => base_path_mappings::update;
    DeleteBasePathMapping => base_path_mappings::delete;
    CreateDomainNameAccessAssociation => domain_name_access_associations::create;
    GetDomainNameAccessAssociations => domain_name_access_associations::list;
    DeleteDomainNameAccessAssociation => domain_name_access_associations::unknown;
    RejectDomainNameAccessAssociation => domain_name_access_associations::unknown;
    CreateVpcLink => vpc_links::create;
    GetVpcLink => items::get::<VpcLink>;
    GetVpcLinks => items::list::<VpcLink>;
    UpdateVpcLink => vpc_links::update;
    DeleteVpcLink => vpc_links::delete;
    GenerateClientCertificate => client_certificates::generate;
    GetClientCertificate => items::get::<ClientCertificate>;
    GetClientCertificates => items::list::<ClientCertificate>;
    UpdateClientCertificate => client_certificates::update;
    DeleteClientCertificate => client_certificates::delete;
    GetAccount => accounts::get;
    UpdateAccount => accounts::update;
    TagResource => tags::tag;
    UntagResource => tags::untag;
    GetTags => tags::get;
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
        assert_eq!(BUILT.len(), 124);
    }
}
