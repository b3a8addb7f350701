//! `application/vnd.amazon.eventstream`: the framing of InvokeWithResponseStream, both ways.
//!
//! A message is total length, headers length and their CRC-32; headers; payload; the CRC-32 of all of it. Numbers are big
//! endian. Only string headers are kept, which is all that Lambda sends; others are stepped over.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Lengths and their checksum.
const PRELUDE: usize = 12;
/// The checksum at the end.
const TRAILER: usize = 4;
/// Largest message taken, bytes: AWS's 16 MiB of payload with room for headers.
pub const LARGEST_MESSAGE: usize = 16 * 1024 * 1024 + 128 * 1024;
/// Header type of strings.
const STRING: u8 = 7;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// String headers, in order.
    pub headers: Vec<(String, String)>,
    /// What it carries.
    pub payload: Bytes,
}

/// Bytes that are no event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Lengths that do not fit together, or more than [`LARGEST_MESSAGE`].
    #[error("a message's lengths do not fit together")]
    Length,
    /// A checksum is wrong.
    #[error("a message's checksum is wrong")]
    Checksum,
    /// Headers that do not fill their length, or of an unknown type.
    #[error("a message's headers cannot be read")]
    Headers,
}

impl Message {
    /// A message of an event, as Lambda names it.
    pub fn event(kind: &str, content_type: &str, payload: Bytes) -> Self {
        let pairs = [(":message-type", "event"), (":event-type", kind), (":content-type", content_type)];
        Self { headers: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(), payload }
    }

    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The bytes on the wire. Names are cut at 255 bytes and values at 65,535: nothing longer has a form.
    pub fn encode(&self) -> Bytes {
        let mut headers = BytesMut::new();
        for (name, value) in &self.headers {
            let (name, value) = (cut(name, usize::from(u8::MAX)), cut(value, usize::from(u16::MAX)));
            headers.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            headers.put_slice(name.as_bytes());
            headers.put_u8(STRING);
            headers.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
            headers.put_slice(value.as_bytes());
        }
        let total = PRELUDE + headers.len() + self.payload.len() + TRAILER;
        let mut message = BytesMut::with_capacity(total);
        message.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
        message.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
        message.put_u32(crc32fast::hash(&message));
        message.put_slice(&headers);
        message.put_slice(&self.payload);
        message.put_u32(crc32fast::hash(&message));
        message.freeze()
    }
}

/// The longest beginning of whole characters within `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

/// Reads messages from bytes as they come, however they are cut.
#[derive(Debug, Default)]
pub struct Decoder {
    kept: BytesMut,
}

impl Decoder {
    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// Whether nothing of an unfinished message is kept.
    pub fn is_between_messages(&self) -> bool {
        self.kept.is_empty()
    }

    /// The next whole message; `None` until more bytes come.
    ///
    /// # Errors
    /// [`Malformed`]; nothing that follows can be read then.
    pub fn next_message(&mut self) -> Result<Option<Message>, Malformed> {
        let Some(mut prelude) = self.kept.get(..PRELUDE) else { return Ok(None) };
        let (total, headers) = (prelude.get_u32() as usize, prelude.get_u32() as usize);
        let lengths = self.kept.get(..PRELUDE - TRAILER).unwrap_or_default();
        if prelude.get_u32() != crc32fast::hash(lengths) {
            return Err(Malformed::Checksum);
        }
        let bare = PRELUDE + TRAILER;
        if !(bare..=LARGEST_MESSAGE).contains(&total) || headers > total - bare {
            return Err(Malformed::Length);
        }
        if self.kept.len() < total {
            return Ok(None);
        }
        let message = self.kept.split_to(total).freeze();
        let (body, mut checksum) = message.split_at(total - TRAILER);
        if checksum.get_u32() != crc32fast::hash(body) {
            return Err(Malformed::Checksum);
        }
        let end = PRELUDE + headers;
        Ok(Some(Message {
            headers: read_headers(body.get(PRELUDE..end).unwrap_or_default())?,
            payload: message.slice(end..total - TRAILER),
        }))
    }
}

fn read_headers(mut bytes: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(bytes.get_u8());
        let name = take(&mut bytes, length)?;
        let kind = *take(&mut bytes, 1)?.first().ok_or(Malformed::Headers)?;
        let length = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 | STRING => usize::from(take(&mut bytes, 2)?.get_u16()),
            9 => 16,
            _ => return Err(Malformed::Headers),
        };
        let value = take(&mut bytes, length)?;
        if kind == STRING {
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed::Headers);
            headers.push((text(name)?, text(value)?));
        }
    }
    Ok(headers)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(Malformed::Headers)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], piece: usize) -> Result<Vec<Message>, Malformed> {
        let (mut decoder, mut found) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            decoder.push(piece);
            while let Some(message) = decoder.next_message()? {
                found.push(message);
            }
        }
        Ok(found)
    }

    /// The vectors that botocore tests its reader with (tests/unit/test_eventstream.py).
    #[test]
    fn published_vectors_are_read_and_written() {
        let empty = b"\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff";
        let payload = b"\x00\x00\x00\x1d\x00\x00\x00\x00\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36";
        let int32 =
            b"\x00\x00\x00+\x00\x00\x00\x0e4\x8b\xec{\x08event-id\x04\x00\x00\xa0\x0c{'foo':'bar'}\xd3\x89\x02\x85";

        let [first, second, third] = [&empty[..], payload, int32].map(|bytes| all(bytes, 1));

        assert_eq!(first, Ok(vec![Message::default()]));
        let carried = Message { headers: vec![], payload: Bytes::from_static(b"{'foo':'bar'}") };
        assert_eq!((second, third), (Ok(vec![carried.clone()]), Ok(vec![carried.clone()])));
        assert_eq!((&Message::default().encode()[..], &carried.encode()[..]), (&empty[..], &payload[..]));
    }

    #[test]
    fn damage_is_noticed() {
        let whole = Message::event("PayloadChunk", "application/octet-stream", Bytes::from_static(b"abc")).encode();

        for at in 0..whole.len() {
            let mut damaged = whole.to_vec();
            damaged[at] ^= 0x40;
            assert!(all(&damaged, 1000).is_err(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_cut(
            messages in prop::collection::vec((prop::collection::vec((".{0,20}", ".{0,40}"), 0..4), prop::collection::vec(any::<u8>(), 0..99)), 0..5),
            piece in 1usize..50,
        ) {
            let messages: Vec<Message> =
                messages.into_iter().map(|(headers, payload)| Message { headers, payload: payload.into() }).collect();
            let bytes: Vec<u8> = messages.iter().flat_map(|message| message.encode().to_vec()).collect();

            prop_assert_eq!(all(&bytes, piece), Ok(messages));
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(all(&bytes, 7));
        }
    }
}
