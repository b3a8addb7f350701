//! RequestValidator operations (rest-admin-api §3.8).

use serde_json::Value;
use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{RequestValidator, request_validator};

use super::items::{self, Item};
use crate::call::{Answer, Cx};

impl Item for RequestValidator {
    const LABEL: &'static str = "requestvalidator_id";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::value(self)
    }

    fn unknown(_: &Cx) -> AwsError {
        request_validator::unknown()
    }
}

/// `POST …/requestvalidators`. An unknown API is a 400 here [V a].
pub(crate) async fn create(cx: Cx) -> Answer {
    let parsed = request_validator::parse(&cx.body()?)?;
    let mut tx = cx.open_or(request_validator::unknown_api).await?;
    let made = request_validator::create(parsed, &tx.all().await?)?;
    items::add(tx, made).await
}

/// `PATCH …/requestvalidators/{requestvalidator_id}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    items::update_among(cx, request_validator::patch).await
}

/// `DELETE …/requestvalidators/{requestvalidator_id}`: refused while a method uses it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let tx = cx.open_or(request_validator::unknown).await?;
    items::remove(&cx, tx, request_validator::check_unused).await
}
