//! Runs the fuzz corpus of `vtl` as an ordinary test, with every truncation of each of its files.

use std::path::Path;

#[test]
fn the_corpus_and_its_truncations_are_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/vtl");

    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();

    assert!(files.len() >= 7);
    for file in files {
        let text = std::fs::read_to_string(file.path()).unwrap();
        for end in (0..=text.len()).rev() {
            if let Some(part) = text.get(..end) {
                stagecoach_vtl::fuzz::render(part);
            }
        }
    }
}
