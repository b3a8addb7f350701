//! `$context`, and what a template overrides through it.

use super::Facts;
use crate::heap::{Heap, MapId, MapKind, Value};
use crate::limits::RenderError;
use crate::number::Number;

/// What templates set through `$context.requestOverride` and `$context.responseOverride` (rest-data-plane §5.5). A
/// value that was a list is several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Path variables of the integration's URI.
    pub path: Vec<(String, Vec<String>)>,
    /// The integration's query string.
    pub querystring: Vec<(String, Vec<String>)>,
    /// The integration's headers.
    pub header: Vec<(String, Vec<String>)>,
    /// The client's headers.
    pub response_header: Vec<(String, Vec<String>)>,
    /// The client's status; what is no integer of 100–599 is ignored.
    pub status: Option<u16>,
}

/// A member of `$context`.
enum Member {
    /// Text; null when there is none.
    Text(&'static str),
    Number(&'static str),
    /// Not there at all when there is none.
    Optional(&'static str),
    Identity,
    RequestOverride,
    ResponseOverride,
}

/// In the order recorded on AWS (rest-data-plane §5.4).
const MEMBERS: [Member; 20] = [
    Member::Text("resourceId"),
    Member::Text("resourcePath"),
    Member::Text("httpMethod"),
    Member::Text("extendedRequestId"),
    Member::Text("requestTime"),
    Member::Text("path"),
    Member::Text("accountId"),
    Member::Text("protocol"),
    Member::RequestOverride,
    Member::Text("stage"),
    Member::Text("domainPrefix"),
    Member::Number("requestTimeEpoch"),
    Member::Text("requestId"),
    Member::Identity,
    Member::Text("domainName"),
    Member::Text("deploymentId"),
    Member::ResponseOverride,
    Member::Text("apiId"),
    Member::Optional("isCanaryRequest"),
    Member::Optional("awsEndpointRequestId"),
];

/// Members of `$context.identity`, null when unused.
const IDENTITY: [&str; 12] = [
    "identity.cognitoIdentityPoolId",
    "identity.accountId",
    "identity.cognitoIdentityId",
    "identity.caller",
    "identity.sourceIp",
    "identity.principalOrgId",
    "identity.accessKey",
    "identity.cognitoAuthenticationType",
    "identity.cognitoAuthenticationProvider",
    "identity.userArn",
    "identity.userAgent",
    "identity.user",
];

/// Those that are only there when the method requires a key, or over mutual TLS or a private endpoint.
const OPTIONAL_IDENTITY: [&str; 4] = ["identity.apiKey", "identity.apiKeyId", "identity.vpcId", "identity.vpceId"];

/// What [`build`] would put at `first`, or at `second` below it, if that is a text or a number; with the number of names
/// taken.
pub(super) fn peek(
    heap: &mut Heap,
    facts: &dyn Facts,
    first: &str,
    second: Option<&str>,
) -> Result<Option<(Value, usize)>, RenderError> {
    let Some(second) = second.filter(|_| first == "identity") else {
        let known = MEMBERS.iter().find(|member| member.name() == first);
        return Ok(known.map_or(Ok(None), |member| member.plain(heap, facts))?.map(|value| (value, 1)));
    };
    let full = IDENTITY.iter().chain(&OPTIONAL_IDENTITY).find(|full| below_identity(full) == second);
    let value = full.map(|full| text(heap, facts, full)).transpose()?;
    Ok(value.map(|value| (value, 2)))
}

fn below_identity(full: &str) -> &str {
    full.strip_prefix("identity.").unwrap_or(full)
}

impl Member {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(name) | Self::Number(name) | Self::Optional(name) => name,
            Self::Identity => "identity",
            Self::RequestOverride => "requestOverride",
            Self::ResponseOverride => "responseOverride",
        }
    }

    /// The value of a member that is no map; `None` of others, and of one that is not there.
    fn plain(&self, heap: &mut Heap, facts: &dyn Facts) -> Result<Option<Value>, RenderError> {
        match self {
            Self::Text(name) => text(heap, facts, name).map(Some),
            Self::Number(name) => {
                let number = facts.context(name).map(|text| Value::Number(Number::from_json(&text)));
                Ok(Some(number.unwrap_or(Value::Null)))
            }
            Self::Optional(name) => Ok(Some(text(heap, facts, name)?).filter(|value| !matches!(value, Value::Null))),
            Self::Identity | Self::RequestOverride | Self::ResponseOverride => Ok(None),
        }
    }
}

pub(super) fn build(heap: &mut Heap, facts: &dyn Facts, overrides: &Overrides) -> Result<MapId, RenderError> {
    let context = heap.map(MapKind::Plain)?;
    for member in &MEMBERS {
        let value = match member {
            Member::Identity => Some(identity(heap, facts)?),
            Member::RequestOverride => Some(request_override(heap, overrides)?),
            Member::ResponseOverride => Some(response_override(heap, overrides)?),
            plain => plain.plain(heap, facts)?,
        };
        if let Some(value) = value {
            heap.put(context, member.name(), value)?;
        }
    }
    let more = facts.more_context().map_or(Ok(None), |text| heap.read_json(&text))?;
    if let Some(Value::Map(more)) = more {
        for (name, value) in heap.entries(more).to_vec() {
            if heap.get(context, &name).is_none() {
                heap.put_shared(context, name, value)?;
            }
        }
    }
    Ok(context)
}

fn text(heap: &mut Heap, facts: &dyn Facts, name: &str) -> Result<Value, RenderError> {
    match facts.context(name) {
        Some(text) => heap.text(&text),
        None => Ok(Value::Null),
    }
}

fn identity(heap: &mut Heap, facts: &dyn Facts) -> Result<Value, RenderError> {
    let map = heap.map(MapKind::Quiet)?;
    for full in IDENTITY {
        let value = text(heap, facts, full)?;
        heap.put(map, below_identity(full), value)?;
    }
    for full in OPTIONAL_IDENTITY {
        match text(heap, facts, full)? {
            Value::Null => {}
            value => drop(heap.put(map, below_identity(full), value)?),
        }
    }
    Ok(Value::Map(map))
}

fn request_override(heap: &mut Heap, overrides: &Overrides) -> Result<Value, RenderError> {
    let map = heap.map(MapKind::Quiet)?;
    let parts = [("header", &overrides.header), ("path", &overrides.path), ("querystring", &overrides.querystring)];
    for (name, values) in parts {
        let values = restore(heap, values)?;
        heap.put(map, name, values)?;
    }
    Ok(Value::Map(map))
}

fn response_override(heap: &mut Heap, overrides: &Overrides) -> Result<Value, RenderError> {
    let map = heap.map(MapKind::Quiet)?;
    let values = restore(heap, &overrides.response_header)?;
    heap.put(map, "header", values)?;
    if let Some(status) = overrides.status {
        heap.put(map, "status", Value::Number(Number::Int(status.into())))?;
    }
    heap.put_once(map);
    Ok(Value::Map(map))
}

/// What a template before this one has set. Each can be overridden once; a second time fails [D overrides].
fn restore(heap: &mut Heap, values: &[(String, Vec<String>)]) -> Result<Value, RenderError> {
    let map = heap.map(MapKind::Plain)?;
    for (name, values) in values {
        let texts = values.iter().map(|value| heap.text(value)).collect::<Result<Vec<_>, _>>()?;
        let value = match texts.as_slice() {
            [one] => one.clone(),
            _ => heap.list(texts)?,
        };
        heap.put(map, name, value)?;
    }
    heap.put_once(map);
    Ok(Value::Map(map))
}

/// The overrides that a template has left in its `$context`.
pub(super) fn collect(heap: &mut Heap, context: MapId) -> Result<Overrides, RenderError> {
    let request = member(heap, Some(context), "requestOverride");
    let response = member(heap, Some(context), "responseOverride");
    let mut part = |holder, name| {
        let map = member(heap, holder, name);
        map.map_or_else(|| Ok(Vec::new()), |map| values(heap, map))
    };
    let overrides = Overrides {
        path: part(request, "path")?,
        querystring: part(request, "querystring")?,
        header: part(request, "header")?,
        response_header: part(response, "header")?,
        status: None,
    };
    let status = match response.and_then(|map| heap.get(map, "status")) {
        Some(Value::Number(number)) => number.integer().and_then(|status| u16::try_from(status).ok()),
        _ => None,
    };
    Ok(Overrides { status: status.filter(|status| (100..=599).contains(status)), ..overrides })
}

fn member(heap: &Heap, map: Option<MapId>, name: &str) -> Option<MapId> {
    match heap.get(map?, name) {
        Some(Value::Map(map)) => Some(*map),
        _ => None,
    }
}

fn values(heap: &mut Heap, map: MapId) -> Result<Vec<(String, Vec<String>)>, RenderError> {
    let mut all = Vec::new();
    for (name, value) in heap.entries(map).to_vec() {
        let items = match value {
            Value::Null => continue,
            Value::List(list) => heap.copy_items(list)?,
            value => vec![value],
        };
        let mut texts = Vec::new();
        for item in items {
            texts.push(heap.print(&item)?.to_string());
        }
        all.push((name.to_string(), texts));
    }
    Ok(all)
}
