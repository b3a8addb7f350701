//! A stage's access log format (rest-data-plane §10.1), compiled when the stage is installed.

use std::borrow::Cow;
use std::fmt::Write;

use crate::exchange::Exchange;

/// Bytes of a value that are logged: AWS's own cut of log events, so that no caller fills a disk with one header.
const LONGEST: usize = 1024;
/// What stands for a value that is not there.
const MISSING: &str = "-";

/// A value, for as long as its exchange.
type Value<'a> = Option<Cow<'a, str>>;
type Read = for<'a> fn(&'a Exchange) -> Value<'a>;

/// Variables that only access logs have, or that read differently there. All others are `$context` as templates see it.
const VARIABLES: &[(&str, Read)] = &[
    // Templates and events are told HTTP/1.1 whatever the client speaks (§5.4).
    ("protocol", |e| Some(e.wire.protocol().into())),
    ("status", |e| number(e.notes.status)),
    ("responseLength", |e| number(e.notes.length)),
    ("responseLatency", |e| number(e.notes.latency_ms)),
    ("integration.status", |e| e.notes.integration_status.and_then(number)),
    ("integration.integrationStatus", |e| e.notes.service_status.or(e.notes.integration_status).and_then(number)),
    ("integrationStatus", |e| e.notes.service_status.or(e.notes.integration_status).and_then(number)),
    ("integration.latency", |e| e.notes.integration_latency_ms.and_then(number)),
    ("integrationLatency", |e| e.notes.integration_latency_ms.and_then(number)),
    ("integration.requestId", |e| e.context("awsEndpointRequestId")),
    ("integration.error", |e| e.notes.integration_error.as_deref().map(Cow::Borrowed)),
    ("integrationErrorMessage", |e| e.notes.integration_error.as_deref().map(Cow::Borrowed)),
    ("integration.responseTransferMode", |e| {
        e.method().map(|method| if method.integration.stream { "STREAMED" } else { "BUFFERED" }.into())
    }),
    ("integration.timeToAllHeaders", |e| e.notes.integration_latency_ms.and_then(number)),
    ("integration.timeToFirstContent", |e| e.notes.first_content.as_ref()?.get().and_then(number)),
    ("tlsVersion", |e| e.wire.tls.map(|tls| tls.version.into())),
    ("cipherSuite", |e| e.wire.tls.map(|tls| tls.cipher.into())),
    ("endpointType", |e| Some(e.view.settings.endpoint_type.as_str().into())),
    ("xrayTraceId", |e| e.notes.trace.as_deref().map(root)),
];

#[expect(clippy::unnecessary_wraps, reason = "a value like the others")]
fn number(number: impl Into<u128>) -> Value<'static> {
    Some(Cow::Owned(number.into().to_string()))
}

/// `Root=…` of a trace header.
fn root(trace: &str) -> Cow<'_, str> {
    trace.split(';').find(|part| part.starts_with("Root=")).unwrap_or(trace).into()
}

/// How values are made safe: nobody who calls an API writes lines or members of their own into its log (reliability §3.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Json,
    Xml,
    Csv,
    /// CLF and everything else.
    Text,
}

/// A compiled format.
pub(crate) struct AccessFormat {
    style: Style,
    segments: Vec<Segment>,
}

enum Segment {
    Text(Box<str>),
    Variable(Variable),
}

struct Variable {
    source: Source,
    /// Between quotes of the format.
    quoted: bool,
    /// JSON text already, such as `error.messageString`.
    json: bool,
}

enum Source {
    Own(Read),
    Context(Box<str>),
}

