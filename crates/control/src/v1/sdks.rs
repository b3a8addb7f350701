//! GetSdkType, GetSdkTypes and GetSdk (rest-admin-api §3.23).

use std::io::{Cursor, Write};

use stagecoach_base::{AwsError, UnixMillis};
use stagecoach_resources::v1::sdk::{self, File};
use stagecoach_resources::v1::{Deployment, sdk_type};
use stagecoach_resources::{errors, reply};
use stagecoach_wire::Reply;
use time::OffsetDateTime;
use time::macros::format_description;
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use super::stages;
use crate::call::{Answer, Cx};
use crate::{documents, failure, history};

/// `GET /sdktypes/{sdktype_id}`.
pub(crate) async fn get_type(cx: Cx) -> Answer {
    Ok(Reply::json(200, &reply::sdk_type(sdk_type::find(cx.label("sdktype_id"))?)))
}

/// `GET /sdktypes`.
pub(crate) async fn list_types(cx: Cx) -> Answer {
    let page = cx.page_of(sdk_type::SDK_TYPES.to_vec(), |kind| kind.id)?;
    Ok(page.reply(|kind| kind.id, reply::sdk_type))
}

/// `GET …/stages/{stage_name}/sdks/{sdk_type}`: a client for what the stage serves, zipped.
pub(crate) async fn get(cx: Cx) -> Answer {
    let kind = cx.label("sdk_type");
    sdk_type::generated(kind)?;
    let stage = stages::read(&cx).await?;
    let deployment: Option<Deployment> = documents::get(&cx.control.store, cx.api_id(), &stage.deployment_id).await?;
    let tree = history::deployed(&cx.control, &deployment.ok_or_else(errors::unknown_deployment)?).await?;
    let archive =
        archive(&sdk::javascript(&tree, &stage.stage_name, &cx.control.scope)).map_err(failure::unexpected)?;
    let disposition = format!("attachment; filename=\"{kind}_{}.zip\"", date(cx.at)?);
    Ok(Reply::bytes(200, "application/octet-stream", archive).with_header("content-disposition", &disposition))
}

/// As in AWS's file names: `2016-02-22_23-52Z`.
fn date(at: UnixMillis) -> Result<String, AwsError> {
    let at = OffsetDateTime::from_unix_timestamp(at.seconds()).map_err(failure::unexpected)?;
    at.format(format_description!("[year]-[month]-[day]_[hour]-[minute]Z")).map_err(failure::unexpected)
}

fn archive(files: &[File]) -> Result<Vec<u8>, ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        archive.start_file(file.name, SimpleFileOptions::default())?;
        archive.write_all(file.text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
