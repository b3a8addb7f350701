//! Where a domain is reachable from, and the names that follow from it.

use stagecoach_base::{AwsError, Scope};

use super::{DomainName, Drawn};
use crate::v1::EndpointConfiguration;

/// In AWS's order.
pub(super) const TYPES: [&str; 3] = ["PRIVATE", "EDGE", "REGIONAL"];
/// In AWS's order.
pub(super) const IP_TYPES: [&str; 2] = ["ipv4", "dualstack"];

/// The hosted zone of every edge-optimised domain [R CLI].
const EDGE_ZONE: &str = "Z2FDTNDATAQYW2";
/// Hosted zones of regional domains, as AWS's general reference lists them.
const REGIONAL_ZONES: &[(&str, &str)] = &[
    ("af-south-1", "Z2DHW2332DAMTN"),
    ("ap-east-1", "Z3FD1VL90ND7K5"),
    ("ap-northeast-1", "Z1YSHQZHG15GKL"),
    ("ap-northeast-2", "Z20JF4UZKIW1U8"),
    ("ap-northeast-3", "Z22ILHG95FLSZ2"),
    ("ap-south-1", "Z3VO1THU9YC4UR"),
    ("ap-southeast-1", "ZL327KTPIQFUL"),
    ("ap-southeast-2", "Z2RPCDW04V8134"),
    ("ca-central-1", "Z19DQILCV0OWEC"),
    ("eu-central-1", "Z1U9ULNL0V5AJ3"),
    ("eu-north-1", "Z3UWIKFBOOGXPP"),
    ("eu-south-1", "Z3BT4WSQ9TDYZV"),
    ("eu-west-1", "ZLY8HYME6SFDD"),
    ("eu-west-2", "ZJ5UAJN8Y3Z2Q"),
    ("eu-west-3", "Z3KY65QIEKYHQQ"),
    ("me-south-1", "Z20ZBPC0SS8806"),
    ("sa-east-1", "ZCMLWB8V5SYIT"),
    ("us-east-1", "Z1UJRXOUMOOFQ8"),
    ("us-east-2", "ZOJJZC49E0EPZ"),
    ("us-west-1", "Z2MUQ32089INYE"),
    ("us-west-2", "Z2OJLYMUO9EFXC"),
];
/// For a region of the operator's own.
const OTHER_ZONE: &str = "Z1UJRXOUMOOFQ8";

/// The configuration of a new domain: one type, EDGE unless said otherwise.
pub(super) fn configuration(
    types: Option<Vec<String>>,
    ip_type: Option<String>,
) -> Result<EndpointConfiguration, AwsError> {
    let types = types.unwrap_or_else(|| vec!["EDGE".into()]);
    if types.len() > 1 {
        return Err(AwsError::bad_request("Cannot create a domain name with multiple Endpoint Types."));
    }
    let default_ip = if types.iter().any(|kind| kind == "PRIVATE") { "dualstack" } else { "ipv4" };
    let ip_address_type = ip_type.unwrap_or_else(|| default_ip.to_owned());
    let configuration = EndpointConfiguration { types, ip_address_type, vpc_endpoint_ids: Vec::new() };
    check(&configuration)?;
    Ok(configuration)
}

/// A domain may be both edge-optimised and regional while it moves from one to the other; a private one stays private.
pub(super) fn check(configuration: &EndpointConfiguration) -> Result<(), AwsError> {
    let private = configuration.types.iter().any(|kind| kind == "PRIVATE");
    match (&configuration.types[..], private, configuration.ip_address_type.as_str()) {
        ([], ..) => {
            Err(AwsError::bad_request("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED."))
        }
        ([_, _, ..], true, _) => Err(AwsError::bad_request("A private domain name cannot have other Endpoint Types.")),
        (_, true, "ipv4") => {
            Err(AwsError::bad_request("Only dualstack ipAddressType is supported for Private domain names."))
        }
        _ => Ok(()),
    }
}

/// Gives the domain the names of its types; names it has already stay, those of other types go.
pub(super) fn place(domain: &mut DomainName, drawn: &Drawn, scope: &Scope) {
    let has = |kind: &str| domain.endpoint_configuration.types.iter().any(|known| known == kind);
    let (edge, regional, private) = (has("EDGE"), has("REGIONAL"), has("PRIVATE"));
    let keep = |there: bool, old: Option<String>, new: String| there.then(|| old.unwrap_or(new));
    let (label, region) = (&drawn.label, scope.region.as_str());
    let zone = REGIONAL_ZONES.iter().find(|(name, _)| *name == region).map_or(OTHER_ZONE, |(_, zone)| *zone);
    domain.distribution_domain_name =
        keep(edge, domain.distribution_domain_name.take(), format!("d{label}.cloudfront.net"));
    domain.distribution_hosted_zone_id = edge.then(|| EDGE_ZONE.to_owned());
    let regional_name = format!("d-{label}.execute-api.{region}.amazonaws.com");
    domain.regional_domain_name = keep(regional, domain.regional_domain_name.take(), regional_name);
    domain.regional_hosted_zone_id = regional.then(|| zone.to_owned());
    domain.domain_name_id = keep(private, domain.domain_name_id.take(), drawn.id.clone());
    // The one ARN of this service that names the account [R CLI].
    domain.domain_name_arn = private.then(|| {
        format!("arn:{}:apigateway:{region}:{}:/domainnames/{}", scope.partition, scope.account, domain.key())
    });
}
