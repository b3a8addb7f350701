//! Request bodies read member by member, with AWS's `SerializationException` and `ValidationException` texts.

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::{AwsError, ErrorCode};

/// The members of a JSON object; `null` reads as an object without members (rest-admin-api §2.1: unknown ones are ignored).
#[derive(Clone, Copy)]
pub struct Members<'a>(&'a Value);

type Read<T> = Result<T, AwsError>;

impl<'a> Members<'a> {
    /// Reads `value`, which must be an object or null.
    ///
    /// # Errors
    /// `SerializationException`, as of every function here.
    pub fn of(value: &'a Value) -> Read<Self> {
        match value {
            Value::Null | Value::Object(_) => Ok(Self(value)),
            other => Err(wrong(other, "Structure")),
        }
    }

    fn member(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the member is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// A string.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn text(&self, name: &str) -> Read<Option<String>> {
        self.member(name).map(text).transpose()
    }

    /// A boolean.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn flag(&self, name: &str) -> Read<Option<bool>> {
        self.member(name).map(|value| value.as_bool().ok_or_else(|| wrong(value, "Boolean"))).transpose()
    }

    /// A number with a fraction.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn double(&self, name: &str) -> Read<Option<f64>> {
        self.member(name).map(|value| value.as_f64().ok_or_else(|| wrong(value, "Double"))).transpose()
    }

    /// An integer; a fraction is cut off, as AWS's `TruncatingBigNumber` does.
    ///
    /// # Errors
    /// When it is no number.
    pub fn integer(&self, name: &str) -> Read<Option<i64>> {
        #[expect(clippy::cast_possible_truncation, reason = "truncation is what AWS does; out of range saturates")]
        let whole = |value: &Value| value.as_i64().or_else(|| value.as_f64().map(|number| number as i64));
        self.member(name).map(|value| whole(value).ok_or_else(|| wrong(value, "Integer"))).transpose()
    }

    /// A list of strings.
    ///
    /// # Errors
    /// When it is of another type, or an entry is.
    pub fn texts(&self, name: &str) -> Read<Option<Vec<String>>> {
        let list = |value: &'a Value| {
            value.as_array().ok_or_else(|| wrong(value, "List"))?.iter().map(text).collect::<Read<Vec<_>>>()
        };
        self.member(name).map(list).transpose()
    }

    /// A list of anything; absent reads as an empty one.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn list(&self, name: &str) -> Read<&'a [Value]> {
        let list = self.member(name).map(|value| value.as_array().ok_or_else(|| wrong(value, "List"))).transpose()?;
        Ok(list.map_or(&[][..], Vec::as_slice))
    }

    /// A structure; absent reads as one without members.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn structure(&self, name: &str) -> Read<Option<Members<'a>>> {
        self.member(name).map(Members::of).transpose()
    }

    /// A map whose values `read` understands.
    ///
    /// # Errors
    /// When it is of another type, or a value is.
    pub fn map<T>(&self, name: &str, read: impl Fn(&Value) -> Read<T>) -> Read<Option<BTreeMap<String, T>>> {
        let entries = |value: &Value| {
            let object = value.as_object().ok_or_else(|| wrong(value, "Map"))?;
            object.iter().map(|(key, value)| Ok((key.clone(), read(value)?))).collect::<Read<BTreeMap<_, _>>>()
        };
        self.member(name).map(entries).transpose()
    }
}

/// A string value.
///
/// # Errors
/// When it is of another type.
pub fn text(value: &Value) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong(value, "String"))
}

/// A boolean value.
///
/// # Errors
/// When it is of another type.
pub fn flag(value: &Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| wrong(value, "Boolean"))
}

/// A template: `""` and null are both kept as null (rest-admin-api §3.6).
///
/// # Errors
/// When it is of another type.
pub fn template(value: &Value) -> Read<Option<String>> {
    match value {
        Value::Null => Ok(None),
        value => Ok(Some(text(value)?).filter(|text| !text.is_empty())),
    }
}

/// AWS's texts for a value of the wrong type [V a]; "an String" is AWS's.
fn wrong(found: &Value, wanted: &str) -> AwsError {
    let message = match found {
        Value::Object(_) => "Start of structure or map found where not expected.".to_owned(),
        Value::Array(_) => "Start of list found where not expected".to_owned(),
        Value::Null => format!("null can not be converted to an {wanted}"),
        Value::Bool(_) => format!("class java.lang.Boolean can not be converted to an {wanted}"),
        Value::String(_) => format!("class java.lang.String can not be converted to an {wanted}"),
        Value::Number(_) => {
            format!("class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an {wanted}")
        }
    };
    AwsError::new(ErrorCode::Serialization, message)
}

