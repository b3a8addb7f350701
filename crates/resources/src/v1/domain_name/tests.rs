use serde_json::json;

use super::*;
use crate::patch::{Op, PatchOperation};
use crate::reply::{self, ReplyKind};

fn drawn() -> Drawn {
    Drawn { label: "abcdefghij".into(), id: "id1".into(), now_s: 7 }
}

fn made(body: &Value) -> DomainName {
    create(body, &drawn(), &Scope::default()).unwrap()
}

fn message(body: &Value) -> String {
    create(body, &drawn(), &Scope::default()).unwrap_err().message().to_owned()
}

fn op(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation { op, path: Some(path.into()), value: Some(value.into()), from: None }
}

fn patched(domain: &DomainName, operations: &[PatchOperation]) -> Result<DomainName, AwsError> {
    patch(domain, operations, &Drawn { label: "other".into(), ..drawn() }, &Scope::default())
}

#[test]
fn an_edge_domain_is_shown_as_the_cli_example_rest_admin_3_15() {
    let arn = "arn:aws:acm:us-east-1:000000000000:certificate/1";

    let domain = made(&json!({ "domainName": "My.Domain.tld", "certificateName": "mine", "certificateArn": arn }));

    assert_eq!(
        reply::domain_name(&domain, ReplyKind::Create),
        json!({
            "domainName": "my.domain.tld", "certificateName": "mine", "certificateArn": arn, "certificateUploadDate": 7,
            "distributionDomainName": "dabcdefghij.cloudfront.net", "distributionHostedZoneId": "Z2FDTNDATAQYW2",
            "endpointConfiguration": { "types": ["EDGE"], "ipAddressType": "ipv4" }, "domainNameStatus": "AVAILABLE",
            "securityPolicy": "TLS_1_2", "routingMode": "BASE_PATH_MAPPING_ONLY",
        })
    );
}

#[test]
fn a_regional_domain_has_the_hosted_zone_of_its_region() {
    let domain = made(&json!({ "domainName": "a.b", "endpointConfiguration": { "types": ["REGIONAL"] } }));

    assert_eq!(domain.regional_domain_name.as_deref(), Some("d-abcdefghij.execute-api.us-east-1.amazonaws.com"));
    assert_eq!(domain.regional_hosted_zone_id.as_deref(), Some("Z1UJRXOUMOOFQ8"));
    assert_eq!(domain.distribution_domain_name, None);
}

#[test]
fn a_private_domain_has_an_id_and_a_policy_escaped_once_rest_admin_3_1() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Resource":["execute-api:/*"]}]}"#;
    let body = json!({ "domainName": "a.b", "endpointConfiguration": { "types": ["PRIVATE"] }, "policy": policy });

    let shown = reply::domain_name(&made(&body), ReplyKind::Single);

    assert_eq!(shown["domainNameId"], "id1");
    assert_eq!(shown["domainNameArn"], "arn:aws:apigateway:us-east-1:000000000000:/domainnames/a.b+id1");
    let own = "arn:aws:execute-api:us-east-1:000000000000:/domainnames/a.b+id1";
    assert_eq!(shown["policy"], format!(r#"{{"Statement":[{{"Effect":"Allow","Resource":"{own}"}}]}}"#));
    assert_eq!(shown["endpointConfiguration"]["ipAddressType"], "dualstack");
    assert!(message(&json!({ "domainName": "a.b", "policy": policy })).contains("private"));
}

#[test]
fn texts_of_domains_are_aws_s_rest_admin_2_6() {
    assert_eq!(message(&json!({ "domainName": "" })), "No Domain Name specified");
    assert_eq!(unknown().message(), "Invalid domain name identifier specified");
    assert_eq!(exists().message(), "The domain name you provided already exists.");
    for name in ["localhost", "a..b", "-a.b", "a b.c", "a/b.c", "a+b.c"] {
        assert_eq!(message(&json!({ "domainName": name })), "Invalid domain name specified");
    }
    assert!(made(&json!({ "domainName": "*.a.b" })).domain_name.starts_with('*'));
}

#[test]
fn an_uploaded_certificate_is_kept_and_never_shown() {
    let body = json!({ "domainName": "a.b", "certificateBody": "PEM", "certificatePrivateKey": "SECRET" });

    let domain = made(&body);

    assert!(domain.uploaded.is_some() && !format!("{domain:?}").contains("SECRET"));
    assert!(!reply::domain_name(&domain, ReplyKind::Single).to_string().contains("SECRET"));
}

#[test]
fn a_domain_moves_from_edge_to_regional_by_add_then_remove_rest_admin_3_15() {
    let edge = made(&json!({ "domainName": "a.b" }));
    let path = "/endpointConfiguration/types";

    let both = patched(&edge, &[op(Op::Add, path, "REGIONAL")]).unwrap();
    let regional = patched(&both, &[op(Op::Remove, path, "EDGE")]).unwrap();
    let at_once = patched(&edge, &[op(Op::Replace, "/endpointConfiguration/types/0", "REGIONAL")]).unwrap();

    assert!(both.distribution_domain_name.is_some() && both.regional_domain_name.is_some());
    assert_eq!((regional.distribution_domain_name, regional.regional_domain_name), (None, both.regional_domain_name));
    assert_eq!(at_once.endpoint_configuration.types, ["REGIONAL"]);
    assert!(patched(&edge, &[op(Op::Add, path, "REGIONAL"), op(Op::Remove, path, "EDGE")]).is_err());
    assert!(patched(&edge, &[op(Op::Remove, path, "EDGE")]).is_err());
    assert!(patched(&edge, &[op(Op::Replace, "/endpointConfiguration/types/0", "PRIVATE")]).is_err());
}

#[test]
fn mutual_tls_is_switched_off_by_an_empty_truststore_rest_admin_3_15() {
    let tls = json!({ "truststoreUri": "s3://b/t.pem", "truststoreVersion": "1" });
    let domain = made(&json!({ "domainName": "a.b", "mutualTlsAuthentication": tls }));
    let (uri, version) = ("/mutualTlsAuthentication/truststoreUri", "/mutualTlsAuthentication/truststoreVersion");

    let moved = patched(&domain, &[op(Op::Replace, uri, "s3://c"), op(Op::Replace, version, "2")]).unwrap();
    let off = patched(&domain, &[op(Op::Replace, uri, "")]).unwrap();

    let expected = MutualTls { truststore_uri: "s3://c".into(), truststore_version: Some("2".into()) };
    assert_eq!((moved.mutual_tls_authentication, off.mutual_tls_authentication.clone()), (Some(expected), None));
    assert!(patched(&off, &[op(Op::Add, version, "2")]).is_err());
}

#[test]
fn values_outside_a_closed_set_are_refused() {
    let domain = made(&json!({ "domainName": "a.b" }));

    for path in ["/securityPolicy", "/routingMode", "/endpointAccessMode", "/endpointConfiguration/ipAddressType"] {
        assert!(patched(&domain, &[op(Op::Replace, path, "wrong")]).is_err(), "{path}");
    }
    assert!(
        message(&json!({ "domainName": "a.b", "securityPolicy": "SSL" }))
            .contains("createDomainNameInput.securityPolicy")
    );
}

#[test]
fn domains_are_found_without_case_and_collide_by_kind() {
    let public = made(&json!({ "domainName": "a.b" }));
    let private = made(&json!({ "domainName": "a.b", "endpointConfiguration": { "types": ["PRIVATE"] } }));

    assert_eq!(key("A.B", None), public.key());
    assert_eq!(key("a.b", Some("id1")), private.key());
    assert!(public.collides(&public) && !public.collides(&private));
}
