//! A run is written down: with the data when there is some, and with the alert that follows from it.

use super::repeats;
use crate::domain::absence::import::Replacement;
use crate::domain::alert::Health;
use crate::domain::audit;
use crate::domain::changes::ContactChange;
use crate::domain::delta::{Changes, ObjectChange};
use crate::domain::directory::Quarantined;
use crate::domain::gone::Gone;
use crate::domain::guard;
use crate::domain::organisation::Organisation;
use crate::domain::run::{Cursor, KindCounts, Outcome, Run};
use crate::domain::undo::Kept;
use crate::flow::core::{Core, Turn};
use crate::flow::{alert, climb};
use crate::store::{DirectoryState, RunRecord, StoreError};

/// A held run that wants what an earlier one waits for already doesn't list more than this a second time: a hundred thousand lines each quarter
/// of an hour, until somebody decides, would fill the disk.
const LISTED_AGAIN: usize = 1_000;

/// What a run brings: the checked delta, where it ends, the organisation with it applied, what is gone by it, and what it takes to undo it.
pub(in crate::flow) struct New {
    pub(in crate::flow) checked: guard::CheckedDelta,
    pub(in crate::flow) cursor: Cursor,
    pub(in crate::flow) organisation: Organisation,
    pub(in crate::flow) gone: Changes<Gone>,
    pub(in crate::flow) kept: Kept,
    pub(in crate::flow) contacts: Vec<ContactChange>,
    pub(in crate::flow) absences: Replacement,
}

/// Writes a run into the history, with the data when there is some, and with the alert that follows from it.
#[expect(clippy::too_many_arguments, reason = "each is a part of the record, and named where it is made")]
pub(in crate::flow) async fn finish(
    core: &Core,
    turn: &Turn<'_>,
    run: &mut Run,
    mut state: DirectoryState,
    changes: Vec<ObjectChange>,
    quarantined: Vec<Quarantined>,
    new: Option<New>,
    audit: Option<audit::Entry>,
) -> Result<(), StoreError> {
    let name = run.directory.clone();
    let now = run.ended;
    let known = state.health.take().unwrap_or_else(|| Health::new(now));
    let health = known.after(run);
    let (health, notice) = alert::judge(core, &name, health, state.held.as_ref(), &changes, now);
    let (health, aside) = alert::quarantine(core, health, run, &quarantined, now);
    let changes = if repeats(run) && changes.len() > LISTED_AGAIN { Vec::new() } else { changes };
    let endings = alert::endings(core, &name, &state.warnings, now);
    let mut record = RunRecord {
        changes,
        quarantined,
        held: state.held.clone(),
        notices: core.spread(notice.into_iter().chain(aside).chain(endings).collect(), now),
        vetoes: state.vetoes.clone(),
        audit,
        lease: turn.lease,
        ..RunRecord::new(run.clone(), health.clone())
    };
    let (committed, organisation) = match new {
        Some(New { checked, cursor, organisation, gone, kept, contacts, absences }) => {
            (record.gone, record.kept, record.contacts) = (gone, kept, contacts);
            record.absences = absences;
            (core.store.commit_sync(checked, record, cursor).await?, Some(organisation))
        }
        None => (core.store.commit_run(record, state.cursor.clone()).await?, None),
    };
    if let (Outcome::Committed { generation }, Some(new)) = (&mut run.outcome, committed.generation) {
        *generation = new;
    }
    state.health = Some(health);
    state.last_run = Some(run.clone());
    let warnings = state.warnings.clone();
    turn.show_committed(&committed, |view, _, now| {
        view.directories.insert(name.clone(), state);
        if let Some(organisation) = organisation {
            view.take(organisation, now);
        }
    });
    if !matches!(run.outcome, Outcome::Failed { .. }) {
        climb::renewed(core, turn, &name, &warnings).await;
    }
    core.ran.notify_one();
    log(run);
    Ok(())
}

fn log(run: &Run) {
    let (id, directory) = (run.id.0, &*run.directory.0);
    let taken = (run.ended - run.started).num_milliseconds();
    match &run.outcome {
        Outcome::Failed { error } => {
            tracing::error!(run = id, directory, "The sync failed, the old data stays in force: {error}");
        }
        Outcome::Held { reasons, same_as } => {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            let waiting = same_as.unwrap_or(run.id);
            tracing::warn!(
                run = id,
                directory,
                "The sync is held until `budkavle sync approve {waiting}`: {}",
                reasons.join("; ")
            );
        }
        Outcome::Unchanged => {
            tracing::info!(run = id, directory, taken_ms = taken, "Synced; nothing changed");
        }
        Outcome::Committed { generation } => {
            let c = &run.counts;
            let of = |k: &KindCounts| format!("+{} ~{} -{}", k.added, k.changed, k.removed);
            let (users, units, groups) = (of(&c.users), of(&c.units), of(&c.groups));
            tracing::info!(
                run = id,
                directory,
                taken_ms = taken,
                generation = generation.0,
                users,
                units,
                groups,
                quarantined = c.quarantined,
                "Synced"
            );
        }
    }
}
