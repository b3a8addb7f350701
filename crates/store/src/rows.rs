//! Rows as values.

use sqlx::Row;
use sqlx::any::AnyRow;
use stagecoach_base::Revision;

use crate::StoreError;

/// Names a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// `restapi`, `stage`, …
    pub kind: String,
    /// Id of the owner; empty at the top.
    pub parent: String,
    /// Unique under kind and parent.
    pub id: String,
}

/// A stored document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// Its name.
    pub key: Key,
    /// The tree it belongs to; loading or deleting a tree is one statement.
    pub root: String,
    /// Version of the body's shape.
    pub version: u16,
    /// When it was last written; set by the store.
    pub revision: Revision,
    /// JSON text.
    pub body: String,
}

/// Who holds a unique name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRow {
    /// Namespace.
    pub kind: String,
    /// The name.
    pub value: String,
    /// Tree of the holder.
    pub root: String,
    /// Parent of the holder.
    pub parent: String,
    /// Id of the holder.
    pub id: String,
}

/// A stored pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointerRow {
    /// The feed's kind number.
    pub kind: i64,
    /// Name within the kind.
    pub name: String,
    /// When it was last moved or removed.
    pub revision: Revision,
    /// A tombstone.
    pub removed: bool,
    /// Signed pointer bytes.
    pub body: Vec<u8>,
}

/// One entry of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Transaction.
    pub revision: Revision,
    /// Position in the transaction.
    pub seq: i64,
    /// What changed.
    pub key: Key,
    /// `insert`, `replace`, `put`, `delete`.
    pub verb: String,
    /// Who.
    pub actor: String,
    /// When, Unix ms.
    pub at: i64,
}

/// One committed write, as the audit log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Transaction.
    pub revision: Revision,
    /// When, Unix ms.
    pub at: i64,
    /// Who and by which call.
    pub author: crate::Author,
}

/// What a replica knows of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    /// Worker id.
    pub id: String,
    /// Replica that says so.
    pub control_id: String,
    /// Process start.
    pub incarnation: String,
    /// Settled revision.
    pub watermark: Revision,
    /// The replica's own JSON about it.
    pub rejected: String,
    /// Unix ms.
    pub seen: i64,
}

/// A revision column.
pub(crate) fn revision(row: &AnyRow, column: &str) -> Result<Revision, StoreError> {
    let number: i64 = row.try_get(column)?;
    Revision::try_from(number).map_err(|_| StoreError::Damaged(format!("{column} is {number}")))
}

/// A number for a bigint column; ours stay far below the limit.
pub(crate) fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn key(row: &AnyRow) -> Result<Key, StoreError> {
    Ok(Key { kind: row.try_get("kind")?, parent: row.try_get("parent")?, id: row.try_get("id")? })
}

pub(crate) fn doc(row: &AnyRow) -> Result<Doc, StoreError> {
    let version: i64 = small(row, "version")?;
    Ok(Doc {
        key: key(row)?,
        root: row.try_get("root")?,
        version: u16::try_from(version).map_err(|_| StoreError::Damaged(format!("version is {version}")))?,
        revision: revision(row, "revision")?,
        body: row.try_get("body")?,
    })
}

/// An `integer` column: 32 bits on Postgres, 64 on SQLite.
pub(crate) fn small(row: &AnyRow, column: &str) -> Result<i64, StoreError> {
    let narrow = row.try_get::<i32, _>(column).map(i64::from);
    Ok(narrow.or_else(|_| row.try_get::<i64, _>(column))?)
}

pub(crate) fn name(row: &AnyRow) -> Result<NameRow, StoreError> {
    Ok(NameRow {
        kind: row.try_get("kind")?,
        value: row.try_get("value")?,
        root: row.try_get("root")?,
        parent: row.try_get("parent")?,
        id: row.try_get("id")?,
    })
}

pub(crate) fn pointer(row: &AnyRow) -> Result<PointerRow, StoreError> {
    Ok(PointerRow {
        kind: small(row, "kind")?,
        name: row.try_get("name")?,
        revision: revision(row, "revision")?,
        removed: small(row, "removed")? != 0,
        body: row.try_get("body")?,
    })
}

pub(crate) fn change(row: &AnyRow) -> Result<ChangeRow, StoreError> {
    Ok(ChangeRow {
        revision: revision(row, "revision")?,
        seq: small(row, "seq")?,
        key: key(row)?,
        verb: row.try_get("verb")?,
        actor: row.try_get("actor")?,
        at: row.try_get("at")?,
    })
}

pub(crate) fn worker(row: &AnyRow) -> Result<WorkerRow, StoreError> {
    Ok(WorkerRow {
        id: row.try_get("id")?,
        control_id: row.try_get("control_id")?,
        incarnation: row.try_get("incarnation")?,
        watermark: revision(row, "watermark")?,
        rejected: row.try_get("rejected")?,
        seen: row.try_get("seen")?,
    })
}

pub(crate) fn audit(row: &AnyRow) -> Result<AuditRow, StoreError> {
    let author = crate::Author {
        actor: row.try_get("actor")?,
        operation: row.try_get("operation")?,
        target: row.try_get("target")?,
        root: row.try_get("root")?,
        request_id: row.try_get("request_id")?,
    };
    Ok(AuditRow { revision: revision(row, "revision")?, at: row.try_get("at")?, author })
}
