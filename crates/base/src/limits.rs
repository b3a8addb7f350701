//! AWS's limits, as defaults an operator may raise (rest-data-plane §3.8, rest-admin-api §6).

/// Largest request or response payload, bytes.
pub const PAYLOAD_BYTES: usize = 10 * 1024 * 1024;
/// Sum of the header values of one request, bytes.
pub const HEADER_VALUE_BYTES: usize = 10_240;
/// Longest request target, bytes.
pub const URL_BYTES: usize = 10_240;
/// Default and largest integration time-out on AWS, ms.
pub const INTEGRATION_TIMEOUT_MS: u32 = 29_000;
/// Smallest integration time-out, ms.
pub const INTEGRATION_TIMEOUT_MIN_MS: u32 = 50;
/// Largest body of an import, bytes.
pub const IMPORT_BYTES: usize = 6 * 1024 * 1024;
/// Stage settings above this travel as a blob of their own, bytes.
pub const SETTINGS_BYTES: usize = 16 * 1024;
