//! Authorizer: who may call a method (rest-admin-api §3.9).

mod jwt;
mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagecoach_base::{AwsError, id};

use crate::input::{Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};
use crate::{ApiTree, Document};

/// An authorizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorizer {
    /// Six characters.
    pub id: String,
    /// Unique in the API.
    pub name: String,
    /// TOKEN, REQUEST, COGNITO_USER_POOLS, JWT.
    #[serde(rename = "type")]
    pub kind: String,
    /// Every other member, as AWS names it.
    #[serde(flatten)]
    pub options: BTreeMap<String, Value>,
}

impl Document for Authorizer {
    const KIND: &'static str = "authorizer";
}

const TEXTS: [&str; 5] =
    ["authType", "authorizerUri", "authorizerCredentials", "identitySource", "identityValidationExpression"];
const TTL: &str = "authorizerResultTtlInSeconds";
const PROVIDERS: &str = "providerARNs";
const JWT: &str = "jwtConfiguration";

/// 404 of an authorizer, and of the API above it.
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Authorizer identifier specified")
}

/// 409 of CreateAuthorizer on an API that does not exist [V a].
pub fn unknown_api() -> AwsError {
    AwsError::conflict("Unable to complete operation due to concurrent modification. Please try again later.")
}

/// Reads the body of CreateAuthorizer; the id is given by [`create`].
///
/// # Errors
/// `SerializationException`, `ValidationException`.
pub fn parse(body: &Value) -> Result<Authorizer, AwsError> {
    let input = Members::of(body)?;
    let (name, kind) = (input.text("name")?, input.text("type")?);
    let mut options = BTreeMap::new();
    for member in TEXTS {
        let text = input.text(member)?.filter(|text| !text.is_empty());
        options.extend(text.map(|text| (member.to_owned(), text.into())));
    }
    options.extend(input.integer(TTL)?.map(|ttl| (TTL.to_owned(), ttl.into())));
    options.extend(input.texts(PROVIDERS)?.map(|arns| (PROVIDERS.to_owned(), json!(arns))));
    let mut constraints = Constraints::of("CreateAuthorizer");
    constraints.required("name", name.is_some());
    constraints.required("type", kind.is_some());
    constraints.one_of("type", kind.as_deref(), &rules::TYPES);
    if let Some(given) = input.structure(JWT)? {
        options.insert(JWT.to_owned(), jwt::read(given, &mut constraints)?);
    }
    constraints.check()?;
    Ok(Authorizer { id: String::new(), name: name.unwrap_or_default(), kind: kind.unwrap_or_default(), options })
}

/// A new authorizer. `all` are those of the API.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateAuthorizer; the rules of its type.
pub fn create(mut parsed: Authorizer, all: &[Authorizer]) -> Result<Authorizer, AwsError> {
    check_name(&parsed, all)?;
    rules::check(&parsed)?;
    if let Some(default) = rules::auth_type(&parsed.kind) {
        parsed.options.entry("authType".to_owned()).or_insert_with(|| default.into());
    }
    let is_free = |id: &str| all.iter().all(|authorizer| authorizer.id != id);
    Ok(Authorizer { id: id::free(&[Authorizer::KIND, &parsed.name], id::CHILD_ID_LEN, is_free), ..parsed })
}

/// A text of AWS's that its newer API answers with 400 [R]; its older one is taken to do the same.
fn check_name(authorizer: &Authorizer, all: &[Authorizer]) -> Result<(), AwsError> {
    let name = &authorizer.name;
    if name.trim().is_empty() {
        return Err(rules::invalid("the name is blank"));
    }
    match all.iter().any(|other| other.name == *name && other.id != authorizer.id) {
        true => Err(AwsError::bad_request(format!(
            "Authorizer name must be unique. Authorizer {name} already exists in this RestApi."
        ))),
        false => Ok(()),
    }
}

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;

