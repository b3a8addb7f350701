//! The processes of this machine as `/proc` tells of them: whose they are, what they use, and their end.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// The variable by which a process is known to belong to an environment, wherever it went: its value is the environment's
/// scratch folder.
pub(super) const MARK: &str = "_STAGECOACH_ENVIRONMENT";

/// How often processes that fork faster than they end are looked for, and how long one such round waits.
const ROUNDS: u32 = 200;
const ROUND: Duration = Duration::from_millis(5);

/// One process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// Clock ticks since boot: with the pid, its identity.
    pub(super) started: u64,
    /// Pages in memory.
    pub(super) resident: u64,
}

/// Every process that can be read.
pub(super) fn all() -> Vec<Seen> {
    let stat = |pid| std::fs::read_to_string(file(pid, "stat")).ok();
    pids().into_iter().filter_map(|pid| parse(pid, &stat(pid)?)).collect()
}

/// The mark of a process; none if it has none or may not be read.
pub(super) fn mark(pid: i32) -> Option<String> {
    let environment = std::fs::read(file(pid, "environ")).ok()?;
    let value = |variable: &[u8]| {
        let value = variable.strip_prefix(MARK.as_bytes())?.strip_prefix(b"=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    environment.split(|&byte| byte == 0).find_map(value)
}

/// What a process uses of memory, bytes, pages shared by several counted in parts; `None` if the kernel does not say.
pub(super) fn proportional(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(file(pid, "smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The user that a process runs as.
pub(super) fn user(pid: i32) -> Option<u32> {
    let text = std::fs::read_to_string(file(pid, "status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// Kills every process that is `wanted`, and what they forked meanwhile. Blocks until none is left, save the dead that wait
/// for their parents.
pub(super) fn end_all(wanted: impl Fn(i32) -> bool) {
    for _ in 0..ROUNDS {
        let found: Vec<i32> = pids().into_iter().filter(|pid| wanted(*pid) && alive(*pid)).collect();
        if found.is_empty() {
            return;
        }
        for pid in found {
            kill(pid, || wanted(pid));
        }
        std::thread::sleep(ROUND);
    }
    tracing::error!("processes of functions do not end though they were killed");
}

/// Whether one of its threads runs: the first may end before the others. A process without variables is alive too.
fn alive(pid: i32) -> bool {
    let Ok(threads) = std::fs::read_dir(file(pid, "task")) else { return false };
    let stat = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("stat")).ok();
    let running = |stat: String| state(&stat).is_some_and(|state| !matches!(state, 'Z' | 'X' | 'x'));
    threads.filter_map(|thread| stat(thread.ok()?)).any(running)
}

/// Kills a process if it is `still` the one meant: its number may be somebody else's by now.
fn kill(pid: i32, still: impl Fn() -> bool) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    let killed = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) if still() => pidfd_send_signal(&handle, Signal::KILL),
        Ok(_) => Ok(()),
        Err(rustix::io::Errno::NOSYS) => kill_process(pid, Signal::KILL),
        Err(error) => Err(error),
    };
    if let Err(error) = killed
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, pid = pid.as_raw_nonzero(), "cannot end a function's process");
    }
}

fn pids() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn file(pid: i32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

/// The state in `/proc/PID/stat`: `Z` and `X` are the dead.
fn state(stat: &str) -> Option<char> {
    stat.get(stat.rfind(')')? + 1..)?.trim_start().chars().next()
}

/// `/proc/PID/stat` (proc(5)); the program's name, in parentheses, may hold anything.
fn parse(pid: i32, stat: &str) -> Option<Seen> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Seen {
        pid,
        parent: field(4)?.parse().ok()?,
        group: field(5)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
        resident: field(24)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_is_no_trouble() {
        let stat = "7 (a) b) S 3 5 5 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 99 4096 12 18446744073709551615 1 1\n";

        let seen = parse(7, stat);

        assert_eq!(seen, Some(Seen { pid: 7, parent: 3, group: 5, started: 99, resident: 12 }));
        assert_eq!(parse(7, "7 (a"), None);
        assert_eq!((state(stat), state("7 (a")), (Some('S'), None));
    }

    #[test]
    fn a_process_without_variables_is_alive_until_it_has_ended() {
        let mut command = std::process::Command::new("/bin/sleep");
        let mut child = command.arg("60").env_clear().spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();

        let before = alive(pid);
        end_all(|other| other == pid);
        let after = alive(pid);

        child.wait().unwrap();
        assert_eq!((before, after), (true, false));
    }

    #[test]
    fn this_process_is_among_all_and_has_no_mark() {
        let own = i32::try_from(std::process::id()).unwrap();

        let seen = all().into_iter().find(|seen| seen.pid == own).unwrap();

        assert!(seen.resident > 0 && seen.parent > 0);
        assert_eq!(mark(own), None);
        assert!(proportional(own).is_none_or(|bytes| bytes > 100_000));
    }
}
