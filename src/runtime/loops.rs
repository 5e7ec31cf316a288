//! What the daemon does again and again. Each loop moves at least as often as it promised, or the watchdog isn't fed.

mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};

use super::clock::Clock;
use super::lifecycle::{Heartbeat, Tasks};
use crate::domain::schedule::Schedule;
use crate::flow::alert;
use crate::flow::contacts;
use crate::flow::core::Core;
use crate::flow::coverage;
use crate::flow::deliver::Sender;
use crate::flow::duties;
use crate::flow::gone;
use crate::flow::kept::Looked;
use crate::flow::login_page::LoginPage;
use crate::store::{Retention, StoreError};
pub use sync::{Syncing, sync};

/// A loop that hasn't moved for so long is hung: more than any single step may take, but for the two that wait for servers. The reading of a
/// directory is limited by its `run_timeout`.
pub const LOOP_WITHIN: Duration = Duration::from_secs(5 * 60);
/// How often each loop looks around at least, whatever it waits for.
const LOOK: TimeDelta = TimeDelta::seconds(60);

/// Waits until `until`, a minute at most, or until something is put into the outbox or the daemon is to stop.
async fn pause(clock: &Clock, tasks: &Tasks, until: DateTime<Utc>) {
    let until = until.min(clock.now() + LOOK);
    tokio::select! {
        () = clock.sleep_until(until) => {}
        () = tasks.soft().cancelled() => {}
    }
}

/// Sends what is due in the outbox, as soon as it is due.
pub async fn deliver(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    sender: Arc<ArcSwap<Sender>>,
) -> Result<(), StoreError> {
    while !tasks.soft().is_cancelled() {
        heartbeat.beat();
        let sender = sender.load_full();
        let due = match sender.drain(&core, tasks.soft(), || heartbeat.beat()).await {
            Ok(_) => Ok(core.store.next_due()),
            Err(error) => Err(error),
        };
        heartbeat.beat();
        let now = clock.now();
        let until = match due {
            Ok(due) => {
                let resumes = sender.pause(now).map(|p| p.until);
                due.unwrap_or(now + LOOK).max(resumes.unwrap_or(now))
            }
            Err(error) => {
                tracing::error!("The outbox can't be worked off: {error}");
                now + TimeDelta::seconds(5)
            }
        };
        tokio::select! {
            () = pause(&clock, &tasks, until) => {}
            () = core.outbox.notified() => {}
        }
    }
    Ok(())
}

/// Looks once a minute whether time alone has made something due: an alert, a reminder, a warning, somebody's return.
pub async fn watch(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
) -> Result<(), StoreError> {
    while !tasks.soft().is_cancelled() {
        heartbeat.beat();
        if let Err(error) = alert::tick(&core).await {
            tracing::error!("The directories' health can't be noted: {error}");
        }
        if let Err(error) = core.recompute().await {
            tracing::error!("Who got other contacts by time can't be noted: {error}");
        }
        if let Err(error) = coverage::tick(&core).await {
            tracing::error!("Whether a period is covered can't be told: {error}");
        }
        if let Err(error) = contacts::tick(&core).await {
            tracing::error!("Changes of contacts can't be told: {error}");
        }
        if let Err(error) = duties::tick(&core).await {
            tracing::error!("Contacts can't be sent what they are contacts for: {error}");
        }
        heartbeat.beat();
        // On the minute that a schedule names, not up to a minute later.
        let (view, settings) = (core.view(), core.settings());
        let telling = view.contacts_told.as_ref().and_then(|told| settings.telling.next(told));
        let sending = view.duties_sent.zip(settings.duties.as_ref());
        let sending = sending.and_then(|(sent, schedule)| schedule.next_after(sent));
        let now = clock.now();
        let next = [telling, sending].into_iter().flatten().filter(|next| *next > now).min();
        pause(&clock, &tasks, next.unwrap_or(now + LOOK)).await;
    }
    Ok(())
}

/// What couldn't be read is tried again after so long, when its schedule doesn't say so before.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(1);
/// So many are looked at side by side: servers that don't answer hold up the others less.
const LOOKS: usize = 4;

