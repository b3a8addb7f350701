//! A compiled snapshot: everything that depends on configuration only is decided here (invariant 6).

use std::collections::BTreeMap;

use stagecoach_base::Verb;

use crate::binary::BinaryTypes;
use crate::expression::HeaderMapping;
use crate::gateway::GatewayResponseType;
use crate::integration::Integration;
use crate::ir::{self, Guard};
use crate::router::{Found, Router};

/// A snapshot ready to serve.
#[derive(Clone, Debug)]
pub struct Release {
    /// API-wide options.
    pub api: ir::Api,
    /// Media types treated as bytes.
    pub binary: BinaryTypes,
    pub(crate) router: Router,
    pub(crate) methods: Vec<Method>,
    pub(crate) gateway_responses: BTreeMap<&'static str, GatewayResponse>,
}

/// A compiled method.
#[derive(Clone, Debug)]
pub struct Method {
    /// Resource template.
    pub path: Box<str>,
    /// The configured verb, perhaps ANY.
    pub verb: Verb,
    /// `None` for the root, whose id travels in the stage's settings.
    pub resource_id: Option<Box<str>>,
    /// For the Lambda event.
    pub operation_name: Option<Box<str>>,
    /// Checks, in order.
    pub guards: Vec<Guard>,
    /// Names of the template's variables, in order.
    pub variables: Vec<Box<str>>,
    /// What is called.
    pub integration: Integration,
}

/// A customised gateway response.
#[derive(Clone, Debug)]
pub struct GatewayResponse {
    /// `None`: the type's own.
    pub status: Option<u16>,
    /// Headers.
    pub parameters: Vec<HeaderMapping>,
    /// By media type; simple substitution, not VTL (rest-data-plane §2.2).
    pub templates: BTreeMap<String, String>,
}

impl Release {
    /// The method for a path (after the stage) and the client's verb, with the path's variables.
    pub fn find(&self, path: &str, verb: Verb) -> Option<(&Method, Found)> {
        let found = self.router.find(path, verb)?;
        Some((self.method(found.method)?, found))
    }

    /// The method that [`Found::method`] names.
    pub fn method(&self, index: u32) -> Option<&Method> {
        self.methods.get(usize::try_from(index).ok()?)
    }

    /// How many methods.
    pub fn methods(&self) -> usize {
        self.methods.len()
    }

    /// The customised response for a type: its own, else that of its family (rest-data-plane §2.2, rule 1).
    pub fn gateway_response(&self, kind: GatewayResponseType, status: u16) -> Option<&GatewayResponse> {
        let own = self.gateway_responses.get(kind.facts().name);
        own.or_else(|| self.gateway_responses.get(GatewayResponseType::family(status).facts().name))
    }
}
