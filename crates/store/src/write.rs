//! The write path: begin (bump) → read → decide → write → point → commit. Dropping a [`Write`] rolls it back.

mod batch;

use sqlx::any::AnyQueryResult;
use sqlx::{Any, Transaction};
use stagecoach_base::Revision;
use tokio::sync::OwnedMutexGuard;

use crate::open::Engine;
use crate::read::{Query, collect};
use crate::rows::{self, bigint};
use crate::{Doc, Key, NameRow, PointerRow, Store, StoreError, sql};

/// An open write transaction. It holds the one row of `head`, so no other write is between its reads and its writes.
#[derive(Debug)]
pub struct Write {
    pub(crate) tx: Transaction<'static, Any>,
    store: Store,
    revision: Revision,
    seq: i64,
    author: Author,
    pub(crate) at: i64,
    _turn: Option<OwnedMutexGuard<()>>,
}

/// Who writes, and by which call: one row of the audit log per committed write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// Access key, or the part of the program that acts by itself.
    pub actor: String,
    /// Name of the call, `UpdateStage`.
    pub operation: String,
    /// What it was called on, `/restapis/abc/stages/dev`.
    pub target: String,
    /// The tree it concerns, as [`Doc::root`]; empty: that of the first document written.
    pub root: String,
    /// Id that the caller was answered with.
    pub request_id: String,
}

impl Store {
    /// Begins a write by `author` at `at` (Unix ms): takes the write lock and the next revision.
    ///
    /// # Errors
    /// [`StoreError::Contended`] or [`StoreError::Database`].
    pub async fn write(&self, author: Author, at: i64) -> Result<Write, StoreError> {
        let turn = match self.engine {
            Engine::Sqlite => Some(self.turn.clone().lock_owned().await),
            Engine::Postgres => None,
        };
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(sql::BUMP).fetch_one(&mut *tx).await?;
        let revision = rows::revision(&row, "revision")?;
        Ok(Write { tx, store: self.clone(), revision, seq: 0, author, at, _turn: turn })
    }

    /// Empties everything but secrets, access keys and blobs. Pointers become tombstones, so that workers drop them.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn reset(&self, author: Author, at: i64) -> Result<Revision, StoreError> {
        let mut write = self.write(author, at).await?;
        for statement in sql::RESET {
            write.run(sqlx::query(*statement)).await?;
        }
        let revision = bigint(write.revision);
        write.run(sqlx::query(sql::UNPOINT_ALL).bind(revision)).await?;
        write.commit().await
    }
}

impl Write {
    /// The revision this transaction will commit as.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// One document, as of this transaction.
    ///
    /// # Errors
    /// [`StoreError::Database`]; so for every read below.
    pub async fn get(&mut self, key: &Key) -> Result<Option<Doc>, StoreError> {
        let query = sqlx::query(sql::GET_DOC).bind(&key.kind).bind(&key.parent).bind(&key.id);
        query.fetch_optional(&mut *self.tx).await?.as_ref().map(rows::doc).transpose()
    }

