//! Preflights that the gateway answers by itself, beyond AWS: a stage asks for it with the tag `stagecoach:cors`, a document
//! that AWS has and every client can write. Lists are parted by blanks, since AWS's tags have no commas and no asterisks;
//! both are read all the same.

use std::collections::BTreeMap;

use stagecoach_base::{AwsError, Verb};

/// The tag with the origins; without it the others mean nothing.
const TAG: &str = "stagecoach:cors";
/// Seconds; browsers keep a preflight no longer.
const LONGEST_AGE: u32 = 86_400;

/// What a stage's tags allow pages of other origins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// `scheme://host[:port]`, the host perhaps `*.example.com`; or `*` alone.
    pub origins: Vec<String>,
    /// Verbs; none: all that a path has methods for.
    pub methods: Vec<String>,
    /// Request headers; none: those AWS's console allows; `*`: whatever is asked for.
    pub headers: Vec<String>,
    /// Response headers a page may read.
    pub expose: Vec<String>,
    /// Cookies and the like.
    pub credentials: bool,
    /// Seconds.
    pub max_age: Option<u32>,
}

/// Sets a member from a tag's value; `None`: the value is none.
type Set = fn(&mut Cors, &str) -> Option<()>;

/// What follows [`TAG`] in a tag's key, and what its value is.
const OPTIONS: [(&str, Set, &str); 6] = [
    (
        "",
        |cors, text| list(text, is_origin).map(|list| cors.origins = list),
        "origins such as https://example.com, or any",
    ),
    (":methods", |cors, text| list(text, is_verb).map(|list| cors.methods = list), "methods"),
    (":headers", |cors, text| list(text, is_token).map(|list| cors.headers = list), "header names, or any"),
    (":expose", |cors, text| list(text, is_token).map(|list| cors.expose = list), "header names, or any"),
    (":credentials", |cors, text| text.parse().ok().map(|flag| cors.credentials = flag), "true or false"),
    (":max-age", |cors, text| seconds(text).map(|age| cors.max_age = Some(age)), "seconds, at most 86400"),
];

impl Cors {
    /// What `tags` ask for; `None` when they do not.
    ///
    /// # Errors
    /// 400 for a tag that begins with `stagecoach:cors` and cannot be read, and for credentials to any origin, which
    /// browsers refuse.
    pub fn of(tags: &BTreeMap<String, String>) -> Result<Option<Self>, AwsError> {
        let mut cors = Self::default();
        for (key, value) in tags {
            let Some(option) = key.strip_prefix(TAG) else { continue };
            let known = OPTIONS.iter().find(|(name, ..)| *name == option);
            let (_, set, what) = known.ok_or_else(|| AwsError::bad_request(format!("Invalid tag key {key}.")))?;
            let invalid = || AwsError::bad_request(format!("Invalid value of tag {key}: must be {what}."));
            set(&mut cors, value.trim()).ok_or_else(invalid)?;
        }
        if cors.credentials && cors.origins.iter().any(|origin| origin == "*") {
            return Err(AwsError::bad_request(format!("{TAG}:credentials needs origins by name in {TAG}.")));
        }
        Ok(Some(cors).filter(|cors| !cors.origins.is_empty()))
    }
}

/// At least one entry, and all of them good; `any` is the asterisk that tags cannot have.
fn list(text: &str, is_good: fn(&str) -> bool) -> Option<Vec<String>> {
    let entries = text.split([' ', ',']).filter(|entry| !entry.is_empty());
    let entries: Vec<String> = entries.map(|entry| if entry == "any" { "*" } else { entry }.to_owned()).collect();
    Some(entries).filter(|entries| !entries.is_empty() && entries.iter().all(|entry| is_good(entry)))
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return text == "*" };
    let host = authority.strip_prefix("*.").unwrap_or(authority);
    let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    !scheme.is_empty()
        && scheme.chars().all(letters)
        && !host.is_empty()
        && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]_".contains(c))
}

fn is_verb(text: &str) -> bool {
    text.parse::<Verb>().is_ok_and(|verb| verb != Verb::Any)
}

/// A header's name, or the asterisk, which is a character of names anyway.
fn is_token(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn seconds(text: &str) -> Option<u32> {
    text.parse().ok().filter(|age| *age <= LONGEST_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[(&str, &str)]) -> Result<Option<Cors>, AwsError> {
        Cors::of(&tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn nothing_is_asked_for_without_the_tag() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("team", "pets"), ("stagecoach:cors:max-age", "5")]), Ok(None));
    }

    #[test]
    fn tags_are_read_as_aws_can_write_them() {
        let cors = of(&[
            ("stagecoach:cors", "https://a.example https://*.b.example:8443"),
            ("stagecoach:cors:methods", "GET POST"),
            ("stagecoach:cors:headers", "any"),
            ("stagecoach:cors:expose", "x-one,x-two"),
            ("stagecoach:cors:credentials", "true"),
            ("stagecoach:cors:max-age", "600"),
        ]);

        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let cors = cors.unwrap().unwrap();
        assert_eq!(cors.origins, owned(&["https://a.example", "https://*.b.example:8443"]));
        assert_eq!((cors.methods, cors.headers), (owned(&["GET", "POST"]), owned(&["*"])));
        assert_eq!((cors.expose, cors.credentials, cors.max_age), (owned(&["x-one", "x-two"]), true, Some(600)));
        assert_eq!(of(&[("stagecoach:cors", "any")]).unwrap().unwrap().origins, ["*"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (key, value) in [
            ("", ""),
            ("", "example.com"),
            ("", "https://a.example/path"),
            (":methods", "GET FETCH"),
            (":methods", "ANY"),
            (":headers", "a:b"),
            (":credentials", "yes"),
            (":max-age", "86401"),
            (":origins", "x"),
        ] {
            let error = of(&[(&format!("stagecoach:cors{key}"), value)]).unwrap_err();
            assert_eq!(error.code().status(), 400, "{key} {value}");
        }
        assert!(of(&[("stagecoach:cors", "any"), ("stagecoach:cors:credentials", "true")]).is_err());
    }
}
