//! A function's package: whatever is sent, nothing of it leaves its folder and no more is written than may be.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

static FOLDER: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("stagecoach-fuzz-package-{}", std::process::id())));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stagecoach_functions::fuzz_unzip(bytes, &FOLDER, 1 << 20));
