use proptest::prelude::*;

use super::*;

fn signed() -> SignedPointer {
    let blob = |role, n: u8| BlobRef { role, digest: Digest::of(&[n]), size: u64::from(n), format: 1 };
    SignedPointer {
        pointer: Pointer {
            key: PointerKey { kind: Kind::Stage, name: "a/b/c/d".to_owned() },
            revision: 3,
            blobs: vec![blob(Role::Base, 1), blob(Role::Canary, 2), blob(Role::Shard, 3)],
            settings: Bytes::from_static(b"{}"),
            fallback: vec![blob(Role::Base, 4)],
        },
        key_id: "0011223344556677".to_owned(),
        signature: [7; 64],
    }
}

#[test]
fn an_encoded_pointer_decodes_to_itself() {
    let pointer = signed();

    let bytes = pointer.encode();

    assert_eq!(SignedPointer::decode(&bytes), Ok(pointer));
    assert!(bytes.len() < 400, "{} bytes", bytes.len());
}

/// What a message is changed by, and what the decoder must say of it.
type Case = (fn(&mut wire::Pointer), DecodeError);

#[test]
fn a_pointer_with_a_wrong_field_is_refused_with_its_name() {
    let cases: [Case; 9] = [
        (|m| m.signature = None, DecodeError::Missing("signature")),
        (|m| m.key = None, DecodeError::Missing("key")),
        (|m| m.revision = 0, DecodeError::Missing("revision")),
        (|m| m.key.as_mut().unwrap().kind = 99, DecodeError::Unknown { what: "kind", value: 99 }),
        (|m| m.key.as_mut().unwrap().name.clear(), DecodeError::Length("name")),
        (|m| m.blobs[0].role = 0, DecodeError::Unknown { what: "role", value: 0 }),
        (|m| m.blobs[0].sha256.truncate(31), DecodeError::Length("digest")),
        (|m| m.signature.as_mut().unwrap().ed25519.push(0), DecodeError::Length("signature")),
        (|m| m.settings = vec![0; MAX_SETTINGS + 1].into(), DecodeError::Length("settings")),
    ];

    for (change, expected) in cases {
        let mut message = wire::Pointer::from(&signed());
        change(&mut message);

        assert_eq!(SignedPointer::decode(&message.encode_to_vec()), Err(expected));
    }
}

#[test]
fn every_truncation_and_bit_flip_of_a_pointer_is_decoded_without_panic() {
    let bytes = signed().encode();

    for cut in 0..bytes.len() {
        fuzz_decode(&bytes[..cut]);
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fuzz_decode(&flipped);
    }
}

#[test]
fn a_corpus_of_hostile_bytes_is_refused() {
    let corpus: [&[u8]; 7] = [
        b"",
        b"\x0a",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x1a\x80\x80\x80\x80\x08",
        b"\x32\x02\x0a\x00",
        &[0x0b; 4096],
    ];

    for bytes in corpus {
        assert!(SignedPointer::decode(bytes).is_err(), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        fuzz_decode(&bytes);
    }
}
