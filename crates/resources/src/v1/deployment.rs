//! Deployment: a name for a snapshot (rest-admin-api §3.10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagecoach_base::Digest;

use crate::Document;

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Six characters.
    pub id: String,
    /// Omitted if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Epoch seconds.
    pub created_date: i64,
    /// Shown only with `embed=apisummary`: path → VERB → facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub api_summary: BTreeMap<String, BTreeMap<String, MethodSummary>>,
    /// Ours, never on the wire: the snapshot's name.
    pub digest: Digest,
    /// Ours, never on the wire: the snapshot's size, bytes.
    pub size: u64,
    /// Ours, never on the wire: the blob with the documents as deployed (an `ApiTree`), for exports and re-lowering.
    pub definition: Digest,
}

/// One row of `apiSummary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodSummary {
    /// NONE, AWS_IAM, …
    pub authorization_type: String,
    /// Needs a key.
    pub api_key_required: bool,
}

impl Document for Deployment {
    const KIND: &'static str = "deployment";
}
