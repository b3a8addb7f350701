//! ApiKey (rest-admin-api §3.14).

mod import;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::AwsError;

use super::tags;
use crate::Document;
use crate::input::{Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

pub use import::{Imported, ImportedKey, KEY_FILE_FORMAT, read};

/// An API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Ten characters.
    pub id: String,
    /// What clients send; unique in the account. On the wire only when asked for.
    pub value: String,
    /// Not unique; omitted if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// AWS Marketplace customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// False unless given.
    pub enabled: bool,
    /// Epoch seconds.
    pub created_date: i64,
    /// Epoch seconds.
    pub last_updated_date: i64,
    /// `{apiId}/{stage}`, the way keys were bound before usage plans.
    #[serde(default)]
    pub stage_keys: Vec<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Ours, never on the wire: ids of the plans that hold the key.
    #[serde(default)]
    pub usage_plans: Vec<String>,
    /// Ours, never on the wire: sorts in the order of creation; lists are newest first [V x].
    pub sequence: String,
}

impl Document for ApiKey {
    const KIND: &'static str = "apikey";
}

/// Characters of a generated value.
pub const VALUE_LEN: usize = 40;
/// Namespace in which values are claimed.
pub const VALUE_NAMES: &str = "apikeyvalue";
const LONGEST_NAME: usize = 1024;
const LONGEST_DESCRIPTION: usize = 125_000;

/// What a new key is made of beside its body.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Random id.
    pub id: String,
    /// Random value, used when the body gives none.
    pub value: String,
    /// Sorts in the order of creation ([`sequence`]).
    pub sequence: String,
    /// Epoch seconds.
    pub now_s: i64,
}

impl ApiKey {
    /// A key with AWS's defaults.
    pub fn new(drawn: Drawn) -> Self {
        Self {
            id: drawn.id,
            value: drawn.value,
            name: None,
            customer_id: None,
            description: None,
            enabled: false,
            created_date: drawn.now_s,
            last_updated_date: drawn.now_s,
            stage_keys: Vec::new(),
            tags: BTreeMap::new(),
            usage_plans: Vec::new(),
            sequence: drawn.sequence,
        }
    }

    /// The stages in [`ApiKey::stage_keys`], as (API, stage).
    pub fn stages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stage_keys.iter().filter_map(|key| key.split_once('/'))
    }
}

/// Text that sorts in the order of creation: by the revision that creates, then by the place in that call.
pub fn sequence(revision: u64, index: usize) -> String {
    format!("{revision:020}.{index:08}")
}

/// 404 of a key.
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid API Key identifier specified")
}

/// 409 of a value that another key has [R].
pub fn exists() -> AwsError {
    AwsError::conflict("API Key already exists")
}

/// 404 of a stage that a key names.
pub fn unknown_stage() -> AwsError {
    AwsError::not_found("Invalid stage identifier specified")
}

/// A new key from the body of CreateApiKey. That its stages exist, and that no other key has the value, is the caller's to
/// check.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateApiKey.
pub fn create(body: &Value, drawn: Drawn) -> Result<ApiKey, AwsError> {
    let input = Members::of(body)?;
    let mut key = ApiKey::new(drawn);
    let (value, enabled) = (input.text("value")?, input.flag("enabled")?);
    key.name = input.text("name")?.filter(|name| !name.is_empty());
    key.description = input.text("description")?.filter(|text| !text.is_empty());
    key.customer_id = input.text("customerId")?.filter(|id| !id.is_empty());
    key.tags = tags::given(input)?;
    for entry in input.list("stageKeys")? {
        let entry = Members::of(entry)?;
        let (api, stage) = (entry.text("restApiId")?.unwrap_or_default(), entry.text("stageName")?.unwrap_or_default());
        key.stage_keys.push(stage_key(&api, &stage)?);
    }
    check_texts(&key)?;
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        check_value(&value, 20)?;
        key.value = value;
    }
    key.enabled = enabled.unwrap_or_default();
    Ok(key)
}

fn stage_key(api: &str, stage: &str) -> Result<String, AwsError> {
    match api.is_empty() || stage.is_empty() || api.contains('/') || stage.contains('/') {
        true => Err(unknown_stage()),
        false => Ok(format!("{api}/{stage}")),
    }
}

