//! Decompression of what strangers send: bounded in size, in ratio and in the work between two turns of the core.

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};

use super::Coding;

/// What is inflated in one step, bytes.
const STEP: usize = 64 * 1024;
/// Steps between two turns of other requests.
const STEPS: usize = 8;
/// More output than input by this factor is a bomb (reliability-and-security §3.4).
const RATIO: usize = 100;
/// Output that no ratio is asked of, bytes.
const HARMLESS: usize = 256 * 1024;
/// gzip members of one body.
const MEMBERS: usize = 64;
/// Window of every coding, bits.
const WINDOW: u8 = 15;

/// Why a body is not inflated.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Not the coding, cut short, or followed by something else.
    Damaged,
    /// Over the limit, or a bomb.
    TooLarge,
}

/// A body on its way.
struct Inflating {
    input: Bytes,
    coding: Coding,
    state: Decompress,
    /// What one step gives.
    piece: Vec<u8>,
    output: Vec<u8>,
    read: usize,
    members: usize,
    limit: usize,
}

/// Inflates a body.
///
/// # Errors
/// [`Problem`].
pub(super) async fn whole(input: Bytes, coding: Coding, limit: usize) -> Result<Bytes, Problem> {
    if input.is_empty() {
        return Ok(input);
    }
    let mut inflating = Inflating::new(input, coding, limit);
    let mut steps = 0;
    while inflating.step()? {
        steps += 1;
        if steps % STEPS == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(inflating.output.into())
}

impl Inflating {
    fn new(input: Bytes, coding: Coding, limit: usize) -> Self {
        let state = match coding {
            Coding::Gzip => Decompress::new_gzip(WINDOW),
            Coding::Deflate => Decompress::new(has_zlib_header(&input)),
        };
        let piece = Vec::with_capacity(STEP);
        Self { input, coding, state, piece, output: Vec::new(), read: 0, members: 1, limit }
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.read..).unwrap_or_default()
    }

    /// Whether there is more to do.
    fn step(&mut self) -> Result<bool, Problem> {
        self.piece.clear();
        let before = self.state.total_in();
        let rest = self.input.get(self.read..).unwrap_or_default();
        let status = self.state.decompress_vec(rest, &mut self.piece, FlushDecompress::None);
        let status = status.map_err(|_| Problem::Damaged)?;
        let taken = usize::try_from(self.state.total_in() - before).unwrap_or(usize::MAX);
        self.read = self.read.saturating_add(taken);
        if self.output.len() + self.piece.len() > self.limit {
            return Err(Problem::TooLarge);
        }
        self.output.extend_from_slice(&self.piece);
        if self.output.len() > HARMLESS && self.output.len() / RATIO > self.read {
            return Err(Problem::TooLarge);
        }
        match status {
            Status::StreamEnd => self.next_member(),
            Status::Ok | Status::BufError if taken == 0 && self.piece.is_empty() => Err(Problem::Damaged),
            Status::Ok | Status::BufError => Ok(true),
        }
    }

    /// Several gzip members are one body (RFC 1952 §2.2), and zeros may fill up the last; nothing may follow deflate.
    fn next_member(&mut self) -> Result<bool, Problem> {
        if self.rest().is_empty() {
            return Ok(false);
        }
        match self.coding {
            Coding::Gzip if self.rest().iter().all(|byte| *byte == 0) => Ok(false),
            Coding::Gzip if self.members < MEMBERS => {
                self.members += 1;
                self.state = Decompress::new_gzip(WINDOW);
                Ok(true)
            }
            Coding::Gzip | Coding::Deflate => Err(Problem::Damaged),
        }
    }
}

/// RFC 1950 §2.2: the method is 8 and the first two bytes are a multiple of 31.
fn has_zlib_header(input: &[u8]) -> bool {
    let Some([first, second]) = input.first_chunk() else { return true };
    first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0
}

/// Inflates whatever it is given both ways; for fuzzing. Never more than it may.
pub fn fuzz_inflate(bytes: &[u8]) {
    for coding in [Coding::Gzip, Coding::Deflate] {
        let limit = 1 << 20;
        let mut inflating = Inflating::new(Bytes::copy_from_slice(bytes), coding, limit);
        while matches!(inflating.step(), Ok(true)) {}
        assert!(inflating.output.len() <= limit && inflating.read <= bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(body: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    async fn run(input: Vec<u8>, coding: Coding, limit: usize) -> Result<Vec<u8>, Problem> {
        whole(input.into(), coding, limit).await.map(|bytes| bytes.to_vec())
    }

    /// Text that compresses by a factor of about four.
    fn text(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let word = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("{:x} ", *state >> 20)
        };
        let mut text = String::new();
        while text.len() < length {
            text += &word(&mut state);
        }
        text.truncate(length);
        text.into()
    }

    #[tokio::test]
    async fn bodies_come_back_as_they_were() {
        for body in [b"".to_vec(), b"a".to_vec(), text(300_000)] {
            assert_eq!(run(gzip(&body), Coding::Gzip, 300_000).await.as_ref(), Ok(&body));
            assert_eq!(run(zlib(&body), Coding::Deflate, 300_000).await.as_ref(), Ok(&body));
            assert_eq!(run(raw(&body), Coding::Deflate, 300_000).await.as_ref(), Ok(&body));
        }
        let members = [gzip(b"one, "), gzip(b"two"), vec![0; 7]].concat();
        assert_eq!(run(members, Coding::Gzip, 100).await.unwrap(), b"one, two");
        assert_eq!(run(Vec::new(), Coding::Gzip, 100).await.unwrap(), b"");
    }

    /// rest-data-plane §3.7: an undecodable body.
    #[tokio::test]
    async fn damaged_bodies_are_refused() {
        let (whole, mut flipped) = (gzip(&text(1000)), gzip(&text(1000)));
        let last = flipped.len() - 6;
        flipped[last] ^= 1;

        for end in [1, 9, 15, whole.len() / 2, whole.len() - 1] {
            assert_eq!(run(whole[..end].to_vec(), Coding::Gzip, 10_000).await, Err(Problem::Damaged), "cut at {end}");
        }
        assert_eq!(run(flipped, Coding::Gzip, 10_000).await, Err(Problem::Damaged), "checksum");
        assert_eq!(run(b"{\"a\": 1}".to_vec(), Coding::Gzip, 10_000).await, Err(Problem::Damaged));
        assert_eq!(run(gzip(b"a"), Coding::Deflate, 10_000).await, Err(Problem::Damaged));
        let followed = [zlib(b"a"), b"b".to_vec()].concat();
        assert_eq!(run(followed, Coding::Deflate, 10_000).await, Err(Problem::Damaged));
        assert_eq!(run(gzip(b"").repeat(MEMBERS + 1), Coding::Gzip, 10_000).await, Err(Problem::Damaged));
    }

    /// reliability-and-security §3.4, "decompression bomb".
    #[tokio::test]
    async fn neither_size_nor_ratio_is_exceeded() {
        let bomb = gzip(&vec![0; 8 << 20]);

        assert_eq!(run(gzip(&text(5000)), Coding::Gzip, 4999).await, Err(Problem::TooLarge));
        assert_eq!(run(bomb.clone(), Coding::Gzip, 10 << 20).await, Err(Problem::TooLarge), "ratio");
        assert_eq!(run(gzip(&vec![0; HARMLESS]), Coding::Gzip, 10 << 20).await.map(|b| b.len()), Ok(HARMLESS));
    }
}
