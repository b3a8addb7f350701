//! Aliases.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::documents::{self, Cx, Outcome, Read, check_revision, empty, reply};
use crate::errors::{self, LambdaError};
use crate::model::name::function_arn;
use crate::model::{Alias, Function, Target, kinds};

/// CreateAlias.
pub(super) async fn create(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    let name = body["Name"].as_str().unwrap_or_default();
    let mut write = cx.write(&target.name).await?;
    let function = cx.function(&mut write, &target).await?;
    if cx.alias(&mut write, &target.name, name).await?.is_some() {
        return Err(LambdaError::conflict(format!("Alias already exists: {}", arn(cx, &target, name))));
    }
    let mut alias = Alias {
        name: name.to_owned(),
        version: String::new(),
        description: String::new(),
        weights: BTreeMap::new(),
        revision_id: String::new(),
    };
    change(cx, &mut write, &function, &mut alias, body).await?;
    write.insert(&kinds::doc(kinds::alias(&target.name, name), &target.name, &alias)?).await?;
    write.commit().await?;
    Ok(reply(cx, &shape(cx, &target, &alias)))
}

/// UpdateAlias.
pub(super) async fn update(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    let mut write = cx.write(&target.name).await?;
    let function = cx.function(&mut write, &target).await?;
    let mut alias = named(cx, &mut write, &target).await?;
    check_revision(body["RevisionId"].as_str(), &alias.revision_id)?;
    change(cx, &mut write, &function, &mut alias, body).await?;
    write.put(&kinds::doc(kinds::alias(&target.name, &alias.name), &target.name, &alias)?).await?;
    write.commit().await?;
    cx.functions.follow().await;
    Ok(reply(cx, &shape(cx, &target, &alias)))
}

/// GetAlias.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    cx.function(&mut cx.store(), &target).await?;
    let alias = named(cx, &mut cx.store(), &target).await?;
    Ok(reply(cx, &shape(cx, &target, &alias)))
}

/// DeleteAlias: of an alias that is not there, too.
pub(super) async fn delete(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let mut write = cx.write(&target.name).await?;
    cx.function(&mut write, &target).await?;
    let name = cx.call.label("Name");
    write.delete(&kinds::alias(&target.name, name)).await?;
    write.delete(&kinds::policy(&target.name, Some(name))).await?;
    write.delete(&kinds::provisioned(&target.name, name)).await?;
    write.delete(&kinds::event_config(&target.name, Some(name))).await?;
    write.commit().await?;
    cx.functions.follow().await;
    Ok(empty(cx))
}

/// ListAliases, or those that point to `FunctionVersion`.
pub(super) async fn list(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let (after, limit) = cx.page()?;
    cx.function(&mut cx.store(), &target).await?;
    let mut docs = cx.store().list(kinds::ALIAS, &target.name, after.as_deref(), limit + 1).await?;
    let next = documents::cut(&mut docs, limit);
    let version = cx.call.query("FunctionVersion").filter(|version| !version.is_empty());
    let mut shapes = Vec::new();
    for doc in &docs {
        let alias: Alias = kinds::body(doc)?;
        if version.is_none_or(|version| alias.version == version || alias.weights.contains_key(version)) {
            shapes.push(shape(cx, &target, &alias));
        }
    }
    Ok(reply(cx, &json!({ "Aliases": shapes, "NextMarker": next })))
}

/// The alias of the path.
async fn named(cx: &Cx<'_>, from: &mut impl Read, target: &Target) -> Result<Alias, LambdaError> {
    let name = cx.call.label("Name");
    let found = cx.alias(from, &target.name, name).await?;
    found.ok_or_else(|| LambdaError::not_found(format!("Cannot find alias arn: {}", arn(cx, target, name))))
}

fn arn(cx: &Cx<'_>, target: &Target, name: &str) -> String {
    format!("{}:{name}", function_arn(cx.scope(), &target.name))
}

fn shape(cx: &Cx<'_>, target: &Target, alias: &Alias) -> Value {
    let mut shape = Map::new();
    shape.insert("AliasArn".into(), arn(cx, target, &alias.name).into());
    shape.insert("Name".into(), alias.name.as_str().into());
    shape.insert("FunctionVersion".into(), alias.version.as_str().into());
    shape.insert("Description".into(), alias.description.as_str().into());
    if !alias.weights.is_empty() {
        shape.insert("RoutingConfig".into(), json!({ "AdditionalVersionWeights": alias.weights }));
    }
    shape.insert("RevisionId".into(), alias.revision_id.as_str().into());
    Value::Object(shape)
}

/// Takes every member that was sent, and checks the result as a whole.
async fn change(
    cx: &Cx<'_>,
    from: &mut impl Read,
    function: &Function,
    alias: &mut Alias,
    body: &Value,
) -> Result<(), LambdaError> {
    if let Some(version) = body["FunctionVersion"].as_str() {
        version.clone_into(&mut alias.version);
    }
    if let Some(description) = body["Description"].as_str() {
        description.clone_into(&mut alias.description);
    }
    if body["RoutingConfig"].is_object() {
        alias.weights = weights(&body["RoutingConfig"]["AdditionalVersionWeights"])?;
    }
    cx.version(from, function, &alias.version).await?;
    for version in alias.weights.keys() {
        if *version == alias.version {
            return Err(LambdaError::invalid(format!(
                "Invalid function version {version}. Function version {version} is already included in routing configuration."
            )));
        }
        if alias.version == "$LATEST" {
            return Err(LambdaError::invalid(errors::LATEST_WEIGHTED));
        }
        cx.version(from, function, version).await?;
    }
    alias.revision_id = cx.functions.new_id();
    Ok(())
}

fn weights(asked: &Value) -> Result<BTreeMap<String, f64>, LambdaError> {
    let Some(asked) = asked.as_object() else { return Ok(BTreeMap::new()) };
    if asked.len() > 1 {
        return Err(LambdaError::invalid(errors::TOO_MANY_WEIGHTS));
    }
    let mut weights = BTreeMap::new();
    for (version, weight) in asked {
        weights.insert(version.clone(), weight.as_f64().unwrap_or_default());
    }
    Ok(weights)
}
