//! Inputs against the service model's table (`wire::lambda_input`): everything that is wrong, in AWS's words, before anything is
//! done. Calls of traffic are not held against it: they are checked where they are read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fancy_regex::Regex;
use serde_json::{Map, Value};
use stagecoach_wire::input::{Asks, At, Member};
use stagecoach_wire::{Call, Op, lambda_input};

use super::documents::Cx;
use crate::errors::{Code, LambdaError};

/// Calls of traffic.
const TRAFFIC: [Op; 3] = [Op::LambdaInvoke, Op::LambdaInvokeAsync, Op::LambdaInvokeWithResponseStream];
/// What the service asks beyond its model [D: Lambda quotas].
const TIGHTER: [(&str, Asks); 2] = [
    ("timeout", Asks::Number { least: Some(1.0), most: Some(900.0) }),
    ("memorySize", Asks::Number { least: Some(128.0), most: Some(10_240.0) }),
];
/// Members with rules of their own: what this host runs is not what the model lists.
const BY_HAND: [&str; 1] = ["runtime"];

/// The patterns of the table, compiled when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Mutex<HashMap<&'static str, Option<Arc<Regex>>>>);

impl Patterns {
    /// Whether all of `text` is as `pattern` says.
    fn fit(&self, pattern: &'static str, text: &str) -> bool {
        let compiled = {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(pattern).or_insert_with(|| compile(pattern)).clone()
        };
        compiled.is_some_and(|regex| regex.is_match(text).unwrap_or(false))
    }
}

fn compile(pattern: &str) -> Option<Arc<Regex>> {
    Regex::new(&format!("^(?:{pattern})$")).ok().map(Arc::new)
}

/// Holds a call against the table.
///
/// # Errors
/// 400 `ValidationException` that names everything that is wrong; 400 `SerializationException` for a value of another kind.
pub(super) fn hold(cx: &Cx<'_>) -> Result<(), LambdaError> {
    if TRAFFIC.contains(&cx.call.op()) {
        return Ok(());
    }
    check(cx.call, cx.body()?, &cx.functions.patterns)
}

fn check(call: &Call, body: &Value, patterns: &Patterns) -> Result<(), LambdaError> {
    let mut found = Found { patterns, problems: Vec::new() };
    for member in lambda_input(call.op()) {
        if !BY_HAND.contains(&member.name) {
            found.member(member, value(call, body, member)?.as_ref(), "")?;
        }
    }
    match found.problems.len() {
        0 => Ok(()),
        1 => {
            Err(LambdaError::new(Code::Validation, format!("1 validation error detected: {}", found.problems.concat())))
        }
        count => {
            let all = found.problems.join("; ");
            Err(LambdaError::new(Code::Validation, format!("{count} validation errors detected: {all}")))
        }
    }
}

/// A member as it was sent.
fn value<'v>(call: &Call, body: &'v Value, member: &Member) -> Result<Cow<'v, Value>, LambdaError> {
    if let (At::Query(name), Asks::List { .. }) = (member.at, member.asks) {
        let items: Vec<Value> = call.query_all(name).map(Value::from).collect();
        return Ok(Cow::Owned(if items.is_empty() { Value::Null } else { items.into() }));
    }
    let text = match member.at {
        At::Body(name) => return Ok(body.get(name).map_or(Cow::Owned(Value::Null), Cow::Borrowed)),
        At::Path(name) => Some(call.label(name)),
        At::Query(name) => call.query(name).filter(|text| !text.is_empty()),
        At::Header(name) => call.header(name),
    };
    let Some(text) = text else { return Ok(Cow::Owned(Value::Null)) };
    match member.asks {
        Asks::Number { .. } => match text.parse::<i64>() {
            Ok(number) => Ok(Cow::Owned(number.into())),
            Err(_) => Err(other_kind(member.name, "STRING_VALUE", "an Integer")),
        },
        _ => Ok(Cow::Owned(text.into())),
    }
}

struct Found<'a> {
    patterns: &'a Patterns,
    problems: Vec<String>,
}

