//! `stagecoach dev --function NAME=PATH[:HANDLER]`: a file or a folder as a function, packed and updated when it changes.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use stagecoach_base::Digest;
use stagecoach_functions::Answered;
use tokio_util::sync::CancellationToken;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::{LOOK, Stamp, stamp};
use crate::lambda::Lambda;

/// Who writes, in the audit log.
const ACTOR: &str = "dev";
/// Statement that lets every API of the gateway invoke the function.
const STATEMENT: &str = "stagecoach-dev";

/// What a file's name says of its runtime, and the handler's usual module and name.
const RUNTIMES: [(&str, &str, &str); 4] = [
    (".py", "python3.12", "handler"),
    (".mjs", "nodejs20.x", "handler"),
    (".cjs", "nodejs20.x", "handler"),
    (".js", "nodejs20.x", "handler"),
];

/// Modules that a folder's handler is looked for in, the most usual name first.
const MODULES: [(&str, &str, &str); 7] = [
    ("bootstrap", "provided.al2023", "bootstrap"),
    ("lambda_function.py", "python3.12", "lambda_function.lambda_handler"),
    ("app.py", "python3.12", "app.handler"),
    ("index.py", "python3.12", "index.handler"),
    ("index.mjs", "nodejs20.x", "index.handler"),
    ("index.js", "nodejs20.x", "index.handler"),
    ("app.js", "nodejs20.x", "app.handler"),
];

/// One `--function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionFile {
    name: String,
    path: PathBuf,
    handler: Option<String>,
}

impl FromStr for FunctionFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not NAME=PATH or NAME=PATH:HANDLER");
        let (name, rest) =
            text.split_once('=').filter(|(name, rest)| !name.is_empty() && !rest.is_empty()).ok_or_else(wrong)?;
        let (path, handler) = match rest.rsplit_once(':') {
            Some((path, handler)) if !path.is_empty() && !handler.is_empty() => (path, Some(handler.to_owned())),
            _ => (rest, None),
        };
        Ok(Self { name: name.to_owned(), path: path.into(), handler })
    }
}

/// Runtime and handler of a file or folder.
///
/// # Errors
/// When neither can be told.
fn kind(file: &FunctionFile) -> anyhow::Result<(&'static str, String)> {
    let path = &file.path;
    let (runtime, usual) = if path.is_dir() {
        let found = MODULES.iter().find(|(module, _, _)| path.join(module).is_file());
        let given = file.handler.as_deref().and_then(|handler| handler.rsplit_once('.')).and_then(|(module, _)| {
            RUNTIMES.iter().find(|(ending, _, _)| path.join(format!("{module}{ending}")).is_file())
        });
        match (given, found) {
            (Some((_, runtime, _)), _) => (*runtime, String::new()),
            (None, Some((_, runtime, handler))) => (*runtime, (*handler).to_owned()),
            (None, None) => {
                let names: Vec<&str> = MODULES.iter().map(|(module, _, _)| *module).collect();
                bail!(
                    "{} has none of {}: name the handler, --function {}={}:MODULE.NAME",
                    path.display(),
                    names.join(", "),
                    file.name,
                    path.display()
                )
            }
        }
    } else {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let known =
            RUNTIMES.iter().find_map(|(ending, runtime, handler)| Some((name.strip_suffix(ending)?, runtime, handler)));
        let Some((module, runtime, handler)) = known else {
            bail!("{}: a function is a .py, .js, .mjs or .cjs file, or a folder", path.display())
        };
        (*runtime, format!("{module}.{handler}"))
    };
    Ok((runtime, file.handler.clone().unwrap_or(usual)))
}

/// A file alone, or everything below a folder, as a package.
fn pack(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    for file in files(path)? {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(mode(&file)?);
        zip.start_file(name, options)?;
        zip.write_all(&std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn mode(file: &Path) -> std::io::Result<u32> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(file)?.permissions().mode())
}

/// Every file, in a fixed order, without what tools leave behind.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        entries.push(entry?.path());
    }
    entries.sort();
    for entry in entries {
        let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        found.extend(files(&entry)?);
    }
    Ok(found)
}

/// What tells one state of a file or folder from the next.
fn stamps(path: &Path) -> BTreeMap<PathBuf, Stamp> {
    let stamped = |file: PathBuf| (file.clone(), stamp(&file));
    files(path).unwrap_or_default().into_iter().map(stamped).collect()
}

/// The functions of a command line.
pub(crate) struct FunctionFiles {
    lambda: Lambda,
    /// With what was last deployed.
    files: Vec<(FunctionFile, BTreeMap<PathBuf, Stamp>)>,
    account: String,
}

