//! Preflights that the gateway answers by itself, and the headers that follow from them: beyond AWS, off unless a stage's
//! tags ask for it. A resource's own OPTIONS method always goes first.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Response, StatusCode};
use stagecoach_base::Verb;
use stagecoach_plan::{Release, settings};

use crate::body::ReplyBody;
use crate::exchange::Exchange;

/// What AWS's console writes into `Access-Control-Allow-Headers` [D CORS].
const HEADERS: &str = "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token";

/// A stage's answers to pages of other origins, ready to send.
pub(crate) struct Cors {
    origins: Vec<Origin>,
    /// Those allowed; none: all that a path has methods for.
    methods: Vec<Verb>,
    /// `None`: whatever is asked for.
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
}

enum Origin {
    Any,
    Exact(Box<str>),
    /// Scheme with its slashes, and the host's tail from its full stop on.
    Below(Box<str>, Box<str>),
}

impl Origin {
    fn parse(text: &str) -> Self {
        match text.split_once("://*") {
            _ if text == "*" => Self::Any,
            Some((scheme, tail)) => Self::Below(format!("{scheme}://").into(), tail.into()),
            None => Self::Exact(text.into()),
        }
    }

    fn admits(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(known) => known.eq_ignore_ascii_case(origin),
            Self::Below(scheme, tail) => {
                let host = origin.strip_prefix(&**scheme).and_then(|host| host.strip_suffix(&**tail));
                host.is_some_and(|label| !label.is_empty() && !label.contains(['/', '@']))
            }
        }
    }
}

impl Cors {
    pub(crate) fn new(settings: &settings::Cors) -> Self {
        let joined = |list: &[String]| Some(list.join(",")).filter(|text| !text.is_empty());
        let value = |text: Option<String>| text.and_then(|text| HeaderValue::from_str(&text).ok());
        let headers = match settings.headers.iter().any(|name| name == "*") {
            true => None,
            false => Some(value(joined(&settings.headers)).unwrap_or(HeaderValue::from_static(HEADERS))),
        };
        Self {
            origins: settings.origins.iter().map(|text| Origin::parse(text)).collect(),
            methods: settings.methods.iter().filter_map(|verb| verb.parse().ok()).collect(),
            headers,
            expose: value(joined(&settings.expose)),
            credentials: settings.credentials,
            max_age: settings.max_age.map(HeaderValue::from),
        }
    }

    /// What an origin is told; `None` for one that is not admitted.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        let text = origin.to_str().ok()?;
        let by = self.origins.iter().find(|known| known.admits(text))?;
        Some(if matches!(by, Origin::Any) { HeaderValue::from_static("*") } else { origin.clone() })
    }

    /// The verbs that are served at a path, for `Access-Control-Allow-Methods`.
    fn methods(&self, release: &Release, path: &str) -> Option<HeaderValue> {
        let served = Verb::ALL.into_iter().filter(|verb| *verb != Verb::Any && release.find(path, *verb).is_some());
        let admitted = served.filter(|verb| self.methods.is_empty() || self.methods.contains(verb));
        let names: Vec<&str> = admitted.map(Verb::as_str).collect();
        HeaderValue::from_str(&names.join(",")).ok().filter(|text| !text.is_empty())
    }

    /// The headers every answer to an admitted origin has.
    fn mark(&self, headers: &mut HeaderMap, allowed: HeaderValue) {
        if allowed != "*" {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// Adds the headers of an actual request's answer, unless the back end has seen to it.
    fn complete(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        let Some(allowed) = self.allowed(origin) else { return };
        self.mark(headers, allowed);
        if let Some(names) = &self.expose {
            headers.entry(ACCESS_CONTROL_EXPOSE_HEADERS).or_insert_with(|| names.clone());
        }
    }

    fn answer(&self, exchange: &Exchange) -> Option<Response<ReplyBody>> {
        let allowed = self.allowed(exchange.headers.get(ORIGIN)?)?;
        let methods = self.methods(&exchange.release, exchange.path())?;
        let mut response = Response::new(ReplyBody::Full(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        self.mark(headers, allowed);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let asked = || exchange.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        if let Some(names) = self.headers.clone().or_else(asked) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        if let Some(age) = &self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        Some(response)
    }
}

/// The answer to a preflight for a path that has methods and no OPTIONS among them; `None` for every other request, and on
/// stages that did not ask for it.
pub(crate) fn preflight(exchange: &Exchange) -> Option<Response<ReplyBody>> {
    let cors = exchange.view.cors.as_ref()?;
    let asks = exchange.verb == Some(Verb::Options) && exchange.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if asks && exchange.method.is_none() { cors.answer(exchange) } else { None }
}

/// Completes the answer to a page of another origin.
pub(crate) fn complete(exchange: &Exchange, headers: &mut HeaderMap) {
    if let (Some(cors), Some(origin)) = (&exchange.view.cors, &exchange.origin) {
        cors.complete(origin, headers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str], more: settings::Cors) -> Cors {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        Cors::new(&settings::Cors { origins, ..more })
    }

    fn told(cors: &Cors, origin: &'static str) -> Option<String> {
        cors.allowed(&HeaderValue::from_static(origin)).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn origins_are_admitted_by_name_or_below_a_domain() {
        let cors = cors(&["https://a.example", "https://*.b.example"], settings::Cors::default());

        assert_eq!(told(&cors, "https://a.example").as_deref(), Some("https://a.example"));
        assert_eq!(told(&cors, "https://x.y.b.example").as_deref(), Some("https://x.y.b.example"));
        for origin in ["http://a.example", "https://b.example", "https://.b.example", "https://evilb.example", "null"] {
            assert_eq!(told(&cors, origin), None, "{origin}");
        }
    }

    #[test]
    fn answers_of_back_ends_are_left_alone_and_others_completed() {
        let expose = vec!["x-one".to_owned()];
        let cors = cors(&["*"], settings::Cors { expose, ..settings::Cors::default() });
        let (origin, mut bare, mut own) =
            (HeaderValue::from_static("https://a.example"), HeaderMap::new(), HeaderMap::new());
        own.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("https://own.example"));

        cors.complete(&origin, &mut bare);
        cors.complete(&origin, &mut own);

        assert_eq!(bare[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(
            (&bare[ACCESS_CONTROL_EXPOSE_HEADERS], bare.contains_key(VARY)),
            (&HeaderValue::from_static("x-one"), false)
        );
        assert_eq!(
            (&own[ACCESS_CONTROL_ALLOW_ORIGIN], own.len()),
            (&HeaderValue::from_static("https://own.example"), 1)
        );
    }
}
