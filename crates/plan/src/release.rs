//! A compiled snapshot: everything that depends on configuration only is decided here (invariant 6).

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use stagecoach_base::Verb;

use crate::binary::BinaryTypes;
use crate::expression::{Expression, HeaderMapping};
use crate::gateway::GatewayResponseType;
use crate::integration::Integration;
use crate::ir::{self, Guard};
use crate::router::{Found, Router};
use crate::substitution::{Part, Substitution};
use crate::validation::Validation;

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
    /// Headers of a request that its gateway responses read: kept when all others move on to a back end.
    pub kept_headers: Vec<HeaderName>,
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
    /// What its request validator asks for.
    pub validation: Option<Box<Validation>>,
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
    /// In the order of their media types; without any, the body is the type's own.
    pub templates: Vec<GatewayTemplate>,
}

/// The headers that any of `responses` reads.
pub(crate) fn kept_headers(responses: &BTreeMap<&'static str, GatewayResponse>) -> Vec<HeaderName> {
    let mut names: Vec<HeaderName> = responses
        .values()
        .flat_map(GatewayResponse::reads)
        .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect();
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names
}

/// A template of a gateway response.
#[derive(Clone, Debug)]
pub struct GatewayTemplate {
    /// Media type, as `Accept` is compared with.
    pub media_type: Box<str>,
    /// `Content-Type` of the answer.
    pub content_type: HeaderValue,
    /// The body.
    pub text: Substitution,
}

impl GatewayResponse {
    /// The template for a client that sent `accept`: chosen as for any response (rest-data-plane §2.2, rule 5).
    pub fn template(&self, accept: &str) -> Option<&GatewayTemplate> {
        let of = |media_type: &str| self.templates.iter().find(|template| &*template.media_type == media_type);
        of(accept).or_else(|| of("application/json")).or_else(|| self.templates.first())
    }

    /// The headers of a request that it may read.
    fn reads(&self) -> impl Iterator<Item = &str> {
        let texts = self.templates.iter().flat_map(|template| template.text.parts());
        let values = texts.filter_map(|part| match part {
            Part::Value(value) => Some(value),
            Part::Text(_) => None,
        });
        let named = self.parameters.iter().map(|mapping| &mapping.source).chain(values).filter_map(Expression::header);
        named.chain((self.templates.len() > 1).then_some("accept"))
    }
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
