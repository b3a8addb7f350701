//! A function's settings: read from CreateFunction and UpdateFunctionConfiguration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::documents::{Cx, Outcome, check_revision, reply};
use super::layers;
use crate::Runtime;
use crate::errors::{self, LambdaError};
use crate::model::function::Settings;
use crate::runtime::ARCHITECTURES;

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

/// Numbers with their defaults and ranges [D].
const TIMEOUT: (u32, u64, u64) = (3, 1, 900);
const MEMORY: (u32, u64, u64) = (128, 128, 10_240);
const STORAGE: (u32, u64, u64) = (512, 512, 10_240);
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
    let mut settings = Settings { timeout: TIMEOUT.0, memory: MEMORY.0, ..Settings::default() };
    if body["Role"].is_null() {
        return Err(LambdaError::constraint("null", "role", "Member must not be null"));
    }
    change(&mut settings, body)?;
    Ok(settings)
}

/// Takes every member that was sent.
fn change(settings: &mut Settings, body: &Value) -> Result<(), LambdaError> {
    if let Some(runtime) = body["Runtime"].as_str() {
        Runtime::chosen(runtime)?;
        runtime.clone_into(&mut settings.runtime);
    }
    if let Some(role) = body["Role"].as_str() {
        role_like(role)?.clone_into(&mut settings.role);
    }
    for (member, longest, slot) in
        [("Handler", 128, &mut settings.handler), ("Description", 256, &mut settings.description)]
    {
        if let Some(text) = body[member].as_str() {
            text_within(&member.to_ascii_lowercase(), text, longest)?.clone_into(slot);
        }
    }
    if settings.handler.contains(char::is_whitespace) {
        let pattern = r"Member must satisfy regular expression pattern: [^\s]+";
        return Err(LambdaError::constraint(&settings.handler, "handler", pattern));
    }
    number(&mut settings.timeout, &body["Timeout"], "timeout", TIMEOUT)?;
    number(&mut settings.memory, &body["MemorySize"], "memorySize", MEMORY)?;
    number(&mut 0, &body["EphemeralStorage"]["Size"], "ephemeralStorage.size", STORAGE)?;
    architectures(&body["Architectures"])?;
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

fn role_like(role: &str) -> Result<&str, LambdaError> {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let fits = matches!(parts[..], ["arn", partition, "iam", "", account, name]
        if partition.starts_with("aws") && account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
            && name.strip_prefix("role/").is_some_and(|rest| !rest.is_empty()));
    if fits {
        return Ok(role);
    }
    let pattern = r"Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
    Err(LambdaError::constraint(role, "role", pattern))
}

pub(super) fn text_within<'a>(member: &str, text: &'a str, longest: usize) -> Result<&'a str, LambdaError> {
    if text.chars().count() <= longest {
        return Ok(text);
    }
    let constraint = format!("Member must have length less than or equal to {longest}");
    Err(LambdaError::constraint(text, member, &constraint))
}

fn number(slot: &mut u32, value: &Value, member: &str, range: (u32, u64, u64)) -> Result<(), LambdaError> {
    let (_, least, most) = range;
    if value.is_null() {
        return Ok(());
    }
    let sent = value.as_u64().unwrap_or(0);
    let constraint = match sent {
        low if low < least => format!("Member must have value greater than or equal to {least}"),
        high if high > most => format!("Member must have value less than or equal to {most}"),
        fits => {
            *slot = u32::try_from(fits).unwrap_or(u32::MAX);
            return Ok(());
        }
    };
    Err(LambdaError::constraint(&value.to_string(), member, &constraint))
}

fn variables(value: &Value) -> Result<BTreeMap<String, String>, LambdaError> {
    let mut variables = BTreeMap::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().filter(|text| !text.contains('\0') && is_variable(name));
        let text = text.ok_or_else(|| {
            let pattern = "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]";
            LambdaError::constraint(name, "environment.variables", pattern)
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

fn is_variable(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `Architectures`: one, and one that AWS has. What the code was built for is its owner's affair.
pub(super) fn architectures(value: &Value) -> Result<(), LambdaError> {
    let Some(list) = value.as_array() else { return Ok(()) };
    let names: Vec<&str> = list.iter().map(|name| name.as_str().unwrap_or_default()).collect();
    let constraint = match names[..] {
        [] => return Ok(()),
        [name] if ARCHITECTURES.contains(&name) => return Ok(()),
        [_] => format!(
            "Member must satisfy constraint: [Member must satisfy enum value set: [{}], Member must not be null]",
            ARCHITECTURES.join(", ")
        ),
        _ => "Member must have length less than or equal to 1".to_owned(),
    };
    Err(LambdaError::constraint(&format!("[{}]", names.join(", ")), "architectures", &constraint))
}

/// `PackageType`: zip packages only.
pub(super) fn package_type(body: &Value) -> Result<(), LambdaError> {
    match body["PackageType"].as_str() {
        None | Some("Zip") if body["Code"]["ImageUri"].is_null() => Ok(()),
        None | Some("Zip" | "Image") => Err(LambdaError::invalid(errors::NO_IMAGES)),
        Some(other) => {
            Err(LambdaError::constraint(other, "packageType", "Member must satisfy enum value set: [Image, Zip]"))
        }
    }
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
    change(&mut settings, &body)?;
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
