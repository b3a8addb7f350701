//! `cargo xtask ops [--check] | proto [--check] | tidy`.

use anyhow::bail;
use stagecoach_xtask::{ops, proto, tidy};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = arguments.iter().any(|argument| argument == "--check");
    match arguments.first().map(String::as_str) {
        Some("ops") => ops::run(&models()?, check),
        Some("proto") => proto::run(check),
        Some("tidy") => tidy::run(),
        _ => bail!("usage: cargo xtask ops [--check] | proto [--check] | tidy"),
    }
}

/// botocore's data folder: `STAGECOACH_BOTOCORE_DATA`, or where python3 finds the package.
fn models() -> anyhow::Result<std::path::PathBuf> {
    if let Some(data) = std::env::var_os("STAGECOACH_BOTOCORE_DATA") {
        return Ok(data.into());
    }
    let script = "import botocore, os; print(os.path.join(os.path.dirname(botocore.__file__), 'data'))";
    let found = std::process::Command::new("python3").args(["-c", script]).output()?;
    if !found.status.success() {
        bail!("botocore was not found: install it, or set STAGECOACH_BOTOCORE_DATA to its data folder");
    }
    Ok(String::from_utf8(found.stdout)?.trim().into())
}
