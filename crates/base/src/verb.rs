//! HTTP methods a REST API method may be bound to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The verbs of rest-admin-api §2.6 (PutMethod), in AWS's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// GET
    Get,
    /// PUT
    Put,
    /// POST
    Post,
    /// DELETE
    Delete,
    /// PATCH
    Patch,
    /// OPTIONS
    Options,
    /// HEAD
    Head,
    /// Every verb that has no method of its own.
    Any,
}

/// The text names no verb that API Gateway knows.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")]
pub struct InvalidVerb;

impl Verb {
    /// All verbs, ANY last.
    pub const ALL: [Self; 8] =
        [Self::Get, Self::Put, Self::Post, Self::Delete, Self::Patch, Self::Options, Self::Head, Self::Any];

    /// The upper-case text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
            Self::Any => "ANY",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = InvalidVerb;

    /// Exact, upper-case names only: `get` is not a verb on AWS.
    fn from_str(text: &str) -> Result<Self, InvalidVerb> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or(InvalidVerb)
    }
}
