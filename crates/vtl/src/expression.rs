//! Expressions: what stands in the brackets of directives, calls and indexes.

use crate::ast::{Expr, Node, Operator};
use crate::cursor::Cursor;
use crate::number::Arithmetic;
use crate::template::{ParseError, Problem};
use crate::{reference, text};

type Parsed = Result<Expr, ParseError>;

/// Operators that associate to the left, from the loosest level to the tightest; longer spellings first.
const LEVELS: [&[(&str, Operator)]; 4] = [
    &[("==", Operator::Equal), ("eq", Operator::Equal), ("!=", Operator::Unequal), ("ne", Operator::Unequal)],
    &[
        ("<=", Operator::LessOrEqual),
        ("le", Operator::LessOrEqual),
        ("<", Operator::Less),
        ("lt", Operator::Less),
        (">=", Operator::GreaterOrEqual),
        ("ge", Operator::GreaterOrEqual),
        (">", Operator::Greater),
        ("gt", Operator::Greater),
    ],
    &[("+", Operator::Arithmetic(Arithmetic::Add)), ("-", Operator::Arithmetic(Arithmetic::Subtract))],
    &[
        ("*", Operator::Arithmetic(Arithmetic::Multiply)),
        ("/", Operator::Arithmetic(Arithmetic::Divide)),
        ("%", Operator::Arithmetic(Arithmetic::Remainder)),
    ],
];

/// An expression, with space around it.
pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.nest(|cursor| {
        joined(cursor, &["||", "or"], Expr::Any, |cursor| {
            joined(cursor, &["&&", "and"], Expr::All, |cursor| chain(cursor, &LEVELS))
        })
    })
}

/// Operands with one of `words` between them.
fn joined(
    cursor: &mut Cursor<'_>,
    words: &[&str],
    make: fn(Box<[Expr]>) -> Expr,
    operand: impl Fn(&mut Cursor<'_>) -> Parsed,
) -> Parsed {
    let first = operand(cursor)?;
    let mut all = vec![first];
    while words.iter().any(|word| eat_operator(cursor, word)) {
        all.push(operand(cursor)?);
    }
    match all.len() {
        1 => all.pop().ok_or_else(|| cursor.error(Problem::ExpectedValue)),
        _ => Ok(make(all.into())),
    }
}

fn chain(cursor: &mut Cursor<'_>, levels: &[&[(&str, Operator)]]) -> Parsed {
    let Some((level, tighter)) = levels.split_first() else { return unary(cursor) };
    let first = chain(cursor, tighter)?;
    let mut rest = Vec::new();
    while let Some((_, operator)) = level.iter().find(|(word, _)| eat_operator(cursor, word)) {
        rest.push((*operator, chain(cursor, tighter)?));
    }
    Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest.into()) })
}

/// An operator behind space; words must end there.
fn eat_operator(cursor: &mut Cursor<'_>, word: &str) -> bool {
    let start = cursor.at();
    cursor.skip_space();
    let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic());
    let found = cursor.eat(word) && !(is_word && cursor.peek().is_some_and(|c| c.is_ascii_alphanumeric()));
    if !found {
        cursor.reset(start);
    }
    found
}

fn unary(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.skip_space();
    let negated = !cursor.starts_with("!=") && (eat_operator(cursor, "!") || eat_operator(cursor, "not"));
    match negated {
        true => cursor.nest(unary).map(|operand| Expr::Not(Box::new(operand))),
        false => primary(cursor),
    }
}

fn primary(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.skip_space();
    match cursor.peek() {
        Some(quote @ ('"' | '\'')) => string(cursor, quote),
        Some('$') => {
            let reference = reference::parse(cursor)?.ok_or_else(|| cursor.error(Problem::ExpectedName))?;
            Ok(Expr::Reference(Box::new(reference)))
        }
        Some('(') => {
            cursor.skip(1);
            let inner = parse(cursor)?;
            cursor.skip_space();
            cursor.expect(")")?;
            Ok(inner)
        }
        Some('[') => list(cursor),
        Some('{') => map(cursor),
        Some(c) if c.is_ascii_digit() || matches!(c, '-' | '.') => number(cursor),
        _ => word(cursor),
    }
}

