//! Random draws and the ids made of them (rest-data-plane §3.4).

use std::sync::Arc;

use http::HeaderValue;
use stagecoach_base::{Entropy, UnixMillis};

/// Bytes drawn from the generator at once.
const BLOCK: usize = 1024;

/// A buffered draw from the injected generator, one per core.
pub(crate) struct Random {
    entropy: Arc<dyn Entropy>,
    block: [u8; BLOCK],
    used: usize,
}

impl Random {
    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, block: [0; BLOCK], used: BLOCK }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > BLOCK {
            self.entropy.fill(&mut self.block);
            self.used = 0;
        }
        let mut drawn = [0; N];
        if let Some(next) = self.block.get(self.used..self.used + N) {
            drawn.copy_from_slice(next);
        }
        self.used += N;
        drawn
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }
}

/// A UUID as text, on the stack.
#[derive(Clone, Copy)]
pub(crate) struct RequestId([u8; 36]);

impl RequestId {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut text = [0; 36];
        uuid::Builder::from_random_bytes(random.bytes()).into_uuid().hyphenated().encode_lower(&mut text);
        Self(text)
    }

    /// A UUID that a client sent is adopted.
    pub(crate) fn adopt(text: &[u8]) -> Option<Self> {
        let id = uuid::Uuid::try_parse_ascii(text).ok().filter(|_| text.len() == 36)?;
        let mut text = [0; 36];
        id.hyphenated().encode_lower(&mut text);
        Some(Self(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// RFC 4648 §5.
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `x-amz-apigw-id`: 15 characters and an equals sign.
pub(crate) fn extended_id(random: &mut Random) -> [u8; 16] {
    // Eleven bytes are fifteen characters and one of padding.
    let mut bits = [0; 16];
    if let Some(low) = bits.get_mut(5..) {
        low.copy_from_slice(&random.bytes::<11>());
    }
    let mut bits = u128::from_be_bytes(bits) << 2;
    let mut text = [b'='; 16];
    for place in text.iter_mut().take(15).rev() {
        *place = URL_SAFE.get((bits & 63) as usize).copied().unwrap_or_default();
        bits >>= 6;
    }
    text
}

/// Writes `bytes` in hex at the start of `out`.
fn hex(out: &mut [u8], bytes: &[u8]) {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
}

/// A new trace id with blanks where the random parts go.
const FRESH: [u8; 74] = *b"Root=1-........-........................;Parent=................;Sampled=0";

/// `Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled={0|1}`. `Root` and `Parent` of an incoming id are kept when they are
/// well-formed [V common/test_invocation_trace_id].
pub(crate) fn trace_id(incoming: Option<&str>, wall: UnixMillis, random: &mut Random) -> HeaderValue {
    let mut fresh = FRESH;
    let seconds = u32::try_from(wall.seconds()).unwrap_or_default();
    for (range, bytes) in
        [(7..15, &seconds.to_be_bytes()[..]), (16..40, &random.bytes::<12>()), (48..64, &random.bytes::<8>())]
    {
        if let Some(place) = fresh.get_mut(range) {
            hex(place, bytes);
        }
    }
    let value = match incoming {
        None => HeaderValue::from_bytes(&fresh),
        Some(incoming) => HeaderValue::from_str(&continued(incoming, std::str::from_utf8(&fresh).unwrap_or_default())),
    };
    value.unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The incoming id with its malformed parts replaced by those of `fresh`.
fn continued(incoming: &str, fresh: &str) -> String {
    let part = |text: &'_ str, name: &str| -> Option<String> {
        text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    let is_hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let root = part(incoming, "Root").filter(|root| match root.split('-').collect::<Vec<_>>().as_slice() {
        ["1", time, unique] => is_hex(time, 8) && is_hex(unique, 24),
        _ => false,
    });
    let parent = part(incoming, "Parent").filter(|parent| is_hex(parent, 16));
    let sampled = part(incoming, "Sampled").filter(|sampled| sampled == "0" || sampled == "1");
    let default = if parent.is_some() { "1" } else { "0" };
    let or_fresh = |given: Option<String>, name| given.or_else(|| part(fresh, name)).unwrap_or_default();
    format!(
        "Root={};Parent={};Sampled={}",
        or_fresh(root, "Root"),
        or_fresh(parent, "Parent"),
        sampled.as_deref().unwrap_or(default)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x77);
        }
    }

    #[test]
    fn a_good_root_and_parent_are_kept_and_bad_ones_replaced() {
        let mut random = Random::new(Arc::new(Sevens));
        let root = "1-5759e988-bd862e3fe1be46a994272793";
        let wall = UnixMillis(1_466_000_000_000);

        let kept = trace_id(Some(&format!("Root={root};Parent=53995c3f42cd8ad8")), wall, &mut random);
        let made = trace_id(Some("Root=bad;Sampled=7"), wall, &mut random);

        assert_eq!(kept, format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1"));
        assert_eq!(made, "Root=1-57616280-777777777777777777777777;Parent=7777777777777777;Sampled=0");
    }

    #[test]
    fn an_extended_id_is_base64_of_eleven_bytes() {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE;
        struct Counting;
        impl Entropy for Counting {
            fn fill(&self, out: &mut [u8]) {
                out.iter_mut().zip((0..=255).cycle()).for_each(|(byte, value)| *byte = value ^ 0xa5);
            }
        }
        let mut random = Random::new(Arc::new(Counting));

        for at in 0..23 {
            let bytes: Vec<u8> = (at * 11..at * 11 + 11).map(|value: u8| value ^ 0xa5).collect();
            assert_eq!(extended_id(&mut random), URL_SAFE.encode(bytes).as_bytes());
        }
    }

    #[test]
    fn ids_have_aws_lengths() {
        let mut random = Random::new(Arc::new(Sevens));

        let extended = extended_id(&mut random);

        assert!(extended.ends_with(b"=") && !extended[..15].contains(&b'='));
        assert_eq!(RequestId::draw(&mut random).as_str().len(), 36);
        assert!(RequestId::adopt(b"not a uuid").is_none());
    }
}
