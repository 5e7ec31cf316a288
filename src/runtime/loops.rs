//! What the daemon does again and again. Each loop moves at least as often as it promised, or the watchdog isn't fed.

mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use tokio::task::JoinSet;

use super::clock::Clock;
use super::lifecycle::{Heartbeat, Tasks};
use crate::domain::schedule::Schedule;
use crate::flow::alert;
use crate::flow::channels::{self, Senders};
use crate::flow::climb;
use crate::flow::contacts;
use crate::flow::core::Core;
use crate::flow::coverage;
use crate::flow::deliver::Sender;
use crate::flow::duties;
use crate::flow::gone;
use crate::flow::intake::heartbeats::Heartbeats;
use crate::flow::kept::Looked;
use crate::flow::lasting;
use crate::flow::login_page::LoginPage;
use crate::flow::outage;
use crate::flow::ping::Pings;
use crate::flow::silence;
use crate::flow::subscribers;
use crate::store::{Retention, StoreError};
pub use sync::{Syncing, sync};

/// A loop that hasn't moved for so long is hung: more than any single step may take, but for the two that wait for servers. The reading of a
/// directory is limited by its `run_timeout`.
pub const LOOP_WITHIN: Duration = Duration::from_secs(5 * 60);
/// A try to send may take over an hour with the longest time limits, and must not be cut short: that makes second copies (RFC 1047).
pub const DELIVER_WITHIN: Duration = Duration::from_secs(80 * 60);
/// How often each loop looks around at least, whatever it waits for.
const LOOK: TimeDelta = TimeDelta::seconds(60);
/// How often a node that others lead looks whether it does.
const BEAT: Duration = Duration::from_secs(1);

/// Waits until `until`, a minute at most, or until something is put into the outbox or the daemon is to stop.
async fn pause(clock: &Clock, tasks: &Tasks, until: DateTime<Utc>) {
    let until = until.min(clock.now() + LOOK);
    tokio::select! {
        () = clock.sleep_until(until) => {}
        () = tasks.soft().cancelled() => {}
    }
}

/// Waits until this node is the one that syncs and tells what time brings; false: the daemon is to stop.
async fn lead(tasks: &Tasks, heartbeat: &Heartbeat, core: &Core) -> bool {
    let Some(mut tidings) = core.store.tidings() else { return !tasks.soft().is_cancelled() };
    loop {
        heartbeat.beat();
        if tasks.soft().is_cancelled() || core.store.leads() {
            return !tasks.soft().is_cancelled();
        }
        tokio::select! {
            _ = tidings.changed() => {}
            () = tokio::time::sleep(BEAT) => {}
            () = tasks.soft().cancelled() => {}
        }
    }
}

/// Takes over what other nodes commit, as soon as it is heard of.
pub async fn follow(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
) -> Result<(), StoreError> {
    let Some(mut tidings) = core.store.tidings() else {
        while !tasks.soft().is_cancelled() {
            heartbeat.beat();
            pause(&clock, &tasks, clock.now() + LOOK).await;
        }
        return Ok(());
    };
    let mut looked = clock.now();
    let mut heard = *tidings.borrow_and_update();
    while !tasks.soft().is_cancelled() {
        // The node must not seem to live when nothing says to the others that it does.
        if core.store.is_kept()? {
            heartbeat.beat();
        }
        // Without the database it is answered from what is known; its keeper says what is wrong with it.
        match core.follow().await {
            Err(error) if !error.is_away() => {
                tracing::error!(
                    "What other nodes have committed can't be read, answers here grow old: {error}"
                );
            }
            Err(error) => tracing::debug!("What other nodes have committed can't be read: {error}"),
            Ok(()) => {}
        }
        let now = clock.now();
        if !core.store.leads() && now - looked >= LOOK {
            looked = now;
            core.look_anew().await;
        }
        tokio::select! {
            _ = tidings.changed() => {}
            () = pause(&clock, &tasks, now + LOOK) => {}
        }
        let news = *tidings.borrow_and_update();
        if (news.messages, news.freed) != (heard.messages, heard.freed) {
            core.outbox.notify_one();
        }
        heard = news;
    }
    Ok(())
}

