//! UpdateIntegration (rest-admin-api §3.5).

use stagecoach_base::AwsError;

use super::check::{check_expressions, check_passthrough, check_transfer_mode};
use super::{CONNECTIONS, Ceilings, Integration, TlsConfig, settle};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};
use crate::v1::integration_response::set_handling;

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;
type Done = Result<(), AwsError>;

const TABLE: &[Row<Integration>] = &[
    Row { path: "/uri", ops: &[R], apply: |i, c, ()| not_mock(i, |i| i.uri = c.text()) },
    Row { path: "/httpMethod", ops: &[R], apply: |i, c, ()| not_mock(i, |i| i.http_method = c.text()) },
    Row {
        path: "/cacheNamespace",
        ops: &[R],
        apply: |i, c, ()| {
            i.cache_namespace = c.text().unwrap_or_default();
            Ok(())
        },
    },
    Row {
        path: "/connectionId",
        ops: &[R],
        apply: |i, c, ()| {
            i.connection_id = c.text();
            Ok(())
        },
    },
    Row { path: "/connectionType", ops: &[R], apply: |i, c, ()| set_connection(i, c) },
    Row { path: "/contentHandling", ops: &[R], apply: |i, c, ()| set_handling(&mut i.content_handling, c) },
    Row {
        path: "/credentials",
        ops: &[R],
        apply: |i, c, ()| {
            i.credentials = c.text();
            Ok(())
        },
    },
    Row {
        path: "/integrationTarget",
        ops: &[R],
        apply: |i, c, ()| {
            i.integration_target = c.text();
            Ok(())
        },
    },
    Row { path: "/passthroughBehavior", ops: &[R], apply: |i, c, ()| set_passthrough(i, c) },
    Row {
        path: "/responseTransferMode",
        ops: &[R],
        apply: |i, c, ()| {
            i.response_transfer_mode = Some(check_transfer_mode(c.value.unwrap_or_default())?);
            Ok(())
        },
    },
    Row {
        path: "/timeoutInMillis",
        ops: &[R],
        apply: |i, c, ()| {
            // What is no number is refused with those out of range, by `settle`.
            i.timeout_in_millis = c.value.and_then(|value| value.parse().ok()).unwrap_or_default();
            Ok(())
        },
    },
    Row {
        path: "/tlsConfig/insecureSkipVerification",
        ops: &[R],
        apply: |i, c, ()| {
            i.tls_config = Some(TlsConfig { insecure_skip_verification: c.flag() });
            Ok(())
        },
    },
    Row {
        path: "/cacheKeyParameters/{}",
        ops: &[A, R, D],
        apply: |i, c, ()| {
            change_cache_keys(i, c);
            Ok(())
        },
    },
    Row {
        path: "/requestParameters/{}",
        ops: &[A, R, D],
        apply: |i, c, ()| {
            let expression = c.value.unwrap_or_default().to_owned();
            c.entry(&mut i.request_parameters, expression, "Invalid parameter name specified")
        },
    },
    Row {
        path: "/requestTemplates/{}",
        ops: &[A, R, D],
        apply: |i, c, ()| c.entry(&mut i.request_templates, c.text(), "Content-Type specified was not found"),
    },
];

fn not_mock(integration: &mut Integration, set: impl FnOnce(&mut Integration)) -> Done {
    if integration.kind != "MOCK" {
        set(integration);
    }
    Ok(())
}

fn set_connection(integration: &mut Integration, change: &Change<'_>) -> Done {
    let invalid = || AwsError::bad_request("Invalid ConnectionType specified. Valid options are INTERNET,VPC_LINK");
    let kind = change.value.filter(|value| CONNECTIONS.contains(value)).ok_or_else(invalid)?;
    integration.connection_type = Some(kind.to_owned());
    Ok(())
}

fn set_passthrough(integration: &mut Integration, change: &Change<'_>) -> Done {
    integration.passthrough_behavior = check_passthrough(change.value.unwrap_or_default())?;
    Ok(())
}

fn change_cache_keys(integration: &mut Integration, change: &Change<'_>) {
    integration.cache_key_parameters.retain(|known| known != change.key);
    if change.op != D {
        integration.cache_key_parameters.push(change.key.to_owned());
    }
}

/// Applies UpdateIntegration.
///
/// # Errors
/// As of [`settle`], and the patch family's texts.
pub fn patch(
    integration: &Integration,
    operations: &[PatchOperation],
    ceilings: Ceilings,
) -> Result<Integration, AwsError> {
    let changed = settle(patch::apply(integration, operations, TABLE, Family::B, &())?, ceilings)?;
    if changed.request_parameters != integration.request_parameters {
        check_expressions(&changed)?;
    }
    Ok(changed)
}
