//! What `dev` does with an OpenAPI file: import it (again over the same API), deploy it, say where it is. It goes
//! through the same calls a client would make.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use stagecoach_base::limits;
use tower::ServiceExt;

use crate::{Control, router};

/// A file that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// RestApi id.
    pub api_id: String,
    /// Name of the API.
    pub name: String,
    /// A path that answers GET without parameters, for a first call.
    pub sample: Option<String>,
    /// Warnings of the import.
    pub warnings: Vec<String>,
}

/// Imports `document` over the API with id `existing` (or as a new one) and deploys it to `stage`.
///
/// # Errors
/// The text of the refusal: nothing is changed by an import that fails, and a deployment that fails leaves the stage.
pub async fn import_and_deploy(
    control: &Arc<Control>,
    existing: Option<&str>,
    document: Vec<u8>,
    stage: &str,
) -> Result<Deployed, String> {
    let api = match existing {
        Some(id) => call(control, Method::PUT, &format!("/restapis/{id}?mode=overwrite"), document).await?,
        None => call(control, Method::POST, "/restapis?mode=import", document).await?,
    };
    let text = |member: &str| api[member].as_str().unwrap_or_default().to_owned();
    let (api_id, name) = (text("id"), text("name"));
    let body = json!({ "stageName": stage }).to_string().into_bytes();
    call(control, Method::POST, &format!("/restapis/{api_id}/deployments"), body).await?;
    let resources = call(control, Method::GET, &format!("/restapis/{api_id}/resources?limit=500"), Vec::new()).await?;
    let warnings = api["warnings"].as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned));
    Ok(Deployed { warnings: warnings.collect(), sample: sample(&resources), api_id, name })
}

/// The shortest path with a GET and no variable.
fn sample(resources: &Value) -> Option<String> {
    let items = resources["item"].as_array()?.iter();
    let fits = |item: &&Value| item["resourceMethods"].get("GET").is_some();
    let paths = items.filter(fits).filter_map(|item| item["path"].as_str()).filter(|path| !path.contains('{'));
    paths.min_by_key(|path| (path.len(), path.to_string())).map(str::to_owned)
}

async fn call(control: &Arc<Control>, method: Method, path: &str, body: Vec<u8>) -> Result<Value, String> {
    let request = Request::builder().method(method).uri(path).body(Body::from(body)).map_err(|e| e.to_string())?;
    let answered = router(control.clone()).oneshot(request).await;
    let Ok(response) = answered;
    let status = response.status();
    let bytes = to_bytes(response.into_body(), limits::PAYLOAD_BYTES).await.map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    match status {
        StatusCode::OK | StatusCode::CREATED => Ok(value),
        _ => Err(value["message"].as_str().unwrap_or("the control plane refused without a reason").to_owned()),
    }
}
