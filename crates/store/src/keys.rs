//! Secrets and admin access keys.

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::read::collect;
use crate::{Store, StoreError, rows, sql};

/// An admin access key. The secret is kept readable: SigV4 is an HMAC, the verifier needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// What clients send.
    pub id: String,
    /// What clients sign with.
    pub secret: String,
    /// What it is for.
    pub description: String,
    /// Unix ms.
    pub created: i64,
    /// No longer accepted.
    pub revoked: bool,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("revoked", &self.revoked).finish_non_exhaustive()
    }
}

impl Store {
    /// A secret's bytes.
    ///
    /// # Errors
    /// [`StoreError::Database`]; so for every function below.
    pub async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query(sql::SECRET).bind(name).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get("bytes")).transpose()?)
    }

    /// Keeps `bytes` unless the secret exists; answers what is kept, so that replicas starting together agree.
    ///
    /// # Errors
    /// As [`Store::secret`].
    pub async fn put_secret_if_absent(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.lone(sqlx::query(sql::PUT_SECRET).bind(name).bind(bytes.to_vec())).await?;
        self.secret(name).await?.ok_or_else(|| StoreError::Damaged(format!("secret {name} vanished")))
    }

    /// Keeps a new access key.
    ///
    /// # Errors
    /// As [`Store::secret`].
    pub async fn put_access_key(&self, key: &AccessKey) -> Result<(), StoreError> {
        let query = sqlx::query(sql::PUT_ACCESS_KEY).bind(&key.id).bind(&key.secret).bind(&key.description);
        self.lone(query.bind(key.created)).await.map(drop)
    }

    /// One access key, revoked ones included.
    ///
    /// # Errors
    /// As [`Store::secret`].
    pub async fn access_key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        sqlx::query(sql::ACCESS_KEY).bind(id).fetch_optional(&self.pool).await?.as_ref().map(key).transpose()
    }

    /// All access keys, oldest first.
    ///
    /// # Errors
    /// As [`Store::secret`].
    pub async fn access_keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        collect(&sqlx::query(sql::ACCESS_KEYS).fetch_all(&self.pool).await?, key)
    }

    /// Revokes an access key; false when there is none.
    ///
    /// # Errors
    /// As [`Store::secret`].
    pub async fn revoke_access_key(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.lone(sqlx::query(sql::REVOKE_ACCESS_KEY).bind(id)).await?.rows_affected() == 1)
    }
}

fn key(row: &AnyRow) -> Result<AccessKey, StoreError> {
    Ok(AccessKey {
        id: row.try_get("id")?,
        secret: row.try_get("secret")?,
        description: row.try_get("description")?,
        created: row.try_get("created")?,
        revoked: rows::small(row, "revoked")? != 0,
    })
}
