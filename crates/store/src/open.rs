//! Opening a store, and what every handle shares.

use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;
use sqlx::{Executor, Row};
use stagecoach_base::Revision;
use tokio::sync::{Mutex, watch};

use crate::{StoreError, sql};

/// How a store is opened.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// Connections at most.
    pub max_connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { max_connections: 16 }
    }
}

/// Which engine is behind the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A handle to the store; clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: AnyPool,
    pub(crate) engine: Engine,
    pub(crate) url: Arc<str>,
    pub(crate) head: Arc<watch::Sender<Revision>>,
    /// SQLite has one writer at a time; taking turns here spares its busy loop.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// How long a caller waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);

/// `synchronous = FULL`: an acknowledged write survives power loss, not only kill -9 (WAL with NORMAL does not).
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000";

impl Store {
    /// Opens `sqlite://FILE` (created if missing), `sqlite::memory:` or `postgres://…`. Does not migrate.
    ///
    /// # Errors
    /// [`StoreError::Url`] for another scheme, [`StoreError::Database`] when the database cannot be reached.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let engine = engine(url)?;
        let pool = pool(url, engine, options).await?;
        let head = Arc::new(watch::Sender::new(0));
        Ok(Self { pool, engine, url: url.into(), head, turn: Arc::new(Mutex::new(())) })
    }

    /// Whether this is a database of this machine (SQLite): then no host elsewhere works on it.
    pub fn is_embedded(&self) -> bool {
        self.engine == Engine::Sqlite
    }

    /// The file of an embedded database, with links resolved; `None` in memory and on Postgres.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn file(&self) -> Result<Option<PathBuf>, StoreError> {
        if self.engine == Engine::Postgres {
            return Ok(None);
        }
        let file: String = sqlx::query(sql::SQLITE_FILE).fetch_one(&self.pool).await?.try_get("file")?;
        Ok(Some(file).filter(|file| !file.is_empty()).map(PathBuf::from))
    }

    /// Moves on every commit seen by this handle: its own at once, others' through [`Store::tail`].
    pub fn head(&self) -> watch::Receiver<Revision> {
        self.head.subscribe()
    }

    /// Announces a revision; the head never goes back.
    pub(crate) fn announce(&self, revision: Revision) {
        self.head.send_if_modified(|head| {
            let newer = revision > *head;
            *head = revision.max(*head);
            newer
        });
    }
}

fn engine(url: &str) -> Result<Engine, StoreError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Engine::Sqlite),
        Some("postgres" | "postgresql") => Ok(Engine::Postgres),
        _ => Err(StoreError::Url(url.to_owned())),
    }
}

async fn pool(url: &str, engine: Engine, options: &StoreOptions) -> Result<AnyPool, StoreError> {
    let in_memory = url.contains(":memory:");
    let mut builder = AnyPoolOptions::new().acquire_timeout(ACQUIRE);
    builder = match engine {
        // Every connection to an in-memory database would see a database of its own.
        Engine::Sqlite if in_memory => builder.max_connections(1).idle_timeout(None).max_lifetime(None),
        _ => builder.max_connections(options.max_connections.max(2)),
    };
    if engine == Engine::Sqlite {
        builder =
            builder.after_connect(|connection, _| Box::pin(async move { connection.execute(PRAGMAS).await.map(drop) }));
    }
    let created = engine == Engine::Sqlite && !in_memory && !url.contains('?');
    let url = if created { format!("{url}?mode=rwc") } else { url.to_owned() };
    Ok(builder.connect(&url).await?)
}