impl FunctionFiles {
    pub(crate) fn new(lambda: Lambda, files: Vec<FunctionFile>, account: String) -> Self {
        Self { lambda, files: files.into_iter().map(|file| (file, BTreeMap::new())).collect(), account }
    }

    /// Makes or updates every function.
    ///
    /// # Errors
    /// A file that cannot be read, or a function that is refused.
    pub(crate) async fn deploy_all(&mut self) -> anyhow::Result<()> {
        // Looked at before they are read: a change meanwhile is seen by the watch.
        self.files.iter_mut().for_each(|(file, seen)| *seen = stamps(&file.path));
        for (file, _) in &self.files {
            self.deploy(file).await.with_context(|| format!("--function {}", file.name))?;
            writeln!(std::io::stdout(), "function {} runs {}", file.name, file.path.display())?;
        }
        Ok(())
    }

    /// Updates functions when their files change, until `stop`.
    pub(crate) async fn watch(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            for index in 0..self.files.len() {
                self.look(index).await;
            }
        }
    }

    async fn look(&mut self, index: usize) {
        let Some((file, seen)) = self.files.get_mut(index) else { return };
        let now = stamps(&file.path);
        if *seen == now {
            return;
        }
        *seen = now;
        let file = file.clone();
        match self.deploy(&file).await {
            Ok(()) => tracing::info!(function = file.name, "updated the function from its changed files"),
            Err(error) => {
                tracing::error!(function = file.name, error = %format!("{error:#}"), "the changed files are refused; the function stays as it was")
            }
        }
    }

    async fn deploy(&self, file: &FunctionFile) -> anyhow::Result<()> {
        let (runtime, handler) = kind(file)?;
        let package = pack(&file.path)?;
        let base = "/2015-03-31/functions";
        let settings = json!({ "Runtime": runtime, "Handler": handler });
        let (status, known) =
            self.call(Method::GET, &format!("{base}/{}/configuration", file.name), &Value::Null).await?;
        if status == 404 {
            let role = format!("arn:aws:iam::{}:role/{ACTOR}", self.account);
            let code = json!({ "ZipFile": STANDARD.encode(package) });
            let mut wanted = json!({ "FunctionName": file.name, "Role": role, "Timeout": 29, "Code": code });
            merge(&mut wanted, settings);
            self.must(Method::POST, base, &wanted).await?;
        } else {
            let known: Value = serde_json::from_str(&known).unwrap_or_default();
            self.update(&format!("{base}/{}", file.name), &known, settings, package).await?;
        }
        let statement = json!({
            "StatementId": STATEMENT, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        });
        match self.call(Method::POST, &format!("{base}/{}/policy", file.name), &statement).await? {
            (200..=299 | 409, _) => Ok(()),
            (_, text) => bail!("{text}"),
        }
    }

    /// Writes what differs: a write that changes nothing would still end every running environment.
    async fn update(&self, path: &str, known: &Value, settings: Value, package: Vec<u8>) -> anyhow::Result<()> {
        if known["Runtime"] != settings["Runtime"] || known["Handler"] != settings["Handler"] {
            self.must(Method::PUT, &format!("{path}/configuration"), &settings).await?;
        }
        if known["CodeSha256"] != STANDARD.encode(Digest::of(&package).as_bytes()) {
            let code = json!({ "ZipFile": STANDARD.encode(package) });
            self.must(Method::PUT, &format!("{path}/code"), &code).await?;
        }
        Ok(())
    }

    async fn must(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<()> {
        match self.call(method, path, body).await? {
            (200..=299, _) => Ok(()),
            (_, text) => bail!("{text}"),
        }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<(u16, String)> {
        let (parts, ()) = Request::builder().method(method).uri(path).body(())?.into_parts();
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        match self.lambda.call(parts, ACTOR.to_owned(), body).await {
            Answered::Whole(reply) => Ok((reply.status, String::from_utf8_lossy(&reply.body).into_owned())),
            Answered::Stream(reply, _) => Ok((reply.status, String::new())),
        }
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_a_name_a_path_and_perhaps_a_handler() {
        let read = |text: &str| text.parse::<FunctionFile>();
        let file = |handler: Option<&str>| FunctionFile {
            name: "hello".into(),
            path: "src/hello.py".into(),
            handler: handler.map(str::to_owned),
        };

        assert_eq!(read("hello=src/hello.py"), Ok(file(None)));
        assert_eq!(read("hello=src/hello.py:hello.main"), Ok(file(Some("hello.main"))));
        for wrong in ["", "hello", "=x.py", "hello="] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
