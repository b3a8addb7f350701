//! Runs the fuzz corpora of `router`, `mapping` and `schema` as ordinary tests, with every truncation of each of their files.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

fn truncations(of: &str, least: usize, run: fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(of);

    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();

    assert!(files.len() >= least);
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        for end in (0..=bytes.len()).rev() {
            if let Ok(text) = std::str::from_utf8(&bytes[..end]) {
                run(text);
            }
        }
    }
}

#[test]
fn the_corpus_of_routes_and_its_truncations_are_answered() {
    truncations("router", 6, stagecoach_plan::router::fuzz_route);
}

#[test]
fn the_corpus_of_mappings_and_its_truncations_are_answered() {
    truncations("mapping", 5, stagecoach_plan::fuzz::map);
}

#[test]
fn the_corpus_of_models_and_its_truncations_are_answered() {
    truncations("schema", 6, stagecoach_plan::schema::fuzz);
}
