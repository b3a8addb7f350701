//! One call's context, and the documents it reads and writes.

use std::sync::OnceLock;

use serde_json::Value;
use stagecoach_base::{Scope, UnixMillis};
use stagecoach_store::{Author, Doc, Key, Store, StoreError, Write};
use stagecoach_wire::{Call, Reply, page};

use super::downloads::Origin;
use super::{Answered, Functions, Pending};
use crate::errors::{self, Code, LambdaError};
use crate::model::name::is_number;
use crate::model::{Alias, Function, Target, Version, kinds};

/// What a handler gets.
pub(super) struct Cx<'a> {
    pub(super) functions: &'a Functions,
    pub(super) call: &'a Call,
    /// Request id.
    pub(super) id: &'a str,
    pub(super) actor: &'a str,
    pub(super) now: UnixMillis,
    /// How the caller reached this API.
    pub(super) origin: Origin,
    /// See [`Cx::body`].
    pub(super) parsed: OnceLock<Value>,
}

/// Serves one operation.
pub(super) type Handler = for<'a> fn(&'a Cx<'a>) -> Pending<'a, Result<Answered, LambdaError>>;

/// What handlers answer.
pub(super) type Outcome = Result<Answered, LambdaError>;

/// Most items of a list read at once; more than any host has of aliases or versions of one function.
pub(super) const ALL: u32 = 10_000;

/// Reading inside a write and outside of one.
pub(super) trait Read {
    async fn doc(&mut self, key: &Key) -> Result<Option<Doc>, StoreError>;
}

impl Read for Write {
    async fn doc(&mut self, key: &Key) -> Result<Option<Doc>, StoreError> {
        self.get(key).await
    }
}

impl Read for &Store {
    async fn doc(&mut self, key: &Key) -> Result<Option<Doc>, StoreError> {
        self.get(key).await
    }
}

impl<'a> Cx<'a> {
    pub(super) fn store(&self) -> &'a Store {
        &self.functions.parts.store
    }

    pub(super) fn scope(&self) -> &'a Scope {
        &self.functions.parts.scope
    }

    /// Begins a write on the function `name`.
    pub(super) async fn write(&self, name: &str) -> Result<Write, LambdaError> {
        self.write_in(kinds::root(name)).await
    }

    /// Begins a write in the tree `root`.
    pub(super) async fn write_in(&self, root: String) -> Result<Write, LambdaError> {
        let author = Author {
            actor: self.actor.to_owned(),
            operation: self.call.operation().name.to_owned(),
            target: self.call.path().to_owned(),
            root,
            request_id: self.id.to_owned(),
        };
        Ok(self.store().write(author, self.now.0).await?)
    }

    /// The function of the call's path and query.
    pub(super) fn target(&self) -> Result<Target, LambdaError> {
        let asked = self.call.query("Qualifier").filter(|qualifier| !qualifier.is_empty());
        Target::parse(self.call.label("FunctionName"), asked, self.scope())
    }

    /// The body, an object. Parsed once: a package may be in it.
    pub(super) fn body(&self) -> Result<&Value, LambdaError> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(parsed);
        }
        let body = self.call.json_body();
        let body = body.map_err(|error| LambdaError::new(Code::Serialization, error.message()))?;
        let object = if body.is_null() { Value::Object(serde_json::Map::default()) } else { body };
        Ok(self.parsed.get_or_init(|| object))
    }

    /// `Marker` and `MaxItems`: the id to start after, and how many items at most.
    pub(super) fn page(&self) -> Result<(Option<String>, u32), LambdaError> {
        let marker = self.call.query("Marker").filter(|marker| !marker.is_empty()).map(page::decode).transpose();
        let marker = marker.map_err(|_| LambdaError::invalid("Invalid Marker"))?;
        let asked = self.call.query("MaxItems").and_then(|text| text.parse::<u32>().ok());
        Ok((marker, asked.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE)))
    }

    /// The function document.
    pub(super) async fn function(&self, from: &mut impl Read, target: &Target) -> Result<Function, LambdaError> {
        self.functions.function(from, target).await
    }

    /// An alias, if it exists.
    pub(super) async fn alias(
        &self,
        from: &mut impl Read,
        name: &str,
        alias: &str,
    ) -> Result<Option<Alias>, LambdaError> {
        self.functions.alias(from, name, alias).await
    }

    /// `$LATEST` or a published version.
    pub(super) async fn version(
        &self,
        from: &mut impl Read,
        function: &Function,
        number: &str,
    ) -> Result<Version, LambdaError> {
        self.functions.version(from, function, number).await
    }

    /// The version that a target means; of an alias that splits its traffic, the main one.
    pub(super) async fn resolve(
        &self,
        from: &mut impl Read,
        target: &Target,
    ) -> Result<(Function, Version), LambdaError> {
        let function = self.function(from, target).await?;
        let number = match target.qualifier.as_deref() {
            None | Some("$LATEST") => return Ok((function.clone(), function.latest)),
            Some(number) if is_number(number) => number.to_owned(),
            Some(name) => {
                let alias = self.alias(from, &target.name, name).await?;
                let alias = alias.ok_or_else(|| LambdaError::no_function(&target.arn(self.scope())))?;
                alias.version
            }
        };
        let version = self.version(from, &function, &number).await?;
        Ok((function, version))
    }

    /// Writes the function document.
    pub(super) async fn save(&self, write: &mut Write, function: &Function) -> Result<(), LambdaError> {
        let key = kinds::function(&function.name);
        Ok(write.put(&kinds::doc(key, &function.name, function)?).await?)
    }
}

