//! What changed between two definitions, for people: methods by verb and path, everything else by name.
//!
//! Ids do not show: references are replaced by the names they stand for, so that two imports of one file do not differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::tree::MethodAt;
use crate::{ApiTree, policy};

/// How one thing differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only in the later definition.
    Added,
    /// Only in the earlier one.
    Removed,
    /// In both, and not the same.
    Changed,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `api`, `method`, `model`, `requestValidator`, `authorizer`, `gatewayResponse`.
    pub kind: &'static str,
    /// `GET /pets/{id}`, `settings` of the API, or the thing's own name.
    pub name: String,
    /// How.
    pub change: Change,
    /// Of a changed thing: every leaf that differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// One leaf of a changed thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// JSON pointer below the thing.
    pub path: String,
    /// Before; absent: it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// After; absent: it is not there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// All differences, by kind and name.
pub fn diff(from: &ApiTree, to: &ApiTree) -> Vec<Difference> {
    let (before, after) = (things(from), things(to));
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter_map(|name| difference(name, before.get(name), after.get(name))).collect()
}

/// One line for each thing and one for each leaf, in the manner of a patch: `+` added, `-` removed, `~` changed.
pub fn text(differences: &[Difference]) -> String {
    let mut text = String::new();
    for one in differences {
        let sign = match one.change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Changed => '~',
        };
        text.push_str(&format!("{sign} {} {}\n", one.kind, one.name));
        for field in &one.fields {
            let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "(none)".to_owned(), Value::to_string);
            text.push_str(&format!("    {}: {} -> {}\n", field.path, show(&field.from), show(&field.to)));
        }
    }
    text
}

/// Kinds in the order of a reader's interest; the number sorts them.
type Name = (u8, &'static str, String);
type Things = BTreeMap<Name, Value>;

fn things(tree: &ApiTree) -> Things {
    let mut things = Things::new();
    things.insert((0, "api", "settings".to_owned()), api(tree));
    things.extend(tree.methods.iter().filter_map(|at| method(tree, at)));
    things.extend(tree.models.iter().map(|model| ((2, "model", model.name.clone()), parsed(value(model), "schema"))));
    things.extend(tree.validators.iter().map(|one| ((3, "requestValidator", one.name.clone()), value(one))));
    things.extend(tree.authorizers.iter().map(|one| ((4, "authorizer", one.name.clone()), value(one))));
    let responses = tree.gateway_responses.iter();
    things.extend(responses.map(|one| ((5, "gatewayResponse", one.response_type.clone()), value(one))));
    things
}

/// A document without its id.
fn value(document: &impl Serialize) -> Value {
    let mut shown = serde_json::to_value(document).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.shift_remove("id");
    }
    shown
}

/// With a member that holds JSON text read, so that its leaves are compared.
fn parsed(mut shown: Value, member: &str) -> Value {
    let text = shown.get(member).and_then(Value::as_str);
    if let Some(read) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        shown[member] = read;
    }
    shown
}

/// What a deployment freezes of the RestApi itself (rest-admin-api §4.1).
fn api(tree: &ApiTree) -> Value {
    let api = &tree.api;
    let shown = json!({
        "description": api.description, "version": api.version, "binaryMediaTypes": api.binary_media_types,
        "minimumCompressionSize": api.minimum_compression_size, "apiKeySource": api.api_key_source,
        "disableExecuteApiEndpoint": api.disable_execute_api_endpoint,
        "policy": api.policy.as_deref().map(|text| policy::relative(text, &api.id)),
    });
    parsed(shown, "policy")
}

fn method(tree: &ApiTree, at: &MethodAt) -> Option<(Name, Value)> {
    let resource = tree.resource(&at.resource_id)?;
    let mut shown = value(&at.method);
    let validator = at.method.request_validator_id.as_deref();
    let validator = validator.and_then(|id| tree.validators.iter().find(|one| one.id == id));
    let authorizer = at.method.authorizer_id.as_deref();
    let authorizer = authorizer.and_then(|id| tree.authorizers.iter().find(|one| one.id == id));
    rename(&mut shown, "requestValidatorId", "requestValidator", validator.map(|one| one.name.as_str()));
    rename(&mut shown, "authorizerId", "authorizer", authorizer.map(|one| one.name.as_str()));
    let integration = shown.get_mut("methodIntegration").and_then(Value::as_object_mut);
    if let Some(integration) = integration
        && integration.get("cacheNamespace").and_then(Value::as_str) == Some(&at.resource_id)
    {
        integration.shift_remove("cacheNamespace");
    }
    Some(((1, "method", format!("{} {}", at.method.http_method, resource.path)), shown))
}

