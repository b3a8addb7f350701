//! What is cached, and under which keys (rest-data-plane §9, §11).

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use stagecoach_base::UnixMillis;
use stagecoach_plan::CompileLimits;

use super::*;
use crate::exchange::{Ids, Notes, Wire};
use crate::guard::Seen;
use crate::ids::RequestId;
use crate::table::StageView;

/// GET, POST and ANY methods; `/pets` has the key parameters given.
fn release(parameters: &[&str]) -> Release {
    let method = |path: &str, verb: &str, keys: &[&str]| {
        json!({
            "path": path, "verb": verb, "resourceId": path, "responses": {},
            "integration": {
                "type": "MOCK", "timeoutMs": 29000, "passthrough": "WHEN_NO_MATCH", "cacheKeyParameters": keys,
                "requestParameters": { "integration.request.header.X": "method.request.body.id" },
            },
        })
    };
    let methods = [
        method("/any", "ANY", &[]),
        method("/pets", "GET", parameters),
        method("/pets", "POST", &[]),
        method("/pets/{id}", "GET", &[]),
    ];
    let plan = json!({ "format": 1, "api": {}, "methods": methods });
    Release::compile(&serde_json::from_value(plan).unwrap(), &CompileLimits::default()).unwrap()
}

fn settings(methods: &Value) -> StageSettings {
    let settings = json!({
        "account": "1", "apiId": "a", "stage": "s", "deploymentId": "d", "cacheCluster": true, "methodSettings": methods,
    });
    serde_json::from_value(settings).unwrap()
}

fn caching(ttl: u32) -> Value {
    json!({ "caching": true, "cacheTtlSeconds": ttl })
}

fn resolve(settings: &StageSettings, release: &Release) -> Option<StageCache> {
    StageCache::resolve(settings, "d", &Digest::of(b"snapshot"), release)
}

/// `{method index} {verb}` of everything that is cached.
fn found(methods: &Value) -> Vec<String> {
    let release = release(&[]);
    let Some(cache) = resolve(&settings(methods), &release) else { return Vec::new() };
    let all = (0..4).flat_map(|index| Verb::ALL.map(|verb| (index, verb)));
    all.filter(|(index, verb)| cache.find(*index, *verb).is_some()).map(|(i, verb)| format!("{i} {verb}")).collect()
}

#[test]
fn the_whole_stage_caches_get_and_others_only_when_set_for_the_method() {
    let stage = json!({ "*/*": caching(300) });
    let own = json!({ "*/*": caching(300), "/pets/POST": caching(60), "/pets/GET": { "caching": false } });
    let any = json!({ "/any/ANY": caching(1), "/any/PUT": { "caching": false } });

    let (stage, own, any) = (found(&stage), found(&own), found(&any));

    assert_eq!(stage, ["0 GET", "1 GET", "3 GET"]);
    assert_eq!(own, ["0 GET", "2 POST", "3 GET"]);
    assert_eq!(any, ["0 GET", "0 POST", "0 DELETE", "0 PATCH", "0 OPTIONS", "0 HEAD"]);
}

#[test]
fn nothing_is_cached_without_a_cluster_or_for_no_time() {
    let release = release(&["method.request.cookie.a"]);
    let mut off = settings(&json!({ "*/*": caching(300) }));
    off.cache_cluster = false;
    let unkeyed = settings(&json!({ "/pets/GET": caching(300) }));

    let none = [off, unkeyed, settings(&json!({ "*/*": caching(0) })), settings(&json!({ "*/*": {} }))];

    assert!(none.iter().all(|settings| resolve(settings, &release).is_none()));
}

#[test]
fn the_ttl_is_capped_and_strategies_are_read() {
    let strategy = |required: bool, text: &str| json!({ "caching": true, "requireAuthorizationForCacheControl": required, "unauthorizedCacheControl": text });
    let methods = json!({
        "*/*": caching(9_999), "/any/GET": strategy(true, "FAIL_WITH_403"), "/pets/GET": strategy(false, "FAIL_WITH_403"),
        "/pets/POST": strategy(true, "SUCCEED_WITHOUT_RESPONSE_HEADER"), "/any/PUT": strategy(true, "SUCCEED_WITH_RESPONSE_HEADER"),
    });
    let cache = resolve(&settings(&methods), &release(&[])).unwrap();

    let of = |index, verb| cache.find(index, verb).map(|found| (found.ttl.as_secs(), found.unauthorized));

    assert_eq!(of(3, Verb::Get), Some((3_600, None)));
    assert_eq!(of(0, Verb::Get), Some((300, Some(Unauthorized::Refuse))));
    assert_eq!(of(1, Verb::Get), Some((300, None)));
    assert_eq!(of(2, Verb::Post), Some((300, Some(Unauthorized::Ignore))));
    assert_eq!(of(0, Verb::Put), Some((300, Some(Unauthorized::Warn))));
}

