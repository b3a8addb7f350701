//! Header names as clients wrote them. Header maps keep the lower-case form only; events and templates show the other
//! [V lambda/test_lambda_aws_proxy_integration].

use std::cell::RefCell;

use memchr::memmem;

/// The names of one head, each with a line feed behind it. None of an HTTP/2 request, whose names are lower case.
#[derive(Default)]
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

/// The names of a connection's heads that are scanned and not answered yet; an empty line ends each head.
#[derive(Default)]
pub(crate) struct Waiting(RefCell<Vec<u8>>);

impl Waiting {
    /// Adds whole heads, and leaves nothing of them behind.
    pub(crate) fn add(&self, heads: &mut Vec<u8>) {
        let mut waiting = self.0.borrow_mut();
        if waiting.is_empty() {
            std::mem::swap(&mut *waiting, heads);
        } else {
            waiting.append(heads);
        }
    }

    /// The names of the next head.
    pub(crate) fn take(&self) -> Names {
        let mut waiting = self.0.borrow_mut();
        let end = match waiting.first() {
            // A head without headers.
            Some(b'\n') => 1,
            _ => memmem::find(&waiting, b"\n\n").map_or(waiting.len(), |at| at + 2),
        };
        let rest = waiting.split_off(end);
        Names(std::mem::replace(&mut waiting, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_finds_its_own_names() {
        let waiting = Waiting::default();
        for heads in [&b"Host\ntEsT\n\n\n"[..], b"host\nX-Two\n\n"] {
            waiting.add(&mut heads.to_vec());
        }

        let heads: Vec<Names> = (0..4).map(|_| waiting.take()).collect();

        let names: Vec<Vec<&str>> = heads.iter().map(|head| head.iter().collect()).collect();
        assert_eq!(names, [vec!["Host", "tEsT"], vec![], vec!["host", "X-Two"], vec![]]);
        assert_eq!(
            (heads[0].spelled("test"), heads[0].spelled("x-two"), heads[2].spelled("x-two")),
            ("tEsT", "x-two", "X-Two")
        );
    }
}
