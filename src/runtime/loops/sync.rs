//! When each directory is synced: by its schedule, and before that when it was told of changes.
//!
//! Each run is a task of its own, so that a server that takes its time holds up no other directory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::{LOOK, LOOP_WITHIN, lead, pause};
use crate::domain::ids::DirectoryName;
use crate::domain::run::{Outcome, Trigger};
use crate::flow::core::Core;
use crate::flow::directories::{Directories, NotBegun};
use crate::flow::sync::{Order, Report};
use crate::runtime::clock::Clock;
use crate::runtime::hints::HintBook;
use crate::runtime::lifecycle::{Heartbeat, Tasks};
use crate::runtime::wire::Schedules;
use crate::store::{StoreError, Tidings};

/// What the loop works with.
#[derive(Clone)]
pub struct Syncing {
    /// The time.
    pub clock: Clock,
    /// When to stop.
    pub tasks: Tasks,
    /// Store, view and settings.
    pub core: Arc<Core>,
    /// What is synced.
    pub directories: Arc<Directories>,
    /// When.
    pub schedules: Arc<Schedules>,
    /// When before that.
    pub hints: Arc<HintBook>,
}

/// Syncs every directory when it is due; at the start those that a schedule would have had synced already, or all, for a `resync`.
pub async fn sync(parts: Syncing, heartbeat: Heartbeat, resync: bool) -> Result<(), StoreError> {
    let Syncing { clock, tasks, directories, hints, core, .. } = &parts;
    let mut runs = Runs::default();
    // What falls due after this, by directory: while one is being read it stays where it was, and what fell due meanwhile follows.
    let mut looked: BTreeMap<DirectoryName, DateTime<Utc>> = BTreeMap::new();
    let mut tidings = core.store.tidings();
    let (mut leads, mut resync) = (false, resync);
    while lead(tasks, &heartbeat, core).await {
        if !std::mem::replace(&mut leads, true) {
            // What the node that led before has committed is known before anything is read.
            if let Err(error) = core.follow().await {
                tracing::warn!("What other nodes have committed can't be read: {error}");
            }
            let started = clock.now();
            looked.clear();
            let resync = std::mem::take(&mut resync);
            for name in directories.names() {
                if (resync || parts.is_overdue(&name, started)) && !runs.is_under_way(&name) {
                    runs.begin(&parts, &name, Trigger::Start);
                }
                looked.insert(name, started);
            }
        }
        heartbeat.beat();
        let now = clock.now();
        let names = directories.names();
        looked.retain(|name, _| names.contains(name));
        let idle: Vec<&DirectoryName> = names.iter().filter(|name| !runs.is_under_way(name)).collect();
        let mut next = Vec::new();
        for name in idle {
            let since = looked.insert(name.clone(), now).unwrap_or(now);
            match parts.due(name, since, now) {
                Some(trigger) => runs.begin(&parts, name, trigger),
                None => next.extend(parts.next(name, now)),
            }
        }
        let next = next.into_iter().min();
        tokio::select! {
            () = pause(clock, tasks, next.unwrap_or(now + LOOK)) => {}
            () = hints.woken.notified() => {}
            () = runs.one_ends() => {}
            () = lost(&mut tidings) => {}
        }
        leads = core.store.leads();
    }
    // A read that is broken off changes nothing; the next start makes up for it.
    while !runs.under_way.is_empty() {
        runs.one_ends().await;
    }
    Ok(())
}

/// Waits until something else is heard of the other nodes; for ever, when there are none.
async fn lost(tidings: &mut Option<watch::Receiver<Tidings>>) {
    match tidings {
        Some(tidings) => drop(tidings.changed().await),
        None => std::future::pending().await,
    }
}

/// The runs that are under way.
#[derive(Default)]
struct Runs {
    tasks: JoinSet<DirectoryName>,
    under_way: BTreeSet<DirectoryName>,
}

impl Runs {
    fn is_under_way(&self, name: &DirectoryName) -> bool {
        self.under_way.contains(name)
    }

    fn begin(&mut self, parts: &Syncing, name: &DirectoryName, trigger: Trigger) {
        let (parts, name) = (parts.clone(), name.clone());
        self.under_way.insert(name.clone());
        self.tasks.spawn(async move {
            parts.run(&name, trigger).await;
            name
        });
    }

    /// Waits until one has ended; for ever, when there is none. One that panics takes the loop with it, and so the process.
    async fn one_ends(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(name)) => {
                self.under_way.remove(&name);
            }
            Some(Err(error)) => std::panic::resume_unwind(panic_of(error)),
            None => std::future::pending().await,
        }
    }
}

/// None of the tasks is ever ended from outside but together with the loop.
fn panic_of(error: JoinError) -> Box<dyn std::any::Any + Send> {
    error.try_into_panic().unwrap_or_else(|error| Box::new(error.to_string()))
}

impl Syncing {
    /// Whether the schedule would have had a directory synced since its last run.
    fn is_overdue(&self, name: &DirectoryName, now: DateTime<Utc>) -> bool {
        let due = |ended| self.schedules.next_after(name, ended).is_some_and(|due| due <= now);
        self.core.view().directory_state(name).last_run.is_none_or(|run| due(run.ended))
    }

    /// What sets off a run of a directory now, that was looked at before at `since`, if anything does.
    fn due(&self, name: &DirectoryName, since: DateTime<Utc>, now: DateTime<Utc>) -> Option<Trigger> {
        if self.schedules.next_after(name, since).is_some_and(|due| due <= now) {
            self.hints.begun(name);
            return Some(Trigger::Schedule);
        }
        self.hints.due(&self.core, name).filter(|due| *due <= now)?;
        self.hints.begun(name);
        if self.directories.is_running(name) {
            // What somebody else has begun may have read before the change: once more, a little later.
            self.hints.note(name, now);
            return None;
        }
        Some(Trigger::ChangeNotification)
    }

    /// When a directory may be due next.
    fn next(&self, name: &DirectoryName, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let due = [self.schedules.next_after(name, now), self.hints.due(&self.core, name)];
        due.into_iter().flatten().min()
    }

    async fn run(&self, name: &DirectoryName, trigger: Trigger) {
        let hinted = trigger == Trigger::ChangeNotification;
        let report = self.sync(name, trigger).await;
        if hinted {
            let changed = report.is_some_and(|r| matches!(r.run.outcome, Outcome::Committed { .. }));
            self.hints.ended(name, self.clock.now(), changed);
        }
    }

    /// One run; None when it wasn't begun, or not written down.
    async fn sync(&self, name: &DirectoryName, trigger: Trigger) -> Option<Report> {
        let limit = self.directories.source(name).map_or(Duration::ZERO, |source| source.run_timeout());
        let heartbeat = self.tasks.heartbeat(format!("sync of {name}"), LOOP_WITHIN + limit);
        let order = Order { trigger, full: false, dry_run: false };
        // Whatever is read is progress: a slow directory is not a hung daemon.
        let run = self.directories.sync(&self.core, name, order, |_| heartbeat.beat());
        let ended = tokio::select! {
            ended = run => ended,
            () = self.tasks.soft().cancelled() => return None,
        };
        match ended {
            Ok(report) => return Some(report),
            Err(NotBegun::Running(name)) => {
                tracing::info!(directory = &*name.0, "A sync is left out: one is under way");
            }
            Err(error) => {
                tracing::error!(directory = &*name.0, "The sync could not be written down: {error}");
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
