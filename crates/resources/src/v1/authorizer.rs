//! Authorizer: who may call a method (rest-admin-api §3.9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Document;

/// An authorizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorizer {
    /// Six characters.
    pub id: String,
    /// Unique in the API.
    pub name: String,
    /// TOKEN, REQUEST, COGNITO_USER_POOLS, JWT.
    #[serde(rename = "type")]
    pub kind: String,
    /// Every other member, as AWS names it.
    #[serde(flatten)]
    pub options: BTreeMap<String, Value>,
}

impl Document for Authorizer {
    const KIND: &'static str = "authorizer";
}
