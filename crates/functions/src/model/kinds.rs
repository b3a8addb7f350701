//! Keys of the documents.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stagecoach_base::Digest;
use stagecoach_store::{Doc, Key, StoreError};

pub(crate) const FUNCTION: &str = "lambda-function";
pub(crate) const VERSION: &str = "lambda-version";
pub(crate) const ALIAS: &str = "lambda-alias";
pub(crate) const LAYER: &str = "lambda-layer";
pub(crate) const LAYER_VERSION: &str = "lambda-layer-version";
pub(crate) const PACKAGE: &str = "lambda-package";
pub(crate) const POLICY: &str = "lambda-policy";
pub(crate) const PROVISIONED: &str = "lambda-provisioned";
pub(crate) const EVENT_CONFIG: &str = "lambda-event-config";

/// Version of every body's shape.
const SHAPE: u16 = 1;

/// A function's own document.
pub(crate) fn function(name: &str) -> Key {
    Key { kind: FUNCTION.into(), parent: String::new(), id: name.into() }
}

/// A published version. Numbers are padded, so that a list comes in their order.
pub(crate) fn version(name: &str, number: u64) -> Key {
    Key { kind: VERSION.into(), parent: name.into(), id: format!("{number:010}") }
}

/// An alias.
pub(crate) fn alias(name: &str, alias: &str) -> Key {
    Key { kind: ALIAS.into(), parent: name.into(), id: alias.into() }
}

/// The policy of a qualifier; `$LATEST` is the function itself.
pub(crate) fn policy(name: &str, qualifier: Option<&str>) -> Key {
    Key { kind: POLICY.into(), parent: name.into(), id: qualifier.unwrap_or("$LATEST").into() }
}

/// The provisioned concurrency of a version or alias; all functions' are one list.
pub(crate) fn provisioned(name: &str, qualifier: &str) -> Key {
    Key { kind: PROVISIONED.into(), parent: String::new(), id: format!("{name}:{qualifier}") }
}

/// A layer's own document.
pub(crate) fn layer(name: &str) -> Key {
    Key { kind: LAYER.into(), parent: String::new(), id: name.into() }
}

/// A version of a layer; numbered as those of functions.
pub(crate) fn layer_version(name: &str, number: u64) -> Key {
    Key { kind: LAYER_VERSION.into(), parent: name.into(), id: format!("{number:010}") }
}

/// The tree of a layer.
pub(crate) fn layer_root(name: &str) -> String {
    format!("layer:{name}")
}

/// A document of the layer `name`.
pub(crate) fn layer_doc(key: Key, name: &str, body: &impl Serialize) -> Result<Doc, StoreError> {
    Ok(Doc { root: layer_root(name), ..doc(key, name, body)? })
}

/// How asynchronous invocations of a qualifier are handled; `$LATEST` is the function itself.
pub(crate) fn event_config(name: &str, qualifier: Option<&str>) -> Key {
    Key { kind: EVENT_CONFIG.into(), parent: name.into(), id: qualifier.unwrap_or("$LATEST").into() }
}

/// That a function or layer brought a blob into the store.
#[derive(Serialize, Deserialize)]
pub(crate) struct Package {
    pub(crate) digest: Digest,
}

/// See [`Package`].
pub(crate) fn package(digest: &Digest) -> Key {
    Key { kind: PACKAGE.into(), parent: String::new(), id: digest.to_string() }
}

/// See [`Package`].
pub(crate) fn package_doc(digest: Digest) -> Result<Doc, StoreError> {
    Ok(Doc { root: format!("package:{digest}"), ..doc(package(&digest), "", &Package { digest })? })
}

/// The tree of a function; prefixed, so that no API's id is the same.
pub(crate) fn root(name: &str) -> String {
    format!("function:{name}")
}

/// A document of the function `name`.
pub(crate) fn doc(key: Key, name: &str, body: &impl Serialize) -> Result<Doc, StoreError> {
    let body = serde_json::to_string(body).map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(Doc { key, root: root(name), version: SHAPE, revision: 0, body })
}

/// A document's body.
pub(crate) fn body<T: DeserializeOwned>(doc: &Doc) -> Result<T, StoreError> {
    serde_json::from_str(&doc.body)
        .map_err(|error| StoreError::Damaged(format!("{} {}: {error}", doc.key.kind, doc.key.id)))
}
