//! GetExport (rest-admin-api §5.5): the deployed definition of a stage as OpenAPI.

use stagecoach_base::AwsError;
use stagecoach_openapi::{self as openapi, ExportOptions, Format};
use stagecoach_resources::errors;
use stagecoach_resources::v1::Deployment;
use stagecoach_wire::Reply;

use super::stages;
use crate::call::{Answer, Cx};
use crate::{documents, history};

/// `GET …/stages/{stage_name}/exports/{export_type}`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let stage = stages::read(&cx).await?;
    let deployment = documents::get::<Deployment>(&cx.control.store, cx.api_id(), &stage.deployment_id).await?;
    let deployment = deployment.ok_or_else(errors::unknown_deployment)?;
    let mut tree = history::deployed(&cx.control, &deployment).await?;
    if let Some(version) = &stage.documentation_version {
        tree.documentation_version = documents::get(&cx.control.store, cx.api_id(), version).await?;
    }
    let options = ExportOptions {
        kind: openapi::Kind::parse(cx.label("export_type"))?,
        extensions: openapi::Extensions::parse(cx.call.query("extensions"))?,
        format: format(&cx)?,
        stage: stage.stage_name,
        scope: cx.control.scope.clone(),
    };
    let exported = openapi::export(&tree, &options)?;
    let disposition = format!("attachment; filename=\"{}\"", exported.file_name);
    Ok(Reply::bytes(200, "application/octet-stream", exported.bytes).with_header("content-disposition", &disposition))
}

fn format(cx: &Cx) -> Result<Format, AwsError> {
    let accepted = cx.call.header("accept").and_then(|list| list.split([',', ';']).next()).map(str::trim);
    match accepted {
        None | Some("" | "*/*" | "application/*" | "application/json") => Ok(Format::Json),
        Some("application/yaml" | "application/x-yaml" | "text/yaml") => Ok(Format::Yaml),
        Some(other) => Err(AwsError::bad_request(format!(
            "Unsupported media type {other}. Must be one of: [application/json, application/yaml]"
        ))),
    }
}
