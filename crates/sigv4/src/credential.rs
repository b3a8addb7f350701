//! The `Authorization` header taken apart.

use http::header::AUTHORIZATION;
use http::request::Parts;
use stagecoach_base::{AwsError, ErrorCode};

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
pub(crate) struct Authorization<'a> {
    pub(crate) access_key: &'a str,
    /// `YYYYMMDD/region/service/aws4_request`.
    pub(crate) scope: &'a str,
    pub(crate) signed_headers: Vec<&'a str>,
    pub(crate) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Parses the header's text.
    pub(crate) fn parse(text: &'a str) -> Result<Self, AwsError> {
        let rest = text.strip_prefix(crate::ALGORITHM).filter(|rest| rest.starts_with(' '));
        let rest = rest.ok_or_else(|| incomplete("Authorization header must name the algorithm AWS4-HMAC-SHA256."))?;
        let part = |name: &str| {
            let mut parts = rest.split(',').map(str::trim);
            let found = parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            let missing = || incomplete(&format!("Authorization header requires '{name}' parameter."));
            found.filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        let credential = part("Credential")?;
        let (access_key, scope) = credential.split_once('/').ok_or_else(|| malformed(credential))?;
        let fields: Vec<&str> = scope.split('/').collect();
        if fields.len() != 4 || fields.last() != Some(&"aws4_request") || fields.iter().any(|field| field.is_empty()) {
            return Err(malformed(credential));
        }
        let signed_headers = part("SignedHeaders")?.split(';').collect();
        Ok(Self { access_key, scope, signed_headers, signature: part("Signature")? })
    }
}

fn incomplete(message: &str) -> AwsError {
    AwsError::new(ErrorCode::IncompleteSignature, message)
}

fn malformed(credential: &str) -> AwsError {
    incomplete(&format!(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request, got '{credential}'"
    ))
}

/// The access key a request names, unverified. For looking up its secret, and for logs of open admin surfaces.
pub fn claimed_access_key(parts: &Parts) -> Option<&str> {
    let text = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    Authorization::parse(text).ok().map(|authorization| authorization.access_key)
}