/// Documents, for calls and for events, which have none.
impl Functions {
    /// The function document.
    pub(super) async fn function(&self, from: &mut impl Read, target: &Target) -> Result<Function, LambdaError> {
        let found = from.doc(&kinds::function(&target.name)).await?;
        let found = found.ok_or_else(|| LambdaError::no_function(&target.arn(&self.parts.scope)))?;
        Ok(kinds::body(&found)?)
    }

    /// An alias, if it exists.
    pub(super) async fn alias(
        &self,
        from: &mut impl Read,
        name: &str,
        alias: &str,
    ) -> Result<Option<Alias>, LambdaError> {
        Ok(from.doc(&kinds::alias(name, alias)).await?.as_ref().map(kinds::body).transpose()?)
    }

    /// `$LATEST` or a published version.
    pub(super) async fn version(
        &self,
        from: &mut impl Read,
        function: &Function,
        number: &str,
    ) -> Result<Version, LambdaError> {
        if number == "$LATEST" {
            return Ok(function.latest.clone());
        }
        let found = match number.parse() {
            Ok(parsed) if is_number(number) => from.doc(&kinds::version(&function.name, parsed)).await?,
            _ => None,
        };
        let missing = || {
            let target = Target { name: function.name.clone(), qualifier: Some(number.to_owned()) };
            LambdaError::no_function(&target.arn(&self.parts.scope))
        };
        Ok(kinds::body(&found.ok_or_else(missing)?)?)
    }
}

/// Items of a page at most [D].
const LARGEST_PAGE: u32 = 50;

/// A JSON answer with the status of the operation's model.
pub(super) fn reply(cx: &Cx<'_>, value: &Value) -> Answered {
    Reply::json(cx.call.operation().status, value).into()
}

/// An answer without a body.
pub(super) fn empty(cx: &Cx<'_>) -> Answered {
    Reply::empty(cx.call.operation().status).into()
}

/// Refuses a stale `RevisionId`.
pub(super) fn check_revision(asked: Option<&str>, current: &str) -> Result<(), LambdaError> {
    match asked {
        Some(asked) if asked != current => Err(LambdaError::new(Code::PreconditionFailed, errors::STALE_FUNCTION)),
        _ => Ok(()),
    }
}

/// Cuts `docs` (read with one more than `limit`) to a page; answers the token of the next one.
pub(super) fn cut(docs: &mut Vec<Doc>, limit: u32) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = docs.len() > limit;
    docs.truncate(limit);
    docs.last().filter(|_| more).map(|last| page::encode(&last.key.id))
}
