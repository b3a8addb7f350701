//! UpdateStage (rest-admin-api §3.11, §4.4): live settings, canary, promotion, rollback.
//!
//! AWS answers stages in a message family of their own: what no row has falls through to the method settings.

use stagecoach_base::AwsError;

use super::canary::{canary, copy, set_override, set_percent};
use super::create::check_variables;
use super::settings;
use super::{AccessLogSettings, Stage};
use crate::patch::{Op, PatchOperation, unescape};
use crate::v1::deployment::CACHE_SIZES;

type Done = Result<(), AwsError>;

/// Applies UpdateStage. `now_s` is epoch seconds.
///
/// # Errors
/// rest-admin-api §3.11 and §4.4.
pub fn patch(stage: &Stage, operations: &[PatchOperation], now_s: i64) -> Result<Stage, AwsError> {
    let mut copy = stage.clone();
    for operation in operations {
        apply(&mut copy, operation)?;
    }
    if !operations.is_empty() {
        copy.last_updated_date = now_s;
    }
    check_variables(&copy)?;
    Ok(copy)
}

fn apply(stage: &mut Stage, operation: &PatchOperation) -> Done {
    let path = operation.path.as_deref().unwrap_or("null");
    let value = operation.value.as_deref();
    match operation.op {
        Op::Copy => copy(stage, path, operation.from.as_deref()),
        Op::Replace => replace(stage, path, value),
        Op::Add if path.starts_with("/accessLogSettings") => access_log(stage, path, value),
        Op::Remove => remove(stage, path),
        op => Err(AwsError::bad_request(format!("Invalid {op} operation with path: {path}"))),
    }
}

/// A path that is replaced, and how.
struct Field {
    /// Exact path, or a prefix that ends in a slash and is followed by one key.
    path: &'static str,
    set: fn(&mut Stage, &str, Option<&str>) -> Done,
}

const FIELDS: &[Field] = &[
    Field {
        path: "/deploymentId",
        set: |s, _, v| {
            s.deployment_id = v.unwrap_or_default().into();
            Ok(())
        },
    },
    Field {
        path: "/description",
        set: |s, _, v| {
            s.description = text(v);
            Ok(())
        },
    },
    Field {
        path: "/cacheClusterEnabled",
        set: |s, _, v| {
            s.set_cache(Some(v == Some("true")), None);
            Ok(())
        },
    },
    Field {
        path: "/cacheClusterSize",
        set: |s, _, v| {
            let invalid = || {
                let sizes = CACHE_SIZES.join(", ");
                AwsError::bad_request(format!("Invalid cache cluster size specified. Must be one of: [{sizes}]"))
            };
            s.set_cache(None, Some(v.filter(|size| CACHE_SIZES.contains(size)).ok_or_else(invalid)?.to_owned()));
            Ok(())
        },
    },
    Field {
        path: "/tracingEnabled",
        set: |s, _, v| {
            s.tracing_enabled = v == Some("true");
            Ok(())
        },
    },
    Field {
        path: "/clientCertificateId",
        set: |s, _, v| {
            s.client_certificate_id = text(v);
            Ok(())
        },
    },
    Field {
        path: "/documentationVersion",
        set: |s, _, v| {
            s.documentation_version = text(v);
            Ok(())
        },
    },
    Field {
        path: "/variables/",
        set: |s, key, v| {
            set_variable(s, key, v);
            Ok(())
        },
    },
    Field {
        path: "/canarySettings/deploymentId",
        set: |s, _, v| {
            // An empty id names no deployment, which the caller finds out.
            canary(s).deployment_id = Some(v.unwrap_or_default().to_owned());
            Ok(())
        },
    },
    Field { path: "/canarySettings/percentTraffic", set: |s, _, v| set_percent(s, v) },
    Field {
        path: "/canarySettings/useStageCache",
        set: |s, _, v| {
            canary(s).use_stage_cache = v == Some("true");
            Ok(())
        },
    },
    Field {
        path: "/canarySettings/stageVariableOverrides/",
        set: |s, key, v| {
            set_override(s, key, v);
            Ok(())
        },
    },
];

