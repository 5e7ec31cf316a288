//! Listens to each directory's server for hints that something has changed, and keeps them until a run follows.
//!
//! A connection of its own for each directory, to the server that was read last. Whatever becomes of it, nothing else is the worse: the schedule
//! goes on, and a connection on which nothing comes is no loop that has stopped. So there is no heartbeat here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::clock::Clock;
use super::lifecycle::Tasks;
use crate::domain::backoff::Backoff;
use crate::domain::directory::Directory;
use crate::domain::hint::{Hints, Telling, Unwatched, watched};
use crate::domain::ids::DirectoryName;
use crate::domain::run::Cursor;
use crate::flow::core::Core;
use crate::flow::directories::Directories;
use crate::source::{Ask, Heard, Source, WatchEnded};

/// How long a connection that broke isn't made anew.
const PAUSES: Backoff = Backoff { first: TimeDelta::seconds(5), longest: TimeDelta::minutes(15) };
/// A connection that lasted so long has worked: its end is the first failure again.
const WORKED: Duration = Duration::from_secs(60);
/// After so long a connection is made anew, with the credentials of now: one over which nothing comes can't be told from a quiet one.
const RENEW: Duration = Duration::from_secs(30 * 60);

/// The hints that wait, by directory, and the least time between two runs that they make, of those directories that are listened to.
#[derive(Default)]
pub struct HintBook {
    pauses: ArcSwap<BTreeMap<DirectoryName, TimeDelta>>,
    hints: Mutex<BTreeMap<DirectoryName, Hints>>,
    /// What has become of the connections.
    telling: Mutex<BTreeMap<DirectoryName, Telling>>,
    /// Woken by the first that waits.
    pub woken: Notify,
}

impl HintBook {
    /// For these directories, with their pauses.
    pub fn new(pauses: BTreeMap<DirectoryName, TimeDelta>) -> HintBook {
        HintBook { pauses: ArcSwap::from_pointee(pauses), ..HintBook::default() }
    }

    /// Takes others.
    pub fn replace(&self, pauses: BTreeMap<DirectoryName, TimeDelta>) {
        self.hints().retain(|name, _| pauses.contains_key(name));
        self.pauses.store(Arc::new(pauses));
    }

    /// When the hints of a directory make a run; None: not before another comes.
    pub fn due(&self, core: &Core, name: &DirectoryName) -> Option<DateTime<Utc>> {
        let pause = *self.pauses.load().get(name)?;
        let due = self.hints().get(name)?.due(pause)?;
        if target(core, name).is_err() {
            // When the next run has gone well, what changed until then is behind it, or told anew.
            self.begun(name);
            return None;
        }
        Some(due)
    }

    /// A run of a directory begins, whatever set it off.
    pub fn begun(&self, name: &DirectoryName) {
        if let Some(hints) = self.hints().get_mut(name) {
            hints.begun();
        }
    }

    /// A run that hints made has ended.
    pub fn ended(&self, name: &DirectoryName, now: DateTime<Utc>, changed: bool) {
        self.hints().entry(name.clone()).or_default().ended(now, changed);
    }

    /// Something has changed in a directory.
    pub fn note(&self, name: &DirectoryName, now: DateTime<Utc>) {
        if self.hints().entry(name.clone()).or_default().note(now) {
            self.woken.notify_one();
        }
    }

    /// Whether the changes of a directory are told.
    pub fn telling(&self, core: &Core, name: &DirectoryName) -> Telling {
        if !self.is_wanted(name) {
            return Telling::Off;
        }
        match target(core, name) {
            Err(why) => Telling::Waiting { why },
            Ok(_) => lock(&self.telling).get(name).cloned().unwrap_or(Telling::Connecting),
        }
    }

    /// Keeps what has become of a directory's connection; None: there is no longer one.
    fn tells(&self, name: &DirectoryName, telling: Option<Telling>) {
        let mut all = lock(&self.telling);
        match telling {
            Some(telling) => all.insert(name.clone(), telling),
            None => all.remove(name),
        };
    }

    fn is_wanted(&self, name: &DirectoryName) -> bool {
        self.pauses.load().contains_key(name)
    }

