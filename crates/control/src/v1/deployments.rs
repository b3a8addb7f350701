//! Deployment operations (rest-admin-api §3.10, §4.2): lower, compile, store, then point.

use serde_json::Value;
use stagecoach_base::{AwsError, id};
use stagecoach_lower as lower;
use stagecoach_resources::v1::{Deployment, Stage, deployment, stage};
use stagecoach_resources::{ApiTree, errors, reply};
use stagecoach_wire::Reply;

use super::items::{self, Item};
use crate::call::{Answer, Cx};
use crate::deploy::{self, Snapshot};
use crate::documents::ApiWrite;
use crate::{documents, publish};

/// How often a deployment is compiled outside the lock. If the API moved each time, others would win for ever: the
/// next attempt holds the lock while it compiles, and cannot lose.
const OUTSIDE: usize = 2;

/// `POST …/deployments`. The slow part runs outside the transaction; inside, one check that nothing moved.
pub(crate) async fn create(cx: Cx) -> Answer {
    let input = deployment::Input::parse(&cx.body()?)?;
    for _ in 0..OUTSIDE {
        let whole = documents::whole(&cx.control.store, cx.account(), cx.api_id()).await?;
        let compiled = compile(&cx, whole.tree).await?;
        let tx = cx.open().await?;
        if tx.revision_read == whole.revision {
            return keep(&cx, tx, &input, compiled).await;
        }
    }
    let mut tx = cx.open().await?;
    let tree = tx.whole().await?;
    let compiled = compile(&cx, tree).await?;
    keep(&cx, tx, &input, compiled).await
}

/// What an API compiles to.
struct Compiled {
    snapshot: Snapshot,
    summary: deployment::Summary,
}

async fn compile(cx: &Cx, tree: ApiTree) -> Result<Compiled, AwsError> {
    let summary = lower::summary(&tree);
    Ok(Compiled { snapshot: deploy::build(tree, cx.control.snapshot_format).await?, summary })
}

/// Writes the deployment, its blobs and what it does to a stage.
async fn keep(cx: &Cx, mut tx: ApiWrite, input: &deployment::Input, compiled: Compiled) -> Answer {
    let made = document(cx, input, &compiled);
    compiled.snapshot.keep(&mut tx.write).await?;
    tx.put(&made.id, &made).await?;
    if let Some(stage) = staged(cx, &mut tx, input, &made).await? {
        cx.control.publisher.put_stage(&mut tx, &stage).await?;
    }
    tx.commit().await?;
    Ok(Reply::json(201, &reply::deployment(&made, false)))
}

fn document(cx: &Cx, input: &deployment::Input, compiled: &Compiled) -> Deployment {
    let Compiled { snapshot, summary } = compiled;
    Deployment {
        id: id::random(cx.control.entropy.as_ref(), id::CHILD_ID_LEN),
        description: input.description.clone(),
        created_date: cx.at.seconds(),
        api_summary: summary.clone(),
        digest: snapshot.plan.digest(),
        size: snapshot.plan.size(),
        format: cx.control.snapshot_format,
        definition: snapshot.definition.digest(),
    }
}

/// The stage that the deployment creates, moves or gives a canary; `None` without `stageName`.
async fn staged(
    cx: &Cx,
    tx: &mut ApiWrite,
    input: &deployment::Input,
    made: &Deployment,
) -> Result<Option<Stage>, AwsError> {
    let existing = match &input.stage_name {
        Some(name) => tx.get::<Stage>(name).await?,
        None => None,
    };
    stage::apply_deployment(existing, input, &made.id, cx.at.seconds())
}

impl Item for Deployment {
    const LABEL: &'static str = "deployment_id";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::deployment(self, false)
    }

    fn unknown(_: &Cx) -> AwsError {
        errors::unknown_deployment()
    }
}

/// `GET …/deployments/{deployment_id}`, with `embed=apisummary`.
pub(crate) async fn get(cx: Cx) -> Answer {
    cx.api().await?;
    let found = items::read::<Deployment>(&cx, cx.api_id()).await?;
    Ok(Reply::json(200, &reply::deployment(&found, cx.embeds("apisummary"))))
}

/// `PATCH …/deployments/{deployment_id}`: the description.
pub(crate) async fn update(cx: Cx) -> Answer {
    items::update_in_api(cx, deployment::patch).await
}

/// `DELETE …/deployments/{deployment_id}`: refused while a stage or a canary points at it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.open().await?;
    let id = cx.label("deployment_id");
    tx.get::<Deployment>(id).await?.ok_or_else(errors::unknown_deployment)?;
    let used = |stage: &Stage| stage.deployment_id == id || publish::canary_deployment(stage) == Some(id);
    if tx.all::<Stage>().await?.iter().any(used) {
        return Err(errors::deployment_in_use());
    }
    tx.delete::<Deployment>(id).await?;
    tx.commit().await?;
    Ok(Reply::empty(202))
}