/// Collects constraint failures of one request into one `ValidationException` (rest-admin-api §2.4).
#[derive(Default)]
pub struct Constraints {
    input: String,
    failures: Vec<String>,
}

impl Constraints {
    /// For the input of `operation` (`CreateRestApi`): paths are printed as `createRestApiInput.…`.
    pub fn of(operation: &str) -> Self {
        let mut name = operation.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        Self { input: format!("{name}Input"), failures: Vec::new() }
    }

    fn fail(&mut self, value: &str, at: &str, constraint: &str) {
        self.failures.push(format!("Value {value} at '{at}' failed to satisfy constraint: {constraint}"));
    }

    /// A member that must be there.
    pub fn required(&mut self, path: &str, there: bool) {
        if !there {
            let at = format!("{}.{path}", self.input);
            self.fail("null", &at, "Member must not be null");
        }
    }

    /// A member with a closed set of values, in AWS's order.
    pub fn one_of(&mut self, path: &str, value: Option<&str>, set: &[&str]) {
        if let Some(value) = value.filter(|value| !set.contains(value)) {
            let at = format!("{}.{path}", self.input);
            self.fail(&format!("'{value}'"), &at, &enum_set(set));
        }
    }

    /// A list whose entries have a closed set of values.
    pub fn each_of(&mut self, path: &str, values: &[String], set: &[&str]) {
        if values.iter().any(|value| !set.contains(&value.as_str())) {
            let at = format!("{}.{path}", self.input);
            let constraint = format!("Member must satisfy constraint: [{}]", enum_set(set));
            self.fail(&format!("'[{}]'", values.join(", ")), &at, &constraint);
        }
    }

    /// A status code in the URI.
    pub fn status_code(&mut self, status: &str) {
        if !is_status(status) {
            let constraint = r"Member must satisfy regular expression pattern: [1-5]\d\d";
            self.fail(&format!("'{status}'"), "statusCode", constraint);
        }
    }

    /// A member that holds a status code, or is absent.
    pub fn status_in_body(&mut self, path: &str, status: Option<&str>) {
        self.pattern(path, status, r"[1-5]\d\d", is_status);
    }

    /// A member that fits `fits`, which AWS's model writes as `pattern`.
    pub fn pattern(&mut self, path: &str, value: Option<&str>, pattern: &str, fits: fn(&str) -> bool) {
        if let Some(value) = value.filter(|value| !fits(value)) {
            let at = format!("{}.{path}", self.input);
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            self.fail(&format!("'{value}'"), &at, &constraint);
        }
    }

    /// A label or a query parameter with a closed set of values.
    pub fn uri_one_of(&mut self, name: &str, value: Option<&str>, set: &[&str]) {
        if let Some(value) = value.filter(|value| !set.contains(value)) {
            self.fail(&format!("'{value}'"), name, &enum_set(set));
        }
    }

    /// All failures, or nothing.
    ///
    /// # Errors
    /// `ValidationException` naming every failed constraint.
    pub fn check(self) -> Read<()> {
        let count = self.failures.len();
        if count == 0 {
            return Ok(());
        }
        let noun = if count == 1 { "error" } else { "errors" };
        let text = format!("{count} validation {noun} detected: {}", self.failures.join("; "));
        Err(AwsError::new(ErrorCode::Validation, text))
    }
}

/// `[1-5]\d\d`.
pub(crate) fn is_status(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'])
}

fn enum_set(set: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", set.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn constraint_failures_are_counted_and_joined() {
        let mut constraints = Constraints::of("CreateRestApi");
        constraints.each_of("endpointConfiguration.types", &["X".into()], &["PRIVATE", "EDGE"]);
        constraints.one_of("endpointConfiguration.ipAddressType", Some("v9"), &["ipv4", "dualstack"]);

        let error = constraints.check().unwrap_err();

        assert_eq!(
            error.message(),
            "2 validation errors detected: Value '[X]' at 'createRestApiInput.endpointConfiguration.types' failed to \
             satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE]]; \
             Value 'v9' at 'createRestApiInput.endpointConfiguration.ipAddressType' failed to satisfy constraint: \
             Member must satisfy enum value set: [ipv4, dualstack]"
        );
    }

    #[test]
    fn wrong_types_are_named_as_aws_names_them() {
        let body = json!({ "name": true, "version": 3, "flag": "x" });
        let members = Members::of(&body).unwrap();

        assert_eq!(
            members.text("name").unwrap_err().message(),
            "class java.lang.Boolean can not be converted to an String"
        );
        assert!(members.text("version").unwrap_err().message().contains("TruncatingBigNumber"));
        assert!(members.flag("flag").is_err() && members.text("absent").unwrap().is_none());
    }
}
