//! How a runtime is started: which program, with which arguments.

use std::path::{Path, PathBuf};

use super::process::Launch;
use super::view::{View, here};
use crate::{Runnable, Runtime};

/// Private memory beyond the function's own that a runtime may map, bytes: stacks of threads and arenas count in full.
const MEMORY_SLACK: u64 = 256 * 1024 * 1024;

/// A script that is executed in the runtime's place, with the runtime's command line as its arguments. AWS has it for its own
/// runtimes only.
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// Where the host's own parts are.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    /// Python: a name to look up in `path`, or a path.
    pub(super) python: String,
    /// Node, likewise.
    pub(super) node: String,
    /// `PATH` of the functions, and where interpreters are looked up.
    pub(super) path: String,
    /// Folder with the embedded bootstraps.
    pub(super) runtime: PathBuf,
    /// How the function sees paths.
    pub(super) view: View,
}

/// Why nothing can be started.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoLaunch {
    /// The machine lacks something; says what to do.
    Missing(String),
    /// The package has no `bootstrap`, or not the wrapper that it names.
    NotThere,
}

/// What to start for `runnable`.
pub(super) fn launch(runnable: &Runnable, tools: &Tools) -> Result<Launch, NoLaunch> {
    let memory = u64::from(runnable.memory_mib) * 1024 * 1024 + MEMORY_SLACK;
    let (mut program, mut arguments, memory) = match runnable.runtime {
        Runtime::Provided => (bootstrap(runnable)?, Vec::new(), Some(memory)),
        Runtime::Python => (interpreter(&tools.python, "Python 3", tools)?, python(runnable, tools), Some(memory)),
        // V8 reserves address space by the gigabyte; its own limit is the useful one.
        Runtime::Node => (interpreter(&tools.node, "Node.js", tools)?, node(runnable, tools), None),
    };
    let mut interpreter = None;
    if runnable.runtime != Runtime::Provided {
        interpreter = Some(program.clone());
        if let Some(wrapper) = runnable.variables.get(WRAPPER).filter(|wrapper| !wrapper.is_empty()) {
            arguments.insert(0, tools.view.there(&program));
            program = here(runnable, Path::new(wrapper)).ok_or(NoLaunch::NotThere)?;
        }
    }
    let folder = runnable.code.clone();
    Ok(Launch { program, arguments, folder, interpreter, memory, user: None, processes: None, sandboxed: false })
}

/// The package's `bootstrap`, or a layer's: the last one's that has it, as when they are unpacked over each other.
fn bootstrap(runnable: &Runnable) -> Result<PathBuf, NoLaunch> {
    std::iter::once(&runnable.code)
        .chain(runnable.layers.iter().rev())
        .map(|folder| folder.join("bootstrap"))
        .find(|path| path.is_file())
        .ok_or(NoLaunch::NotThere)
}

/// AWS's runtime client, where the package brings it; else the embedded one.
fn python(runnable: &Runnable, tools: &Tools) -> Vec<String> {
    let brought =
        runnable.code.join("awslambdaric").is_dir() || !tools.view.layered(runnable, "python/awslambdaric").is_empty();
    let mut arguments = vec!["-u".to_owned()];
    if brought {
        arguments.extend(["-m".to_owned(), "awslambdaric".to_owned()]);
    } else {
        arguments.push(tools.view.there(&tools.runtime.join("python.py")));
    }
    arguments.push(runnable.handler.clone());
    arguments
}

/// As [`python`]. AWS's client has been in two places of its package.
fn node(runnable: &Runnable, tools: &Tools) -> Vec<String> {
    let brought = ["index.mjs", "bin/index.mjs"].iter().find_map(|file| {
        let client = format!("node_modules/aws-lambda-ric/{file}");
        (tools.view.existing(&runnable.code.join(&client)))
            .or_else(|| tools.view.layered(runnable, &format!("nodejs/{client}")).into_iter().next())
    });
    let heap = (runnable.memory_mib * 9 / 10).max(64);
    let program = brought.unwrap_or_else(|| tools.view.there(&tools.runtime.join("node.mjs")));
    vec![format!("--max-old-space-size={heap}"), program, runnable.handler.clone()]
}

/// Finds an interpreter by name in the functions' `PATH`.
fn interpreter(name: &str, what: &str, tools: &Tools) -> Result<PathBuf, NoLaunch> {
    let found = if name.contains('/') {
        Some(PathBuf::from(name)).filter(|path| path.is_file())
    } else {
        tools.path.split(':').map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
    };
    found.ok_or_else(|| {
        NoLaunch::Missing(format!("this function needs {what}: `{name}` is not in {}; install it there", tools.path))
    })
}
