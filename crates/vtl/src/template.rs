//! Parsing of templates.

/// Directives of Velocity 1.7 that API Gateway executes or rejects (rest-data-plane §5.6); other words after `#` are text.
const DIRECTIVES: [&str; 14] = [
    "set", "if", "elseif", "else", "end", "foreach", "macro", "define", "stop", "evaluate", "return", "parse",
    "include", "break",
];

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    Constant(String),
    Needs(Needs),
}

/// The first thing in a template that is not built yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{what}` at line {line}, column {column}: templates with references and directives are not implemented")]
pub struct Needs {
    /// The reference or directive, as written.
    pub what: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A template that Velocity cannot parse (rest-data-plane §5.6: such a template answers 500 on AWS).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The last character is a lone `$`.
    #[error("a lone `$` ends the template")]
    TrailingDollar,
    /// `#*` without `*#`.
    #[error("a comment is not closed")]
    OpenComment,
}

impl Template {
    /// Parses `text`.
    ///
    /// # Errors
    /// [`ParseError`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut constant = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '#']) {
            let (before, tail) = rest.split_at(at);
            constant.push_str(before);
            if let Some(what) = reference(tail).or_else(|| directive(tail)) {
                let read = text.len() - tail.len();
                return Ok(Self { body: Body::Needs(needs(what, text.get(..read).unwrap_or_default())) });
            }
            rest = skip_comment(tail)?.unwrap_or_else(|| {
                constant.extend(tail.chars().next());
                tail.get(1..).unwrap_or_default()
            });
            if tail == "$" {
                return Err(ParseError::TrailingDollar);
            }
        }
        constant.push_str(rest);
        Ok(Self { body: Body::Constant(constant) })
    }

    /// The output, when it does not depend on the request.
    pub fn constant(&self) -> Option<&str> {
        match &self.body {
            Body::Constant(text) => Some(text),
            Body::Needs(_) => None,
        }
    }

    /// What this template needs that is not built yet.
    pub fn needs(&self) -> Option<&Needs> {
        match &self.body {
            Body::Constant(_) => None,
            Body::Needs(needs) => Some(needs),
        }
    }
}

fn needs(what: &str, before: &str) -> Needs {
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Needs { what: what.to_owned(), line: before.matches('\n').count() + 1, column }
}

/// `$name`, `${name`, `$!name`, `$!{name`, up to the first character that is no word.
fn reference(tail: &str) -> Option<&str> {
    let after = tail.strip_prefix('$')?;
    let name = after.strip_prefix('!').unwrap_or(after);
    let name = name.strip_prefix('{').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then(|| word(tail, tail.len() - name.len()))
}

/// `#name` or `#{name}` of a directive.
fn directive(tail: &str) -> Option<&str> {
    let after = tail.strip_prefix('#')?;
    let name = after.strip_prefix('{').unwrap_or(after);
    let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    let known = DIRECTIVES.contains(&name.get(..end).unwrap_or_default());
    known.then(|| word(tail, tail.len() - name.len()))
}

/// `tail` up to the end of the word that begins at `from`.
fn word(tail: &str, from: usize) -> &str {
    let rest = tail.get(from..).unwrap_or_default();
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    tail.get(..from + length).unwrap_or(tail)
}

/// What follows a comment at the start of `tail`, if there is one. A line comment takes its line end along.
fn skip_comment(tail: &str) -> Result<Option<&str>, ParseError> {
    if let Some(comment) = tail.strip_prefix("##") {
        return Ok(Some(comment.split_once('\n').map_or("", |(_, rest)| rest)));
    }
    match tail.strip_prefix("#*") {
        Some(comment) => comment.split_once("*#").map(|(_, rest)| Some(rest)).ok_or(ParseError::OpenComment),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_without_references_is_itself_and_comments_go() {
        for (text, output) in [
            ("{\"a\": 1}", "{\"a\": 1}"),
            ("Hello $ you", "Hello $ you"),
            ("#13ff93 \"#\"", "#13ff93 \"#\""),
            ("a ## gone\nb", "a b"),
            ("a#* gone *#b", "ab"),
            ("$5 and $.x", "$5 and $.x"),
        ] {
            assert_eq!(Template::parse(text).unwrap().constant(), Some(output), "{text}");
        }
    }

    #[test]
    fn the_first_reference_or_directive_is_named_with_its_place() {
        for (text, what, line, column) in [
            ("{\n  \"a\": $input.json('$')", "$input", 2, 8),
            ("$!{x}", "$!{x", 1, 1),
            ("a #set($b = 1)", "#set", 1, 3),
            ("#{else}", "#{else", 1, 1),
        ] {
            let template = Template::parse(text).unwrap();
            let needs = template.needs().unwrap();
            assert_eq!((needs.what.as_str(), needs.line, needs.column), (what, line, column), "{text}");
        }
    }

    #[test]
    fn what_velocity_rejects_is_rejected() {
        assert_eq!(Template::parse("a $"), Err(ParseError::TrailingDollar));
        assert_eq!(Template::parse("#* a"), Err(ParseError::OpenComment));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[#$*{}a-z!\\n ü]{0,24}") {
            drop(Template::parse(&text));
        }
    }
}
