//! What is served: stages by API and name, replaced as a whole and read without a lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use http::HeaderValue;
use stagecoach_base::{Digest, Scope};
use stagecoach_plan::{Release, StageSettings};

use crate::cache::StageCache;
use crate::cors::Cors;
use crate::execution::lines::{Level, Logging};
use crate::log::access::AccessFormat;

/// A stage with its releases.
pub(crate) struct StageView {
    /// Live settings.
    pub(crate) settings: StageSettings,
    /// What serves.
    pub(crate) base: Arc<Release>,
    /// What serves canary requests.
    pub(crate) canary: Option<CanaryView>,
    /// The API's id as `X-Amzn-Apigateway-Api-Id` carries it.
    pub(crate) api_id: HeaderValue,
    /// What its calls name as `User-Agent`.
    pub(crate) agent: HeaderValue,
    /// What the stage's ARNs carry.
    pub(crate) scope: Scope,
    /// Compiled access log line.
    pub(crate) log: Option<AccessFormat>,
    /// Preflights answered by the gateway; `None`: AWS's way, not at all.
    pub(crate) cors: Option<Cors>,
    /// Whether any method has an execution log.
    pub(crate) logs: bool,
    /// What the log of each method of `base` shows, by its index.
    logging: Box<[Logging]>,
    /// Its cached methods; `None` for most stages.
    pub(crate) cache: Option<StageCache>,
}

/// The canary of a stage.
pub(crate) struct CanaryView {
    /// What serves.
    pub(crate) release: Arc<Release>,
    /// Stage variables with the overrides laid over.
    pub(crate) variables: BTreeMap<String, String>,
    /// A draw below this is a canary request; `percent` of 2^32.
    pub(crate) below: u64,
    /// What the log of each of its methods shows.
    logging: Box<[Logging]>,
    /// Its cached methods, if it may use the stage's cache.
    pub(crate) cache: Option<StageCache>,
}

impl StageView {
    pub(crate) fn new(settings: StageSettings, base: Arc<Release>, canary: Option<Arc<Release>>) -> Self {
        let view = settings.canary.as_ref().zip(canary).map(|(canary, release)| {
            let mut variables = settings.variables.clone();
            variables.extend(canary.overrides.clone());
            let logging = logging(&settings, &release);
            CanaryView { logging, release, variables, below: share(canary.percent), cache: None }
        });
        let logging = logging(&settings, &base);
        let canary_logging = view.as_ref().map_or(&[][..], |canary| &canary.logging);
        let logs = logging.iter().chain(canary_logging).any(|logging| logging.level > Level::Off);
        let log = settings.access_log_format.as_deref().map(AccessFormat::parse);
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        let (api_id, agent) = (value(&settings.api_id), value(&format!("AmazonAPIGateway_{}", settings.api_id)));
        let (region, account) = (settings.region.clone(), settings.account.clone());
        let scope = Scope { region, account, ..Scope::default() };
        let cors = settings.cors.as_ref().map(Cors::new);
        Self { settings, base, canary: view, api_id, agent, scope, log, cors, logs, logging, cache: None }
    }

    /// Decides what is cached. Without `useStageCache` the canary's requests pass the cache by (rest-data-plane §11).
    pub(crate) fn with_cache(mut self, base: &Digest, canary: Option<&Digest>) -> Self {
        let settings = &self.settings;
        self.cache = StageCache::resolve(settings, &settings.deployment_id, base, &self.base);
        let shared = settings.canary.as_ref().filter(|canary| canary.use_stage_cache);
        if let (Some(side), Some(shared), Some(digest)) = (&mut self.canary, shared, canary) {
            side.cache = StageCache::resolve(settings, &shared.deployment_id, digest, &side.release);
        }
        self
    }

    /// What the log of a method shows; `None` for one without.
    pub(crate) fn logging(&self, canary: Option<bool>, method: Option<u32>) -> Option<Logging> {
        let all = match (&self.canary, canary) {
            (Some(side), Some(true)) => &side.logging,
            _ => &self.logging,
        };
        all.get(method? as usize).copied().filter(|logging| logging.level > Level::Off)
    }
}

/// What the log of each method shows.
fn logging(settings: &StageSettings, release: &Release) -> Box<[Logging]> {
    let of = |index: usize| {
        let method = release.method(u32::try_from(index).ok()?)?;
        settings.of_method(&method.path, method.verb.as_str()).map(Logging::of)
    };
    (0..release.methods()).map(|index| of(index).unwrap_or_default()).collect()
}

/// A share of 2^32, so that 100 % is always and 0 % never.
fn share(percent: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2^32 by the clamp")]
    let share = (percent.clamp(0.0, 100.0) / 100.0 * 4_294_967_296.0) as u64;
    share
}

/// Keys come from the control plane, so a fast hash is safe from callers.
type ByName<T> = HashMap<Box<str>, T, RandomState>;

/// Every stage this worker serves.
#[derive(Clone, Default)]
pub(crate) struct Table {
    apis: ByName<ByName<Arc<StageView>>>,
}

impl Table {
    /// A stage of an API.
    pub(crate) fn get(&self, api: &str, stage: &str) -> Option<&Arc<StageView>> {
        self.apis.get(api)?.get(stage)
    }

    pub(crate) fn insert(&mut self, view: StageView) {
        let stages = self.apis.entry(view.settings.api_id.as_str().into()).or_default();
        stages.insert(view.settings.stage.as_str().into(), Arc::new(view));
    }

    pub(crate) fn remove(&mut self, api: &str, stage: &str) {
        if let Some(stages) = self.apis.get_mut(api) {
            stages.remove(stage);
            if stages.is_empty() {
                self.apis.remove(api);
            }
        }
    }

    /// How many stages.
    pub(crate) fn stages(&self) -> usize {
        self.apis.values().map(HashMap::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_at_both_ends() {
        assert_eq!(share(0.0), 0);
        assert_eq!(share(50.0), 1 << 31);
        assert!(share(100.0) > u64::from(u32::MAX));
    }
}
