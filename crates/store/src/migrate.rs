//! Migrations: numbered files of `/migrations`, each applied once.

use sqlx::{Executor, Row};

use crate::open::Engine;
use crate::{Store, StoreError, sql};

/// Number and text, in order.
const FILES: &[(i64, &str)] = &[
    (1, include_str!("../../../migrations/0001_documents.sql")),
    (2, include_str!("../../../migrations/0002_audit.sql")),
    (3, include_str!("../../../migrations/0003_events.sql")),
];

impl Store {
    /// Applies missing migrations. `epoch` names this history of the control plane; the first caller's stays.
    ///
    /// # Errors
    /// [`StoreError::Database`] when a statement fails; nothing of that file is kept then.
    pub async fn migrate(&self, epoch: &str) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.pool.execute(sql::MIGRATIONS).await?;
        let mut tx = self.pool.begin().await?;
        if self.engine == Engine::Postgres {
            tx.execute(sql::LOCK_MIGRATIONS).await?;
        }
        let rows = sqlx::query(sql::APPLIED).fetch_all(&mut *tx).await?;
        let applied: Vec<i64> = rows.iter().map(|row| crate::rows::small(row, "number")).collect::<Result<_, _>>()?;
        for (number, text) in FILES.iter().filter(|(number, _)| !applied.contains(number)) {
            for statement in statements(text) {
                tx.execute(statement).await?;
            }
            sqlx::query(sql::APPLY).bind(*number).execute(&mut *tx).await?;
        }
        sqlx::query(sql::FIRST_HEAD).bind(epoch).execute(&mut *tx).await?;
        tx.commit().await?;
        let revision = self.revision().await?;
        self.announce(revision);
        Ok(())
    }

    /// The name of this history; changes when a database is restored from a backup.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn epoch(&self) -> Result<String, StoreError> {
        let row = sqlx::query(sql::EPOCH).fetch_one(&self.pool).await?;
        Ok(row.try_get("epoch")?)
    }
}

fn statements(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(';').map(str::trim).filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}
