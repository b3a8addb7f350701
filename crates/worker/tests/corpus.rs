//! Runs the fuzz corpora as ordinary tests, with every truncation of each of their files.

use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 3] = [
    ("scanner", stagecoach_worker::fuzz_scan),
    ("inflate", stagecoach_worker::fuzz_inflate),
    ("events", stagecoach_worker::fuzz_events),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

#[test]
fn the_corpora_and_their_truncations_are_answered() {
    for (name, run) in TARGETS {
        let files: Vec<_> = std::fs::read_dir(folder(name)).unwrap().flatten().collect();

        assert!(files.len() >= 5, "{name}");
        for file in files {
            let bytes = std::fs::read(file.path()).unwrap();
            for end in (0..=bytes.len()).rev() {
                run(&bytes[..end]);
            }
        }
    }
}
