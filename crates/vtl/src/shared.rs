//! Text that values share. A part of a larger text, such as a string in a JSON body, costs no copy.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::rc::Rc;

/// Text, shared by reference count. Behind it stands the whole text that it is a part of.
#[derive(Clone)]
pub struct Text {
    whole: Rc<str>,
    start: u32,
    end: u32,
}

impl Text {
    fn bytes(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it is this text; most are told apart by their lengths.
    #[inline]
    pub(crate) fn is(&self, text: &str) -> bool {
        self.bytes() == text.len() && &**self == text
    }

    /// The part of a text between two places. A place inside a character, or beyond 4 GB, gives an empty text.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(self.start);
        Self { whole: self.whole.clone(), start: place(range.start), end: place(range.end) }
    }
}

impl Deref for Text {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.whole.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { whole: text.into(), start: 0, end: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }
}

impl PartialEq for Text {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes() && **self == **other
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_stands_there_whatever_it_is_a_part_of() {
        let whole = Text::from("añb");

        let part = whole.part(1..4);

        assert_eq!((&*part, &*part.part(2..3), &*whole.part(2..3)), ("ñb", "b", ""));
        assert_eq!(part, Text::from("ñb"));
        assert!(part != whole && part > whole);
    }
}
