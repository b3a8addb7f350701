//! Tags (rest-admin-api §3.22): what may carry them, and what they may be.

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::{AwsError, Scope};

use super::{ApiKey, ClientCertificate, DomainName, RestApi, Stage, UsagePlan, VpcLink};
use crate::input::{self, Constraints, Members};

/// Tags a resource may have.
const MOST: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
/// Keys with this prefix are AWS's own.
const RESERVED: &str = "aws:";

/// A tagged resource, as its ARN names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// `/restapis/{id}`
    RestApi(String),
    /// `/restapis/{id}/stages/{name}`
    Stage {
        /// API.
        api: String,
        /// Stage.
        stage: String,
    },
    /// `/apikeys/{id}`
    ApiKey(String),
    /// `/usageplans/{id}`
    UsagePlan(String),
    /// `/vpclinks/{id}`
    VpcLink(String),
    /// `/domainnames/{name}`; a private one is `{name}+{domainNameId}`.
    DomainName(String),
    /// `/clientcertificates/{id}`
    ClientCertificate(String),
}

/// A document that carries tags.
pub trait HasTags {
    /// Its tags.
    fn tags(&mut self) -> &mut BTreeMap<String, String>;
}

macro_rules! has_tags {
    ($($document:ty),*) => {
        $(impl HasTags for $document {
            fn tags(&mut self) -> &mut BTreeMap<String, String> {
                &mut self.tags
            }
        })*
    };
}

has_tags!(RestApi, Stage, ApiKey, UsagePlan, VpcLink, DomainName, ClientCertificate);

impl Tagged {
    /// The owner and the id of the document.
    pub fn place(&self) -> (&str, String) {
        match self {
            Self::Stage { api, stage } => (api, stage.clone()),
            Self::DomainName(name) => ("", name.to_ascii_lowercase()),
            Self::RestApi(id)
            | Self::ApiKey(id)
            | Self::UsagePlan(id)
            | Self::VpcLink(id)
            | Self::ClientCertificate(id) => ("", id.clone()),
        }
    }
}

/// Reads an ARN. The account field is empty but for private domains (rest-admin-api §3).
///
/// # Errors
/// 400 for what is no ARN of this service, 404 for a resource that has no tags; AWS's texts are not known.
pub fn parse_arn(arn: &str, scope: &Scope) -> Result<Tagged, AwsError> {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "apigateway", region, account, path] = fields[..] else {
        return Err(AwsError::bad_request("Invalid ARN specified in the request"));
    };
    let ours =
        partition == scope.partition && region == scope.region && [scope.account.as_str(), ""].contains(&account);
    let segments: Vec<&str> = path.split('/').collect();
    match (ours, &segments[..]) {
        (true, ["", "restapis", id]) => Ok(Tagged::RestApi((*id).into())),
        (true, ["", "restapis", id, "stages", stage]) => {
            Ok(Tagged::Stage { api: (*id).into(), stage: (*stage).into() })
        }
        (true, ["", "apikeys", id]) => Ok(Tagged::ApiKey((*id).into())),
        (true, ["", "usageplans", id]) => Ok(Tagged::UsagePlan((*id).into())),
        (true, ["", "vpclinks", id]) => Ok(Tagged::VpcLink((*id).into())),
        (true, ["", "domainnames", name]) => Ok(Tagged::DomainName((*name).into())),
        (true, ["", "clientcertificates", id]) => Ok(Tagged::ClientCertificate((*id).into())),
        _ => Err(unknown()),
    }
}

/// 404 of an ARN that names nothing; AWS's text is not known.
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid resource identifier specified")
}

/// The `tags` of a create call.
///
/// # Errors
/// `SerializationException`, and 400 for tags that break a rule.
pub fn given(input: Members<'_>) -> Result<BTreeMap<String, String>, AwsError> {
    let tags = input.map("tags", input::text)?.unwrap_or_default();
    check(&tags)?;
    Ok(tags)
}

/// The `tags` of TagResource.
///
/// # Errors
/// As [`given`], and `ValidationException` when there are none.
pub fn of_body(body: &Value) -> Result<BTreeMap<String, String>, AwsError> {
    let input = Members::of(body)?;
    let mut constraints = Constraints::of("TagResource");
    constraints.required("tags", input.has("tags"));
    constraints.check()?;
    given(input)
}

/// Lengths, the reserved prefix and the number of tags; AWS's texts are not known.
///
/// # Errors
/// 400.
pub fn check(tags: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if tags.len() > MOST {
        return Err(AwsError::bad_request(format!("A resource can have at most {MOST} tags.")));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            return Err(AwsError::bad_request(format!("Invalid tag key: must have 1 to {LONGEST_KEY} characters.")));
        }
        if key.to_ascii_lowercase().starts_with(RESERVED) {
            return Err(AwsError::bad_request(format!("Invalid tag key {key}: the prefix {RESERVED} is reserved.")));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(AwsError::bad_request(format!(
                "Invalid tag value: must have at most {LONGEST_VALUE} characters."
            )));
        }
    }
    Ok(())
}

/// Lays `new` over the tags there are.
///
/// # Errors
/// 400 when there would be too many.
pub fn merge(tags: &mut BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let mut merged = tags.clone();
    merged.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    check(&merged)?;
    *tags = merged;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tagged(path: &str) -> Result<Tagged, AwsError> {
        parse_arn(&format!("arn:aws:apigateway:us-east-1::{path}"), &Scope::default())
    }

    #[test]
    fn arns_name_what_can_be_tagged_rest_admin_3() {
        let private = "arn:aws:apigateway:us-east-1:000000000000:/domainnames/a.example.com+d1";

        assert_eq!(tagged("/restapis/a1").unwrap(), Tagged::RestApi("a1".into()));
        let stage = Tagged::Stage { api: "a1".into(), stage: "dev".into() };
        assert_eq!(tagged("/restapis/a1/stages/dev").unwrap(), stage);
        assert_eq!(tagged("/domainnames/a.example.com").unwrap(), Tagged::DomainName("a.example.com".into()));
        let domain = Tagged::DomainName("a.example.com+d1".into());
        assert_eq!(parse_arn(private, &Scope::default()).unwrap(), domain);
    }

    #[test]
    fn other_arns_are_refused() {
        for path in ["", "/restapis", "/restapis/a/resources/b", "/models/x", "restapis/a"] {
            assert_eq!(tagged(path).unwrap_err().code().status(), 404, "{path}");
        }
        for arn in ["", "x", "arn:aws:s3:::bucket", "arn:aws:apigateway:us-east-1"] {
            assert_eq!(parse_arn(arn, &Scope::default()).unwrap_err().code().status(), 400, "{arn}");
        }
        assert!(parse_arn("arn:aws:apigateway:eu-west-1::/restapis/a", &Scope::default()).is_err());
    }

    #[test]
    fn tags_that_break_a_rule_are_refused_rest_admin_3_22() {
        let mut many: BTreeMap<_, _> = (0..50).map(|n| (format!("k{n}"), String::new())).collect();
        let one: BTreeMap<_, _> = [("other".to_owned(), String::new())].into();

        assert!(check(&many).is_ok() && merge(&mut many, &one).is_err());
        for (key, value) in [("", ""), (&"k".repeat(129), ""), ("aws:x", ""), ("k", &"v".repeat(257))] {
            assert!(of_body(&json!({ "tags": { key: value } })).is_err(), "{key}");
        }
        assert!(of_body(&json!({})).unwrap_err().message().contains("'tagResourceInput.tags'"));
    }
}
