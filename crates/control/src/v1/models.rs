//! Model operations (rest-admin-api §3.7).

use serde_json::{Value, json};
use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{Model, model};
use stagecoach_wire::Reply;

use super::items::{self, Item};
use crate::call::{Answer, Cx};
use crate::documents;

impl Item for Model {
    const LABEL: &'static str = "model_name";

    #[expect(clippy::misnamed_getters, reason = "models are addressed by name")]
    fn id(&self) -> &str {
        &self.name
    }

    fn show(&self) -> Value {
        reply::value(self)
    }

    fn unknown(cx: &Cx) -> AwsError {
        model::unknown(cx.label(Self::LABEL))
    }
}

/// `POST …/models`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let parsed = model::parse(&cx.body()?)?;
    let mut tx = cx.open().await?;
    let made = model::create(parsed, &tx.all().await?, cx.api_id())?;
    items::add(tx, made).await
}

/// `GET …/models/{model_name}`, with `flatten=true`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let found = items::read::<Model>(&cx, cx.api_id()).await?;
    if !cx.call.flag("flatten") {
        return Ok(Reply::json(200, &found.show()));
    }
    let schema = model::flatten(&found, &siblings(&cx).await?, cx.api_id());
    Ok(Reply::json(200, &Model { schema, ..found }.show()))
}

/// `GET …/models/{model_name}/default_template`.
pub(crate) async fn template(cx: Cx) -> Answer {
    let found = items::read::<Model>(&cx, cx.api_id()).await?;
    let made = model::template(&found, &siblings(&cx).await?, cx.api_id());
    Ok(Reply::json(200, &json!({ "value": made })))
}

async fn siblings(cx: &Cx) -> Result<Vec<Model>, AwsError> {
    documents::all(&cx.control.store, cx.api_id()).await
}

/// `PATCH …/models/{model_name}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let api_id = cx.api_id().to_owned();
    items::update_among(cx, |found: &Model, all, operations| {
        model::patch(found, operations, &model::Scope { all: all.to_vec(), api_id })
    })
    .await
}

/// `DELETE …/models/{model_name}`: refused while a method's request uses it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let tx = cx.open_or(|| Model::unknown(&cx)).await?;
    items::remove(&cx, tx, |found: &Model, tree| model::check_unused(&found.name, tree)).await
}
