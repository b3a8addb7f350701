//! Security schemes: API keys, authorizers, IAM (rest-admin-api §5.3).

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::id;
use stagecoach_resources::v1::{Authorizer, Method};

use crate::document::{Document, scalar, text};

/// What a named scheme does to a method that requires it.
#[derive(Clone, Debug)]
enum Scheme {
    ApiKey,
    Iam,
    Authorizer(Authorizer),
}

/// The schemes of a file, and what applies to operations that name none.
pub(super) struct Schemes {
    by_name: BTreeMap<String, Scheme>,
    root: Option<Value>,
}

/// What an extension member holds. One of another type is dropped.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Seconds,
    Texts,
    Object,
}

/// Extension members an authorizer keeps, beside its type and identity source.
const OPTIONS: [(&str, Shape); 6] = [
    ("authorizerUri", Shape::Text),
    ("authorizerCredentials", Shape::Text),
    ("identityValidationExpression", Shape::Text),
    ("authorizerResultTtlInSeconds", Shape::Seconds),
    ("providerARNs", Shape::Texts),
    ("jwtConfiguration", Shape::Object),
];

impl Shape {
    fn read(self, value: &Value) -> Option<Value> {
        match self {
            Self::Text => scalar(value).map(Value::from),
            Self::Seconds => scalar(value)?.parse::<u32>().ok().map(Value::from),
            Self::Texts => Some(value.as_array()?.iter().filter_map(scalar).collect()),
            Self::Object => value.is_object().then(|| value.clone()),
        }
    }
}

/// The header name of a scheme that reads none; exports write it where an authorizer has no header.
pub(crate) const UNUSED: &str = "Unused";

impl Schemes {
    pub(super) fn read(document: &Document) -> Self {
        let schemes = document.members(document.dialect.security_schemes());
        let by_name = schemes.filter_map(|(name, scheme)| Some((name.clone(), Scheme::read(name, scheme)?)));
        Self { by_name: by_name.collect(), root: document.root.get("security").cloned() }
    }

    /// Every authorizer, used or not [V i].
    pub(super) fn authorizers(&self) -> Vec<Authorizer> {
        let authorizer = |scheme: &Scheme| match scheme {
            Scheme::Authorizer(authorizer) => Some(authorizer.clone()),
            Scheme::ApiKey | Scheme::Iam => None,
        };
        self.by_name.values().filter_map(authorizer).collect()
    }

    /// Applies an operation's requirements, or the root's when it has none of its own [V i].
    pub(super) fn apply(&self, operation: &Value, method: &mut Method) {
        let own = operation.get("security").or(self.root.as_ref());
        for requirement in own.and_then(Value::as_array).into_iter().flatten() {
            for (name, scopes) in requirement.as_object().into_iter().flatten() {
                if let Some(scheme) = self.by_name.get(name) {
                    scheme.apply(scopes, method);
                }
            }
        }
        let auth = operation.get("x-amazon-apigateway-auth").and_then(|auth| text(auth, "type"));
        if let Some(kind) =
            auth.map(|kind| kind.to_ascii_uppercase()).filter(|kind| kind == "NONE" || kind == "AWS_IAM")
        {
            method.authorization_type = kind;
        }
    }
}

impl Scheme {
    fn read(name: &str, scheme: &Value) -> Option<Self> {
        let authtype = text(scheme, "x-amazon-apigateway-authtype");
        if authtype.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("awsSigv4")) {
            return Some(Self::Iam);
        }
        if let Some(extension) = scheme.get("x-amazon-apigateway-authorizer") {
            return Some(Self::Authorizer(authorizer(name, scheme, extension, authtype)));
        }
        let header = text(scheme, "name").unwrap_or_default();
        let key = text(scheme, "type").as_deref() == Some("apiKey") && header.eq_ignore_ascii_case("x-api-key");
        key.then_some(Self::ApiKey)
    }

    fn apply(&self, scopes: &Value, method: &mut Method) {
        match self {
            Self::ApiKey => method.api_key_required = true,
            Self::Iam => method.authorization_type = "AWS_IAM".into(),
            Self::Authorizer(authorizer) => {
                method.authorization_type = match authorizer.kind.as_str() {
                    kind @ ("COGNITO_USER_POOLS" | "JWT") => kind.to_owned(),
                    _ => "CUSTOM".to_owned(),
                };
                method.authorizer_id = Some(authorizer.id.clone());
                let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
                method.authorization_scopes = scopes.map(str::to_owned).collect();
            }
        }
    }
}

fn authorizer(name: &str, scheme: &Value, extension: &Value, authtype: Option<String>) -> Authorizer {
    let kind = text(extension, "type").unwrap_or_default().to_ascii_uppercase();
    let mut options: BTreeMap<String, Value> = BTreeMap::new();
    for (member, shape) in OPTIONS {
        let value = extension.get(member).and_then(|value| shape.read(value));
        options.extend(value.map(|value| (member.to_owned(), value)));
    }
    // A token comes in the header that the scheme names; only REQUEST lists its sources itself.
    let header = text(scheme, "name").filter(|header| header != UNUSED);
    let header = header.map(|header| format!("method.request.header.{header}"));
    let listed = text(extension, "identitySource");
    let source = if kind == "REQUEST" || kind == "JWT" { listed.or(header.filter(|_| kind == "JWT")) } else { header };
    options.extend(source.map(|source| ("identitySource".to_owned(), source.into())));
    let default = if kind == "COGNITO_USER_POOLS" { "cognito_user_pools" } else { "custom" };
    options.insert("authType".into(), authtype.unwrap_or_else(|| default.to_owned()).into());
    Authorizer { id: id::derived(&["authorizer", name], 0, id::CHILD_ID_LEN), name: name.to_owned(), kind, options }
}
