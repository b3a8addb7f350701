//! Reads outside a transaction, and the few writes that need no revision (worker states, leases).

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::any::{AnyQueryResult, AnyRow};
use stagecoach_base::Revision;
use tokio::sync::MutexGuard;

use crate::open::Engine;
use crate::rows::{self, bigint};
use crate::{AuditRow, ChangeRow, Doc, Key, NameRow, PointerRow, Store, StoreError, WorkerRow, sql};

/// Ids of one statement.
const SOME: usize = 64;

static GET_DOCS: LazyLock<String> = LazyLock::new(|| sql::any_of(sql::GET_DOC, SOME));

impl Store {
    /// The last committed revision.
    ///
    /// # Errors
    /// [`StoreError::Database`]; so for every read below.
    pub async fn revision(&self) -> Result<Revision, StoreError> {
        rows::revision(&sqlx::query(sql::HEAD).fetch_one(&self.pool).await?, "revision")
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.revision().await.map(drop)
    }

    /// One document.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn get(&self, key: &Key) -> Result<Option<Doc>, StoreError> {
        let query = sqlx::query(sql::GET_DOC).bind(&key.kind).bind(&key.parent).bind(&key.id);
        query.fetch_optional(&self.pool).await?.as_ref().map(rows::doc).transpose()
    }

    /// Documents of a kind under `parent` with ids above `after`, in id order, at most `limit`.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn list(
        &self,
        kind: &str,
        parent: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Doc>, StoreError> {
        let query = sqlx::query(sql::LIST_DOCS).bind(kind).bind(parent).bind(after.unwrap_or_default());
        collect(&query.bind(i64::from(limit)).fetch_all(&self.pool).await?, rows::doc)
    }

    /// Those of the documents `ids` of a kind under `parent` that exist, in no order. Ids are compared whole, so this is
    /// safe under any collation; a range of ids is not.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn get_many(&self, kind: &str, parent: &str, ids: &[String]) -> Result<Vec<Doc>, StoreError> {
        let mut found = Vec::new();
        for chunk in ids.chunks(SOME) {
            let mut query = sqlx::query(GET_DOCS.as_str()).bind(kind).bind(parent);
            // The statement has one shape: ids come again until it is full.
            for id in chunk.iter().cycle().take(SOME) {
                query = query.bind(id);
            }
            found.extend(collect(&query.fetch_all(&self.pool).await?, rows::doc)?);
        }
        Ok(found)
    }

    /// Every document of a tree.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn tree(&self, root: &str) -> Result<Vec<Doc>, StoreError> {
        collect(&sqlx::query(sql::TREE).bind(root).fetch_all(&self.pool).await?, rows::doc)
    }

    /// Who holds a unique name.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn by_name(&self, kind: &str, value: &str) -> Result<Option<NameRow>, StoreError> {
        let query = sqlx::query(sql::BY_NAME).bind(kind).bind(value);
        query.fetch_optional(&self.pool).await?.as_ref().map(rows::name).transpose()
    }

    /// One pointer; tombstones are returned as such.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn pointer(&self, kind: i64, name: &str) -> Result<Option<PointerRow>, StoreError> {
        let query = sqlx::query(sql::POINTER).bind(kind).bind(name);
        query.fetch_optional(&self.pool).await?.as_ref().map(rows::pointer).transpose()
    }

    /// Pointers and tombstones above a revision, oldest first.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn pointers_since(&self, revision: Revision, limit: u32) -> Result<Vec<PointerRow>, StoreError> {
        let query = sqlx::query(sql::POINTERS_SINCE).bind(bigint(revision)).bind(i64::from(limit));
        collect(&query.fetch_all(&self.pool).await?, rows::pointer)
    }

    /// Committed writes above a revision, oldest first; with `root` only those that concern that tree.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn audit_since(
        &self,
        revision: Revision,
        root: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let statement = if root.is_some() { sql::AUDIT_OF_ROOT } else { sql::AUDIT_SINCE };
        let mut query = sqlx::query(statement).bind(bigint(revision)).bind(i64::from(limit));
        if let Some(root) = root {
            query = query.bind(root.to_owned());
        }
        collect(&query.fetch_all(&self.pool).await?, rows::audit)
    }

    /// The documents that the writes `from..=to` touched.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn changes_between(&self, from: Revision, to: Revision) -> Result<Vec<ChangeRow>, StoreError> {
        let query = sqlx::query(sql::CHANGES_BETWEEN).bind(bigint(from)).bind(bigint(to));
        collect(&query.fetch_all(&self.pool).await?, rows::change)
    }

    /// What every replica knows of every worker.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        collect(&sqlx::query(sql::WORKERS).fetch_all(&self.pool).await?, rows::worker)
    }

    /// Writes worker states.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn report_workers(&self, workers: &[WorkerRow]) -> Result<(), StoreError> {
        for worker in workers {
            let query = sqlx::query(sql::REPORT_WORKER).bind(&worker.id).bind(&worker.control_id);
            let query = query.bind(&worker.incarnation).bind(bigint(worker.watermark)).bind(&worker.rejected);
            self.lone(query.bind(worker.seen)).await?;
        }
        Ok(())
    }

    /// Deletes states last seen before `before` (Unix ms).
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn forget_workers(&self, before: i64) -> Result<(), StoreError> {
        self.lone(sqlx::query(sql::FORGET_WORKERS).bind(before)).await.map(drop)
    }

    /// Takes or renews a lease for `ttl`; false when another holder's has not run out at `now` (Unix ms).
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn lease(&self, name: &str, holder: &str, now: i64, ttl: Duration) -> Result<bool, StoreError> {
        let until = now.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        let query = sqlx::query(sql::TAKE_LEASE).bind(name).bind(holder).bind(until).bind(now);
        Ok(self.lone(query).await?.rows_affected() == 1)
    }

    /// Runs a single writing statement.
    pub(crate) async fn lone(&self, query: Query<'_>) -> Result<AnyQueryResult, StoreError> {
        let _turn = self.turn().await;
        Ok(query.execute(&self.pool).await?)
    }

    /// Runs a single writing statement that answers rows.
    pub(crate) async fn lone_rows(&self, query: Query<'_>) -> Result<Vec<AnyRow>, StoreError> {
        let _turn = self.turn().await;
        Ok(query.fetch_all(&self.pool).await?)
    }

    /// The one writer's turn; Postgres has many.
    pub(crate) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.engine {
            Engine::Sqlite => Some(self.turn.lock().await),
            Engine::Postgres => None,
        }
    }
}

/// A statement with its arguments.
pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

pub(crate) fn collect<T>(found: &[AnyRow], parse: fn(&AnyRow) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
    found.iter().map(parse).collect()
}
