//! For a while nothing is told of what somebody knows of already.

use chrono::{DateTime, Utc};

use super::core::{Core, audit_entry};
use crate::domain::audit::Actor;
use crate::domain::ids::SilenceId;
use crate::domain::notice::{Facts, Recipient};
use crate::domain::route::Reach;
use crate::domain::silence::{BadSilence, Known, Matcher, Silence, quiets_places};
use crate::store::{Change, Event, Sequence, StoreError};

/// Why a silence isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum SilenceError {
    /// It makes no sense.
    #[error(transparent)]
    Bad(#[from] BadSilence),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody wants not to be told, and for how long.
#[derive(Clone, Debug)]
pub struct NewSilence {
    /// What.
    pub matcher: Matcher,
    /// From when on; None: at once.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Why.
    pub why: Box<str>,
}

/// Takes a silence.
///
/// # Errors
/// [`SilenceError`].
pub async fn add(core: &Core, new: NewSilence, by: &Actor) -> Result<Silence, SilenceError> {
    let now = core.now();
    let NewSilence { matcher, from, until, why } = new;
    let from = from.unwrap_or(now);
    let mut silence = Silence { id: SilenceId(0), matcher, from, until, why, by: by.clone() };
    silence.check(now)?;
    let turn = core.turn().await;
    silence.id = SilenceId(core.store.allocate(Sequence::Silence).await?);
    let why = Some(&*silence.why).filter(|why| !why.is_empty());
    let audit =
        audit_entry(now, by, "silence added", format!("silence {}", silence.id), None, Some(&silence), why);
    let change = Change::Silence(Box::new(silence.clone()));
    let event = Event { at: now, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, _| drop(view.silences.insert(silence.id, silence.clone()))).await?;
    tracing::info!(silence = silence.id.0, until = %silence.until, "Something is silenced");
    Ok(silence)
}

/// Ends a silence.
///
/// # Errors
/// [`StoreError::NotFound`] when there is none.
pub async fn remove(
    core: &Core,
    id: SilenceId,
    by: &Actor,
    why: Option<&str>,
) -> Result<Silence, StoreError> {
    let turn = core.turn().await;
    let known = core.view().silences.get(&id).cloned();
    let silence = known.ok_or_else(|| StoreError::NotFound(format!("silence {id}")))?;
    let audit =
        audit_entry(core.now(), by, "silence removed", format!("silence {id}"), Some(&silence), None, why);
    let change = Change::RemoveSilence(id);
    let event = Event { at: core.now(), change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, _| drop(view.silences.remove(&id))).await?;
    Ok(silence)
}

/// Takes away those that are over.
///
/// # Errors
/// The store.
pub async fn tick(core: &Core) -> Result<(), StoreError> {
    let now = core.now();
    let over: Vec<SilenceId> = core
        .view()
        .silences
        .values()
        .filter(|silence| silence.until <= now)
        .map(|silence| silence.id)
        .collect();
    for id in over {
        let turn = core.turn().await;
        if core.view().silences.contains_key(&id) {
            let event =
                Event { at: now, change: Change::RemoveSilence(id), notices: Vec::new(), audit: None };
            turn.commit(event, |view, _, _| drop(view.silences.remove(&id))).await?;
        }
    }
    Ok(())
}

/// The silence that keeps somebody from being told at `now`, if one does.
pub fn of(core: &Core, facts: &Facts, to: &Recipient, now: DateTime<Utc>) -> Option<SilenceId> {
    let (view, settings) = (core.view(), core.settings());
    let known = Known { organisation: &view.organisation, services: &settings.outages.services };
    view.silences.values().find(|silence| silence.silences(facts, to, known, now)).map(|silence| silence.id)
}

/// Whether silences keep a notice from everybody: from these people, and from the places where it would be read.
pub fn reaches_nobody(core: &Core, facts: &Facts, to: &[Recipient], now: DateTime<Utc>) -> bool {
    if to.iter().any(|to| of(core, facts, to, now).is_none()) {
        return false;
    }
    let (view, settings) = (core.view(), core.settings());
    let known = Known { organisation: &view.organisation, services: &settings.outages.services };
    let channels = settings.routing.channels(facts, false);
    let places = channels.iter().any(|channel| settings.routing.reach(channel) == Some(Reach::Place));
    !places || quiets_places(view.silences.values(), facts, known, now)
}
