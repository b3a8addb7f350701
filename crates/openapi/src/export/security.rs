//! Security schemes and requirements of an export.

use serde_json::{Map, Value, json};
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::{Authorizer, Method};

use super::ExportOptions;
use crate::read::security::UNUSED;

/// The schemes of a document. Names of our own give way to authorizers of the same name.
pub(super) struct Schemes {
    by_name: Map<String, Value>,
    api_key: String,
    sigv4: String,
}

impl Schemes {
    pub(super) fn of(tree: &ApiTree, options: &ExportOptions) -> Self {
        let free = |name: &str| {
            let names = std::iter::once(name.to_owned()).chain((2u32..).map(|number| format!("{name}{number}")));
            let taken = |name: &String| tree.authorizers.iter().any(|one| one.name == *name);
            names.into_iter().find(|name| !taken(name)).unwrap_or_default()
        };
        let mut schemes = Self { by_name: Map::new(), api_key: free("api_key"), sigv4: free("sigv4") };
        if tree.methods.iter().any(|at| at.method.api_key_required) {
            let scheme = json!({ "type": "apiKey", "name": "x-api-key", "in": "header" });
            schemes.by_name.insert(schemes.api_key.clone(), scheme);
        }
        if tree.methods.iter().any(|at| at.method.authorization_type == "AWS_IAM") {
            let scheme = json!({
                "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4",
            });
            schemes.by_name.insert(schemes.sigv4.clone(), scheme);
        }
        if options.extensions.authorizers {
            schemes.by_name.extend(tree.authorizers.iter().map(|one| (one.name.clone(), authorizer(one))));
        }
        schemes
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.by_name
    }

    /// What an operation requires.
    pub(super) fn requirements(&self, tree: &ApiTree, method: &Method, options: &ExportOptions) -> Vec<Value> {
        let mut requirements = Vec::new();
        let named = method.authorizer_id.as_ref().filter(|_| options.extensions.authorizers);
        if let Some(authorizer) = named.and_then(|id| tree.authorizers.iter().find(|one| one.id == *id)) {
            requirements.push(json!({ &authorizer.name: method.authorization_scopes }));
        }
        if method.authorization_type == "AWS_IAM" {
            requirements.push(json!({ &self.sigv4: [] }));
        }
        if method.api_key_required {
            requirements.push(json!({ &self.api_key: [] }));
        }
        requirements
    }
}

fn authorizer(authorizer: &Authorizer) -> Value {
    let text = |name: &str| authorizer.options.get(name).and_then(Value::as_str);
    let source = text("identitySource").unwrap_or_default();
    // These list their sources themselves; the others mean the scheme's header.
    let listed = matches!(authorizer.kind.as_str(), "REQUEST" | "JWT");
    let header = source.strip_prefix("method.request.header.").filter(|_| authorizer.kind != "REQUEST");
    let header = header.unwrap_or(UNUSED);
    let mut extension = json!({ "type": authorizer.kind.to_ascii_lowercase() });
    for (name, value) in &authorizer.options {
        if name != "authType" && (name != "identitySource" || listed) {
            extension[name] = value.clone();
        }
    }
    json!({
        "type": "apiKey",
        "name": header,
        "in": "header",
        "x-amazon-apigateway-authtype": text("authType").unwrap_or("custom"),
        "x-amazon-apigateway-authorizer": extension,
    })
}
