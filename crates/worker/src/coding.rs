//! Content codings, both ways (rest-data-plane §3.7): gzip and deflate, and identity, which is none.

mod deflate;
mod inflate;

use http::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, GetAll, HeaderMap, HeaderValue};
use stagecoach_base::Verb;
use stagecoach_plan::GatewayResponseType;

pub(crate) use deflate::Deflating;
use inflate::Problem;
pub use inflate::fuzz_inflate;

use crate::body::{ReplyBody, RequestBody};
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::integrate;

/// Codings of one body; more are refused.
const MOST: usize = 4;

/// A coding that changes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// zlib's format; a request may also leave zlib's frame out, as old clients do.
    Deflate,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Coding(Coding),
    Identity,
    Unknown,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }
}

impl Named {
    fn parse(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Self::Coding(Coding::Gzip),
            "deflate" => Self::Coding(Coding::Deflate),
            "identity" => Self::Identity,
            _ => Self::Unknown,
        }
    }
}

/// The members of a list header, over all its lines.
fn members<'a>(values: &GetAll<'a, HeaderValue>) -> impl Iterator<Item = &'a str> {
    let texts = values.iter().map(|value| value.to_str().unwrap_or("?"));
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|member| !member.is_empty())
}

/// The codings of a request's body in the order they were applied.
///
/// # Errors
/// 415 for one that is not known, which AWS says before it looks for a method (rest-data-plane §1.1, step 3).
pub(crate) fn of_request(exchange: &Exchange) -> Result<Vec<Coding>, Failure> {
    if !exchange.seen.content_encoding {
        return Ok(Vec::new());
    }
    listed(&exchange.headers).ok_or_else(unsupported)
}

fn listed(headers: &HeaderMap) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for name in members(&headers.get_all(CONTENT_ENCODING)) {
        match Named::parse(name) {
            Named::Coding(coding) if codings.len() < MOST => codings.push(coding),
            Named::Identity => {}
            Named::Coding(_) | Named::Unknown => return None,
        }
    }
    Some(codings)
}

fn unsupported() -> Failure {
    Failure::early(GatewayResponseType::UnsupportedMediaType)
}

/// A request's body without its codings. It is decoded as a whole, before anybody sees a byte of it, so a back end is
/// never sent half of what turns out to be damaged.
///
/// # Errors
/// 413 for more than the payload limit or a suspicious ratio, 415 for what does not decode.
pub(crate) async fn decoded(body: RequestBody, codings: &[Coding], limit: usize) -> Result<RequestBody, Failure> {
    let mut bytes = body.collect().await.map_err(|error| integrate::unreadable(&error))?;
    for coding in codings.iter().rev() {
        bytes = inflate::whole(bytes, *coding, limit).await.map_err(|problem| match problem {
            Problem::TooLarge => Failure::early(GatewayResponseType::RequestTooLarge),
            Problem::Damaged => unsupported(),
        })?;
    }
    Ok(RequestBody::whole(bytes, limit))
}

/// How an answer may be compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    coding: Coding,
    /// Smaller bodies go out as they are, bytes.
    minimum: usize,
}

/// What the API and the client agree on. Asked before the integration takes the client's headers; costs one look at the
/// API where compression is off. A streamed answer is never compressed (§3.8, "response streaming").
pub(crate) fn offer(exchange: &Exchange) -> Option<Offer> {
    let minimum = exchange.release.api.minimum_compression_size?;
    if exchange.verb == Some(Verb::Head) || exchange.method().is_some_and(|method| method.integration.stream) {
        return None;
    }
    let coding = preferred(&exchange.headers)?;
    Some(Offer { coding, minimum: usize::try_from(minimum).unwrap_or(usize::MAX) })
}

