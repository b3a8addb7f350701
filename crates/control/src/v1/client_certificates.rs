//! ClientCertificate operations (rest-admin-api §3.18).

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;
use stagecoach_base::{AwsError, UnixMillis, id};
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::client_certificate::{self, DAYS, Material};
use stagecoach_resources::v1::{ClientCertificate, RestApi, Stage};
use stagecoach_store::Write;
use stagecoach_wire::Reply;
use time::{Duration, OffsetDateTime};

use super::items::Item;
use crate::call::{Answer, Cx};
use crate::documents::Access;
use crate::failure;

impl Item for ClientCertificate {
    const LABEL: &'static str = "clientcertificate_id";

    fn id(&self) -> &str {
        &self.client_certificate_id
    }

    fn show(&self) -> Value {
        reply::client_certificate(self, ReplyKind::Single)
    }

    fn show_in_list(&self) -> Value {
        reply::client_certificate(self, ReplyKind::List)
    }

    fn unknown(_: &Cx) -> AwsError {
        client_certificate::unknown()
    }
}

/// `POST /clientcertificates`: a key pair and its self-signed certificate.
pub(crate) async fn generate(cx: Cx) -> Answer {
    let (body, at) = (cx.body()?, cx.at);
    let id = id::random(cx.control.entropy.as_ref(), id::CHILD_ID_LEN);
    let material = tokio::task::spawn_blocking(move || material(id, at)).await.map_err(failure::unexpected)??;
    let made = client_certificate::create(&body, material)?;
    let mut tx = cx.write().await?;
    tx.store("", &made.client_certificate_id, &made).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::client_certificate(&made, ReplyKind::Create)))
}

/// RSA of 2048 bits and the names that AWS's certificates carry [R localstack/localstack#8698]. The key comes from the
/// cryptographic library's own generator.
fn material(id: String, at: UnixMillis) -> Result<Material, AwsError> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failure::unexpected)?;
    let start = OffsetDateTime::from_unix_timestamp(at.seconds()).map_err(failure::unexpected)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "US");
    params.distinguished_name.push(DnType::LocalityName, "Seattle");
    params.distinguished_name.push(DnType::CommonName, "ApiGateway");
    params.not_before = start;
    params.not_after = start.checked_add(Duration::days(DAYS)).ok_or_else(AwsError::internal)?;
    let certificate = params.self_signed(&key).map_err(failure::unexpected)?.pem();
    Ok(Material { id, certificate, private_key: key.serialize_pem(), created_s: at.seconds() })
}

/// `PATCH /clientcertificates/{clientcertificate_id}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    super::items::update::<ClientCertificate>(cx, client_certificate::patch).await
}

/// `DELETE /clientcertificates/{clientcertificate_id}`: refused while a stage uses it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.write().await?;
    let id = cx.label(ClientCertificate::LABEL);
    tx.find::<ClientCertificate>("", id).await?.ok_or_else(client_certificate::unknown)?;
    for api in tx.all::<RestApi>("").await? {
        let stages = tx.all::<Stage>(&api.id).await?;
        if let Some(stage) = stages.iter().find(|stage| stage.client_certificate_id.as_deref() == Some(id)) {
            return Err(client_certificate::in_use(id, &api.id, &stage.stage_name));
        }
    }
    tx.remove::<ClientCertificate>("", id).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}

/// The certificate that a stage names must exist.
pub(crate) async fn require(tx: &mut Write, id: Option<&str>) -> Result<(), AwsError> {
    let Some(id) = id else { return Ok(()) };
    tx.find::<ClientCertificate>("", id).await?.ok_or_else(|| client_certificate::missing(id)).map(drop)
}
