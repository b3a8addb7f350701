//! Provisioned concurrency: what was asked for, and bringing the invoker to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagecoach_base::UnixMillis;
use stagecoach_store::{Key, Write};
use stagecoach_wire::Reply;

use super::Functions;
use super::concurrency::unreserved;
use super::documents::{ALL, Cx, Outcome, empty, reply};
use crate::errors::{self, Code, LambdaError};
use crate::model::function::{Function, timestamp};
use crate::model::name::is_number;
use crate::model::{Alias, Target, Version, kinds};
use crate::{Runnable, Runtime};

/// What was asked for one version or alias.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Provisioned {
    name: String,
    qualifier: String,
    count: u32,
    modified: UnixMillis,
}

/// What the invoker keeps ready, by function and version.
pub(crate) type Ready = tokio::sync::Mutex<BTreeMap<(String, String), (Arc<Runnable>, u32)>>;

/// PutProvisionedConcurrencyConfig.
pub(super) async fn put(cx: &Cx<'_>) -> Outcome {
    let (target, qualifier) = qualified(cx)?;
    let count = cx.body()?["ProvisionedConcurrentExecutions"].as_u64().unwrap_or(1);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let mut write = cx.write(&target.name).await?;
    let (function, version) = cx.resolve(&mut write, &target).await?;
    if version.version == "$LATEST" {
        return Err(LambdaError::invalid(errors::LATEST_PROVISIONED));
    }
    if function.reserved.is_some_and(|reserved| reserved < count) {
        return Err(LambdaError::invalid(errors::BEYOND_RESERVED));
    }
    fits(cx, &mut write, &kinds::provisioned(&target.name, &qualifier), count).await?;
    let provisioned = Provisioned { name: target.name.clone(), qualifier: qualifier.clone(), count, modified: cx.now };
    write.put(&kinds::doc(kinds::provisioned(&target.name, &qualifier), &target.name, &provisioned)?).await?;
    write.commit().await?;
    let mut shape = shape(&provisioned, 0);
    shape["Status"] = "IN_PROGRESS".into();
    cx.functions.follow().await;
    Ok(reply(cx, &shape))
}

/// GetProvisionedConcurrencyConfig.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let (target, qualifier) = qualified(cx)?;
    let (_, version) = cx.resolve(&mut cx.store(), &target).await?;
    let found = cx.store().get(&kinds::provisioned(&target.name, &qualifier)).await?;
    let found = found.ok_or_else(|| LambdaError::new(Code::NotProvisioned, errors::NOT_PROVISIONED))?;
    Ok(reply(cx, &shape(&kinds::body(&found)?, cx.functions.ready(&target.name, &version.version).await)))
}

/// DeleteProvisionedConcurrencyConfig.
pub(super) async fn delete(cx: &Cx<'_>) -> Outcome {
    let (target, qualifier) = qualified(cx)?;
    let mut write = cx.write(&target.name).await?;
    cx.function(&mut write, &target).await?;
    write.delete(&kinds::provisioned(&target.name, &qualifier)).await?;
    write.commit().await?;
    cx.functions.follow().await;
    Ok(empty(cx))
}

/// ListProvisionedConcurrencyConfigs.
pub(super) async fn list(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    cx.function(&mut cx.store(), &target).await?;
    let mut shapes = Vec::new();
    for provisioned in cx.functions.provisioned().await?.iter().filter(|one| one.name == target.name) {
        let one = Target { name: target.name.clone(), qualifier: Some(provisioned.qualifier.clone()) };
        let (_, version) = cx.resolve(&mut cx.store(), &one).await?;
        let mut shape = shape(provisioned, cx.functions.ready(&target.name, &version.version).await);
        shape["FunctionArn"] = one.arn(cx.scope()).into();
        shapes.push(shape);
    }
    Ok(Reply::json(200, &json!({ "ProvisionedConcurrencyConfigs": shapes })).into())
}

/// Refuses what would take from the account more than reservations may.
async fn fits(cx: &Cx<'_>, write: &mut Write, key: &Key, count: u32) -> Result<(), LambdaError> {
    let account = cx.functions.parts.concurrency;
    let mut left = account.saturating_sub(unreserved(account));
    for doc in write.list(kinds::PROVISIONED, "", None, ALL).await?.iter().filter(|doc| doc.key != *key) {
        left = left.saturating_sub(kinds::body::<Provisioned>(doc)?.count);
    }
    if count <= left {
        return Ok(());
    }
    Err(LambdaError::invalid(format!(
        "Specified ConcurrentExecutions for function is greater than function's unreserved concurrency [{left}]."
    )))
}

