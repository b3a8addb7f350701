//! RequestValidator: which parts of a request are checked (rest-admin-api §3.8).

use serde::{Deserialize, Serialize};

use crate::Document;

/// A request validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestValidator {
    /// Six characters.
    pub id: String,
    /// Unique in the API.
    pub name: String,
    /// Check the body.
    pub validate_request_body: bool,
    /// Check parameters.
    pub validate_request_parameters: bool,
}

impl Document for RequestValidator {
    const KIND: &'static str = "requestvalidator";
}
