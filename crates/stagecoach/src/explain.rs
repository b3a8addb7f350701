//! `stagecoach explain`: sends a request with the operator's key and prints what the gateway did with it.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::cli::Explain;
use crate::compose;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Characters of a body that the table shows.
const SHOWN: usize = 400;

/// Prints the answer's status and the trace.
///
/// # Errors
/// A URL, method or header that is none, a server that cannot be reached, an answer without a trace.
pub(crate) fn run(options: &Explain) -> anyhow::Result<()> {
    let trace = compose::runtime()?.block_on(async {
        tokio::time::timeout(PATIENCE, trace(options)).await.context("the gateway did not answer in time")?
    })?;
    let text = if options.json { serde_json::to_string_pretty(&trace)? } else { table(&trace) };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

async fn trace(options: &Explain) -> anyhow::Result<Value> {
    let body = options.data.clone().unwrap_or_default();
    let method = match &options.request {
        Some(method) => Method::from_bytes(method.as_bytes()).with_context(|| format!("`{method}` is no method"))?,
        None if options.data.is_some() => Method::POST,
        None => Method::GET,
    };
    let mut headers = HeaderMap::new();
    for text in &options.header {
        let (name, value) = text.split_once(':').with_context(|| format!("-H `{text}` is not NAME: VALUE"))?;
        headers.append(name.trim().parse::<HeaderName>()?, value.trim().parse::<HeaderValue>()?);
    }
    let answer = send(&options.url, method, headers, &options.key, body.into()).await?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(small) = header("x-stagecoach-explain-trace") {
        return Ok(serde_json::from_slice(&STANDARD.decode(small)?)?);
    }
    let Some(id) = header("x-stagecoach-explain-id") else {
        bail!(
            "HTTP {}: the answer is not explained; was the worker started with --explain-key, and is it this key?",
            answer.status()
        )
    };
    let url = format!("{}/explain/{id}", options.worker_status.trim_end_matches('/'));
    let kept = send(&url, Method::GET, HeaderMap::new(), &options.key, Bytes::new()).await?;
    if !kept.status().is_success() {
        bail!("{url} answers HTTP {}; say with --worker-status where the worker's status is served", kept.status());
    }
    Ok(serde_json::from_slice(kept.body())?)
}

/// One request over a connection of its own.
async fn send(
    url: &str,
    method: Method,
    headers: HeaderMap,
    key: &str,
    body: Bytes,
) -> anyhow::Result<Response<Bytes>> {
    let uri: Uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
    let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else { bail!("`{url}` names no host") };
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::builder().method(method).uri(target).body(Full::new(body))?;
    *request.headers_mut() = headers;
    request.headers_mut().entry("host").or_insert(authority.as_str().parse()?);
    request.headers_mut().insert("x-stagecoach-explain", key.parse().context("the key is no header value")?);
    let bare = host.trim_matches(['[', ']']);
    // Names below localhost are this machine, whatever its resolver says.
    let address = if bare.ends_with(".localhost") { "127.0.0.1" } else { bare };
    let stream = TcpStream::connect((address, port)).await.with_context(|| format!("cannot connect to {url}"))?;
    if !secure {
        return exchange(stream, request).await;
    }
    let name = rustls::pki_types::ServerName::try_from(bare.to_owned())?;
    exchange(connector()?.connect(name, stream).await?, request).await
}

fn connector() -> anyhow::Result<tokio_rustls::TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(std::sync::Arc::new(config).into())
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Bytes>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    // The end of the trace is known once the whole answer is.
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

/// A line per step: when, what, its scalars; headers and bodies beneath.
fn table(trace: &Value) -> String {
    let milliseconds = |value: Option<&Value>| value.and_then(Value::as_f64).unwrap_or_default() / 1000.0;
    let text = |name: &str| trace.get(name).map(shown).unwrap_or_default();
    let mut out = format!(
        "request {} answered {} after {:.3} ms\n\n{:>10}  {:<17} {}",
        text("requestId"),
        text("status"),
        milliseconds(trace.get("totalMicroseconds")),
        "at ms",
        "step",
        "what"
    );
    for step in trace.get("steps").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
        let name = step.get("step").and_then(Value::as_str).unwrap_or_default();
        let at = milliseconds(step.get("atMicroseconds"));
        out.push_str(&format!("\n{at:>10.3}  {name:<17} {}", scalars(step)));
        for line in beneath(step) {
            out.push_str(&format!("\n{:>30} {line}", ""));
        }
    }
    out
}

fn members(step: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    step.iter().filter(|(name, _)| !matches!(name.as_str(), "step" | "atMicroseconds"))
}

fn scalars(step: &Map<String, Value>) -> String {
    let inline = members(step).filter(|(name, value)| !value.is_array() && !value.is_object() && *name != "body");
    let mut parts: Vec<String> = inline.map(|(name, value)| format!("{name}={}", shown(value))).collect();
    for (name, value) in members(step) {
        if let Some(inner) = value.as_object() {
            parts.extend(inner.iter().map(|(key, value)| format!("{name}.{key}={}", shown(value))));
        }
    }
    parts.join("  ")
}

fn beneath(step: &Map<String, Value>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in members(step) {
        for item in value.as_array().into_iter().flatten() {
            let line = match item.as_array().map(Vec::as_slice) {
                Some([key, value]) => format!("{name}: {}: {}", shown(key), shown(value)),
                _ => format!("{name}: {}", shown(item)),
            };
            lines.push(line);
        }
        if name == "body" && value.as_str().is_some_and(|body| !body.is_empty()) {
            let body = shown(value);
            let cut: String = body.chars().take(SHOWN).collect();
            let more = if cut.len() < body.len() { " …" } else { "" };
            lines.push(format!("body: {}{more}", cut.replace(['\n', '\r'], " ")));
        }
    }
    lines
}

/// A scalar without quotes. Control characters of strangers do not reach the terminal.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_lines_with_headers_and_bodies_beneath() {
        let trace = serde_json::json!({
            "requestId": "id", "status": 200, "totalMicroseconds": 1500,
            "steps": [
                { "atMicroseconds": 20, "step": "located", "api": "a", "canary": { "isCanary": false } },
                { "atMicroseconds": 900, "step": "endpointRequest", "headers": [["X-A", "1\u{1b}[2J"]], "body": "x\ny" },
            ],
        });

        let table = table(&trace);

        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "request id answered 200 after 1.500 ms");
        assert_eq!(
            lines[3].split_whitespace().collect::<Vec<_>>(),
            ["0.020", "located", "api=a", "canary.isCanary=false"]
        );
        assert_eq!((lines[5].trim(), lines[6].trim()), ("headers: X-A: 1 [2J", "body: x y"));
    }
}
