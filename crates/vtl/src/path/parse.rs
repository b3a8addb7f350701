//! Paths from their text.

use super::{Filter, Function, InvalidPath, Path, Step};
use crate::limits::NESTING;

/// Functions by name.
const FUNCTIONS: [(&str, Function); 9] = [
    ("length", Function::Length),
    ("size", Function::Length),
    ("min", Function::Min),
    ("max", Function::Max),
    ("avg", Function::Avg),
    ("sum", Function::Sum),
    ("keys", Function::Keys),
    ("first", Function::First),
    ("last", Function::Last),
];

/// Text that is read from the front.
pub(super) struct Reader<'t> {
    pub(super) rest: &'t str,
    depth: usize,
}

impl Path {
    /// Parses a path; the leading `$` or `$.` may be left out, as parameter mappings write it (rest-data-plane §4.1).
    ///
    /// # Errors
    /// [`InvalidPath`].
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let mut reader = Reader { rest: text.trim(), depth: 0 };
        let path = if reader.eat("$") { reader.steps(true) } else { reader.rootless() };
        path.filter(|_| reader.rest.is_empty()).ok_or_else(|| InvalidPath(text.to_owned()))
    }
}

impl<'t> Reader<'t> {
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    pub(super) fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nest<T>(&mut self, inner: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= NESTING {
            return None;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn rootless(&mut self) -> Option<Path> {
        if self.rest.is_empty() || self.rest.starts_with(['.', '[']) {
            return self.steps(true);
        }
        let mut steps = Vec::new();
        match self.named(&mut steps)? {
            Some(_) => None,
            None => self.more(steps, true),
        }
    }

    /// The steps behind `$` or `@`. `whole`: the path is all there is, so that names may hold blanks and operators.
    pub(super) fn steps(&mut self, whole: bool) -> Option<Path> {
        self.more(Vec::new(), whole)
    }

    fn more(&mut self, mut steps: Vec<Step>, whole: bool) -> Option<Path> {
        let mut function = None;
        while function.is_none() {
            if self.rest.starts_with("[") {
                self.bracket(&mut steps)?;
            } else if self.eat("..") {
                steps.push(Step::Deep);
                match self.rest.starts_with("[") {
                    true => self.bracket(&mut steps)?,
                    false => function = self.step_name(&mut steps, whole)?,
                }
            } else if self.eat(".") {
                function = self.step_name(&mut steps, whole)?;
            } else {
                break;
            }
        }
        Some(Path { steps: steps.into(), function })
    }

    fn step_name(&mut self, steps: &mut Vec<Step>, whole: bool) -> Option<Option<Function>> {
        if whole { self.named(steps) } else { self.name_within(steps) }
    }

    /// A name, `*`, or a function.
    fn named(&mut self, steps: &mut Vec<Step>) -> Option<Option<Function>> {
        let name = self.take_while(|c| !matches!(c, '.' | '[' | ']' | '(' | ')' | '\'' | '"'));
        self.name_or_function(name, steps)
    }

    /// In a filter, where operators and blanks end a name.
    fn name_within(&mut self, steps: &mut Vec<Step>) -> Option<Option<Function>> {
        let ends = |c: char| c.is_whitespace() || ".[]()'\"=<>!&|,~".contains(c);
        let name = self.take_while(|c| !ends(c));
        self.name_or_function(name, steps)
    }

    fn name_or_function(&mut self, name: &str, steps: &mut Vec<Step>) -> Option<Option<Function>> {
        if name.is_empty() || name.contains('?') {
            return None;
        }
        if self.eat("(") {
            self.space();
            let function = FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)?;
            return self.eat(")").then_some(Some(function));
        }
        match name {
            "*" => steps.push(Step::All),
            name if name.contains('*') => return None,
            name => steps.push(Step::Names([name.into()].into())),
        }
        Some(None)
    }

    fn bracket(&mut self, steps: &mut Vec<Step>) -> Option<()> {
        self.eat("[");
        self.space();
        let step = match self.rest.chars().next()? {
            '\'' | '"' => self.quoted_names()?,
            '*' => {
                self.eat("*");
                Step::All
            }
            '?' => {
                self.eat("?");
                self.space();
                if !self.eat("(") {
                    return None;
                }
                let filter = self.nest(Filter::parse)?;
                self.space();
                if !self.eat(")") {
                    return None;
                }
                Step::Filter(filter)
            }
            _ => self.numbers()?,
        };
        steps.push(step);
        self.space();
        self.eat("]").then_some(())
    }

    fn quoted_names(&mut self) -> Option<Step> {
        let mut names = Vec::new();
        loop {
            self.space();
            names.push(self.quoted()?.into());
            self.space();
            if !self.eat(",") {
                return Some(Step::Names(names.into()));
            }
        }
    }

    /// A string in either quotes; a backslash takes the next character as it is.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let mut chars = self.rest.chars();
        let quote = chars.next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut text = String::new();
        loop {
            match chars.next()? {
                '\\' => text.push(chars.next()?),
                c if c == quote => break,
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    /// `0`, `-1`, `0,1`, `1:3`, `:3`, `-2:`.
    fn numbers(&mut self) -> Option<Step> {
        let text = self.take_while(|c| c != ']');
        let number = |text: &str| text.trim().parse::<i64>().ok();
        let Some((from, to)) = text.split_once(':') else {
            return text.split(',').map(number).collect::<Option<Box<[_]>>>().map(Step::Indexes);
        };
        let end = |text: &str| match text.trim() {
            "" => Some(None),
            text => number(text).map(Some),
        };
        Some(Step::Slice(end(from)?, end(to)?))
    }
}
