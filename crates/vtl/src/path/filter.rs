//! Filters: `[?(@.price < 10 && @.title =~ /.*war.*/i)]`.

use super::Path;
use super::compare::{Operator, matches};
use super::parse::Reader;
use crate::heap::{Heap, Value};
use crate::limits::RenderError;

/// A condition on an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Any(Box<[Filter]>),
    All(Box<[Filter]>),
    Not(Box<Filter>),
    /// A path that must lead somewhere.
    Exists(Operand),
    Compare(Operand, Operator, Operand),
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// `@…`, of the element.
    Element(Path),
    /// `$…`, of the document.
    Document(Path),
    /// JSON text of a literal.
    Literal(Box<str>),
    /// `/pattern/flags`, as a pattern with its flags inside.
    Pattern(Box<str>),
}

/// Spellings, longer ones first.
const OPERATORS: [(&str, Operator); 17] = [
    ("===", Operator::Equal),
    ("==", Operator::Equal),
    ("!==", Operator::Unequal),
    ("!=", Operator::Unequal),
    ("=~", Operator::Matches),
    ("<=", Operator::LessOrEqual),
    ("<", Operator::Less),
    (">=", Operator::GreaterOrEqual),
    (">", Operator::Greater),
    ("in ", Operator::In),
    ("nin ", Operator::NotIn),
    ("contains ", Operator::Contains),
    ("subsetof ", Operator::SubsetOf),
    ("anyof ", Operator::AnyOf),
    ("noneof ", Operator::NoneOf),
    ("size ", Operator::Size),
    ("empty ", Operator::Empty),
];

impl Filter {
    /// What stands between `?(` and `)`.
    pub(super) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        joined(reader, "||", Self::Any, |reader| joined(reader, "&&", Self::All, Self::single))
    }

    fn single(reader: &mut Reader<'_>) -> Option<Self> {
        reader.space();
        if reader.eat("!") {
            return reader.nest(Self::single).map(|inner| Self::Not(Box::new(inner)));
        }
        if reader.eat("(") {
            let inner = reader.nest(Self::parse)?;
            reader.space();
            return reader.eat(")").then_some(inner);
        }
        let left = Operand::parse(reader)?;
        reader.space();
        let Some((_, operator)) = OPERATORS.iter().find(|(word, _)| reader.eat(word)) else {
            return Some(Self::Exists(left));
        };
        Some(Self::Compare(left, *operator, Operand::parse(reader)?))
    }

    pub(super) fn accepts(&self, heap: &mut Heap, element: &Value, document: &Value) -> Result<bool, RenderError> {
        heap.visit()?;
        match self {
            Self::Any(all) => any(all, heap, element, document, true),
            Self::All(all) => any(all, heap, element, document, false).map(|found| !found),
            Self::Not(inner) => inner.accepts(heap, element, document).map(|accepted| !accepted),
            Self::Exists(operand) => Ok(match operand.value(heap, element, document)? {
                // An indefinite path always answers a list.
                Some(Value::List(list)) if !operand.is_definite() => !heap.items(list).is_empty(),
                value => value.is_some(),
            }),
            Self::Compare(left, Operator::Matches, Operand::Pattern(pattern)) => {
                let left = left.value(heap, element, document)?;
                matches(heap, left.as_ref(), pattern)
            }
            Self::Compare(Operand::Pattern(pattern), Operator::Matches, right) => {
                let right = right.value(heap, element, document)?;
                matches(heap, right.as_ref(), pattern)
            }
            Self::Compare(left, operator, right) => {
                let (left, right) = (left.value(heap, element, document)?, right.value(heap, element, document)?);
                operator.holds(heap, left.as_ref(), right.as_ref())
            }
        }
    }
}

fn any(all: &[Filter], heap: &mut Heap, element: &Value, document: &Value, wanted: bool) -> Result<bool, RenderError> {
    for filter in all {
        if filter.accepts(heap, element, document)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn joined(
    reader: &mut Reader<'_>,
    word: &str,
    make: fn(Box<[Filter]>) -> Filter,
    operand: impl Fn(&mut Reader<'_>) -> Option<Filter>,
) -> Option<Filter> {
    let mut all = vec![operand(reader)?];
    reader.space();
    while reader.eat(word) {
        all.push(operand(reader)?);
        reader.space();
    }
    if all.len() == 1 { all.pop() } else { Some(make(all.into())) }
}

impl Operand {
    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        reader.space();
        match reader.rest.chars().next()? {
            '@' => {
                reader.eat("@");
                reader.nest(|reader| reader.steps(false)).map(Self::Element)
            }
            '$' => {
                reader.eat("$");
                reader.nest(|reader| reader.steps(false)).map(Self::Document)
            }
            '/' => Self::pattern(reader),
            _ => literal(reader).map(|text| Self::Literal(text.into())),
        }
    }

    fn pattern(reader: &mut Reader<'_>) -> Option<Self> {
        reader.eat("/");
        let mut escaped = false;
        let end = reader.rest.find(|c| {
            let ends = c == '/' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let pattern = reader.rest.get(..end)?.replace("\\/", "/");
        reader.rest = reader.rest.get(end + 1..)?;
        let flags = reader.take_while(|c| matches!(c, 'i' | 's' | 'm' | 'x' | 'u' | 'U' | 'd'));
        let flags: String = flags.chars().filter(|c| matches!(c, 'i' | 's' | 'm' | 'x')).collect();
        let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
        Some(Self::Pattern(format!("{flags}^(?:{pattern})$").into()))
    }

    fn is_definite(&self) -> bool {
        match self {
            Self::Element(path) | Self::Document(path) => path.is_definite(),
            Self::Literal(_) | Self::Pattern(_) => true,
        }
    }

    fn value(&self, heap: &mut Heap, element: &Value, document: &Value) -> Result<Option<Value>, RenderError> {
        match self {
            Self::Element(path) => path.find_in(heap, element, document),
            Self::Document(path) => path.find_in(heap, document, document),
            Self::Literal(text) => heap.read_json(text),
            Self::Pattern(text) => heap.text(text).map(Some),
        }
    }
}

/// A literal as JSON text: strings in either quotes, numbers, words, and lists of them.
fn literal(reader: &mut Reader<'_>) -> Option<String> {
    match reader.rest.chars().next()? {
        '\'' | '"' => {
            let mut text = String::new();
            crate::json::quote(&reader.quoted()?, &mut text);
            Some(text)
        }
        '[' => reader.nest(list),
        _ => {
            let word = reader.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
            let known = matches!(word, "true" | "false" | "null");
            let numeric = word.starts_with(|c: char| c.is_ascii_digit() || c == '-') && word.parse::<f64>().is_ok();
            (known || numeric).then(|| word.to_owned())
        }
    }
}

fn list(reader: &mut Reader<'_>) -> Option<String> {
    reader.eat("[");
    let mut items = Vec::new();
    reader.space();
    while !reader.eat("]") {
        items.push(literal(reader)?);
        reader.space();
        if !reader.eat(",") && !reader.rest.starts_with(']') {
            return None;
        }
        reader.space();
    }
    Some(format!("[{}]", items.join(",")))
}
