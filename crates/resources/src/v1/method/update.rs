//! UpdateMethod (rest-admin-api §3.3).

use stagecoach_base::AwsError;

use super::{Method, Parts, settle};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;

const TABLE: &[Row<Method>] = &[
    Row {
        path: "/authorizationType",
        ops: &[R],
        apply: |m, c, ()| {
            m.authorization_type = c.value.unwrap_or_default().to_ascii_uppercase();
            Ok(())
        },
    },
    Row {
        path: "/authorizerId",
        ops: &[R],
        apply: |m, c, ()| {
            m.authorizer_id = c.text();
            Ok(())
        },
    },
    Row {
        path: "/apiKeyRequired",
        ops: &[R],
        apply: |m, c, ()| {
            m.api_key_required = c.flag();
            Ok(())
        },
    },
    Row {
        path: "/operationName",
        ops: &[R],
        apply: |m, c, ()| {
            m.operation_name = c.text();
            Ok(())
        },
    },
    Row {
        path: "/requestValidatorId",
        ops: &[R],
        apply: |m, c, ()| {
            m.request_validator_id = c.text();
            Ok(())
        },
    },
    Row {
        path: "/authorizationScopes",
        ops: &[A, D],
        apply: |m, c, ()| {
            change_scopes(m, c);
            Ok(())
        },
    },
    Row {
        path: "/requestParameters/{}",
        ops: &[A, R, D],
        apply: |m, c, ()| c.entry(&mut m.request_parameters, c.flag(), "Invalid parameter name specified"),
    },
    Row {
        path: "/requestModels/{}",
        ops: &[A, R, D],
        apply: |m, c, ()| {
            c.entry(
                &mut m.request_models,
                c.value.unwrap_or_default().to_owned(),
                "Content-Type specified was not found",
            )
        },
    },
];

fn change_scopes(method: &mut Method, change: &Change<'_>) {
    let scope = change.value.unwrap_or_default();
    method.authorization_scopes.retain(|known| known != scope);
    if change.op == A && !scope.is_empty() {
        method.authorization_scopes.push(scope.to_owned());
    }
}

/// Applies UpdateMethod; the final state is what is checked, so operations may come in any order [V a].
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateMethod.
pub fn patch(method: &Method, operations: &[PatchOperation], parts: &Parts) -> Result<Method, AwsError> {
    settle(patch::apply(method, operations, TABLE, Family::B, &())?, parts)
}