fn word(cursor: &mut Cursor<'_>) -> Parsed {
    let start = cursor.at();
    match cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_') {
        "true" => Ok(Expr::Bool(true)),
        "false" => Ok(Expr::Bool(false)),
        _ => Err(cursor.error_at(start, Problem::ExpectedValue)),
    }
}

/// `12`, `-1`, `1.5`, `.5`, `1e3`; the dots of `1..3` are not its own.
fn number(cursor: &mut Cursor<'_>) -> Parsed {
    let start = cursor.at();
    let digits = |cursor: &mut Cursor<'_>| cursor.take_while(|c| c.is_ascii_digit()).len();
    cursor.eat("-");
    let whole = digits(cursor);
    let mut float = false;
    let mut fraction = 0;
    if cursor.starts_with(".") && !cursor.starts_with("..") {
        cursor.skip(1);
        float = true;
        fraction = digits(cursor);
    }
    if whole + fraction == 0 {
        return Err(cursor.error_at(start, Problem::ExpectedValue));
    }
    let before = cursor.at();
    if cursor.eat("e") || cursor.eat("E") {
        let _sign = cursor.eat("-") || cursor.eat("+");
        match digits(cursor) {
            0 => cursor.reset(before),
            _ => float = true,
        }
    }
    let text = cursor.between(start, cursor.at());
    Ok(match (float, text.parse()) {
        (true, _) => Expr::Float(text.parse().unwrap_or_default()),
        (false, Ok(int)) => Expr::Int(int),
        (false, Err(_)) => Expr::BigInt(text.into()),
    })
}

/// A string: a doubled quote stands for one, backslashes for themselves; double-quoted ones are filled in.
fn string(cursor: &mut Cursor<'_>, quote: char) -> Parsed {
    let start = cursor.at();
    cursor.skip(1);
    let mut value = String::new();
    loop {
        value.push_str(cursor.take_while(|c| c != quote));
        if cursor.is_done() {
            return Err(cursor.error_at(start, Problem::OpenString));
        }
        cursor.skip(1);
        if cursor.peek() != Some(quote) {
            break;
        }
        cursor.skip(1);
        value.push(quote);
    }
    if quote == '\'' || !value.contains(['$', '#']) {
        return Ok(Expr::Text(value.into()));
    }
    let block = cursor.nest(|cursor| text::template(&mut cursor.within(&value, start + 1)))?;
    Ok(match &*block {
        [] => Expr::Text("".into()),
        [(_, Node::Text(text))] => Expr::Text(text.clone()),
        _ => Expr::Interpolated(block),
    })
}

/// `[a, b]`, or the range `[1..5]`.
fn list(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.skip(1);
    cursor.skip_space();
    if cursor.eat("]") {
        return Ok(Expr::List(Box::default()));
    }
    let mut items = vec![parse(cursor)?];
    cursor.skip_space();
    if cursor.eat("..") {
        let to = parse(cursor)?;
        cursor.skip_space();
        cursor.expect("]")?;
        let from = items.pop().ok_or_else(|| cursor.error(Problem::ExpectedValue))?;
        return Ok(Expr::Range(Box::new((from, to))));
    }
    while cursor.eat(",") {
        items.push(parse(cursor)?);
        cursor.skip_space();
    }
    cursor.expect("]")?;
    Ok(Expr::List(items.into()))
}

fn map(cursor: &mut Cursor<'_>) -> Parsed {
    cursor.skip(1);
    cursor.skip_space();
    let mut pairs = Vec::new();
    if cursor.eat("}") {
        return Ok(Expr::Map(pairs.into()));
    }
    loop {
        let key = parse(cursor)?;
        cursor.skip_space();
        cursor.expect(":")?;
        pairs.push((key, parse(cursor)?));
        cursor.skip_space();
        if !cursor.eat(",") {
            cursor.expect("}")?;
            return Ok(Expr::Map(pairs.into()));
        }
    }
}
