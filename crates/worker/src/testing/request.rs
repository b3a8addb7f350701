//! A made-up request as an exchange.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use stagecoach_base::{Verb, limits};
use stagecoach_plan::test_invoke::{TestError, TestRequest};
use stagecoach_plan::{Release, StageSettings};

use crate::core::Core;
use crate::exchange::{Exchange, Ids, Notes, Wire};
use crate::execution::ExecutionLog;
use crate::execution::lines::Logging;
use crate::guard::Seen;
use crate::headers;
use crate::ids::{self, RequestId};
use crate::table::StageView;

/// What a test's request is sent to.
const HOST: HeaderValue = HeaderValue::from_static("testPrefix.testDomainName");
/// What no target may hold; braces may, for a template that stands for a path.
const TARGET: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// The exchange of a test, routed to the only method of `release`.
pub(super) fn exchange(
    core: &Core,
    settings: StageSettings,
    release: Release,
    verb: Verb,
    request: &TestRequest,
) -> Result<Box<Exchange>, TestError> {
    let (uri, headers) = (target(request, &release)?, header_map(&request.headers)?);
    let (started, release) = (Instant::now(), Arc::new(release));
    let wall = core.wall(started);
    let log = ExecutionLog::new(started, wall, Logging::WHOLE, false);
    request.headers.iter().for_each(|(name, _)| log.spell(name));
    let found = release.find(uri.path(), verb).map(|(_, found)| found.variables);
    let mut seen = Seen::default();
    seen.trace = true;
    Ok(Box::new(Exchange {
        view: Arc::new(StageView::new(settings, release.clone(), None)),
        release,
        canary: None,
        method: Some(0),
        verb: Some(verb),
        uri,
        headers,
        names: Rc::default(),
        user_agent: None,
        origin: None,
        host: HOST,
        seen,
        forwarded: [HeaderValue::from_static("127.0.0.1"), HeaderValue::from_static("443")],
        rest: 0,
        // A path that does not fit the template runs with no variables [V a].
        variables: found.unwrap_or_default(),
        tls: true,
        wire: Wire::default(),
        ids: draw_ids(core),
        started,
        wall,
        notes: Notes::default(),
        execution: Some(Box::new(log)),
        test: true,
    }))
}

fn draw_ids(core: &Core) -> Ids {
    let mut random = core.random.borrow_mut();
    Ids { request: RequestId::draw(&mut random), extended: ids::extended_id(&mut random) }
}

/// The path and query given; without a path the template stands for itself [V a].
fn target(request: &TestRequest, release: &Release) -> Result<Uri, TestError> {
    let given = request.path_with_query.as_str();
    let template = release.method(0).map_or("/", |method| &method.path);
    let text = match given {
        "" => template.to_owned(),
        given if given.starts_with('?') => format!("{template}{given}"),
        given if given.starts_with('/') => given.to_owned(),
        given => format!("/{given}"),
    };
    if text.len() > limits::URL_BYTES {
        return Err(TestError::BadRequest(format!("Invalid path: longer than {} bytes", limits::URL_BYTES)));
    }
    let encoded = utf8_percent_encode(&text, TARGET).to_string();
    let parsed = PathAndQuery::try_from(encoded.as_str());
    parsed.map(Uri::from).map_err(|_| TestError::BadRequest(format!("Invalid path: {given}")))
}

fn header_map(given: &[(String, String)]) -> Result<HeaderMap, TestError> {
    let mut map = HeaderMap::new();
    let mut bytes = 0;
    for (name, value) in given {
        bytes += value.len();
        let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(value.as_bytes()).ok());
        let (name, value) = pair.ok_or_else(|| TestError::BadRequest(format!("Invalid header: {name}")))?;
        map.append(name, value);
    }
    if bytes > limits::HEADER_VALUE_BYTES {
        return Err(TestError::BadRequest("The header values are too long".into()));
    }
    headers::ingest(&mut map);
    Ok(map)
}
