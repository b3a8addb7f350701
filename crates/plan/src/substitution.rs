//! Texts with values put in as they are: templates of gateway responses (rest-data-plane §2.2, rule 4). Not VTL.

use crate::expression::{Expression, Side};

/// A text cut at its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substitution(Box<[Part]>);

/// A piece of a [`Substitution`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stays.
    Text(Box<str>),
    /// `$context.x`, `$stageVariables.x`, `$method.request.header.x`, …; nothing where the value is missing.
    Value(Expression),
}

impl Substitution {
    /// Cuts `text`; a dollar sign that begins no value is text, so every text is one.
    pub fn parse(text: &str) -> Self {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, tail)) = rest.split_once('$') {
            literal.push_str(before);
            match value(tail) {
                Some((value, after)) => {
                    push(&mut parts, &mut literal);
                    parts.push(Part::Value(value));
                    rest = after;
                }
                None => {
                    literal.push('$');
                    rest = tail;
                }
            }
        }
        literal.push_str(rest);
        push(&mut parts, &mut literal);
        Self(parts.into())
    }

    /// The pieces, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }
}

fn push(parts: &mut Vec<Part>, literal: &mut String) {
    if !literal.is_empty() {
        parts.push(Part::Text(std::mem::take(literal).into()));
    }
}

/// The value behind a dollar sign, braces or not, and what follows it.
fn value(tail: &str) -> Option<(Expression, &str)> {
    if let Some((name, after)) = tail.strip_prefix('{').and_then(|tail| tail.split_once('}')) {
        return Some((Expression::parse(name, Side::Gateway).ok().filter(|value| !is_static(value))?, after));
    }
    // Names of parameters may have hyphens; a full stop or hyphen at the end belongs to the sentence.
    let belongs = if tail.starts_with("method.") { "._-" } else { "._" };
    let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && !belongs.contains(c)).unwrap_or(tail.len());
    let name = tail.get(..end)?.trim_end_matches(['.', '-']);
    let value = Expression::parse(name, Side::Gateway).ok()?;
    Some((value, tail.get(name.len()..)?))
}

fn is_static(value: &Expression) -> bool {
    matches!(value, Expression::Static(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> String {
        let Substitution(parts) = Substitution::parse(text);
        let part = |part: &Part| match part {
            Part::Text(text) => format!("'{text}'"),
            Part::Value(value) => format!("{value:?}"),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(" ")
    }

    /// rest-data-plane §2.2, rule 4
    #[test]
    fn texts_are_cut_at_their_values_and_other_dollars_stay() {
        assert_eq!(printed(r#"{"m":$context.error.messageString}"#), r#"'{"m":' Context("error.messageString") '}'"#);
        assert_eq!(printed("a $stageVariables.x. $5"), "'a ' StageVariable(\"x\") '. $5'");
        assert_eq!(printed("${context.stage}s $method.request.header.X-A"), "Context(\"stage\") 's ' Header(\"X-A\")");
        assert_eq!(printed("$method.input.params.q$"), "Input(\"q\") '$'");
        assert_eq!(printed("$context.apiId-x"), "Context(\"apiId\") '-x'");
        assert_eq!(printed("$input.body ${'x'} ${"), "'$input.body ${'x'} ${'");
        assert_eq!(printed(""), "");
    }

    proptest! {
        #[test]
        fn text_without_values_stays_as_it_is(text in "[a-z${}. ]{0,30}") {
            let Substitution(parts) = Substitution::parse(&text);
            let whole: String = parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(&**text),
                Part::Value(_) => None,
            }).collect();
            prop_assert!(parts.iter().any(|part| matches!(part, Part::Value(_))) || whole == text);
        }
    }
}
