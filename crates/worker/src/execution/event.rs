//! What happens to a request, as facts: the execution log prints them in AWS's words, `explain` as they are.

use serde::Serialize;

/// Header or parameter pairs in the order they print.
pub(crate) type Pairs = Vec<(String, String)>;

/// One step of a request.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Event {
    /// What was asked, by a caller who wants it explained.
    Asked { method: String, target: String, host: String, protocol: &'static str },
    /// Host and path name no stage that is served here.
    NotLocated {},
    /// The stage, and what a canary's draw decided.
    Located {
        api: String,
        stage: String,
        deployment: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        canary: Option<Draw>,
    },
    /// The method.
    Matched { method: String, resource: String, variables: Pairs },
    /// No method fits.
    NotMatched { method: String, path: String },
    /// A method's guards let the request pass.
    Guarded { passed: Vec<&'static str> },
    /// What the method cache had to say: `hit`, `miss`, or `replace` where the client asked for a new entry.
    Cache { outcome: &'static str },
    /// A line of its own.
    Note {
        text: String,
        #[serde(skip)]
        error: bool,
    },
    /// The request as it came.
    #[serde(rename = "methodRequest")]
    Request { id: String, method: String, path: String, variables: Pairs, query: Pairs, headers: Pairs, body: String },
    /// Which mapping template was taken.
    Template {
        side: &'static str,
        choice: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
    },
    /// What the integration is sent.
    EndpointRequest { method: String, uri: String, headers: Pairs, body: String },
    /// The head of what it answers.
    EndpointResponse { status: u16, latency_ms: u64, headers: Pairs, reused_connection: bool },
    /// What AWS's words leave out: for whoever has to find out.
    Trouble { problem: String },
    /// Its body.
    EndpointBody { body: String },
    /// Which integration response an outcome selected.
    Selected {
        outcome: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
        status: u16,
    },
    /// Why the gateway answers by itself.
    Failed { response_type: &'static str, cause: String, line: Option<String> },
    /// What it answers then.
    GatewayResponse { response_type: &'static str, status: u16, headers: Pairs, body: String },
    /// What the client is sent.
    #[serde(rename = "methodResponse")]
    Response { headers: Pairs, body: String },
    /// The end.
    Completed {
        status: u16,
        /// The gateway answered by itself.
        #[serde(skip)]
        failed: bool,
    },
}

/// A canary's draw: below the share it is a canary request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Draw {
    pub(crate) is_canary: bool,
    pub(crate) drawn_percent: f64,
    pub(crate) share_percent: f64,
}