fn rename(shown: &mut Value, id: &str, name: &str, named: Option<&str>) {
    let Some(members) = shown.as_object_mut() else { return };
    members.shift_remove(id);
    if let Some(named) = named {
        members.insert(name.to_owned(), named.into());
    }
}

fn difference(name: &Name, before: Option<&Value>, after: Option<&Value>) -> Option<Difference> {
    let (change, fields) = match (before, after) {
        (Some(before), Some(after)) => {
            let mut fields = Vec::new();
            compare("", Some(before), Some(after), &mut fields);
            (Change::Changed, fields)
        }
        (Some(_), None) => (Change::Removed, Vec::new()),
        _ => (Change::Added, Vec::new()),
    };
    let same = change == Change::Changed && fields.is_empty();
    (!same).then(|| Difference { kind: name.1, name: name.2.clone(), change, fields })
}

/// Leaves that differ, depth first; lists are compared as wholes, as AWS's patches treat them, and an empty object is as
/// good as none.
fn compare(path: &str, from: Option<&Value>, to: Option<&Value>, fields: &mut Vec<Field>) {
    let branch = |value: Option<&Value>| value.is_none_or(Value::is_object);
    if branch(from) && branch(to) {
        let members = [from, to].into_iter().flatten().filter_map(Value::as_object);
        let names: BTreeSet<&String> = members.flat_map(Map::keys).collect();
        for name in names {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            let of = |value: Option<&'_ Value>| value.and_then(|value| value.get(name)).cloned();
            compare(&format!("{path}/{escaped}"), of(from).as_ref(), of(to).as_ref(), fields);
        }
    } else if from != to {
        fields.push(Field { path: path.to_owned(), from: from.cloned(), to: to.cloned() });
    }
}

#[cfg(test)]
mod tests {
    use stagecoach_base::Verb;

    use super::*;
    use crate::v1::{Integration, Method, Model, RestApi, rest_api};

    fn tree(id: &str) -> ApiTree {
        rest_api::empty(RestApi::new(id.into(), format!("{id}root"), "pets".into(), 1))
    }

    fn with_method(id: &str, uri: &str) -> ApiTree {
        let mut tree = tree(id);
        let resource_id = tree.api.root_resource_id.clone();
        let mut integration = Integration::new("HTTP_PROXY", &resource_id);
        integration.uri = Some(uri.to_owned());
        let method = Method { method_integration: Some(integration), ..Method::new(Verb::Get) };
        tree.methods.push(MethodAt { resource_id, method });
        tree
    }

    #[test]
    fn two_apis_of_the_same_definition_do_not_differ() {
        let (one, two) = (with_method("a", "http://x.test"), with_method("b", "http://x.test"));

        assert_eq!(diff(&one, &two), []);
    }

    #[test]
    fn every_changed_leaf_is_named_and_what_came_or_went_is_one_line() {
        let (one, mut two) = (with_method("a", "http://x.test"), with_method("a", "http://y.test"));
        two.models.retain(|model| model.name != "Error");
        two.models.push(Model::standard("Pet", "", "{}"));

        let differences = diff(&one, &two);

        assert_eq!(
            text(&differences),
            "~ method GET /\n    /methodIntegration/uri: \"http://x.test\" -> \"http://y.test\"\n- model Error\n+ model Pet\n"
        );
    }

    #[test]
    fn schemas_are_compared_leaf_by_leaf() {
        let (mut one, mut two) = (tree("a"), tree("a"));
        one.models = vec![Model::standard("Pet", "", r#"{"type":"object","required":["a"]}"#)];
        two.models = vec![Model::standard("Pet", "", r#"{"required": ["a","b"], "type": "object"}"#)];

        let differences = diff(&one, &two);

        assert_eq!(differences[0].fields[0].path, "/schema/required");
        assert_eq!(differences[0].fields.len(), 1);
    }
}
