//! Which methods of a stage are cached and how: decided once, when the stage is installed.

use std::time::Duration;

use bytes::Bytes;
use stagecoach_base::{Digest, Verb};
use stagecoach_plan::expression::Expression;
use stagecoach_plan::settings::MethodSettings;
use stagecoach_plan::{Method, Release, StageSettings};

use crate::exchange::Exchange;
use crate::mapping::Source;

/// AWS's `cacheTtlInSeconds` where a setting has none (rest-data-plane §9).
const DEFAULT_TTL_S: u32 = 300;
/// The largest there is.
const LONGEST_TTL_S: u32 = 3_600;

/// What a client gets that asks to invalidate an entry and may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// FAIL_WITH_403
    Refuse,
    /// SUCCEED_WITH_RESPONSE_HEADER
    Warn,
    /// SUCCEED_WITHOUT_RESPONSE_HEADER
    Ignore,
}

/// How one verb of one method is cached.
#[derive(Debug)]
pub(crate) struct MethodCache {
    /// The part of the key that no request changes.
    prefix: Box<[u8]>,
    /// How long an answer counts.
    pub(crate) ttl: Duration,
    /// `None`: everybody may invalidate.
    pub(crate) unauthorized: Option<Unauthorized>,
}

/// The cached methods of one release under one stage's settings.
#[derive(Debug)]
pub(crate) struct StageCache(Box<[Vec<(Verb, MethodCache)>]>);

impl StageCache {
    /// What of `release` is cached when it serves as `deployment`; `None` when nothing is. The digest is in the keys as
    /// well, for a worker that cannot load a deployment serves the one before it under the new settings.
    pub(crate) fn resolve(
        settings: &StageSettings,
        deployment: &str,
        digest: &Digest,
        release: &Release,
    ) -> Option<Self> {
        if !settings.cache_cluster {
            return None;
        }
        let stage = stage_prefix(settings, deployment, digest);
        let indices = 0..u32::try_from(release.methods()).unwrap_or(u32::MAX);
        let methods = indices.filter_map(|index| release.method(index)).map(|method| cached(settings, &stage, method));
        let methods: Box<[_]> = methods.collect();
        methods.iter().any(|verbs| !verbs.is_empty()).then_some(Self(methods))
    }

    /// How a routed method is cached for the client's verb.
    pub(crate) fn find(&self, method: u32, verb: Verb) -> Option<&MethodCache> {
        let verbs = self.0.get(usize::try_from(method).ok()?)?;
        verbs.iter().find(|(known, _)| *known == verb).map(|(_, cache)| cache)
    }
}

/// The verbs of a method that are cached. A streamed answer never is, nor one whose key cannot be made.
fn cached(settings: &StageSettings, stage: &[u8], method: &Method) -> Vec<(Verb, MethodCache)> {
    let integration = &method.integration;
    if integration.stream || integration.cache_key.parameters.is_none() {
        return Vec::new();
    }
    let namespace = integration.cache_key.namespace.as_deref().or(method.resource_id.as_deref());
    let namespace = namespace.unwrap_or(&settings.root_resource_id);
    let serves = |verb: &Verb| *verb != Verb::Any && (method.verb == Verb::Any || method.verb == *verb);
    let row = |verb: Verb| {
        let setting = setting(settings, method, verb).filter(|setting| setting.caching)?;
        let ttl = setting.cache_ttl_seconds.unwrap_or(DEFAULT_TTL_S).min(LONGEST_TTL_S);
        let mut prefix = stage.to_vec();
        push(&mut prefix, namespace.as_bytes());
        push(&mut prefix, verb.as_str().as_bytes());
        let ttl = Duration::from_secs(ttl.into());
        // 0 is no caching.
        (!ttl.is_zero())
            .then(|| (verb, MethodCache { prefix: prefix.into(), ttl, unauthorized: unauthorized(setting) }))
    };
    Verb::ALL.into_iter().filter(serves).filter_map(row).collect()
}

/// The setting that counts: the verb's own, that of an ANY method, or the stage's, which caches GET only (rest-data-plane
/// §9).
fn setting<'a>(settings: &'a StageSettings, method: &Method, verb: Verb) -> Option<&'a MethodSettings> {
    let own = |verb: Verb| settings.method_settings.get(&format!("{}/{verb}", method.path));
    let stage = || settings.method_settings.get("*/*").filter(|_| verb == Verb::Get);
    own(verb).or_else(|| own(method.verb)).or_else(stage)
}

fn unauthorized(setting: &MethodSettings) -> Option<Unauthorized> {
    let strategy = match setting.unauthorized_cache_control.as_deref() {
        Some("FAIL_WITH_403") => Unauthorized::Refuse,
        Some("SUCCEED_WITHOUT_RESPONSE_HEADER") => Unauthorized::Ignore,
        _ => Unauthorized::Warn,
    };
    setting.require_authorization_for_cache_control.then_some(strategy)
}

fn stage_prefix(settings: &StageSettings, deployment: &str, digest: &Digest) -> Vec<u8> {
    let mut prefix = Vec::new();
    for text in [&settings.account, &settings.region, &settings.api_id, &settings.stage] {
        push(&mut prefix, text.as_bytes());
    }
    prefix.extend_from_slice(&settings.cache_generation.to_le_bytes());
    push(&mut prefix, deployment.as_bytes());
    push(&mut prefix, digest.as_bytes());
    prefix
}

/// A part with its length before it, so that `a` and `bc` are not `ab` and `c`.
fn push(key: &mut Vec<u8>, part: &[u8]) {
    // What a head may hold is far below 4 GiB; a body's value is at most a payload.
    key.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    key.extend_from_slice(part);
}

impl MethodCache {
    /// The key of a request: the method's part, then every value of every parameter. A value that is missing differs from
    /// one that is empty. `None` when a value should come out of a body that is no JSON.
    pub(crate) fn key(&self, exchange: &Exchange, parameters: &[Expression], body: Option<&Bytes>) -> Option<Vec<u8>> {
        let mut key = self.prefix.to_vec();
        if parameters.is_empty() {
            return Some(key);
        }
        let source = Source::request(exchange, body);
        for parameter in parameters {
            values(&mut key, &source, parameter)?;
        }
        Some(key)
    }
}

/// All values of a header or query parameter, also of one that names the last only: the back end may read the others.
fn values(key: &mut Vec<u8>, source: &Source<'_>, parameter: &Expression) -> Option<()> {
    match parameter {
        Expression::Header(name) | Expression::MultiValueHeader(name) => {
            counted(key, source.headers.get_all(&**name).iter().map(http::HeaderValue::as_bytes));
        }
        Expression::Query(name) | Expression::MultiValueQuery(name) => {
            counted(key, source.query.all(name).map(str::as_bytes));
        }
        other => counted(key, source.value(other).ok()?.iter().map(String::as_bytes)),
    }
    Some(())
}

/// How many, then each.
fn counted<'a>(key: &mut Vec<u8>, values: impl Iterator<Item = &'a [u8]>) {
    let at = key.len();
    key.extend_from_slice(&0_u32.to_le_bytes());
    let mut count = 0_u32;
    for value in values {
        push(key, value);
        count += 1;
    }
    if let Some(place) = key.get_mut(at..at + 4) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
