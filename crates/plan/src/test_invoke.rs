//! What TestInvokeMethod and TestInvokeAuthorizer run and answer (rest-admin-api §7), as plain data: the control plane
//! knows the draft, the data plane runs it, and neither knows the other.

use std::collections::BTreeMap;

use stagecoach_base::Verb;

use crate::ir::{self, Plan};
use crate::settings::StageSettings;

/// Stage that a test says it runs in.
pub const STAGE: &str = "test-invoke-stage";
/// Stage in the `methodArn` that an authorizer under test is sent.
pub const METHOD_ARN_STAGE: &str = "ESTestInvoke-stage";

/// The request that a test makes up.
#[derive(Clone, Debug, Default)]
pub struct TestRequest {
    /// `pathWithQueryString`; empty: the resource's template, or `/` for an authorizer.
    pub path_with_query: String,
    /// Header names as the caller wrote them, with their values in order.
    pub headers: Vec<(String, String)>,
    /// Payload.
    pub body: String,
}

/// A draft method and the request to run through it.
#[derive(Clone, Debug)]
pub struct MethodTest {
    /// The draft, with the tested method as its only one, and of its guards those that a test runs.
    pub plan: Plan,
    /// The draft as a stage of its own; stage variables are the caller's.
    pub settings: StageSettings,
    /// Verb of the request; ANY only when the caller named ANY itself.
    pub verb: Verb,
    /// The request.
    pub request: TestRequest,
    /// `clientCertificateId`: what HTTP back ends are to be shown.
    pub client_certificate: Option<String>,
}

/// What a client of the tested method would have got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MethodTestResult {
    /// HTTP status.
    pub status: u16,
    /// Header names in AWS's spelling, repeated for every value.
    pub headers: Vec<(String, String)>,
    /// Payload; bytes that are no UTF-8 are replaced.
    pub body: String,
    /// Execution log, lines ended by `\n`.
    pub log: String,
    /// ms.
    pub latency_ms: u64,
}

/// A draft authorizer and the request to show it.
#[derive(Clone, Debug)]
pub struct AuthorizerTest {
    /// Its id.
    pub id: String,
    /// The draft.
    pub authorizer: ir::Authorizer,
    /// As for a method.
    pub settings: StageSettings,
    /// The request.
    pub request: TestRequest,
    /// `additionalContext`: what `context.x` identity sources read.
    pub context: BTreeMap<String, String>,
}

/// What an authorizer decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizerTestResult {
    /// 0, or the status that a client would get.
    pub client_status: u16,
    /// Execution log, lines ended by `\n`.
    pub log: String,
    /// ms.
    pub latency_ms: u64,
    /// Whom the authorizer named.
    pub principal_id: Option<String>,
    /// Policy document, JSON text.
    pub policy: Option<String>,
    /// The output's `context`, every value as text.
    pub authorization: BTreeMap<String, Vec<String>>,
}

/// Why a test could not be run at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// The made-up request is no HTTP request.
    #[error("{0}")]
    BadRequest(String),
    /// Nothing runs tests here any more.
    #[error("nothing runs tests here any more")]
    Gone,
}
