//! Which integration response an outcome selects (rest-data-plane §6.2).

use regex::{Regex, RegexBuilder};
use stagecoach_vtl::java_pattern;

/// Bytes a compiled pattern may take.
const SIZE: usize = 1 << 20;
/// Steps back that a pattern with look-around may take on one text; after that it does not match.
const STEPS_BACK: usize = 50_000;

/// Patterns by rising status, and the default entry.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    patterns: Vec<(Pattern, usize)>,
    default: Option<usize>,
}

impl Selection {
    /// Adds entry `index`; an absent or empty pattern makes it the default. Call in the order of rising status codes.
    ///
    /// # Errors
    /// A pattern that is no regular expression.
    pub fn add(&mut self, pattern: Option<&str>, index: usize) -> Result<(), Box<fancy_regex::Error>> {
        match pattern.filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => self.patterns.push((compile(pattern)?, index)),
            None => self.default = self.default.or(Some(index)),
        }
        Ok(())
    }

    /// The entry for `text`: the status or the error message; `None` when a Lambda function succeeded, which only
    /// patterns that match the empty text do.
    pub fn select(&self, text: Option<&str>) -> Option<usize> {
        let text = text.unwrap_or_default();
        let hit = self.patterns.iter().find(|(pattern, _)| pattern.is_match(text));
        hit.map(|(_, index)| *index).or(self.default)
    }

    /// The pattern of an entry; `None` for the default.
    pub fn pattern(&self, index: usize) -> Option<&str> {
        let (pattern, _) = self.patterns.iter().find(|(_, known)| *known == index)?;
        pattern.as_str().strip_prefix("^(?:")?.strip_suffix(")$")
    }
}

/// A pattern by what it takes to run it.
#[derive(Clone, Debug)]
enum Pattern {
    /// In time that grows with the text only.
    Linear(Regex),
    /// Java's look-around, back references and possessive quantifiers.
    Backtracking(fancy_regex::Regex),
}

impl Pattern {
    fn as_str(&self) -> &str {
        match self {
            Self::Linear(pattern) => pattern.as_str(),
            Self::Backtracking(pattern) => pattern.as_str(),
        }
    }

    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Linear(pattern) => pattern.is_match(text),
            Self::Backtracking(pattern) => pattern.is_match(text).unwrap_or(false),
        }
    }
}

/// The whole text must match, and `.` does not cross line ends.
fn compile(pattern: &str) -> Result<Pattern, Box<fancy_regex::Error>> {
    let whole = format!("^(?:{})$", java_pattern(pattern));
    if let Ok(linear) = RegexBuilder::new(&whole).crlf(true).size_limit(SIZE).build() {
        return Ok(Pattern::Linear(linear));
    }
    let mut builder = fancy_regex::RegexBuilder::new(&whole);
    let builder = builder.crlf(true).backtrack_limit(STEPS_BACK).delegate_size_limit(SIZE);
    builder.build().map(Pattern::Backtracking).map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(patterns: &[Option<&str>]) -> Selection {
        let mut selection = Selection::default();
        for (index, pattern) in patterns.iter().enumerate() {
            selection.add(*pattern, index).unwrap();
        }
        selection
    }

    /// [V lambda/test_lambda_selection_patterns]
    #[test]
    fn the_lowest_status_that_matches_the_whole_text_wins() {
        let selection = selection(&[None, Some(".*four hundred.*"), Some(".+")]);

        assert_eq!(selection.select(Some("four hundred")), Some(1));
        assert_eq!(selection.select(Some("else")), Some(2));
        assert_eq!((selection.pattern(1), selection.pattern(0)), (Some(".*four hundred.*"), None));
        assert_eq!(selection.select(None), Some(0));
        assert_eq!(selection.select(Some("a\nb")), Some(0));
    }

    /// rest-data-plane §6.2, rules 2 and 4
    #[test]
    fn patterns_are_javas_and_match_the_whole_text() {
        let one = |pattern: &str, text: Option<&str>| selection(&[Some(pattern)]).select(text) == Some(0);

        assert!(!one(".+", Some("a\nb")) && !one(".+", Some("a\rb")) && one("(?s).+", Some("a\nb")));
        assert!(one("(\n|.)*", Some("a\nb")) && one(".*", None) && !one(".+", None) && !one("200", None));
        assert!(one(r"\Q[404]\E.*", Some("[404] no such pet")) && one("a|b", Some("b")) && !one("a|b", Some("ab")));
        assert!(one("^(?!OK).*", Some("Error")) && !one("^(?!OK).*", Some("OK then")) && !one("(?!x).+", Some("a\nb")));
        assert!(
            one("(a)b\\1", Some("aba")) && one("a++b", Some("aab")) && !one("(a+a+)+(?=c)c", Some(&"a".repeat(60)))
        );
        assert!(one("(?i)error.*", Some("Error: x")) && !one("Error", Some("An Error")));
    }

    #[test]
    fn nothing_matches_without_a_default() {
        assert_eq!(selection(&[Some("4\\d\\d")]).select(Some("200")), None);
        assert_eq!(selection(&[Some("4\\d\\d")]).select(Some("4040")), None);
    }
}
