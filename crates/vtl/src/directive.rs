//! What begins with `#`.

use crate::ast::{Block, Expr, Foreach, Name, Node};
use crate::cursor::Cursor;
use crate::template::{ParseError, Problem};
use crate::text::{self, End};
use crate::{expression, reference};

/// What a `#` turned out to be.
pub(crate) enum Found<'t> {
    /// `#set`, which takes blanks before it along.
    Set(Node),
    Node(Node),
    /// Text.
    Literal(&'t str),
    /// A comment, or a macro's definition.
    Nothing,
    /// The end of the block around it.
    End(End),
}

type Parsed<'t> = Result<Found<'t>, ParseError>;
type Parse = for<'t> fn(&mut Cursor<'t>) -> Parsed<'t>;

/// Directives that API Gateway executes; any other word after `#` prints as it is written.
const DIRECTIVES: [(&str, Parse); 10] = [
    ("set", set),
    ("if", branches),
    ("elseif", |_| Ok(Found::End(End::ElseIf))),
    ("else", |cursor| end(cursor, End::Else)),
    ("end", |cursor| end(cursor, End::Close)),
    ("foreach", foreach),
    ("define", define),
    ("macro", macro_definition),
    ("break", break_loop),
    ("stop", |_| Ok(Found::Node(Node::Stop))),
];

/// Reads what begins at a `#`.
pub(crate) fn parse<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    if let Some(found) = comment(cursor)? {
        return Ok(found);
    }
    let start = cursor.at();
    let Some((length, name)) = word(cursor.rest()) else {
        cursor.skip(1);
        cursor.take_while(|c| c.is_ascii_digit());
        return Ok(Found::Literal(cursor.between(start, cursor.at())));
    };
    cursor.skip(length);
    match DIRECTIVES.iter().find(|(known, _)| *known == name) {
        Some((_, parse)) => parse(cursor).map(|found| literal_of(found, cursor, start)),
        None => {
            skip_arguments(cursor)?;
            Ok(Found::Literal(cursor.between(start, cursor.at())))
        }
    }
}

/// A directive that lacks its brackets is text; its parser says so with an empty literal.
fn literal_of<'t>(found: Found<'t>, cursor: &Cursor<'t>, start: usize) -> Found<'t> {
    match found {
        Found::Literal("") => Found::Literal(cursor.between(start, cursor.at())),
        other => other,
    }
}

/// The length of the directive that `rest` begins with, if it does.
pub(crate) fn known(rest: &str) -> Option<usize> {
    let (length, name) = word(rest)?;
    DIRECTIVES.iter().any(|(known, _)| *known == name).then_some(length)
}

/// The length of the word after `#` that `rest` begins with, if it is no directive.
pub(crate) fn unknown(rest: &str) -> Option<usize> {
    word(rest).map(|(length, _)| length).filter(|_| known(rest).is_none())
}

/// Whether the directive that `rest` begins with has what it needs to be one: only `#set` may lack its bracket.
pub(crate) fn is_complete(rest: &str) -> bool {
    match word(rest) {
        Some((length, "set")) => rest.get(length..).is_some_and(|rest| rest.trim_start_matches(' ').starts_with('(')),
        _ => true,
    }
}

/// `#name` or `#{name}`, and its length.
fn word(rest: &str) -> Option<(usize, &str)> {
    let after = rest.strip_prefix('#')?;
    let inner = after.strip_prefix('{');
    let text = inner.unwrap_or(after);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '@').unwrap_or(text.len());
    let name = text.get(..end).filter(|name| name.starts_with(|c: char| !c.is_ascii_digit()))?;
    let closed = inner.is_none() || text.get(end..)?.starts_with('}');
    closed.then_some((1 + end + if inner.is_some() { 2 } else { 0 }, name))
}

fn comment<'t>(cursor: &mut Cursor<'t>) -> Result<Option<Found<'t>>, ParseError> {
    if cursor.eat("##") {
        cursor.take_while(|c| c != '\n' && c != '\r');
        cursor.skip_line_end();
        return Ok(Some(Found::Nothing));
    }
    let (open, close) = match cursor.rest() {
        rest if rest.starts_with("#*") => ("#*", "*#"),
        rest if rest.starts_with("#[[") => ("#[[", "]]#"),
        _ => return Ok(None),
    };
    let start = cursor.at() + open.len();
    let length = cursor.rest().get(open.len()..).and_then(|inner| inner.find(close));
    let length = length.ok_or_else(|| cursor.error(Problem::OpenComment))?;
    cursor.skip(open.len() + length + close.len());
    let inner = cursor.between(start, start + length);
    Ok(Some(if open == "#*" { Found::Nothing } else { Found::Literal(inner) }))
}

