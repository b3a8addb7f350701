//! Authorizer operations (rest-admin-api §3.9).

use serde_json::Value;
use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{Authorizer, authorizer};

use super::items::{self, Item};
use crate::call::{Answer, Cx};

impl Item for Authorizer {
    const LABEL: &'static str = "authorizer_id";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::value(self)
    }

    fn unknown(_: &Cx) -> AwsError {
        authorizer::unknown()
    }
}

/// `POST …/authorizers`. An unknown API is a 409 here [V a].
pub(crate) async fn create(cx: Cx) -> Answer {
    let parsed = authorizer::parse(&cx.body()?)?;
    let mut tx = cx.open_or(authorizer::unknown_api).await?;
    let made = authorizer::create(parsed, &tx.all().await?)?;
    items::add(tx, made).await
}

/// `PATCH …/authorizers/{authorizer_id}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    items::update_among(cx, authorizer::patch).await
}

/// `DELETE …/authorizers/{authorizer_id}`: refused while a method uses it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let tx = cx.open_or(authorizer::unknown).await?;
    items::remove(&cx, tx, authorizer::check_unused).await
}
