//! Notices that ask to be taken on: they go on while nobody has them, and stop at once when somebody does.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::alert;
use super::core::{Core, Settings, Turn, View, audit_entry};
use super::outage;
use super::silence;
use crate::domain::audit::Actor;
use crate::domain::climb::{Climb, End, Next, Reached, Step};
use crate::domain::ids::{ChannelName, DirectoryName, MessageId, NoticeId, OutageId};
use crate::domain::notice::{Climbed, EventKey, Facts, NewNotice, Notice, NoticeKind, Recipient};
use crate::domain::warning::Warning;
use crate::store::{Change, Event, MessageFilter, StoreError};

/// So many of those who were told before are named.
const NAMED: usize = 8;

/// Takes every notice on that has waited long enough, and ends those that are over. One of which that can't be noted holds up no other.
///
/// # Errors
/// The store, of the first that failed; what is due is so still.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let threads: Vec<EventKey> = core.view().climbs.keys().cloned().collect();
    let mut all = Ok(());
    for thread in threads {
        let one = tick_one(core, &thread).await;
        all = all.and(one);
    }
    all
}

async fn tick_one(core: &Core, thread: &EventKey) -> Result<(), StoreError> {
    let turn = core.turn().await;
    let (view, settings, now) = (core.view(), core.settings(), core.now());
    let Some(climb) = view.climbs.get(thread) else { return Ok(()) };
    let over = is_over(&view, thread);
    match climb.decide(&settings.climbing, &view.organisation, over, now) {
        Step::Wait => Ok(()),
        Step::End => note(core, &turn, climb.clone().ended(End::Over { at: now }), Vec::new(), None).await,
        Step::Exhausted => {
            let about = &climb.about;
            tracing::error!(
                notice = climb.notice.0,
                "Nobody has taken it on, and nobody is left to be told: {about}"
            );
            let after = Climb { exhausted: true, last: now, ..climb.clone() };
            note(core, &turn, after, Vec::new(), Some(("notice reached nobody else", None))).await
        }
        Step::Tell(Next { reached, recipients, passed }) => {
            let facts = climbed(core, climb, &reached).await?;
            // Who isn't told for a while wasn't told; when that is everybody, it waits until somebody may be.
            let (reached, recipients): (Vec<Reached>, Vec<Recipient>) = reached
                .into_iter()
                .zip(recipients)
                .filter(|(_, to)| silence::of(core, &facts, to, now).is_none())
                .unzip();
            if recipients.is_empty() {
                return Ok(());
            }
            for (rung, people) in passed {
                tracing::warn!(
                    notice = climb.notice.0,
                    ?rung,
                    people,
                    "Too many stand there to be told (acknowledge.widest): it goes on to those above"
                );
            }
            let recipients = by_what_works(&view, &settings, &facts, recipients);
            let event = EventKey(format!("{thread}/climb/{}", now.timestamp_millis()).into());
            let names: Vec<&str> = recipients.iter().map(|to| &*to.name).collect();
            let why = format!("to {}", names.join(", "));
            let expires = now + settings.expires_after;
            let notice = NewNotice {
                thread: thread.clone(),
                personal: true,
                ..NewNotice::new(event, facts, recipients, expires)
            };
            tracing::warn!(
                notice = climb.notice.0,
                people = reached.len(),
                "Nobody has taken it on; it goes to others, too: {}",
                climb.about
            );
            // Those who sleep are given as much time as the others, from when they are told on, by whichever channel that is.
            let routed = settings.routing.spread(notice.clone(), now);
            let told_at = settings.quiet.first_told(&routed, |to| core.clocks_of(to), now);
            let after = climb.clone().telling(reached, told_at);
            note(core, &turn, after, vec![notice], Some(("notice went on", Some(&why)))).await
        }
    }
}

/// That a channel is broken can't be told by it: a word on channels goes by one that works, everything else by the routes.
fn by_what_works(view: &View, settings: &Settings, facts: &Facts, people: Vec<Recipient>) -> Vec<Recipient> {
    if facts.kind() != NoticeKind::Delivery {
        return people;
    }
    let reached = |channels: Vec<ChannelName>| {
        let mut all = settings.routing.recipients(&people, &channels);
        all.retain(|to| !view.delivery.broken.contains_key(&to.channel));
        all
    };
    let known = [ChannelName::mail()].into_iter().chain(settings.routing.channels.keys().cloned());
    let ways = [settings.routing.channels(facts, true)].into_iter().chain(known.map(|name| vec![name]));
    ways.map(reached).find(|all| !all.is_empty()).unwrap_or(people)
}

