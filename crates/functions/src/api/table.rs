//! Which handler serves which operation. An operation without a row answers 501 and says so.

use stagecoach_wire::Op;

use super::documents::Handler;
use super::{
    aliases, concurrency, event_config, functions, invoke, layer_policies, layers, permissions, provisioned, settings,
    streaming, tags, versions,
};

macro_rules! operations {
    ($($operation:ident => $handler:expr;)*) => {
        /// The handler of `operation`.
        pub(super) fn handler(operation: Op) -> Option<Handler> {
            match operation {
                $(Op::$operation => Some(|cx| Box::pin(($handler)(cx))),)*
                _ => None,
            }
        }
    };
}

operations! {
    LambdaCreateFunction => functions::create;
    LambdaGetFunction => functions::get;
    LambdaGetFunctionConfiguration => functions::get_configuration;
    LambdaListFunctions => functions::list;
    LambdaDeleteFunction => functions::delete;
    LambdaUpdateFunctionCode => functions::update_code;
    LambdaUpdateFunctionConfiguration => settings::update;
    LambdaPublishVersion => versions::publish;
    LambdaListVersionsByFunction => versions::list;
    LambdaCreateAlias => aliases::create;
    LambdaGetAlias => aliases::get;
    LambdaUpdateAlias => aliases::update;
    LambdaDeleteAlias => aliases::delete;
    LambdaListAliases => aliases::list;
    LambdaAddPermission => permissions::add;
    LambdaRemovePermission => permissions::remove;
    LambdaGetPolicy => permissions::get;
    LambdaPutFunctionConcurrency => concurrency::put;
    LambdaGetFunctionConcurrency => concurrency::get;
    LambdaDeleteFunctionConcurrency => concurrency::delete;
    LambdaPutProvisionedConcurrencyConfig => provisioned::put;
    LambdaGetProvisionedConcurrencyConfig => provisioned::get;
    LambdaDeleteProvisionedConcurrencyConfig => provisioned::delete;
    LambdaListProvisionedConcurrencyConfigs => provisioned::list;
    LambdaGetAccountSettings => concurrency::account;
    LambdaTagResource => tags::tag;
    LambdaUntagResource => tags::untag;
    LambdaListTags => tags::list;
    LambdaGetFunctionCodeSigningConfig => functions::code_signing;
    LambdaPublishLayerVersion => layers::publish;
    LambdaGetLayerVersion => layers::get;
    LambdaGetLayerVersionByArn => layers::get_by_arn;
    LambdaListLayers => layers::list_layers;
    LambdaListLayerVersions => layers::list_versions;
    LambdaDeleteLayerVersion => layers::delete;
    LambdaAddLayerVersionPermission => layer_policies::add;
    LambdaRemoveLayerVersionPermission => layer_policies::remove;
    LambdaGetLayerVersionPolicy => layer_policies::get;
    LambdaPutFunctionEventInvokeConfig => event_config::put;
    LambdaUpdateFunctionEventInvokeConfig => event_config::update;
    LambdaGetFunctionEventInvokeConfig => event_config::get;
    LambdaListFunctionEventInvokeConfigs => event_config::list;
    LambdaDeleteFunctionEventInvokeConfig => event_config::delete;
    LambdaInvoke => invoke::invoke;
    LambdaInvokeAsync => invoke::invoke_async;
    LambdaInvokeWithResponseStream => streaming::invoke;
}
