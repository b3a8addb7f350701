//! The closed set of gateway response types.

use stagecoach_base::AwsError;

use crate::input::Constraints;

/// One type.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Its own status; the two defaults have none.
    pub(super) status: Option<&'static str>,
}

const fn kind(name: &'static str, status: &'static str) -> Kind {
    Kind { name, status: Some(status) }
}

/// In the order in which AWS prints them; statuses as of the control plane, which differ from run time for
/// INTEGRATION_FAILURE and INTEGRATION_TIMEOUT (rest-admin-api §2.4, §3.19) [V a].
const KINDS: [Kind; 21] = [
    kind("REQUEST_TOO_LARGE", "413"),
    kind("RESOURCE_NOT_FOUND", "404"),
    kind("AUTHORIZER_CONFIGURATION_ERROR", "500"),
    kind("MISSING_AUTHENTICATION_TOKEN", "403"),
    kind("BAD_REQUEST_BODY", "400"),
    kind("INVALID_SIGNATURE", "403"),
    kind("INVALID_API_KEY", "403"),
    kind("BAD_REQUEST_PARAMETERS", "400"),
    kind("AUTHORIZER_FAILURE", "500"),
    kind("UNAUTHORIZED", "401"),
    kind("INTEGRATION_TIMEOUT", "504"),
    kind("ACCESS_DENIED", "403"),
    Kind { name: DEFAULT_4XX, status: None },
    Kind { name: DEFAULT_5XX, status: None },
    kind("WAF_FILTERED", "403"),
    kind("QUOTA_EXCEEDED", "429"),
    kind("THROTTLED", "429"),
    kind("API_CONFIGURATION_ERROR", "500"),
    kind("UNSUPPORTED_MEDIA_TYPE", "415"),
    kind("INTEGRATION_FAILURE", "504"),
    kind("EXPIRED_TOKEN", "403"),
];

const DEFAULT_4XX: &str = "DEFAULT_4XX";
const DEFAULT_5XX: &str = "DEFAULT_5XX";

/// All types, sorted: the order of lists.
pub fn all() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = KINDS.iter().map(|kind| kind.name).collect();
    names.sort_unstable();
    names
}

pub(super) fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The default that an uncustomised type takes its looks from.
pub(super) fn family(kind: &Kind) -> Option<&'static str> {
    match kind.status?.starts_with('4') {
        true => Some(DEFAULT_4XX),
        false => Some(DEFAULT_5XX),
    }
}

pub(super) fn constrain(constraints: &mut Constraints, name: &str) {
    constraints.uri_one_of("responseType", Some(name), &KINDS.each_ref().map(|kind| kind.name));
}

/// Checks the type in the URI.
///
/// # Errors
/// `ValidationException`, which precedes the 404 of an API.
pub fn check_type(name: &str) -> Result<(), AwsError> {
    let mut constraints = Constraints::default();
    constrain(&mut constraints, name);
    constraints.check()
}
