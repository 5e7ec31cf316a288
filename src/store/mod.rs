//! Where everything is kept: a contract of few use-case methods, each one atomic and durable when it returns.
//!
//! The contract is [`Store`]; what stands behind it is a closed set. Every backend passes the same suite
//! (`tests/local/store_contract.rs`). `types` is what goes in and comes out, [`StoreError`] why something didn't; `records` is what is
//! written, and `backup` the file that holds all of it.
//!
//! The directory is read with [`Store::load`] and held in memory by the caller; every change of what is held there makes a new
//! [`Generation`].

mod backup;
mod cluster;
mod counts;
mod error;
mod jobs;
mod outbox;
mod postgres;
mod records;
mod sled;
mod types;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::domain::audit;
use crate::domain::changes::open::Note;
use crate::domain::changes::{ChangeAt, ContactChange};
use crate::domain::climb::Climb;
use crate::domain::guard::CheckedDelta;
use crate::domain::ids::{DirectoryName, Generation, NoticeId, OutageId, RunId};
use crate::domain::notice::EventKey;
use crate::domain::outage::Outage;
use crate::domain::past::Entry;
use crate::domain::run::{Cursor, Run};
use crate::domain::undo::Step;

pub use self::cluster::{
    BrokenChannel, CaughtUp, Lease, Life, NodeState, PostgresSettings, ProbedDatabase, Standing, Tidings,
};
pub use self::error::StoreError;
pub use self::postgres::{Clock, PgStore, PostgresServer, PostgresTls};
pub use self::sled::SledStore;
pub use self::types::{
    Attempt, AttemptLog, BackupInfo, Change, ChannelCounts, Claimed, Committed, DirectoryState, Event,
    Exported, Listed, MessageDetail, MessageFilter, MessageOrder, Opening, Pruned, QueueCounts, Rebuilt,
    Restored, Retention, RunDetail, RunRecord, Sequence, SledSettings, State,
};

/// Where everything is kept. Cloning it is cheap.
///
/// A method that changes something returns when the change is durable: it survives a `kill -9` and a power cut. Then, or when it
/// returns an error, it has happened as a whole or not at all.
#[derive(Clone)]
pub enum Store {
    /// In this process: sled in a folder.
    Sled(SledStore),
    /// Shared by several nodes: PostgreSQL.
    Postgres(PgStore),
}

// === opening and closing ===

impl Store {
    /// Opens the embedded store, or makes an empty one. Every record is looked at; a store that isn't what was written is put aside
    /// and rebuilt from the newest good export, and [`Opening::Rebuilt`] says so.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::TooNew`], [`StoreError::DiskFull`], [`StoreError::Io`].
    pub async fn open_sled(
        settings: SledSettings,
        now: DateTime<Utc>,
    ) -> Result<(Store, Opening), StoreError> {
        let (store, opening) = SledStore::open(settings, now).await?;
        Ok((Store::Sled(store), opening))
    }

    /// Puts what a backup holds in place of an embedded store that isn't open. The file is read to its end and checked, and the new
    /// store looked at, before anything is changed. What is there is put aside, but only if told to `replace` it, or if nothing was
    /// ever written to it.
    ///
    /// # Errors
    /// [`StoreError::BadBackup`], [`StoreError::NotEmpty`], [`StoreError::InUse`], [`StoreError::DiskFull`], [`StoreError::Io`].
    pub async fn restore_sled(
        settings: SledSettings,
        backup: PathBuf,
        replace: bool,
        now: DateTime<Utc>,
    ) -> Result<Restored, StoreError> {
        SledStore::restore(settings, backup, replace, now).await
    }

    /// Opens the store in a database, or makes its tables there. `clock` tells the time: the node says with it how long it may be counted on.
    ///
    /// # Errors
    /// [`StoreError::Away`], [`StoreError::Database`], [`StoreError::TooNew`].
    pub async fn open_postgres(
        settings: PostgresSettings,
        clock: Clock,
    ) -> Result<(Store, Opening), StoreError> {
        let (store, opening) = PgStore::open(settings, clock, postgres::Purpose::Work).await?;
        Ok((Store::Postgres(store), opening))
    }

    /// The same for [`Store::fill`] alone: also a database that was half filled when it was interrupted, which no node works with.
    ///
    /// # Errors
    /// Those of [`Store::open_postgres`].
    pub async fn open_postgres_to_fill(
        settings: PostgresSettings,
        clock: Clock,
    ) -> Result<Store, StoreError> {
        Ok(Store::Postgres(PgStore::open(settings, clock, postgres::Purpose::Fill).await?.0))
    }

    /// Somebody has been told that the store was rebuilt: [`Opening::Rebuilt`] isn't said again.
    pub async fn rebuild_told(&self) -> Result<(), StoreError> {
        match self {
            Store::Sled(store) => store.rebuild_told().await,
            // It looks after itself.
            Store::Postgres(_) => Ok(()),
        }
    }