impl Found<'_> {
    fn member(&mut self, member: &Member, value: &Value, above: &str) -> Result<(), LambdaError> {
        let path = if above.is_empty() { member.name.to_owned() } else { format!("{above}.{}", member.name) };
        if value.is_null() {
            if member.required {
                self.problems
                    .push(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"));
            }
            return Ok(());
        }
        let tighter = TIGHTER.iter().find(|(name, _)| *name == path).map(|(_, asks)| asks);
        match (tighter.unwrap_or(&member.asks), value) {
            (Asks::Structure(members), Value::Object(values)) => self.structure(members, values, &path),
            (Asks::List { least, most, item }, Value::Array(items)) => {
                let broken = length(items.len(), *least, *most);
                broken.into_iter().for_each(|constraint| self.wrong(value, &path, &constraint));
                self.items(item, items, value, &path)
            }
            (Asks::Map { key, value: each }, Value::Object(pairs)) => {
                let keys: Vec<Value> = pairs.keys().map(|key| Value::from(key.as_str())).collect();
                self.each(key, keys.iter(), value, &path, "Map keys")?;
                self.each(each, pairs.values(), value, &path, "Map value")
            }
            (asks, _) => {
                self.broken(asks, value, &path)?.iter().for_each(|constraint| self.wrong(value, &path, constraint));
                Ok(())
            }
        }
    }

    fn structure(&mut self, members: &[Member], values: &Map<String, Value>, path: &str) -> Result<(), LambdaError> {
        members.iter().try_for_each(|member| {
            let At::Body(name) = member.at else { return Ok(()) };
            self.member(member, values.get(name).unwrap_or(&Value::Null), path)
        })
    }

    /// Items that are structures are looked at one by one, others are told with the whole list.
    fn items(&mut self, item: &Asks, items: &[Value], list: &Value, path: &str) -> Result<(), LambdaError> {
        let Asks::Structure(members) = item else { return self.each(item, items.iter(), list, path, "Member") };
        for (index, item) in items.iter().enumerate() {
            if let Value::Object(values) = item {
                self.structure(members, values, &format!("{path}.{}.member", index + 1))?;
            }
        }
        Ok(())
    }

    fn each<'v>(
        &mut self,
        asks: &Asks,
        mut values: impl Iterator<Item = &'v Value>,
        whole: &Value,
        path: &str,
        what: &str,
    ) -> Result<(), LambdaError> {
        let broken = values.try_fold(false, |broken, value| {
            Ok::<_, LambdaError>(broken || value.is_null() || !self.broken(asks, value, path)?.is_empty())
        })?;
        if broken && *asks != Asks::Nothing {
            let all = every(asks).join(", ");
            self.wrong(whole, path, &format!("{what} must satisfy constraint: [{all}]"));
        }
        Ok(())
    }

    /// The constraints that a single value breaks.
    fn broken(&self, asks: &Asks, value: &Value, path: &str) -> Result<Vec<String>, LambdaError> {
        match (asks, value) {
            (Asks::Text { least, most, pattern, one_of }, Value::String(text)) => {
                let mut broken = length(text.chars().count(), *least, *most);
                if !pattern.is_empty() && !self.patterns.fit(pattern, text) {
                    broken.push(matching(pattern));
                }
                if !one_of.is_empty() && !one_of.contains(&text.as_str()) {
                    broken.push(among(one_of));
                }
                Ok(broken)
            }
            (Asks::Number { least, most }, Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::MAX);
                let low = least.filter(|least| number < *least).map(at_least);
                let high = most.filter(|most| number > *most).map(at_most);
                Ok(low.into_iter().chain(high).collect())
            }
            (Asks::Nothing, _) => Ok(Vec::new()),
            (asks, value) => Err(other_kind(path, kind(value), wanted(asks))),
        }
    }

    fn wrong(&mut self, value: &Value, path: &str, constraint: &str) {
        self.problems.push(format!("Value '{}' at '{path}' failed to satisfy constraint: {constraint}", shown(value)));
    }
}

fn length(length: usize, least: Option<usize>, most: Option<usize>) -> Vec<String> {
    let short = least.filter(|least| length < *least).map(shortest);
    let long = most.filter(|most| length > *most).map(longest);
    short.into_iter().chain(long).collect()
}

/// All constraints of a value within a list or map, as AWS lists them.
fn every(asks: &Asks) -> Vec<String> {
    let mut all = match asks {
        Asks::Text { least, most, pattern, one_of } => {
            let mut all: Vec<String> = most.map(longest).into_iter().chain(least.map(shortest)).collect();
            all.extend((!pattern.is_empty()).then(|| matching(pattern)));
            all.extend((!one_of.is_empty()).then(|| among(one_of)));
            all
        }
        Asks::Number { least, most } => most.map(at_most).into_iter().chain(least.map(at_least)).collect(),
        Asks::Nothing | Asks::List { .. } | Asks::Map { .. } | Asks::Structure(_) => Vec::new(),
    };
    all.push("Member must not be null".to_owned());
    all
}

