//! BasePathMapping operations (rest-admin-api §3.16). Mappings are kept under their domain.

use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{BasePathMapping, DomainName, RestApi, Stage, base_path_mapping, domain_name};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use super::domain_names;
use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// `POST /domainnames/{domain_name}/basepathmappings`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let (mapping, domain) = (base_path_mapping::create(&cx.body()?)?, domain_names::key(&cx));
    let mut tx = cx.write_on(&domain).await?;
    domain_names::find(&mut tx, &domain).await?;
    require_target(&mut tx, &mapping).await?;
    require_free(&mut tx, &domain, &mapping.base_path).await?;
    tx.store(&domain, &mapping.base_path, &mapping).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::base_path_mapping(&mapping)))
}

async fn require_target(tx: &mut Write, mapping: &BasePathMapping) -> Result<(), AwsError> {
    tx.find::<RestApi>("", &mapping.rest_api_id).await?.ok_or_else(base_path_mapping::unknown_api)?;
    if let Some(stage) = &mapping.stage {
        tx.find::<Stage>(&mapping.rest_api_id, stage).await?.ok_or_else(base_path_mapping::unknown_stage)?;
    }
    Ok(())
}

async fn require_free(tx: &mut Write, domain: &str, base_path: &str) -> Result<(), AwsError> {
    match tx.find::<BasePathMapping>(domain, base_path).await? {
        Some(_) => Err(base_path_mapping::taken(base_path)),
        None => Ok(()),
    }
}

async fn find(tx: &mut Write, domain: &str, base_path: &str) -> Result<BasePathMapping, AwsError> {
    domain_names::find(tx, domain).await?;
    tx.find(domain, base_path).await?.ok_or_else(base_path_mapping::unknown)
}

/// `GET /domainnames/{domain_name}/basepathmappings/{base_path}`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let (store, domain) = (&cx.control.store, domain_names::key(&cx));
    documents::get::<DomainName>(store, "", &domain).await?.ok_or_else(domain_name::unknown)?;
    let found = documents::get::<BasePathMapping>(store, &domain, cx.label("base_path")).await?;
    Ok(Reply::json(200, &reply::base_path_mapping(&found.ok_or_else(base_path_mapping::unknown)?)))
}

/// `GET /domainnames/{domain_name}/basepathmappings`.
pub(crate) async fn list(cx: Cx) -> Answer {
    let domain = domain_names::key(&cx);
    documents::get::<DomainName>(&cx.control.store, "", &domain).await?.ok_or_else(domain_name::unknown)?;
    let page = cx.page::<BasePathMapping>(&domain).await?;
    Ok(page.reply(|mapping| mapping.base_path.as_str(), reply::base_path_mapping))
}

/// `PATCH /domainnames/{domain_name}/basepathmappings/{base_path}`: a new base path moves the mapping.
pub(crate) async fn update(cx: Cx) -> Answer {
    let (operations, domain) = (cx.patch()?, domain_names::key(&cx));
    let mut tx = cx.write_on(&domain).await?;
    let mapping = find(&mut tx, &domain, cx.label("base_path")).await?;
    let changed = base_path_mapping::patch(&mapping, &operations)?;
    if changed != mapping {
        require_target(&mut tx, &changed).await?;
    }
    if changed.base_path != mapping.base_path {
        require_free(&mut tx, &domain, &changed.base_path).await?;
        tx.remove::<BasePathMapping>(&domain, &mapping.base_path).await?;
    }
    tx.store(&domain, &changed.base_path, &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &reply::base_path_mapping(&changed)))
}

/// `DELETE /domainnames/{domain_name}/basepathmappings/{base_path}`.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let domain = domain_names::key(&cx);
    let mut tx = cx.write_on(&domain).await?;
    let mapping = find(&mut tx, &domain, cx.label("base_path")).await?;
    tx.remove::<BasePathMapping>(&domain, &mapping.base_path).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}

/// Refuses to go on while a domain maps a path to `api`.
pub(crate) async fn require_unmapped(tx: &mut Write, api: &str) -> Result<(), AwsError> {
    let mut domains = Vec::new();
    for domain in tx.all::<DomainName>("").await? {
        if tx.all::<BasePathMapping>(&domain.key()).await?.iter().any(|mapping| mapping.rest_api_id == api) {
            domains.push(domain.domain_name);
        }
    }
    if domains.is_empty() { Ok(()) } else { Err(base_path_mapping::api_in_use(api, &domains)) }
}
