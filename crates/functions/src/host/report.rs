//! The lines that AWS adds to a function's log.

use std::time::Duration;

use stagecoach_base::UnixMillis;
use time::OffsetDateTime;

use super::payloads::Failure;

/// One invocation at its end.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// Request id.
    pub(super) id: &'a str,
    /// Since its START.
    pub(super) took: Duration,
    /// The function's memory.
    pub(super) memory_mib: u32,
    /// What its environment used at most so far; `None`: there is no environment.
    pub(super) used_mib: Option<u64>,
    /// How long the environment took to start, if this is its first invocation.
    pub(super) init: Option<Duration>,
    /// Why there is no answer.
    pub(super) failure: Option<&'a Failure>,
}

impl Report<'_> {
    /// END, REPORT, and what AWS says after them of an invocation that got no answer.
    pub(super) fn lines(&self, now: UnixMillis) -> Vec<String> {
        let Self { id, memory_mib, .. } = self;
        let took = millis(self.took);
        let mut report = format!(
            "REPORT RequestId: {id}\tDuration: {took:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory_mib} MB",
            took.ceil()
        );
        if let Some(used) = self.used_mib {
            report += &format!("\tMax Memory Used: {used} MB");
        }
        if let Some(init) = self.init {
            report += &format!("\tInit Duration: {:.2} ms", millis(init));
        }
        report += &self.failure.map(status).unwrap_or_default();
        let mut lines = vec![format!("END RequestId: {id}"), report];
        match self.failure {
            Some(failure @ Failure::TimedOut(_)) => lines.push(format!("{} {id} {}", date(now), failure.reason().1)),
            Some(Failure::Told(_)) | None => {}
            Some(failure) => {
                let (kind, reason) = failure.reason();
                lines.push(format!("RequestId: {id} Error: {reason}"));
                lines.push(kind.to_owned());
            }
        }
        lines
    }
}

/// The line about a start that failed, in the phase `init` or, tried again, `invoke`.
pub(super) fn init(took: Duration, phase: &str, failure: Option<&Failure>) -> String {
    let status = failure.map_or_else(|| "\tStatus: timeout".to_owned(), status);
    format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}{status}", millis(took))
}

fn status(failure: &Failure) -> String {
    match failure {
        Failure::TimedOut(_) => "\tStatus: timeout".to_owned(),
        Failure::Told(_) => "\tStatus: error".to_owned(),
        failure => format!("\tStatus: error\tError Type: {}", failure.reason().0),
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// `2026-11-28T09:55:00.123Z`.
fn date(now: UnixMillis) -> String {
    let at = OffsetDateTime::from_unix_timestamp(now.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = at.to_hms();
    let (year, month, day) = at.to_calendar_date();
    let millis = now.0.rem_euclid(1000);
    format!("{year}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", u8::from(month))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn lines(failure: Option<&Failure>) -> Vec<String> {
        let took = Duration::from_micros(1_234_560);
        let init = failure.is_none().then_some(Duration::from_millis(80));
        let report = Report { id: "id", took, memory_mib: 128, used_mib: Some(40), init, failure };
        report.lines(UnixMillis(1_795_859_700_123))
    }

    #[test]
    fn a_report_tells_what_an_invocation_took() {
        let report = "REPORT RequestId: id\tDuration: 1234.56 ms\tBilled Duration: 1235 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB";

        let good = lines(None);
        let late = lines(Some(&Failure::TimedOut(Duration::from_secs(1))));
        let killed = lines(Some(&Failure::Exited(ExitStatus::from_raw(9))));

        assert_eq!(good, ["END RequestId: id".to_owned(), format!("{report}\tInit Duration: 80.00 ms")]);
        assert_eq!(late[1], format!("{report}\tStatus: timeout"));
        assert_eq!(late[2], "2026-11-28T09:55:00.123Z id Task timed out after 1.00 seconds");
        assert_eq!(killed[1], format!("{report}\tStatus: error\tError Type: Runtime.ExitError"));
        assert_eq!(
            killed[2..],
            ["RequestId: id Error: Runtime exited with error: signal: killed", "Runtime.ExitError"]
        );
    }

    #[test]
    fn a_failed_start_is_reported() {
        let took = Duration::from_micros(9_999_560);

        assert_eq!(init(took, "init", None), "INIT_REPORT Init Duration: 9999.56 ms\tPhase: init\tStatus: timeout");
        assert!(
            init(took, "invoke", Some(&Failure::NotThere)).ends_with("Status: error\tError Type: Runtime.ExitError")
        );
    }
}
