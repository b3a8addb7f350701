//! Who runs functions: `--lambda-endpoint`, and what calls there are signed with.

use anyhow::{Context, bail};
use stagecoach_sigv4::Credentials;
use stagecoach_worker::{LambdaEndpoint, Rotating};

use crate::compose::sdk_credentials;
use crate::profiles::Profiles;

/// Where functions are run unless the command line says otherwise: the function host's own address.
const OWN_HOST: &str = "http://127.0.0.1:8083";

/// Reads `[PATTERN=]URL[,profile=NAME]`, parted by commas as well. Without any, our own host runs all functions.
///
/// # Errors
/// A text that is none of these, a profile that cannot be read.
pub(crate) fn parse(texts: &[String], profiles: &mut Profiles) -> anyhow::Result<Vec<LambdaEndpoint>> {
    let environment = Rotating::new(of_the_environment());
    let endpoint = |text: &str, credentials| {
        let parsed = LambdaEndpoint::parse(text, credentials);
        parsed.with_context(|| {
            format!("--lambda-endpoint {text} is not URL or PATTERN=URL, with `,profile=NAME` behind it or not")
        })
    };
    let mut endpoints: Vec<LambdaEndpoint> = Vec::new();
    let mut signed = true;
    for text in texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty()) {
        let Some(name) = text.strip_prefix("profile=") else {
            endpoints.push(endpoint(text, environment.clone())?);
            signed = false;
            continue;
        };
        let last = endpoints.last_mut().filter(|_| !signed);
        let Some(last) = last else { bail!("--lambda-endpoint {text} needs a URL of its own before it") };
        last.credentials = profiles.get(name).with_context(|| format!("--lambda-endpoint …,{text}"))?;
        signed = true;
    }
    if endpoints.is_empty() {
        endpoints.push(endpoint(OWN_HOST, environment)?);
    }
    Ok(endpoints)
}

/// What Invoke calls are signed with: the SDKs' own variables, or a name that local Lambda endpoints accept.
fn of_the_environment() -> Credentials {
    let local = || Credentials { access_key: "stagecoach".into(), secret: "stagecoach".into(), token: None };
    sdk_credentials().unwrap_or_else(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<(String, String)>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let endpoints = parse(&texts, &mut Profiles::default());
        let pair = |endpoint: LambdaEndpoint| (endpoint.pattern, endpoint.url.authority.into_string());
        endpoints.map(|all| all.into_iter().map(pair).collect()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn endpoints_are_read_in_their_order_and_without_any_our_own_host_runs_functions() {
        let pair = |pattern: &str, url: &str| (pattern.to_owned(), url.to_owned());

        assert_eq!(read(&["arn:*:eu-*=https://a", "http://b:1"]), Ok(vec![pair("arn:*:eu-*", "a"), pair("*", "b:1")]));
        assert_eq!(read(&[]), Ok(vec![pair("*", "127.0.0.1:8083")]));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let starts = |texts: &[&str], with: &str| read(texts).is_err_and(|error| error.starts_with(with));

        assert!(starts(&["ftp://a"], "--lambda-endpoint ftp://a is not"));
        assert!(starts(&["profile=p"], "--lambda-endpoint profile=p needs a URL"));
        assert!(starts(&["http://a,profile=p"], "--lambda-endpoint …,profile=p: there is no shared credentials file"));
    }
}
