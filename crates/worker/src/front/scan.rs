//! A look at the bytes of an HTTP/1 connection before the parser sees them, for what is gone after parsing: bare line
//! feeds, doubled or conflicting lengths, odd chunk sizes, fragments in the target (reliability §3.2). It follows the
//! framing itself, which is simple once everything ambiguous is refused.

use memchr::memchr;

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A line that ends in LF without CR.
    BareLineFeed,
    /// `#` in the request target.
    Fragment,
    /// Content-Length and Transfer-Encoding together.
    LengthAndEncoding,
    /// More than one Content-Length.
    RepeatedLength,
    /// A Content-Length that is no plain number.
    BadLength,
    /// A Transfer-Encoding that is not `chunked`, once.
    BadEncoding,
    /// A chunk size with anything but hexadecimal digits before its extension.
    BadChunk,
    /// A head, a chunk line or a trailer section above the limit.
    TooLong,
}

/// Bytes of a request head, of a chunk line, of trailers at most.
const LONGEST: usize = 32 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a request line.
    Idle,
    RequestLine,
    Header,
    /// So many bytes of a body are left.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk, its CRLF included, are left.
    Chunk(u64),
    Trailer,
}

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The next request.
    Idle,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body,
}

/// Follows one connection.
#[derive(Debug)]
pub(crate) struct Scanner {
    state: State,
    /// A line that began in an earlier read.
    partial: Vec<u8>,
    /// Bytes of the current head or trailer section.
    section: usize,
    length: Option<u64>,
    chunked: bool,
    /// Requests whose head was complete.
    heads: u64,
    /// Header names as they are written, each with a line feed behind it, another one behind each head.
    names: Vec<u8>,
    /// How many bytes of them belong to complete heads.
    named: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            state: State::Idle,
            partial: Vec::new(),
            section: 0,
            length: None,
            chunked: false,
            heads: 0,
            names: Vec::new(),
            named: 0,
        }
    }
}

impl Scanner {
    /// What is awaited.
    pub(crate) fn phase(&self) -> Phase {
        match self.state {
            State::Idle => Phase::Idle,
            State::RequestLine | State::Header => Phase::Head,
            State::Body(_) | State::ChunkSize | State::Chunk(_) | State::Trailer => Phase::Body,
        }
    }

    /// How many heads were complete so far.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Gives the names of heads that were completed since the last time to `take`; see [`crate::names::Waiting`].
    pub(crate) fn hand_over(&mut self, take: impl FnOnce(&[u8])) {
        let named = std::mem::take(&mut self.named);
        if named > 0 {
            take(self.names.get(..named).unwrap_or_default());
            self.names.drain(..named);
        }
    }

    /// Whether a violation now would be inside a body rather than in a head.
    pub(crate) fn in_body(&self) -> bool {
        self.phase() == Phase::Body
    }

    /// Follows the next bytes.
    ///
    /// # Errors
    /// The violation and how many of the bytes came before the line that has it.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<(), (usize, Violation)> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Body(left) | State::Chunk(left) => at += self.skip(left, rest.len()),
                _ => {
                    let end = memchr(b'\n', rest).map(|end| end + 1);
                    let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    self.line(piece, end.is_some()).map_err(|violation| (at, violation))?;
                    at += piece.len();
                }
            }
        }
        Ok(())
    }

    /// Skips body bytes; answers how many.
    fn skip(&mut self, left: u64, available: usize) -> usize {
        let taken = usize::try_from(left).map_or(available, |left| left.min(available));
        let left = left - taken as u64;
        self.state = match (self.state, left) {
            (State::Chunk(_), 0) => State::ChunkSize,
            (State::Chunk(_), left) => State::Chunk(left),
            (_, 0) => State::Idle,
            (_, left) => State::Body(left),
        };
        taken
    }

    fn line(&mut self, piece: &[u8], complete: bool) -> Result<(), Violation> {
        self.section += piece.len();
        if self.section > LONGEST {
            return Err(Violation::TooLong);
        }
        if self.state == State::Idle {
            self.state = State::RequestLine;
        }
        if !complete {
            self.partial.extend_from_slice(piece);
            return Ok(());
        }
        if self.partial.is_empty() {
            return self.whole_line(piece);
        }
        let mut line = std::mem::take(&mut self.partial);
        line.extend_from_slice(piece);
        let outcome = self.whole_line(&line);
        line.clear();
        self.partial = line;
        outcome
    }

    fn whole_line(&mut self, line: &[u8]) -> Result<(), Violation> {
        let line = line.strip_suffix(b"\r\n").ok_or(Violation::BareLineFeed)?;
        match self.state {
            State::RequestLine if line.is_empty() => {
                // Blank lines before a request are allowed (RFC 9112 §2.2).
                self.state = State::Idle;
                Ok(())
            }
            State::RequestLine if line.contains(&b'#') => Err(Violation::Fragment),
            State::RequestLine => {
                (self.state, self.length, self.chunked) = (State::Header, None, false);
                Ok(())
            }
            State::Header if line.is_empty() => {
                self.end_of_head();
                Ok(())
            }
            State::Header => self.header(line),
            State::ChunkSize => self.chunk_size(line),
            State::Trailer if line.is_empty() => {
                (self.state, self.section) = (State::Idle, 0);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Violation> {
        let Some(colon) = memchr(b':', line) else { return Ok(()) };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        self.names.extend_from_slice(name);
        self.names.push(b'\n');
        if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() {
                return Err(Violation::RepeatedLength);
            }
            self.length = Some(plain_number(value).ok_or(Violation::BadLength)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Violation::BadEncoding);
            }
            self.chunked = true;
        }
        match self.chunked && self.length.is_some() {
            true => Err(Violation::LengthAndEncoding),
            false => Ok(()),
        }
    }

    fn end_of_head(&mut self) {
        self.heads += 1;
        self.section = 0;
        self.names.push(b'\n');
        self.named = self.names.len();
        self.state = match (self.chunked, self.length) {
            (true, _) => State::ChunkSize,
            (false, None | Some(0)) => State::Idle,
            (false, Some(length)) => State::Body(length),
        };
    }

    fn chunk_size(&mut self, line: &[u8]) -> Result<(), Violation> {
        self.section = 0;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let fits = (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
        let size = std::str::from_utf8(digits).ok().filter(|_| fits);
        let size = size.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or(Violation::BadChunk)?;
        // The chunk's own CRLF is skipped with it; hyper checks that it is one.
        self.state = if size == 0 { State::Trailer } else { State::Chunk(size + 2) };
        Ok(())
    }
}

/// Decimal digits without sign, blanks or leading zeros.
fn plain_number(text: &[u8]) -> Option<u64> {
    let canonical = text == b"0" || !text.starts_with(b"0");
    let fits = canonical && !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| fits)?.parse().ok()
}

