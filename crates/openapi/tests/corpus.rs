//! Runs the fuzz corpus of `openapi` as an ordinary test, with every truncation of each of its files.

use std::path::Path;

#[test]
fn the_corpus_and_its_truncations_are_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/openapi");

    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();

    assert!(files.len() >= 7);
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        for end in (0..=bytes.len()).rev() {
            stagecoach_openapi::fuzz_read(&bytes[..end]);
        }
    }
}
