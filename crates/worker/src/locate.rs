//! Which API and stage a request is for (design: "Invoke URLs").

/// The parts of an invoke URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) api: &'a str,
    pub(crate) stage: &'a str,
    /// Where the path behind the stage begins in the request's path.
    pub(crate) rest: usize,
}

impl Place<'_> {
    /// Whether the host names a VPC endpoint (`vpce-….execute-api.{region}.vpce.…`) and not an API (rest-data-plane §12.1).
    pub(crate) fn is_endpoint(&self) -> bool {
        self.api.starts_with("vpce-")
    }
}

/// Reads host and raw path. `None` when neither names an API and a stage.
pub(crate) fn locate<'a>(host: &'a str, path: &'a str) -> Option<Place<'a>> {
    if let Some(api) = api_of_host(host) {
        return stage(path, 0, api);
    }
    if let Some(rest) = path.strip_prefix("/_aws/execute-api/") {
        let api = rest.get(..position(rest, b'/').unwrap_or(rest.len()))?;
        return stage(path, path.len() - rest.len() + api.len(), api);
    }
    let rest = path.strip_prefix("/restapis/")?;
    let (api, rest) = rest.split_once('/')?;
    let (stage, rest) = rest.split_once('/')?;
    let rest = rest.strip_prefix("_user_request_").filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
    Some(Place { api, stage, rest: path.len() - rest.len() })
}

const SERVICE: &str = "execute-api";

/// Where a byte first is. Hosts and stages are short: a plain loop beats a search that sets itself up.
fn position(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|found| found == byte)
}

/// `{api}.execute-api.…`; a VPC endpoint suffix on the first label is dropped.
fn api_of_host(host: &str) -> Option<&str> {
    let dot = position(host, b'.')?;
    let (label, rest) = (host.get(..dot)?, host.get(dot + 1..)?);
    let service = rest.get(..SERVICE.len())?;
    if !matches!(rest.as_bytes().get(SERVICE.len()), None | Some(b'.' | b':')) {
        return None;
    }
    service.eq_ignore_ascii_case(SERVICE).then(|| label.split("-vpce-").next().unwrap_or(label))
}

/// The first segment at `from`, leading slashes ignored.
fn stage<'a>(path: &'a str, from: usize, api: &'a str) -> Option<Place<'a>> {
    let tail = path.get(from..)?;
    let begin = path.len() - tail.trim_start_matches('/').len();
    let length = position(path.get(begin..)?, b'/').unwrap_or(path.len() - begin);
    let stage = path.get(begin..begin + length).filter(|stage| !stage.is_empty())?;
    Some(Place { api, stage, rest: begin + length })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(host: &str, path: &str) -> Option<(String, String, String)> {
        let place = locate(host, path)?;
        Some((place.api.into(), place.stage.into(), path[place.rest..].into()))
    }

    fn parts(api: &str, stage: &str, rest: &str) -> Option<(String, String, String)> {
        Some((api.into(), stage.into(), rest.into()))
    }

    #[test]
    fn hosts_and_paths_name_api_and_stage() {
        assert_eq!(found("abc.execute-api.us-east-1.example.test:8080", "/dev/a/b"), parts("abc", "dev", "/a/b"));
        assert_eq!(found("abc.execute-api.localhost", "//dev//x"), parts("abc", "dev", "//x"));
        assert_eq!(found("abc-vpce-1.execute-api.x", "/dev"), parts("abc", "dev", ""));
        assert_eq!(found("localhost", "/_aws/execute-api/abc/dev/a"), parts("abc", "dev", "/a"));
        assert_eq!(found("localhost", "/restapis/abc/dev/_user_request_/a"), parts("abc", "dev", "/a"));
        assert_eq!(found("localhost", "/restapis/abc/dev/_user_request_"), parts("abc", "dev", ""));
        for path in ["/", "/dev/a", "/_aws/execute-api/abc", "/_aws/execute-api/abc/", "/restapis/abc/dev/x"] {
            assert_eq!(found("localhost", path), None, "{path}");
        }
        assert_eq!(found("abc.execute-api.x", "/"), None);
    }

    proptest! {
        #[test]
        fn no_request_panics(host in "[a-z.:-]{0,20}", path in "/[/a-z_ü-]{0,30}") {
            if let Some(place) = locate(&host, &path) { prop_assert!(path.get(place.rest..).is_some()); }
        }
    }
}
