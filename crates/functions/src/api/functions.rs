//! Functions and their code.

use serde_json::{Map, Value, json};
use stagecoach_store::StoreError;

use super::documents::{self, Cx, Outcome, check_revision, reply};
use super::{code, layers, settings, tags, versions};
use crate::errors::{self, LambdaError};
use crate::model::function::{Function, Version};
use crate::model::name::is_number;
use crate::model::{Target, kinds};

/// CreateFunction.
pub(super) async fn create(cx: &Cx<'_>) -> Outcome {
    let body = cx.body()?;
    let target = Target::parse(body["FunctionName"].as_str().unwrap_or_default(), None, cx.scope())?;
    let mut settings = settings::created(body)?;
    let tags = tags::read(&body["Tags"])?;
    let source = code::source(&body["Code"])?;
    if cx.store().get(&kinds::function(&target.name)).await?.is_some() {
        return Err(exists(&target));
    }
    settings.layers = layers::attached(cx, &body["Layers"]).await?.unwrap_or_default();
    let blob = code::keep(cx, source).await?;
    layers::fit(cx, &blob.digest(), &settings.layers).await?;
    let mut write = cx.write(&target.name).await?;
    let latest = Version {
        version: "$LATEST".into(),
        settings,
        code: blob.digest(),
        code_size: blob.size(),
        modified: cx.now,
        revision_id: cx.functions.new_id(),
        generation: write.revision(),
    };
    let (name, published, reserved) = (target.name.clone(), None, None);
    let mut function = Function { name, latest, next_version: 1, published, reserved, tags };
    code::put(&mut write, &blob).await?;
    let doc = kinds::doc(kinds::function(&target.name), &target.name, &function)?;
    write.insert(&doc).await.map_err(|error| match error {
        StoreError::Exists(_) => exists(&target),
        other => other.into(),
    })?;
    let mut shape = finish(cx, &mut write, &mut function, body["Publish"] == true).await?;
    // Also of a version: Zappa goes on with this ARN where only the function's own will do.
    shape["FunctionArn"] = target.function_arn(cx.scope()).into();
    write.commit().await?;
    Ok(reply(cx, &shape))
}

fn exists(target: &Target) -> LambdaError {
    LambdaError::conflict(format!("Function already exist: {}", target.name))
}

/// Publishes if asked; answers the configuration of what was made.
async fn finish(
    cx: &Cx<'_>,
    write: &mut stagecoach_store::Write,
    function: &mut Function,
    publish: bool,
) -> Result<Value, LambdaError> {
    if !publish {
        return Ok(function.latest.shape(&function.name, cx.scope(), false));
    }
    let version = versions::make(cx, write, function, None).await?;
    cx.save(write, function).await?;
    Ok(version.shape(&function.name, cx.scope(), true))
}

/// UpdateFunctionCode.
pub(super) async fn update_code(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    if body["ImageUri"].is_string() {
        return Err(LambdaError::invalid(errors::NO_IMAGES));
    }
    let source = code::source(body)?;
    let before = cx.function(&mut cx.store(), &target).await?;
    let blob = code::keep(cx, source).await?;
    layers::fit(cx, &blob.digest(), &before.latest.settings.layers).await?;
    let mut write = cx.write(&target.name).await?;
    let mut function = cx.function(&mut write, &target).await?;
    check_revision(body["RevisionId"].as_str(), &function.latest.revision_id)?;
    let latest = &mut function.latest;
    if latest.code != blob.digest() {
        (latest.code, latest.code_size, latest.generation) = (blob.digest(), blob.size(), write.revision());
    }
    if let Some(named) = body.get("Architectures").filter(|named| named.is_array()) {
        latest.settings.shown.insert("Architectures".into(), named.clone());
    }
    latest.modified = cx.now;
    if body["DryRun"] == true {
        return Ok(reply(cx, &latest.shape(&target.name, cx.scope(), false)));
    }
    latest.revision_id = cx.functions.new_id();
    code::put(&mut write, &blob).await?;
    cx.save(&mut write, &function).await?;
    let shape = finish(cx, &mut write, &mut function, body["Publish"] == true).await?;
    write.commit().await?;
    Ok(reply(cx, &shape))
}

/// GetFunction.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let (function, version) = cx.resolve(&mut cx.store(), &target).await?;
    let mut shape = Map::new();
    shape.insert("Configuration".into(), configuration(cx, &target, &version));
    let mut code = json!({ "RepositoryType": "S3" });
    if let Some(location) = cx.functions.location(&cx.origin, &version.code).await? {
        code["Location"] = location.into();
    }
    shape.insert("Code".into(), code);
    if !function.tags.is_empty() {
        shape.insert("Tags".into(), json!(function.tags));
    }
    if let Some(reserved) = function.reserved {
        shape.insert("Concurrency".into(), json!({ "ReservedConcurrentExecutions": reserved }));
    }
    Ok(reply(cx, &Value::Object(shape)))
}

/// GetFunctionConfiguration.
pub(super) async fn get_configuration(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let (_, version) = cx.resolve(&mut cx.store(), &target).await?;
    Ok(reply(cx, &configuration(cx, &target, &version)))
}

/// The configuration with the ARN as it was asked for: an alias stays an alias.
fn configuration(cx: &Cx<'_>, target: &Target, version: &Version) -> Value {
    let mut shape = version.shape(&target.name, cx.scope(), false);
    shape["FunctionArn"] = target.arn(cx.scope()).into();
    shape
}

/// ListFunctions; with `FunctionVersion=ALL` the published versions, too.
pub(super) async fn list(cx: &Cx<'_>) -> Outcome {
    if cx.call.query("FunctionVersion") == Some("ALL") {
        return versions::list_all(cx).await;
    }
    let (after, limit) = cx.page()?;
    let mut docs = cx.store().list(kinds::FUNCTION, "", after.as_deref(), limit + 1).await?;
    let next = documents::cut(&mut docs, limit);
    let shape = |function: Function| function.latest.shape(&function.name, cx.scope(), false);
    let shapes: Result<Vec<Value>, StoreError> = docs.iter().map(|doc| kinds::body(doc).map(shape)).collect();
    Ok(reply(cx, &json!({ "Functions": shapes?, "NextMarker": next })))
}

/// DeleteFunction: all of it, or one version.
pub(super) async fn delete(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let mut write = cx.write(&target.name).await?;
    let function = cx.function(&mut write, &target).await?;
    match target.qualifier.as_deref() {
        None => {
            write.delete_tree(&kinds::root(&target.name)).await?;
            write.drop_events(&target.name).await?;
            write.commit().await?;
            cx.functions.parts.invoker.retire(&target.function_arn(cx.scope())).await;
            cx.functions.follow().await;
        }
        Some("$LATEST") => return Err(LambdaError::invalid(errors::LATEST_DELETED)),
        Some(number) if is_number(number) => {
            versions::delete(cx, &mut write, &function, number).await?;
            write.commit().await?;
            cx.functions.follow().await;
        }
        Some(_) => return Err(LambdaError::invalid("Deletion of aliases is not currently supported.")),
    }
    Ok(stagecoach_wire::Reply::empty(204).into())
}

/// GetFunctionCodeSigningConfig: there is none; Terraform reads it of every function.
pub(super) async fn code_signing(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    cx.function(&mut cx.store(), &target).await?;
    Ok(reply(cx, &json!({ "FunctionName": target.name })))
}