/// Fuzz target: however the bytes are cut into reads, the scanner comes to the same end. Panics when not.
#[doc(hidden)]
pub fn fuzz_scan(bytes: &[u8]) {
    let outcome = |size: usize| {
        let mut scanner = Scanner::default();
        for piece in bytes.chunks(size.max(1)) {
            if let Err((_, violation)) = scanner.scan(piece) {
                return Err(violation);
            }
        }
        Ok((scanner.heads(), scanner.phase()))
    };
    let whole = outcome(bytes.len());
    for size in [1, 2, 7] {
        assert_eq!(outcome(size), whole, "cut into pieces of {size}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> Result<Scanner, Violation> {
        let mut scanner = Scanner::default();
        scanner.scan(text.as_bytes()).map_err(|(_, violation)| violation)?;
        Ok(scanner)
    }

    #[test]
    fn pipelined_requests_with_bodies_are_followed() {
        let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nHost: a\r\n\
                    Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nTrailer: 1\r\n\r\nGET / HTTP/1.1\r\nHo";

        let scanner = scan(text).unwrap();

        assert_eq!((scanner.heads(), scanner.phase()), (2, Phase::Head));
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        let head = |lines: &str| scan(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n")).unwrap_err();

        assert_eq!(head("Content-Length: 3\r\nTransfer-Encoding: chunked"), Violation::LengthAndEncoding);
        assert_eq!(head("Transfer-Encoding: chunked\r\nContent-Length: 3"), Violation::LengthAndEncoding);
        assert_eq!(head("Content-Length: 3\r\nContent-Length: 3"), Violation::RepeatedLength);
        assert_eq!(head("Transfer-Encoding: identity, chunked"), Violation::BadEncoding);
        assert_eq!(head("Transfer-Encoding: chunked\r\ntransfer-encoding: chunked"), Violation::BadEncoding);
        for length in ["0005", "+5", "5 5", "5,5", "", "99999999999999999999999"] {
            assert_eq!(head(&format!("Content-Length: {length}")), Violation::BadLength, "{length}");
        }
        assert_eq!(scan("GET / HTTP/1.1\nHost: a\r\n\r\n").unwrap_err(), Violation::BareLineFeed);
        assert_eq!(scan("GET /#x HTTP/1.1\r\n").unwrap_err(), Violation::Fragment);
        let chunk = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        for size in ["2 \r\n", "0x2\r\n", " 2\r\n", "2\n", "\r\n", "g\r\n"] {
            assert!(scan(&format!("{chunk}{size}ab\r\n")).is_err(), "{size:?}");
        }
    }

    #[test]
    fn a_violation_says_where_its_line_begins() {
        let mut scanner = Scanner::default();

        let (at, violation) = scanner.scan(b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n").unwrap_err();

        assert_eq!((at, violation), (16, Violation::BareLineFeed));
    }

    proptest! {
        #[test]
        fn cuts_between_reads_change_nothing(cut in 0usize..120, size in 1usize..7) {
            let text = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
            let mut scanner = Scanner::default();
            let (first, rest) = text.split_at(cut.min(text.len()));
            scanner.scan(first).unwrap();
            for piece in rest.chunks(size) { scanner.scan(piece).unwrap(); }
            prop_assert_eq!((scanner.heads(), scanner.phase()), (2, Phase::Idle));
        }

        #[test]
        fn no_bytes_panic_and_cuts_change_nothing(bytes in "(POST / HTTP/1.1\r\n)?([a-zA-Z-]{1,9}: [a-z0-9]{0,9}\r?\n|Transfer-Encoding: chunked\r\n|Content-Length: [0-9]{1,2}\r\n){0,4}(\r\n)?[0-9a-f]{0,2}\r\n[ -~]{0,20}".prop_map(String::into_bytes)) {
            fuzz_scan(&bytes);
        }
    }
}