fn qualified(cx: &Cx<'_>) -> Result<(Target, String), LambdaError> {
    let target = cx.target()?;
    match target.beside_latest().map(str::to_owned) {
        Some(qualifier) => Ok((target, qualifier)),
        None => Err(LambdaError::invalid(errors::LATEST_PROVISIONED)),
    }
}

fn shape(provisioned: &Provisioned, ready: u32) -> Value {
    let ready = ready.min(provisioned.count);
    json!({
        "RequestedProvisionedConcurrentExecutions": provisioned.count,
        "AvailableProvisionedConcurrentExecutions": ready,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "Status": if ready == provisioned.count { "READY" } else { "IN_PROGRESS" },
        "LastModified": timestamp(provisioned.modified),
    })
}

impl Functions {
    /// Brings the invoker to the provisioned concurrency that the documents ask for: at start, and after every change of it. A
    /// version that cannot be made ready is logged, and tried again the next time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reconcile(&self) -> Result<(), LambdaError> {
        let mut ready = self.ready.lock().await;
        let mut wanted = BTreeMap::new();
        for provisioned in self.provisioned().await? {
            if let Some((runnable, count)) = self.wanted(&provisioned).await? {
                let key = (runnable.name.clone(), runnable.version.clone());
                let slot = wanted.entry(key).or_insert((runnable, 0_u32));
                slot.1 = slot.1.saturating_add(count);
            }
        }
        let gone: Vec<_> = ready.keys().filter(|key| !wanted.contains_key(key)).cloned().collect();
        for key in gone {
            if let Some((runnable, _)) = ready.remove(&key) {
                self.provision(&runnable, 0).await;
            }
        }
        for (key, (runnable, count)) in wanted {
            let same = ready.get(&key).is_some_and(|(kept, at)| *at == count && kept.revision == runnable.revision);
            if !same && self.provision(&runnable, count).await {
                ready.insert(key, (runnable, count));
            }
        }
        Ok(())
    }

    /// [`Functions::reconcile`] after a change that is committed: it stands, whatever becomes of the environments.
    pub(super) async fn follow(&self) {
        if let Err(error) = self.reconcile().await {
            tracing::error!(%error, "provisioned concurrency does not follow its documents");
        }
    }

    /// How many environments of a version are ready.
    async fn ready(&self, name: &str, version: &str) -> u32 {
        self.ready.lock().await.get(&(name.to_owned(), version.to_owned())).map_or(0, |(_, count)| *count)
    }

    async fn provision(&self, runnable: &Arc<Runnable>, count: u32) -> bool {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let done = self.parts.invoker.provision(Arc::clone(runnable), count).await;
        done.inspect_err(
            |error| tracing::warn!(function = %runnable.arn, %error, "provisioned concurrency is not ready"),
        )
        .is_ok()
    }

    async fn provisioned(&self) -> Result<Vec<Provisioned>, LambdaError> {
        let docs = self.parts.store.list(kinds::PROVISIONED, "", None, ALL).await?;
        Ok(docs.iter().map(kinds::body).collect::<Result<_, _>>()?)
    }

    /// The version meant, ready to run; `None` when it is gone, or an alias now points to `$LATEST`.
    async fn wanted(&self, provisioned: &Provisioned) -> Result<Option<(Arc<Runnable>, u32)>, LambdaError> {
        let (store, name) = (&self.parts.store, &provisioned.name);
        let Some(function) = store.get(&kinds::function(name)).await? else { return Ok(None) };
        let function: Function = kinds::body(&function)?;
        let mut number = provisioned.qualifier.clone();
        if !is_number(&number) {
            let Some(alias) = store.get(&kinds::alias(name, &number)).await? else { return Ok(None) };
            number = kinds::body::<Alias>(&alias)?.version;
        }
        let Ok(number) = number.parse() else { return Ok(None) };
        let Some(version) = store.get(&kinds::version(name, number)).await? else { return Ok(None) };
        let version: Version = kinds::body(&version)?;
        let Ok(runtime) = version.settings.runtime.parse::<Runtime>() else { return Ok(None) };
        let code = match self.code(&version).await {
            Ok(code) => code,
            Err(error) => {
                tracing::warn!(function = %name, version = number, %error, "provisioned concurrency has no package");
                return Ok(None);
            }
        };
        let runnable = version.runnable(&function, &self.parts.scope, runtime, code);
        let runnable = Arc::new(runnable);
        self.held.add(&runnable);
        Ok(Some((runnable, provisioned.count)))
    }
}
