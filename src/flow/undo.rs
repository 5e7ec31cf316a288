//! Undo a run: put back what it changed, and hold the next run that wants the same again.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::absences;
use super::core::{Core, audit_entry, contact_changes};
use super::gone;
use super::sync::{New, Report, finish, first_read};
use crate::domain::absence::said;
use crate::domain::alert::Health;
use crate::domain::audit::Actor;
use crate::domain::delta;
use crate::domain::gone as domain_gone;
use crate::domain::guard::{self, Circumstances, Lately, Verdict};
use crate::domain::ids::RunId;
use crate::domain::run::{Counts, Cursor, Mode, ModeReason, Outcome, Position, Run, Trigger};
use crate::domain::undo::{self, Kept, MOST_STEPS, Reverse, Skipped, Veto};
use crate::store::{DirectoryState, Sequence, StoreError};

/// What undoing a run came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Undone {
    /// The run that put things back. A dry run has the number 0 and stands in no history.
    pub report: Report,
    /// What was left as it is.
    pub skipped: Vec<Skipped>,
}

/// Why a run isn't undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// It was held, failed, or found nothing to change.
    #[error("run {0} changed nothing, so there is nothing to undo")]
    ChangedNothing(RunId),
    /// Its directory was empty before.
    #[error("run {0} filled an empty directory; nothing is known of before it")]
    First(RunId),
    /// What it takes isn't there.
    #[error(
        "run {0} can't be undone: the objects as they were before it are kept for the time of store.keep_undo or store.keep_past, \
         and only of runs that changed up to {MOST_STEPS} of them"
    )]
    NotKept(RunId),
    /// Later runs have touched everything.
    #[error(
        "of what run {0} changed nothing is as it left it ({1} objects have changed since); nothing was undone"
    )]
    NothingLeft(RunId, usize),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Undoes a run of a directory that nobody reads meanwhile. The directory goes on saying otherwise, so the next run reads all of it,
/// and is held if it wants any of this again.
pub async fn undo(
    core: &Core,
    id: RunId,
    by: &Actor,
    why: Option<&str>,
    dry_run: bool,
) -> Result<Undone, UndoError> {
    let started = core.now();
    let detail = core.store.run(id).await?;
    if !matches!(detail.run.outcome, Outcome::Committed { .. }) {
        return Err(UndoError::ChangedNothing(id));
    }
    if first_read(&detail.run, &detail.changes) {
        return Err(UndoError::First(id));
    }
    let steps = core.store.steps(id).await?;
    if steps.is_empty() {
        return Err(UndoError::NotKept(id));
    }
    let name = detail.run.directory;
    let turn = core.turn().await;
    let view = core.view();
    let organisation = &view.organisation;
    let Reverse { delta, skipped } = undo::reverse(&steps, &organisation.directory);
    if delta.is_empty() {
        return Err(UndoError::NothingLeft(id, skipped.len()));
    }
    let mut changes = delta::describe(&delta, |id| organisation.name_of(id));
    delta::mark_returns(&mut changes, |id| organisation.gone.contains_key(&id));
    let number = if dry_run { RunId(0) } else { RunId(core.store.allocate(Sequence::Run).await?) };
    let ended = core.now();
    let mut run = Run {
        id: number,
        directory: name.clone(),
        trigger: Trigger::Undo { run: id, by: by.clone() },
        mode: Mode::Nothing,
        mode_reason: ModeReason::Undone,
        server: format!("the record of run {id}").into(),
        started,
        ended,
        outcome: Outcome::Committed { generation: view.generation },
        counts: Counts::default().with_delta(&delta),
    };
    let report = |run: Run| Report { run, changes: changes.clone(), quarantined: Vec::new() };
    if dry_run {
        return Ok(Undone { report: report(run), skipped });
    }
    let settings = core.settings();
    let Some(directory_settings) = settings.directories.get(&name) else {
        return Err(StoreError::NotFound(format!("directory named {name} in the configuration")).into());
    };
    let mut after = organisation.updated(&delta);
    let given = Circumstances {
        directory: &name,
        before: &organisation.tally(&name),
        users: &organisation.directory.users,
        limits: &directory_settings.limits,
        holders: organisation.holding_users(),
        holders_after: after.holding_users(),
        approved: &BTreeSet::new(),
        scope_changed: false,
        vetoes: &[],
        lately: Lately::default(),
    };
    // Whoever undoes a run has seen what it changed: the guard passes what was approved, and all of this is.
    let approved = guard::approval_of(&delta, &given);
    let veto = Veto::against(id, &delta);
    let checked = match guard::judge(delta, &Circumstances { approved: &approved, ..given }) {
        Verdict::Checked(checked) => checked,
        Verdict::Held { .. } => return Err(StoreError::Conflict(format!("what run {id} changed")).into()),
    };
    let before = view.directory_state(&name);
    // What was read last says otherwise: going on from there would never see it.
    let cursor = match &before.cursor {
        Some(cursor) => Cursor { position: Position::None, ..cursor.clone() },
        None => return Err(UndoError::NotKept(id)),
    };
    let (mut absences, _) = said::follow(organisation, &after, checked.delta(), &name, &settings.zone, ended);
    absences::number(core, &mut absences.put).await?;
    after.replace_absences(&absences);
    let gone = gone::changes(organisation, checked.delta(), number, ended);
    after.gone = Arc::new(domain_gone::apply(&organisation.gone, &gone));
    let kept = Kept::Steps(undo::steps(checked.delta()));
    let vetoes = before.vetoes.iter().cloned().chain([veto]).collect();
    let health = Some(before.health.clone().unwrap_or_else(|| Health::new(started)));
    let state = DirectoryState { health, cursor: Some(cursor.clone()), vetoes, ..before };
    let object = format!("run {id}");
    let audit = audit_entry(ended, by, "run undone", object, None, Some(&run.counts), why);
    let users = &checked.delta().users.changed;
    let contacts = contact_changes(organisation, &after, users, ended);
    let new = New { checked, cursor, organisation: after, gone, kept, contacts, absences };
    finish(core, &turn, &mut run, state, changes.clone(), Vec::new(), Some(new), Some(audit)).await?;
    Ok(Undone { report: report(run), skipped })
}
