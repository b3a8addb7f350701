//! Resource: one node of the path tree (rest-admin-api §3.2).

use serde::{Deserialize, Serialize};

use crate::Document;

/// A path node. `resourceMethods` is added by the reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Six characters, derived from the path ([`stagecoach_base::id::derived`]); the root's is random.
    pub id: String,
    /// Absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_part: Option<String>,
    /// Full template, `/pets/{id}`.
    pub path: String,
}

impl Document for Resource {
    const KIND: &'static str = "resource";
}
