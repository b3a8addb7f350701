//! JSON Schema text in one form, whatever order and spacing its author chose.

use serde_json::{Map, Value};

/// Sorted keys, no blanks, references to models of this API without the API's id. Text that is no JSON stays as it is.
pub(crate) fn schema(text: &str, api_id: &str) -> String {
    let Ok(value) = serde_json::from_str(text) else { return text.to_owned() };
    let own = format!("/restapis/{api_id}/models/");
    sorted(value).to_string().replace(&own, "/restapis/-/models/")
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_spacing_and_the_own_api_id_do_not_matter() {
        let one = schema(r#"{"b": {"$ref": "https://x/restapis/abc/models/Pet"}, "a": [1, {"d": 2, "c": 3}]}"#, "abc");
        let two = schema(r#"{"a":[1,{"c":3,"d":2}],"b":{"$ref":"https://x/restapis/xyz/models/Pet"}}"#, "xyz");

        assert_eq!(one, two);
    }
}
