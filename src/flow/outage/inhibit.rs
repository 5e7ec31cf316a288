//! Who isn't told of an incident, since they are told of another of which it follows; and that they are, once that one is over and this isn't.

use chrono::{DateTime, Utc};

use super::{audience, expires, facts};
use crate::domain::ids::OutageId;
use crate::domain::notice::{About, EventKey, NewNotice};
use crate::domain::outage::Outage;
use crate::domain::outage::audience::Audience;
use crate::domain::outage::inhibit::{Held, hold, speaks_for};
use crate::flow::core::Core;
use crate::store::{Change, Event, StoreError};

/// The audience of an incident without those who are told of another that speaks for it.
pub(super) fn held(
    core: &Core,
    outage: &Outage,
    all: Audience,
    now: DateTime<Utc>,
) -> (Audience, Option<Held>) {
    let (view, settings) = (core.view(), core.settings());
    let policy = &settings.outages;
    let by = policy.inhibit.then(|| speaks_for(outage, &view.outages, &view.organisation, &policy.services));
    match by.flatten() {
        Some(by) => hold(all, by.id, &audience(core, by, now)),
        None => (all, None),
    }
}

/// Tells those who weren't told of an incident, when no other speaks for it any more.
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
        let mut untold = audience(core, outage, now);
        untold.told.retain(|told| before.mailboxes.contains(&told.mail.key()));
        let (told, still) = held(core, outage, untold, now);
        if still.as_ref() == Some(before) {
            return Ok(());
        }
        after = still;
        let event = EventKey(format!("outage/{id}/{}/released/{}", outage.version(), now.timestamp()).into());
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
        Some(held) => drop(view.inhibited.insert(id, held)),
        None => drop(view.inhibited.remove(&id)),
    })
    .await?;
    Ok(())
}
