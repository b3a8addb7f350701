//! What can go wrong with the store.

/// A store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A document with this key exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// The document changed (or went) since it was read.
    #[error("{0} was changed by someone else")]
    Stale(String),
    /// The transaction lost against another one; the caller may run it again.
    #[error("the transaction lost against another one: {0}")]
    Contended(#[source] sqlx::Error),
    /// The URL names no engine we speak.
    #[error("`{0}` is not a database URL: use sqlite://FILE or postgres://…")]
    Url(String),
    /// A stored value does not have the form this program writes.
    #[error("a stored value is damaged: {0}")]
    Damaged(String),
    /// The engine or the connection failed.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
}

/// SQLSTATE classes and SQLite codes that mean "run it again": serialisation failure, deadlock, busy, locked.
const RETRYABLE: [&str; 5] = ["40001", "40P01", "5", "517", "6"];

impl StoreError {
    /// Whether running the whole transaction again may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Exists(_) | Self::Stale(_) | Self::Contended(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|database| database.code().map(|code| code.into_owned()));
        match code {
            Some(code) if RETRYABLE.contains(&code.as_str()) => Self::Contended(error),
            _ => Self::Database(error),
        }
    }
}
