//! Open, update and resolve outages; every word goes to the outage contacts in the transaction that notes it.

use super::core::{Core, audit_entry};
use crate::domain::audit::Actor;
use crate::domain::contacts::Asker;
use crate::domain::ids::{OutageId, UnitId};
use crate::domain::notice::{EventKey, Facts, NewNotice};
use crate::domain::organisation::Organisation;
use crate::domain::outage::{Opening, Outage, Refused, State};
use crate::domain::roles;
use crate::store::{Change, Committed, Event, Sequence, StoreError};

/// Why a word on an outage wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum OutageError {
    /// It makes no sense.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It names a unit that isn't there.
    #[error("there is no unit {0}")]
    NoUnit(UnitId),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens an outage and tells the outage contacts.
pub async fn open(core: &Core, opening: Opening, by: &Actor) -> Result<(Outage, Committed), OutageError> {
    let turn = core.turn().await;
    let view = core.view();
    if let Some(unknown) = opening.units.iter().find(|u| view.organisation.tree.index(**u).is_none()) {
        return Err(OutageError::NoUnit(*unknown));
    }
    // Checked before a number is drawn, so that a slip of the pen leaves no gap.
    Outage::open(OutageId(0), opening.clone(), by.clone(), core.now())?;
    let id = OutageId(core.store.allocate(Sequence::Outage).await?);
    let outage = Outage::open(id, opening, by.clone(), core.now())?;
    let committed = commit(core, &turn, None, &outage, by, "outage opened").await?;
    Ok((outage, committed))
}

/// Says something new of an outage, or [`State::Resolved`] that it is over, and tells the outage contacts.
pub async fn update(
    core: &Core,
    id: OutageId,
    text: &str,
    state: Option<State>,
    by: &Actor,
) -> Result<(Outage, Committed), OutageError> {
    let turn = core.turn().await;
    let before = match core.view().outages.get(&id) {
        Some(open) => open.clone(),
        None => core.store.outage(id).await?,
    };
    let after = before.update(text, state, by.clone(), core.now())?;
    let action = if after.resolved_at().is_some() { "outage resolved" } else { "outage updated" };
    let committed = commit(core, &turn, Some(&before), &after, by, action).await?;
    Ok((after, committed))
}

/// What a notice says of an outage: the last updates in full, how many there were before them.
pub fn facts(organisation: &Organisation, outage: &Outage) -> Facts {
    let kept = outage.updates.iter().rev().take(TOLD).rev().cloned().collect();
    let name = |id: &UnitId| organisation.tree.index(*id).map(|place| organisation.tree.path(place).into());
    Facts::Outage {
        outage: Outage { updates: kept, ..outage.clone() },
        earlier: u32::try_from(outage.updates.len().saturating_sub(TOLD)).unwrap_or(u32::MAX),
        units: outage.units.iter().filter_map(name).collect(),
    }
}

/// So many of the latest updates are repeated in a mail.
const TOLD: usize = 3;

async fn commit(
    core: &Core,
    turn: &super::core::Turn<'_>,
    before: Option<&Outage>,
    outage: &Outage,
    by: &Actor,
    action: &str,
) -> Result<Committed, StoreError> {
    let id = outage.id;
    let now = core.now();
    let recipients = core.recipients(roles::OUTAGE, &Asker::Organisation);
    if recipients.is_empty() {
        tracing::error!(
            outage = id.0,
            "Nobody is told of the outage: no contact for outage or global counts; assign one with `budkavle contacts assign outage`"
        );
    }
    let notice = NewNotice {
        event: EventKey(format!("outage/{id}/{}", outage.version()).into()),
        thread: EventKey(format!("outage/{id}/0").into()),
        expires: now + core.settings().expires_after,
        facts: facts(&core.view().organisation, outage),
        recipients,
        personal: false,
    };
    let audit = audit_entry(now, by, action, format!("outage {id}"), before, Some(outage), None);
    let event =
        Event { at: now, change: Change::Outage(outage.clone()), notices: vec![notice], audit: Some(audit) };
    let committed = turn
        .commit(event, |view, _, _| {
            if outage.resolved_at().is_some() {
                view.outages.remove(&id);
            } else {
                view.outages.insert(id, outage.clone());
            }
        })
        .await?;
    tracing::info!(outage = id.0, messages = committed.messages, state = %outage.state(), "{}", sentence(action));
    Ok(committed)
}

fn sentence(action: &str) -> String {
    let mut letters = action.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
