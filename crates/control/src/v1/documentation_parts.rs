//! DocumentationPart operations (rest-admin-api §3.20).

use serde_json::{Value, json};
use stagecoach_base::AwsError;
use stagecoach_openapi as openapi;
use stagecoach_resources::reply;
use stagecoach_resources::v1::DocumentationPart;
use stagecoach_resources::v1::documentation::{self, Filter, part};
use stagecoach_wire::Reply;

use super::imports;
use super::items::{self, Item};
use crate::call::{Answer, Cx};
use crate::documents;

impl Item for DocumentationPart {
    const LABEL: &'static str = "part_id";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::value(self)
    }

    fn unknown(_: &Cx) -> AwsError {
        part::unknown()
    }
}

/// `POST …/documentation/parts`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let parsed = part::parse(&cx.body()?)?;
    let mut tx = cx.open().await?;
    let made = part::create(&tx.all().await?, parsed)?;
    items::add(tx, made).await
}

/// `GET …/documentation/parts`, by type, name, path and `locationStatus`.
pub(crate) async fn list(cx: Cx) -> Answer {
    let query = |name: &str| cx.call.query(name).map(str::to_owned);
    let filter =
        Filter { kind: query("type"), name: query("name"), path: query("path"), status: query("locationStatus") };
    filter.check()?;
    let undocumented = filter.wants_undocumented();
    let mut parts = match undocumented {
        true => without_content(&cx).await?,
        false => {
            cx.api().await?;
            documents::all::<DocumentationPart>(&cx.control.store, cx.api_id()).await?
        }
    };
    parts.retain(|part| filter.takes(part));
    let show = |part: &DocumentationPart| match undocumented {
        true => json!({ "location": part.location }),
        false => part.show(),
    };
    Ok(cx.page_of(parts, DocumentationPart::id)?.reply(DocumentationPart::id, show))
}

/// A part without content for each place that has none; its id serves for pages only.
async fn without_content(cx: &Cx) -> Result<Vec<DocumentationPart>, AwsError> {
    let whole = documents::whole(&cx.control.store, cx.account(), cx.api_id()).await?;
    let mut parts = Vec::new();
    for location in documentation::undocumented(&whole.tree) {
        parts.push(documentation::new(&parts, location, String::new()));
    }
    Ok(parts)
}

/// `PATCH …/documentation/parts/{part_id}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    items::update_in_api(cx, part::patch).await
}

/// `DELETE …/documentation/parts/{part_id}`. Here an unknown API is named as such [V a].
pub(crate) async fn delete(cx: Cx) -> Answer {
    let tx = cx.open().await?;
    items::remove(&cx, tx, |_: &DocumentationPart, _| Ok(())).await
}

/// `PUT …/documentation/parts`: the parts that a file lists, merged with those that are there or in place of them.
pub(crate) async fn import(cx: Cx) -> Answer {
    part::check_file(&cx.call.body)?;
    let mode = imports::mode(&cx)?;
    let (body, scope) = (cx.call.body.clone(), cx.control.scope.clone());
    let read = imports::offload(move || openapi::documentation::read(&body, &scope)).await?;
    if cx.call.flag("failonwarnings") && !read.warnings.is_empty() {
        let text = format!("Warnings found during import:\n\t{}", read.warnings.join("\n\t"));
        return Err(AwsError::bad_request(text));
    }
    let mut tx = cx.open().await?;
    let before: Vec<DocumentationPart> = tx.all().await?;
    let after = openapi::merge_parts(&before, &read.parts, mode);
    for gone in before.iter().filter(|part| after.iter().all(|kept| kept.id != part.id)) {
        tx.delete::<DocumentationPart>(&gone.id).await?;
    }
    for changed in after.iter().filter(|part| !before.contains(part)) {
        tx.put(&changed.id, changed).await?;
    }
    tx.commit().await?;
    let given = |part: &&DocumentationPart| read.parts.iter().any(|one| one.location == part.location);
    let mut shown = json!({ "ids": after.iter().filter(given).map(|part| &part.id).collect::<Vec<_>>() });
    if !read.warnings.is_empty() {
        shown["warnings"] = json!(read.warnings);
    }
    Ok(Reply::json(200, &shown))
}
