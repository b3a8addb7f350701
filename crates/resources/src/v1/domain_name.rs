//! DomainName (rest-admin-api §3.15).

mod endpoint;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, Scope};

use super::rest_api::{ACCESS_MODES, SECURITY_POLICIES};
use super::{EndpointConfiguration, tags};
use crate::input::{Constraints, Members};
use crate::{Document, policy};

pub use update::patch;

/// A custom domain.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainName {
    /// Lower case.
    pub domain_name: String,
    /// Private domains only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_name_id: Option<String>,
    /// Private domains only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_name_arn: Option<String>,
    /// EDGE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_name: Option<String>,
    /// EDGE and PRIVATE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,
    /// Epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_upload_date: Option<i64>,
    /// REGIONAL: what a DNS record points at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional_domain_name: Option<String>,
    /// REGIONAL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional_hosted_zone_id: Option<String>,
    /// REGIONAL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional_certificate_name: Option<String>,
    /// REGIONAL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional_certificate_arn: Option<String>,
    /// EDGE: what a DNS record points at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution_domain_name: Option<String>,
    /// EDGE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution_hosted_zone_id: Option<String>,
    /// Types, ipAddressType.
    pub endpoint_configuration: EndpointConfiguration,
    /// `AVAILABLE`.
    pub domain_name_status: String,
    /// TLS policy name.
    pub security_policy: String,
    /// BASIC or STRICT, only when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_access_mode: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Clients show certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutual_tls_authentication: Option<MutualTls>,
    /// Proves ownership when mutual TLS uses an imported certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership_verification_certificate_arn: Option<String>,
    /// Private domains: who may share them; JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_policy: Option<String>,
    /// Private domains: who may call them; normalised JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// BASE_PATH_MAPPING_ONLY, ROUTING_RULE_ONLY, ROUTING_RULE_THEN_BASE_PATH_MAPPING.
    pub routing_mode: String,
    /// Ours, never on the wire: a certificate sent in the create call, with its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<Uploaded>,
}

impl std::fmt::Debug for DomainName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DomainName").field("key", &self.key()).finish_non_exhaustive()
    }
}

/// `mutualTlsAuthentication`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MutualTls {
    /// Where the certificates that clients may show are.
    pub truststore_uri: String,
    /// Which version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truststore_version: Option<String>,
}

/// PEM texts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// Certificate.
    pub body: String,
    /// Its key.
    pub private_key: Option<String>,
    /// Intermediate certificates.
    pub chain: Option<String>,
}

impl Document for DomainName {
    const KIND: &'static str = "domainname";
}

/// What a new domain is made of beside its body.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Random label of the names that DNS records point at, ten characters.
    pub label: String,
    /// Random id, used for a private domain.
    pub id: String,
    /// Epoch seconds.
    pub now_s: i64,
}

impl DomainName {
    /// How the domain is kept and found: `{name}`, or `{name}+{domainNameId}` for a private one.
    pub fn key(&self) -> String {
        key(&self.domain_name, self.domain_name_id.as_deref())
    }

    /// Whether two domains cannot be there together: public ones of a name, or private ones.
    pub fn collides(&self, other: &Self) -> bool {
        self.domain_name == other.domain_name && self.domain_name_id.is_some() == other.domain_name_id.is_some()
    }
}

/// [`DomainName::key`] from what a call names.
pub fn key(name: &str, id: Option<&str>) -> String {
    let name = name.to_ascii_lowercase();
    match id.filter(|id| !id.is_empty()) {
        Some(id) => format!("{name}+{id}"),
        None => name,
    }
}

/// 404 of a domain [R].
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid domain name identifier specified")
}

/// 400 of a name that is taken [R].
pub fn exists() -> AwsError {
    AwsError::bad_request("The domain name you provided already exists.")
}

const ROUTING_MODES: [&str; 3] = ["BASE_PATH_MAPPING_ONLY", "ROUTING_RULE_ONLY", "ROUTING_RULE_THEN_BASE_PATH_MAPPING"];