/// The exchange of `GET {target}` with `headers`, routed to `/pets`.
fn exchange(release: &Arc<Release>, target: &str, headers: &[(&str, &str)]) -> Exchange {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    Exchange {
        view: Arc::new(StageView::new(settings(&json!({})), Arc::clone(release), None)),
        release: Arc::clone(release),
        canary: None,
        method: Some(1),
        verb: Some(Verb::Get),
        uri: target.parse().unwrap(),
        headers: map,
        names: Rc::default(),
        user_agent: None,
        origin: None,
        host: HeaderValue::from_static("a.test"),
        seen: Seen::default(),
        forwarded: [HeaderValue::from_static("127.0.0.1"), HeaderValue::from_static("80")],
        rest: 0,
        variables: Vec::new(),
        tls: false,
        wire: Wire::default(),
        ids: Ids { request: RequestId::adopt(b"77777777-7777-4777-b777-777777777777").unwrap(), extended: [b'x'; 16] },
        started: Instant::now(),
        wall: UnixMillis(0),
        notes: Notes::default(),
        execution: None,
        test: false,
    }
}

fn key(parameters: &[&str], target: &str, headers: &[(&str, &str)], body: &'static str) -> Option<Vec<u8>> {
    let release = Arc::new(release(parameters));
    let cache = resolve(&settings(&json!({ "*/*": caching(300) })), &release).unwrap();
    let parameters = release.method(1).unwrap().integration.cache_key.parameters.clone().unwrap();
    let body = Bytes::from_static(body.as_bytes());
    cache.find(1, Verb::Get).unwrap().key(&exchange(&release, target, headers), &parameters, Some(&body))
}

#[test]
fn what_is_not_in_the_key_makes_no_difference() {
    let plain = key(&[], "/pets", &[], "");

    let other = key(&[], "/pets?a=1", &[("authorization", "secret")], "{}");

    assert_eq!(plain, other);
}

#[test]
fn every_value_in_the_key_makes_a_difference_and_values_do_not_run_together() {
    let query = ["method.request.querystring.a", "method.request.querystring.b"];
    let header = ["method.request.header.X-A"];
    let mut keys = vec![];

    for target in ["/pets", "/pets?a=", "/pets?a=x&b=yz", "/pets?a=xy&b=z", "/pets?a=x&a=y", "/pets?a=y", "/pets?b=y"] {
        keys.push(key(&query, target, &[], "").unwrap());
    }
    for headers in [&[][..], &[("x-a", "1")], &[("x-a", "1"), ("x-a", "2")], &[("x-a", "2")]] {
        keys.push(key(&header, "/pets", headers, "").unwrap());
    }

    let all = keys.len();
    keys.sort();
    keys.dedup();
    // The two without any value are told apart by how many parameters there are.
    assert_eq!(keys.len(), all);
}

#[test]
fn a_mapped_value_of_the_body_is_in_the_key_and_needs_json() {
    let of = |body| key(&["integration.request.header.X"], "/pets", &[], body);

    let (one, two, broken) = (of(r#"{"id": 1}"#), of(r#"{"id": 2}"#), of("{"));

    assert!(one.is_some() && one != two && one == of(r#"{"id": 1, "x": 2}"#));
    assert_eq!(broken, None);
}

/// rest-data-plane §11: different deployments have separate entries, the same one shares them.
#[test]
fn deployment_snapshot_generation_stage_and_verb_separate_entries() {
    let release = release(&[]);
    let base = settings(&json!({ "*/*": caching(300), "/pets/POST": caching(300) }));
    let prefix = |settings: &StageSettings, deployment: &str, snapshot: &[u8], at: (u32, Verb)| {
        let cache = StageCache::resolve(settings, deployment, &Digest::of(snapshot), &release).unwrap();
        cache.find(at.0, at.1).unwrap().prefix.clone()
    };
    let flushed = StageSettings { cache_generation: 8, ..base.clone() };
    let renamed = StageSettings { stage: "t".into(), ..base.clone() };
    let (get, first) = ((1, Verb::Get), prefix(&base, "d", b"x", (1, Verb::Get)));

    let others = [
        prefix(&base, "e", b"x", get),
        prefix(&base, "d", b"y", get),
        prefix(&flushed, "d", b"x", get),
        prefix(&renamed, "d", b"x", get),
        prefix(&base, "d", b"x", (2, Verb::Post)),
        prefix(&base, "d", b"x", (3, Verb::Get)),
    ];

    assert_eq!(first, prefix(&base, "d", b"x", get));
    assert!(others.iter().all(|other| *other != first));
}
