//! What a caller is told when the function gave no answer of its own: AWS's payloads, as recorded (dependencies §3.4).

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;

/// Largest answer of an invocation that is not streamed, bytes.
pub(super) const ANSWER_BYTES: usize = 6_291_556;

/// The function ran out of time.
pub(super) fn timed_out(request_id: &str, timeout: Duration) -> Bytes {
    let text = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", timeout.as_secs_f64());
    failure("Sandbox.Timedout", &text)
}

/// Its process ended before it answered.
pub(super) fn exited(request_id: &str, status: ExitStatus) -> Bytes {
    use std::os::unix::process::ExitStatusExt;
    let reason = match (status.code(), status.signal()) {
        (Some(0), _) | (None, None) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
        (None, Some(signal)) => format!("Runtime exited with error: signal {signal}"),
    };
    failure("Runtime.ExitError", &format!("RequestId: {request_id} Error: {reason}"))
}

/// Its process cannot be waited for; not seen on AWS.
pub(super) fn lost(request_id: &str, error: &std::io::Error) -> Bytes {
    failure("Runtime.ExitError", &format!("RequestId: {request_id} Error: Runtime exited with error: {error}"))
}

/// There is no `bootstrap` to run.
pub(super) fn no_bootstrap(request_id: &str) -> Bytes {
    failure("Runtime.ExitError", &format!("RequestId: {request_id} Error: Runtime exited with error: exit status 127"))
}

/// There is a `bootstrap`, and the system does not execute it.
pub(super) fn not_executable(request_id: &str, reason: &str) -> Bytes {
    failure("Runtime.InvalidEntrypoint", &format!("RequestId: {request_id} Error: {reason}"))
}

/// Its answer is larger than [`ANSWER_BYTES`].
pub(super) fn too_large() -> Bytes {
    let text = format!("Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES} bytes).");
    failure("Function.ResponseSizeTooLarge", &text)
}

/// An error in AWS's form and order of members.
fn failure(kind: &str, message: &str) -> Bytes {
    Bytes::from(serde_json::json!({ "errorType": kind, "errorMessage": message }).to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// Recorded on AWS 2025-11-24/25, the request's id masked (dependencies §3.4).
    #[test]
    fn payloads_are_those_recorded() {
        let exit = |code: i32| exited("id", ExitStatus::from_raw(code << 8));

        let timeout = timed_out("id", Duration::from_secs(1));

        assert_eq!(
            &timeout[..],
            br#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 1.00 seconds"}"#
        );
        assert_eq!(
            &exit(0)[..],
            br#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: Runtime exited without providing a reason"}"#
        );
        assert_eq!(exit(127), no_bootstrap("id"));
        assert_eq!(
            &too_large()[..],
            br#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#
        );
    }
}
