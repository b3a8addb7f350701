//! What survives a host that is killed, and ends what the host cannot end any more.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Waits for a word on its input: with one, the host has tidied up. At the input's end the host is gone: then every process
/// with the host's mark is killed, until there is none, and its folder removed. `$1`: the mark, `$2`: the folder.
const SCRIPT: &str = r#"
read -r _ && exit 0
while :; do
  found=
  for process in /proc/[0-9]*; do
    if grep -qsF -e "$1" "$process/environ"; then kill -9 "${process#/proc/}" && found=1; fi
  done
  [ -n "$found" ] || break
done
rm -rf -- "$2"
"#;

/// A shell that watches over this process.
#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Starts it for the host whose folder is `folder`. Without a shell there is none: the next host tidies up.
    pub(super) fn start(folder: &Path) -> Option<Self> {
        let mark = format!("{}={}/", super::processes::MARK, folder.display());
        let started = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "stagecoach-functions-watchdog"])
            .arg(mark)
            .arg(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends the host at a terminal must not end it too.
            .process_group(0)
            .spawn();
        if let Err(error) = &started {
            tracing::warn!(%error, "no watchdog: functions outlive a host that is killed, until the next one starts");
        }
        started.ok().map(Self)
    }

    /// Ends it: everything is tidied up.
    pub(super) async fn dismiss(mut self) {
        if let Some(mut input) = self.0.stdin.take()
            && let Err(error) = input.write_all(b"done\n").await
        {
            tracing::debug!(%error, "the watchdog has gone before");
        }
        if let Err(error) = self.0.wait().await {
            tracing::warn!(%error, "the watchdog cannot be waited for");
        }
    }
}
