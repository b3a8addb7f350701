//! Endpoints AWS has not: `/_stagecoach/v1/…`. Same authentication as the AWS surface, plain JSON.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use stagecoach_base::{AwsError, ErrorCode};

use stagecoach_resources::errors;
use stagecoach_resources::v1::Deployment;
use stagecoach_store::Author;

use crate::{Control, convergence, documents, failure, fleet, history, server};

type Shared = Arc<Control>;

/// The longest wait a caller may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// An AWS error as a native answer: same shape, so that every client reads it the same way.
pub(crate) struct Failure(AwsError);

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [("x-amzn-errortype", self.0.code().name())];
        (status, kind, Json(json!({ "message": self.0.message() }))).into_response()
    }
}

/// The native routes.
pub(crate) fn router(control: Shared) -> Router<Shared> {
    let mut router = Router::new()
        .route("/_stagecoach/v1/fleet", get(fleet))
        .route("/_stagecoach/v1/convergence/{api}/{stage}", get(converged))
        .route("/_stagecoach/v1/changes", get(history::changes))
        .route("/_stagecoach/v1/apis/{api}/diff", get(history::difference))
        .route("/_stagecoach/v1/snapshots/{api}/{deployment}", get(snapshot));
    if control.allow_reset {
        router = router.route("/_stagecoach/v1/reset", post(reset));
    }
    router.layer(middleware::from_fn_with_state(control, authenticate))
}

async fn authenticate(State(control): State<Shared>, request: Request, next: Next) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let body = server::read_body(body).await?;
    control.auth.authenticate(control.clock.wall(), &parts, &body).await?;
    Ok(next.run(Request::from_parts(parts, body.into())).await)
}

async fn fleet(State(control): State<Shared>) -> Result<Response, Failure> {
    let workers = fleet::members(&control).await?;
    let live = workers.iter().filter(|worker| worker.live).count();
    let head = control.board.head();
    Ok(Json(json!({ "control": control.id, "head": head, "live": live, "workers": workers })).into_response())
}

async fn converged(
    State(control): State<Shared>,
    Path((api, stage)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let within = match query.get("wait") {
        None => Duration::ZERO,
        Some(text) => duration(text).ok_or_else(|| bad_wait(text))?,
    };
    let seen = convergence::wait(&control, &api, &stage, within.min(LONGEST_WAIT)).await?;
    let seen = seen.ok_or_else(|| AwsError::not_found(format!("Stage {stage} of API {api} does not exist.")))?;
    Ok(Json(seen).into_response())
}

/// The snapshot that a deployment compiled to.
async fn snapshot(
    State(control): State<Shared>,
    Path((api, deployment)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let found: Option<Deployment> = documents::get(&control.store, &api, &deployment).await?;
    let found = found.ok_or_else(errors::unknown_deployment)?;
    let shown = json!({ "digest": found.digest, "size": found.size, "format": found.format });
    Ok(Json(shown).into_response())
}

fn bad_wait(text: &str) -> AwsError {
    AwsError::bad_request(format!("wait={text} is not a duration; write it like 500ms, 10s or 1m"))
}

async fn reset(State(control): State<Shared>) -> Result<Response, Failure> {
    let author = Author { actor: "reset".into(), operation: "Reset".into(), ..Author::default() };
    control.store.reset(author, control.clock.wall().0).await.map_err(failure::store)?;
    tracing::warn!("everything was reset");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `500ms`, `10s`, `1m`.
fn duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000)];
    units.into_iter().find_map(|(unit, ms)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_millis(number.checked_mul(ms)?))
    })
}

/// 404 for a native path that does not exist.
pub(crate) fn unknown(path: &str) -> AwsError {
    AwsError::new(ErrorCode::NotFound, format!("There is no endpoint {path}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        let parsed: Vec<_> = ["500ms", "10s", "1m", "10", "s", "-1s"].into_iter().map(duration).collect();

        let ms = |number| Some(Duration::from_millis(number));
        assert_eq!(parsed, [ms(500), ms(10_000), ms(60_000), None, None, None]);
    }
}
