//! AWS-shaped ids (rest-admin-api §3, "Id formats"): lower-case letters and digits.

use crate::{Digest, Entropy};

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Characters of a RestApi id and of a root resource id.
pub const API_ID_LEN: usize = 10;
/// Characters of resource, deployment, model, validator and usage plan ids.
pub const CHILD_ID_LEN: usize = 6;

/// A random id of `len` characters.
pub fn random(entropy: &dyn Entropy, len: usize) -> String {
    let mut id = String::with_capacity(len);
    while id.len() < len {
        let mut chunk = [0u8; 32];
        entropy.fill(&mut chunk);
        // 252 is the largest multiple of 36 in a byte; above it the draw would favour early letters.
        id.extend(chunk.iter().filter(|b| **b < 252).take(len - id.len()).map(|b| letter(u64::from(*b))));
    }
    id
}

/// A random UUID (version 4): request ids, revision ids.
pub fn uuid(entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; 16];
    entropy.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A random secret of `len` letters of both cases and digits.
pub fn secret(entropy: &dyn Entropy, len: usize) -> String {
    let mut secret = String::with_capacity(len);
    while secret.len() < len {
        let mut chunk = [0u8; 64];
        entropy.fill(&mut chunk);
        // 248 is the largest multiple of 62 in a byte.
        let drawn = chunk.iter().filter(|byte| **byte < 248).filter_map(|byte| MIXED.get(usize::from(*byte % 62)));
        secret.extend(drawn.take(len - secret.len()).map(|byte| char::from(*byte)));
    }
    secret
}

/// An id of `len` characters that depends only on `parts`: the same definition gets the same id wherever it is
/// imported, so its snapshot keeps its digest. `salt` tells apart a second holder of the same parts.
pub fn derived(parts: &[&str], salt: u32, len: usize) -> String {
    let text = format!("{}\0{salt}", parts.join("\0"));
    let digest = Digest::of(text.as_bytes());
    let mut id = String::with_capacity(len);
    // The first character is a letter: ids that are all digits confuse YAML tools.
    for (index, byte) in digest.as_bytes().iter().take(len).enumerate() {
        id.push(if index == 0 { letter(u64::from(*byte) % 26) } else { letter(u64::from(*byte)) });
    }
    id
}

/// The derived id of `parts` with the first salt that `is_free` accepts: ids of one kind under one API differ.
pub fn free(parts: &[&str], len: usize, is_free: impl Fn(&str) -> bool) -> String {
    let ids = (0u32..).map(|salt| derived(parts, salt, len));
    ids.into_iter().find(|id| is_free(id)).unwrap_or_default()
}

fn letter(number: u64) -> char {
    usize::try_from(number % 36).ok().and_then(|index| ALPHABET.get(index)).map_or('a', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter;
    impl Entropy for Counter {
        fn fill(&self, out: &mut [u8]) {
            for (i, b) in out.iter_mut().enumerate() {
                *b = u8::try_from(i * 9 % 256).unwrap();
            }
        }
    }

    #[test]
    fn random_ids_have_the_length_and_alphabet_of_aws() {
        let id = random(&Counter, API_ID_LEN);

        assert_eq!(id.len(), 10);
        assert!(id.bytes().all(|b| ALPHABET.contains(&b)));
    }

    #[test]
    fn secrets_have_letters_of_both_cases() {
        let secret = secret(&Counter, 40);

        assert_eq!(secret.len(), 40);
        assert!(secret.bytes().all(|b| MIXED.contains(&b)) && secret.to_lowercase() != secret);
    }

    #[test]
    fn derived_ids_depend_on_parts_and_salt_only() {
        let id = derived(&["resource", "/pets"], 0, CHILD_ID_LEN);

        assert_eq!(id, derived(&["resource", "/pets"], 0, CHILD_ID_LEN));
        assert_ne!(id, derived(&["resource", "/pets"], 1, CHILD_ID_LEN));
        assert_ne!(id, derived(&["resource", "/dogs"], 0, CHILD_ID_LEN));
    }
}
