//! The directories that are synced: their sources, and which of them is being read now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::core::Core;
use super::sync::{self, Order, Report};
use super::undo::{self, UndoError, Undone};
use crate::domain::audit::Actor;
use crate::domain::ids::{DirectoryName, RunId};
pub use crate::source::Progress;
use crate::source::Source;
use crate::store::StoreError;

/// The sources by directory. Only one run of a directory is under way at a time.
pub struct Directories {
    sources: ArcSwap<BTreeMap<DirectoryName, Arc<Source>>>,
    running: Mutex<BTreeSet<DirectoryName>>,
    changed: watch::Sender<()>,
}

/// Why a sync wasn't begun.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// There is no such directory.
    #[error("there is no directory {0} in the configuration; there are: {1}")]
    Unknown(DirectoryName, String),
    /// It is being read.
    #[error("a sync of {0} is under way; wait for it to end (`budkavle status` shows it)")]
    Running(DirectoryName),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a run wasn't undone.
#[derive(Debug, thiserror::Error)]
pub enum NotUndone {
    /// Its directory is being read.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
    /// It can't be.
    #[error(transparent)]
    Undo(#[from] UndoError),
}

/// Marks a directory as being read until it is dropped, also when the run is given up midway.
struct Running<'a>(&'a Directories, DirectoryName);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running().remove(&self.1);
        self.0.changed.send_replace(());
    }
}

impl Directories {
    /// With these sources.
    pub fn new(sources: BTreeMap<DirectoryName, Arc<Source>>) -> Directories {
        Directories {
            sources: ArcSwap::from_pointee(sources),
            running: Mutex::default(),
            changed: watch::Sender::default(),
        }
    }

    /// Takes other sources from the next run on. One with the name of an earlier one takes over what that has learned.
    pub fn replace(&self, sources: BTreeMap<DirectoryName, Arc<Source>>) {
        let before = self.sources.load();
        for (name, source) in &sources {
            if let Some(before) = before.get(name) {
                source.inherit(before);
            }
        }
        self.sources.store(Arc::new(sources));
        self.changed.send_replace(());
    }

    /// Where one is read.
    pub fn source(&self, name: &DirectoryName) -> Option<Arc<Source>> {
        self.sources.load().get(name).cloned()
    }

    /// Is told when a run has ended, and when the sources were replaced.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<DirectoryName> {
        self.sources.load().keys().cloned().collect()
    }

    /// Whether a directory is being read.
    pub fn is_running(&self, name: &DirectoryName) -> bool {
        self.running().contains(name)
    }

    /// Syncs one directory, unless that is under way.
    pub async fn sync(
        &self,
        core: &Core,
        name: &DirectoryName,
        order: Order,
        progress: impl Fn(Progress) + Send + Sync,
    ) -> Result<Report, NotBegun> {
        let Some(source) = self.source(name) else {
            let names: Vec<String> = self.names().iter().map(ToString::to_string).collect();
            return Err(NotBegun::Unknown(name.clone(), names.join(", ")));
        };
        let _running = self.begin(name)?;
        Ok(sync::sync(core, &source, name, order, progress).await?)
    }

    /// Undoes a run, unless its directory is being read; nor is it read meanwhile.
    pub async fn undo(
        &self,
        core: &Core,
        id: RunId,
        by: &Actor,
        why: Option<&str>,
        dry_run: bool,
    ) -> Result<Undone, NotUndone> {
        let name = core.store.run(id).await.map_err(UndoError::from)?.run.directory;
        let _running = self.begin(&name)?;
        Ok(undo::undo(core, id, by, why, dry_run).await?)
    }

    fn begin(&self, name: &DirectoryName) -> Result<Running<'_>, NotBegun> {
        if !self.running().insert(name.clone()) {
            return Err(NotBegun::Running(name.clone()));
        }
        Ok(Running(self, name.clone()))
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeSet<DirectoryName>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
