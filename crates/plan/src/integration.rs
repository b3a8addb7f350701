//! A compiled integration.

use std::time::Duration;

use crate::cache_key::CacheKey;
use crate::expression::{HeaderMapping, Location, RequestMapping};
use crate::ir::{ContentHandling, IntegrationType, Passthrough};
use crate::selection::Selection;
use crate::target::{Endpoint, LambdaTarget, UriTemplate};
use crate::templates::Templates;
use stagecoach_base::Verb;

/// What a method calls, ready to run.
#[derive(Clone, Debug)]
pub struct Integration {
    /// MOCK … AWS_PROXY.
    pub kind: IntegrationType,
    /// Verb of the call; `None`: the client's.
    pub verb: Option<Verb>,
    /// URL or integration ARN.
    pub uri: UriTemplate,
    /// The endpoint, when the URI is a constant URL.
    pub endpoint: Option<Endpoint>,
    /// Role ARN, perhaps with a stage variable.
    pub credentials: Option<UriTemplate>,
    /// Whether it goes through a VPC link.
    pub vpc_link: bool,
    /// From the first byte of the call to the last of the answer's head.
    pub timeout: Duration,
    /// Whether the answer streams: it was asked to, or the URI is that of InvokeWithResponseStream. Whoever logs, codes or
    /// caches the answer asks this, and nothing else.
    pub stream: bool,
    /// The function, when the URI is the constant ARN of one.
    pub lambda: Option<LambdaTarget>,
    /// What happens to a body that no template matches.
    pub passthrough: Passthrough,
    /// Conversion of the request body.
    pub content_handling: Option<ContentHandling>,
    /// Parameter mappings.
    pub parameters: Vec<RequestMapping>,
    /// Request templates.
    pub templates: Templates,
    /// Response table, by rising status.
    pub responses: Vec<Response>,
    /// Which row of it an outcome selects.
    pub selection: Selection,
    /// Skip chain and host-name checks of the back end's certificate.
    pub insecure_skip_verification: bool,
    /// What tells answers in the method cache apart.
    pub cache_key: CacheKey,
}

/// One row of the response table.
#[derive(Clone, Debug)]
pub struct Response {
    /// What the client gets.
    pub status: u16,
    /// Whether the method declares this status; AWS answers 500 when not (rest-data-plane §1.1, step 17).
    pub declared: bool,
    /// Header mappings.
    pub parameters: Vec<HeaderMapping>,
    /// Response templates.
    pub templates: Templates,
    /// Conversion of the response body.
    pub content_handling: Option<ContentHandling>,
}

impl Integration {
    /// Mappings into one place.
    pub fn mappings(&self, location: Location) -> impl Iterator<Item = &RequestMapping> {
        self.parameters.iter().filter(move |mapping| mapping.location == location)
    }

    /// Whether a parameter mapping looks at the client's body.
    pub fn reads_body(&self) -> bool {
        self.parameters.iter().any(|mapping| mapping.source.reads_body())
    }

    /// Whether the request goes through as it came: no mapping of any kind. Where the later pass-through path begins.
    pub fn is_transparent(&self) -> bool {
        self.kind == IntegrationType::HttpProxy && self.parameters.is_empty() && self.endpoint.is_some()
    }
}