/// Sends what is due in the outbox, as soon as it is due: over each channel in a loop of its own, so that none waits for another.
pub async fn deliver(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    senders: Arc<Senders>,
) -> Result<(), StoreError> {
    let mut loops = JoinSet::new();
    let mut running: Vec<Arc<Sender>> = Vec::new();
    while !tasks.soft().is_cancelled() {
        running.retain(|sender| senders.has(sender));
        for sender in senders.all().values() {
            if !running.iter().any(|known| Arc::ptr_eq(known, sender)) {
                running.push(Arc::clone(sender));
                let beating = tasks.heartbeat(format!("deliver {}", sender.name()), DELIVER_WITHIN);
                let parts = (clock.clone(), tasks.clone(), Arc::clone(&core));
                loops.spawn(deliver_by(parts, beating, Arc::clone(&senders), Arc::clone(sender)));
            }
        }
        heartbeat.beat();
        core.store.say_broken(senders.broken());
        tokio::select! {
            () = pause(&clock, &tasks, clock.now() + LOOK) => {}
            () = core.outbox.notified() => senders.wake(),
            () = senders.changed.notified() => {}
            Some(ended) = loops.join_next() => {
                // A task that dies ends the process, and so does a part of one.
                if let Some(panic) = ended.err().and_then(|died| died.try_into_panic().ok()) {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    senders.wake();
    while loops.join_next().await.is_some() {
        heartbeat.beat();
    }
    Ok(())
}

/// Sends over one channel, until it is replaced.
async fn deliver_by(
    (clock, tasks, core): (Clock, Tasks, Arc<Core>),
    heartbeat: Heartbeat,
    senders: Arc<Senders>,
    sender: Arc<Sender>,
) {
    let (waits, stops, wakes) = (clock.clone(), tasks.clone(), Arc::clone(&sender));
    let idle = move |until: DateTime<Utc>| -> BoxFuture<'static, ()> {
        let (clock, tasks, sender) = (waits.clone(), stops.clone(), Arc::clone(&wakes));
        Box::pin(async move {
            tokio::select! {
                () = pause(&clock, &tasks, until) => {}
                () = sender.wake.notified() => {}
            }
        })
    };
    while !tasks.soft().is_cancelled() && senders.has(&sender) {
        heartbeat.beat();
        let drained = sender.drain(&core, tasks.soft(), &|| heartbeat.beat(), &idle).await;
        heartbeat.beat();
        let now = clock.now();
        let due = match drained {
            Ok(_) => core.store.next_due(sender.name()).await,
            Err(error) => Err(error),
        };
        let until = match due {
            Ok(due) => due.unwrap_or(now + LOOK).max(sender.looks_again(now).unwrap_or(now)),
            Err(error) => {
                tracing::error!(channel = %sender.name(), "The outbox can't be worked off: {error}");
                now + TimeDelta::seconds(5)
            }
        };
        idle(until).await;
    }
    sender.channel().close().await;
}

/// Looks once a minute whether time alone has made something due: an alert, a reminder, a warning, somebody's return.
pub async fn watch(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    senders: Arc<Senders>,
) -> Result<(), StoreError> {
    while lead(&tasks, &heartbeat, &core).await {
        heartbeat.beat();
        if let Err(error) = channels::tick(&core, &senders).await {
            tracing::error!("What there is to tell of the channels can't be told: {error}");
        }
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
        if let Err(error) = subscribers::tick(&core).await {
            tracing::error!("Who never confirmed that they want to be told can't be forgotten: {error}");
        }
        if let Err(error) = lasting::tick(&core).await {
            tracing::error!("Small things that last can't be told: {error}");
        }
        heartbeat.beat();
        // On the minute that a schedule names, not up to a minute later.
        let (view, settings) = (core.view(), core.settings());
        let telling = view.contacts_told.as_ref().and_then(|told| settings.telling.next(told));
        let sending = view.duties_sent.zip(settings.duties.as_ref());
        let sending = sending.and_then(|(sent, schedule)| schedule.next_after(sent));
        let small = view.lasting.as_deref().zip(settings.lasting.as_ref());
        let small = small.and_then(|(seen, schedule)| schedule.next_after(seen.at));
        let now = clock.now();
        let next = [telling, sending, small].into_iter().flatten().filter(|next| *next > now).min();
        pause(&clock, &tasks, next.unwrap_or(now + LOOK)).await;
    }
    Ok(())
}

/// Does what the clock brings to outages, on its minute: reminds, begins, completes, and points out what nobody speaks of.
pub async fn outages(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
) -> Result<(), StoreError> {
    while lead(&tasks, &heartbeat, &core).await {
        heartbeat.beat();
        if let Err(error) = outage::clock::tick(&core).await {
            tracing::error!("What is due of an outage can't be noted: {error}");
        }
        if let Err(error) = outage::inhibit::release(&core).await {
            tracing::error!("Who wasn't told of an incident can't be told now: {error}");
        }
        if let Err(error) = silence::tick(&core).await {
            tracing::error!("A silence that is over can't be put away: {error}");
        }
        heartbeat.beat();
        let now = clock.now();
        let next = outage::clock::next(&core, now).unwrap_or(now + LOOK);
        tokio::select! {
            () = pause(&clock, &tasks, next) => {}
            () = core.outages.notified() => {}
        }
    }
    Ok(())
}

/// Opens an incident when a sign of life is overdue, on its minute.
pub async fn heartbeats(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    heartbeats: Arc<Heartbeats>,
) -> Result<(), StoreError> {
    while lead(&tasks, &heartbeat, &core).await {
        heartbeat.beat();
        if let Err(error) = heartbeats.tick(&core).await {
            tracing::error!("That no sign of life has come can't be told: {error}");
        }
        heartbeat.beat();
        let next = heartbeats.next(&core).unwrap_or(clock.now() + LOOK);
        tokio::select! {
            () = pause(&clock, &tasks, next) => {}
            () = heartbeats.changed.notified() => {}
        }
    }
    Ok(())
}

/// Gives signs of life after good runs.
pub async fn pings(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
    pings: Arc<Pings>,
) -> Result<(), StoreError> {
    while lead(&tasks, &heartbeat, &core).await {
        heartbeat.beat();
        let again = tokio::select! {
            again = pings.tick(&core) => again,
            () = tasks.soft().cancelled() => return Ok(()),
        };
        heartbeat.beat();
        tokio::select! {
            () = pause(&clock, &tasks, again.unwrap_or(clock.now() + LOOK)) => {}
            () = core.ran.notified() => {}
        }
    }
    Ok(())
}

/// Takes notices that nobody has taken on to others, on their minute.
pub async fn climbs(
    clock: Clock,
    tasks: Tasks,
    heartbeat: Heartbeat,
    core: Arc<Core>,
) -> Result<(), StoreError> {
    while lead(&tasks, &heartbeat, &core).await {
        heartbeat.beat();
        if let Err(error) = climb::tick(&core).await {
            tracing::error!("A notice that nobody has taken on can't go on: {error}");
        }
        heartbeat.beat();
        let now = clock.now();
        let next = climb::next(&core, now).unwrap_or(now + LOOK);
        tokio::select! {
            () = pause(&clock, &tasks, next) => {}
            () = core.climbs.notified() => {}
        }
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
    while lead(&tasks, &heartbeat, &core).await {
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
    while lead(&tasks, &heartbeat, &core).await {
        heartbeat.beat();
        let settings = **upkeep.load();
        let every = TimeDelta::from_std(settings.export_every).unwrap_or(TimeDelta::hours(1));
        let now = clock.now();
        let waiting = *changed.borrow_and_update() > 0;
        if now >= last + every || waiting {
            last = now;
            if core.store.tidings().is_none()
                && let Err(error) = core.store.export_now(now).await
            {
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
