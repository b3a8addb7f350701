//! AWS's lines (rest-data-plane §10.2, "Line catalogue"), and which of them a method's settings ask for.

use std::borrow::Cow;

use stagecoach_plan::settings::MethodSettings;

use super::event::Event;
use super::print::{cut, listed};

/// What a method's settings ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logging {
    pub(crate) level: Level,
    /// Headers and bodies too (`dataTraceEnabled`).
    pub(crate) data: bool,
}

/// `loggingLevel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    #[default]
    Off,
    Error,
    Info,
}

impl Logging {
    /// Everything, for a test.
    pub(crate) const WHOLE: Self = Self { level: Level::Info, data: true };

    /// A level that is not known logs nothing.
    pub(crate) fn of(settings: &MethodSettings) -> Self {
        let level = match settings.logging_level.as_deref() {
            Some("ERROR") => Level::Error,
            Some("INFO") => Level::Info,
            _ => Level::Off,
        };
        Self { level, data: settings.data_trace }
    }

    fn shows(self, line: &Line<'_>) -> bool {
        line.level <= self.level && (self.data || !line.data)
    }
}

/// A line of a log.
pub(crate) struct Line<'a> {
    pub(crate) level: Level,
    /// It holds what callers or integrations sent.
    data: bool,
    pub(crate) text: Cow<'a, str>,
}

impl<'a> Line<'a> {
    fn info(text: impl Into<Cow<'a, str>>) -> Self {
        Self { level: Level::Info, data: false, text: text.into() }
    }

    fn error(text: impl Into<Cow<'a, str>>) -> Self {
        Self { level: Level::Error, ..Self::info(text) }
    }

    fn data(label: &str, value: &str) -> Self {
        Self { data: true, ..Self::info(format!("{label}: {}", cut(value))) }
    }
}

/// The lines of an event that `logging` shows.
pub(crate) fn lines(event: &Event, logging: Logging) -> Vec<Line<'_>> {
    let mut lines = all(event);
    lines.retain(|line| logging.shows(line));
    lines
}

fn all(event: &Event) -> Vec<Line<'_>> {
    let list = |pairs: &[(String, String)]| listed(pairs.iter().map(|(name, value)| (name, value)));
    match event {
        // Steps that AWS says nothing about.
        Event::Asked { .. }
        | Event::NotLocated {}
        | Event::Located { .. }
        | Event::Matched { .. }
        | Event::NotMatched { .. }
        | Event::Guarded { .. }
        | Event::Cache { .. }
        | Event::Template { .. }
        | Event::Trouble { .. }
        | Event::Selected { .. } => Vec::new(),
        Event::Note { text, error: true } => vec![Line::error(text)],
        Event::Note { text, error: false } => vec![Line::info(text)],
        Event::Request { id, method, path, variables, query, headers, body } => vec![
            Line::info(format!("Starting execution for request: {id}")),
            Line::info(format!("HTTP Method: {method}, Resource Path: {path}")),
            Line::data("Method request path", &list(variables)),
            Line::data("Method request query string", &list(query)),
            Line::data("Method request headers", &list(headers)),
            Line::data("Method request body before transformations", body),
        ],
        Event::EndpointRequest { method: _, uri, headers, body } => vec![
            Line::data("Endpoint request URI", uri),
            Line::data("Endpoint request headers", &list(headers)),
            Line::data("Endpoint request body after transformations", body),
            Line::info(format!("Sending request to {uri}")),
        ],
        Event::EndpointResponse { status, latency_ms, headers, reused_connection: _ } => vec![
            Line::info(format!("Received response. Status: {status}, Integration latency: {latency_ms} ms")),
            Line::data("Endpoint response headers", &list(headers)),
        ],
        Event::EndpointBody { body } => vec![Line::data("Endpoint response body before transformations", body)],
        Event::Failed { line, .. } => line.iter().map(Line::error).collect(),
        Event::GatewayResponse { response_type, status, headers, body } => vec![
            Line::error(format!("Gateway response type: {response_type} with status code: {status}")),
            Line::data("Gateway response body", body),
            Line::data("Gateway response headers", &list(headers)),
        ],
        Event::Response { headers, body } => vec![
            Line::data("Method response body after transformations", body),
            Line::data("Method response headers", &list(headers)),
            Line::info("Successfully completed execution"),
        ],
        Event::Completed { status, failed } => {
            let text = format!("Method completed with status: {status}");
            vec![if *failed { Line::error(text) } else { Line::info(text) }]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(events: &[Event], level: Level, data: bool) -> Vec<String> {
        let shown = events.iter().flat_map(|event| lines(event, Logging { level, data }));
        shown.map(|line| line.text.into_owned()).collect()
    }

    fn failing() -> [Event; 4] {
        [
            Event::Request {
                id: "id".into(),
                method: "GET".into(),
                path: "/a".into(),
                variables: Vec::new(),
                query: vec![("q".into(), "1".into())],
                headers: Vec::new(),
                body: "x".repeat(2000),
            },
            Event::Failed {
                response_type: "DEFAULT_5XX",
                cause: "why".into(),
                line: Some("Execution failed due to configuration error: why".into()),
            },
            Event::GatewayResponse { response_type: "DEFAULT_5XX", status: 500, headers: Vec::new(), body: "b".into() },
            Event::Completed { status: 500, failed: true },
        ]
    }

    /// rest-data-plane §10.2: ERROR logs only failures.
    #[test]
    fn the_error_level_shows_failures_and_nothing_else() {
        let shown = texts(&failing(), Level::Error, false);

        assert_eq!(
            shown,
            [
                "Execution failed due to configuration error: why",
                "Gateway response type: DEFAULT_5XX with status code: 500",
                "Method completed with status: 500",
            ]
        );
        assert!(texts(&[Event::Completed { status: 404, failed: false }], Level::Error, true).is_empty());
    }

    /// rest-data-plane §10.2: `dataTraceEnabled` adds headers and bodies; a value ends after 1,024 bytes.
    #[test]
    fn data_is_shown_on_request_only_and_cut() {
        let (plain, data) = (texts(&failing(), Level::Info, false), texts(&failing(), Level::Info, true));

        assert_eq!(
            plain.get(..2).unwrap(),
            ["Starting execution for request: id", "HTTP Method: GET, Resource Path: /a"]
        );
        assert_eq!((plain.len(), data.len()), (5, 11));
        assert_eq!(data.get(3).unwrap(), "Method request query string: {q=1}");
        assert!(data.get(5).unwrap().ends_with("x [TRUNCATED]"));
    }

    #[test]
    fn off_shows_nothing() {
        assert!(texts(&failing(), Level::Off, true).is_empty());
        assert_eq!(Logging::of(&MethodSettings::default()).level, Level::Off);
    }
}