    /// Ends what is under way and closes the store; afterwards every method fails.
    pub async fn close(&self) {
        match self {
            Store::Sled(store) => store.close().await,
            Store::Postgres(store) => store.close().await,
        }
    }
}

// === what is held in memory ===

impl Store {
    /// Reads everything that is held in memory, as of one moment.
    pub async fn load(&self) -> Result<State, StoreError> {
        match self {
            Store::Sled(store) => store.load().await,
            Store::Postgres(store) => store.load().await,
        }
    }

    /// The random number of the installation, of which Message-IDs are made. It stays through backups, restores and rebuilds.
    pub fn instance(&self) -> u64 {
        match self {
            Store::Sled(store) => store.instance(),
            Store::Postgres(store) => store.instance(),
        }
    }

    /// Hands out the next number of a sequence.
    pub async fn allocate(&self, sequence: Sequence) -> Result<u64, StoreError> {
        match self {
            Store::Sled(store) => store.allocate(sequence, 1).await,
            Store::Postgres(store) => store.allocate(sequence, 1).await,
        }
    }

    /// Hands out the next `count` numbers of a sequence; returns the first of them.
    pub async fn allocate_many(&self, sequence: Sequence, count: u64) -> Result<u64, StoreError> {
        match self {
            Store::Sled(store) => store.allocate(sequence, count).await,
            Store::Postgres(store) => store.allocate(sequence, count).await,
        }
    }

    /// Commits a sync: its changes, its run, health, held run and notices, and what was read, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the delta doesn't start from what is stored.
    pub async fn commit_sync(
        &self,
        delta: CheckedDelta,
        record: RunRecord,
        cursor: Cursor,
    ) -> Result<Committed, StoreError> {
        match self {
            Store::Sled(store) => store.commit_sync(delta, record, cursor).await,
            Store::Postgres(store) => store.commit_sync(delta, record, cursor).await,
        }
    }

    /// Commits a run that changed no object: it failed, is held, or found nothing to change (then with a `cursor`).
    pub async fn commit_run(
        &self,
        record: RunRecord,
        cursor: Option<Cursor>,
    ) -> Result<Committed, StoreError> {
        match self {
            Store::Sled(store) => store.commit_run(record, cursor).await,
            Store::Postgres(store) => store.commit_run(record, cursor).await,
        }
    }

    /// Commits an event: its change, its notices, its audit entry, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] and [`StoreError::NotFound`] as [`Change`] says.
    pub async fn commit_event(&self, event: Event) -> Result<Committed, StoreError> {
        self.commit_edit(event, Vec::new()).await
    }

    /// [`Store::commit_event`], with who got other contacts by it.
    ///
    /// # Errors
    /// As that.
    pub async fn commit_edit(
        &self,
        event: Event,
        contacts: Vec<ContactChange>,
    ) -> Result<Committed, StoreError> {
        match self {
            Store::Sled(store) => store.commit_event(event, contacts).await,
            Store::Postgres(store) => store.commit_event(event, contacts).await,
        }
    }
}

// === history ===

impl Store {
    /// The runs, the newest first, of one directory or of all.
    pub async fn runs(&self, directory: Option<DirectoryName>, limit: usize) -> Result<Vec<Run>, StoreError> {
        match self {
            Store::Sled(store) => store.runs(directory, limit).await,
            Store::Postgres(store) => store.runs(directory, limit).await,
        }
    }

    /// A run with what it changed and what it set aside.
    pub async fn run(&self, id: RunId) -> Result<RunDetail, StoreError> {
        match self {
            Store::Sled(store) => store.run(id).await,
            Store::Postgres(store) => store.run(id).await,
        }
    }

    /// What it takes to undo a run; empty when it never could be, or can't be any more.
    pub async fn steps(&self, id: RunId) -> Result<Vec<Step>, StoreError> {
        match self {
            Store::Sled(store) => store.steps(id).await,
            Store::Postgres(store) => store.steps(id).await,
        }
    }

    /// What changed after `at` of what is answered from, up to the generation `until`, the newest first: each with how it was before.
    /// The last one says that more isn't known, if `at` is before what is.
    pub async fn past(&self, at: DateTime<Utc>, until: Generation) -> Result<Vec<Entry>, StoreError> {
        match self {
            Store::Sled(store) => store.past(at, until).await,
            Store::Postgres(store) => store.past(at, until).await,
        }
    }

    /// The outages, the newest first, all or those that are open.
    pub async fn outages(&self, limit: usize, open_only: bool) -> Result<Vec<Outage>, StoreError> {
        match self {
            Store::Sled(store) => store.outages(limit, open_only).await,
            Store::Postgres(store) => store.outages(limit, open_only).await,
        }
    }

    /// An outage, open or over.
    pub async fn outage(&self, id: OutageId) -> Result<Outage, StoreError> {
        match self {
            Store::Sled(store) => store.outage(id).await,
            Store::Postgres(store) => store.outage(id).await,
        }
    }

