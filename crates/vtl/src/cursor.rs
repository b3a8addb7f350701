//! A place in a template's text.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::ast::{Name, Origin};
use crate::limits::NESTING;
use crate::template::{ParseError, Problem};

pub(crate) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    in_string: bool,
    /// A byte of `text` with its line and column in the whole template: lines are counted on from here.
    known: Cell<(usize, usize, usize)>,
    /// Where `text` begins in the whole template, for texts that are strings within it.
    origin: (usize, usize),
    /// Names so far, in the whole template, by their numbers.
    names: Rc<RefCell<HashMap<Box<str>, usize>>>,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            in_string: false,
            known: Cell::new((0, 1, 1)),
            origin: (1, 1),
            names: Rc::default(),
        }
    }

    /// A cursor over a string literal's text, at the literal's place and depth.
    pub(crate) fn within<'s>(&self, text: &'s str, start: usize) -> Cursor<'s> {
        let origin = self.place(start);
        let known = Cell::new((0, origin.0, origin.1));
        Cursor { text, at: 0, depth: self.depth, in_string: true, known, origin, names: self.names.clone() }
    }

    /// A variable's name, the same one wherever it stands.
    pub(crate) fn name(&self, text: &str) -> Name {
        let mut names = self.names.borrow_mut();
        let next = names.len();
        let slot = *names.entry(text.into()).or_insert(next);
        Name { text: text.into(), slot }
    }

    /// How many names there are.
    pub(crate) fn names(&self) -> usize {
        self.names.borrow().len()
    }

    /// Whether this is a string's text and not the template's own.
    pub(crate) fn in_string(&self) -> bool {
        self.in_string
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn between(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn starts_with(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    /// Moves on by `bytes`, which end a character.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at = self.text.len().min(self.at + bytes);
    }

    /// Goes back to a place it has been at.
    pub(crate) fn reset(&mut self, at: usize) {
        self.at = at;
    }

    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.skip(text.len());
        }
        found
    }

    pub(crate) fn expect(&mut self, text: &'static str) -> Result<(), ParseError> {
        if self.eat(text) { Ok(()) } else { Err(self.error(Problem::Expected(text))) }
    }

    /// The characters from here that `belongs` accepts.
    pub(crate) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.skip(end);
        rest.get(..end).unwrap_or_default()
    }

    /// Blanks, tabs and line ends: what may stand between the parts of an expression.
    pub(crate) fn skip_space(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
    }

    /// Blanks and the line end behind them, which a directive takes along; nothing when there is no line end.
    pub(crate) fn skip_line_end(&mut self) {
        let start = self.at;
        self.take_while(|c| matches!(c, ' ' | '\t'));
        if !(self.eat("\r\n") || self.eat("\n") || self.eat("\r")) {
            self.reset(start);
        }
    }

    /// Runs `inner` one level deeper.
    pub(crate) fn nest<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth >= NESTING {
            return Err(self.error(Problem::TooDeep));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    pub(crate) fn error(&self, problem: Problem) -> ParseError {
        self.error_at(self.at, problem)
    }

    pub(crate) fn error_at(&self, at: usize, problem: Problem) -> ParseError {
        let (line, column) = self.place(at);
        ParseError { problem, line, column }
    }

    /// Where the byte is written in the whole template.
    pub(crate) fn origin(&self, at: usize) -> Origin {
        let (line, column) = self.place(at);
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Origin { line: number(line), column: number(column) }
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let (byte, line, column) = match self.known.get() {
            known if known.0 <= at => known,
            _ => (0, self.origin.0, self.origin.1),
        };
        let between = self.between(byte, at);
        let behind = between.rsplit('\n').next().unwrap_or_default().chars().count();
        let place = match between.bytes().filter(|byte| *byte == b'\n').count() {
            0 => (line, column + behind),
            lines => (line + lines, behind + 1),
        };
        self.known.set((at, place.0, place.1));
        place
    }
}
