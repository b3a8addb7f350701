//! TestInvokeMethod.

use std::rc::Rc;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::response::Parts;
use stagecoach_plan::ir::{IntegrationType, Plan};
use stagecoach_plan::target::{Endpoint, UriTemplate};
use stagecoach_plan::test_invoke::{MethodTest, MethodTestResult, TestError};
use stagecoach_plan::{CompileLimits, Problem, Release};

use super::request;
use crate::body::{ReplyBody, RequestBody};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{self, Failure};
use crate::{guard, integrate, upstream};

/// Runs the request through the draft method.
pub(super) async fn run(core: &Rc<Core>, test: MethodTest) -> Result<MethodTestResult, TestError> {
    let (release, broken) = compile(&test.plan)?;
    let refused = broken.or_else(|| client_certificate(&test));
    let mut exchange = request::exchange(core, test.settings, release, test.verb, &test.request)?;
    let body = Bytes::from(test.request.body);
    if let Some(log) = exchange.log() {
        log.method_request(&exchange, &body);
    }
    let answered = match refused {
        Some(failure) => Err(failure),
        None => answer(core, &mut exchange, body).await,
    };
    let (head, body) = match answered {
        Ok(answered) => answered,
        Err(failure) => refuse(&failure, &mut exchange),
    };
    Ok(result(&exchange, &head, &body))
}

/// Compiles the draft as a deployment would. A draft that does not compile runs all the same, up to the failure that says
/// why: its method is then a stand-in without an integration.
fn compile(plan: &Plan) -> Result<(Release, Option<Failure>), TestError> {
    let limits = CompileLimits::default();
    let problems = match Release::compile(plan, &limits) {
        Ok(release) => return Ok((release, None)),
        Err(problems) => problems,
    };
    let mut bare = plan.clone();
    for method in &mut bare.methods {
        method.guards.clear();
        let integration = &mut method.integration;
        (integration.kind, integration.uri) = (IntegrationType::Mock, None);
        integration.request_parameters.clear();
        integration.request_templates.clear();
        integration.responses.clear();
    }
    let text = |problems: Vec<Problem>| problems.first().map_or_else(String::new, |problem| problem.message.clone());
    let release = Release::compile(&bare, &limits).map_err(|problems| TestError::BadRequest(text(problems)))?;
    let cause = if has_endpoint(plan) { text(problems) } else { "Invalid endpoint address".to_owned() };
    Ok((release, Some(Failure::configuration(cause))))
}

/// Whether a constant URL of an HTTP integration is one.
fn has_endpoint(plan: &Plan) -> bool {
    plan.methods.iter().map(|method| &method.integration).all(|integration| match integration.kind {
        IntegrationType::Http | IntegrationType::HttpProxy => {
            let uri = UriTemplate::parse(integration.uri.as_deref().unwrap_or_default());
            uri.constant().is_none_or(|url| Endpoint::parse(url).is_some())
        }
        IntegrationType::Mock | IntegrationType::Aws | IntegrationType::AwsProxy => true,
    })
}

/// Back ends are not shown client certificates yet, and a test must not look as if they were.
fn client_certificate(test: &MethodTest) -> Option<Failure> {
    let shown = |kind| matches!(kind, IntegrationType::Http | IntegrationType::HttpProxy);
    let shown = test.plan.methods.iter().any(|method| shown(method.integration.kind));
    let given = test.client_certificate.is_some() && shown;
    given.then(|| Failure::not_built("client certificates towards back ends"))
}

/// Guards and integration, and the whole answer.
async fn answer(core: &Rc<Core>, exchange: &mut Exchange, body: Bytes) -> Result<(Parts, Bytes), Failure> {
    let release = exchange.release.clone();
    let guards = release.method(0).map_or(&[][..], |method| &method.guards);
    guard::run(guards)?;
    let body = RequestBody::whole(body, core.shared.options.max_payload);
    if body.announces_too_much() {
        return Err(Failure::early(stagecoach_plan::GatewayResponseType::RequestTooLarge));
    }
    let (head, body) = integrate::integrate(core, exchange, body).await?.into_parts();
    let body = match body {
        ReplyBody::Full(bytes) => bytes,
        ReplyBody::Upstream(reply) => {
            let bytes =
                reply.collect(core.shared.options.max_payload).await.map_err(|error| upstream::broken(&error))?;
            if let Some(log) = exchange.log() {
                log.endpoint_body(&bytes);
            }
            bytes
        }
        ReplyBody::Events(events) => {
            events.collect(core.shared.options.max_payload).await.map_err(|error| upstream::broken_function(&error))?
        }
        // A test's answer is neither kept nor compressed.
        ReplyBody::Begun(_) | ReplyBody::Deflating(_) | ReplyBody::Broken(_) | ReplyBody::Watched(_) => Bytes::new(),
    };
    if let Some(log) = exchange.log() {
        log.method_response(&head, &body);
    }
    Ok((head, body))
}

/// The gateway's own answer; of its headers a test shows the error's type only [V api/test_failed_invoke_test_method].
fn refuse(failure: &Failure, exchange: &mut Exchange) -> (Parts, Bytes) {
    let response = failure::render(failure, Some(exchange));
    let (mut head, body): (Parts, ReplyBody) = Response::into_parts(response);
    head.headers.remove(CONTENT_TYPE);
    if let Some(log) = exchange.log() {
        log.failed(failure);
        log.completed(head.status.as_u16());
    }
    match body {
        ReplyBody::Full(bytes) => (head, bytes),
        ReplyBody::Upstream(_)
        | ReplyBody::Begun(_)
        | ReplyBody::Events(_)
        | ReplyBody::Deflating(_)
        | ReplyBody::Broken(_)
        | ReplyBody::Watched(_) => (head, Bytes::new()),
    }
}

