//! A function's settings: read from CreateFunction and UpdateFunctionConfiguration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::documents::{Cx, Outcome, check_revision, reply};
use super::layers;
use crate::Runtime;
use crate::errors::{self, Code, LambdaError};
use crate::model::function::Settings;

/// Members that are kept and shown.
const SHOWN: [&str; 9] = [
    "Architectures",
    "DeadLetterConfig",
    "EphemeralStorage",
    "FileSystemConfigs",
    "KMSKeyArn",
    "LoggingConfig",
    "SnapStart",
    "TracingConfig",
    "VpcConfig",
];

/// Defaults [D]: seconds, MiB.
const TIMEOUT: u32 = 3;
const MEMORY: u32 = 128;
/// Bytes of all variables at most [D], measured as JSON.
const LARGEST_ENVIRONMENT: usize = 4096;
/// Variables that the host sets (dependencies §3.3).
const RESERVED: [&str; 19] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// The settings of a new function.
pub(super) fn created(body: &Value) -> Result<Settings, LambdaError> {
    package_type(body)?;
    if body["Runtime"].is_null() || body["Handler"].is_null() {
        return Err(LambdaError::invalid(errors::RUNTIME_AND_HANDLER));
    }
    let mut settings = Settings { timeout: TIMEOUT, memory: MEMORY, ..Settings::default() };
    change(&mut settings, body)?;
    Ok(settings)
}

/// Takes every member that was sent.
fn change(settings: &mut Settings, body: &Value) -> Result<(), LambdaError> {
    if let Some(runtime) = body["Runtime"].as_str() {
        Runtime::chosen(runtime)?;
        runtime.clone_into(&mut settings.runtime);
    }
    for (member, slot) in
        [("Role", &mut settings.role), ("Handler", &mut settings.handler), ("Description", &mut settings.description)]
    {
        if let Some(text) = body[member].as_str() {
            text.clone_into(slot);
        }
    }
    for (member, slot) in [("Timeout", &mut settings.timeout), ("MemorySize", &mut settings.memory)] {
        if let Some(number) = body[member].as_u64().and_then(|number| u32::try_from(number).ok()) {
            *slot = number;
        }
    }
    if let Some(environment) = body.get("Environment").filter(|environment| environment.is_object()) {
        settings.variables = Some(variables(&environment["Variables"])?);
    }
    show(&mut settings.shown, body);
    Ok(())
}

fn show(shown: &mut Map<String, Value>, body: &Value) {
    for member in SHOWN {
        match body.get(member).filter(|value| !value.is_null()) {
            Some(value) if says_nothing(value) => drop(shown.remove(member)),
            Some(value) => drop(shown.insert(member.into(), value.clone())),
            None => {}
        }
    }
}

/// Whether a value takes back what was set before: Terraform and Zappa send empty texts and lists for that.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
    }
}

fn variables(value: &Value) -> Result<BTreeMap<String, String>, LambdaError> {
    let mut variables = BTreeMap::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| {
            LambdaError::new(Code::Serialization, format!("The variable {name} is not a text without NUL characters."))
        })?;
        variables.insert(name.clone(), text.to_owned());
    }
    let taken: Vec<&str> = variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !taken.is_empty() {
        return Err(LambdaError::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided \
             contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            taken.join(", ")
        )));
    }
    let measured = json!(variables).to_string();
    if measured.len() > LARGEST_ENVIRONMENT {
        return Err(LambdaError::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided \
             exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(variables)
}

/// Zip packages only.
pub(super) fn package_type(body: &Value) -> Result<(), LambdaError> {
    if body["PackageType"] == "Image" || !body["Code"]["ImageUri"].is_null() {
        return Err(LambdaError::invalid(errors::NO_IMAGES));
    }
    Ok(())
}

/// UpdateFunctionConfiguration.
pub(super) async fn update(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    let before = cx.function(&mut cx.store(), &target).await?;
    let layers = layers::attached(cx, &body["Layers"]).await?;
    if let Some(layers) = &layers {
        layers::fit(cx, &before.latest.code, layers).await?;
    }
    let mut write = cx.write(&target.name).await?;
    let mut function = cx.function(&mut write, &target).await?;
    check_revision(body["RevisionId"].as_str(), &function.latest.revision_id)?;
    let mut settings = function.latest.settings.clone();
    change(&mut settings, body)?;
    settings.layers = layers.unwrap_or(settings.layers);
    let latest = &mut function.latest;
    if latest.settings != settings {
        // Environments go on while nothing that they are made of changes.
        (latest.settings, latest.generation) = (settings, write.revision());
    }
    (latest.modified, latest.revision_id) = (cx.now, cx.functions.new_id());
    cx.save(&mut write, &function).await?;
    write.commit().await?;
    Ok(reply(cx, &function.latest.shape(&target.name, cx.scope(), false)))
}
