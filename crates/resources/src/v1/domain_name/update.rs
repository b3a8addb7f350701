//! UpdateDomainName (rest-admin-api §3.15).

use stagecoach_base::{AwsError, Scope};

use super::{ACCESS_MODES, DomainName, Drawn, MutualTls, ROUTING_MODES, SECURITY_POLICIES, endpoint, private_policy};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;
type Done = Result<(), AwsError>;

const TYPES: &str = "/endpointConfiguration/types";

/// Applies UpdateDomainName. `drawn` names what a new endpoint type needs.
///
/// # Errors
/// rest-admin-api §2.5; the family and the texts are assumed.
pub fn patch(
    domain: &DomainName,
    operations: &[PatchOperation],
    drawn: &Drawn,
    scope: &Scope,
) -> Result<DomainName, AwsError> {
    let moves = |op: Op| operations.iter().any(|change| change.op == op && change.path.as_deref() == Some(TYPES));
    if moves(A) && moves(D) {
        return Err(AwsError::bad_request("Endpoint Types cannot be added and removed in one call."));
    }
    let mut changed = patch::apply(domain, operations, TABLE, Family::B, scope)?;
    endpoint::check(&changed.endpoint_configuration)?;
    let private = |domain: &DomainName| domain.endpoint_configuration.types.iter().any(|kind| kind == "PRIVATE");
    if private(domain) != private(&changed) {
        return Err(AwsError::bad_request("A domain name cannot become private or public."));
    }
    endpoint::place(&mut changed, drawn, scope);
    let certified = changed.certificate_name.is_some() || changed.certificate_arn.is_some();
    let same = domain.certificate_name == changed.certificate_name && domain.certificate_arn == changed.certificate_arn;
    if certified && !same {
        changed.certificate_upload_date = Some(drawn.now_s);
    }
    Ok(changed)
}

const TABLE: &[Row<DomainName, Scope>] = &[
    Row { path: "/certificateName", ops: &[A, R, D], apply: |d, change, _| set(&mut d.certificate_name, change) },
    Row { path: "/certificateArn", ops: &[A, R, D], apply: |d, change, _| set(&mut d.certificate_arn, change) },
    Row {
        path: "/regionalCertificateName",
        ops: &[A, R, D],
        apply: |d, change, _| set(&mut d.regional_certificate_name, change),
    },
    Row {
        path: "/regionalCertificateArn",
        ops: &[A, R, D],
        apply: |d, change, _| set(&mut d.regional_certificate_arn, change),
    },
    Row {
        path: "/ownershipVerificationCertificateArn",
        ops: &[A, R, D],
        apply: |d, change, _| set(&mut d.ownership_verification_certificate_arn, change),
    },
    Row { path: TYPES, ops: &[A, D], apply: |d, change, _| move_type(d, change) },
    Row { path: "/endpointConfiguration/types/{}", ops: &[R], apply: |d, change, _| replace_type(d, change) },
    Row { path: "/endpointConfiguration/ipAddressType", ops: &[R], apply: |d, change, _| set_ip_type(d, change) },
    Row {
        path: "/securityPolicy",
        ops: &[R],
        apply: |d, change, _| {
            d.security_policy = one_of(change, &SECURITY_POLICIES)?;
            Ok(())
        },
    },
    Row {
        path: "/routingMode",
        ops: &[R],
        apply: |d, change, _| {
            d.routing_mode = one_of(change, &ROUTING_MODES)?;
            Ok(())
        },
    },
    Row {
        path: "/endpointAccessMode",
        ops: &[R],
        apply: |d, change, _| {
            d.endpoint_access_mode = Some(one_of(change, &ACCESS_MODES)?);
            Ok(())
        },
    },
    Row { path: "/policy", ops: &[R], apply: set_policy },
    Row { path: "/managementPolicy", ops: &[R], apply: set_management_policy },
    Row {
        path: "/mutualTlsAuthentication/truststoreUri",
        ops: &[A, R, D],
        apply: |d, change, _| set_truststore(d, change),
    },
    Row {
        path: "/mutualTlsAuthentication/truststoreVersion",
        ops: &[A, R, D],
        apply: |d, change, _| set_truststore_version(d, change),
    },
];

fn set(field: &mut Option<String>, change: &Change<'_>) -> Done {
    *field = change.text();
    Ok(())
}

fn one_of(change: &Change<'_>, set: &[&str]) -> Result<String, AwsError> {
    let field = change.path.trim_start_matches('/');
    let invalid = || AwsError::bad_request(format!("Invalid {field} specified. Valid options are {}", set.join(",")));
    change.value.filter(|value| set.contains(value)).map(str::to_owned).ok_or_else(invalid)
}

fn endpoint_type(change: &Change<'_>) -> Result<String, AwsError> {
    let invalid = || AwsError::bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
    change.value.filter(|value| endpoint::TYPES.contains(value)).map(str::to_owned).ok_or_else(invalid)
}

fn move_type(domain: &mut DomainName, change: &Change<'_>) -> Done {
    let kind = endpoint_type(change)?;
    let types = &mut domain.endpoint_configuration.types;
    types.retain(|known| *known != kind);
    if change.op == A {
        types.push(kind);
    }
    Ok(())
}

/// Terraform sends `/endpointConfiguration/types/0`; whatever the key, the value is the one type from then on.
fn replace_type(domain: &mut DomainName, change: &Change<'_>) -> Done {
    domain.endpoint_configuration.types = vec![endpoint_type(change)?];
    Ok(())
}

fn set_ip_type(domain: &mut DomainName, change: &Change<'_>) -> Done {
    let invalid = || AwsError::bad_request("ipAddressType must be either ipv4 or dualstack.");
    let value = change.value.filter(|value| endpoint::IP_TYPES.contains(value)).ok_or_else(invalid)?;
    domain.endpoint_configuration.ip_address_type = value.to_owned();
    Ok(())
}

fn set_policy(domain: &mut DomainName, change: &Change<'_>, scope: &Scope) -> Done {
    domain.policy = change.text().map(|text| private_policy(domain, &text, scope)).transpose()?;
    Ok(())
}

fn set_management_policy(domain: &mut DomainName, change: &Change<'_>, scope: &Scope) -> Done {
    domain.management_policy = change.text().map(|text| private_policy(domain, &text, scope)).transpose()?;
    Ok(())
}

/// An empty location switches mutual TLS off [TF].
fn set_truststore(domain: &mut DomainName, change: &Change<'_>) -> Done {
    let version = domain.mutual_tls_authentication.take().and_then(|tls| tls.truststore_version);
    let uri = change.text();
    domain.mutual_tls_authentication =
        uri.map(|truststore_uri| MutualTls { truststore_uri, truststore_version: version });
    Ok(())
}

fn set_truststore_version(domain: &mut DomainName, change: &Change<'_>) -> Done {
    match (&mut domain.mutual_tls_authentication, change.text()) {
        (Some(tls), version) => tls.truststore_version = version,
        (None, None) => {}
        (None, Some(_)) => {
            return Err(AwsError::bad_request("A truststore version needs a truststore URI."));
        }
    }
    Ok(())
}
