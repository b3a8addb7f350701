//! `$name.property.method(…)[index]`, `$!name`, `${name}`, `$!{name}`.

use crate::ast::{Expr, Reference, Step};
use crate::cursor::Cursor;
use crate::expression;
use crate::template::{ParseError, Problem};

/// The reference at a `$`; `None`, and nothing read, when it is not one.
pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Option<Reference>, ParseError> {
    let start = cursor.at();
    if !cursor.eat("$") {
        return Ok(None);
    }
    cursor.eat("!");
    let formal = cursor.eat("{");
    let Some(name) = identifier(cursor) else {
        cursor.reset(start);
        return Ok(None);
    };
    let mut steps = Vec::new();
    while let Some(step) = step(cursor)? {
        steps.push(step);
    }
    if formal {
        cursor.expect("}")?;
    }
    Ok(Some(Reference { name: cursor.name(name), steps: steps.into() }))
}

/// Whether `#set` may have it on its left.
pub(crate) fn is_assignable(reference: &Reference) -> bool {
    !matches!(reference.steps.last(), Some(Step::Call(..)))
}

fn identifier<'t>(cursor: &mut Cursor<'t>) -> Option<&'t str> {
    let starts = cursor.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts.then(|| cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
}

fn step(cursor: &mut Cursor<'_>) -> Result<Option<Step>, ParseError> {
    if is_index(cursor.rest()) {
        cursor.skip(1);
        let index = expression::parse(cursor)?;
        cursor.skip_space();
        cursor.expect("]")?;
        return Ok(Some(Step::Index(index)));
    }
    let dotted =
        cursor.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    if !dotted {
        return Ok(None);
    }
    cursor.skip(1);
    let name = identifier(cursor).ok_or_else(|| cursor.error(Problem::ExpectedName))?;
    match cursor.eat("(") {
        true => Ok(Some(Step::Call(name.into(), arguments(cursor)?))),
        false => Ok(Some(Step::Property(name.into()))),
    }
}

/// `[` with what can be an index behind it; other brackets are text (`$name[optional]`).
fn is_index(rest: &str) -> bool {
    let Some(inner) = rest.strip_prefix('[') else { return false };
    let inner = inner.trim_start_matches([' ', '\t', '\n', '\r']);
    inner.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '"' | '\'' | '-'))
}

/// The arguments of a call, behind the opening bracket.
fn arguments(cursor: &mut Cursor<'_>) -> Result<Box<[Expr]>, ParseError> {
    let mut arguments = Vec::new();
    cursor.skip_space();
    if cursor.eat(")") {
        return Ok(arguments.into());
    }
    loop {
        arguments.push(expression::parse(cursor)?);
        cursor.skip_space();
        if !cursor.eat(",") {
            cursor.expect(")")?;
            return Ok(arguments.into());
        }
    }
}