    fn hints(&self) -> MutexGuard<'_, BTreeMap<DirectoryName, Hints>> {
        lock(&self.hints)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens to all directories until the daemon is to stop.
pub async fn listen(
    clock: Clock,
    tasks: Tasks,
    core: Arc<Core>,
    directories: Arc<Directories>,
    book: Arc<HintBook>,
) -> Result<(), Infallible> {
    let mut changed = directories.changes();
    let mut listeners: JoinSet<()> = JoinSet::new();
    let mut names: BTreeMap<DirectoryName, AbortHandle> = BTreeMap::new();
    while !tasks.soft().is_cancelled() {
        changed.borrow_and_update();
        let wanted: Vec<_> = directories.names().into_iter().filter(|name| book.is_wanted(name)).collect();
        names.retain(|name, listener| {
            let stays = wanted.contains(name) && !listener.is_finished();
            if !stays {
                tracing::info!(directory = &*name.0, "No changes are told any more; the schedule goes on");
                listener.abort();
            }
            stays
        });
        for name in wanted {
            names.entry(name.clone()).or_insert_with(|| {
                let (core, directories, book) =
                    (Arc::clone(&core), Arc::clone(&directories), Arc::clone(&book));
                listeners.spawn(Listener { clock: clock.clone(), core, directories, book, name }.listen())
            });
        }
        tokio::select! {
            _ = changed.changed() => {}
            Some(Err(error)) = listeners.join_next() => {
                if error.is_panic() {
                    tracing::error!(
                        "A directory's server isn't listened to until the next run; this is a defect, please report it: {error}"
                    );
                    tokio::select! {
                        _ = changed.changed() => {}
                        () = tasks.soft().cancelled() => {}
                    }
                }
            }
            () = tasks.soft().cancelled() => {}
        }
    }
    Ok(())
}

/// Where hints come from.
struct Target {
    source: Arc<Source>,
    cursor: Cursor,
}

impl Target {
    /// Whether a connection to the one is a connection to the other.
    fn is_same(&self, other: &Target) -> bool {
        Arc::ptr_eq(&self.source, &other.source) && self.cursor.server == other.cursor.server
    }
}

/// Where the hints of a directory are to be had, or why they aren't wanted.
fn target(core: &Core, name: &DirectoryName) -> Result<Cursor, Unwatched> {
    let state = core.view().directory_state(name);
    let last = state.last_run.as_ref().map(|run| &run.outcome);
    watched(state.cursor.as_ref(), last, !state.vetoes.is_empty()).cloned()
}

/// Listens to one directory.
struct Listener {
    clock: Clock,
    core: Arc<Core>,
    directories: Arc<Directories>,
    book: Arc<HintBook>,
    name: DirectoryName,
}

impl Listener {
    async fn listen(self) {
        let directory = &*self.name.0;
        let mut changed = self.directories.changes();
        let mut failures = 0;
        let mut told = false;
        let mut renewed = false;
        loop {
            changed.borrow_and_update();
            let Some(target) = self.target() else {
                if changed.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let began = self.clock.monotonic();
            let nobody = Directory::default();
            let (cursor, now) = (Some(&target.cursor), self.clock.now());
            // Nobody waits for it: credentials that were refused aren't tried again.
            let ask = Ask { known: &nobody, cursor, whole: None, now, by_hand: false };
            let heard = |heard| match heard {
                Heard::Listening if renewed => {}
                Heard::Listening => {
                    let (since, server) = (self.clock.now(), target.cursor.server.clone());
                    self.book.tells(&self.name, Some(Telling::On { since, server }));
                    tracing::info!(directory, server = &*target.cursor.server, "The server tells of changes");
                }
                Heard::Change => self.book.note(&self.name, self.clock.now()),
            };
            let ended = tokio::select! {
                ended = target.source.watch(&ask, &heard) => ended,
                () = self.another(&mut changed, &target) => {
                    renewed = false;
                    self.book.tells(&self.name, None);
                    continue;
                }
                () = self.clock.sleep(RENEW) => {
                    renewed = true;
                    continue;
                }
            };
            renewed = false;
            match ended {
                WatchEnded::NotOffered(why) => {
                    tracing::info!(directory, "What changes is found by the schedule alone: {why}");
                    self.book.tells(&self.name, Some(Telling::NotOffered { why }));
                    self.another(&mut changed, &target).await;
                    self.book.tells(&self.name, None);
                }
                WatchEnded::Broken(error) => {
                    if self.clock.monotonic().duration_since(began) >= WORKED {
                        (failures, told) = (0, false);
                    }
                    failures += 1;
                    let pause = PAUSES.delay(failures, rand::random());
                    // Once: a controller that is away for the night isn't worth a line each quarter of an hour.
                    if told {
                        tracing::debug!(directory, %error, "The server still doesn't tell of changes");
                    } else {
                        tracing::info!(
                            directory,
                            "Until it can be asked again, no changes are told; the schedule goes on: {error}"
                        );
                    }
                    told = true;
                    let (why, next) = (error.to_string(), self.clock.now() + pause);
                    self.book.tells(&self.name, Some(Telling::Retrying { why, next }));
                    tokio::select! {
                        () = self.clock.sleep(pause.to_std().unwrap_or_default()) => {}
                        () = self.another(&mut changed, &target) => self.book.tells(&self.name, None),
                    }
                }
            }
        }
    }

    fn target(&self) -> Option<Target> {
        let source = self.directories.source(&self.name)?;
        Some(Target { source, cursor: target(&self.core, &self.name).ok()? })
    }

    /// Waits until the hints are to be had elsewhere, or aren't wanted any more.
    async fn another(&self, changed: &mut watch::Receiver<()>, than: &Target) {
        while self.target().is_some_and(|target| target.is_same(than)) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Listener {
    /// However it ends: nobody is told by it any more.
    fn drop(&mut self) {
        self.book.tells(&self.name, None);
    }
}

#[cfg(test)]
mod tests;
