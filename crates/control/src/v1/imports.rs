//! ImportRestApi and PutRestApi (rest-admin-api §5.1): the whole definition in one transaction.

use stagecoach_base::{AwsError, id};
use stagecoach_openapi::{self as openapi, Definition, Imported, Mode, NewApi, ReadOptions};
use stagecoach_resources::ApiTree;
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::{DocumentationVersion, Model, RestApi};
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::{documents, failure};

/// `POST /restapis?mode=import`.
pub(crate) async fn import(cx: Cx) -> Answer {
    let Imported { definition, warnings } = read(&cx, Vec::new()).await?;
    let entropy = cx.control.entropy.as_ref();
    let new = NewApi {
        id: id::random(entropy, id::API_ID_LEN),
        root_id: id::random(entropy, id::API_ID_LEN),
        now_s: cx.at.seconds(),
        endpoint_types: endpoint_types(&cx),
        scope: cx.control.scope.clone(),
    };
    let version = version(&definition).map(str::to_owned);
    let tree = offload(move || openapi::import(&definition, new)).await?;
    cx.control.quotas.resources(tree.resources.len())?;
    let mut docs = documents::scatter(&tree)?;
    if let Some(version) = version {
        let made = documented(&cx, &tree, version);
        docs.push(documents::doc(&tree.api.id, &made.version, &made)?);
    }
    let mut write = cx.write().await?;
    cx.control.quotas.another_api(&mut write).await?;
    write.insert_many(&docs).await.map_err(failure::store)?;
    write.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::rest_api(&RestApi { warnings, ..tree.api }, ReplyKind::Create)))
}

/// `PUT /restapis/{restapi_id}`: merge (the default) or overwrite.
pub(crate) async fn put(cx: Cx) -> Answer {
    let mode = mode(&cx)?;
    let known = match mode {
        Mode::Merge => documents::all::<Model>(&cx.control.store, cx.api_id()).await?,
        Mode::Overwrite => Vec::new(),
    };
    let known = known.into_iter().map(|model| model.name).collect();
    let Imported { definition, warnings } = read(&cx, known).await?;
    let version = version(&definition).map(str::to_owned);
    let mut tx = cx.open().await?;
    let existing = tx.whole().await?;
    let scope = cx.control.scope.clone();
    let tree = offload(move || openapi::merge(&definition, &existing, mode, &scope)).await?;
    cx.control.quotas.resources(tree.resources.len())?;
    let before = tx.api.clone();
    tx.replace_definition(&tree).await?;
    cx.control.publisher.refresh_stages(&mut tx, &before).await?;
    if let Some(version) = version {
        // A version is a snapshot: one that is there already stays as it is.
        if tx.get::<DocumentationVersion>(&version).await?.is_none() {
            let made = documented(&cx, &tree, version);
            tx.put(&made.version, &made).await?;
        }
    }
    tx.commit().await?;
    Ok(Reply::json(200, &reply::rest_api(&RestApi { warnings, ..tree.api }, ReplyKind::Single)))
}

/// `mode=`: merge unless asked otherwise.
pub(crate) fn mode(cx: &Cx) -> Result<Mode, AwsError> {
    match cx.call.query("mode") {
        None | Some("merge") => Ok(Mode::Merge),
        Some("overwrite") => Ok(Mode::Overwrite),
        Some(other) => Err(AwsError::bad_request(format!("Invalid mode {other}. Must be one of: [merge, overwrite]"))),
    }
}

/// The documentation version that a file names.
fn version(definition: &Definition) -> Option<&str> {
    definition.documentation.as_ref()?.version.as_deref()
}

fn documented(cx: &Cx, tree: &ApiTree, version: String) -> DocumentationVersion {
    let parts = tree.documentation_parts.clone();
    DocumentationVersion { version, created_date: cx.at.seconds(), description: None, parts }
}

/// Runs work on a whole definition where it does not hold up other calls.
pub(crate) async fn offload<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AwsError> + Send + 'static,
) -> Result<T, AwsError> {
    tokio::task::spawn_blocking(work).await.map_err(failure::unexpected)?
}

async fn read(cx: &Cx, known_models: Vec<String>) -> Result<Imported, AwsError> {
    let options = ReadOptions {
        scope: cx.control.scope.clone(),
        basepath: openapi::BasePath::parse(cx.call.query("basepath"))?,
        fail_on_warnings: cx.call.flag("failonwarnings"),
        ignore_documentation: cx.call.query("ignore") == Some("documentation"),
        known_models,
        ceilings: cx.control.ceilings,
    };
    let body = cx.call.body.clone();
    offload(move || openapi::read(&body, &options)).await
}

fn endpoint_types(cx: &Cx) -> Vec<String> {
    cx.call.query_all("endpointConfigurationTypes").flat_map(|value| value.split(',')).map(str::to_owned).collect()
}
