//! What an Invoke needs to know of a function, read once per revision of the store: an Invoke that finds it here reads nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use stagecoach_base::Revision;
use stagecoach_policy::Statement;

use super::{Functions, permissions};
use crate::errors::{Code, LambdaError};
use crate::model::event_config::EventConfig;
use crate::model::name::is_number;
use crate::model::{Alias, Function, Target, Version, kinds};

/// A function by one of its qualifiers.
pub(super) struct Route {
    pub(super) function: Function,
    alias: Option<Alias>,
    /// The version meant, and the one that an alias gives a share to.
    versions: BTreeMap<String, Version>,
    /// The policy of the qualifier.
    pub(super) statements: Vec<Statement>,
    /// How its events are handled.
    pub(super) events: EventConfig,
}

impl Route {
    /// The version that serves the request `id`.
    pub(super) fn version(&self, id: &str) -> &Version {
        let picked = self.alias.as_ref().and_then(|alias| self.versions.get(alias.pick(id)));
        picked.or_else(|| self.versions.values().next()).unwrap_or(&self.function.latest)
    }
}

type Known = HashMap<Target, Arc<Route>>;

/// Routes as of one revision. Off (nothing is kept) unless someone follows the store's head.
#[derive(Default)]
pub(crate) struct Routes {
    kept: Option<Mutex<(Revision, Known)>>,
}

/// Routes kept at most; past that all are forgotten.
const MOST: usize = 10_000;

impl Routes {
    /// Keeps routes; the store's head must be followed.
    pub(crate) fn kept() -> Self {
        Self { kept: Some(Mutex::default()) }
    }

    /// The route to `target`.
    pub(super) async fn find(&self, functions: &Functions, target: &Target) -> Result<Arc<Route>, LambdaError> {
        // Taken before the documents are read: what is read later is newer, never older.
        let head = *functions.parts.store.head().borrow();
        if let Some(route) = self.known(head, target) {
            return Ok(route);
        }
        let route = Arc::new(read(functions, target).await?);
        if let Some(kept) = &self.kept {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let (revision, known) = &mut *kept;
            if head > *revision || known.len() >= MOST {
                known.clear();
                *revision = head.max(*revision);
            }
            if head == *revision {
                known.insert(target.clone(), Arc::clone(&route));
            }
        }
        Ok(route)
    }

    fn known(&self, head: Revision, target: &Target) -> Option<Arc<Route>> {
        let kept = self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        (head > 0 && kept.0 == head).then(|| kept.1.get(target).cloned()).flatten()
    }
}

/// How often what was not found is looked for while others write.
const TRIES: usize = 10;

/// Reads a route. Its documents are read one by one: an alias may move, and its old version go, in between. So what was not found
/// is not there only if nobody wrote meanwhile.
async fn read(functions: &Functions, target: &Target) -> Result<Route, LambdaError> {
    let mut before = None;
    for _ in 1..TRIES {
        match read_once(functions, target).await {
            Err(error) if error.code == Code::ResourceNotFound => {
                let after = Some(functions.parts.store.revision().await?);
                if before == after {
                    return Err(error);
                }
                before = after;
            }
            other => return other,
        }
    }
    read_once(functions, target).await
}

async fn read_once(functions: &Functions, target: &Target) -> Result<Route, LambdaError> {
    let store = &mut &functions.parts.store;
    let function = functions.function(store, target).await?;
    let mut route = Route {
        function,
        alias: None,
        versions: BTreeMap::new(),
        statements: Vec::new(),
        events: EventConfig::default(),
    };
    let mut numbers = Vec::new();
    match target.beside_latest() {
        None => {}
        Some(number) if is_number(number) => numbers.push(number.to_owned()),
        Some(name) => {
            let alias = functions.alias(store, &target.name, name).await?;
            let alias = alias.ok_or_else(|| LambdaError::no_function(&target.arn(&functions.parts.scope)))?;
            numbers.push(alias.version.clone());
            numbers.extend(alias.weights.keys().cloned());
            route.alias = Some(alias);
        }
    }
    for number in numbers {
        let version = functions.version(store, &route.function, &number).await?;
        route.versions.insert(number, version);
    }
    route.statements = permissions::statements(store, target).await?;
    let config = store.get(&kinds::event_config(&target.name, target.beside_latest())).await?;
    route.events = config.as_ref().map(kinds::body).transpose()?.unwrap_or_default();
    Ok(route)
}
