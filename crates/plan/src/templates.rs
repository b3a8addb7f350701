//! Which template a message is mapped with (rest-data-plane §5.3).

use std::collections::BTreeMap;

use stagecoach_vtl::{ParseError, Template};

use crate::ir::Passthrough;

/// A direction's templates by media type.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    media_type: Box<str>,
    /// `None`: an empty template, which forces pass-through.
    template: Option<Template>,
}

/// What to do with a body.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// Leave it as it is.
    Pass,
    /// Put the template's output in its place. The text is the template's media type.
    Render(&'a Template, &'a str),
    /// 415.
    Refuse,
}

impl Templates {
    /// Parses all templates of a direction; answers the media type of the first that does not parse with its problem.
    ///
    /// # Errors
    /// The media type and what is wrong.
    pub fn parse(texts: &BTreeMap<String, String>) -> Result<Self, (String, ParseError)> {
        let entry = |(media_type, text): (&String, &String)| {
            let template = Some(text).filter(|text| !text.is_empty()).map(|text| Template::parse(text)).transpose();
            let template = template.map_err(|error| (media_type.clone(), error))?;
            Ok(Entry { media_type: media_type.as_str().into(), template })
        };
        Ok(Self { entries: texts.iter().map(entry).collect::<Result<_, _>>()? })
    }

    fn get(&self, media_type: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.media_type == media_type)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// For a request body of `content_type` (the media type alone).
    pub fn for_request(&self, content_type: &str, passthrough: Passthrough) -> Choice<'_> {
        match (self.get(content_type).or_else(|| self.get("$default")), passthrough) {
            (Some(entry), _) => entry.choice(),
            (None, Passthrough::WhenNoMatch) => Choice::Pass,
            (None, Passthrough::WhenNoTemplates) if self.is_empty() => Choice::Pass,
            (None, _) => Choice::Refuse,
        }
    }

    /// For a response to a client that sent `accept` (the media type alone): the exact one, else JSON, else the first.
    pub fn for_response(&self, accept: &str) -> Choice<'_> {
        let entry = self.get(accept).or_else(|| self.get("application/json")).or_else(|| self.entries.first());
        entry.map_or(Choice::Pass, Entry::choice)
    }
}

impl Entry {
    fn choice(&self) -> Choice<'_> {
        self.template.as_ref().map_or(Choice::Pass, |template| Choice::Render(template, &self.media_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(pairs: &[(&str, &str)]) -> Templates {
        Templates::parse(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()).unwrap()
    }

    fn request(templates: &Templates, content_type: &str, passthrough: Passthrough) -> String {
        match templates.for_request(content_type, passthrough) {
            Choice::Pass => "pass".into(),
            Choice::Render(template, _) => template.constant().unwrap().into(),
            Choice::Refuse => "415".into(),
        }
    }

    /// A deployment is refused with these words.
    #[test]
    fn a_template_that_does_not_parse_is_named_with_line_and_column() {
        let texts = BTreeMap::from([("application/json".to_owned(), "{\n #if($x)".to_owned())]);

        let (media_type, error) = Templates::parse(&texts).unwrap_err();

        assert_eq!(media_type, "application/json");
        assert_eq!(error.to_string(), "`#if` without `#end` at line 2, column 9");
    }

    #[test]
    fn passthrough_decides_what_happens_to_unmatched_bodies() {
        let some = templates(&[("application/json", "J"), ("text/plain", "")]);
        let none = templates(&[]);
        use Passthrough::{Never, WhenNoMatch, WhenNoTemplates};

        assert_eq!(request(&some, "application/json", Never), "J");
        assert_eq!(request(&some, "text/plain", Never), "pass");
        let unmatched = [WhenNoMatch, WhenNoTemplates, Never].map(|p| request(&some, "text/xml", p));
        assert_eq!(unmatched, ["pass", "415", "415"]);
        assert_eq!([WhenNoMatch, WhenNoTemplates, Never].map(|p| request(&none, "a/b", p)), ["pass", "pass", "415"]);
        assert_eq!(request(&templates(&[("$default", "D")]), "a/b", Never), "D");
    }
}
