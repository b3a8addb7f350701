//! Runs the fuzz corpus as an ordinary test, with every truncation of each of its files.

use std::path::Path;

#[test]
fn packages_of_the_corpus_and_their_truncations_stay_in_their_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/package");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    let home = tempfile::tempdir().unwrap();

    assert!(files.len() >= 5);
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        for end in (0..=bytes.len()).rev() {
            stagecoach_functions::fuzz_unzip(&bytes[..end], &home.path().join("in"), 4096);
        }
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
