//! The embedded store: sled, one process, no server to run.
//!
//! In reading order: [`engine`] is sled as far as we use it (with [`redo`] for large commits); [`ledger`], [`watermark`] and
//! [`marker`] are what tells a whole store from a damaged one; [`scan`] looks at all of it; [`open`] puts a damaged one aside and
//! [`build`] makes a new one, from [`exports`]; [`writer`] is the one thread that commits,
//! [`rows`] what its transactions read; [`queue`] the outbox in memory, [`space`] the room on the disk. What the contract asks for is in
//! [`contract`] and [`read`].

mod build;
mod contract;
mod engine;
mod exports;
mod ledger;
mod lock;
mod marker;
mod open;
mod panics;
mod queue;
mod read;
mod redo;
mod rows;
mod said;
mod scan;
mod space;
mod watermark;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};
use tokio::sync::{oneshot, watch};

use super::backup::BackupWriter;
use super::error::StoreError;
use super::jobs::rows::Write;
use super::jobs::trouble::{Fault, Trouble};
use super::jobs::tx::Tx;
use super::types::{Exported, Opening, Restored, SledSettings, State};
use engine::{Engine, View};
use queue::Queue;
use writer::{Order, Writer};

/// The folder of the store in that of the state.
const STORE: &str = "store";
/// The folder of the engine in that of the store.
const ENGINE: &str = "sled";

/// An embedded store. Cloning it is cheap; it is closed when `Store::close` is called, or the last clone is dropped.
#[derive(Clone)]
pub struct SledStore {
    shared: Arc<Shared>,
    orders: Sender<Order>,
}

/// What the writer and the readers share.
struct Shared {
    /// The folder of the state, for what is said to people.
    path: PathBuf,
    /// The folder of the store.
    folder: PathBuf,
    cache_bytes: u64,
    exports: PathBuf,
    keep_exports: usize,
    instance: u64,
    slot: RwLock<Slot>,
    queue: Mutex<Queue>,
    /// What the look at the opening brought along; the first `load` takes it if nothing was committed since.
    first: Mutex<Option<(u64, State)>>,
    /// How many commits there were since the last export whose content can't be read again from a directory.
    unexported: watch::Sender<u64>,
    /// One export at a time.
    exporting: Mutex<()>,
}

/// The place of the engine.
enum Slot {
    Open(Engine),
    Down(Trouble),
}

impl Shared {
    fn slot(&self) -> RwLockReadGuard<'_, Slot> {
        self.slot.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot_mut(&self) -> RwLockWriteGuard<'_, Slot> {
        self.slot.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the engine is down.
    fn down(&self) -> StoreError {
        let trouble = match &*self.slot() {
            Slot::Open(_) => Trouble::Io("written", "the writer has ended".into()),
            Slot::Down(trouble) => trouble.clone(),
        };
        trouble.at(&self.path)
    }

    fn read<T>(&self, f: impl FnOnce(&View<'_>) -> Result<T, Fault>) -> Result<T, StoreError> {
        match &*self.slot() {
            Slot::Open(engine) => f(&engine.view()).map_err(|fault| fault.at(&self.path)),
            Slot::Down(trouble) => Err(trouble.clone().at(&self.path)),
        }
    }
}

impl SledStore {
    /// So many rows, and a few besides, are sure to be one batch of the engine together with what their group has before them.
    pub(super) const ROWS_AT_ONCE: usize = engine::SLICE_ROWS / 2 - 10;

    pub(super) async fn open(
        settings: SledSettings,
        now: DateTime<Utc>,
    ) -> Result<(SledStore, Opening), StoreError> {
        let path = settings.path.clone();
        blocking(&path, move || {
            let opened = open::open(&settings, now)?;
            let found = opened.found;
            // What the last process committed but didn't export any more.
            let exported = exports::newest_commit(&settings.exports)
                .map_err(|e| Trouble::io("opened", &e).at(&settings.path))?;
            let behind = opened.opening != Opening::Fresh && exported < found.ledger.commit;
            let shared = Arc::new(Shared {
                folder: settings.path.join(STORE),
                path: settings.path,
                cache_bytes: settings.cache_bytes,
                exports: settings.exports,
                keep_exports: settings.keep_exports,
                instance: found.instance,
                slot: RwLock::new(Slot::Open(found.engine)),
                queue: Mutex::new(found.queue),
                first: Mutex::new(Some((found.ledger.commit, found.state))),
                unexported: watch::Sender::new(u64::from(behind)),
                exporting: Mutex::new(()),
            });
            let (orders, received) = channel();
            let writer = Writer {
                shared: Arc::clone(&shared),
                orders: received,
                ledger: found.ledger,
                numbers: found.numbers,
                watermark: opened.watermark,
                space: opened.space,
                marker: opened.marker,
                lock: opened.lock,
            };
            let spawned = std::thread::Builder::new().name("store".into()).spawn(move || writer.run());
            spawned.map_err(|e| Trouble::io("opened", &e).at(&shared.path))?;
            Ok((SledStore { shared, orders }, opened.opening))
        })
        .await
    }

