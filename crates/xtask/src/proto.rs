//! Generates the feed's message types from `proto/` with protox, so that no `protoc` is needed anywhere.
//!
//! The generated file is committed; `--check` and the test below say whether it is current.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tonic_prost_build::Config;

const SOURCES: [&str; 2] = ["gateway/feed/v1/feed.proto", "gateway/feed/v1/cache.proto"];
const GENERATED: &str = "gateway.feed.v1.rs";
const TARGET: &str = "crates/feed/src/generated/gateway.feed.v1.rs";

/// Writes the generated file, or with `check` fails when the committed one differs.
///
/// # Errors
/// A `.proto` file that does not compile, an I/O error, or (with `check`) a stale file.
pub fn run(check: bool) -> Result<()> {
    let root = workspace_root()?;
    let fresh = generate(&root.join("proto"))?;
    let target = root.join(TARGET);
    if !check {
        return fs::write(&target, fresh).with_context(|| format!("cannot write {}", target.display()));
    }
    let committed = fs::read_to_string(&target).with_context(|| format!("cannot read {}", target.display()))?;
    if committed != fresh {
        bail!("{TARGET} is not what proto/ generates; run `cargo xtask proto` and commit the result");
    }
    Ok(())
}

fn workspace_root() -> Result<PathBuf> {
    crate::root().canonicalize().context("cannot find the workspace")
}

fn generate(proto: &Path) -> Result<String> {
    let descriptors = protox::compile(SOURCES, [proto]).context("proto/ does not compile")?;
    let out = std::env::temp_dir().join(format!("stagecoach-proto-{}", std::process::id()));
    fs::create_dir_all(&out)?;
    let mut config = Config::new();
    config.bytes([".gateway.feed.v1.Pointer.settings", ".gateway.feed.v1.Chunk.data"]);
    let built = tonic_prost_build::configure()
        .out_dir(&out)
        .emit_rerun_if_changed(false)
        .build_transport(true)
        .compile_fds_with_config(descriptors, config);
    let text = built.context("code generation failed").and_then(|()| Ok(fs::read_to_string(out.join(GENERATED))?));
    fs::remove_dir_all(&out)?;
    let text = text?;
    ensure!(!text.is_empty(), "code generation produced nothing");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_feed_messages_are_current() {
        let checked = run(true);

        assert!(checked.is_ok(), "{checked:?}");
    }
}
