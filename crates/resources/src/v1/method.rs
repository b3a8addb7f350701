//! Method: the aggregate of a verb, its responses and its integration (rest-admin-api §3.3, §3.4).

#[cfg(test)]
mod tests;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::verb::InvalidVerb;
use stagecoach_base::{AwsError, Verb};

use super::{Authorizer, Integration, Model, RequestValidator};
use crate::Document;
use crate::input::{self, Constraints, Members};

pub use update::patch;

/// A verb on a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Method {
    /// GET … ANY.
    pub http_method: String,
    /// NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS, JWT.
    pub authorization_type: String,
    /// Only with a type that takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorizer_id: Option<String>,
    /// Needs a key of a usage plan.
    pub api_key_required: bool,
    /// Validator id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_validator_id: Option<String>,
    /// For SDK generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<String>,
    /// `method.request.{location}.{name}` → required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_parameters: Option<BTreeMap<String, bool>>,
    /// Content type → model name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_models: Option<BTreeMap<String, String>>,
    /// By status code; absent until the first one is put.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub method_responses: BTreeMap<String, MethodResponse>,
    /// Absent until put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method_integration: Option<Integration>,
    /// OAuth scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_scopes: Vec<String>,
}

/// A declared response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodResponse {
    /// Three digits.
    pub status_code: String,
    /// `method.response.header.{name}` → required; `{}` sent is `{}` returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_parameters: Option<BTreeMap<String, bool>>,
    /// Content type → model name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_models: Option<BTreeMap<String, String>>,
}

impl Document for Method {
    const KIND: &'static str = "method";
}

/// What a method may refer to.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Authorizers of the API.
    pub authorizers: Vec<Authorizer>,
    /// Request validators of the API.
    pub validators: Vec<RequestValidator>,
    /// Models of the API.
    pub models: Vec<Model>,
}

const LOCATIONS: [&str; 5] = ["path", "querystring", "header", "multivaluequerystring", "multivalueheader"];

/// Reads the body of PutMethod. What it refers to is for [`put`], once the resource is found.
///
/// # Errors
/// `SerializationException` or `ValidationException`.
pub fn parse(verb: &str, body: &Value) -> Result<Method, AwsError> {
    let input = Members::of(body)?;
    let kind = input.text("authorizationType")?;
    let mut constraints = Constraints::of("PutMethod");
    constraints.required("authorizationType", kind.is_some());
    let made = Method {
        http_method: verb.to_owned(),
        authorization_type: kind.unwrap_or_default().to_ascii_uppercase(),
        authorizer_id: input.text("authorizerId")?,
        api_key_required: input.flag("apiKeyRequired")?.unwrap_or_default(),
        request_validator_id: input.text("requestValidatorId")?.filter(|id| !id.is_empty()),
        operation_name: input.text("operationName")?,
        request_parameters: input.map("requestParameters", input::flag)?,
        request_models: input.map("requestModels", input::text)?,
        method_responses: BTreeMap::new(),
        method_integration: None,
        authorization_scopes: input.texts("authorizationScopes")?.unwrap_or_default(),
    };
    constraints.check()?;
    Ok(made)
}

/// Checks a new method against what it refers to.
///
/// # Errors
/// rest-admin-api §2.6, rows of PutMethod.
pub fn put(method: Method, parts: &Parts) -> Result<Method, AwsError> {
    method.http_method.parse::<Verb>().map_err(|invalid: InvalidVerb| AwsError::bad_request(invalid.to_string()))?;
    settle(method, parts)
}

/// Checks the final state, and drops an authorizer id that the type takes no notice of [V a].
fn settle(mut method: Method, parts: &Parts) -> Result<Method, AwsError> {
    check_authorizer(&method, parts)?;
    if !takes_authorizer(&method.authorization_type) {
        method.authorizer_id = None;
    }
    if let Some(id) = &method.request_validator_id {
        let known = parts.validators.iter().any(|validator| validator.id == *id);
        known.then_some(()).ok_or_else(|| AwsError::bad_request("Invalid Request Validator identifier specified"))?;
    }
    let models = method.request_models.iter().flat_map(BTreeMap::values);
    models.into_iter().try_for_each(|name| check_model(&parts.models, name))?;
    check_parameters(method.request_parameters.as_ref())?;
    Ok(method)
}

