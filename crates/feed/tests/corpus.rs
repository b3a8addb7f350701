//! Runs the pointer decoder's fuzz corpus as an ordinary test, and whatever a mutation of it makes.

use std::path::Path;

use bytes::Bytes;
use stagecoach_base::{Digest, Entropy};
use stagecoach_feed::{BlobRef, Pointer, PointerKey, Role, SignedPointer, SigningKey, fuzz_decode};

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

fn signed() -> SignedPointer {
    let blob = BlobRef { role: Role::Base, digest: Digest::of(b"plan"), size: 4, format: 1 };
    let key = PointerKey::stage("000000000000", "us-east-1", "abc", "dev");
    let (settings, fallback) = (Bytes::from_static(b"{}"), vec![BlobRef { role: Role::Canary, ..blob }]);
    SigningKey::generate(&Sevens).sign("e", Pointer { key, revision: 9, blobs: vec![blob], settings, fallback })
}

#[test]
fn the_corpus_never_panics_the_decoder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/pointer");

    let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();

    assert!(files.len() >= 5);
    files.iter().for_each(|file| fuzz_decode(&std::fs::read(file.path()).unwrap()));
}

#[test]
fn every_truncation_and_every_flipped_byte_is_answered() {
    let whole = signed().encode();

    for at in 0..whole.len() {
        fuzz_decode(&whole[..at]);
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= flip;
            fuzz_decode(&changed);
        }
    }

    assert_eq!(SignedPointer::decode(&whole).unwrap(), signed());
}

#[test]
fn the_corpus_holds_a_whole_pointer() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/pointer/whole");

    let seed = std::fs::read(file).unwrap();

    assert_eq!(SignedPointer::decode(&seed).unwrap(), signed());
}