/// A domain from the body of CreateDomainName. That the name is free is the caller's to check. Certificates are not demanded:
/// what serves the domain may have its own.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateDomainName.
pub fn create(body: &Value, drawn: &Drawn, scope: &Scope) -> Result<DomainName, AwsError> {
    let input = Members::of(body)?;
    let endpoint = input.structure("endpointConfiguration")?;
    let types = endpoint.map(|endpoint| endpoint.texts("types")).transpose()?.flatten();
    let ip_type = endpoint.map(|endpoint| endpoint.text("ipAddressType")).transpose()?.flatten();
    let modes = Modes::read(input)?;
    let mut constraints = Constraints::of("CreateDomainName");
    constraints.required("domainName", input.text("domainName")?.is_some());
    constraints.each_of("endpointConfiguration.types", types.as_deref().unwrap_or_default(), &endpoint::TYPES);
    constraints.one_of("endpointConfiguration.ipAddressType", ip_type.as_deref(), &endpoint::IP_TYPES);
    modes.check(&mut constraints);
    constraints.check()?;
    let mut domain = DomainName {
        domain_name: check_name(&input.text("domainName")?.unwrap_or_default())?,
        security_policy: modes.security_policy.unwrap_or_else(|| "TLS_1_2".into()),
        routing_mode: modes.routing_mode.unwrap_or_else(|| "BASE_PATH_MAPPING_ONLY".into()),
        endpoint_access_mode: modes.access_mode,
        endpoint_configuration: endpoint::configuration(types, ip_type)?,
        tags: tags::given(input)?,
        ..bare()
    };
    certificates(&mut domain, input)?;
    domain.mutual_tls_authentication = mutual_tls(input)?;
    let certified = domain.certificate_name.is_some() || domain.certificate_arn.is_some() || domain.uploaded.is_some();
    domain.certificate_upload_date = certified.then_some(drawn.now_s);
    endpoint::place(&mut domain, drawn, scope);
    let text = input.text("policy")?.filter(|text| !text.is_empty());
    domain.policy = text.map(|text| private_policy(&domain, &text, scope)).transpose()?;
    Ok(domain)
}

fn bare() -> DomainName {
    DomainName {
        domain_name: String::new(),
        domain_name_id: None,
        domain_name_arn: None,
        certificate_name: None,
        certificate_arn: None,
        certificate_upload_date: None,
        regional_domain_name: None,
        regional_hosted_zone_id: None,
        regional_certificate_name: None,
        regional_certificate_arn: None,
        distribution_domain_name: None,
        distribution_hosted_zone_id: None,
        endpoint_configuration: EndpointConfiguration::default(),
        domain_name_status: "AVAILABLE".into(),
        security_policy: String::new(),
        endpoint_access_mode: None,
        tags: BTreeMap::new(),
        mutual_tls_authentication: None,
        ownership_verification_certificate_arn: None,
        management_policy: None,
        policy: None,
        routing_mode: String::new(),
        uploaded: None,
    }
}

struct Modes {
    security_policy: Option<String>,
    access_mode: Option<String>,
    routing_mode: Option<String>,
}

impl Modes {
    fn read(input: Members<'_>) -> Result<Self, AwsError> {
        Ok(Self {
            security_policy: input.text("securityPolicy")?,
            access_mode: input.text("endpointAccessMode")?,
            routing_mode: input.text("routingMode")?,
        })
    }

    fn check(&self, constraints: &mut Constraints) {
        constraints.one_of("securityPolicy", self.security_policy.as_deref(), &SECURITY_POLICIES);
        constraints.one_of("endpointAccessMode", self.access_mode.as_deref(), &ACCESS_MODES);
        constraints.one_of("routingMode", self.routing_mode.as_deref(), &ROUTING_MODES);
    }
}

/// A name of at least two labels: what is kept under it must not be mistaken for what is kept under an API's id.
fn check_name(text: &str) -> Result<String, AwsError> {
    if text.is_empty() {
        return Err(AwsError::bad_request("No Domain Name specified"));
    }
    let name = text.to_ascii_lowercase();
    let bare = name.strip_prefix("*.").unwrap_or(&name);
    let fits = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    match name.len() <= 253 && bare.contains('.') && bare.split('.').all(fits) {
        true => Ok(name),
        false => Err(AwsError::bad_request("Invalid domain name specified")),
    }
}

fn certificates(domain: &mut DomainName, input: Members<'_>) -> Result<(), AwsError> {
    let there = |name| Ok::<_, AwsError>(input.text(name)?.filter(|text| !text.is_empty()));
    domain.certificate_name = there("certificateName")?;
    domain.certificate_arn = there("certificateArn")?;
    domain.regional_certificate_name = there("regionalCertificateName")?;
    domain.regional_certificate_arn = there("regionalCertificateArn")?;
    domain.ownership_verification_certificate_arn = there("ownershipVerificationCertificateArn")?;
    let (private_key, chain) = (there("certificatePrivateKey")?, there("certificateChain")?);
    domain.uploaded = there("certificateBody")?.map(|body| Uploaded { body, private_key, chain });
    Ok(())
}

fn mutual_tls(input: Members<'_>) -> Result<Option<MutualTls>, AwsError> {
    let Some(given) = input.structure("mutualTlsAuthentication")? else { return Ok(None) };
    let version = given.text("truststoreVersion")?.filter(|text| !text.is_empty());
    let uri = given.text("truststoreUri")?.filter(|text| !text.is_empty());
    Ok(uri.map(|truststore_uri| MutualTls { truststore_uri, truststore_version: version }))
}

/// Only private domains have a policy.
fn private_policy(domain: &DomainName, text: &str, scope: &Scope) -> Result<String, AwsError> {
    match domain.domain_name_id {
        Some(_) => policy::normalise_domain(text, &domain.key(), scope),
        None => Err(AwsError::bad_request("Policies are only supported for private domain names")),
    }
}

#[cfg(test)]
mod tests;