impl AccessFormat {
    /// Reads a format. Whatever is no `$context` variable stays as it is; one that nobody knows prints `-`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text.trim_end_matches(['\r', '\n']);
        while let Some(at) = rest.find('$') {
            let (before, tail) = rest.split_at(at);
            literal.push_str(before);
            match variable(tail) {
                Some((name, after)) => {
                    let variable = Variable::new(name, literal.ends_with('"'));
                    segments.push(Segment::Text(std::mem::take(&mut literal).into()));
                    segments.push(Segment::Variable(variable));
                    rest = after;
                }
                None => {
                    literal.push('$');
                    rest = tail.get(1..).unwrap_or_default();
                }
            }
        }
        literal.push_str(rest);
        segments.push(Segment::Text(literal.into()));
        Self { style: style(text, &segments), segments }
    }

    /// Appends a request's line, without its end.
    pub(crate) fn write(&self, exchange: &Exchange, line: &mut Vec<u8>) {
        let mut text = String::with_capacity(256);
        for segment in &self.segments {
            match segment {
                Segment::Text(literal) => text.push_str(literal),
                Segment::Variable(variable) => self.value(variable, exchange, &mut text),
            }
        }
        line.extend_from_slice(text.as_bytes());
    }

    fn value(&self, variable: &Variable, exchange: &Exchange, out: &mut String) {
        let value = match &variable.source {
            Source::Own(read) => read(exchange),
            Source::Context(name) => exchange.context(name),
        };
        match value.filter(|value| !value.is_empty()) {
            None => out.push_str(MISSING),
            // Where the format has quotes already, the value does without its own.
            Some(value) if variable.json => out.push_str(if variable.quoted { unquoted(&value) } else { &value }),
            Some(value) => escape(self.style, variable.quoted, cut(&value), out),
        }
    }
}

impl Variable {
    fn new(name: &str, quoted: bool) -> Self {
        let own = VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, read)| Source::Own(*read));
        let source = own.unwrap_or_else(|| Source::Context(name.into()));
        Self { source, quoted, json: name == "error.messageString" }
    }
}

/// The name of a variable that `text` begins with, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix("${context.") {
        return braced.split_once('}');
    }
    let after = text.strip_prefix("$context.")?;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let end = after.find(|c| !known(c)).unwrap_or(after.len());
    let name = after.get(..end)?.trim_end_matches(['.', '-']);
    Some((name, after.get(name.len()..)?)).filter(|(name, _)| !name.is_empty())
}

fn style(text: &str, segments: &[Segment]) -> Style {
    let between = |segment: &Segment| match segment {
        Segment::Text(literal) => literal.chars().all(|c| matches!(c, ',' | '"' | ' ')),
        Segment::Variable(_) => true,
    };
    match text.trim_start().chars().next() {
        Some('{' | '[') if text.trim_end().ends_with(['}', ']']) => Style::Json,
        Some('<') => Style::Xml,
        _ if text.contains(',') && segments.iter().all(between) => Style::Csv,
        _ => Style::Text,
    }
}

/// JSON text without the quotes around it.
fn unquoted(json: &str) -> &str {
    json.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(json)
}

fn cut(value: &str) -> &str {
    value.get(..value.floor_char_boundary(LONGEST)).unwrap_or(value)
}

/// Writes `value` so that it stays one field of one line.
fn escape(style: Style, quoted: bool, value: &str, out: &mut String) {
    match style {
        Style::Json => {
            let text = serde_json::Value::from(value).to_string();
            out.push_str(text.get(1..text.len() - 1).unwrap_or_default());
        }
        Style::Xml => value.chars().for_each(|char| xml(char, out)),
        Style::Csv => csv(value, quoted, out),
        Style::Text => value.chars().for_each(|char| clf(char, out)),
    }
}

fn xml(char: char, out: &mut String) {
    match char {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&apos;"),
        char if char.is_control() => out.push(' '),
        char => out.push(char),
    }
}

/// RFC 4180; control characters have no place in a field.
fn csv(value: &str, quoted: bool, out: &mut String) {
    let quotes = !quoted && value.contains([',', '"']);
    if quotes {
        out.push('"');
    }
    for char in value.chars() {
        match char {
            '"' => out.push_str("\"\""),
            char if char.is_control() => out.push(' '),
            char => out.push(char),
        }
    }
    if quotes {
        out.push('"');
    }
}