/// The coding that the client likes best, the first of several it likes as much; `None` when that is none of ours.
fn preferred(headers: &HeaderMap) -> Option<Coding> {
    let mut best: Option<(u16, &str)> = None;
    for member in members(&headers.get_all(ACCEPT_ENCODING)) {
        let (name, parameters) = member.split_once(';').unwrap_or((member, ""));
        let weight = weight(parameters);
        if weight > best.map_or(0, |(known, _)| known) {
            best = Some((weight, name.trim()));
        }
    }
    match best? {
        (_, "*") => Some(Coding::Gzip),
        (_, name) => match Named::parse(name) {
            Named::Coding(coding) => Some(coding),
            Named::Identity | Named::Unknown => None,
        },
    }
}

/// A `q` in thousandths; 1 when there is none, 0 when it is malformed.
fn weight(parameters: &str) -> u16 {
    let Some(text) = parameters.trim().strip_prefix(['q', 'Q']) else { return 1000 };
    let value = text.trim_start().strip_prefix('=').and_then(|text| text.trim().parse::<f32>().ok());
    let value = value.filter(|value| (0.0..=1.0).contains(value)).unwrap_or_default();
    // In range by the filter.
    (value * 1000.0).round() as u16
}

/// The answer, compressed where that is due.
pub(crate) async fn compressed(response: Response<ReplyBody>, offer: Offer) -> Response<ReplyBody> {
    let bodiless = response.status().is_informational() || matches!(response.status().as_u16(), 204 | 205 | 304);
    if bodiless || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let (body, done) = deflate::apply(body, offer.coding, offer.minimum).await;
    if done {
        parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(offer.coding.name()));
        // A shared cache must not give it to a client that cannot read it.
        parts.headers.append(http::header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &http::header::HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    /// rest-data-plane §3.7: the highest-priority coding decides, and an unsupported one means none.
    #[test]
    fn the_coding_that_a_client_likes_best_is_used_if_it_is_ours() {
        let rows: [(&[&str], Option<Coding>); 18] = [
            (&["gzip"], Some(Coding::Gzip)),
            (&["x-gzip"], Some(Coding::Gzip)),
            (&["deflate"], Some(Coding::Deflate)),
            (&["GZIP;q=1.0"], Some(Coding::Gzip)),
            (&["gzip, deflate, br, zstd"], Some(Coding::Gzip)),
            (&["deflate, gzip"], Some(Coding::Deflate)),
            (&["deflate;q=0.5, gzip;q=0.8"], Some(Coding::Gzip)),
            (&["deflate;q=0.5", "gzip; q=0.8"], Some(Coding::Gzip)),
            (&["br, gzip"], None),
            (&["br;q=1.0, gzip;q=0.8"], None),
            (&["identity, gzip;q=0.5"], None),
            (&["identity"], None),
            (&["*"], Some(Coding::Gzip)),
            (&["gzip;q=0"], None),
            (&["gzip;q=0, deflate;q=0.001"], Some(Coding::Deflate)),
            (&["gzip;q=2, deflate;q=x"], None),
            (&["", ","], None),
            (&[], None),
        ];

        for (values, expected) in rows {
            assert_eq!(preferred(&headers(&ACCEPT_ENCODING, values)), expected, "{values:?}");
        }
    }

    /// rest-data-plane §3.7: gzip, deflate and identity are known, and undone in reverse order.
    #[test]
    fn the_codings_of_a_request_are_known_or_the_media_type_is_unsupported() {
        let listed = |values: &[&str]| listed(&headers(&CONTENT_ENCODING, values));
        let (gzip, deflate) = (Coding::Gzip, Coding::Deflate);

        assert_eq!(listed(&["gzip"]), Some(vec![gzip]));
        assert_eq!(listed(&["identity"]), Some(vec![]));
        assert_eq!(listed(&["deflate, GZIP", "identity"]), Some(vec![deflate, gzip]));
        assert_eq!(listed(&["br"]), None);
        assert_eq!(listed(&["gzip, br"]), None);
        assert_eq!(listed(&["gzip,gzip,gzip,gzip,gzip"]), None);
        assert_eq!(listed(&["\u{e9}"]), None);
    }
}