fn shortest(least: usize) -> String {
    format!("Member must have length greater than or equal to {least}")
}

fn longest(most: usize) -> String {
    format!("Member must have length less than or equal to {most}")
}

fn at_least(least: f64) -> String {
    format!("Member must have value greater than or equal to {least}")
}

fn at_most(most: f64) -> String {
    format!("Member must have value less than or equal to {most}")
}

fn matching(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

fn among(one_of: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", one_of.join(", "))
}

/// A value as Java prints it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// Jackson's words for it, with the member, which AWS leaves out.
fn other_kind(path: &str, kind: &str, wanted: &str) -> LambdaError {
    LambdaError::new(Code::Serialization, format!("{path}: {kind} can not be converted to {wanted}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    }
}

fn wanted(asks: &Asks) -> &'static str {
    match asks {
        Asks::Text { .. } => "a String",
        Asks::Number { .. } => "an Integer",
        Asks::List { .. } => "a List",
        Asks::Map { .. } => "a Map",
        Asks::Structure(_) | Asks::Nothing => "a Structure",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::json;
    use stagecoach_wire::{operations::lambda::OPERATIONS, route_lambda};

    use super::*;

    fn refused(method: &str, path: &str, query: &str, body: &Value) -> String {
        let call = Call::new(route_lambda(method, path, query).unwrap(), path, query, HeaderMap::new(), Bytes::new());
        check(&call, body, &Patterns::default()).map_or_else(|error| error.message, |()| String::new())
    }

    fn create(more: &Value) -> String {
        let mut body = json!({"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {}});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        refused("POST", "/2015-03-31/functions", "", &body)
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let several = create(&json!({"Timeout": 901, "MemorySize": 64}));
        let missing = refused("POST", "/2015-03-31/functions", "", &json!({"FunctionName": "f", "Code": {}}));

        assert_eq!(create(&json!({"Runtime": "none of the model's"})), "");
        assert_eq!(
            several,
            "2 validation errors detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less \
             than or equal to 900; Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater \
             than or equal to 128"
        );
        assert_eq!(
            missing,
            "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn lists_maps_and_structures_are_looked_into() {
        let list = create(&json!({"Architectures": ["X86"]}));
        let map = create(&json!({"Environment": {"Variables": {"1": "x"}}}));
        let nested = create(&json!({"EphemeralStorage": {"Size": 100}}));

        assert!(list.ends_with(
            "Value '[X86]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must \
             satisfy enum value set: [x86_64, arm64], Member must not be null]"
        ), "{list}");
        assert!(map.contains("Value '{1=x}' at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"), "{map}");
        assert!(nested.contains("at 'ephemeralStorage.size'"), "{nested}");
    }

    #[test]
    fn labels_and_the_query_are_members_too() {
        let label = refused("GET", "/2015-03-31/functions/bad!", "", &Value::Null);
        let query = refused("GET", "/2015-03-31/functions", "MaxItems=0&FunctionVersion=x", &Value::Null);
        let kind = refused("GET", "/2015-03-31/functions", "MaxItems=many", &Value::Null);

        assert!(label.starts_with("1 validation error detected: Value 'bad!' at 'functionName'"), "{label}");
        assert!(query.starts_with("2 validation errors detected: "), "{query}");
        assert_eq!(kind, "maxItems: STRING_VALUE can not be converted to an Integer");
        assert_eq!(create(&json!({"Timeout": "3"})), "timeout: STRING_VALUE can not be converted to an Integer");
    }

    #[test]
    fn every_pattern_of_the_table_compiles() {
        fn walk(asks: &Asks, wrong: &mut Vec<&'static str>) {
            match asks {
                Asks::Text { pattern, .. } if compile(pattern).is_none() => wrong.push(pattern),
                Asks::List { item, .. } => walk(item, wrong),
                Asks::Map { key, value } => [key, value].into_iter().for_each(|asks| walk(asks, wrong)),
                Asks::Structure(members) => members.iter().for_each(|member| walk(&member.asks, wrong)),
                _ => {}
            }
        }
        let mut wrong = Vec::new();

        for operation in OPERATIONS {
            lambda_input(operation.op).iter().for_each(|member| walk(&member.asks, &mut wrong));
        }

        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
