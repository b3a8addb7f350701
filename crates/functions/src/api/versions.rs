//! Published versions.

use serde_json::{Value, json};
use stagecoach_store::Write;
use stagecoach_wire::page;

use super::documents::{ALL, Cx, Outcome, check_revision, reply};
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
    let mut versions = some(cx, &function, after.as_deref(), limit + 1).await?;
    let next = cut(&mut versions, limit).map(|last| page::encode(&id(last)));
    let shapes: Vec<Value> = versions.iter().map(|version| version.shape(&target.name, cx.scope(), true)).collect();
    Ok(reply(cx, &json!({ "Versions": shapes, "NextMarker": next })))
}

/// ListFunctions of all versions: the functions by name, each with its versions as [`list`] has them.
pub(super) async fn list_all(cx: &Cx<'_>) -> Outcome {
    let (marker, limit) = cx.page()?;
    let (name, mut after) = match marker.as_deref().and_then(|marker| marker.split_once(':')) {
        Some((name, version)) => (Some(name.to_owned()), Some(version.to_owned())),
        None => (marker.clone(), None),
    };
    let mut docs = Vec::new();
    if let Some(name) = &name {
        docs.extend(cx.store().get(&kinds::function(name)).await?);
    }
    docs.extend(cx.store().list(kinds::FUNCTION, "", name.as_deref(), limit + 1).await?);
    let mut all: Vec<(String, Version)> = Vec::new();
    for doc in &docs {
        let function: Function = kinds::body(doc)?;
        // The rest of the function that the page before ended in.
        let after = after.take().filter(|_| name.as_ref() == Some(&function.name));
        let room = (limit + 1).saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
        let versions = some(cx, &function, after.as_deref(), room).await?;
        all.extend(versions.into_iter().map(|version| (function.name.clone(), version)));
    }
    let next = cut(&mut all, limit).map(|(name, version)| page::encode(&format!("{name}:{}", id(version))));
    let shapes: Vec<Value> = all.iter().map(|(name, version)| version.shape(name, cx.scope(), true)).collect();
    Ok(reply(cx, &json!({ "Functions": shapes, "NextMarker": next })))
}

/// At most `most` versions after the id `after`: `$LATEST`, then the published ones.
async fn some(cx: &Cx<'_>, function: &Function, after: Option<&str>, most: u32) -> Result<Vec<Version>, LambdaError> {
    let mut versions = Vec::new();
    if after.is_none() && most > 0 {
        versions.push(function.latest.clone());
    }
    let published = after.filter(|id| *id != LATEST);
    let room = most.saturating_sub(u32::try_from(versions.len()).unwrap_or(u32::MAX));
    for doc in &cx.store().list(kinds::VERSION, &function.name, published, room).await? {
        versions.push(kinds::body(doc)?);
    }
    Ok(versions)
}

const LATEST: &str = "$LATEST";

/// Where a version is in a list: `$LATEST`, or the id of its document.
fn id(version: &Version) -> String {
    match version.version.parse() {
        Ok(number) => kinds::version("", number).id,
        Err(_) => LATEST.to_owned(),
    }
}

/// Cuts a list that was read with one more than `limit`; answers its last item if there was more.
fn cut<T>(items: &mut Vec<T>, limit: u32) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    items.last().filter(|_| more)
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
    write.delete(&kinds::event_config(&function.name, Some(number))).await?;
    Ok(())
}
