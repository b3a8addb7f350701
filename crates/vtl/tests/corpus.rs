//! Runs the fuzz corpora of `vtl` and `path` as an ordinary test, with every truncation of each of their files.

use std::path::Path;

type Target = fn(&str);

const TARGETS: [(&str, Target); 2] = [("vtl", stagecoach_vtl::fuzz::render), ("path", stagecoach_vtl::fuzz::find)];

#[test]
fn the_corpora_and_their_truncations_are_answered() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);

        let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();

        assert!(files.len() >= 7);
        for file in files {
            let bytes = std::fs::read(file.path()).unwrap();
            for end in (0..=bytes.len()).rev() {
                if let Ok(text) = std::str::from_utf8(&bytes[..end]) {
                    target(text);
                }
            }
        }
    }
}