/// A model that a method names must be there [V a].
pub(crate) fn check_model(models: &[Model], name: &str) -> Result<(), AwsError> {
    match models.iter().any(|model| model.name == name) {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!("Invalid model identifier specified: {name}"))),
    }
}

fn takes_authorizer(kind: &str) -> bool {
    matches!(kind, "CUSTOM" | "COGNITO_USER_POOLS" | "JWT")
}

/// Which authorizers an authorization type takes.
const AUTHORIZER_KINDS: [(&str, &str); 4] =
    [("CUSTOM", "TOKEN"), ("CUSTOM", "REQUEST"), ("COGNITO_USER_POOLS", "COGNITO_USER_POOLS"), ("JWT", "JWT")];

fn check_authorizer(method: &Method, parts: &Parts) -> Result<(), AwsError> {
    let fits = |kind: &str| AUTHORIZER_KINDS.contains(&(method.authorization_type.as_str(), kind));
    let known = |id: &str| parts.authorizers.iter().any(|authorizer| authorizer.id == id && fits(&authorizer.kind));
    match method.authorization_type.as_str() {
        "NONE" | "AWS_IAM" => Ok(()),
        kind if takes_authorizer(kind) && method.authorizer_id.as_deref().is_some_and(known) => Ok(()),
        kind if takes_authorizer(kind) => Err(AwsError::bad_request(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a \
             valid authorizer.",
        )),
        kind => Err(AwsError::bad_request(format!(
            "Invalid Authorization type specified: {kind}. Valid options are \
             NONE,AWS_IAM,CUSTOM,COGNITO_USER_POOLS,JWT"
        ))),
    }
}

/// AWS's wrapper around mapping expression problems [V a].
pub(crate) fn invalid_expression(text: &str) -> AwsError {
    AwsError::bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [{text}]"
    ))
}

/// What a mapping puts into a parameter: a literal in single quotes, a part of the message under `message`, a variable of
/// the context or of the stage.
pub(crate) fn check_expression(expression: &str, message: &str) -> Result<(), AwsError> {
    let literal = expression.len() >= 2 && expression.starts_with('\'') && expression.ends_with('\'');
    let known = [message, "context.", "stageVariables."].iter().any(|prefix| expression.starts_with(prefix));
    match literal || known {
        true => Ok(()),
        false => Err(invalid_expression(&format!("Invalid mapping expression specified: {expression}"))),
    }
}

pub(crate) fn is_parameter_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._$-".contains(c))
}

/// Keys of `requestParameters`: a location AWS knows, and no name twice.
///
/// # Errors
/// 400 with AWS's texts.
pub fn check_parameters(parameters: Option<&BTreeMap<String, bool>>) -> Result<(), AwsError> {
    let mut names = Vec::new();
    for key in parameters.into_iter().flat_map(BTreeMap::keys) {
        let parts = key.strip_prefix("method.request.").and_then(|rest| rest.split_once('.'));
        let fits = |(location, name): &(&str, &str)| LOCATIONS.contains(location) && is_parameter_name(name);
        let Some((_, name)) = parts.filter(fits) else {
            return Err(invalid_expression(&format!("Invalid mapping expression specified: {key}")));
        };
        if names.contains(&name) {
            return Err(AwsError::bad_request("Parameter names must be unique across querystring, header and path"));
        }
        names.push(name);
    }
    Ok(())
}

impl Method {
    /// An open method without responses and integration.
    pub fn new(verb: Verb) -> Self {
        Self {
            http_method: verb.to_string(),
            authorization_type: "NONE".into(),
            authorizer_id: None,
            api_key_required: false,
            request_validator_id: None,
            operation_name: None,
            request_parameters: None,
            request_models: None,
            method_responses: BTreeMap::new(),
            method_integration: None,
            authorization_scopes: Vec::new(),
        }
    }

    /// Adds a request model, when there is one to name.
    pub fn add_request_model(&mut self, media_type: &str, model: Option<&str>) {
        if let Some(model) = model {
            self.request_models.get_or_insert_default().insert(media_type.to_owned(), model.to_owned());
        }
    }
}
