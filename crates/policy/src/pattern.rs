//! `StringLike` and `ArnLike`: `*` is any run of characters, `?` any one; both match slashes and colons.

/// Whether `text` matches `pattern` as a whole, case-sensitively. Allocates nothing: it is asked of requests.
pub fn string_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    // Where the last `*` was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), text.get(read)) {
            (Some(b'*'), _) if at + 1 == pattern.len() => return true,
            (Some(b'*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(b'?'), Some(_)) => (at, read) = (at + 1, after(text, read)),
            (Some(wanted), Some(given)) if wanted == given => (at, read) = (at + 1, read + 1),
            // Were the star to take more, even less would be left.
            (left, None) => return left.is_none(),
            _ => {
                let Some((place, taken)) = star else { return false };
                let taken = after(text, taken);
                star = Some((place, taken));
                (at, read) = (place + 1, taken);
            }
        }
    }
}

/// Where the character ends that begins at `at`.
fn after(text: &[u8], at: usize) -> usize {
    let continued = text.get(at + 1..).unwrap_or_default().iter().take_while(|byte| **byte & 0xc0 == 0x80);
    at + 1 + continued.count()
}

/// Whether an ARN matches a pattern: each of the six parts by [`string_like`]; the sixth holds all further colons. A text that
/// is no ARN matches only the pattern `*`. Source: IAM user guide, "ARN condition operators".
pub fn arn_like(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (mut patterns, mut parts) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    let mut matched = 0;
    loop {
        match (patterns.next(), parts.next()) {
            (Some(pattern), Some(part)) if string_like(pattern, part) => matched += 1,
            (None, None) => return matched == 6,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_cross_slashes_but_not_the_first_five_colons() {
        let arn = "arn:aws:execute-api:us-east-1:000000000000:abc/dev/GET/pets/1";

        assert!(arn_like("arn:aws:execute-api:us-east-1:000000000000:abc/*", arn));
        assert!(arn_like("arn:aws:execute-api:*:*:abc/*/GET/pets/?", arn));
        assert!(arn_like("*", arn));
        assert!(!arn_like("arn:aws:execute-api:*:abc/*", arn), "a star does not take two parts");
        assert!(!arn_like("arn:*", arn));
        assert!(!arn_like("arn:aws:execute-api:us-east-1:000000000000:abc/*/POST/*", arn));
        assert!(arn_like("arn:aws:lambda:r:a:function:f:*", "arn:aws:lambda:r:a:function:f:live"));
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text) in [("", ""), ("*", ""), ("a*c", "abbc"), ("a*b*c", "axbxbc"), ("?", "é"), ("**", "x")] {
            assert!(string_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a", "ab"), ("a*c", "abcd"), ("A", "a"), ("a?", "a")] {
            assert!(!string_like(pattern, text), "{pattern} {text}");
        }
    }

    /// The definition, without a thought for its cost.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some((wanted, rest)) => {
                text.split_first().is_some_and(|(given, left)| (*wanted == '?' || wanted == given) && naive(rest, left))
            }
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_their_definition_says(pattern in "[ab?*é€]{0,8}", text in "[abé€]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(string_like(&pattern, &text), naive(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn a_text_with_a_part_replaced_by_a_star_matches(a in ".{0,9}", b in ".{0,9}", c in ".{0,9}") {
            prop_assume!(!a.contains(['*', '?']) && !c.contains(['*', '?']));
            let (pattern, text) = (format!("{a}*{c}"), format!("{a}{b}{c}"));
            prop_assert!(string_like(&pattern, &text));
        }
    }
}