fn result(exchange: &Exchange, head: &Parts, body: &Bytes) -> MethodTestResult {
    MethodTestResult {
        status: head.status.as_u16(),
        headers: spelled(exchange, &head.headers),
        body: String::from_utf8_lossy(body).into_owned(),
        log: exchange.log().map(|log| log.text(exchange.ids.request.as_str())).unwrap_or_default(),
        latency_ms: u64::try_from(exchange.started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn spelled(exchange: &Exchange, headers: &HeaderMap) -> Vec<(String, String)> {
    let name = |name: &str| exchange.log().map_or_else(|| name.to_owned(), |log| log.spelled(name));
    let pairs = headers.iter();
    pairs.map(|(key, value)| (name(key.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Instant;

    use stagecoach_base::{Clock, Entropy, UnixMillis, Verb};
    use stagecoach_plan::test_invoke::TestRequest;

    use super::*;
    use crate::{Bench, Options};

    struct Fixed;
    impl Clock for Fixed {
        fn now(&self) -> Instant {
            Instant::now()
        }
        fn wall(&self) -> UnixMillis {
            UnixMillis(1_759_174_130_000)
        }
    }
    impl Entropy for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x77);
        }
    }

    const ID: &str = "77777777-7777-4777-b777-777777777777";

    /// A MOCK method on `/pets/{petId}`, as `change` makes it.
    fn test(path: &str, change: impl FnOnce(&mut serde_json::Value)) -> MethodTest {
        let mut integration = serde_json::json!({
            "type": "MOCK", "timeoutMs": 29000, "passthrough": "WHEN_NO_MATCH",
            "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
            "responses": [{ "status": 200, "templates": { "application/json": "{\"pet\": 1}" } }],
        });
        change(&mut integration);
        let plan = serde_json::json!({
            "format": 1, "api": {},
            "methods": [{ "path": "/pets/{petId}", "verb": "GET", "integration": integration, "responses": { "200": {} } }],
        });
        let request = TestRequest { path_with_query: path.into(), ..TestRequest::default() };
        let plan = serde_json::from_value(plan).unwrap();
        MethodTest { plan, settings: Default::default(), verb: Verb::Get, request, client_certificate: None }
    }

    async fn run(test: MethodTest) -> (u16, Vec<String>) {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bench = Bench::start(Options::new(nowhere, nowhere), Arc::new(Fixed), Arc::new(Fixed)).unwrap();
        let result = bench.method(test).await.unwrap();
        (
            result.status,
            result.log.split('\n').map(|line| line.replace("Mon Sep 29 19:28:50 UTC 2025 : ", "- ")).collect(),
        )
    }

    /// [V api/TestApigatewayTestInvoke::test_invoke_test_method, test-invoke-method-get-with-qs]
    #[tokio::test]
    async fn a_mock_prints_the_recorded_lines() {
        let given = test("/pets/123?foo=bar", |_| ());

        let (status, log) = run(given).await;

        assert_eq!(status, 200);
        assert_eq!(
            log,
            [
                &format!("Execution log for request {ID}"),
                &format!("- Starting execution for request: {ID}"),
                "- HTTP Method: GET, Resource Path: /pets/123",
                "- Method request path: {petId=123}",
                "- Method request query string: {foo=bar}",
                "- Method request headers: {}",
                "- Method request body before transformations: ",
                "- Method response body after transformations: {\"pet\": 1}",
                "- Method response headers: {Content-Type=application/json}",
                "- Successfully completed execution",
                "- Method completed with status: 200",
                "",
            ]
        );
    }

    /// [V api/TestApigatewayTestInvoke::test_invoke_test_method, …-no-path and …-bad-path]
    #[tokio::test]
    async fn the_template_stands_for_a_missing_path_and_a_bad_one_has_no_variables() {
        let (missing, bad) = (test("", |_| ()), test("/random/test", |_| ()));

        let (missing, bad) = (run(missing).await.1, run(bad).await.1);

        assert_eq!(
            missing.get(2..4).unwrap(),
            ["- HTTP Method: GET, Resource Path: /pets/{petId}", "- Method request path: {petId={petId}}"]
        );
        assert_eq!(
            bad.get(2..4).unwrap(),
            ["- HTTP Method: GET, Resource Path: /random/test", "- Method request path: {}"]
        );
    }

    #[tokio::test]
    async fn a_draft_that_does_not_compile_fails_where_it_would_be_called() {
        let url = test("/pets/1", |integration| {
            (integration["type"], integration["uri"]) = ("HTTP".into(), "http://user@a.test/".into());
        });
        let pattern = test("/pets/1", |integration| integration["responses"][0]["selectionPattern"] = "(x".into());

        let ((status, url), (_, pattern)) = (run(url).await, run(pattern).await);

        let last = [
            "- Execution failed due to configuration error: Invalid endpoint address",
            "- Method completed with status: 500",
            "",
        ];
        assert_eq!((status, url.get(7..).unwrap()), (500, &last.map(str::to_owned)[..]));
        assert!(pattern.get(7).unwrap().contains("selection pattern `(x` is not supported"), "{pattern:?}");
    }
}
