//! `/healthz`, `/readyz` and `/metrics` of a control-plane replica.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::Control;

/// The status endpoints as a router.
pub fn status(control: Arc<Control>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(control)
}

/// Ready: the database answers.
async fn ready(State(control): State<Arc<Control>>) -> (StatusCode, String) {
    match control.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n".into()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("the database does not answer: {error}\n")),
    }
}

async fn metrics(State(control): State<Arc<Control>>) -> (StatusCode, String) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(control)));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => (StatusCode::OK, text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be encoded\n".into()),
    }
}

struct Scrape(Arc<Control>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let board = &self.0.board;
        let workers = board.workers();
        let connected = workers.iter().filter(|worker| worker.connected).count();
        let refused: usize = workers.iter().map(|worker| worker.outcomes.len()).sum();
        let gauges = [
            ("stagecoach_control_head", "Newest revision offered to workers", board.head()),
            ("stagecoach_control_pointers", "Pointers offered to workers", board.pointers() as u64),
            ("stagecoach_control_workers", "Workers that follow this replica", connected as u64),
            ("stagecoach_control_rejections", "Pointers that workers did not apply", refused as u64),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        Ok(())
    }
}
