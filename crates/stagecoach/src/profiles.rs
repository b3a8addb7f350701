//! Profiles of the shared credentials file, AWS's own: read at the start, and again whenever the file changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use stagecoach_sigv4::Credentials;
use stagecoach_worker::Rotating;
use tokio_util::sync::CancellationToken;

use crate::files::{LOOK, stamp};

/// The profiles in use.
#[derive(Default)]
pub(crate) struct Profiles {
    /// `None`: neither the variable nor a home directory says where it is.
    path: Option<PathBuf>,
    used: BTreeMap<String, Rotating>,
}

impl Profiles {
    /// The file that `AWS_SHARED_CREDENTIALS_FILE` names, else `~/.aws/credentials`.
    pub(crate) fn of_the_environment() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = variable("AWS_SHARED_CREDENTIALS_FILE");
        Self { path: path.or_else(|| Some(variable("HOME")?.join(".aws/credentials"))), used: BTreeMap::new() }
    }

    /// The credentials of a profile, which follow the file from [`Profiles::watch`] on.
    ///
    /// # Errors
    /// No file, no such profile, a profile without keys.
    pub(crate) fn get(&mut self, name: &str) -> anyhow::Result<Rotating> {
        if let Some(known) = self.used.get(name) {
            return Ok(known.clone());
        }
        let path = self.path.as_deref();
        let path = path.context("there is no shared credentials file: set AWS_SHARED_CREDENTIALS_FILE, or HOME")?;
        let credentials = Rotating::new(read(path, name)?);
        self.used.insert(name.to_owned(), credentials.clone());
        Ok(credentials)
    }

    /// Takes what the file says now whenever it changed, until `stop`. A profile that cannot be read any more stays as it was.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let Some(path) = self.path.filter(|_| !self.used.is_empty()) else { return };
        // The file may have changed since the profiles were read.
        let mut seen = None;
        while !stop.is_cancelled() {
            let now = stamp(&path);
            if seen.replace(now) != Some(now) {
                self.used.iter().for_each(|(name, credentials)| renew(&path, name, credentials));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

fn renew(path: &Path, name: &str, credentials: &Rotating) {
    match read(path, name) {
        Ok(fresh) if fresh != *credentials.get() => {
            credentials.set(fresh);
            tracing::info!(profile = name, file = %path.display(), "took the profile's new credentials");
        }
        Ok(_) => {}
        Err(error) => {
            tracing::error!(profile = name, error = %format!("{error:#}"), "the changed credentials are refused; those before stay");
        }
    }
}

fn read(path: &Path, name: &str) -> anyhow::Result<Credentials> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the shared credentials file {}", path.display()))?;
    profile(&text, name).with_context(|| format!("in the shared credentials file {}", path.display()))
}

/// A profile's keys. Source: AWS SDKs and Tools reference guide, "Using shared config and credentials files".
fn profile(text: &str, name: &str) -> anyhow::Result<Credentials> {
    let (mut section, mut sections, mut values) = ("", Vec::new(), BTreeMap::new());
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            section = header.0.trim();
            sections.push(section);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| section == name) {
            values.insert(key.trim().to_ascii_lowercase(), value.trim());
        }
    }
    if !sections.contains(&name) {
        bail!("there is no profile `{name}`, only: {}", sections.join(", "));
    }
    let value = |key: &str| values.get(key).filter(|value| !value.is_empty()).map(|value| (*value).to_owned());
    let needed = |key: &str| {
        value(key).with_context(|| format!("profile `{name}` has no {key}; roles, SSO and processes are not followed"))
    };
    Ok(Credentials {
        access_key: needed("aws_access_key_id")?,
        secret: needed("aws_secret_access_key")?,
        token: value("aws_session_token"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# comment\n[default]\naws_access_key_id = A\naws_secret_access_key=s/+=\n\n[ prod ]\n\
        AWS_ACCESS_KEY_ID=B\naws_secret_access_key = t\naws_session_token = u==\n; no\n[role]\nrole_arn = r\n";

    fn keys(name: &str) -> Result<(String, String, Option<String>), String> {
        let found = profile(FILE, name).map(|found| (found.access_key, found.secret, found.token));
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn a_profile_is_read_as_aws_clients_read_it() {
        assert_eq!(keys("default"), Ok(("A".into(), "s/+=".into(), None)));
        assert_eq!(keys("prod"), Ok(("B".into(), "t".into(), Some("u==".into()))));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(keys("test"), Err("there is no profile `test`, only: default, prod, role".into()));
        assert!(keys("role").is_err_and(|error| error.contains("`role` has no aws_access_key_id")));
    }

    #[test]
    fn rotated_keys_are_taken_and_damaged_ones_are_not() {
        let file = std::env::temp_dir().join(format!("stagecoach-profiles-{}", std::process::id()));
        let write = |key: &str| std::fs::write(&file, format!("[p]\n{key}\naws_secret_access_key = s\n")).unwrap();
        write("aws_access_key_id = old");
        let mut profiles = Profiles { path: Some(file.clone()), ..Profiles::default() };
        let held = profiles.get("p").unwrap();

        let kept = ["damaged", "aws_access_key_id = fresh"].map(|key| {
            write(key);
            renew(&file, "p", &held);
            held.get().access_key.clone()
        });

        std::fs::remove_file(file).unwrap();
        assert_eq!(kept, ["old", "fresh"]);
    }
}
