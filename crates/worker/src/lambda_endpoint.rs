//! Who runs functions, and what its calls are signed with.

use std::sync::Arc;

use arc_swap::ArcSwap;
use stagecoach_plan::target::Endpoint;
use stagecoach_policy::string_like;
use stagecoach_sigv4::Credentials;

/// An endpoint of the Lambda Invoke API.
#[derive(Clone, Debug)]
pub struct LambdaEndpoint {
    /// Function ARNs it serves, so by region and account, too: `*` stands for any text, `?` for any character.
    pub pattern: String,
    /// Base URL, its path without a slash at its end.
    pub url: Endpoint,
    /// What its calls are signed with.
    pub credentials: Rotating,
}

impl LambdaEndpoint {
    /// Reads `URL` or `PATTERN=URL`.
    pub fn parse(text: &str, credentials: Rotating) -> Option<Self> {
        let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
        let (pattern, url) = match text.split_once('=') {
            Some((pattern, url)) if !is_url(pattern) => (pattern, url),
            _ => ("*", text),
        };
        let mut url = Endpoint::parse(url).filter(|url| url.query.is_empty())?;
        url.path = url.path.trim_end_matches('/').into();
        Some(Self { pattern: pattern.to_owned(), url, credentials })
    }

    /// Whether the function is served here.
    pub(crate) fn matches(&self, function: &str) -> bool {
        string_like(&self.pattern, function)
    }
}

/// Credentials that may be rotated while they are used. Whoever signs reads them without a lock.
#[derive(Clone, Debug)]
pub struct Rotating(Arc<ArcSwap<Credentials>>);

impl Rotating {
    /// Credentials to begin with; they may stay for ever.
    pub fn new(credentials: Credentials) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(credentials)))
    }

    /// What calls are signed with from now on.
    pub fn set(&self, credentials: Credentials) {
        self.0.store(Arc::new(credentials));
    }

    /// What a call is signed with now.
    pub fn get(&self) -> Arc<Credentials> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:111111111111:function:f";

    fn credentials(key: &str) -> Credentials {
        Credentials { access_key: key.into(), secret: "s".into(), token: None }
    }

    #[test]
    fn a_function_goes_to_the_endpoint_whose_pattern_it_matches() {
        let endpoint = |text: &str| LambdaEndpoint::parse(text, Rotating::new(credentials("a")));
        let matches = |pattern: &str| endpoint(&format!("{pattern}=http://a")).unwrap().matches(ARN);

        let whole = endpoint("https://a:1/under/").unwrap();

        assert!(whole.matches("anything"));
        assert_eq!((&*whole.url.authority, &*whole.url.path, whole.url.tls), ("a:1", "/under", true));
        for pattern in ["arn:aws:lambda:*:111111111111:*", "arn:aws:lambda:eu-west-?:*", "*:f", ARN] {
            assert!(matches(pattern), "{pattern}");
        }
        for pattern in ["arn:aws:lambda:*:222222222222:*", "arn:aws:lambda:us-*", "*:g", "arn"] {
            assert!(!matches(pattern), "{pattern}");
        }
        for odd in ["ftp://a", "*=a", "http://", "http://a b", "http://a/?x=y"] {
            assert!(endpoint(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn rotated_credentials_are_seen_by_everyone_who_holds_them() {
        let rotating = Rotating::new(credentials("old"));
        let held = rotating.clone();

        rotating.set(credentials("new"));

        assert_eq!(held.get().access_key, "new");
    }
}
