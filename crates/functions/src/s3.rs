//! S3 as a client sees it: GetObject, signed, bounded in size and time.

mod answer;
mod connect;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use stagecoach_base as base;
use stagecoach_sigv4::{Credentials, Signer};
use tokio::time::timeout;

use crate::Pending;
use crate::objects::{ObjectError, ObjectName, Objects};
use connect::Connector;

/// How long S3 may take to begin its answer, and between two parts of it.
const STALL: Duration = Duration::from_secs(20);
/// How long a whole object may take.
const WHOLE: Duration = Duration::from_secs(300);

/// Everything but RFC 3986's unreserved characters.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`STRICT`], with slashes kept.
const KEY: &AsciiSet = &STRICT.remove(b'/');

/// Which S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum S3Endpoint {
    /// AWS's own, in the region of the signer: buckets are host names.
    Aws,
    /// Anything that speaks S3, at this URL: buckets are the first segment of the path.
    At(Uri),
}

/// The text is neither `aws` nor a URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is neither `aws` nor a URL like http://127.0.0.1:9000")]
pub struct NoEndpoint(String);

impl FromStr for S3Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Self, NoEndpoint> {
        if text == "aws" {
            return Ok(Self::Aws);
        }
        let uri: Uri = text.parse().map_err(|_| NoEndpoint(text.to_owned()))?;
        let known = matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none();
        let plain =
            uri.authority().is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
        if known && plain { Ok(Self::At(uri)) } else { Err(NoEndpoint(text.to_owned())) }
    }
}

/// A client of S3. One connection for each object: packages are fetched when functions are deployed, not when they run.
pub struct S3 {
    endpoint: S3Endpoint,
    signer: Signer,
    clock: Arc<dyn Clock>,
    connector: Connector,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("endpoint", &self.endpoint).field("signer", &self.signer).finish_non_exhaustive()
    }
}

/// Where an object is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    tls: bool,
    /// `host[:port]`.
    authority: String,
    path: String,
    query: String,
}

impl S3 {
    /// A client of `endpoint` whose calls are signed for `region`.
    pub fn new(endpoint: S3Endpoint, region: String, credentials: Credentials, clock: Arc<dyn Clock>) -> Self {
        let signer = Signer { credentials, region, service: "s3".to_owned() };
        Self { endpoint, signer, clock, connector: Connector::default() }
    }

    fn place(&self, object: &ObjectName) -> Place {
        let key = utf8_percent_encode(&object.key, KEY).to_string();
        let bucket = utf8_percent_encode(&object.bucket, STRICT).to_string();
        let version = object.version.as_deref().map(|version| utf8_percent_encode(version, STRICT).to_string());
        let query = version.map(|version| format!("versionId={version}")).unwrap_or_default();
        match &self.endpoint {
            S3Endpoint::At(uri) => Place {
                tls: uri.scheme_str() == Some("https"),
                authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
                path: format!("{}/{bucket}/{key}", uri.path().trim_end_matches('/')),
                query,
            },
            S3Endpoint::Aws => {
                let region = &self.signer.region;
                let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                let service = format!("s3.{region}.{domain}");
                // AWS's certificates are for one label before the service's name.
                let one_label =
                    object.bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                let (authority, path) = match one_label {
                    true => (format!("{bucket}.{service}"), format!("/{key}")),
                    false => (service, format!("/{bucket}/{key}")),
                };
                Place { tls: true, authority, path, query }
            }
        }
    }

