//! What becomes of a run that waits for a person's word.

use std::collections::BTreeSet;

use crate::domain::alert::Health;
use crate::domain::audit::Actor;
use crate::domain::guard::HoldReason;
use crate::domain::ids::{DirectoryName, Guid, RunId};
use crate::domain::run::{HeldRun, Run};
use crate::flow::core::{Core, audit_entry};
use crate::store::{Change, Event, StoreError};

/// Why a person's word on a held run isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// No run waits in that directory, or another one.
    #[error("run {0} doesn't wait for approval{1}")]
    NotWaiting(RunId, String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Approves a held run: the next run, which the caller starts, may lose what this one listed.
pub async fn approve(
    core: &Core,
    id: RunId,
    by: &Actor,
    why: Option<&str>,
) -> Result<DirectoryName, HeldError> {
    decide(core, id, by, why, true).await
}

/// Rejects a held run. The data stays as it is; a later run that wants the same is held anew.
pub async fn reject(
    core: &Core,
    id: RunId,
    by: &Actor,
    why: Option<&str>,
) -> Result<DirectoryName, HeldError> {
    decide(core, id, by, why, false).await
}

async fn decide(
    core: &Core,
    id: RunId,
    by: &Actor,
    why: Option<&str>,
    approved: bool,
) -> Result<DirectoryName, HeldError> {
    let turn = core.turn().await;
    let view = core.view();
    let waiting = || view.directories.values().filter_map(|d| d.held.as_ref());
    let Some(held) = waiting().find(|h| h.run == id) else {
        let others: Vec<String> =
            waiting().map(|h| format!("run {} of {} does", h.run, h.directory)).collect();
        let hint =
            if others.is_empty() { "; none does".to_owned() } else { format!("; {}", others.join(", ")) };
        return Err(HeldError::NotWaiting(id, hint));
    };
    let name = held.directory.clone();
    let after = approved.then(|| HeldRun { approved: Some(by.clone()), ..held.clone() });
    let action = if approved { "held run approved" } else { "held run rejected" };
    let now = core.now();
    let (object, after_it) = (format!("run {id}"), approved.then_some(&held.reasons));
    let audit = audit_entry(now, by, action, object, Some(&held.reasons), after_it, why);
    let change = Change::Held(name.clone(), id, after.clone());
    let event = Event { at: now, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, _| {
        if let Some(state) = view.directories.get_mut(&name) {
            if after.is_none() {
                state.health = state.health.take().map(Health::rejected);
            }
            state.held = after;
        }
    })
    .await?;
    Ok(name)
}

/// The run that waits after this one: an earlier one with the very same removals goes on waiting under its number.
pub(super) fn held_run(
    run: &Run,
    approval: BTreeSet<Guid>,
    reasons: &[HoldReason],
    earlier: Option<&HeldRun>,
) -> HeldRun {
    let objects: Vec<Guid> = approval.into_iter().collect();
    match earlier {
        Some(held) if held.objects == objects && held.approved.is_none() => held.clone(),
        _ => HeldRun {
            run: run.id,
            directory: run.directory.clone(),
            since: run.ended,
            reasons: reasons.to_vec(),
            objects,
            approved: None,
        },
    }
}
