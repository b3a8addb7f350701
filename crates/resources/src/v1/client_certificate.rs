//! ClientCertificate (rest-admin-api §3.18): what the gateway shows to back ends that ask for one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::AwsError;

use super::tags;
use crate::Document;
use crate::input::Members;
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// Days a certificate is valid.
pub const DAYS: i64 = 365;
const DAY_S: i64 = 86_400;

/// A certificate with its key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// Six characters.
    pub client_certificate_id: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Self-signed, PEM.
    pub pem_encoded_certificate: String,
    /// Epoch seconds.
    pub created_date: i64,
    /// Epoch seconds.
    pub expiration_date: i64,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Ours, never on the wire: PKCS #8, PEM.
    pub private_key: String,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCertificate").field("id", &self.client_certificate_id).finish_non_exhaustive()
    }
}

impl Document for ClientCertificate {
    const KIND: &'static str = "clientcertificate";
}

/// What was generated for a new certificate.
pub struct Material {
    /// Random id.
    pub id: String,
    /// PEM.
    pub certificate: String,
    /// PEM.
    pub private_key: String,
    /// Epoch seconds.
    pub created_s: i64,
}

/// 404 of a certificate; AWS's text is not known.
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Client Certificate identifier specified")
}

/// 400 of a stage that names a certificate there is not; AWS's text is not known.
pub fn missing(id: &str) -> AwsError {
    AwsError::bad_request(format!("Invalid Client Certificate identifier specified: {id}"))
}

/// 400 of a certificate that a stage uses; AWS's text is not known, this one is like that of VPC links.
pub fn in_use(id: &str, api: &str, stage: &str) -> AwsError {
    AwsError::bad_request(format!(
        "Cannot delete client certificate. Client certificate '{id}', is referenced in stage: {api}/{stage}"
    ))
}

/// A certificate from the body of GenerateClientCertificate.
///
/// # Errors
/// `SerializationException`, and what tags may not be.
pub fn create(body: &Value, material: Material) -> Result<ClientCertificate, AwsError> {
    let input = Members::of(body)?;
    Ok(ClientCertificate {
        client_certificate_id: material.id,
        description: input.text("description")?.filter(|text| !text.is_empty()),
        pem_encoded_certificate: material.certificate,
        created_date: material.created_s,
        expiration_date: material.created_s + DAYS * DAY_S,
        tags: tags::given(input)?,
        private_key: material.private_key,
    })
}

/// Applies UpdateClientCertificate.
///
/// # Errors
/// rest-admin-api §2.5; the family is assumed.
pub fn patch(certificate: &ClientCertificate, operations: &[PatchOperation]) -> Result<ClientCertificate, AwsError> {
    patch::apply(certificate, operations, TABLE, Family::B, &())
}

const TABLE: &[Row<ClientCertificate>] = &[Row {
    path: "/description",
    ops: &[Op::Replace],
    apply: |certificate, change, ()| {
        certificate.description = change.text();
        Ok(())
    },
}];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made() -> ClientCertificate {
        let material =
            Material { id: "c1".into(), certificate: "PEM".into(), private_key: "KEY".into(), created_s: 100 };
        create(&json!({ "description": "mine" }), material).unwrap()
    }

    #[test]
    fn a_certificate_lasts_365_days_rest_admin_3_18() {
        let made = made();

        assert_eq!(made.expiration_date - made.created_date, 365 * 86_400);
        assert!(!format!("{made:?}").contains("KEY"));
    }

    #[test]
    fn only_the_description_is_patched() {
        let op = |path: &str| PatchOperation { op: Op::Replace, path: Some(path.into()), value: None, from: None };

        assert_eq!(patch(&made(), &[op("/description")]).unwrap().description, None);
        assert!(patch(&made(), &[op("/pemEncodedCertificate")]).is_err());
    }
}
