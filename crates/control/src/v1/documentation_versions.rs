//! DocumentationVersion operations (rest-admin-api §3.20).

use serde_json::Value;
use stagecoach_base::AwsError;
use stagecoach_resources::errors;
use stagecoach_resources::v1::documentation::version;
use stagecoach_resources::v1::{DocumentationVersion, Stage};
use stagecoach_wire::Reply;

use super::items::{self, Item};
use crate::call::{Answer, Cx};

impl Item for DocumentationVersion {
    const LABEL: &'static str = "doc_version";

    fn id(&self) -> &str {
        &self.version
    }

    fn show(&self) -> Value {
        version::shown(self)
    }

    fn unknown(_: &Cx) -> AwsError {
        version::unknown()
    }
}

/// `POST …/documentation/versions`: freezes the parts; with `stageName` the stage shows them from now on.
pub(crate) async fn create(cx: Cx) -> Answer {
    let input = version::parse(&cx.body()?)?;
    let mut tx = cx.open().await?;
    let taken = tx.get::<DocumentationVersion>(&input.version).await?.is_some();
    let made = version::create(&input, tx.all().await?, taken, cx.at.seconds())?;
    if let Some(name) = &input.stage_name {
        let mut stage: Stage = tx.get(name).await?.ok_or_else(errors::unknown_stage)?;
        stage.documentation_version = Some(made.version.clone());
        stage.last_updated_date = cx.at.seconds();
        // No worker knows of documentation, so the stage's pointer stays.
        tx.put(name, &stage).await?;
    }
    items::add(tx, made).await
}

/// `PATCH …/documentation/versions/{doc_version}`: the description.
pub(crate) async fn update(cx: Cx) -> Answer {
    items::update_in_api(cx, version::patch).await
}

/// `DELETE …/documentation/versions/{doc_version}`. What AWS does with a stage that shows it is not known; a refusal would
/// stop Terraform, which replaces a version before it moves the stage. The stage shows none from then on.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.open().await?;
    let name = cx.label(DocumentationVersion::LABEL);
    if !tx.delete::<DocumentationVersion>(name).await? {
        return Err(version::unknown());
    }
    for mut stage in tx.all::<Stage>().await? {
        if stage.documentation_version.as_deref() == Some(name) {
            stage.documentation_version = None;
            tx.put(&stage.stage_name, &stage).await?;
        }
    }
    tx.commit().await?;
    Ok(Reply::empty(202))
}
