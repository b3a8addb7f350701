//! Following the head: NOTIFY shortens the wait on Postgres, polling is the truth on both engines.

use std::time::Duration;

use sqlx::postgres::PgListener;

use crate::Store;
use crate::open::Engine;

/// The channel of `pg_notify`.
const CHANNEL: &str = "stagecoach_head";

impl Store {
    /// Moves [`Store::head`] on commits of other processes, forever. `poll` is the longest delay when no notification
    /// arrives (a pooler may swallow them).
    pub async fn tail(&self, poll: Duration) {
        let mut listener = self.listener().await;
        loop {
            match self.revision().await {
                Ok(revision) => self.announce(revision),
                Err(error) => tracing::debug!(error = %error, "the head could not be read"),
            }
            let lost = match &mut listener {
                Some(listening) => matches!(tokio::time::timeout(poll, listening.recv()).await, Ok(Err(_))),
                None => true,
            };
            if lost {
                tokio::time::sleep(poll).await;
                listener = self.listener().await;
            }
        }
    }

    async fn listener(&self) -> Option<PgListener> {
        if self.engine == Engine::Sqlite {
            return None;
        }
        let mut listener = PgListener::connect(&self.url).await.ok()?;
        listener.listen(CHANNEL).await.ok()?;
        Some(listener)
    }
}
