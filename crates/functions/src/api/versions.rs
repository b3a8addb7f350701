//! Published versions.

use serde_json::{Value, json};
use stagecoach_store::Write;

use super::documents::{self, ALL, Cx, Outcome, check_revision, reply};
use crate::errors::LambdaError;
use crate::model::function::{self, Function, Version};
use crate::model::name::function_arn;
use crate::model::{Alias, kinds};

/// PublishVersion.
pub(super) async fn publish(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    let mut write = cx.write(&target.name).await?;
    let mut function = cx.function(&mut write, &target).await?;
    check_revision(body["RevisionId"].as_str(), &function.latest.revision_id)?;
    let current = function::sha256(&function.latest.code);
    if let Some(asked) = body["CodeSha256"].as_str().filter(|asked| !asked.is_empty() && *asked != current) {
        return Err(LambdaError::invalid(format!(
            "CodeSHA256 ({asked}) is different from current CodeSHA256 in $LATEST ({current}). \
             Please try again with the CodeSHA256 in $LATEST."
        )));
    }
    let version = make(cx, &mut write, &mut function, body["Description"].as_str()).await?;
    cx.save(&mut write, &function).await?;
    write.commit().await?;
    Ok(reply(cx, &version.shape(&target.name, cx.scope(), true)))
}

/// Publishes `$LATEST`. While neither code nor settings changed since the last time, that version is the answer [D].
pub(super) async fn make(
    cx: &Cx<'_>,
    write: &mut Write,
    function: &mut Function,
    description: Option<&str>,
) -> Result<Version, LambdaError> {
    if let Some((number, generation)) = function.published
        && generation == function.latest.generation
        && let Some(doc) = write.get(&kinds::version(&function.name, number)).await?
    {
        return Ok(kinds::body(&doc)?);
    }
    let number = function.next_version;
    let mut version = function.latest.clone();
    version.version = number.to_string();
    version.revision_id = cx.functions.new_id();
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        description.clone_into(&mut version.settings.description);
    }
    write.insert(&kinds::doc(kinds::version(&function.name, number), &function.name, &version)?).await?;
    function.published = Some((number, function.latest.generation));
    function.next_version += 1;
    function.latest.revision_id = cx.functions.new_id();
    Ok(version)
}

/// ListVersionsByFunction: `$LATEST` first.
pub(super) async fn list(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let (after, limit) = cx.page()?;
    let function = cx.function(&mut cx.store(), &target).await?;
    let mut docs = cx.store().list(kinds::VERSION, &target.name, after.as_deref(), limit + 1).await?;
    let mut shapes = Vec::new();
    let mut room = limit;
    if after.is_none() {
        shapes.push(function.latest.shape(&target.name, cx.scope(), true));
        room = limit.saturating_sub(1).max(1);
    }
    let next = documents::cut(&mut docs, room);
    for doc in &docs {
        shapes.push(kinds::body::<Version>(doc)?.shape(&target.name, cx.scope(), true));
    }
    Ok(reply(cx, &json!({ "Versions": shapes, "NextMarker": next })))
}

/// The configurations of all published versions.
pub(super) async fn published(cx: &Cx<'_>, function: &Function) -> Result<Vec<Value>, LambdaError> {
    let docs = cx.store().list(kinds::VERSION, &function.name, None, ALL).await?;
    let shape = |doc| Ok(kinds::body::<Version>(doc)?.shape(&function.name, cx.scope(), true));
    docs.iter().map(shape).collect()
}

/// Removes one version, unless an alias points to it.
pub(super) async fn delete(
    cx: &Cx<'_>,
    write: &mut Write,
    function: &Function,
    number: &str,
) -> Result<(), LambdaError> {
    let aliases = write.list(kinds::ALIAS, &function.name, None, ALL).await?;
    let aliases: Vec<Alias> = aliases.iter().map(kinds::body).collect::<Result<_, _>>()?;
    let holds = |alias: &&Alias| alias.version == number || alias.weights.contains_key(number);
    let holders: Vec<&str> = aliases.iter().filter(holds).map(|alias| alias.name.as_str()).collect();
    if !holders.is_empty() {
        let holders = holders.join(", ");
        return Err(LambdaError::conflict(format!(
            "Unable to delete version because the following aliases reference it: [{holders}]"
        )));
    }
    let version = cx.version(write, function, number).await;
    let Ok(version) = version else {
        return Err(LambdaError::no_function(&format!("{}:{number}", function_arn(cx.scope(), &function.name))));
    };
    write.delete(&kinds::version(&function.name, version.version.parse().unwrap_or_default())).await?;
    write.delete(&kinds::policy(&function.name, Some(number))).await?;
    write.delete(&kinds::provisioned(&function.name, number)).await?;
    Ok(())
}
