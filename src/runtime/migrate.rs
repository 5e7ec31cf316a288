//! Everything from one kind of store to the other: a backup of the one, of which the other is made.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use super::clock::Clock;
use super::{database, wire};
use crate::config::Config;
use crate::store::{BackupInfo, Opening, Store, StoreError};

/// A kind of store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Kind {
    /// The folder of this machine.
    Sled,
    /// The database that nodes share.
    Postgresql,
}

/// Why it wasn't moved.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no database.
    #[error("the configuration names no database; it must have both: store.folder and store.postgresql")]
    NoDatabase,
    /// There is nothing to move.
    #[error("the store {0} holds nothing")]
    Nothing(String),
    /// Nodes are at work.
    #[error("the nodes {0} are running on the database; stop them all first")]
    Running(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder.
    #[error("{0} can't be written: {1}")]
    Folder(String, std::io::Error),
}

/// Where what is read from a database waits until it has been taken over, within `store.folder`.
const MOVING: &str = ".moving";

/// Moves everything `to` one kind of store from the other. Where it was it stays, too. Into a database it goes in parts: who is interrupted goes on there.
/// What was read from one is read once, unless it has changed since.
pub async fn migrate(
    config: &Config,
    to: Kind,
    replace: bool,
    clock: Clock,
) -> Result<BackupInfo, MigrateError> {
    let settings = database::settings(config).ok_or(MigrateError::NoDatabase)?;
    let node = format!("{} (moving)", settings.node).into();
    let (folder, ticking) = (&config.store.folder, clock.clone());
    std::fs::create_dir_all(folder).map_err(|e| MigrateError::Folder(folder.display().to_string(), e))?;
    let scratch = folder.join(MOVING);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&scratch);
    made.map_err(|e| MigrateError::Folder(scratch.display().to_string(), e))?;
    let file = scratch.join("everything.bkv");
    let tell = Arc::new(move || ticking.now());
    let settings = crate::store::PostgresSettings { node, ..settings };
    let database = match to {
        Kind::Postgresql => Store::open_postgres_to_fill(settings, tell).await?,
        Kind::Sled => Store::open_postgres(settings, tell).await?.0,
    };
    let moved = async {
        let others: Vec<Box<str>> = database.others().into_iter().map(|node| node.name).collect();
        if !others.is_empty() {
            return Err(MigrateError::Running(others.join(", ")));
        }
        match to {
            Kind::Postgresql => {
                let (sled, opening) = Store::open_sled(wire::store_settings(config), clock.now()).await?;
                let written = if opening == Opening::Fresh {
                    Err(MigrateError::Nothing(folder.display().to_string()))
                } else {
                    sled.backup(file.clone(), clock.now()).await.map_err(Into::into)
                };
                sled.close().await;
                written?;
                Ok(database.fill(file).await?)
            }
            Kind::Sled => {
                if database.is_backup(file.clone()).await? {
                    tracing::info!("It was all read before; that is taken now");
                } else {
                    database.backup(file.clone(), clock.now()).await?;
                }
                let restored =
                    Store::restore_sled(wire::store_settings(config), file, replace, clock.now()).await?;
                Ok(restored.info)
            }
        }
    };
    let moved = moved.await;
    database.close().await;
    if moved.is_ok()
        && let Err(error) = std::fs::remove_dir_all(&scratch)
    {
        tracing::warn!("{} can't be removed: {error}", scratch.display());
    }
    moved
}
