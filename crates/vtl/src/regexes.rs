//! Java's regular expressions, as far as an engine without backtracking runs them.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use crate::heap::{Hashing, Heap};
use crate::limits::RenderError;
use crate::shared::Text;

/// Bytes a compiled expression may take.
const SIZE: usize = 256 * 1024;
/// Steps that compiling an expression counts for.
const COMPILE: usize = 1024 * crate::limits::STEP;
/// How much more work it is to match a byte than to copy it.
const MATCH: usize = 4;

/// The expressions that a rendering has compiled.
#[derive(Debug, Default)]
pub(crate) struct Patterns(HashMap<Text, Regex, Hashing>);

impl Heap {
    /// The expression for a pattern, with the work of running it over `text` accounted for.
    pub(crate) fn pattern(&mut self, pattern: &str, text: &str) -> Result<Regex, RenderError> {
        self.work(text.len().saturating_mul(MATCH))?;
        if let Some(known) = self.patterns.0.get(pattern) {
            return Ok(known.clone());
        }
        self.work(COMPILE)?;
        self.charge(SIZE / 4)?;
        let built = RegexBuilder::new(&java_pattern(pattern)).size_limit(SIZE).dfa_size_limit(SIZE).build();
        let built = built.map_err(|_| RenderError::Pattern(pattern.to_owned()))?;
        self.patterns.0.insert(pattern.into(), built.clone());
        Ok(built)
    }
}

/// Java's spelling to the engine's: `\Z` is `\z`, and a backslash before `<` or `>` means the character.
pub fn java_pattern(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            translated.push(c);
            continue;
        }
        match chars.next() {
            Some('Z') => translated.push_str("\\z"),
            Some(bracket @ ('<' | '>')) => translated.push(bracket),
            Some('Q') => {
                let rest = chars.as_str();
                let (quoted, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                translated.push_str(&regex::escape(quoted));
                chars = after.chars();
            }
            // The engine knows only escapes of ASCII.
            Some(other) if !other.is_ascii() => translated.push(other),
            Some(other) => translated.extend(['\\', other]),
            None => translated.push('\\'),
        }
    }
    translated
}

/// Java's replacement text to the engine's: `$1` ends at its digits, a backslash takes the next character as it is.
pub(crate) fn replacement(text: &str) -> String {
    let mut translated = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('$') => translated.push_str("$$"),
                other => translated.extend(other),
            },
            '$' => match chars.next_if(char::is_ascii_digit) {
                Some(digit) => translated.extend(["${", digit.encode_utf8(&mut [0; 4]), "}"]),
                None if chars.peek() == Some(&'{') => translated.push('$'),
                None => translated.push_str("$$"),
            },
            c => translated.push(c),
        }
    }
    translated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javas_spellings_are_translated() {
        assert_eq!(java_pattern(r"a\<b\Z\Q.*\E\d"), r"a<b\z\.\*\d");
        assert_eq!(replacement(r"$1a\$\\ $x"), r"${1}a$$\ $$x");
    }
}
