//! `Location` of packages: URLs of this API that need no access key, because they carry a signature and end soon. AWS gives
//! presigned URLs of S3 that hold for ten minutes.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Method};
use stagecoach_base::Digest;
use stagecoach_wire::Reply;

use super::Functions;
use crate::errors::{Code, LambdaError};

/// What these paths begin with; a package's digest follows.
const PREFIX: &str = "/_stagecoach/v1/functions/code/";
/// Seconds a URL holds, as on AWS.
const LIFETIME: i64 = 600;
/// Name of the key in the store: every host over one store takes every host's URLs.
const KEY: &str = "functions-download-key";

/// Whether a path is a download's: the URL itself is the permission, so that whoever serves [`Functions::handle`] passes such a
/// call on without asking for an access key.
pub fn is_presigned(path: &str) -> bool {
    digest(path).is_some()
}

fn digest(path: &str) -> Option<Digest> {
    path.strip_prefix(PREFIX)?.parse().ok()
}

/// Where a caller reached this API.
pub(super) struct Origin(Option<String>);

impl Origin {
    /// Scheme and host as the caller used them; whoever ends TLS in front of this API says so in `x-forwarded-proto`.
    pub(super) fn of(request: &Parts) -> Self {
        let header = |headers: &HeaderMap, name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
        let authority = request.uri.authority().map(ToString::to_string);
        let host = header(&request.headers, HOST.as_str()).or(authority);
        let scheme = request.uri.scheme_str().map(str::to_owned);
        let scheme = header(&request.headers, "x-forwarded-proto").or(scheme);
        let scheme = if scheme.as_deref() == Some("https") { "https" } else { "http" };
        Self(host.map(|host| format!("{scheme}://{host}")))
    }
}

impl Functions {
    /// The URL of a package for the next ten minutes; `None` for a caller that reached no host, which is one in this process.
    pub(super) async fn location(&self, origin: &Origin, package: &Digest) -> Result<Option<String>, LambdaError> {
        let Origin(Some(origin)) = origin else { return Ok(None) };
        let expires = self.parts.clock.wall().seconds() + LIFETIME;
        let tag = hmac::sign(self.download_key().await?, &signed(package, expires));
        let signature = URL_SAFE_NO_PAD.encode(tag.as_ref());
        Ok(Some(format!("{origin}{PREFIX}{package}?expires={expires}&signature={signature}")))
    }

    /// Answers a download.
    ///
    /// # Errors
    /// 403 for a URL that was not signed here or is over; 404 for a package that is gone.
    pub(super) async fn download(&self, request: &Parts) -> Result<Reply, LambdaError> {
        let refused = |why: &str| LambdaError::new(Code::AccessDenied, why);
        let package = digest(request.uri.path()).ok_or_else(|| refused("The URL names no package."))?;
        let query = request.uri.query().unwrap_or_default();
        let member = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let expires: i64 = member("expires").and_then(|text| text.parse().ok()).unwrap_or_default();
        let signature = member("signature").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).unwrap_or_default();
        if hmac::verify(self.download_key().await?, &signed(&package, expires), &signature).is_err() {
            return Err(refused("The URL's signature is wrong: ask for Code.Location again."));
        }
        if expires < self.parts.clock.wall().seconds() {
            return Err(refused("Request has expired: ask for Code.Location again."));
        }
        if request.method != Method::GET {
            return Err(refused("The URL is for GET."));
        }
        let zip = self.parts.store.blob(&package).await?;
        let zip = zip.ok_or_else(|| LambdaError::not_found("The package was deleted."))?;
        Ok(Reply::bytes(200, "application/zip", zip))
    }

    async fn download_key(&self) -> Result<&hmac::Key, LambdaError> {
        self.download_key.get_or_try_init(|| self.stored_key()).await
    }

    async fn stored_key(&self) -> Result<hmac::Key, LambdaError> {
        let mut fresh = [0; 32];
        self.parts.entropy.fill(&mut fresh);
        let kept = self.parts.store.put_secret_if_absent(KEY, &fresh).await?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &kept))
    }
}

fn signed(package: &Digest, expires: i64) -> Vec<u8> {
    format!("{package}\n{expires}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_packages_are_presigned() {
        let package = Digest::of(b"");

        assert!(is_presigned(&format!("{PREFIX}{package}")));
        for path in [
            "",
            PREFIX,
            "/_stagecoach/v1/functions/code/logs",
            &format!("{PREFIX}{package}/x"),
            "/2015-03-31/functions",
        ] {
            assert!(!is_presigned(path), "{path}");
        }
    }

    #[test]
    fn the_origin_is_as_the_caller_reached_it() {
        let origin = |uri: &str, headers: &[(&str, &str)]| {
            let request =
                headers.iter().fold(http::Request::get(uri), |request, (name, value)| request.header(*name, *value));
            Origin::of(&request.body(()).unwrap().into_parts().0).0
        };

        assert_eq!(origin("/x", &[("host", "a:1")]).as_deref(), Some("http://a:1"));
        assert_eq!(origin("/x", &[("host", "a"), ("x-forwarded-proto", "https")]).as_deref(), Some("https://a"));
        assert_eq!(origin("https://b:2/x", &[]).as_deref(), Some("https://b:2"));
        assert_eq!(origin("/x", &[]), None);
    }
}
