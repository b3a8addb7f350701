//! UpdateStage (rest-admin-api §3.11, §4.4): live settings, canary, promotion, rollback.
//!
//! AWS answers stages in a message family of their own: what no row has falls through to the method settings.

use stagecoach_base::AwsError;

use super::create::{check_variables, merge};
use super::settings;
use super::{AccessLogSettings, CanarySettings, Stage};
use crate::patch::{Op, PatchOperation, unescape};
use crate::v1::deployment::check_percent;

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
            s.set_cache(None, text(v));
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
            canary(s).deployment_id = text(v);
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

/// The canary; the first touch creates it on the stage's own deployment [V k].
fn canary(stage: &mut Stage) -> &mut CanarySettings {
    let deployment_id = Some(stage.deployment_id.clone());
    stage.canary_settings.get_or_insert(CanarySettings {
        percent_traffic: 0.0,
        deployment_id,
        stage_variable_overrides: None,
        use_stage_cache: false,
    })
}

fn set_percent(stage: &mut Stage, value: Option<&str>) -> Done {
    let percent = value.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN);
    canary(stage).percent_traffic = check_percent(percent)?;
    Ok(())
}

fn set_variable(stage: &mut Stage, key: &str, value: Option<&str>) {
    stage.variables.get_or_insert_default().insert(key.to_owned(), value.unwrap_or_default().to_owned());
}

fn set_override(stage: &mut Stage, key: &str, value: Option<&str>) {
    let overrides = canary(stage).stage_variable_overrides.get_or_insert_default();
    overrides.insert(key.to_owned(), value.unwrap_or_default().to_owned());
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
        check_destination(&value)?;
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

const CANARY_ID: &str = "/canarySettings/deploymentId";
const CANARY_OVERRIDES: &str = "/canarySettings/stageVariableOverrides";

/// Promotion: no generic JSON Patch copy, but two pairs of paths (rest-admin-api §4.4).
fn copy(stage: &mut Stage, path: &str, from: Option<&str>) -> Done {
    let known = matches!(path, "/deploymentId" | "/variables") && matches!(from, Some(CANARY_ID | CANARY_OVERRIDES));
    if !known {
        return Err(AwsError::bad_request(format!(
            "Invalid copy operation with path: {path} and from {}. Valid copy:path are [/deploymentId, /variables] and \
             valid copy:from are [{CANARY_ID}, {CANARY_OVERRIDES}]",
            from.unwrap_or("null")
        )));
    }
    let missing = || AwsError::bad_request("Promotion not available. Canary does not exist.");
    let canary = stage.canary_settings.clone().ok_or_else(missing)?;
    if path == "/deploymentId" {
        if let Some(id) = canary.deployment_id {
            stage.deployment_id = id;
        }
    } else {
        merge(&mut stage.variables, &canary.stage_variable_overrides.unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(op: Op, path: &str, value: &str) -> PatchOperation {
        PatchOperation { op, path: Some(path.into()), value: Some(value.into()), from: None }
    }

    fn stage() -> Stage {
        Stage::new("dev", "d1".into(), 1)
    }

    #[test]
    fn a_promotion_moves_the_stage_and_keeps_the_canary() {
        let copy = |from: &str, path: &str| PatchOperation {
            op: Op::Copy,
            path: Some(path.into()),
            value: None,
            from: Some(from.into()),
        };
        let canary = [
            op(Op::Replace, "/canarySettings/deploymentId", "d2"),
            op(Op::Replace, "/canarySettings/percentTraffic", "10.0"),
            op(Op::Replace, "/canarySettings/stageVariableOverrides/a", "2"),
        ];
        let promotion = [
            op(Op::Replace, "/canarySettings/percentTraffic", "0.0"),
            copy(CANARY_ID, "/deploymentId"),
            copy(CANARY_OVERRIDES, "/variables"),
        ];

        let with_canary = patch(&stage(), &canary, 2).unwrap();
        let promoted = patch(&with_canary, &promotion, 3).unwrap();

        assert_eq!(promoted.deployment_id, "d2");
        assert_eq!(promoted.variables.unwrap()["a"], "2");
        assert!(promoted.canary_settings.is_some_and(|canary| canary.percent_traffic == 0.0));
    }

    #[test]
    fn a_promotion_without_a_canary_is_refused() {
        let copy = PatchOperation {
            op: Op::Copy,
            path: Some("/deploymentId".into()),
            value: None,
            from: Some(CANARY_ID.into()),
        };

        let error = patch(&stage(), &[copy], 2).unwrap_err();

        assert_eq!(error.message(), "Promotion not available. Canary does not exist.");
    }

    #[test]
    fn method_settings_start_from_the_wildcard_and_are_removed_whole() {
        let wildcard = op(Op::Replace, "/*/*/caching/enabled", "true");
        let own = op(Op::Replace, "/~1pets/GET/throttling/burstLimit", "7");

        let changed = patch(&stage(), &[wildcard, own], 2).unwrap();
        let leaf = patch(&changed, &[op(Op::Remove, "/~1pets/GET/throttling/burstLimit", "")], 3).unwrap_err();
        let removed = patch(&changed, &[op(Op::Remove, "/~1pets/GET", "")], 3).unwrap();

        let setting = &changed.method_settings["~1pets/GET"];
        assert!(setting.caching_enabled && setting.throttling_burst_limit == 7);
        assert_eq!(
            leaf.message(),
            "Cannot remove method setting ~1pets/GET/throttling/burstLimit because there is no method setting for this \
             method "
        );
        assert_eq!(removed.method_settings.len(), 1);
    }

    #[test]
    fn a_failing_operation_changes_nothing_and_names_its_path() {
        let error = patch(&stage(), &[op(Op::Replace, "/tags/x", "1")], 2).unwrap_err();
        let added = patch(&stage(), &[op(Op::Add, "/canarySettings/percentTraffic", "1")], 2).unwrap_err();

        assert!(error.message().starts_with("Invalid method setting path: /tags/x. Must be one of: [/deploymentId"));
        assert_eq!(added.message(), "Invalid add operation with path: /canarySettings/percentTraffic");
    }
}
