//! Paths over a document.

use proptest::prelude::*;

use super::*;
use crate::heap::Heap;
use crate::limits::{Limits, RenderError};

const STORE: &str = r#"{
    "book": [
        { "title": "Moby Dick", "price": 8.99, "isbn": "0-553", "tags": ["sea", "whale"] },
        { "title": "The Lord of the Rings", "price": 22.99, "tags": [] },
        { "title": "Sayings", "price": 8, "author": null }
    ],
    "bicycle": { "color": "red", "price": 19.95 },
    "limit": 10, "a.b": 1, "c-d": 2, "with blank": 3, "@type": "T", "nums": [3, 1, 2]
}"#;

fn find(path: &str) -> Option<String> {
    let mut heap = Heap::new(Limits::default());
    let document = heap.read_json(STORE).unwrap().unwrap();
    let found = Path::parse(path).unwrap().find(&mut heap, &document).unwrap()?;
    Some(heap.json(&found).unwrap())
}

/// rest-data-plane §5.2: a definite path answers the value.
#[test]
fn definite_paths_find_their_value() {
    for (path, value) in [
        ("$.bicycle.color", r#""red""#),
        ("book[0].price", "8.99"),
        ("$['book'][1]['title']", r#""The Lord of the Rings""#),
        ("$.book[-1].price", "8"),
        ("$['a.b']", "1"),
        ("$.c-d", "2"),
        ("$.with blank", "3"),
        ("$.@type", r#""T""#),
        ("$.bicycle['color','price']", r#"{"color":"red","price":19.95}"#),
        ("$.book[2].author", "null"),
        ("$.book.length()", "3"),
        ("$.bicycle.keys()", r#"["color","price"]"#),
        ("$.nums.max()", "3.0"),
        ("$.nums.avg()", "2.0"),
    ] {
        assert_eq!(find(path).as_deref(), Some(value), "{path}");
    }
    for missing in
        ["$.book[7].title", "$.none", "$.bicycle.color.x", "$.bicycle[0]", "$.none.length()", "$.limit.keys()"]
    {
        assert_eq!(find(missing), None, "{missing}");
    }
}

/// rest-data-plane §5.2: an indefinite path always answers a list.
#[test]
fn indefinite_paths_find_lists() {
    for (path, values) in [
        ("$.book[*].price", "[8.99,22.99,8]"),
        ("$..price", "[8.99,22.99,8,19.95]"),
        ("$..tags[0]", r#"["sea"]"#),
        ("$.book[0,2].price", "[8.99,8]"),
        ("$.nums[1:]", "[1,2]"),
        ("$.nums[:2]", "[3,1]"),
        ("$.nums[-1:]", "[2]"),
        ("$.nums[5:9]", "[]"),
        ("$.bicycle.*", r#"["red",19.95]"#),
        ("$.none[*]", "[]"),
        ("$..price.max()", "22.99"),
    ] {
        assert_eq!(find(path).as_deref(), Some(values), "{path}");
    }
}

#[test]
fn filters_choose_elements() {
    let titles = |filter: &str| find(&format!("$.book[?({filter})].price")).unwrap();

    for (filter, prices) in [
        ("@.isbn", "[8.99]"),
        ("!@.isbn", "[22.99,8]"),
        ("@.price < 10", "[8.99,8]"),
        ("@.price<$.limit && @.isbn", "[8.99]"),
        ("@.price == 8 || @.price > 20", "[22.99,8]"),
        ("@.title == 'Sayings'", "[8]"),
        (r#"@['title'] != "Sayings""#, "[8.99,22.99]"),
        ("@.title =~ /.*lord.*/i", "[22.99]"),
        ("@.title =~ /lord/", "[]"),
        ("@.price in [8, 22.99]", "[22.99,8]"),
        ("@.price nin [8]", "[8.99,22.99]"),
        ("@.tags contains 'sea'", "[8.99]"),
        ("@.tags empty true", "[22.99]"),
        ("@.tags size 2", "[8.99]"),
        ("@.tags anyof ['whale', 'x']", "[8.99]"),
        ("@.author == null", "[8]"),
        ("(@.price > 1) && !(@.price > 8.5)", "[8]"),
        ("@.tags[?(@ == 'sea')]", "[8.99]"),
    ] {
        assert_eq!(titles(filter), prices, "{filter}");
    }
    assert_eq!(find("$.nums[?(@ > 1)]").as_deref(), Some("[3,2]"));
}

#[test]
fn what_is_malformed_is_refused() {
    for path in
        ["$.", "a.", "a[", "a[1", "$..", "$[?(@.x]", "$[?@.x)]", "$.a.nothing()", "$.a*", "$[a]", "$[?()]", "$['a"]
    {
        assert!(Path::parse(path).is_err(), "{path}");
    }
    assert!(Path::parse(&format!("${}", "[?(@".repeat(5000))).is_err());
}

#[test]
fn repeated_descents_run_out_of_steps() {
    let mut heap = Heap::new(Limits::default());
    let nested = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let document = heap.read_json(&nested).unwrap().unwrap();

    let found = Path::parse("$..*..*..*..*..*").unwrap().find(&mut heap, &document);

    assert!(matches!(found, Err(RenderError::Steps | RenderError::Memory)));
}

proptest! {
    #[test]
    fn no_path_panics(path in r#"[$@.\[\]?()'a-c0-3:,*!=~/<>& |-]{0,24}"#) {
        let mut heap = Heap::new(Limits { steps: 5_000, ..Limits::default() });
        let document = heap.read_json(r#"{"a":[{"b":1},{"b":2,"c":"x"}],"b":{"a":null}}"#).unwrap().unwrap();
        if let Ok(path) = Path::parse(&path) {
            drop(path.find(&mut heap, &document));
        }
    }
}
