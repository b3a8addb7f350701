//! BasePathMapping (rest-admin-api §3.16): a path of a domain, and the API behind it. Live, without a deployment.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::AwsError;

use crate::Document;
use crate::input::{Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// A mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BasePathMapping {
    /// One segment, or [`EMPTY`]; how the mapping is addressed.
    pub base_path: String,
    /// API.
    pub rest_api_id: String,
    /// Absent: the first segment of a request's path names the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
}

impl Document for BasePathMapping {
    const KIND: &'static str = "basepathmapping";
}

/// How an empty base path is stored, shown and addressed.
pub const EMPTY: &str = "(none)";

/// 404 of a mapping.
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid base path mapping identifier specified")
}

/// 400 of an API that a mapping names.
pub fn unknown_api() -> AwsError {
    AwsError::bad_request("Invalid REST API identifier specified")
}

/// 400 of a stage that a mapping names.
pub fn unknown_stage() -> AwsError {
    AwsError::bad_request("Invalid stage identifier specified")
}

/// 409 of a base path that is taken.
pub fn taken(base_path: &str) -> AwsError {
    match base_path {
        EMPTY => AwsError::conflict("Only one base path mapping is allowed if the base path is empty."),
        _ => AwsError::conflict("Base path already exists for this domain name"),
    }
}

/// 400 of an API that mappings point at.
pub fn api_in_use(api: &str, domains: &[String]) -> AwsError {
    AwsError::bad_request(format!(
        "Deleting RestApi {api} failed. Please remove all base path mappings related to the RestApi in your domains: {}",
        domains.join(", ")
    ))
}

/// A mapping from the body of CreateBasePathMapping. That the API and the stage exist is the caller's to check.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateBasePathMapping.
pub fn create(body: &Value) -> Result<BasePathMapping, AwsError> {
    let input = Members::of(body)?;
    let (base_path, api) = (input.text("basePath")?, input.text("restApiId")?);
    let mut constraints = Constraints::of("CreateBasePathMapping");
    constraints.required("restApiId", api.is_some());
    constraints.check()?;
    Ok(BasePathMapping {
        base_path: read_base_path(base_path.as_deref().unwrap_or_default())?,
        rest_api_id: api.unwrap_or_default(),
        stage: input.text("stage")?.filter(|stage| !stage.is_empty()),
    })
}

/// Beside letters and digits, what a base path may have; AWS's text for others is not known.
const ALLOWED: &str = "$-_.+!*'()";
const LONGEST: usize = 300;

fn read_base_path(text: &str) -> Result<String, AwsError> {
    if text.is_empty() || text == EMPTY {
        return Ok(EMPTY.to_owned());
    }
    if text.contains('/') {
        return Err(AwsError::bad_request(
            "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base \
             path mapping, use API Gateway V2.",
        ));
    }
    let fits = text.len() <= LONGEST && text.chars().all(|c| c.is_ascii_alphanumeric() || ALLOWED.contains(c));
    match fits {
        true => Ok(text.to_owned()),
        false => Err(AwsError::bad_request(format!(
            "Base path can have at most {LONGEST} letters, digits and the characters {ALLOWED}"
        ))),
    }
}

/// Applies UpdateBasePathMapping. A new base path changes where the mapping is found. That the API and the stage exist is
/// the caller's to check.
///
/// # Errors
/// rest-admin-api §2.5; the family is assumed.
pub fn patch(mapping: &BasePathMapping, operations: &[PatchOperation]) -> Result<BasePathMapping, AwsError> {
    patch::apply(mapping, operations, TABLE, Family::B, &())
}

const R: &[Op] = &[Op::Replace];

/// Clients send either casing (rest-admin-api §3.16).
const TABLE: &[Row<BasePathMapping>] = &[
    Row { path: "/basePath", ops: R, apply: set_base_path },
    Row { path: "/basepath", ops: R, apply: set_base_path },
    Row { path: "/restApiId", ops: R, apply: set_api },
    Row { path: "/restapiId", ops: R, apply: set_api },
    Row { path: "/stage", ops: R, apply: set_stage },
];

fn set_base_path(mapping: &mut BasePathMapping, change: &patch::Change<'_>, (): &()) -> Result<(), AwsError> {
    mapping.base_path = read_base_path(change.value.unwrap_or_default())?;
    Ok(())
}

fn set_api(mapping: &mut BasePathMapping, change: &patch::Change<'_>, (): &()) -> Result<(), AwsError> {
    mapping.rest_api_id = change.text().ok_or_else(unknown_api)?;
    Ok(())
}

fn set_stage(mapping: &mut BasePathMapping, change: &patch::Change<'_>, (): &()) -> Result<(), AwsError> {
    mapping.stage = change.text();
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn op(path: &str, value: &str) -> PatchOperation {
        PatchOperation { op: Op::Replace, path: Some(path.into()), value: Some(value.into()), from: None }
    }

    #[test]
    fn an_empty_base_path_is_none_rest_admin_3_16() {
        for body in [json!({ "restApiId": "a" }), json!({ "restApiId": "a", "basePath": "" })] {
            assert_eq!(
                serde_json::to_value(create(&body).unwrap()).unwrap(),
                json!({ "basePath": "(none)", "restApiId": "a" })
            );
        }
    }

    #[test]
    fn texts_of_mappings_are_aws_s_rest_admin_2_6() {
        let slash = create(&json!({ "restApiId": "a", "basePath": "a/b" })).unwrap_err();

        assert_eq!(
            slash.message(),
            "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path \
             mapping, use API Gateway V2."
        );
        assert_eq!(taken("v1").message(), "Base path already exists for this domain name");
        assert_eq!(taken(EMPTY).message(), "Only one base path mapping is allowed if the base path is empty.");
        assert_eq!(unknown().message(), "Invalid base path mapping identifier specified");
        assert_eq!(unknown_api().message(), "Invalid REST API identifier specified");
        assert_eq!(unknown_stage().message(), "Invalid stage identifier specified");
        assert_eq!(
            api_in_use("a", &["x.example".into(), "y.example".into()]).message(),
            "Deleting RestApi a failed. Please remove all base path mappings related to the RestApi in your domains: \
             x.example, y.example"
        );
    }

    #[test]
    fn both_casings_of_paths_are_patched_rest_admin_3_16() {
        let mapping = create(&json!({ "restApiId": "a", "basePath": "v1", "stage": "dev" })).unwrap();

        let one = patch(&mapping, &[op("/basePath", "v2"), op("/restApiId", "b"), op("/stage", "")]).unwrap();
        let other = patch(&mapping, &[op("/basepath", ""), op("/restapiId", "c")]).unwrap();

        assert_eq!((one.base_path.as_str(), one.rest_api_id.as_str(), one.stage), ("v2", "b", None));
        assert_eq!((other.base_path.as_str(), other.rest_api_id.as_str()), (EMPTY, "c"));
        assert!(patch(&mapping, &[op("/basePath", "a b")]).is_err() && patch(&mapping, &[op("/x", "")]).is_err());
    }
}
