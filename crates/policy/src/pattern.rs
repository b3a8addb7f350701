//! `StringLike` and `ArnLike`: `*` is any run of characters, `?` any one; both match slashes and colons.

/// Whether `text` matches `pattern` as a whole, case-sensitively.
pub fn string_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Where the last `*` was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[read] => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|left| *left == '*')
}

/// Whether an ARN matches a pattern: each of the six parts by [`string_like`]; the sixth holds all further colons. A text that
/// is no ARN matches only the pattern `*`. Source: IAM user guide, "ARN condition operators".
pub fn arn_like(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (patterns, parts) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    let (patterns, parts): (Vec<&str>, Vec<&str>) = (patterns.collect(), parts.collect());
    let whole = patterns.len() == 6 && parts.len() == 6;
    whole && patterns.iter().zip(&parts).all(|(pattern, part)| string_like(pattern, part))
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

    proptest! {
        #[test]
        fn a_text_with_a_part_replaced_by_a_star_matches(a in ".{0,9}", b in ".{0,9}", c in ".{0,9}") {
            prop_assume!(!a.contains(['*', '?']) && !c.contains(['*', '?']));
            let (pattern, text) = (format!("{a}*{c}"), format!("{a}{b}{c}"));
            prop_assert!(string_like(&pattern, &text));
        }
    }
}