    /// The notice of a thread that asks to be taken on, or asked; None: none ever did, or it was long ago.
    pub async fn climb(&self, thread: &EventKey) -> Result<Option<Climb>, StoreError> {
        match self {
            Store::Sled(store) => store.climb(thread).await,
            Store::Postgres(store) => store.climb(thread).await,
        }
    }

    /// The notices of a thread that others follow in, the first one first; those that are gone are left out.
    pub async fn thread(&self, thread: &EventKey) -> Result<Vec<NoticeId>, StoreError> {
        match self {
            Store::Sled(store) => store.thread(thread).await,
            Store::Postgres(store) => store.thread(thread).await,
        }
    }

    /// The audit log, the newest entry first.
    pub async fn audit(
        &self,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Vec<audit::Entry>, StoreError> {
        match self {
            Store::Sled(store) => store.audit(since, limit).await,
            Store::Postgres(store) => store.audit(since, limit).await,
        }
    }

    /// Who got other contacts, the newest first.
    pub async fn contact_changes(
        &self,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Vec<ChangeAt>, StoreError> {
        match self {
            Store::Sled(store) => store.contact_changes(since, limit).await,
            Store::Postgres(store) => store.contact_changes(since, limit).await,
        }
    }

    /// The changes of contacts with a number after `after`, in the order in which they were noted. Only those are looked at that speak of
    /// a time after `since`: it must be before the time that any of them speaks of.
    pub async fn contact_notes(&self, after: u64, since: DateTime<Utc>) -> Result<Vec<Note>, StoreError> {
        match self {
            Store::Sled(store) => store.contact_notes(after, since).await,
            Store::Postgres(store) => store.contact_notes(after, since).await,
        }
    }

    /// The number of the last change of contacts that was noted; 0 before the first.
    pub async fn last_contact_note(&self) -> Result<u64, StoreError> {
        match self {
            Store::Sled(store) => store.last_contact_note().await,
            Store::Postgres(store) => store.last_contact_note().await,
        }
    }

    /// Removes history that is older than `keep`, a few records at a time. The event of a notice that is gone could be told again,
    /// so keep messages for longer than any event may be repeated.
    pub async fn prune(&self, now: DateTime<Utc>, keep: Retention) -> Result<Pruned, StoreError> {
        match self {
            Store::Sled(store) => store.prune(now, keep).await,
            Store::Postgres(store) => store.prune(now, keep).await,
        }
    }
}

// === backups ===

impl Store {
    /// Writes everything that the store holds to `file`, as of one moment: self-describing, checksummed, read back before it gets
    /// its name, readable by its owner only.
    ///
    /// # Errors
    /// [`StoreError::Backup`], [`StoreError::DiskFull`]; [`StoreError::BadBackup`] when what was read back isn't what should be
    /// there, which says that the store is damaged.
    pub async fn backup(&self, file: PathBuf, now: DateTime<Utc>) -> Result<Exported, StoreError> {
        match self {
            Store::Sled(store) => store.backup(file, now).await,
            Store::Postgres(store) => store.backup(file, now).await,
        }
    }

    /// Whether a file is a whole backup of what a database holds now; never said of an embedded store.
    pub async fn is_backup(&self, file: PathBuf) -> Result<bool, StoreError> {
        match self {
            Store::Sled(_) => Ok(false),
            Store::Postgres(store) => store.is_backup(file).await,
        }
    }

    /// Puts what a backup holds into a database that nothing was ever committed to, and compares it. When it holds exactly that already, nothing
    /// is done.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], [`StoreError::BadBackup`]; always for an embedded store, which [`Store::restore_sled`] fills.
    pub async fn fill(&self, backup: PathBuf) -> Result<BackupInfo, StoreError> {
        match self {
            Store::Sled(_) => Err(StoreError::NotEmpty { path: "that is open".into() }),
            Store::Postgres(store) => store.fill(backup).await,
        }
    }

    /// Writes a backup into the folder of exports and removes the oldest ones there. It is what a damaged store is rebuilt from, and
    /// holds everything: the objects, too, so that contacts can be answered before the first sync after a rebuild.
    pub async fn export_now(&self, now: DateTime<Utc>) -> Result<Exported, StoreError> {
        match self {
            Store::Sled(store) => store.export(now).await,
            Store::Postgres(store) => Err(store.no_exports()),
        }
    }

    /// How many commits aren't in any export whose content can't be read again from a directory: events, orders, alerts (at the
    /// opening 1 stands for "some"). When it is more than 0, [`Store::export_now`] should follow soon; an hourly one covers the rest.
    /// The caller waits a little, so that many commits make one export.
    pub fn unexported(&self) -> watch::Receiver<u64> {
        match self {
            Store::Sled(store) => store.unexported(),
            Store::Postgres(store) => store.unexported(),
        }
    }
}
