//! One statement, read from its JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// `Effect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Effect {
    /// Allows what nothing denies.
    Allow,
    /// Wins over every `Allow`.
    Deny,
}

/// `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// `"*"` or `{"AWS": "*"}`.
    Anyone,
    /// Kind (`Service`, `AWS`) and values.
    Named(BTreeMap<String, Vec<String>>),
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `Sid`, or empty.
    pub sid: String,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal`.
    pub principal: Principals,
    /// `Action`, patterns.
    pub actions: Vec<String>,
    /// `Resource`, ARN patterns.
    pub resources: Vec<String>,
    /// `Condition`: operator, key, values.
    pub conditions: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// A statement is not one this crate can decide by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy statement cannot be read: {0}")]
pub struct PolicyError(pub String);

/// One value or a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Many {
    One(String),
    Several(Vec<String>),
}

impl From<Many> for Vec<String> {
    fn from(many: Many) -> Self {
        match many {
            Many::One(value) => vec![value],
            Many::Several(values) => values,
        }
    }
}

/// `NotAction`, `NotResource` and `NotPrincipal` are unknown fields here, hence refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    sid: String,
    effect: Effect,
    principal: Value,
    action: Many,
    resource: Many,
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, Many>>,
}

impl Statement {
    /// Reads a statement of a resource policy.
    ///
    /// # Errors
    /// [`PolicyError`] for anything that could not be decided later, unknown fields included.
    pub fn parse(value: &Value) -> Result<Self, PolicyError> {
        let written = Written::deserialize(value).map_err(|error| PolicyError(error.to_string()))?;
        let conditions = written
            .condition
            .into_iter()
            .map(|(operator, keys)| (operator, keys.into_iter().map(|(key, values)| (key, values.into())).collect()));
        Ok(Self {
            sid: written.sid,
            effect: written.effect,
            principal: principals(&written.principal)?,
            actions: written.action.into(),
            resources: written.resource.into(),
            conditions: conditions.collect(),
        })
    }
}

fn principals(value: &Value) -> Result<Principals, PolicyError> {
    if value.as_str() == Some("*") {
        return Ok(Principals::Anyone);
    }
    let named = BTreeMap::<String, Many>::deserialize(value).map_err(|error| PolicyError(error.to_string()))?;
    let named: BTreeMap<String, Vec<String>> = named.into_iter().map(|(kind, values)| (kind, values.into())).collect();
    let anyone = named.get("AWS").is_some_and(|values| values.iter().any(|value| value == "*"));
    Ok(if anyone { Principals::Anyone } else { Principals::Named(named) })
}
