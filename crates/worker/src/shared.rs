//! What all cores share: the table, counters, options. Nothing here is locked on the request path.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use stagecoach_base::{Clock, Entropy};

use crate::cache::ResponseCache;
use crate::explain::Explain;
use crate::log::Logs;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::table::Table;
use crate::upstream::tls::ClientConfigs;

pub(crate) struct Shared {
    pub(crate) table: ArcSwap<Table>,
    pub(crate) metrics: Metrics,
    pub(crate) options: Options,
    pub(crate) logs: Logs,
    /// `None`: nobody may ask for explanations.
    pub(crate) explain: Option<Explain>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) tls: ClientConfigs,
    /// `None`: no method is cached.
    pub(crate) cache: Option<ResponseCache>,
    draining: AtomicBool,
}

impl Shared {
    pub(crate) fn new(options: Options, logs: Logs, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            table: ArcSwap::default(),
            metrics: Metrics::new(options.cores),
            cache: ResponseCache::new(options.cache_bytes),
            explain: options.explain_key.clone().map(Explain::new),
            options,
            logs,
            clock,
            entropy,
            tls: ClientConfigs::default(),
            draining: AtomicBool::new(false),
        }
    }

    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
