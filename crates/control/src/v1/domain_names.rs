//! DomainName operations (rest-admin-api §3.15).

use serde_json::Value;
use stagecoach_base::{AwsError, id};
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::domain_name::{self, Drawn};
use stagecoach_resources::v1::{BasePathMapping, DomainName};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// Characters of the random label in the names that DNS records point at.
const LABEL_LEN: usize = 10;
/// Characters of a `domainNameId` [R CLI].
const DOMAIN_ID_LEN: usize = 8;

/// How the domain in the path is kept: by its name, and for a private one by `domainNameId` too.
pub(crate) fn key(cx: &Cx) -> String {
    domain_name::key(cx.label("domain_name"), cx.call.query("domainNameId"))
}

fn draw(cx: &Cx) -> Drawn {
    let entropy = cx.control.entropy.as_ref();
    Drawn { label: id::random(entropy, LABEL_LEN), id: id::random(entropy, DOMAIN_ID_LEN), now_s: cx.at.seconds() }
}

/// Alone, a domain shows no empty `tags` [R CLI], unlike a RestApi.
fn single(domain: &DomainName) -> Value {
    reply::domain_name(domain, ReplyKind::List)
}

/// `POST /domainnames`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let domain = domain_name::create(&cx.body()?, &draw(&cx), &cx.control.scope)?;
    let mut tx = cx.write_on(&domain.key()).await?;
    if tx.all::<DomainName>("").await?.iter().any(|other| domain.collides(other)) {
        return Err(domain_name::exists());
    }
    tx.store("", &domain.key(), &domain).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::domain_name(&domain, ReplyKind::Create)))
}

/// `GET /domainnames/{domain_name}`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let found = documents::get::<DomainName>(&cx.control.store, "", &key(&cx)).await?;
    Ok(Reply::json(200, &single(&found.ok_or_else(domain_name::unknown)?)))
}

/// `GET /domainnames`, with `resourceOwner`: other accounts share nothing with this one.
pub(crate) async fn list(cx: Cx) -> Answer {
    let mut domains = documents::all::<DomainName>(&cx.control.store, "").await?;
    if cx.call.query("resourceOwner") == Some("OTHER_ACCOUNTS") {
        domains.clear();
    }
    let keyed = domains.into_iter().map(|domain| (domain.key(), domain)).collect();
    let page = cx.page_of(keyed, |(key, _): &(String, DomainName)| key.as_str())?;
    Ok(page.reply(|(key, _)| key, |(_, domain)| reply::domain_name(domain, ReplyKind::List)))
}

/// `PATCH /domainnames/{domain_name}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.write_on(&key(&cx)).await?;
    let domain = find(&mut tx, &key(&cx)).await?;
    let changed = domain_name::patch(&domain, &operations, &draw(&cx), &cx.control.scope)?;
    tx.store("", &changed.key(), &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &single(&changed)))
}

/// The domain kept as `key`, or AWS's 404.
pub(crate) async fn find(tx: &mut Write, key: &str) -> Result<DomainName, AwsError> {
    tx.find("", key).await?.ok_or_else(domain_name::unknown)
}

/// `DELETE /domainnames/{domain_name}`: its mappings go too.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let key = key(&cx);
    let mut tx = cx.write_on(&key).await?;
    find(&mut tx, &key).await?;
    for mapping in tx.all::<BasePathMapping>(&key).await? {
        tx.remove::<BasePathMapping>(&key, &mapping.base_path).await?;
    }
    tx.remove::<DomainName>("", &key).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}
