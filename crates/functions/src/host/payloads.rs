//! What a caller is told when the function gave no answer of its own: AWS's payloads, as recorded (dependencies §3.4).

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;

/// Largest answer of an invocation that is not streamed, bytes.
pub(super) const ANSWER_BYTES: usize = 6_291_556;

/// Why a function gave no answer of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Its runtime said why.
    Told(Bytes),
    /// It ran out of time.
    TimedOut(Duration),
    /// Its process ended before it answered.
    Exited(ExitStatus),
    /// Its process cannot be waited for; not seen on AWS.
    Lost(String),
    /// The program to run is not there: a `bootstrap`, a wrapper.
    NotThere,
    /// There is a `bootstrap`, and the system does not execute it.
    NotExecutable(String),
}

impl Failure {
    /// What the caller of the invocation `request_id` is told.
    pub(super) fn payload(&self, request_id: &str) -> Bytes {
        if let Self::Told(body) = self {
            return body.clone();
        }
        let (kind, reason) = self.reason();
        failure(kind, &format!("RequestId: {request_id} Error: {reason}"))
    }

    /// AWS's name for it, and what happened.
    pub(super) fn reason(&self) -> (&'static str, String) {
        match self {
            Self::Told(body) => ("Runtime.Unknown", String::from_utf8_lossy(body).into_owned()),
            Self::TimedOut(timeout) => {
                ("Sandbox.Timedout", format!("Task timed out after {:.2} seconds", timeout.as_secs_f64()))
            }
            Self::Exited(status) => ("Runtime.ExitError", exited(*status)),
            Self::Lost(error) => ("Runtime.ExitError", format!("Runtime exited with error: {error}")),
            Self::NotThere => ("Runtime.ExitError", "Runtime exited with error: exit status 127".to_owned()),
            Self::NotExecutable(reason) => ("Runtime.InvalidEntrypoint", reason.clone()),
        }
    }
}

/// A process's end in AWS's words.
fn exited(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) | (None, None) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
        (None, Some(signal)) => format!("Runtime exited with error: signal {signal}"),
    }
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
        let exit = |code: i32| Failure::Exited(ExitStatus::from_raw(code << 8)).payload("id");

        let timeout = Failure::TimedOut(Duration::from_secs(1)).payload("id");

        assert_eq!(
            &timeout[..],
            br#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: id Error: Task timed out after 1.00 seconds"}"#
        );
        assert_eq!(
            &exit(0)[..],
            br#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: id Error: Runtime exited without providing a reason"}"#
        );
        assert_eq!(exit(127), Failure::NotThere.payload("id"));
        assert_eq!(
            &too_large()[..],
            br#"{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}"#
        );
    }
}
