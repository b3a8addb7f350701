//! VpcLink (rest-admin-api §3.17). Targets are names of networks to whoever runs the gateway; nothing is built for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::AwsError;

use super::tags;
use crate::input::{Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};
use crate::{ApiTree, Document};

/// A private network that integrations reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VpcLink {
    /// Six characters.
    pub id: String,
    /// Not unique.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// One load balancer ARN; never patched.
    pub target_arns: Vec<String>,
    /// `PENDING` in the answer to the create call, `AVAILABLE` from then on.
    pub status: String,
    /// Absent while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Document for VpcLink {
    const KIND: &'static str = "vpclink";
}

/// 404 of a VPC link [V a].
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Vpc Link identifier specified")
}

fn empty_name() -> AwsError {
    AwsError::bad_request("Name cannot be empty")
}

/// A pending link from the body of CreateVpcLink.
///
/// # Errors
/// rest-admin-api §2.6, row of VpcLink; the name is checked first [V a].
pub fn create(body: &Value, id: String) -> Result<VpcLink, AwsError> {
    let input = Members::of(body)?;
    let (name, targets) = (input.text("name")?, input.texts("targetArns")?);
    let mut constraints = Constraints::of("CreateVpcLink");
    constraints.required("name", name.is_some());
    constraints.required("targetArns", targets.is_some());
    constraints.check()?;
    let name = name.filter(|name| !name.is_empty()).ok_or_else(empty_name)?;
    let target_arns = targets.unwrap_or_default();
    match &target_arns[..] {
        [] => return Err(AwsError::bad_request("At least one target arn must be specified for vpc link.")),
        [arn] if is_arn(arn) => {}
        [arn] => return Err(AwsError::bad_request(format!("Invalid ARN. ARN is not well formed {arn}"))),
        // [R hashicorp/terraform-provider-aws#2512]
        _ => return Err(AwsError::bad_request("More than one target arn specified for vpc link.")),
    }
    Ok(VpcLink {
        id,
        name,
        description: input.text("description")?.filter(|text| !text.is_empty()),
        target_arns,
        status: "PENDING".into(),
        status_message: None,
        tags: tags::given(input)?,
    })
}

fn is_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    matches!(fields[..], ["arn", partition, service, _, _, resource] if ![partition, service, resource].contains(&""))
}

/// The link as it is once AWS has built it [V a]: here, at once.
pub fn available(link: VpcLink) -> VpcLink {
    let message = "Your vpc link is ready for use";
    VpcLink { status: "AVAILABLE".into(), status_message: Some(message.into()), ..link }
}

/// Applies UpdateVpcLink.
///
/// # Errors
/// rest-admin-api §2.5; the targets have a text of their own [R hashicorp/terraform-provider-aws#2512].
pub fn patch(link: &VpcLink, operations: &[PatchOperation]) -> Result<VpcLink, AwsError> {
    patch::apply(link, operations, TABLE, Family::B, &())
}

const TABLE: &[Row<VpcLink>] = &[
    Row {
        path: "/name",
        ops: &[Op::Replace],
        apply: |link, change, ()| {
            link.name = change.text().ok_or_else(empty_name)?;
            Ok(())
        },
    },
    Row {
        path: "/description",
        ops: &[Op::Replace],
        apply: |link, change, ()| {
            link.description = change.text();
            Ok(())
        },
    },
    Row { path: "/targetArns", ops: &[Op::Add, Op::Replace, Op::Remove], apply: |_, _, ()| Err(fixed_targets()) },
];

fn fixed_targets() -> AwsError {
    AwsError::bad_request("Target arns are not allowed to be changed/added.")
}

/// The stage that AWS's texts name when the definition in the works, not a deployed one, is meant.
pub const DRAFT: &str = "test-invoke-stage";

/// Where a definition uses a link: `{api}:{VERB}:{resource}:{stage}`. Links named by a stage variable are not found, on AWS
/// neither.
pub fn references(tree: &ApiTree, link: &str, stage: &str) -> Vec<String> {
    let uses = |at: &&crate::tree::MethodAt| {
        at.method.method_integration.as_ref().is_some_and(|integration| {
            integration.connection_type.as_deref() == Some("VPC_LINK")
                && integration.connection_id.as_deref() == Some(link)
        })
    };
    let place =
        |at: &crate::tree::MethodAt| format!("{}:{}:{}:{stage}", tree.api.id, at.method.http_method, at.resource_id);
    tree.methods.iter().filter(uses).map(place).collect()
}

/// 400 of a link in use [R klothoplatform/klotho#202].
pub fn in_use(link: &str, places: &[String]) -> AwsError {
    AwsError::bad_request(format!(
        "Cannot delete vpc link. Vpc link '{link}', is referenced in [{}] in format of [RESTApiId:Method:Resource:Stage].",
        places.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/nlb/1";

    fn message(body: &Value) -> String {
        create(body, "v1".into()).unwrap_err().message().to_owned()
    }

    #[test]
    fn texts_are_aws_s_recording_create_vpc_link_invalid_parameters() {
        assert_eq!(
            message(&json!({ "name": "n", "targetArns": ["invalid-arn"] })),
            "Invalid ARN. ARN is not well formed invalid-arn"
        );
        assert_eq!(message(&json!({ "name": "", "targetArns": [] })), "Name cannot be empty");
        assert_eq!(
            message(&json!({ "name": "n", "targetArns": [ARN, ARN] })),
            "More than one target arn specified for vpc link."
        );
        assert_eq!(unknown().message(), "Invalid Vpc Link identifier specified");
    }

    #[test]
    fn a_link_is_pending_then_available_rest_admin_3_17() {
        let made = create(&json!({ "name": "n", "targetArns": [ARN] }), "v1".into()).unwrap();

        let ready = available(made.clone());

        assert_eq!((made.status.as_str(), made.status_message.as_deref()), ("PENDING", None));
        assert_eq!(ready.status, "AVAILABLE");
        assert_eq!(ready.status_message.as_deref(), Some("Your vpc link is ready for use"));
    }

    #[test]
    fn targets_are_not_patched() {
        let made = create(&json!({ "name": "n", "targetArns": [ARN] }), "v1".into()).unwrap();
        let op = |path: &str| PatchOperation {
            op: Op::Replace,
            path: Some(path.into()),
            value: Some("x".into()),
            from: None,
        };

        assert_eq!(patch(&made, &[op("/name")]).unwrap().name, "x");
        assert_eq!(
            patch(&made, &[op("/targetArns")]).unwrap_err().message(),
            "Target arns are not allowed to be changed/added."
        );
        assert_eq!(patch(&made, &[op("/status")]).unwrap_err().message(), "Invalid patch path /status");
    }

    #[test]
    fn a_link_in_use_names_every_place_klotho_202() {
        let places = ["a:GET:r:prod".to_owned(), "a:POST:r:prod".to_owned()];

        assert_eq!(
            in_use("v1", &places).message(),
            "Cannot delete vpc link. Vpc link 'v1', is referenced in [a:GET:r:prod, a:POST:r:prod] in format of \
             [RESTApiId:Method:Resource:Stage]."
        );
    }
}
