//! The crate graph: who may use whom (architecture §3.3). A test holds `cargo metadata` against this table.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

/// Crate, and everything of ours it may use.
pub const EDGES: [(&str, &[&str]); 18] = [
    ("base", &[]),
    ("vtl", &[]),
    ("policy", &["base"]),
    ("sigv4", &["base"]),
    ("resources", &["base"]),
    ("store", &["base"]),
    ("feed", &["base"]),
    ("wire", &["base", "sigv4"]),
    ("plan", &["base", "vtl", "policy"]),
    ("openapi", &["base", "resources"]),
    ("lower", &["base", "resources", "plan"]),
    ("control", &["base", "wire", "store", "lower", "openapi", "resources", "plan", "feed", "sigv4"]),
    ("worker", &["base", "plan", "vtl", "policy", "feed", "sigv4"]),
    ("functions", &["base", "wire", "sigv4", "policy", "store"]),
    (
        "stagecoach",
        &["base", "control", "worker", "functions", "feed", "store", "openapi", "lower", "plan", "vtl", "sigv4"],
    ),
    ("testkit", &["base", "control", "worker", "feed", "store", "plan", "wire"]),
    ("e2e", &["base", "testkit", "stagecoach"]),
    ("xtask", &[]),
];

/// Crates that must not bring a runtime: pure functions, usable and testable without one.
pub const PURE: [&str; 9] = ["base", "vtl", "policy", "sigv4", "resources", "openapi", "plan", "lower", "wire"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Every edge that the table does not allow, every crate it does not know, and every runtime in a pure crate.
///
/// # Errors
/// When cargo cannot describe the workspace.
pub fn problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let described = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo is missing")?;
    if !described.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&described.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&described.stdout)?;
    Ok(judge(&metadata))
}

fn judge(metadata: &Metadata) -> Vec<String> {
    let allowed: BTreeMap<_, _> = EDGES.into_iter().collect();
    let mut problems = Vec::new();
    for package in &metadata.packages {
        let name = short(&package.name).unwrap_or(&package.name);
        let Some(may_use) = allowed.get(name) else {
            problems.push(format!("{name} is not in the table of crates: add it, and say what it may use"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            match short(&dependency.name) {
                Some(ours) if !may_use.contains(&ours) => problems.push(format!("{name} must not use {ours}")),
                None if dependency.name == "tokio" && PURE.contains(&name) => {
                    problems.push(format!("{name} must not use tokio: it is pure"));
                }
                Some(_) | None => {}
            }
        }
    }
    problems
}

/// Our crates carry the prefix; the program is the prefix itself.
fn short(name: &str) -> Option<&str> {
    if name == "stagecoach" { Some(name) } else { name.strip_prefix("stagecoach-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_has_only_the_edges_of_the_table() {
        let problems = problems(&crate::root()).unwrap();

        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn the_table_has_no_cycle() {
        let mut placed: Vec<&str> = Vec::new();
        for _ in EDGES {
            let ready = |(name, uses): &&(&str, &[&str])| {
                !placed.contains(name) && uses.iter().all(|used| placed.contains(used))
            };
            let next: Vec<&str> = EDGES.iter().filter(ready).map(|(name, _)| *name).collect();
            placed.extend(next);
        }

        assert_eq!(placed.len(), EDGES.len());
    }

    #[test]
    fn a_forbidden_edge_an_unknown_crate_and_a_runtime_are_named() {
        let package = |name: &str, uses: &[&str]| Package {
            name: name.into(),
            dependencies: uses.iter().map(|name| Dependency { name: (*name).into(), kind: None }).collect(),
        };
        let packages = vec![
            package("stagecoach-worker", &["stagecoach-resources"]),
            package("stagecoach-new", &[]),
            package("stagecoach-plan", &["tokio"]),
        ];

        let problems = judge(&Metadata { packages });

        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "worker must not use resources");
    }
}
