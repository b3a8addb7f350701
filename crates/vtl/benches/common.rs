//! What both benches run: templates and paths over a request as `worker` hands it over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use stagecoach_vtl::gateway::{Facts, Overrides, Place, transform};
use stagecoach_vtl::{Heap, Limits, Path, Template, Value};

/// A list in, a list out: the everyday template.
pub(crate) const LOOP: &str = r##"#set($root = $input.path('$'))
{
  "requestId": "$context.requestId",
  "tenant": "$input.params('x-tenant')",
  "pets": [
#foreach($pet in $root.pets)
    {
      "id": $pet.id,
      "name": "$util.escapeJavaScript($pet.name)",
      "kind": "$pet.kind",
      "price": $pet.price#if($pet.sold), "sold": true#end
    }#if($foreach.hasNext),#end
#end
  ]
}
"##;

/// Nothing but the body.
pub(crate) const PASS: &str = r#"{"body": $input.json('$'), "stage": "$context.stage"}"#;

pub(crate) const PATH: &str = "$.a.b[0].c";

pub(crate) struct Request {
    pub(crate) body: String,
    variables: BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn new(body: String) -> Self {
        Self { body, variables: BTreeMap::from([("color".to_owned(), "blue".to_owned())]) }
    }

    /// 20 pets, 2 KB.
    pub(crate) fn pets() -> Self {
        let mut body = String::from(r#"{"pets":["#);
        for number in 0..20 {
            let comma = if number > 0 { "," } else { "" };
            let sold = number % 3 == 0;
            let pet = format!(
                r#"{comma}{{"id":{number},"name":"Pet no. {number} \"Rex\"","kind":"some dog","price":{number}.50,"sold":{sold},"notes":"likes tea"}}"#
            );
            body.push_str(&pet);
        }
        body.push_str("]}");
        Self::new(body)
    }
}

impl Facts for Request {
    fn body(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.body)
    }

    fn parameter(&self, place: Place, name: &str) -> Option<Cow<'_, str>> {
        (place == Place::Header && name == "x-tenant").then_some("acme".into())
    }

    fn parameters(&self, place: Place) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        if place == Place::Header { vec![("x-tenant".into(), "acme".into())] } else { Vec::new() }
    }

    fn context(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "requestId" => Some("c6af9ac6-7b61-11e6-9a41-93e8deadbeef".into()),
            "stage" => Some("prod".into()),
            "identity.sourceIp" => Some("127.0.0.1".into()),
            _ => None,
        }
    }

    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

/// 10 KB, with what [`PATH`] names in the middle.
pub(crate) fn document() -> String {
    let mut text = String::from("{");
    for number in 0..90 {
        if number == 45 {
            text.push_str(r#""a":{"x":[1,2],"b":[{"z":null,"c":"found"},{"c":2}]},"#);
        }
        // Writing to a string cannot fail.
        write!(text, r#""member{number:02}":{{"list":[1,2.5,true,null],"text":"{}"}},"#, "x".repeat(60)).unwrap_or(());
    }
    text.push_str(r#""end":0}"#);
    text
}

pub(crate) fn rendered(template: &Template, request: &Request) -> String {
    transform(template, request, &mut Overrides::default(), &Limits::default()).unwrap_or_default()
}

/// The path, from its text, over a document that has been read.
pub(crate) fn found(heap: &mut Heap, root: &Value) -> Option<Value> {
    Path::parse(PATH).ok()?.find(heap, root).ok()?
}

pub(crate) fn read(text: &str) -> (Heap, Value) {
    let mut heap = Heap::new(Limits::default());
    let root = heap.read_json(text).ok().flatten().unwrap_or(Value::Null);
    (heap, root)
}

pub(crate) fn template(text: &str) -> Template {
    Template::parse(text).expect("it parses")
}