    pub(super) async fn restore(
        settings: SledSettings,
        file: PathBuf,
        replace: bool,
        now: DateTime<Utc>,
    ) -> Result<Restored, StoreError> {
        blocking(&settings.path.clone(), move || open::restore(&settings, &file, replace, now)).await
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.orders.send(Order::Close(done)).is_ok() {
            // An error says that the writer has ended already.
            let _ = closed.await;
        }
    }

    pub(super) fn instance(&self) -> u64 {
        self.shared.instance
    }

    pub(super) fn unexported(&self) -> watch::Receiver<u64> {
        self.shared.unexported.subscribe()
    }

    pub(super) async fn export(&self, now: DateTime<Utc>) -> Result<Exported, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(&self.shared.path, move || {
            let _one = shared.exporting.lock().unwrap_or_else(PoisonError::into_inner);
            let before = *shared.unexported.borrow();
            let exported = write_backup(&shared, now, |header| shared.exports.join(exports::name(header)))?;
            // What was committed while it was written may be in it or not: it counts as not.
            shared.unexported.send_modify(|n| *n = n.saturating_sub(before));
            let rotated = exports::rotate(&shared.exports, shared.keep_exports);
            rotated.map_err(|e| Trouble::io("written", &e).at(&shared.exports))?;
            Ok(exported)
        })
        .await
    }

    pub(super) async fn backup(&self, file: PathBuf, now: DateTime<Utc>) -> Result<Exported, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(&self.shared.path, move || write_backup(&shared, now, |_| file)).await
    }

    pub(super) async fn rebuild_told(&self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(&self.shared.path, move || {
            build::drop_rebuilt_note(&shared.folder).map_err(|e| Trouble::io("written", &e).at(&shared.path))
        })
        .await
    }

    /// Has the writer do `job`; returns when what it changed is durable.
    async fn commit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, answered) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let order = Order::Job(Box::new(move |tx| {
            let result = job(tx).map_err(|fault| fault.at(&shared.path));
            let keep = result.is_ok();
            // A caller who has gone needs no answer.
            let answer = |failure: Option<StoreError>| drop(sender.send(failure.map_or(result, Err)));
            (keep, Box::new(answer))
        }));
        self.orders.send(order).map_err(|_| self.shared.down())?;
        answered.await.unwrap_or_else(|_| Err(self.shared.down()))
    }

    /// Reads at one moment, on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&View<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(&self.shared.path, move || shared.read(f)).await
    }
}

impl Write for SledStore {
    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        self.commit(job).await
    }
}

/// Writes a backup of one moment; writers wait while the records are read, not while they are checked and synced.
fn write_backup(
    shared: &Shared,
    now: DateTime<Utc>,
    path: impl FnOnce(&super::backup::Header) -> PathBuf,
) -> Result<Exported, StoreError> {
    let trouble = |t: Trouble| t.at(&shared.path);
    let slot = shared.slot();
    let engine = match &*slot {
        Slot::Open(engine) => engine,
        Slot::Down(down) => return Err(trouble(down.clone())),
    };
    let view = engine.view();
    let ledger = engine.ledger().map_err(trouble)?;
    let ledger = ledger.ok_or_else(|| trouble(Trouble::Damaged("its ledger is gone".into())))?;
    let header = exports::header(&ledger, shared.instance, now);
    let path = path(&header);
    let mut writer = BackupWriter::create(&path, header)?;
    for row in view.all() {
        let (_, key, value) = row.map_err(trouble)?;
        writer.record(&key, &value)?;
    }
    drop(view);
    drop(slot);
    let header = writer.finish()?;
    Ok(Exported { path, info: header.info() })
}

/// Runs `f` where it may block. A panic of the engine, which means damage, comes back as an error.
async fn blocking<T: Send + 'static>(
    path: &Path,
    f: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(move || panics::caught(f)).await {
        Ok(Ok(result)) => result,
        Ok(Err(said)) => Err(Trouble::Damaged(format!("the engine panicked: {said}")).at(path)),
        Err(_) => Err(Trouble::Closed.at(path)),
    }
}
