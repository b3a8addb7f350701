//! UpdateRestApi (rest-admin-api §3.1).

use stagecoach_base::{AwsError, Scope};

use super::{
    ACCESS_MODES, COMPRESSION, ENDPOINT_TYPES, IP_TYPES, KEY_SOURCES, RestApi, SECURITY_POLICIES, check_endpoint,
    compression,
};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};
use crate::policy;

/// Applies UpdateRestApi.
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateRestApi.
pub fn patch(api: &RestApi, operations: &[PatchOperation], scope: &Scope) -> Result<RestApi, AwsError> {
    let changed = patch::apply(api, operations, TABLE, Family::B, scope)?;
    // An import may have left what a call could not; it is no reason to refuse the change of a name.
    if changed.endpoint_configuration != api.endpoint_configuration {
        check_endpoint(&changed.endpoint_configuration)?;
    }
    Ok(changed)
}

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;
type Done = Result<(), AwsError>;

const TABLE: &[Row<RestApi, Scope>] = &[
    Row { path: "/name", ops: &[R], apply: |api, change, _| set_name(api, change) },
    Row {
        path: "/description",
        ops: &[A, R, D],
        apply: |api, change, _| {
            api.description = change.text();
            Ok(())
        },
    },
    Row { path: "/policy", ops: &[R], apply: set_policy },
    Row { path: "/apiKeySource", ops: &[R], apply: |api, change, _| set_key_source(api, change) },
    Row {
        path: "/disableExecuteApiEndpoint",
        ops: &[R],
        apply: |api, change, _| {
            api.disable_execute_api_endpoint = change.flag();
            Ok(())
        },
    },
    Row {
        path: "/securityPolicy",
        ops: &[R],
        apply: |api, change, _| {
            api.security_policy = Some(listed(change, "securityPolicy", &SECURITY_POLICIES)?);
            Ok(())
        },
    },
    Row {
        path: "/endpointAccessMode",
        ops: &[R],
        apply: |api, change, _| {
            api.endpoint_access_mode = Some(listed(change, "endpointAccessMode", &ACCESS_MODES)?);
            Ok(())
        },
    },
    Row { path: "/minimumCompressionSize", ops: &[R], apply: |api, change, _| set_compression(api, change) },
    Row { path: "/binaryMediaTypes/{}", ops: &[A, R, D], apply: |api, change, _| change_media_types(api, change) },
    // AWS refuses add and remove with a text of their own, which the row's function gives.
    Row { path: "/endpointConfiguration/types/{}", ops: &[A, R, D], apply: |api, change, _| set_type(api, change) },
    Row { path: "/endpointConfiguration/ipAddressType", ops: &[R], apply: |api, change, _| set_ip_type(api, change) },
    Row { path: "/endpointConfiguration/vpcEndpointIds", ops: &[A, D], apply: |api, change, _| vpc_ids(api, change) },
    Row {
        path: "/endpointConfiguration/vpcEndpointIds/{}",
        ops: &[A, D],
        apply: |api, change, _| vpc_ids(api, change),
    },
];

/// A value out of a closed set. AWS's text is not known.
fn listed(change: &Change<'_>, name: &str, set: &[&str]) -> Result<String, AwsError> {
    let invalid = || AwsError::bad_request(format!("Invalid {name} specified. Valid options are {}", set.join(",")));
    change.value.filter(|value| set.contains(value)).map(str::to_owned).ok_or_else(invalid)
}

fn set_name(api: &mut RestApi, change: &Change<'_>) -> Done {
    api.name = change.text().ok_or_else(|| AwsError::bad_request("Name cannot be empty"))?;
    Ok(())
}

fn set_policy(api: &mut RestApi, change: &Change<'_>, scope: &Scope) -> Done {
    api.policy = change.text().map(|text| policy::normalise(&text, &api.id, scope)).transpose()?;
    Ok(())
}

fn set_key_source(api: &mut RestApi, change: &Change<'_>) -> Done {
    let source = change.value.filter(|value| KEY_SOURCES.contains(value));
    let invalid = || AwsError::bad_request("Invalid ApiKeySource specified. Valid options are HEADER,AUTHORIZER");
    api.api_key_source = source.ok_or_else(invalid)?.to_owned();
    Ok(())
}

/// No value, or an empty one, switches compression off [V a, CH, ZP].
fn set_compression(api: &mut RestApi, change: &Change<'_>) -> Done {
    let number = |text: String| text.parse().map_err(|_| AwsError::bad_request(COMPRESSION)).and_then(compression);
    api.minimum_compression_size = change.text().map(number).transpose()?;
    Ok(())
}

/// Replace removes the key and appends the value [V a].
fn change_media_types(api: &mut RestApi, change: &Change<'_>) -> Done {
    let types = &mut api.binary_media_types;
    types.retain(|known| known != change.key);
    match change.op {
        Op::Remove => {}
        Op::Replace => types.push(change.text().unwrap_or_else(|| change.key.to_owned())),
        _ => types.push(change.key.to_owned()),
    }
    Ok(())
}

fn set_type(api: &mut RestApi, change: &Change<'_>) -> Done {
    if change.op != Op::Replace {
        return Err(AwsError::bad_request("Invalid patch operation specified. Must be 'add'|'remove'|'replace'"));
    }
    let invalid = || AwsError::bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
    let kind = change.value.filter(|value| ENDPOINT_TYPES.contains(value)).ok_or_else(invalid)?;
    api.endpoint_configuration.types = vec![kind.to_owned()];
    if kind == "PRIVATE" {
        api.endpoint_configuration.ip_address_type = "dualstack".into();
    }
    Ok(())
}

fn set_ip_type(api: &mut RestApi, change: &Change<'_>) -> Done {
    let invalid = || AwsError::bad_request("ipAddressType must be either ipv4 or dualstack.");
    api.endpoint_configuration.ip_address_type =
        change.value.filter(|value| IP_TYPES.contains(value)).ok_or_else(invalid)?.to_owned();
    Ok(())
}

/// Terraform sends the id as the value, without a key in the path.
fn vpc_ids(api: &mut RestApi, change: &Change<'_>) -> Done {
    let id = if change.key.is_empty() { change.value.unwrap_or_default() } else { change.key };
    let ids = &mut api.endpoint_configuration.vpc_endpoint_ids;
    ids.retain(|known| known != id);
    if change.op == Op::Add && !id.is_empty() {
        ids.push(id.to_owned());
    }
    Ok(())
}
