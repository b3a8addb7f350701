//! Header names as clients wrote them. Header maps keep the lower-case form only; events and templates show the other
//! [V lambda/test_lambda_aws_proxy_integration].

use std::cell::RefCell;

use memchr::memmem;

/// The names of one head, each with a line feed behind it. None of an HTTP/2 request, whose names are lower case.
pub(crate) struct Names(Vec<u8>);

impl Names {
    /// A lower-case name as the client wrote it the first time; as it is when the client did not.
    pub(crate) fn spelled<'a>(&'a self, name: &'a str) -> &'a str {
        self.iter().find(|written| written.eq_ignore_ascii_case(name)).unwrap_or(name)
    }

    /// All names in the order of the wire.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let lines = self.0.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.filter_map(|line| std::str::from_utf8(line).ok())
    }
}

/// The names of a connection's heads that are scanned and not answered yet; an empty line ends each head. The first head is
/// that of the request being answered: HTTP/1 answers one after another.
#[derive(Default)]
pub(crate) struct Waiting(RefCell<Kept>);

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// Where the head being answered ends.
    current: usize,
}

impl Waiting {
    /// Adds whole heads.
    pub(crate) fn add(&self, heads: &[u8]) {
        self.0.borrow_mut().bytes.extend_from_slice(heads);
    }

    /// A request begins: the head before it is done with.
    pub(crate) fn advance(&self) {
        let kept = &mut *self.0.borrow_mut();
        kept.bytes.drain(..kept.current);
        kept.current = match kept.bytes.first() {
            // A head without headers.
            Some(b'\n') => 1,
            _ => memmem::find(&kept.bytes, b"\n\n").map_or(kept.bytes.len(), |at| at + 2),
        };
    }

    /// The names of the request being answered; few requests need them.
    pub(crate) fn current(&self) -> Names {
        let kept = self.0.borrow();
        Names(kept.bytes.get(..kept.current).unwrap_or_default().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_finds_its_own_names() {
        let waiting = Waiting::default();
        for heads in [&b"Host\ntEsT\n\n\n"[..], b"host\nX-Two\n\n"] {
            waiting.add(heads);
        }

        let next = || {
            waiting.advance();
            waiting.current()
        };
        let heads: Vec<Names> = (0..5).map(|_| next()).collect();

        let names: Vec<Vec<&str>> = heads.iter().map(|head| head.iter().collect()).collect();
        assert_eq!(names, [vec!["Host", "tEsT"], vec![], vec!["host", "X-Two"], vec![], vec![]]);
        assert_eq!(
            (heads[0].spelled("test"), heads[0].spelled("x-two"), heads[2].spelled("x-two")),
            ("tEsT", "x-two", "X-Two")
        );
    }
}