    fn request(&self, place: &Place) -> Result<Request<Empty<Bytes>>, ObjectError> {
        let wrong = |error: http::Error| ObjectError::Unreachable(error.to_string());
        let mut headers = HeaderMap::new();
        let host = HeaderValue::from_str(&place.authority).map_err(|error| wrong(error.into()))?;
        headers.insert(HOST, host);
        self.signer.sign(&Method::GET, &place.path, &place.query, &mut headers, b"", self.clock.wall());
        let separator = if place.query.is_empty() { "" } else { "?" };
        let request = Request::get(format!("{}{separator}{}", place.path, place.query)).body(Empty::new());
        let mut request = request.map_err(wrong)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn fetch(&self, object: &ObjectName, largest: usize) -> Result<Bytes, ObjectError> {
        let place = self.place(object);
        let request = self.request(&place)?;
        let late = |_| ObjectError::Unreachable(format!("{} does not answer", place.authority));
        let mut sender = timeout(STALL, self.connector.connect(place.tls, &place.authority)).await.map_err(late)??;
        let lost = |error: hyper::Error| ObjectError::Unreachable(format!("{}: {error}", place.authority));
        let answer = timeout(STALL, sender.send_request(request)).await.map_err(late)?.map_err(lost)?;
        let status = answer.status();
        if !status.is_success() {
            let text = read(answer.into_body(), answer::LONGEST, &place.authority).await.unwrap_or_default();
            return Err(self.refused(answer::refusal(status, &text)));
        }
        read(answer.into_body(), largest, &place.authority).await
    }

    /// Credentials that S3 does not take are the operator's affair as well.
    fn refused(&self, error: ObjectError) -> ObjectError {
        if let ObjectError::Refused { code, .. } = &error
            && ["SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken"].contains(&code.as_str())
        {
            let access_key = &self.signer.credentials.access_key;
            tracing::warn!(%error, access_key, "S3 refuses this host's credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)");
        }
        error
    }
}

impl Objects for S3 {
    fn get<'a>(&'a self, object: &'a ObjectName, largest: usize) -> Pending<'a, Result<Bytes, ObjectError>> {
        Box::pin(async move {
            let late = |_| ObjectError::Unreachable(format!("the object took more than {} s", WHOLE.as_secs()));
            timeout(WHOLE, self.fetch(object, largest)).await.map_err(late)?
        })
    }
}

/// All of a body of at most `largest` bytes.
async fn read(mut body: Incoming, largest: usize, from: &str) -> Result<Bytes, ObjectError> {
    let lost = |why: String| ObjectError::Unreachable(format!("{from} broke off: {why}"));
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > u64::try_from(largest).unwrap_or(u64::MAX) {
        return Err(ObjectError::TooLarge(largest));
    }
    let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or_default());
    while let Some(frame) = timeout(STALL, body.frame()).await.map_err(|_| lost("it stalled".to_owned()))? {
        let frame = frame.map_err(|error| lost(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > largest {
            return Err(ObjectError::TooLarge(largest));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use base::UnixMillis;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Instant {
            Instant::now()
        }

        fn wall(&self) -> UnixMillis {
            UnixMillis(1_790_000_000_000)
        }
    }

    fn place(endpoint: &str, bucket: &str, key: &str, version: Option<&str>) -> (String, String, String) {
        let credentials = Credentials { access_key: "a".into(), secret: "s".into(), token: None };
        let s3 = S3::new(endpoint.parse().unwrap(), "eu-west-1".into(), credentials, Arc::new(Fixed));
        let object = ObjectName { bucket: bucket.into(), key: key.into(), version: version.map(Into::into) };
        let Place { authority, path, query, .. } = s3.place(&object);
        (authority, path, query)
    }

    #[test]
    fn buckets_are_host_names_on_aws_and_paths_elsewhere() {
        let texts = |authority: &str, path: &str, query: &str| (authority.into(), path.into(), query.into());

        assert_eq!(
            place("aws", "code-1", "a b/c.zip", None),
            texts("code-1.s3.eu-west-1.amazonaws.com", "/a%20b/c.zip", "")
        );
        assert_eq!(place("aws", "my.code", "k", None), texts("s3.eu-west-1.amazonaws.com", "/my.code/k", ""));
        assert_eq!(
            place("http://127.0.0.1:9000/s3/", "code", "k+1", Some("v/1")),
            texts("127.0.0.1:9000", "/s3/code/k%2B1", "versionId=v%2F1")
        );
    }

    #[test]
    fn an_endpoint_is_aws_or_a_url() {
        for wrong in ["", "s3.test", "ftp://x", "http://", "/path", "http://x/?q", "http://a@x"] {
            assert!(wrong.parse::<S3Endpoint>().is_err(), "{wrong}");
        }
        assert_eq!("aws".parse(), Ok(S3Endpoint::Aws));
    }
}
