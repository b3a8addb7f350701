//! DomainNameAccessAssociation operations (rest-admin-api §3.15): there are no VPC endpoints here to give access to, so lists
//! are empty and the rest says why.

use serde_json::json;
use stagecoach_base::AwsError;
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};

/// `POST /domainnameaccessassociations`.
pub(crate) async fn create(cx: Cx) -> Answer {
    cx.body()?;
    Err(AwsError::bad_request(
        "Domain name access associations are not supported by this gateway: it has no VPC endpoints. A private domain name \
         is reachable from wherever the gateway is.",
    ))
}

/// `GET /domainnameaccessassociations`.
pub(crate) async fn list(cx: Cx) -> Answer {
    cx.call.position()?;
    Ok(Reply::json(200, &json!({ "item": [] })))
}

/// DeleteDomainNameAccessAssociation and RejectDomainNameAccessAssociation: there is none to find.
pub(crate) async fn unknown(_: Cx) -> Answer {
    Err(AwsError::not_found("Invalid domain name access association identifier specified"))
}
