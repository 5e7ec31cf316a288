//! Who isn't told of an incident, since they are told of another of which it follows; and that they are, once that one is over and this isn't.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{audience, facts, silenced};
use crate::domain::ids::OutageId;
use crate::domain::notice::{About, EventKey, Hush, MessageState, NewNotice, Replaces};
use crate::domain::outage::Outage;
use crate::domain::outage::audience::Audience;
use crate::domain::outage::inhibit::{Held, People, hold, speak_for, speaks, without};
use crate::flow::core::Core;
use crate::store::{Change, Event, MessageFilter, StoreError};

/// Whoever isn't told of an incident is left alone for so long after the end of what it follows from: mostly it is over then, too.
const REST: TimeDelta = TimeDelta::minutes(10);

/// The audience of a new incident without those who were told of others that speak for it.
pub(super) fn begin(
    core: &Core,
    outage: &Outage,
    all: Audience,
    now: DateTime<Utc>,
) -> (Audience, Option<Held>) {
    let (view, settings) = (core.view(), core.settings());
    let policy = &settings.outages;
    if !policy.inhibit {
        return (all, None);
    }
    let by = speak_for(outage, &view.outages, &view.organisation, &policy.services);
    by.into_iter().fold((all, None), |(all, held), by| {
        let (rest, more) = hold(all, by.id, &told_of(core, by, now));
        (rest, merged(held, more))
    })
}

/// Both together; what is held first says by which.
fn merged(one: Option<Held>, other: Option<Held>) -> Option<Held> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Held { by: one.by, mailboxes: one.mailboxes.into_iter().chain(other.mailboxes).collect() })
        }
        (one, other) => one.or(other),
    }
}

/// The audience of a later word without those who weren't told of the first and aren't yet, and those who have heard nothing of it, but are told of another
/// that speaks for it by now. Whoever was told hears of it to its end.
///
/// # Errors
/// The store: who has heard of it can't be told.
pub(super) async fn go_on(
    core: &Core,
    outage: &Outage,
    all: Audience,
    now: DateTime<Utc>,
) -> Result<(Audience, Option<Held>), StoreError> {
    let view = core.view();
    let before = view.inhibited.get(&outage.id).cloned();
    let all = match &before {
        Some(before) => without(all, before),
        None => all,
    };
    let (_, held) = begin(core, outage, all.clone(), now);
    let Some(Held { by, mut mailboxes }) = held else { return Ok((all, before)) };
    // Whoever is told otherwise than by mail has heard of it, too.
    let keys: Vec<String> = all.told.iter().map(|one| one.mail.key()).collect();
    let people = all.told.iter().zip(&keys).map(|(one, key)| (&**key, one.user, one.phone.as_deref()));
    let people = People::new(people);
    // Mostly the same people are told as before: after the first word nobody is left of whom it is to be found out.
    for notice in core.store.thread(&thread(outage.id)).await? {
        if mailboxes.is_empty() {
            break;
        }
        let filter = MessageFilter { notice: Some(notice), limit: usize::MAX, ..MessageFilter::default() };
        for listed in core.store.messages(filter).await? {
            let sent = listed.message.state != MessageState::Cancelled;
            if let Some(mailbox) = people.recipient(&listed.message.recipient).filter(|_| sent) {
                mailboxes.remove(mailbox);
            }
        }
    }
    if mailboxes.is_empty() {
        return Ok((all, before));
    }
    let more = Held { by, mailboxes };
    Ok((without(all, &more), merged(before, Some(more))))
}

/// The incidents for which this one speaks, with whoever is told of this one now: what of those waits to be sent to them isn't sent, if they have heard nothing
/// of these yet.
pub(super) fn hushes(core: &Core, outage: &Outage, told: &Audience) -> Vec<Hush> {
    let (view, settings) = (core.view(), core.settings());
    let policy = &settings.outages;
    if !policy.inhibit || told.told.is_empty() {
        return Vec::new();
    }
    let people: Vec<_> = told.told.iter().map(|one| (one.mail.key(), one.user)).collect();
    let spoken_for =
        view.outages.values().filter(|other| speaks(outage, other, &view.organisation, &policy.services));
    let hush = |other: &Outage| Hush {
        outage: other.id,
        thread: thread(other.id),
        by: outage.id,
        people: people.clone(),
    };
    spoken_for.map(hush).collect()
}

/// The thread of an outage.
pub(super) fn thread(id: OutageId) -> EventKey {
    EventKey(format!("outage/{id}/0").into())
}

/// The mailboxes of those who were told of an incident: by a word of it, and not silenced then.
fn were_told(core: &Core, outage: &Outage) -> HashSet<String> {
    let first = outage.updates.first().map(|update| update.at);
    let last = outage.updates.last().map(|update| update.at);
    let mut were: HashSet<String> = HashSet::new();
    for at in [first, last].into_iter().flatten() {
        let then = silenced(core, outage, audience(core, outage, at), at);
        were.extend(then.told.iter().map(|told| told.mail.key()));
    }
    were
}

/// Those who were told of an incident, and still are.
fn told_of(core: &Core, outage: &Outage, now: DateTime<Utc>) -> Audience {
    let were = were_told(core, outage);
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
            let facts = facts(core, outage, About::Word);
            let notice = NewNotice::new(event, facts, recipients, now + settings.expires_after);
            let replaces = if settings.holds() { Replaces::Held } else { Replaces::Nothing };
            notices.push(NewNotice { thread: thread(id), replaces, asks: outage.ack, ..notice });
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
