//! A stage's live settings as its pointer carries them.

use stagecoach_base::Scope;
use stagecoach_plan::StageSettings;
use stagecoach_plan::settings::{Canary, Cors, MethodSettings};
use stagecoach_resources::v1::{CanarySettings, MethodSetting, RestApi, Stage, stage};

/// The settings of `stage`.
pub fn stage_settings(api: &RestApi, stage: &Stage, scope: &Scope) -> StageSettings {
    let method_settings = stage.method_settings.iter().map(|(key, setting)| (normalised(key), method(setting)));
    StageSettings {
        api_id: api.id.clone(),
        api_name: api.name.clone(),
        root_resource_id: api.root_resource_id.clone(),
        stage: stage.stage_name.clone(),
        account: scope.account.clone(),
        region: scope.region.clone(),
        endpoint_type: api.endpoint_configuration.types.first().cloned().unwrap_or_default(),
        deployment_id: stage.deployment_id.clone(),
        variables: stage.variables.clone().unwrap_or_default(),
        canary: stage.canary_settings.as_ref().map(|settings| canary(settings, stage)),
        method_settings: method_settings.collect(),
        access_log_format: stage.access_log_settings.as_ref().and_then(|log| log.format.clone()),
        tracing: stage.tracing_enabled,
        // Tags were read when they were written.
        cors: stage::Cors::of(&stage.tags).ok().flatten().map(cors),
        cache_cluster: stage.cache_cluster_enabled,
        cache_generation: stage.cache_generation.unwrap_or_default(),
        authorizer_cache_generation: stage.authorizer_cache_generation.unwrap_or_default(),
    }
}

fn cors(cors: stage::Cors) -> Cors {
    let stage::Cors { origins, methods, headers, expose, credentials, max_age } = cors;
    Cors { origins, methods, headers, expose, credentials, max_age }
}

fn canary(settings: &CanarySettings, stage: &Stage) -> Canary {
    Canary {
        deployment_id: settings.deployment_id.clone().unwrap_or_else(|| stage.deployment_id.clone()),
        percent: settings.percent_traffic,
        overrides: settings.stage_variable_overrides.clone().unwrap_or_default(),
        use_stage_cache: settings.use_stage_cache,
    }
}

/// `~1pets/GET` and `pets/GET` are the same method (rest-admin-api §3.11): the path gets its slash, `*/*` stays.
fn normalised(key: &str) -> String {
    let Some((resource, verb)) = key.rsplit_once('/') else { return key.to_owned() };
    let path = resource.replace("~1", "/").replace("~0", "~");
    match path.as_str() {
        "*" => key.to_owned(),
        path if path.starts_with('/') => format!("{path}/{verb}"),
        path => format!("/{path}/{verb}"),
    }
}

fn method(setting: &MethodSetting) -> MethodSettings {
    MethodSettings {
        // -1 is Terraform's "unset".
        rate_limit: Some(setting.throttling_rate_limit).filter(|rate| *rate >= 0.0),
        burst_limit: Some(setting.throttling_burst_limit).filter(|burst| *burst >= 0),
        logging_level: setting.logging_level.clone(),
        data_trace: setting.data_trace_enabled,
        metrics: setting.metrics_enabled,
        caching: setting.caching_enabled,
        cache_ttl_seconds: Some(setting.cache_ttl_in_seconds),
        require_authorization_for_cache_control: setting.require_authorization_for_cache_control,
        unauthorized_cache_control: Some(setting.unauthorized_cache_control_header_strategy.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_says_whether_it_has_a_cache_and_of_which_generation() {
        let mut stage = Stage::new("s", "d".into(), 0);
        stage.cache_cluster_enabled = true;
        stage.start_generations(7);
        let api = RestApi::new("a".into(), "r".into(), "n".into(), 0);

        let settings = stage_settings(&api, &stage, &Scope::default());

        assert!(settings.cache_cluster);
        assert_eq!((settings.cache_generation, settings.authorizer_cache_generation), (7, 7));
    }

    #[test]
    fn both_spellings_of_a_method_key_are_one() {
        let keys = ["~1pets/GET", "pets/GET", "~1/GET", "*/*", "~1pets~1{id}/ANY"].map(normalised);

        assert_eq!(keys, ["/pets/GET", "/pets/GET", "//GET", "*/*", "/pets/{id}/ANY"]);
    }
}
