//! Bytes to one JSON document, and looking around in it.

use serde_json::Value;
use stagecoach_base::{AwsError, Scope, limits};

/// The two dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Swagger2,
    OpenApi3,
}

impl Dialect {
    /// Where named schemas are, as a JSON pointer.
    pub(crate) fn schemas(self) -> &'static str {
        match self {
            Self::Swagger2 => "/definitions",
            Self::OpenApi3 => "/components/schemas",
        }
    }

    /// What local references to schemas begin with.
    pub(crate) fn schema_prefix(self) -> &'static str {
        match self {
            Self::Swagger2 => "#/definitions/",
            Self::OpenApi3 => "#/components/schemas/",
        }
    }

    /// Where security schemes are, as a JSON pointer.
    pub(crate) fn security_schemes(self) -> &'static str {
        match self {
            Self::Swagger2 => "/securityDefinitions",
            Self::OpenApi3 => "/components/securitySchemes",
        }
    }
}

/// A parsed file.
pub(crate) struct Document {
    pub(crate) root: Value,
    pub(crate) dialect: Dialect,
}

/// AWS's text for what it cannot read at all [V i].
pub(crate) fn invalid() -> AwsError {
    AwsError::bad_request("Invalid OpenAPI input.")
}

/// How deep a document may nest. Deeper ones are no API definitions and would cost stack.
const DEEPEST: usize = 100;

impl Document {
    /// Parses JSON or YAML, whichever it is; the content type is not asked (rest-admin-api §2.1).
    pub(crate) fn parse(bytes: &[u8], scope: &Scope) -> Result<Self, AwsError> {
        if bytes.len() > limits::IMPORT_BYTES {
            let text = format!("The definition exceeds the maximum of {} bytes.", limits::IMPORT_BYTES);
            return Err(AwsError::bad_request(text));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| invalid())?;
        let text = substitute(text.trim_start_matches('\u{feff}'), scope);
        let json = text.trim_start().starts_with('{');
        let parsed = if json { serde_json::from_str(&text).ok() } else { None };
        // A YAML flow mapping starts with a brace too.
        let root: Value = match parsed {
            Some(root) => root,
            None => serde_saphyr::from_str(&text).map_err(|_| invalid())?,
        };
        if depth(&root) > DEEPEST {
            return Err(invalid());
        }
        let dialect = match (root.get("swagger"), root.get("openapi")) {
            (Some(version), _) if is_version(version, "2") => Dialect::Swagger2,
            (_, Some(version)) if is_version(version, "3") => Dialect::OpenApi3,
            _ => return Err(invalid()),
        };
        Ok(Self { root, dialect })
    }

    /// The object that a local `$ref` in `value` names, else `value` itself. References are followed a few steps only,
    /// so that a circle ends.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..8 {
            let target = value.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            match target.and_then(|pointer| self.root.pointer(pointer)) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    /// Members of the object at a pointer.
    pub(crate) fn members(&self, pointer: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.root.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
    }
}

fn is_version(value: &Value, major: &str) -> bool {
    match value {
        Value::String(text) => text.starts_with(major),
        Value::Number(number) => number.to_string().starts_with(major),
        _ => false,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// `${AWS::AccountId}` and its kin, anywhere in the text [D DG:import-api-aws-variables].
fn substitute(text: &str, scope: &Scope) -> String {
    let variables = [
        ("${AWS::AccountId}", &scope.account),
        ("${AWS::Partition}", &scope.partition),
        ("${AWS::Region}", &scope.region),
    ];
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// Text of a string, number or boolean scalar: YAML authors leave quotes out.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The scalar text of a member.
pub(crate) fn text(value: &Value, member: &str) -> Option<String> {
    value.get(member).and_then(scalar)
}
