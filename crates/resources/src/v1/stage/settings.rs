//! Method settings of a stage: keys `{resource}/{VERB}` exactly as addressed (rest-admin-api §3.11).

use std::collections::BTreeMap;

use stagecoach_base::AwsError;

use super::MethodSetting;

/// AWS's list with its missing commas [V c,k].
const PATHS: &str = "[/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, \
     /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, \
     /{resourcePath}/{httpMethod}/metrics/enabled, /{resourcePath}/{httpMethod}/logging/dataTrace, \
     /{resourcePath}/{httpMethod}/logging/loglevel, \
     /{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit/{resourcePath}/{httpMethod}/caching/ttlInSeconds, \
     /{resourcePath}/{httpMethod}/caching/enabled, /{resourcePath}/{httpMethod}/caching/dataEncrypted, \
     /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, \
     /{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, \
     /*/*/logging/dataTrace, /*/*/logging/loglevel, \
     /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, \
     /*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, \
     /*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled]";

type Set = fn(&mut MethodSetting, &str) -> Result<(), AwsError>;

/// The last two segments of a path, and what they set.
const LEAVES: &[(&str, Set)] = &[
    ("metrics/enabled", |s, v| {
        s.metrics_enabled = v == "true";
        Ok(())
    }),
    ("logging/dataTrace", |s, v| {
        s.data_trace_enabled = v == "true";
        Ok(())
    }),
    ("logging/loglevel", |s, v| {
        s.logging_level = Some(one_of(v, "loglevel", &["OFF", "ERROR", "INFO"])?);
        Ok(())
    }),
    ("throttling/burstLimit", |s, v| {
        s.throttling_burst_limit = whole(v, "burstLimit")?;
        Ok(())
    }),
    ("throttling/rateLimit", |s, v| {
        s.throttling_rate_limit = number(v, "rateLimit")?;
        Ok(())
    }),
    ("caching/enabled", |s, v| {
        s.caching_enabled = v == "true";
        Ok(())
    }),
    ("caching/ttlInSeconds", |s, v| {
        s.cache_ttl_in_seconds = ttl(v)?;
        Ok(())
    }),
    ("caching/dataEncrypted", |s, v| {
        s.cache_data_encrypted = v == "true";
        Ok(())
    }),
    ("caching/requireAuthorizationForCacheControl", |s, v| {
        s.require_authorization_for_cache_control = v == "true";
        Ok(())
    }),
    ("caching/unauthorizedCacheControlHeaderStrategy", |s, v| {
        s.unauthorized_cache_control_header_strategy =
            one_of(v, "unauthorizedCacheControlHeaderStrategy", &STRATEGIES)?;
        Ok(())
    }),
];

const STRATEGIES: [&str; 3] = ["FAIL_WITH_403", "SUCCEED_WITH_RESPONSE_HEADER", "SUCCEED_WITHOUT_RESPONSE_HEADER"];

fn invalid(name: &str, value: &str) -> AwsError {
    AwsError::bad_request(format!("Invalid value {value} for method setting {name}"))
}

fn one_of(value: &str, name: &str, set: &[&str]) -> Result<String, AwsError> {
    let upper = value.to_ascii_uppercase();
    if set.contains(&upper.as_str()) { Ok(upper) } else { Err(invalid(name, value)) }
}

/// Terraform sends `-1.000000` for "unset".
fn number(value: &str, name: &str) -> Result<f64, AwsError> {
    let fits = |number: &f64| number.is_finite() && (*number >= 0.0 || *number == -1.0);
    value.parse().ok().filter(fits).ok_or_else(|| invalid(name, value))
}

fn whole(value: &str, name: &str) -> Result<i64, AwsError> {
    let number = number(value, name)?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates far above any limit")]
    Ok(number as i64)
}

fn ttl(value: &str) -> Result<u32, AwsError> {
    value.parse().ok().filter(|ttl| *ttl <= 3600).ok_or_else(|| invalid("ttlInSeconds", value))
}

/// Replaces one leaf. A new key starts from the current `*/*` values, or from AWS's defaults [V c].
///
/// # Errors
/// 400 for a path that is no method setting, or a bad value.
pub(super) fn replace(
    all: &mut BTreeMap<String, MethodSetting>,
    path: &str,
    value: Option<&str>,
) -> Result<(), AwsError> {
    let unknown = || AwsError::bad_request(format!("Invalid method setting path: {path}. Must be one of: {PATHS}"));
    let found = LEAVES.iter().find_map(|(leaf, set)| Some((path.strip_suffix(leaf)?.strip_suffix('/')?, set)));
    let (key, set) = found.ok_or_else(unknown)?;
    let key = key.strip_prefix('/').filter(|key| key.contains('/')).ok_or_else(unknown)?;
    let base = all.get(key).or_else(|| all.get("*/*")).cloned();
    let mut setting = base.unwrap_or_default();
    set(&mut setting, value.unwrap_or_default())?;
    all.insert(key.to_owned(), setting);
    Ok(())
}

/// AWS's text, trailing blank included [V c].
pub(super) fn nothing_to_remove(path: &str) -> AwsError {
    let path = path.strip_prefix('/').unwrap_or(path);
    AwsError::bad_request(format!(
        "Cannot remove method setting {path} because there is no method setting for this method "
    ))
}
