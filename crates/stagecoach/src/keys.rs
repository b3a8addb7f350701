//! `stagecoach key`: admin access keys.

use std::io::Write;

use anyhow::bail;
use serde_json::json;
use stagecoach_base::{Clock, id};
use stagecoach_store::AccessKey;

use crate::cli::Key;
use crate::compose;
use crate::system::{SystemClock, SystemEntropy};

/// Characters of a secret.
const SECRET_LEN: usize = 40;

/// Creates, lists or revokes keys.
///
/// # Errors
/// When the database does not answer, or the key does not exist.
pub(crate) fn run(command: Key) -> anyhow::Result<()> {
    compose::runtime()?.block_on(async {
        match command {
            Key::Create { database, description } => create(&database.database_url, description).await,
            Key::List { database } => list(&database.database_url).await,
            Key::Revoke { database, id } => revoke(&database.database_url, &id).await,
        }
    })
}

async fn create(url: &str, description: String) -> anyhow::Result<()> {
    let store = compose::store(url, 1).await?;
    let key = AccessKey {
        id: format!("AKIA{}", id::random(&SystemEntropy, 16).to_ascii_uppercase()),
        secret: id::random(&SystemEntropy, SECRET_LEN),
        description,
        created: SystemClock.wall().0,
        revoked: false,
    };
    store.put_access_key(&key).await?;
    print(&json!({ "accessKeyId": key.id, "secretAccessKey": key.secret, "description": key.description }))
}

async fn list(url: &str) -> anyhow::Result<()> {
    let keys = compose::store(url, 1).await?.access_keys().await?;
    let shown = keys.iter().map(|key| {
        json!({ "accessKeyId": key.id, "description": key.description, "created": key.created, "revoked": key.revoked })
    });
    print(&json!({ "keys": shown.collect::<Vec<_>>() }))
}

async fn revoke(url: &str, id: &str) -> anyhow::Result<()> {
    match compose::store(url, 1).await?.revoke_access_key(id).await? {
        true => Ok(()),
        false => bail!("there is no access key {id}"),
    }
}

fn print(value: &serde_json::Value) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{value:#}")?)
}