/// Looks at what somebody else keeps (lists, calendars), by their schedules, and at the start and after a reload.
pub async fn looks<L: Looked>(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    looked: Arc<L>,
    schedules: Arc<ArcSwap<BTreeMap<L::Name, Schedule>>>,
) -> Result<(), StoreError> {
    while !tasks.soft().is_cancelled() {
        if let Err(error) = looked.tidy(&core).await {
            tracing::error!("What is no longer in the configuration can't be put away: {error}");
        }
        let now = clock.now();
        let is_due = |name: &L::Name| {
            let (checked, failed) = looked.last(name);
            checked.is_none_or(|checked| {
                let next = schedules.load().get(name).and_then(|schedule| schedule.next_after(checked));
                let again = failed.then_some(checked + LOOK_AGAIN);
                [next, again].into_iter().flatten().any(|due| due <= now)
            })
        };
        let due: Vec<L::Name> = looked.names().into_iter().filter(is_due).collect();
        let look = |name: L::Name| {
            let (looked, core) = (&looked, &core);
            async move { (looked.look(core, &name).await, name) }
        };
        let mut looks = stream::iter(due).map(look).buffer_unordered(LOOKS);
        loop {
            heartbeat.beat();
            let next = tokio::select! {
                next = looks.next() => next,
                () = tasks.soft().cancelled() => return Ok(()),
            };
            let Some((done, name)) = next else { break };
            if let Err(error) = done {
                tracing::error!(name = %name, "What was read can't be noted: {error}");
            }
        }
        heartbeat.beat();
        pause(&clock, &tasks, clock.now() + LOOK).await;
    }
    Ok(())
}

/// Writes the page for trouble signing in whenever it says something else, or is gone: after a sync or an edit, when somebody leaves or comes
/// back, after a reload.
pub async fn login_page(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    page: Arc<LoginPage>,
) -> Result<(), StoreError> {
    while !tasks.soft().is_cancelled() {
        heartbeat.beat();
        page.keep(&core).await;
        tokio::select! {
            () = pause(&clock, &tasks, clock.now() + LOOK) => {}
            () = core.shown.notified() => {}
        }
    }
    Ok(())
}

/// What becomes of what is old, and how often everything is exported.
#[derive(Clone, Copy, Debug)]
pub struct Upkeep {
    /// An export at least so often.
    pub export_every: Duration,
    /// How long history is kept.
    pub retention: Retention,
    /// How long it is known who and what is gone.
    pub keep_gone: TimeDelta,
}

/// Exports the store, regularly and soon after what can't be read again from a directory; takes away what is old.
pub async fn keep_up(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    upkeep: Arc<ArcSwap<Upkeep>>,
) -> Result<(), StoreError> {
    let mut changed = core.store.unexported();
    let mut last = clock.now();
    while !tasks.soft().is_cancelled() {
        heartbeat.beat();
        let settings = **upkeep.load();
        let every = TimeDelta::from_std(settings.export_every).unwrap_or(TimeDelta::hours(1));
        let now = clock.now();
        let waiting = *changed.borrow_and_update() > 0;
        if now >= last + every || waiting {
            last = now;
            if let Err(error) = core.store.export_now(now).await {
                tracing::error!("The export can't be written: {error}");
            }
            if let Err(error) = core.store.prune(now, settings.retention).await {
                tracing::error!("What is old can't be taken away: {error}");
            }
            let limit = now.checked_sub_signed(settings.keep_gone).unwrap_or(DateTime::<Utc>::MIN_UTC);
            if let Err(error) = gone::forget(&core, limit).await {
                tracing::error!("What has been gone for long can't be forgotten: {error}");
            }
        }
        heartbeat.beat();
        // A burst of changes makes one export: wait a little before the next.
        pause(&clock, &tasks, clock.now() + TimeDelta::seconds(5)).await;
        tokio::select! {
            () = pause(&clock, &tasks, last + every) => {}
            _ = changed.changed() => {}
        }
    }
    // What changed in the last seconds goes along, too.
    if *changed.borrow() > 0 {
        core.store.export_now(clock.now()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