/// Brackets behind a word that is no directive: they are text with it, references in them included, and so is the
/// line's end behind them.
fn skip_arguments(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    let start = cursor.at();
    cursor.take_while(|c| matches!(c, ' ' | '\t'));
    let rest = cursor.rest();
    let (mut depth, mut quote) = (0_usize, None);
    if !rest.starts_with('(') {
        cursor.reset(start);
        return Ok(());
    }
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth -= 1,
            (None, _) => {}
        }
        if depth == 0 {
            cursor.skip(at + 1);
            cursor.skip_line_end();
            return Ok(());
        }
    }
    Err(cursor.error(Problem::Expected(")")))
}

fn end<'t>(cursor: &mut Cursor<'t>, end: End) -> Parsed<'t> {
    cursor.skip_line_end();
    Ok(Found::End(end))
}

/// The closing bracket of a directive takes the line's end along.
fn close(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    cursor.skip_space();
    cursor.expect(")")?;
    cursor.skip_line_end();
    Ok(())
}

/// Blanks and an opening bracket; `false` leaves the cursor where it was.
fn open(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    cursor.skip_space();
    if !cursor.eat("(") {
        cursor.reset(start);
        return false;
    }
    cursor.skip_space();
    true
}

fn set<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    let start = cursor.at();
    cursor.take_while(|c| c == ' ');
    if !cursor.starts_with("(") {
        cursor.reset(start);
        return Ok(Found::Literal(""));
    }
    cursor.skip(1);
    cursor.skip_space();
    let at = cursor.at();
    let target = reference::parse(cursor)?.ok_or_else(|| cursor.error(Problem::ExpectedName))?;
    if !reference::is_assignable(&target) {
        return Err(cursor.error_at(at, Problem::NotAssignable));
    }
    cursor.skip_space();
    cursor.expect("=")?;
    let value = expression::parse(cursor)?;
    close(cursor)?;
    Ok(Found::Set(Node::Set(target, value)))
}

fn branches<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    cursor.nest(|cursor| {
        let (mut branches, mut otherwise) = (Vec::new(), Block::default());
        let mut end = End::ElseIf;
        while end == End::ElseIf {
            if !open(cursor) {
                return Err(cursor.error(Problem::Expected("(")));
            }
            let condition = expression::parse(cursor)?;
            close(cursor)?;
            let block;
            (block, end) = text::block(cursor)?;
            branches.push((condition, block));
        }
        if end == End::Else {
            (otherwise, end) = text::block(cursor)?;
        }
        closed(cursor, end, "if")?;
        Ok(Found::Node(Node::If(branches.into(), otherwise)))
    })
}

fn closed(cursor: &Cursor<'_>, end: End, what: &'static str) -> Result<(), ParseError> {
    match end {
        End::Close => Ok(()),
        End::Text => Err(cursor.error(Problem::OpenBlock(what))),
        End::Else => Err(cursor.error(Problem::StrayEnd("else"))),
        End::ElseIf => Err(cursor.error(Problem::StrayEnd("elseif"))),
    }
}

fn body(cursor: &mut Cursor<'_>, what: &'static str) -> Result<Block, ParseError> {
    cursor.nest(|cursor| {
        let (block, end) = text::block(cursor)?;
        closed(cursor, end, what)?;
        Ok(block)
    })
}

/// A plain `$name`.
fn variable(cursor: &mut Cursor<'_>) -> Result<Name, ParseError> {
    let reference = reference::parse(cursor)?.filter(|reference| reference.steps.is_empty());
    reference.map(|reference| reference.name).ok_or_else(|| cursor.error(Problem::ExpectedName))
}

/// Without `in`, Velocity runs no loop at all.
fn foreach<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    if !open(cursor) {
        return Ok(Found::Literal(""));
    }
    let variable = variable(cursor)?;
    cursor.skip_space();
    let iterates = cursor.eat("in");
    let source = expression::parse(cursor)?;
    close(cursor)?;
    let body = body(cursor, "foreach")?;
    let source = if iterates { source } else { Expr::List(Box::default()) };
    Ok(Found::Node(Node::Foreach(Box::new(Foreach { variable, source, body }))))
}

fn define<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    if !open(cursor) {
        return Ok(Found::Literal(""));
    }
    let name = variable(cursor)?;
    close(cursor)?;
    Ok(Found::Node(Node::Define(name, body(cursor, "define")?)))
}

/// API Gateway swallows the definition and knows no call of it.
fn macro_definition<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    if !open(cursor) {
        return Err(cursor.error(Problem::Expected("(")));
    }
    cursor.take_while(|c| c != ')');
    close(cursor)?;
    body(cursor, "macro")?;
    Ok(Found::Nothing)
}

fn break_loop<'t>(cursor: &mut Cursor<'t>) -> Parsed<'t> {
    skip_arguments(cursor)?;
    Ok(Found::Node(Node::Break))
}
