//! Runs the fuzz corpus of `router` as an ordinary test, with every truncation of each of its files.

use std::path::Path;

#[test]
fn the_corpus_and_its_truncations_are_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/router");

    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();

    assert!(files.len() >= 6);
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        for end in (0..=bytes.len()).rev() {
            if let Ok(text) = std::str::from_utf8(&bytes[..end]) {
                stagecoach_plan::router::fuzz_route(text);
            }
        }
    }
}
