//! Who isn't told of an incident, since they are told of another of which it follows; and that they are, once that one is over and this isn't.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{audience, expires, facts, silenced};
use crate::domain::ids::OutageId;
use crate::domain::notice::{About, EventKey, NewNotice};
use crate::domain::outage::Outage;
use crate::domain::outage::audience::Audience;
use crate::domain::outage::inhibit::{Held, hold, speaks_for, without};
use crate::flow::core::Core;
use crate::store::{Change, Event, StoreError};

/// Whoever isn't told of an incident is left alone for so long after the end of what it follows from: mostly it is over then, too.
const REST: TimeDelta = TimeDelta::minutes(10);

/// The audience of a new incident without those who were told of another that speaks for it.
pub(super) fn begin(
    core: &Core,
    outage: &Outage,
    all: Audience,
    now: DateTime<Utc>,
) -> (Audience, Option<Held>) {
    let (view, settings) = (core.view(), core.settings());
    let policy = &settings.outages;
    let by = policy.inhibit.then(|| speaks_for(outage, &view.outages, &view.organisation, &policy.services));
    match by.flatten() {
        Some(by) => hold(all, by.id, &told_of(core, by, now)),
        None => (all, None),
    }
}

/// The audience of a later word without those who weren't told of the first and aren't yet. Whoever was told hears of it to its end.
pub(super) fn go_on(core: &Core, outage: &Outage, all: Audience) -> (Audience, Option<Held>) {
    let view = core.view();
    match view.inhibited.get(&outage.id) {
        Some(before) => (without(all, before), Some(before.clone())),
        None => (all, None),
    }
}

/// Those who were told of an incident, and still are: by a word of it, and not silenced then.
fn told_of(core: &Core, outage: &Outage, now: DateTime<Utc>) -> Audience {
    let first = outage.updates.first().map(|update| update.at);
    let last = outage.updates.last().map(|update| update.at);
    let mut were: HashSet<String> = HashSet::new();
    for at in [first, last].into_iter().flatten() {
        let then = silenced(core, outage, audience(core, outage, at), at);
        were.extend(then.told.iter().map(|told| told.mail.key()));
    }
    let view = core.view();
    let held = view.inhibited.get(&outage.id);
    let mut told = audience(core, outage, now);
    told.told.retain(|one| {
        let key = one.mail.key();
        were.contains(&key) && held.is_none_or(|held| !held.mailboxes.contains(&key))
    });
    told
}

/// Tells those who weren't told of an incident, when no other speaks for it any more, nor did lately.
///
/// # Errors
/// The store, of the first that failed; what is due is so still.
pub async fn release(core: &Core) -> Result<(), StoreError> {
    let ids: Vec<OutageId> = core.view().inhibited.keys().copied().collect();
    let mut all = Ok(());
    for id in ids {
        let one = release_one(core, id).await;
        all = all.and(one);
    }
    all
}

async fn release_one(core: &Core, id: OutageId) -> Result<(), StoreError> {
    let turn = core.turn().await;
    let (view, settings, now) = (core.view(), core.settings(), core.now());
    let Some(before) = view.inhibited.get(&id) else { return Ok(()) };
    let mut notices = Vec::new();
    let mut after = None;
    if let Some(outage) = view.outages.get(&id) {
        if rests(core, before.by, now).await? {
            return Ok(());
        }
        let mut untold = audience(core, outage, now);
        untold.told.retain(|told| before.mailboxes.contains(&told.mail.key()));
        let (told, still) = begin(core, outage, untold, now);
        if still.as_ref() == Some(before) {
            return Ok(());
        }
        after = still;
        let event =
            EventKey(format!("outage/{id}/{}/released/{}", outage.version(), now.timestamp_millis()).into());
        let recipients = told.recipients();
        if !recipients.is_empty() {
            let thread = EventKey(format!("outage/{id}/0").into());
            let facts = facts(core, outage, About::Word);
            let notice = NewNotice::new(event, facts, recipients, expires(outage, now, &settings));
            notices.push(NewNotice { thread, ..notice });
        }
    }
    let change = Change::Inhibited(id, after.clone());
    let event = Event { at: now, change, notices, audit: None };
    turn.commit(event, |view, _, _| match after {
        Some(held) => drop(Arc::make_mut(&mut view.inhibited).insert(id, held)),
        None => drop(Arc::make_mut(&mut view.inhibited).remove(&id)),
    })
    .await?;
    Ok(())
}

/// Whether another incident has ended, but only just.
async fn rests(core: &Core, by: OutageId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    if core.view().outages.contains_key(&by) {
        return Ok(false);
    }
    match core.store.outage(by).await {
        Ok(outage) => Ok(outage.ended_at().is_some_and(|at| now - at < REST)),
        Err(StoreError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
