//! Counters per core, summed at scrape time: a request touches only its own core's words.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use stagecoach_feed::Handle;

use crate::log::Logs;
use crate::log::writer::Counters;
use crate::shared::Shared;

/// Upper bounds of the latency buckets, seconds.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];
/// 1xx … 5xx.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// One core's counters.
#[derive(Default)]
pub(crate) struct CoreMetrics {
    classes: [AtomicU64; CLASSES.len()],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
    in_flight: AtomicU64,
    connections: AtomicU64,
    cache_hits: AtomicU64,
    cache_misses: AtomicU64,
}

/// Only a counter's own core writes it, so no locked instruction is needed.
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl CoreMetrics {
    /// A request was answered.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            bump(counter, 1);
        }
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(counter) = self.buckets.get(bucket) {
            bump(counter, 1);
        }
        bump(&self.nanoseconds, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn begin(&self) {
        bump(&self.in_flight, 1);
    }

    pub(crate) fn end(&self) {
        bump(&self.in_flight, u64::MAX);
    }

    pub(crate) fn connected(&self) {
        bump(&self.connections, 1);
    }

    /// A request of a cached method was answered from the cache, or was not (rest-data-plane §10.3).
    pub(crate) fn looked_up(&self, hit: bool) {
        bump(if hit { &self.cache_hits } else { &self.cache_misses }, 1);
    }
}

/// All cores' counters.
#[derive(Default)]
pub(crate) struct Metrics {
    cores: Vec<Arc<CoreMetrics>>,
}

impl Metrics {
    pub(crate) fn new(cores: usize) -> Self {
        Self { cores: (0..cores.max(1)).map(|_| Arc::default()).collect() }
    }

    /// The counters of core `index`.
    pub(crate) fn core(&self, index: usize) -> Arc<CoreMetrics> {
        self.cores.get(index).cloned().unwrap_or_default()
    }

    /// Requests being served.
    pub(crate) fn in_flight(&self) -> u64 {
        self.sum(|core| &core.in_flight)
    }

    fn sum(&self, pick: impl Fn(&CoreMetrics) -> &AtomicU64) -> u64 {
        self.cores.iter().map(|core| pick(core).load(Ordering::Relaxed)).sum()
    }
}

/// Reads counters when Prometheus asks.
pub(crate) struct Scrape {
    pub(crate) shared: Arc<Shared>,
    pub(crate) feed: Handle,
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let metrics = &self.shared.metrics;
        let requests = metrics_family(&mut encoder, "stagecoach_requests", "Requests answered, by status class")?;
        requests_by_class(requests, metrics)?;
        latency(&mut encoder, metrics)?;
        let status = self.feed.status().borrow().clone();
        let flag = |flag: bool| u64::from(flag);
        let gauges = [
            ("stagecoach_requests_in_flight", "Requests being served", metrics.in_flight()),
            ("stagecoach_stages", "Stages served", self.shared.table.load().stages() as u64),
            ("stagecoach_feed_connected", "Whether a control plane is followed", flag(status.connected)),
            ("stagecoach_feed_watermark", "Revision up to which everything is settled", status.watermark),
            ("stagecoach_feed_rejected", "Pointers that were not applied", status.rejected as u64),
        ];
        for (name, help, value) in gauges {
            gauge(&mut encoder, name, help, value)?;
        }
        logs(&mut encoder, &self.shared.logs)?;
        cache(&mut encoder, &self.shared)?;
        counter(&mut encoder, "stagecoach_connections", "Client connections", metrics.sum(|core| &core.connections))?;
        counter(&mut encoder, "stagecoach_feed_fetched_bytes", "Snapshot bytes transferred", self.feed.fetched_bytes())
    }
}

fn metrics_family<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'a str,
    help: &'a str,
) -> Result<prometheus_client::encoding::MetricEncoder<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Counter)
}

/// The method cache, where there is one.
fn cache(encoder: &mut DescriptorEncoder<'_>, shared: &Shared) -> Result<(), fmt::Error> {
    let Some(cache) = &shared.cache else { return Ok(()) };
    gauge(encoder, "stagecoach_cache_bytes", "Bytes held by the method cache", cache.bytes())?;
    gauge(encoder, "stagecoach_cache_limit_bytes", "Bytes that it may hold", cache.capacity())?;
    let sum = |pick: fn(&CoreMetrics) -> &AtomicU64| shared.metrics.sum(pick);
    let (hits, misses) = (sum(|core| &core.cache_hits), sum(|core| &core.cache_misses));
    counter(encoder, "stagecoach_cache_hits", "Requests answered from the method cache", hits)?;
    counter(encoder, "stagecoach_cache_misses", "Requests of cached methods that were not", misses)
}

fn requests_by_class(
    mut family: prometheus_client::encoding::MetricEncoder<'_>,
    metrics: &Metrics,
) -> Result<(), fmt::Error> {
    for (index, class) in CLASSES.iter().enumerate() {
        let total: u64 =
            metrics.cores.iter().filter_map(|core| core.classes.get(index)).map(|c| c.load(Ordering::Relaxed)).sum();
        ConstCounter::new(total).encode(family.encode_family(&[("status", *class)])?)?;
    }
    Ok(())
}

/// Lines by log, where there is one.
fn logs(encoder: &mut DescriptorEncoder<'_>, logs: &Logs) -> Result<(), fmt::Error> {
    type Read = fn(&Counters) -> u64;
    let families: [(&str, &str, Read); 2] = [
        ("stagecoach_log_lines", "Log lines written", Counters::written),
        (
            "stagecoach_log_dropped",
            "Log lines lost: the buffer was full or the destination refused them",
            Counters::dropped,
        ),
    ];
    for (name, help, read) in families {
        let mut family = metrics_family(encoder, name, help)?;
        for (log, writer) in logs.writers() {
            ConstCounter::new(read(&writer.counters)).encode(family.encode_family(&[("log", log)])?)?;
        }
    }
    Ok(())
}

fn latency(encoder: &mut DescriptorEncoder<'_>, metrics: &Metrics) -> Result<(), fmt::Error> {
    let count = |index: usize| -> u64 {
        metrics.cores.iter().filter_map(|core| core.buckets.get(index)).map(|c| c.load(Ordering::Relaxed)).sum()
    };
    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.enumerate().map(|(index, bound)| (bound, count(index))).collect();
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    #[expect(clippy::cast_precision_loss, reason = "a sum of seconds for people to read")]
    let seconds = metrics.sum(|core| &core.nanoseconds) as f64 / 1e9;
    let mut family = encoder.encode_descriptor(
        "stagecoach_request_duration",
        "Time from the head of a request to the head of its answer",
        Some(&Unit::Seconds),
        prometheus_client::metrics::MetricType::Histogram,
    )?;
    family.encode_histogram::<prometheus_client::encoding::NoLabelSet>(seconds, total, &buckets, None)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(encoder.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Gauge)?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> Result<(), fmt::Error> {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, help, None, prometheus_client::metrics::MetricType::Counter)?)
}
