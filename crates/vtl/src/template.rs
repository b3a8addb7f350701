//! A parsed template.

use crate::ast::{Block, Node};
use crate::cursor::Cursor;
use crate::heap::Heap;
use crate::limits::{RenderError, TEMPLATE_BYTES};
use crate::machine;
use crate::scope::Scope;
use crate::text;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    body: Body,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    Constant(Box<str>),
    /// With the number of its names.
    Program(Block, usize),
}

/// A template that Velocity cannot parse (rest-data-plane §5.6: such a template answers 500 on AWS).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at line {line}, column {column}")]
pub struct ParseError {
    /// What is wrong.
    pub problem: Problem,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More than [`TEMPLATE_BYTES`].
    #[error("a template has at most {TEMPLATE_BYTES} bytes: it is too long")]
    TooLong,
    /// Blocks, brackets or strings in each other.
    #[error("it is nested too deep")]
    TooDeep,
    /// The last character is a lone `$`.
    #[error("a lone `$` ends the template")]
    TrailingDollar,
    /// The template is only `#`.
    #[error("a lone `#` is no template")]
    LoneHash,
    /// `#*` without `*#`, or `#[[` without `]]#`.
    #[error("a comment or an unparsed part is not closed")]
    OpenComment,
    /// A quote without its partner.
    #[error("a string is not closed")]
    OpenString,
    /// `#if`, `#foreach`, `#define` or `#macro` without `#end`.
    #[error("`#{0}` without `#end`")]
    OpenBlock(&'static str),
    /// `#end`, `#else` or `#elseif` where no block is open.
    #[error("`#{0}` without an open block")]
    StrayEnd(&'static str),
    /// Another text should stand here.
    #[error("expected `{0}`")]
    Expected(&'static str),
    /// A value should stand here.
    #[error("expected a value")]
    ExpectedValue,
    /// A name should stand here.
    #[error("expected a name")]
    ExpectedName,
    /// `#set` on a method call.
    #[error("a method call cannot be assigned to")]
    NotAssignable,
}

impl Template {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(text);
        if text.len() > TEMPLATE_BYTES {
            return Err(cursor.error(Problem::TooLong));
        }
        if text == "#" {
            return Err(cursor.error(Problem::LoneHash));
        }
        let block = text::template(&mut cursor)?;
        let body = match &*block {
            [] => Body::Constant("".into()),
            [(_, Node::Text(constant))] => Body::Constant(constant.clone()),
            _ => Body::Program(block, cursor.names()),
        };
        Ok(Self { body })
    }

    /// The output, when it does not depend on the request.
    pub fn constant(&self) -> Option<&str> {
        match &self.body {
            Body::Constant(text) => Some(text),
            Body::Program(..) => None,
        }
    }

    /// The output over `scope`. What the template made is left in `heap`.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(&self, scope: &mut dyn Scope, heap: &mut Heap) -> Result<String, RenderError> {
        match &self.body {
            Body::Constant(text) => Ok(text.to_string()),
            Body::Program(block, names) => machine::run(block, *names, scope, heap),
        }
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
