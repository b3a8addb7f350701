//! Many documents in few statements: an import writes thousands.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Write, describe};
use crate::read::Query;
use crate::rows::bigint;
use crate::{Doc, Key, StoreError, sql};

/// Rows of one statement. Eight values each stay far below the parameters that either engine takes.
const ROWS: usize = 64;

static INSERT_DOCS: LazyLock<String> = LazyLock::new(|| sql::many(sql::INSERT_DOC, ROWS));
static PUT_DOCS: LazyLock<String> = LazyLock::new(|| sql::many(sql::PUT_DOC, ROWS));
static CHANGES: LazyLock<String> = LazyLock::new(|| sql::many(sql::CHANGE, ROWS));
static DELETE_DOCS: LazyLock<String> = LazyLock::new(|| sql::any_of(sql::DELETE_DOC, ROWS));

impl Write {
    /// Adds many new documents.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a key is taken.
    pub async fn insert_many(&mut self, docs: &[Doc]) -> Result<(), StoreError> {
        let (chunks, rest) = docs.as_chunks::<ROWS>();
        for chunk in chunks {
            let query = self.placed_all(&INSERT_DOCS, chunk);
            if self.run(query).await?.rows_affected() < ROWS as u64 {
                return Err(self.taken(chunk).await?);
            }
            self.log_many("insert", chunk.iter().map(|doc| &doc.key)).await?;
        }
        for doc in rest {
            self.insert(doc).await?;
        }
        Ok(())
    }

    /// The first of `docs` that an older write holds.
    async fn taken(&mut self, docs: &[Doc]) -> Result<StoreError, StoreError> {
        for doc in docs {
            let found = self.get(&doc.key).await?;
            if found.is_some_and(|found| found.revision != self.revision) {
                return Ok(StoreError::Exists(describe(&doc.key)));
            }
        }
        Ok(StoreError::Exists("a document of the batch".to_owned()))
    }

    /// Adds or overwrites many documents with keys that differ.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn put_many(&mut self, docs: &[Doc]) -> Result<(), StoreError> {
        let (chunks, rest) = docs.as_chunks::<ROWS>();
        for chunk in chunks {
            let query = self.placed_all(&PUT_DOCS, chunk);
            self.run(query).await?;
            self.log_many("put", chunk.iter().map(|doc| &doc.key)).await?;
        }
        for doc in rest {
            self.put(doc).await?;
        }
        Ok(())
    }

    /// Removes many documents, all of which are there.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_many(&mut self, keys: &[Key]) -> Result<(), StoreError> {
        let mut ids: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for key in keys {
            ids.entry((&key.kind, &key.parent)).or_default().push(&key.id);
        }
        for ((kind, parent), ids) in ids {
            for chunk in ids.chunks(ROWS) {
                let mut query = sqlx::query(DELETE_DOCS.as_str()).bind(kind.to_owned()).bind(parent.to_owned());
                // The statement has one shape: ids come again until it is full.
                for id in chunk.iter().cycle().take(ROWS) {
                    query = query.bind((*id).to_owned());
                }
                self.run(query).await?;
            }
        }
        self.log_many("delete", keys.iter()).await
    }

    fn placed_all(&mut self, statement: &'static str, docs: &[Doc]) -> Query<'static> {
        let mut query = sqlx::query(statement);
        for doc in docs {
            query = self.bound(query, doc);
        }
        query
    }

    /// Logs one verb for many documents.
    pub(super) async fn log_many(
        &mut self,
        verb: &'static str,
        keys: impl Iterator<Item = &Key>,
    ) -> Result<(), StoreError> {
        let keys: Vec<&Key> = keys.collect();
        let (chunks, rest) = keys.as_chunks::<ROWS>();
        for chunk in chunks {
            let mut query = sqlx::query(CHANGES.as_str());
            for key in chunk {
                query = self.change(query, verb, key);
            }
            self.run(query).await?;
        }
        for key in rest {
            self.log(verb, key).await?;
        }
        Ok(())
    }

    /// The values of one row of the change log.
    pub(super) fn change(&mut self, query: Query<'static>, verb: &'static str, key: &Key) -> Query<'static> {
        self.seq += 1;
        let seq = i32::try_from(self.seq).unwrap_or(i32::MAX);
        let query = query.bind(bigint(self.revision)).bind(seq);
        let query = query.bind(key.kind.clone()).bind(key.parent.clone()).bind(key.id.clone());
        query.bind(verb).bind(self.author.actor.clone()).bind(self.at)
    }
}
