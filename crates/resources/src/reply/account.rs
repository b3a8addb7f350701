//! What belongs to the account, as AWS shows it.

use serde::Serialize;
use serde_json::{Value, json};

use super::{ReplyKind, value};
use crate::v1::{
    Account, ApiKey, BasePathMapping, ClientCertificate, DomainName, UsagePlan, UsagePlanKey, VpcLink,
    sdk_type::{Property, SdkType},
};

/// A document without the members that are `ours`; one shown alone has `tags` even when it has none (rest-admin-api §2.2).
fn shown(document: &impl Serialize, ours: &[&str], kind: ReplyKind) -> Value {
    let mut shown = value(document);
    if let Value::Object(members) = &mut shown {
        ours.iter().for_each(|name| drop(members.shift_remove(*name)));
        if kind == ReplyKind::Single {
            members.entry("tags").or_insert_with(|| json!({}));
        }
    }
    shown
}

/// A key. Only a PATCH is known to show `tags: {}` [V c]; the value is shown by create and on request.
pub fn api_key(key: &ApiKey, kind: ReplyKind, with_value: bool) -> Value {
    let mut shown = shown(key, &["usagePlans", "sequence"], kind);
    if let Value::Object(members) = &mut shown
        && !with_value
    {
        members.shift_remove("value");
    }
    shown
}

/// A usage plan.
pub fn usage_plan(plan: &UsagePlan, kind: ReplyKind) -> Value {
    shown(plan, &[], kind)
}

/// A key in a plan: the value is shown, in lists too [V x].
pub fn usage_plan_key(link: &UsagePlanKey, key: &ApiKey) -> Value {
    let mut shown = json!({ "id": link.id, "type": link.kind, "value": key.value });
    if let Some(name) = &key.name {
        shown["name"] = name.as_str().into();
    }
    shown
}

/// A domain name. Its policy is escaped once, as any JSON text is, and not twice as a RestApi's [R CLI].
pub fn domain_name(domain: &DomainName, kind: ReplyKind) -> Value {
    shown(domain, &["uploaded"], kind)
}

/// A base path mapping.
pub fn base_path_mapping(mapping: &BasePathMapping) -> Value {
    value(mapping)
}

/// A VPC link.
pub fn vpc_link(link: &VpcLink, kind: ReplyKind) -> Value {
    shown(link, &[], kind)
}

/// A client certificate, without its private key.
pub fn client_certificate(certificate: &ClientCertificate, kind: ReplyKind) -> Value {
    shown(certificate, &["privateKey"], kind)
}

/// The account.
pub fn account(account: &Account) -> Value {
    value(account)
}

/// A kind of SDK.
pub fn sdk_type(kind: &SdkType) -> Value {
    let properties: Vec<Value> = kind.properties.iter().map(property).collect();
    let mut shown = json!({ "id": kind.id, "friendlyName": kind.friendly_name, "description": kind.description });
    if !properties.is_empty() {
        shown["configurationProperties"] = properties.into();
    }
    shown
}

fn property(property: &Property) -> Value {
    let mut shown = json!({
        "name": property.name, "friendlyName": property.friendly_name, "description": property.description,
        "required": property.required,
    });
    if let Some(value) = property.default_value {
        shown["defaultValue"] = value.into();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::api_key::Drawn;

    fn key() -> ApiKey {
        let drawn = Drawn { id: "k1".into(), value: "secret".into(), sequence: "1".into(), now_s: 7 };
        ApiKey { usage_plans: vec!["p1".into()], ..ApiKey::new(drawn) }
    }

    #[test]
    fn what_is_ours_is_never_shown_and_the_value_only_on_request_recording_api_key_required() {
        let patched = api_key(&key(), ReplyKind::Single, false);
        let created = api_key(&key(), ReplyKind::Create, true);

        assert_eq!(
            patched.to_string(),
            r#"{"id":"k1","enabled":false,"createdDate":7,"lastUpdatedDate":7,"stageKeys":[],"tags":{}}"#
        );
        assert_eq!(
            created.to_string(),
            r#"{"id":"k1","value":"secret","enabled":false,"createdDate":7,"lastUpdatedDate":7,"stageKeys":[]}"#
        );
    }

    #[test]
    fn a_private_key_stays_here() {
        let certificate = crate::v1::client_certificate::Material {
            id: "c1".into(),
            certificate: "PUBLIC".into(),
            private_key: "PRIVATE".into(),
            created_s: 0,
        };
        let made = crate::v1::client_certificate::create(&json!({}), certificate).unwrap();

        let shown = client_certificate(&made, ReplyKind::Create).to_string();

        assert!(shown.contains("PUBLIC") && !shown.contains("PRIVATE"), "{shown}");
    }
}
