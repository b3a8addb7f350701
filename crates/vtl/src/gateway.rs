//! What API Gateway puts around a template: `$input`, `$util`, `$context` and `$stageVariables` (rest-data-plane §5.2,
//! §5.4), and the overrides a template leaves behind (§5.5).

mod context;
mod input;
mod util;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::heap::{Heap, MapId, MapKind, Value};
use crate::limits::{Limits, RenderError};
use crate::scope::Scope;
use crate::shared::Text;
use crate::template::Template;

pub use context::Overrides;

/// Where a parameter of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A variable of the resource's path.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
}

/// What a template can learn of a request. In a response template the body is the integration's, all else is still
/// the client's (rest-data-plane §5.1).
pub trait Facts {
    /// The body as text.
    fn body(&self) -> Cow<'_, str>;

    /// The last value of a parameter.
    fn parameter(&self, place: Place, name: &str) -> Option<Cow<'_, str>>;

    /// All parameters of a place, in order; of a name that comes twice the last value counts.
    fn parameters(&self, place: Place) -> Vec<(Cow<'_, str>, Cow<'_, str>)>;

    /// The variable of `$context` with this name, dots included.
    fn context(&self, name: &str) -> Option<Cow<'_, str>>;

    /// Members of `$context` beside those that every request has, as a JSON object: `authorizer` and the like.
    fn more_context(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// The stage's variables.
    fn stage_variables(&self) -> &BTreeMap<String, String>;
}

/// The output of `template` for a request. Reads and replaces `overrides`: what the request template set, the response
/// template sees.
///
/// # Errors
/// [`RenderError`].
pub fn transform(
    template: &Template,
    facts: &dyn Facts,
    overrides: &mut Overrides,
    limits: &Limits,
) -> Result<String, RenderError> {
    render(template, facts, overrides, limits, false)
}

/// `eagerly`: with all of `$context` and `$stageVariables` made beforehand, which must change nothing.
pub(crate) fn render(
    template: &Template,
    facts: &dyn Facts,
    overrides: &mut Overrides,
    limits: &Limits,
    eagerly: bool,
) -> Result<String, RenderError> {
    let mut heap = Heap::new(*limits);
    let mut gateway = Gateway { facts, overrides, context: None, variables: None, body: None, document: None };
    if eagerly {
        gateway.variable("context", &mut heap)?;
        gateway.variable("stageVariables", &mut heap)?;
    }
    let output = template.render(&mut gateway, &mut heap)?;
    if let Some(context) = gateway.context {
        *overrides = context::collect(&mut heap, context)?;
    }
    Ok(output)
}

const INPUT: u8 = 0;
const UTIL: u8 = 1;

/// The surroundings of one rendering; what is asked for is made once.
struct Gateway<'a> {
    facts: &'a dyn Facts,
    overrides: &'a Overrides,
    context: Option<MapId>,
    variables: Option<MapId>,
    body: Option<Text>,
    /// The body as JSON; null when it is none.
    document: Option<Value>,
}

impl Scope for Gateway<'_> {
    fn variable(&mut self, name: &str, heap: &mut Heap) -> Result<Value, RenderError> {
        match name {
            "input" => Ok(Value::Host(INPUT)),
            "util" => Ok(Value::Host(UTIL)),
            "context" => {
                let known = self.context.map_or_else(|| context::build(heap, self.facts, self.overrides), Ok)?;
                self.context = Some(known);
                Ok(Value::Map(known))
            }
            "stageVariables" => {
                let known = self.variables.map_or_else(|| variables(heap, self.facts), Ok)?;
                self.variables = Some(known);
                Ok(Value::Map(known))
            }
            _ => Ok(Value::Null),
        }
    }

    /// `$context` is large, and most templates read little of it.
    fn member(
        &mut self,
        name: &str,
        first: &str,
        second: Option<&str>,
        heap: &mut Heap,
    ) -> Result<Option<(Value, usize)>, RenderError> {
        match name {
            "context" if self.context.is_none() => context::peek(heap, self.facts, first, second),
            "stageVariables" if self.variables.is_none() => {
                let value = self.facts.stage_variables().get(first).map(|value| heap.text(value));
                Ok(Some((value.unwrap_or(Ok(Value::Null))?, 1)))
            }
            _ => Ok(None),
        }
    }

    fn property(&mut self, object: u8, name: &str, heap: &mut Heap) -> Result<Value, RenderError> {
        match (object, name) {
            (INPUT, "body") => self.body(heap),
            _ => Ok(Value::Null),
        }
    }

    fn call(&mut self, object: u8, name: &str, arguments: &[Value], heap: &mut Heap) -> Result<Value, RenderError> {
        match object {
            INPUT => self.input(heap, name, arguments),
            _ => util::call(heap, name, arguments),
        }
    }
}

fn variables(heap: &mut Heap, facts: &dyn Facts) -> Result<MapId, RenderError> {
    let map = heap.map(MapKind::Plain)?;
    for (name, value) in facts.stage_variables() {
        let value = heap.text(value)?;
        heap.put(map, name, value)?;
    }
    Ok(map)
}

#[cfg(test)]
mod tests;
