//! The environment variables of a function (dependencies §3.3, recorded in 25 runtimes).

use std::collections::BTreeMap;
use std::path::Path;

use stagecoach_sigv4::Credentials;

use super::launch::Tools;
use super::pool::slots;
use super::processes::MARK;
use crate::{Runnable, Runtime};

/// What differs between environments of one function.
#[derive(Clone, Debug)]
pub(super) struct Own<'a> {
    /// `host:port` of its Runtime API.
    pub(super) api: String,
    /// Its folder for temporary files.
    pub(super) scratch: &'a Path,
    /// Its log stream.
    pub(super) log_stream: &'a str,
    /// What it signs calls to AWS with.
    pub(super) credentials: Option<&'a Credentials>,
    /// Started ahead of invocations.
    pub(super) provisioned: bool,
}

/// All variables of one environment: defaults, over them the function's own, over those the reserved ones.
pub(super) fn variables(runnable: &Runnable, tools: &Tools, own: &Own<'_>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = defaults(runnable, tools, own);
    let minor = runnable.runtime_name.strip_prefix("python3.").and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor >= 12) {
        all.insert("LC_CTYPE".to_owned(), "C.UTF-8".to_owned());
    }
    if slots(runnable) > 1 {
        // AWS's Node client starts eight processes per core else.
        all.insert("AWS_LAMBDA_NODEJS_WORKER_COUNT".to_owned(), "1".to_owned());
    }
    all.extend(runnable.variables.clone());
    if own.credentials.is_some() {
        // A token of the function's own does not belong to another key.
        all.remove("AWS_SESSION_TOKEN");
    }
    all.extend(reserved(runnable, tools, own));
    for (name, folders) in search_paths(runnable, tools) {
        let wanted = runnable.variables.get(name).into_iter().cloned().chain(folders);
        all.insert(name.to_owned(), wanted.collect::<Vec<_>>().join(":"));
    }
    all
}

/// What a function may set otherwise.
fn defaults(runnable: &Runnable, tools: &Tools, own: &Own<'_>) -> BTreeMap<String, String> {
    [
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
        ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000".to_owned()),
        ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1".to_owned()),
        ("_AWS_XRAY_DAEMON_PORT", "2000".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PWD", tools.view.there(&runnable.code)),
        ("SHLVL", "0".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("TMPDIR", tools.view.there(own.scratch)),
        // Environments share the task root, which is read only on AWS.
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// What a function may not set.
fn reserved(runnable: &Runnable, tools: &Tools, own: &Own<'_>) -> BTreeMap<String, String> {
    let kind = if own.provisioned { "provisioned-concurrency" } else { "on-demand" };
    let mut all = vec![
        ("AWS_REGION", runnable.region.clone()),
        ("AWS_DEFAULT_REGION", runnable.region.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME", runnable.name.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", runnable.memory_mib.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", runnable.version.clone()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", kind.to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", runnable.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", own.log_stream.to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", own.api.clone()),
        ("LAMBDA_TASK_ROOT", tools.view.there(&runnable.code)),
        ("LAMBDA_RUNTIME_DIR", tools.view.there(&tools.runtime)),
        ("_HANDLER", runnable.handler.clone()),
        (MARK, own.scratch.to_string_lossy().into_owned()),
    ];
    if let Some(Credentials { access_key, secret, token }) = own.credentials {
        all.push(("AWS_ACCESS_KEY_ID", access_key.clone()));
        all.push(("AWS_SECRET_ACCESS_KEY", secret.clone()));
        all.extend(token.clone().map(|token| ("AWS_SESSION_TOKEN", token)));
    }
    if runnable.runtime != Runtime::Provided {
        all.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", runnable.runtime_name)));
    }
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Lists of folders; the function's own value goes first.
fn search_paths(runnable: &Runnable, tools: &Tools) -> Vec<(&'static str, Vec<String>)> {
    let code = |part: &str| tools.view.there(&runnable.code.join(part));
    let root = tools.view.there(&runnable.code);
    let mut path = vec![tools.path.clone()];
    path.extend(tools.view.layered(runnable, "bin"));
    let mut libraries = vec![root.clone(), code("lib")];
    libraries.extend(tools.view.layered(runnable, "lib"));
    let mut all = vec![("PATH", path), ("LD_LIBRARY_PATH", libraries)];
    match runnable.runtime {
        Runtime::Provided => {}
        Runtime::Python => {
            let own = tools.view.layered(runnable, &format!("python/lib/{}/site-packages", runnable.runtime_name));
            let layers = own.into_iter().chain(tools.view.layered(runnable, "python"));
            all.push(("PYTHONPATH", std::iter::once(root).chain(layers).collect()));
        }
        Runtime::Node => {
            let version = runnable.runtime_name.trim_start_matches("nodejs").trim_end_matches(".x");
            let own = tools.view.layered(runnable, &format!("nodejs/node{version}/node_modules"));
            let layers = own.into_iter().chain(tools.view.layered(runnable, "nodejs/node_modules"));
            all.push(("NODE_PATH", layers.chain([code("node_modules"), root]).collect()));
        }
    }
    all
}