fn text(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

fn replace(stage: &mut Stage, path: &str, value: Option<&str>) -> Done {
    if path.starts_with("/accessLogSettings") {
        return access_log(stage, path, value);
    }
    for field in FIELDS {
        let key = match field.path.ends_with('/') {
            true => path.strip_prefix(field.path).filter(|key| !key.is_empty() && !key.contains('/')),
            false => (path == field.path).then_some(""),
        };
        if let Some(key) = key {
            return (field.set)(stage, &unescape(key), value);
        }
    }
    settings::replace(&mut stage.method_settings, path, value)
}

fn set_variable(stage: &mut Stage, key: &str, value: Option<&str>) {
    stage.variables.get_or_insert_default().insert(key.to_owned(), value.unwrap_or_default().to_owned());
}

fn access_log(stage: &mut Stage, path: &str, value: Option<&str>) -> Done {
    let field: fn(&mut AccessLogSettings) -> &mut Option<String> = match path {
        "/accessLogSettings/destinationArn" => |log| &mut log.destination_arn,
        "/accessLogSettings/format" => |log| &mut log.format,
        _ => {
            return Err(AwsError::bad_request(
                "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, \
                 /accessLogSettings/format]",
            ));
        }
    };
    let value = text(value).ok_or_else(|| AwsError::bad_request("Access Log value must not be empty"))?;
    if path.ends_with("Arn") {
        check_destination(&value)?
    } else {
        check_format(&value)?
    }
    *field(stage.access_log_settings.get_or_insert_default()) = Some(value);
    Ok(())
}

/// The ARN of a log group as the console of logs shows it ends in `:*`, which AWS refuses here. Only the beginning of the
/// text is known [R CDKD].
fn check_destination(arn: &str) -> Done {
    match arn.chars().all(|c| c.is_ascii_alphanumeric() || "_-/.#:".contains(c)) {
        true => Ok(()),
        false => Err(AwsError::bad_request(
            "Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.', '#' and ':'.",
        )),
    }
}

/// One line that names the request (rest-data-plane §10.1). Both texts are field reports; AWS keeps variables that it does not
/// know.
fn check_format(format: &str) -> Done {
    let line = format.strip_suffix('\n').unwrap_or(format);
    if line.strip_suffix('\r').unwrap_or(line).contains(['\n', '\r']) {
        return Err(AwsError::bad_request(format!(
            "Access Log format must be single line, new line character is allowed only at end of the format: '{format}'"
        )));
    }
    let ids =
        ["$context.requestId", "$context.extendedRequestId", "${context.requestId}", "${context.extendedRequestId}"];
    match ids.iter().any(|id| format.contains(id)) {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!(
            "Access Log format must include either $context.requestId or $context.extendedRequestId : '{format}'"
        ))),
    }
}

fn remove(stage: &mut Stage, path: &str) -> Done {
    let variable = |path: &str, prefix: &str| path.strip_prefix(prefix).map(|key| unescape(key).into_owned());
    let removed = match path {
        "/canarySettings" => stage.canary_settings.take().is_some(),
        "/accessLogSettings" => stage.access_log_settings.take().is_some(),
        _ => match (variable(path, "/variables/"), variable(path, "/canarySettings/stageVariableOverrides/")) {
            (Some(key), _) => remove_entry(&mut stage.variables, &key),
            (_, Some(key)) => {
                let canary = stage.canary_settings.as_mut();
                canary.is_some_and(|canary| remove_entry(&mut canary.stage_variable_overrides, &key))
            }
            _ => stage.method_settings.remove(path.strip_prefix('/').unwrap_or(path)).is_some(),
        },
    };
    if removed { Ok(()) } else { Err(settings::nothing_to_remove(path)) }
}

fn remove_entry(map: &mut Option<std::collections::BTreeMap<String, String>>, key: &str) -> bool {
    let removed = map.as_mut().is_some_and(|map| map.remove(key).is_some());
    if map.as_ref().is_some_and(std::collections::BTreeMap::is_empty) {
        *map = None;
    }
    removed
}
