//! What AWS does not tell: who changed what, and how two deployments differ.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use stagecoach_base::{AwsError, Revision, UnixMillis};
use stagecoach_resources::v1::Deployment;
use stagecoach_resources::{ApiTree, diff, errors};
use stagecoach_store::{AuditRow, ChangeRow};
use stagecoach_wire::page;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::native::Failure;
use crate::{Control, documents, failure};

type Words = Query<HashMap<String, String>>;

/// `GET /_stagecoach/v1/changes?api=&limit=&position=`: every committed write, oldest first, with the documents it
/// touched. `api` takes the id of an API, plan, key or domain name.
pub(crate) async fn changes(State(control): State<Arc<Control>>, Query(words): Words) -> Result<Response, Failure> {
    let limit = limit(words.get("limit"))?;
    let after = words.get("position").map_or(Ok(0), |text| position(text))?;
    let root = words.get("api").map(|id| documents::clean(id));
    let mut rows = control.store.audit_since(after, root.as_deref(), limit + 1).await.map_err(failure::store)?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let (first, last) = (rows.first().map_or(0, |row| row.revision), rows.last().map_or(0, |row| row.revision));
    let documents = control.store.changes_between(first, last).await.map_err(failure::store)?;
    let item: Vec<Value> = rows.iter().map(|row| shown(row, &documents)).collect();
    let mut body = json!({ "item": item });
    if more {
        body["position"] = last.to_string().into();
    }
    Ok(Json(body).into_response())
}

fn limit(text: Option<&String>) -> Result<u32, AwsError> {
    let bad =
        |text: &String| AwsError::bad_request(format!("limit={text} is no number between 1 and {}", page::LARGEST));
    let parse =
        |text: &String| text.parse().ok().filter(|limit| (1..=page::LARGEST).contains(limit)).ok_or_else(|| bad(text));
    text.map_or(Ok(page::DEFAULT), parse)
}

/// The revision after which a page begins.
fn position(text: &str) -> Result<Revision, AwsError> {
    text.parse().map_err(|_| AwsError::bad_request(format!("position={text} is no position that this list gave out")))
}

fn shown(row: &AuditRow, documents: &[ChangeRow]) -> Value {
    let own = documents.iter().filter(|change| change.revision == row.revision);
    let document = |change: &ChangeRow| json!({ "kind": change.key.kind, "parent": change.key.parent, "id": change.key.id, "change": change.verb });
    json!({
        "revision": row.revision, "at": date(UnixMillis(row.at)), "actor": row.author.actor,
        "operation": row.author.operation, "target": row.author.target, "requestId": row.author.request_id,
        "documents": own.map(document).collect::<Vec<_>>(),
    })
}

fn date(at: UnixMillis) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// What `from` and `to` say for the definition as it is edited now.
const DRAFT: &str = "draft";

/// `GET /_stagecoach/v1/apis/{id}/diff?from=&to=`: how two deployments differ, or a deployment and the `draft`. JSON, or
/// text for people with `Accept: text/plain`.
pub(crate) async fn difference(
    State(control): State<Arc<Control>>,
    Path(api): Path<String>,
    Query(words): Words,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let wanted = |name: &str| {
        let missing = || AwsError::bad_request(format!("Say {name}=DEPLOYMENT: the id of a deployment, or {DRAFT}"));
        words.get(name).ok_or_else(missing)
    };
    let (from, to) = (wanted("from")?, wanted("to")?);
    documents::api(&control.store, &control.scope.account, &api).await?;
    let before = definition(&control, &api, from).await?;
    let after = definition(&control, &api, to).await?;
    let differences = diff::diff(&before, &after);
    let plain = headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"text/plain"));
    if plain {
        return Ok(diff::text(&differences).into_response());
    }
    Ok(Json(json!({ "from": from, "to": to, "same": differences.is_empty(), "differences": differences }))
        .into_response())
}

async fn definition(control: &Control, api: &str, id: &str) -> Result<ApiTree, AwsError> {
    if id == DRAFT {
        return Ok(documents::whole(&control.store, &control.scope.account, api).await?.tree);
    }
    let found: Option<Deployment> = documents::get(&control.store, api, id).await?;
    deployed(control, &found.ok_or_else(errors::unknown_deployment)?).await
}

/// The documents as they were deployed.
pub(crate) async fn deployed(control: &Control, deployment: &Deployment) -> Result<ApiTree, AwsError> {
    let bytes = control.store.blob(&deployment.definition).await.map_err(failure::store)?;
    let bytes = bytes.ok_or_else(|| failure::unexpected("a deployment's definition is missing from the store"))?;
    serde_json::from_slice(&bytes).map_err(failure::unexpected)
}
