//! Habits a compiler does not check: file lengths, `mod.rs`, module docs, stray notes, machine paths.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Lines a file may have.
const MOST_LINES: usize = 500;
/// Folders whose files are written by generators.
const GENERATED: [&str; 2] = ["crates/wire/src/operations/", "crates/feed/src/generated/"];
/// Text that must not be in the project, assembled here so that this file does not hold it itself.
const FORBIDDEN: [&[&str]; 6] = [
    &["/wo", "rk/main"],
    &["/ro", "ot/."],
    &["static.crates", ".io"],
    &["files.pythonho", "sted.org"],
    &["registry.npm", "js.org"],
    &["deb.deb", "ian.org"],
];

/// Checks every tracked file; lists all problems.
///
/// # Errors
/// When there is a problem, or git is missing.
pub fn run() -> anyhow::Result<()> {
    let problems = problems(&crate::root())?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() { Ok(()) } else { bail!("{} problems", problems.len()) }
}

/// All problems, as `file: what`.
///
/// # Errors
/// When git is missing.
pub fn problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output().context("git is missing")?;
    let names = String::from_utf8(listed.stdout)?;
    let mut problems = Vec::new();
    for name in names.split('\0').filter(|name| !name.is_empty() && *name != "Cargo.lock") {
        let path: PathBuf = root.join(name);
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        problems.extend(forbidden(name, &text));
        if name.ends_with(".rs") && !GENERATED.iter().any(|folder| name.starts_with(folder)) {
            problems.extend(rust(name, &text));
        }
    }
    Ok(problems)
}

fn forbidden(name: &str, text: &str) -> Vec<String> {
    let found = FORBIDDEN.iter().map(|parts| parts.concat()).filter(|words| text.contains(words.as_str()));
    found.map(|words| format!("{name}: holds `{words}`")).collect()
}

fn rust(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        problems.push(format!("{name}: {lines} lines, {MOST_LINES} at most; split it by noun or verb"));
    }
    if name.ends_with("/mod.rs") {
        problems.push(format!("{name}: put the file beside its folder instead"));
    }
    if !text.starts_with("//!") && !name.contains("/tests") && !name.starts_with("fuzz/") {
        problems.push(format!("{name}: lacks a module doc"));
    }
    for word in ["TO", "FIX"].map(|start| if start == "TO" { format!("{start}DO") } else { format!("{start}ME") }) {
        if text.lines().any(|line| line.contains(&word) && !line.contains(&format!("{word}(#"))) {
            problems.push(format!("{name}: a {word} without an issue number"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_is_tidy() {
        let problems = problems(&crate::root()).unwrap();

        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn a_long_file_and_a_missing_doc_are_named() {
        let long = "x\n".repeat(MOST_LINES + 1);

        let problems = rust("crates/a/src/b.rs", &long);

        assert_eq!(problems.len(), 2);
    }
}