/// As Apache escapes its common log format.
fn clf(char: char, out: &mut String) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a text cannot fail.
        char if char.is_control() => drop(write!(out, "\\x{:02x}", u32::from(char))),
        char => out.push(char),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The format with every variable in brackets.
    fn read(text: &str) -> (Style, String) {
        let format = AccessFormat::parse(text);
        let segments = format.segments.iter().map(|segment| match segment {
            Segment::Text(literal) => literal.to_string(),
            Segment::Variable(Variable { source: Source::Own(_), .. }) => "[own]".to_owned(),
            Segment::Variable(Variable { source: Source::Context(name), .. }) => format!("[{name}]"),
        });
        (format.style, segments.collect())
    }

    fn escaped(style: Style, quoted: bool, value: &str) -> String {
        let mut out = String::new();
        escape(style, quoted, value, &mut out);
        out
    }

    /// rest-data-plane §10.1, "Standard formats".
    #[test]
    fn the_consoles_formats_are_told_apart() {
        let clf = r#"$context.identity.sourceIp $context.identity.caller [$context.requestTime] "$context.httpMethod $context.resourcePath $context.protocol" $context.status"#;
        let json = r#"{ "requestId":"$context.requestId", "status":"$context.status" }"#;
        let xml = r#"<request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> </request>"#;
        let csv = "$context.identity.sourceIp,$context.identity.caller,$context.requestId";

        let [clf, json, xml, csv] = [clf, json, xml, csv].map(read);

        assert_eq!(
            clf,
            (
                Style::Text,
                r#"[identity.sourceIp] [identity.caller] [[requestTime]] "[httpMethod] [resourcePath] [own]" [own]"#
                    .into()
            )
        );
        assert_eq!(json, (Style::Json, r#"{ "requestId":"[requestId]", "status":"[own]" }"#.into()));
        assert_eq!(
            (xml.0, csv),
            (Style::Xml, (Style::Csv, "[identity.sourceIp],[identity.caller],[requestId]".into()))
        );
    }

    #[test]
    fn only_context_is_substituted() {
        let (style, text) = read("$5 $input.body ${context.path}. $context.a-b. $context. $stageVariables.x\n");

        assert_eq!((style, text.as_str()), (Style::Text, "$5 $input.body [path]. [a-b]. $context. $stageVariables.x"));
    }

    /// reliability §3.14: values of callers write no lines, members or elements of their own.
    #[test]
    fn hostile_values_stay_one_field_of_one_line() {
        let hostile = "a\"b\\c\r\nd<e>,&'\u{1b}";

        let json: String = serde_json::from_str(&format!("\"{}\"", escaped(Style::Json, true, hostile))).unwrap();

        assert_eq!(json, hostile);
        assert_eq!(escaped(Style::Text, false, hostile), "a\\\"b\\\\c\\r\\nd<e>,&'\\x1b");
        assert_eq!(escaped(Style::Xml, false, hostile), "a&quot;b\\c  d&lt;e&gt;,&amp;&apos; ");
        assert_eq!(escaped(Style::Csv, false, hostile), "\"a\"\"b\\c  d<e>,&' \"");
        assert_eq!(escaped(Style::Csv, true, "a,\"b\""), "a,\"\"b\"\"");
    }

    proptest! {
        #[test]
        fn no_format_and_no_value_panics_and_json_stays_json(text in "\\PC{0,40}", name in "[$a-z.{}-]{0,20}", value in any::<String>()) {
            let format = AccessFormat::parse(&format!("{text}$context.{name}${{context.{name}"));
            prop_assert!(!format.segments.is_empty());

            let json: serde_json::Result<String> = serde_json::from_str(&format!("\"{}\"", escaped(Style::Json, true, &value)));
            prop_assert_eq!(json.ok(), Some(value.clone()));
            for style in [Style::Text, Style::Csv, Style::Xml] {
                prop_assert!(!escaped(style, false, &value).contains(['\n', '\r']));
            }
        }
    }

    #[test]
    fn values_are_cut_between_characters() {
        let long = "ü".repeat(600);

        let cut = cut(&long);

        assert_eq!((cut.len(), super::cut("short")), (1024, "short"));
    }
}