const TABLE: &[Row<Authorizer>] = &[
    Row {
        path: "/name",
        ops: &[R],
        apply: |a, c, ()| {
            a.name = c.value.unwrap_or_default().to_owned();
            Ok(())
        },
    },
    Row { path: "/type", ops: &[R], apply: |a, c, ()| set_type(a, c) },
    Row { path: "/authType", ops: &[R], apply: |a, c, ()| set_text(a, c) },
    Row { path: "/authorizerUri", ops: &[R], apply: |a, c, ()| set_text(a, c) },
    Row { path: "/authorizerCredentials", ops: &[R], apply: |a, c, ()| set_text(a, c) },
    Row { path: "/identitySource", ops: &[A, R, D], apply: |a, c, ()| set_text(a, c) },
    Row { path: "/identityValidationExpression", ops: &[R], apply: |a, c, ()| set_text(a, c) },
    Row { path: "/authorizerResultTtlInSeconds", ops: &[R], apply: |a, c, ()| set_ttl(a, c) },
    Row { path: "/providerARNs", ops: &[A, D], apply: |a, c, ()| change_providers(a, c) },
];

fn set_type(authorizer: &mut Authorizer, change: &Change<'_>) -> Result<(), AwsError> {
    let kind = change.value.filter(|value| rules::TYPES.contains(value));
    let invalid = || rules::invalid(&format!("type must be one of {}", rules::TYPES.join(", ")));
    kind.ok_or_else(invalid)?.clone_into(&mut authorizer.kind);
    Ok(())
}

/// The member that the path names; no value, or an empty one, takes it away.
fn set_text(authorizer: &mut Authorizer, change: &Change<'_>) -> Result<(), AwsError> {
    let member = change.path.trim_start_matches('/');
    match change.text() {
        Some(text) => drop(authorizer.options.insert(member.to_owned(), text.into())),
        None => drop(authorizer.options.remove(member)),
    }
    Ok(())
}

fn set_ttl(authorizer: &mut Authorizer, change: &Change<'_>) -> Result<(), AwsError> {
    let Some(text) = change.text() else {
        authorizer.options.remove(TTL);
        return Ok(());
    };
    let ttl: i64 = text.parse().map_err(|_| rules::invalid("authorizerResultTtlInSeconds must be a number"))?;
    authorizer.options.insert(TTL.to_owned(), ttl.into());
    Ok(())
}

/// The ARN is the value.
fn change_providers(authorizer: &mut Authorizer, change: &Change<'_>) -> Result<(), AwsError> {
    let arn = change.value.filter(|arn| !arn.is_empty()).ok_or_else(|| rules::invalid("providerARNs needs a value"))?;
    let entry = authorizer.options.entry(PROVIDERS.to_owned()).or_insert_with(|| json!([]));
    if let Value::Array(arns) = entry {
        arns.retain(|known| known != arn);
        if change.op == Op::Add {
            arns.push(arn.into());
        }
    }
    Ok(())
}

/// Applies UpdateAuthorizer; the final state is what is checked. `all` are the authorizers of the API.
///
/// # Errors
/// The patch family's texts, or those of [`create`].
pub fn patch(
    authorizer: &Authorizer,
    all: &[Authorizer],
    operations: &[PatchOperation],
) -> Result<Authorizer, AwsError> {
    let changed = patch::apply(authorizer, operations, TABLE, Family::B, &())?;
    if changed != *authorizer {
        check_name(&changed, all)?;
        rules::check(&changed)?;
    }
    Ok(changed)
}

/// Whether the authorizer may go.
///
/// # Errors
/// 409 that names a method [R hashicorp/terraform#6731].
pub fn check_unused(authorizer: &Authorizer, tree: &ApiTree) -> Result<(), AwsError> {
    let uses = |at: &&crate::tree::MethodAt| at.method.authorizer_id.as_deref() == Some(authorizer.id.as_str());
    match tree.last_method(uses) {
        None => Ok(()),
        Some((path, verb)) => Err(AwsError::conflict(format!(
            "Cannot delete authorizer '{}', is referenced in method: {verb}/{path}",
            authorizer.name
        ))),
    }
}

#[cfg(test)]
mod tests;