    /// Documents of a kind under `parent`, as [`Store::list`].
    ///
    /// # Errors
    /// As [`Write::get`].
    pub async fn list(
        &mut self,
        kind: &str,
        parent: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Doc>, StoreError> {
        let query = sqlx::query(sql::LIST_DOCS).bind(kind).bind(parent).bind(after.unwrap_or_default());
        collect(&query.bind(i64::from(limit)).fetch_all(&mut *self.tx).await?, rows::doc)
    }

    /// Every document of a tree.
    ///
    /// # Errors
    /// As [`Write::get`].
    pub async fn tree(&mut self, root: &str) -> Result<Vec<Doc>, StoreError> {
        collect(&sqlx::query(sql::TREE).bind(root).fetch_all(&mut *self.tx).await?, rows::doc)
    }

    /// Who holds a unique name.
    ///
    /// # Errors
    /// As [`Write::get`].
    pub async fn by_name(&mut self, kind: &str, value: &str) -> Result<Option<NameRow>, StoreError> {
        let query = sqlx::query(sql::BY_NAME).bind(kind).bind(value);
        query.fetch_optional(&mut *self.tx).await?.as_ref().map(rows::name).transpose()
    }

    /// One pointer; tombstones are returned as such.
    ///
    /// # Errors
    /// As [`Write::get`].
    pub async fn pointer(&mut self, kind: i64, name: &str) -> Result<Option<PointerRow>, StoreError> {
        let query = sqlx::query(sql::POINTER).bind(kind).bind(name);
        query.fetch_optional(&mut *self.tx).await?.as_ref().map(rows::pointer).transpose()
    }

    /// Adds a new document.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the key is taken.
    pub async fn insert(&mut self, doc: &Doc) -> Result<(), StoreError> {
        let query = self.placed(sql::INSERT_DOC, doc);
        let done = self.run(query).await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Exists(describe(&doc.key)));
        }
        self.log("insert", &doc.key).await
    }

    /// Adds or overwrites a document.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn put(&mut self, doc: &Doc) -> Result<(), StoreError> {
        let query = self.placed(sql::PUT_DOC, doc);
        self.run(query).await?;
        self.log("put", &doc.key).await
    }

    /// Overwrites a document last written at `expected`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it was written or deleted since.
    pub async fn replace(&mut self, doc: &Doc, expected: Revision) -> Result<(), StoreError> {
        let query = sqlx::query(sql::REPLACE_DOC).bind(&doc.key.kind).bind(&doc.key.parent).bind(&doc.key.id);
        let query = query.bind(bigint(self.revision)).bind(i32::from(doc.version)).bind(&doc.body);
        let done = query.bind(bigint(expected)).execute(&mut *self.tx).await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Stale(describe(&doc.key)));
        }
        self.log("replace", &doc.key).await
    }

    /// Removes a document; false when there was none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete(&mut self, key: &Key) -> Result<bool, StoreError> {
        let query = sqlx::query(sql::DELETE_DOC).bind(&key.kind).bind(&key.parent).bind(&key.id);
        let existed = query.execute(&mut *self.tx).await?.rows_affected() > 0;
        if existed {
            self.log("delete", key).await?;
        }
        Ok(existed)
    }

    /// Removes a whole tree with its names; answers how many documents went.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_tree(&mut self, root: &str) -> Result<u64, StoreError> {
        let docs = self.tree(root).await?;
        self.log_many("delete", docs.iter().map(|doc| &doc.key)).await?;
        sqlx::query(sql::DELETE_TREE_NAMES).bind(root).execute(&mut *self.tx).await?;
        Ok(sqlx::query(sql::DELETE_TREE).bind(root).execute(&mut *self.tx).await?.rows_affected())
    }

    /// Removes a function's events from the queue, claimed ones too; answers how many went.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn drop_events(&mut self, function: &str) -> Result<u64, StoreError> {
        Ok(sqlx::query(sql::DROP_EVENTS).bind(function).execute(&mut *self.tx).await?.rows_affected())
    }

    /// Claims a unique name for a document.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when someone holds it.
    pub async fn claim(&mut self, kind: &str, value: &str, root: &str, holder: &Key) -> Result<(), StoreError> {
        let query = sqlx::query(sql::CLAIM).bind(kind).bind(value).bind(root).bind(&holder.parent).bind(&holder.id);
        match query.execute(&mut *self.tx).await?.rows_affected() {
            0 => Err(StoreError::Exists(format!("{kind} `{value}`"))),
            _ => Ok(()),
        }
    }

    /// Gives a name up.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn release(&mut self, kind: &str, value: &str) -> Result<(), StoreError> {
        self.run(sqlx::query(sql::RELEASE).bind(kind.to_owned()).bind(value.to_owned())).await.map(drop)
    }

    /// Moves a pointer; `body` is the signed pointer.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn point(&mut self, kind: i64, name: &str, body: &[u8]) -> Result<(), StoreError> {
        let query = sqlx::query(sql::POINT).bind(kind).bind(name).bind(bigint(self.revision));
        query.bind(0_i32).bind(body.to_vec()).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Turns a pointer into a tombstone, kept so that workers learn of it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn unpoint(&mut self, kind: i64, name: &str) -> Result<(), StoreError> {
        let query = sqlx::query(sql::UNPOINT).bind(kind).bind(name).bind(bigint(self.revision));
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Commits; every replica learns of it. Answers the revision.
    ///
    /// # Errors
    /// [`StoreError::Contended`] or [`StoreError::Database`]; nothing is kept then.
    pub async fn commit(mut self) -> Result<Revision, StoreError> {
        self.audit().await?;
        if self.store.engine == Engine::Postgres {
            // Last: it takes a database-wide lock until the commit.
            sqlx::query(sql::NOTIFY).fetch_optional(&mut *self.tx).await?;
        }
        self.tx.commit().await?;
        self.store.announce(self.revision);
        Ok(self.revision)
    }

    fn placed(&mut self, statement: &'static str, doc: &Doc) -> Query<'static> {
        self.bound(sqlx::query(statement), doc)
    }

    /// The values of one row of documents.
    fn bound(&mut self, query: Query<'static>, doc: &Doc) -> Query<'static> {
        if self.author.root.is_empty() {
            self.author.root.clone_from(&doc.root);
        }
        let (key, revision) = (doc.key.clone(), bigint(self.revision));
        let query = query.bind(key.kind).bind(key.parent).bind(key.id).bind(doc.root.clone());
        query.bind(revision).bind(i32::from(doc.version)).bind(doc.body.clone())
    }

    pub(crate) async fn run(&mut self, query: Query<'static>) -> Result<AnyQueryResult, StoreError> {
        Ok(query.execute(&mut *self.tx).await?)
    }

    async fn audit(&mut self) -> Result<(), StoreError> {
        let Author { actor, operation, target, root, request_id } = self.author.clone();
        let query = sqlx::query(sql::AUDIT).bind(bigint(self.revision)).bind(self.at).bind(actor);
        self.run(query.bind(operation).bind(target).bind(root).bind(request_id)).await.map(drop)
    }

    async fn log(&mut self, verb: &'static str, key: &Key) -> Result<(), StoreError> {
        let query = self.change(sqlx::query(sql::CHANGE), verb, key);
        self.run(query).await.map(drop)
    }
}

fn describe(key: &Key) -> String {
    format!("{} `{}`", key.kind, key.id)
}