/// Lengths, which AWS checks after it read the whole body [V x].
fn check_texts(key: &ApiKey) -> Result<(), AwsError> {
    let length = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
    if length(&key.name) > LONGEST_NAME {
        return Err(AwsError::bad_request("Invalid API Key name, can be at most 1024 characters."));
    }
    if length(&key.description) > LONGEST_DESCRIPTION {
        return Err(AwsError::bad_request("Invalid API Key description specified."));
    }
    Ok(())
}

/// A value of `shortest` to 128 characters; a file's keys have a minimum of their own.
fn check_value(value: &str, shortest: usize) -> Result<(), AwsError> {
    match value.chars().count() {
        length if length < shortest => {
            Err(AwsError::bad_request(format!("API Key value should be at least {shortest} characters")))
        }
        length if length > 128 => Err(AwsError::bad_request("API Key value exceeds maximum size of 128 characters")),
        _ => Ok(()),
    }
}

/// Applies UpdateApiKey. `now_s` is epoch seconds. That added stages exist is the caller's to check.
///
/// # Errors
/// rest-admin-api §2.5 (family A) and the lengths of CreateApiKey.
pub fn patch(key: &ApiKey, operations: &[PatchOperation], now_s: i64) -> Result<ApiKey, AwsError> {
    let mut changed = patch::apply(key, operations, TABLE, Family::A, &())?;
    check_texts(&changed)?;
    if !operations.is_empty() {
        changed.last_updated_date = now_s;
    }
    Ok(changed)
}

type Done = Result<(), AwsError>;

/// In the order AWS prints them [V x].
const TABLE: &[Row<ApiKey>] = &[
    Row {
        path: "/description",
        ops: &[Op::Replace],
        apply: |key, change, ()| {
            key.description = change.text();
            Ok(())
        },
    },
    Row {
        path: "/enabled",
        ops: &[Op::Replace],
        apply: |key, change, ()| {
            key.enabled = change.flag();
            Ok(())
        },
    },
    Row {
        path: "/name",
        ops: &[Op::Replace],
        apply: |key, change, ()| {
            key.name = change.text();
            Ok(())
        },
    },
    Row {
        path: "/customerId",
        ops: &[Op::Replace],
        apply: |key, change, ()| {
            key.customer_id = change.text();
            Ok(())
        },
    },
    Row { path: "/stages", ops: &[Op::Add, Op::Remove], apply: |key, change, ()| change_stages(key, change) },
    // Labels are in AWS's table of patch paths but in no shape: accepted, kept nowhere.
    Row { path: "/labels", ops: &[Op::Add, Op::Remove], apply: |_, _, ()| Ok(()) },
];

/// The value is `{apiId}/{stage}`: a slash here, a colon in usage plans.
fn change_stages(key: &mut ApiKey, change: &Change<'_>) -> Done {
    let (api, stage) = change.value.and_then(|value| value.split_once('/')).ok_or_else(unknown_stage)?;
    let entry = stage_key(api, stage)?;
    key.stage_keys.retain(|known| *known != entry);
    if change.op == Op::Add {
        key.stage_keys.push(entry);
    }
    Ok(())
}

/// The body of CreateUsagePlanKey: the key's id. `keyType` must be `API_KEY`; AWS's text for another is not known.
///
/// # Errors
/// `ValidationException` for absent members, 400 for another type.
pub fn plan_key_id(body: &Value) -> Result<String, AwsError> {
    let input = Members::of(body)?;
    let (id, kind) = (input.text("keyId")?, input.text("keyType")?);
    let mut constraints = Constraints::of("CreateUsagePlanKey");
    constraints.required("keyId", id.is_some());
    constraints.required("keyType", kind.is_some());
    constraints.check()?;
    if kind.as_deref() != Some("API_KEY") {
        return Err(AwsError::bad_request("Invalid key type specified. Valid options are API_KEY"));
    }
    Ok(id.unwrap_or_default())
}

/// Whether a key is shown for the filters of GetApiKeys: a case-sensitive prefix of the name [V x], a whole customer id.
pub fn matches(key: &ApiKey, name: Option<&str>, customer: Option<&str>) -> bool {
    let name_fits = name.is_none_or(|prefix| key.name.as_deref().unwrap_or_default().starts_with(prefix));
    name_fits && customer.is_none_or(|id| key.customer_id.as_deref() == Some(id))
}

#[cfg(test)]
mod tests;
