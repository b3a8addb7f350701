//! `stagecoach check FILE`: what a deploy would say of an OpenAPI file, offline.

use std::io::Write;

use anyhow::{Context, bail};
use stagecoach_base::Digest;
use stagecoach_lower as lower;
use stagecoach_openapi::{self as openapi, NewApi, ReadOptions};
use stagecoach_plan::{CompileLimits, Release, codec};

use crate::cli::Check;

/// Imports, lowers and compiles a file without a control plane.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn run(options: &Check) -> anyhow::Result<()> {
    let bytes = std::fs::read(&options.file).with_context(|| format!("cannot read {}", options.file.display()))?;
    let scope = options.names.scope()?;
    let reading = ReadOptions { scope: scope.clone(), ceilings: options.ceilings.into(), ..ReadOptions::default() };
    let read = openapi::read(&bytes, &reading);
    let imported = read.map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let new = NewApi { id: "check".into(), root_id: "checkroot".into(), now_s: 0, endpoint_types: Vec::new(), scope };
    let tree = openapi::import(&imported.definition, new).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let mut problems: Vec<String> = match lower::check(&tree) {
        Ok(()) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    let plan = lower::lower(&tree);
    if let Err(more) = Release::compile(&plan, &CompileLimits::default()) {
        problems.extend(more.iter().map(ToString::to_string));
    }
    if !problems.is_empty() {
        bail!("{}:\n  {}", options.file.display(), problems.join("\n  "));
    }
    let mut out = std::io::stdout();
    for warning in &imported.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    let (file, methods, resources) = (options.file.display(), tree.methods.len(), tree.resources.len());
    writeln!(out, "{file}: {methods} methods on {resources} resources, ready to deploy")?;
    writeln!(out, "snapshot {}", Digest::of(&codec::encode(&plan)))?;
    Ok(())
}
