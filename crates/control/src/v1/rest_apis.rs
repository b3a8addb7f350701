//! RestApi operations (rest-admin-api §3.1).

use serde_json::Value;
use stagecoach_base::{AwsError, ErrorCode, id};
use stagecoach_resources::errors;
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::{RestApi, Stage, rest_api};
use stagecoach_wire::Reply;

use super::items::Item;
use super::{api_keys, base_path_mappings};
use crate::call::{Answer, Cx};
use crate::{documents, failure};

/// `POST /restapis`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let entropy = cx.control.entropy.as_ref();
    let (api_id, root_id) = (id::random(entropy, id::API_ID_LEN), id::random(entropy, id::API_ID_LEN));
    let input = cx.body()?;
    let api = rest_api::create(&input, api_id, root_id, cx.at.seconds(), &cx.control.scope)?;
    let tree = match rest_api::clone_source(&input)? {
        Some(source) => {
            let source = documents::whole(&cx.control.store, cx.account(), &source).await.map_err(wrong_source)?;
            rest_api::clone(&source.tree, api)
        }
        None => rest_api::empty(api),
    };
    cx.control.quotas.resources(tree.resources.len())?;
    let mut write = cx.write().await?;
    cx.control.quotas.another_api(&mut write).await?;
    write.insert_many(&documents::scatter(&tree)?).await.map_err(failure::store)?;
    write.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::rest_api(&tree.api, ReplyKind::Create)))
}

/// What is not found by an argument is a bad request: the service model has no 404 for CreateRestApi [M].
fn wrong_source(error: AwsError) -> AwsError {
    if error.code() == ErrorCode::NotFound { AwsError::bad_request(error.message()) } else { error }
}

impl Item for RestApi {
    const LABEL: &'static str = "restapi_id";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::rest_api(self, ReplyKind::Single)
    }

    fn show_in_list(&self) -> Value {
        reply::rest_api(self, ReplyKind::List)
    }

    fn unknown(cx: &Cx) -> AwsError {
        errors::unknown_api(cx.account(), cx.api_id())
    }
}

/// `PATCH /restapis/{restapi_id}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.open().await?;
    let api = rest_api::patch(&tx.api, &operations, &cx.control.scope)?;
    let before = tx.api.clone();
    tx.put_api(api.clone());
    cx.control.publisher.refresh_stages(&mut tx, &before).await?;
    tx.commit().await?;
    Ok(Reply::json(200, &reply::rest_api(&api, ReplyKind::Single)))
}

/// `DELETE /restapis/{restapi_id}`: everything under it goes, its stages leave tombstones. Refused while a base path mapping
/// points at it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.open().await?;
    base_path_mappings::require_unmapped(&mut tx.write, cx.api_id()).await?;
    for stage in tx.all::<Stage>().await? {
        cx.control.publisher.unpoint(&mut tx, &stage.stage_name).await?;
    }
    let mut write = tx.write;
    api_keys::forget_stages(&mut write, cx.api_id(), None).await?;
    write.delete_tree(cx.api_id()).await.map_err(failure::store)?;
    write.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}
