//! Text with references, directives and escapes, to nodes (rest-data-plane §5.6).

use crate::ast::{Block, Node};
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
            return Ok((made.finish(), end));
        }
    }
    Ok((made.finish(), End::Text))
}

/// Nodes made so far. Neighbouring text is one node.
#[derive(Default)]
struct Nodes {
    nodes: Vec<Node>,
    text: String,
    /// Where in `text` the last run of plain text begins.
    run: usize,
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

    fn node(&mut self, node: Node) {
        self.flush();
        self.nodes.push(node);
    }

    /// `#set` takes the blanks before it along when nothing but blanks stands between it and what is not text.
    fn eat_blanks(&mut self) {
        let blank = |text: &str| text.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
        if self.text.get(self.run..).is_some_and(blank) {
            self.text.truncate(self.run);
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.nodes.push(Node::Text(std::mem::take(&mut self.text).into()));
        }
        self.run = 0;
    }

    fn finish(mut self) -> Block {
        self.flush();
        self.nodes.into()
    }
}

fn dollar(cursor: &mut Cursor<'_>, made: &mut Nodes) -> Result<(), ParseError> {
    if let Some(reference) = reference::parse(cursor)? {
        made.node(Node::Reference(reference));
        return Ok(());
    }
    if cursor.rest() == "$" && !cursor.in_string() {
        return Err(cursor.error(Problem::TrailingDollar));
    }
    cursor.skip(1);
    made.literal("$");
    Ok(())
}

fn hash(cursor: &mut Cursor<'_>, made: &mut Nodes) -> Result<Option<End>, ParseError> {
    match directive::parse(cursor)? {
        Found::Set(node) => {
            made.eat_blanks();
            made.node(node);
        }
        Found::Node(node) => made.node(node),
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
    let half = slashes.get(..slashes.len() / 2).unwrap_or_default();
    if cursor.peek() == Some('$')
        && let Some(reference) = reference::parse(cursor)?
    {
        made.literal(half);
        match slashes.len() % 2 {
            0 => made.node(Node::Reference(reference)),
            _ => made.literal(cursor.between(start, cursor.at())),
        }
        return Ok(None);
    }
    let directive = directive::known(cursor.rest());
    let odd = slashes.len() % 2 == 1;
    made.literal(if directive.is_some() { half } else { slashes });
    if let Some(word) = directive.filter(|_| odd) {
        cursor.skip(word);
        made.literal(cursor.between(start, cursor.at()));
    }
    Ok(None)
}