/// When one goes on next, after `now`.
pub fn next(core: &Core, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (view, settings) = (core.view(), core.settings());
    view.climbs.values().filter_map(|climb| settings.climbing.due(climb)).filter(|at| *at > now).min()
}

/// What somebody's word that they have it came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taken {
    /// They have it now.
    Now(Climb),
    /// Somebody had it, or it was over.
    Before(Climb),
}

/// Why nobody can take something on.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Nobody is asked to.
    #[error("notice {0} doesn't ask to be taken on; `budkavle notice list` shows those that do")]
    AsksNothing(NoticeId),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody has what a notice is about: whoever got a message of it, or who says so here.
///
/// # Errors
/// [`NotTaken`].
pub async fn acknowledge(
    core: &Core,
    notice: NoticeId,
    by: &str,
    actor: &Actor,
    why: Option<&str>,
) -> Result<Taken, NotTaken> {
    let turn = core.turn().await;
    let climb = of_notice(core, notice).await?;
    if climb.end.is_some() {
        return Ok(Taken::Before(climb));
    }
    let now = core.now();
    if is_over(&core.view(), &climb.thread) {
        let after = climb.ended(End::Over { at: now });
        commit(core, &turn, after.clone(), Vec::new(), None).await?;
        return Ok(Taken::Before(after));
    }
    let after = climb.ended(End::Taken { by: by.into(), at: now });
    let object = format!("notice {}", after.notice);
    let audit = audit_entry(now, actor, "notice taken on", object, None, Some(&after), why);
    commit(core, &turn, after.clone(), Vec::new(), Some(audit)).await?;
    tracing::info!(notice = after.notice.0, "Somebody has taken it on: {}", after.about);
    Ok(Taken::Now(after))
}

/// The climb of the thread that a notice belongs to, waiting or at its end.
///
/// # Errors
/// [`NotTaken`].
pub async fn of_notice(core: &Core, id: NoticeId) -> Result<Climb, NotTaken> {
    let notice = notice(core, id).await?.ok_or(NotTaken::AsksNothing(id))?;
    let waiting = core.view().climbs.get(&notice.thread).cloned();
    let climb = match waiting {
        Some(climb) => Some(climb),
        None => core.store.climb(&notice.thread).await?,
    };
    climb.ok_or(NotTaken::AsksNothing(id))
}

/// The climb that a message asks for, and who got the message.
///
/// # Errors
/// [`NotTaken`].
pub async fn of_message(core: &Core, id: MessageId) -> Result<(Climb, Recipient), NotTaken> {
    let detail = core.store.message(id).await?;
    Ok((of_notice(core, detail.notice.id).await?, detail.message.recipient))
}

/// Whether a notice is one of a climb that is at its end: it needn't be sent any more.
///
/// # Errors
/// The store.
pub async fn is_idle(core: &Core, notice: &Notice) -> Result<bool, StoreError> {
    Ok(matches!(notice.facts, Facts::Climbed(_)) && !waits(core, notice).await?)
}

/// Whether what a notice is about waits for somebody to take it on.
///
/// # Errors
/// The store.
pub async fn waits(core: &Core, notice: &Notice) -> Result<bool, StoreError> {
    let view = core.view();
    let climbs = match view.climbs.contains_key(&notice.thread) {
        true => true,
        // A sender may be faster than what it is shown, on another node above all.
        false => Box::pin(core.store.climb(&notice.thread)).await?.is_some_and(|climb| climb.end.is_none()),
    };
    // What isn't open in the view may be so new that it isn't there yet; but not when the view has the climb.
    Ok(climbs && !(view.climbs.contains_key(&notice.thread) && is_over(&view, &notice.thread)))
}

async fn notice(core: &Core, id: NoticeId) -> Result<Option<Notice>, StoreError> {
    let filter = MessageFilter { notice: Some(id), limit: 1, ..MessageFilter::default() };
    let listed = core.store.messages(filter).await?;
    Ok(listed.first().map(|listed| Notice::clone(&listed.notice)))
}

/// What is said to whoever it goes to next: how it stands now, and who was told before.
async fn climbed(core: &Core, climb: &Climb, reached: &[Reached]) -> Result<Facts, StoreError> {
    let facts = facts(core, climb).await?;
    let told = climb.told.iter().take(NAMED).map(|told| told.name.clone()).collect();
    let more = u32::try_from(climb.told.len().saturating_sub(NAMED)).unwrap_or(u32::MAX);
    let rung = reached.first().map_or(climb.rung(), |reached| reached.rung);
    Ok(Facts::Climbed(Box::new(Climbed { facts, asked: climb.asked, told, more, rung })))
}

