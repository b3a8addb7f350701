use bytes::Bytes;

use super::*;
use crate::{PointerKey, Role};

struct Counting(u8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

fn pointer() -> Pointer {
    let blob = |role, text: &[u8]| BlobRef { role, digest: Digest::of(text), size: text.len() as u64, format: 1 };
    Pointer {
        key: PointerKey::stage("000000000000", "us-east-1", "abcdefghij", "prod"),
        revision: 7,
        blobs: vec![blob(Role::Base, b"one"), blob(Role::Canary, b"two")],
        settings: Bytes::from_static(b"{\"canary\":10}"),
        fallback: vec![blob(Role::Base, b"zero")],
    }
}

#[test]
fn a_signature_verifies_for_its_epoch_and_key_only() {
    let key = SigningKey::generate(&Counting(1));
    let other = SigningKey::generate(&Counting(2));
    let trusted = TrustedKeys::new([key.public_key()]);

    let signed = key.sign("e1", pointer());
    let foreign = other.sign("e1", pointer());
    let forged = SignedPointer { key_id: key.key_id().to_owned(), ..foreign.clone() };

    assert_eq!(signed.verify("e1", &trusted), Ok(()));
    assert_eq!(signed.verify("e2", &trusted), Err(VerifyError::Mismatch(key.key_id().to_owned())));
    assert_eq!(foreign.verify("e1", &trusted), Err(VerifyError::UnknownKey(other.key_id().to_owned())));
    assert_eq!(forged.verify("e1", &trusted), Err(VerifyError::Mismatch(key.key_id().to_owned())));
}

type Change = fn(&mut Pointer);

#[test]
fn every_field_of_a_pointer_is_under_the_signature() {
    let key = SigningKey::generate(&Counting(1));
    let trusted = TrustedKeys::new([key.public_key()]);
    let signed = key.sign("e1", pointer());
    let changes: [Change; 9] = [
        |p| p.key.name.push('x'),
        |p| p.key.kind = crate::Kind::Domain,
        |p| p.revision += 1,
        |p| p.blobs.swap(0, 1),
        |p| p.blobs[0].size += 1,
        |p| p.blobs[0].format += 1,
        |p| p.blobs[0].digest = Digest::of(b"other"),
        |p| p.settings = Bytes::from_static(b"{}"),
        |p| p.fallback.append(&mut p.blobs.split_off(1)),
    ];

    for (index, change) in changes.iter().enumerate() {
        let mut tampered = signed.clone();
        change(&mut tampered.pointer);

        assert!(tampered.verify("e1", &trusted).is_err(), "change {index} went unnoticed");
    }
}

#[test]
fn a_signing_key_survives_its_pkcs8_form() {
    let key = SigningKey::generate(&Counting(9));

    let again = SigningKey::from_pkcs8(&key.to_pkcs8()).unwrap();

    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(again.key_id().len(), 16);
    assert!(SigningKey::from_pkcs8(b"nonsense").is_err());
}

#[test]
fn trusted_keys_are_read_from_text() {
    let key = SigningKey::generate(&Counting(3)).public_key();

    let keys = TrustedKeys::from_text(&format!("# old\n\n{key}\n")).unwrap();

    assert_eq!(keys.ids(), vec![key.key_id()]);
    assert!(TrustedKeys::from_text("not a key").is_err());
}

#[test]
fn signed_bytes_never_change() {
    let bytes = signed_bytes("epoch", &pointer());

    let digest = Digest::of(&bytes).to_string();

    assert_eq!(digest, "347a6bc6b026a92759bb394ebd46e330be9dc4c0de3bea22c7cc92049d18aa4a");
}

#[test]
fn only_a_worker_told_so_takes_pointers_from_anyone() {
    let signed = SigningKey::generate(&Counting(5)).sign("e1", pointer());

    assert!(signed.verify("e1", &TrustedKeys::default()).is_err());
    assert_eq!(signed.verify("e1", &TrustedKeys::anyone()), Ok(()));
}
