//! Text with references, directives and escapes, to nodes (rest-data-plane §5.6).

use std::ops::Range;

use crate::ast::{Block, Node, Origin};
use crate::cursor::Cursor;
use crate::directive::{self, Found};
use crate::reference;
use crate::template::{ParseError, Problem};

/// What ended a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Text,
    Close,
    Else,
    ElseIf,
}

/// The whole of a template or of a string.
pub(crate) fn template(cursor: &mut Cursor<'_>) -> Result<Block, ParseError> {
    let (nodes, end) = block(cursor)?;
    match end {
        End::Text => Ok(nodes),
        End::Close => Err(cursor.error(Problem::StrayEnd("end"))),
        End::Else => Err(cursor.error(Problem::StrayEnd("else"))),
        End::ElseIf => Err(cursor.error(Problem::StrayEnd("elseif"))),
    }
}

/// Nodes up to what ends the block, which is read.
pub(crate) fn block(cursor: &mut Cursor<'_>) -> Result<(Block, End), ParseError> {
    let mut made = Nodes::default();
    while let Some(next) = cursor.peek() {
        let end = match next {
            '\\' => escape(cursor, &mut made)?,
            '$' => dollar(cursor, &mut made).map(|()| None)?,
            '#' => hash(cursor, &mut made)?,
            _ => {
                made.plain(cursor.take_while(|c| !matches!(c, '$' | '#' | '\\')));
                None
            }
        };
        if let Some(end) = end {
            let origin = cursor.origin(cursor.at());
            return Ok((made.finish(origin), end));
        }
    }
    let origin = cursor.origin(cursor.at());
    Ok((made.finish(origin), End::Text))
}

/// Nodes made so far. Neighbouring text is one node.
#[derive(Default)]
struct Nodes {
    nodes: Vec<(Origin, Node)>,
    text: String,
    /// Where in `text` the last run of plain text begins.
    run: usize,
    /// Where in `text` the last run of lone `$` and `#` is.
    lone: Range<usize>,
}

impl Nodes {
    fn plain(&mut self, text: &str) {
        self.run = self.text.len();
        self.text.push_str(text);
    }

    /// Text that plain text does not join.
    fn literal(&mut self, text: &str) {
        self.text.push_str(text);
        self.run = self.text.len();
    }

    fn node(&mut self, origin: Origin, node: Node) {
        self.flush(origin);
        self.nodes.push((origin, node));
    }

    /// A lone `$` or `#`, which `#set` takes along as it takes blanks.
    fn lone(&mut self, sign: &str) {
        if self.lone.end != self.text.len() || self.text.is_empty() {
            self.lone.start = self.text.len();
        }
        self.literal(sign);
        self.lone.end = self.text.len();
    }

    /// `#set` takes the blanks before it along when nothing but blanks stands between it and what is not text.
    fn eat_blanks(&mut self) {
        let blank = |text: &str| text.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
        if self.text.get(self.run..).is_some_and(blank) {
            let lone = Some(self.lone.start).filter(|_| self.lone.end == self.run && !self.text.is_empty());
            self.text.truncate(lone.unwrap_or(self.run));
        }
    }

    /// Text gets the place of what comes behind it: it fails only by being too much.
    fn flush(&mut self, origin: Origin) {
        if !self.text.is_empty() {
            self.nodes.push((origin, Node::Text(std::mem::take(&mut self.text).into())));
        }
        self.run = 0;
        self.lone = 0..0;
    }

    fn finish(mut self, end: Origin) -> Block {
        self.flush(end);
        self.nodes.into()
    }
}

fn dollar(cursor: &mut Cursor<'_>, made: &mut Nodes) -> Result<(), ParseError> {
    let origin_at = cursor.at();
    let origin = cursor.origin(origin_at);
    if let Some(reference) = reference::parse(cursor)? {
        made.node(origin, Node::Reference(reference));
        // A brace right behind a reference without its own is a word by itself.
        let end = cursor.at();
        if !cursor.between(origin_at, end).ends_with('}') {
            let _brace = cursor.eat("}") || cursor.eat("{");
            made.literal(cursor.between(end, cursor.at()));
        }
        return Ok(());
    }
    if cursor.rest() == "$" && !cursor.in_string() {
        return Err(cursor.error(Problem::TrailingDollar));
    }
    cursor.skip(1);
    match cursor.eat(".") {
        true => made.literal("$."),
        false => made.lone("$"),
    }
    Ok(())
}

fn hash(cursor: &mut Cursor<'_>, made: &mut Nodes) -> Result<Option<End>, ParseError> {
    let origin = cursor.origin(cursor.at());
    match directive::parse(cursor)? {
        Found::Set(node) => {
            made.eat_blanks();
            made.node(origin, node);
        }
        Found::Node(node) => made.node(origin, node),
        Found::Literal("#") => made.lone("#"),
        Found::Literal(text) => made.literal(text),
        Found::Nothing => made.literal(""),
        Found::End(end) => return Ok(Some(end)),
    }
    Ok(None)
}

/// Backslashes before a reference or directive pair up; an odd one makes it text. Elsewhere they are text.
fn escape(cursor: &mut Cursor<'_>, made: &mut Nodes) -> Result<Option<End>, ParseError> {
    let slashes = cursor.take_while(|c| c == '\\');
    let start = cursor.at();
    let origin = cursor.origin(start);
    let half = slashes.get(..slashes.len() / 2).unwrap_or_default();
    if cursor.peek() == Some('$')
        && let Some(reference) = reference::parse(cursor)?
    {
        made.literal(half);
        match slashes.len() % 2 {
            0 => made.node(origin, Node::Reference(reference)),
            _ => made.literal(cursor.between(start, cursor.at())),
        }
        return Ok(None);
    }
    let directive = directive::known(cursor.rest());
    let odd = slashes.len() % 2 == 1;
    // Velocity's `#set` is one word with its bracket; without it nothing is escaped but the word.
    let halved = directive.is_some() && (odd || directive::is_complete(cursor.rest()));
    made.literal(if halved { half } else { slashes });
    // The word is text then; brackets behind a word that is no directive are no longer its own.
    if let Some(word) = directive.filter(|_| odd).or_else(|| directive::unknown(cursor.rest())) {
        cursor.skip(word);
        made.literal(cursor.between(start, cursor.at()));
    }
    Ok(None)
}