/// What it is about, as it stands now.
///
/// # Errors
/// The store; [`StoreError::NotFound`] when that was so long ago that nothing is known of it.
pub async fn facts(core: &Core, climb: &Climb) -> Result<Facts, StoreError> {
    let word = outage_of(&climb.thread).and_then(|id| {
        let view = core.view();
        view.outages.get(&id).map(|outage| outage::word(core, outage))
    });
    match word {
        Some(facts) => Ok(facts),
        None => match notice(core, climb.notice).await? {
            Some(notice) => Ok(notice.facts),
            None => Err(StoreError::NotFound(format!("notice {}", climb.notice))),
        },
    }
}

/// What a good read of a directory doesn't warn of any more is over: the password or the certificate is a new one.
pub async fn renewed(core: &Core, turn: &Turn<'_>, name: &DirectoryName, warnings: &[Warning]) {
    let open: Vec<EventKey> = warnings.iter().map(|warning| alert::ending(name, warning)).collect();
    end_others(core, turn, &format!("ending/{name}/"), &open).await;
}

/// What the threads that begin so are about is over, but for those that are open. That it can't be noted fails nothing else.
pub async fn end_others(core: &Core, turn: &Turn<'_>, begin: &str, open: &[EventKey]) {
    let view = core.view();
    let climbs = view.climbs.range(EventKey(begin.into())..);
    let climbs = climbs.take_while(|(thread, _)| thread.0.starts_with(begin));
    for (thread, climb) in climbs.filter(|(thread, _)| !open.contains(thread)) {
        let after = climb.clone().ended(End::Over { at: core.now() });
        if let Err(error) = note(core, turn, after, Vec::new(), None).await {
            tracing::error!(%thread, "That it is over can't be noted: {error}");
        }
    }
}

/// The outage that a thread is about.
fn outage_of(thread: &EventKey) -> Option<OutageId> {
    thread.0.strip_prefix("outage/")?.split('/').next()?.parse().ok()
}

/// Whether what a thread is about is over.
fn is_over(view: &View, thread: &EventKey) -> bool {
    if let Some(id) = outage_of(thread) {
        return !view.outages.contains_key(&id);
    }
    if let Some((name, since)) = thread.0.strip_prefix("alert/").and_then(|rest| rest.rsplit_once('/')) {
        let health = view.directories.get(&DirectoryName::from(name)).and_then(|state| state.health.as_ref());
        let open = health.and_then(|health| health.alert.as_ref());
        return open.is_none_or(|alert| alert.since.timestamp_millis().to_string() != since);
    }
    if let Some((name, since)) = thread.0.strip_prefix("quarantine/").and_then(|rest| rest.rsplit_once('/')) {
        let health = view.directories.get(&DirectoryName::from(name)).and_then(|state| state.health.as_ref());
        let open = health.and_then(|health| health.aside.grown);
        return open.is_none_or(|grown| grown.since.timestamp_millis().to_string() != since);
    }
    if let Some((name, _)) = thread.0.strip_prefix("channel/").and_then(|rest| rest.rsplit_once('/')) {
        return !view.delivery.broken.contains_key(&ChannelName::from(name));
    }
    false
}

async fn note(
    core: &Core,
    turn: &Turn<'_>,
    after: Climb,
    notices: Vec<NewNotice>,
    audit: Option<(&str, Option<&str>)>,
) -> Result<(), StoreError> {
    let object = format!("notice {}", after.notice);
    let audit = audit.map(|(action, why)| {
        audit_entry::<Climb>(core.now(), &Actor::System, action, object, None, None, why)
    });
    commit(core, turn, after, notices, audit).await
}

async fn commit(
    core: &Core,
    turn: &Turn<'_>,
    after: Climb,
    notices: Vec<NewNotice>,
    audit: Option<crate::domain::audit::Entry>,
) -> Result<(), StoreError> {
    let change = Change::Climb(Box::new(after.clone()));
    let event = Event { at: core.now(), change, notices, audit };
    turn.commit(event, |view, _, _| {
        if after.end.is_some() {
            Arc::make_mut(&mut view.climbs).remove(&after.thread);
        } else {
            Arc::make_mut(&mut view.climbs).insert(after.thread.clone(), after.clone());
        }
    })
    .await?;
    core.climbs.notify_one();
    Ok(())
}
