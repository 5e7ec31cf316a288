//! Read a directory, compare it with what we hold, let the guard judge, commit, tell.

#[cfg(test)]
pub(crate) mod bad_input;
mod finish;
mod held;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::absences::number;
use super::core::{Core, DirectorySettings, contact_changes};
use super::gone;
use crate::domain::absence::import::Replacement;
use crate::domain::absence::said;
use crate::domain::alert::Health;
use crate::domain::delta::{self, Delta, ObjectChange};
use crate::domain::directory::{Found, Quarantined, Tally};
use crate::domain::gone as domain_gone;
use crate::domain::guard::{self, Circumstances, Lately, Verdict};
use crate::domain::ids::{DirectoryName, GroupId, Guid, RunId, UnitId, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::run::{Counts, Cursor, KindCounts, ModeReason, Outcome, Run, Trigger};
use crate::domain::undo::Kept;
use crate::source::{Ask, Progress, Reading, Source, SourceError};
use crate::store::{DirectoryState, Lease, Sequence, StoreError};
pub(super) use finish::{New, finish};
use held::held_run;
pub use held::{HeldError, approve, reject};

/// How a run is to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// What set it off.
    pub trigger: Trigger,
    /// Read everything, though less would do.
    pub full: bool,
    /// Only say what would change.
    pub dry_run: bool,
}

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The run. A dry run has the number 0 and stands in no history.
    pub run: Run,
    /// What it changed, or would have changed.
    pub changes: Vec<ObjectChange>,
    /// What it set aside.
    pub quarantined: Vec<Quarantined>,
}

/// Syncs one directory. A failed or held run is a report, not an error: only a store that can't be written is one.
pub async fn sync(
    core: &Core,
    source: &Source,
    name: &DirectoryName,
    order: Order,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Report, StoreError> {
    let started = core.now();
    let lease = if order.dry_run { Lease::default() } else { core.store.check_leads()? };
    let known = core.view();
    let state = known.directory_state(name);
    let settings = core.settings();
    let ask = Ask {
        known: &known.organisation.directory,
        cursor: state.cursor.as_ref(),
        whole: whole_because(&order, &state, settings.directories.get(name), started),
        now: started,
        by_hand: matches!(order.trigger, Trigger::Manual(_) | Trigger::Approval(_)),
    };
    let (mode, mode_reason) = source.plan(&ask);
    let before = known.organisation.tally(name);
    let expected = before.users + before.units + before.groups;
    let tell = |so_far: Progress| progress(so_far.timed(core.now() - started, expected));
    let read = source.read(name, &ask, &tell).await;
    // From here to the commit nobody else decides on what is in memory.
    let turn = core.turn_under(lease).await;
    let view = core.view();
    let before = view.directory_state(name);
    let known_health = before.health.clone().unwrap_or_else(|| Health::new(started));
    let id = if order.dry_run { RunId(0) } else { RunId(core.store.allocate(Sequence::Run).await?) };
    let mut run = Run {
        id,
        directory: name.clone(),
        trigger: order.trigger,
        mode: read.as_ref().map_or(mode, |reading| reading.mode),
        mode_reason: read.as_ref().map_or(mode_reason, |reading| reading.reason),
        server: source.to_string().into(),
        started,
        ended: core.now(),
        outcome: Outcome::Unchanged,
        counts: Counts::default(),
    };
    let reading = match read {
        Ok(reading) => reading,
        Err(error) => {
            run.outcome = Outcome::Failed { error: failure(&error) };
            if !order.dry_run {
                let state = DirectoryState { health: Some(known_health), ..before };
                finish(core, &turn, &mut run, state, Vec::new(), Vec::new(), None, None).await?;
            }
            return Ok(Report { run, changes: Vec::new(), quarantined: Vec::new() });
        }
    };
    run.server = reading.server.clone();
    let before = DirectoryState { warnings: reading.warnings.clone(), ..before };
    let organisation = Arc::clone(&view.organisation);
    let delta = delta::diff(&organisation.directory, name, &reading.found);
    run.counts = counts(&reading, &delta);
    let tally = organisation.tally(name);
    let first = tally == Tally::default();
    let unread = before.cursor.is_none();
    let changes = if first { Vec::new() } else { lines(&delta, &reading, &organisation) };
    let mut quarantined = reading.found.quarantined().to_vec();
    if let Some(error) = doubt(&reading.found, &delta) {
        run.outcome = Outcome::Failed { error };
        if !order.dry_run {
            let state = DirectoryState { health: Some(known_health), ..before };
            finish(core, &turn, &mut run, state, Vec::new(), quarantined.clone(), None, None).await?;
        }
        return Ok(Report { run, changes: Vec::new(), quarantined });
    }
    // What a whole read doesn't want any more, or was allowed to do again, needs no veto.
    let whole = matches!(reading.found, Found::Whole(_));
    // A whole read is as large as what is held: what the delta doesn't keep of it goes before the rest is done.
    drop(reading.found);
    let approved: BTreeSet<Guid> = match &before.held {
        Some(held) if held.approved.is_some() => held.objects.iter().copied().collect(),
        _ => BTreeSet::new(),
    };
    let Some(directory_settings) = settings.directories.get(name) else {
        return Err(StoreError::NotFound(format!("directory named {name} in the configuration")));
    };
    // Most runs change nothing: then there is nothing to arrange anew.
    let after = (!delta.is_empty()).then(|| organisation.updated(&delta));
    // Nothing is lost by most runs: then it doesn't matter what went before.
    let lately =
        if delta.users.removed.is_empty() && delta.users.changed.is_empty() && delta.units.removed.is_empty()
        {
            Lately::default()
        } else {
            gone::lately(core, &organisation, name, run.ended).await?
        };
    let given = Circumstances {
        directory: name,
        before: &tally,
        users: &organisation.directory.users,
        limits: &directory_settings.limits,
        holders: organisation.holding_users(),
        holders_after: after.as_ref().unwrap_or(&organisation).holding_users(),
        approved: &approved,
        scope_changed: run.mode_reason == ModeReason::ScopeChanged,
        vetoes: &before.vetoes,
        lately,
    };
    let approval = guard::approval_of(&delta, &given);
    let verdict = guard::judge(delta, &given);
    match verdict {
        Verdict::Held { reasons, .. } => {
            let held = held_run(&run, approval, &reasons, before.held.as_ref());
            let same_as = (held.run != run.id).then_some(held.run);
            run.outcome = Outcome::Held { reasons, same_as };
            if !order.dry_run {
                // The cursor stays: what was read is not in force, and a changed scope stays a changed scope.
                let state = DirectoryState { health: Some(known_health), held: Some(held), ..before };
                finish(core, &turn, &mut run, state, changes.clone(), quarantined.clone(), None, None)
                    .await?;
            }
            Ok(Report { run, changes, quarantined })
        }
        Verdict::Checked(_) if order.dry_run => Ok(Report { run, changes, quarantined }),
        Verdict::Checked(checked) => {
            let cursor = reading.cursor;
            let state = DirectoryState {
                health: Some(known_health),
                held: None,
                cursor: Some(cursor.clone()),
                vetoes: if whole { Vec::new() } else { before.vetoes },
                warnings: before.warnings,
                last_run: before.last_run,
            };
            let delta = checked.delta();
            let kept = Kept::of(delta, unread);
            let gone = gone::changes(&organisation, delta, run.id, run.ended);
            let followed = match &after {
                Some(after) => {
                    let zone = &settings.zone;
                    let (mut absences, unknown) =
                        said::follow(&organisation, after, delta, name, zone, run.ended);
                    number(core, &mut absences.put).await?;
                    run.counts.quarantined += u32::try_from(unknown.len()).unwrap_or(u32::MAX);
                    quarantined.extend(unknown);
                    absences
                }
                None => Replacement::default(),
            };
            let new = after.map(|mut after| {
                after.replace_absences(&followed);
                after.gone = Arc::new(domain_gone::apply(&organisation.gone, &gone));
                let contacts = if first {
                    Vec::new()
                } else {
                    let users = &checked.delta().users.changed;
                    contact_changes(&organisation, &after, users, run.ended)
                };
                New { checked, cursor, organisation: after, gone, kept, contacts, absences: followed }
            });
            if new.is_some() {
                run.outcome = Outcome::Committed { generation: view.generation };
            }
            finish(core, &turn, &mut run, state, changes.clone(), quarantined.clone(), new, None).await?;
            Ok(Report { run, changes, quarantined })
        }
    }
}

/// Why it isn't certain of somebody that they are gone, if anybody would be.
fn doubt(found: &Found, delta: &Delta) -> Option<Box<str>> {
    let Found::Whole(objects) = found else {
        return None;
    };
    let missing = delta.users.removed.len() + delta.units.removed.len() + delta.groups.removed.len();
    let who = objects.unidentified.as_deref().filter(|_| missing > 0)?;
    let text = format!(
        "of {missing} objects that were known before it isn't certain that they are gone: an entry was read, and who it is can't be told: {who}"
    );
    Some(text.chars().take(2_000).collect::<String>().into())
}

/// Why everything is to be read, if it is.
fn whole_because(
    order: &Order,
    state: &DirectoryState,
    settings: Option<&DirectorySettings>,
    now: DateTime<Utc>,
) -> Option<ModeReason> {
    let due = |cursor: &Cursor| settings.is_some_and(|s| s.whole_reads.is_due(cursor, now));
    if order.full {
        Some(ModeReason::Asked)
    } else if !state.vetoes.is_empty() {
        Some(ModeReason::Undone)
    } else {
        state.cursor.as_ref().is_some_and(due).then_some(ModeReason::Due)
    }
}

/// Whether a run filled an empty directory. Its history holds no line for each object: they would be as many as there are objects, and
/// say what the directory says.
pub fn first_read(run: &Run, changes: &[ObjectChange]) -> bool {
    let counts = &run.counts;
    let new = |kind: &KindCounts| kind.added > 0 && kind.changed == 0 && kind.removed == 0;
    let held = matches!(run.outcome, Outcome::Held { .. });
    !held && changes.is_empty() && [&counts.users, &counts.units, &counts.groups].into_iter().any(new)
}

/// Whether a run waits for the same as an earlier one, whose list is its own.
pub fn repeats(run: &Run) -> bool {
    matches!(run.outcome, Outcome::Held { same_as: Some(_), .. })
}

/// What the run changes, in words.
fn lines(delta: &Delta, reading: &Reading, organisation: &Organisation) -> Vec<ObjectChange> {
    let found = reading.found.directory();
    let name = |id: Guid| {
        let user = || found.users.get(&UserId(id)).map(|u| u.name().into());
        let unit = || found.units.get(&UnitId(id)).map(|u| u.name.clone());
        let group = || found.groups.get(&GroupId(id)).map(|g| g.name.clone());
        user().or_else(unit).or_else(group).or_else(|| organisation.name_of(id))
    };
    let mut lines = delta::describe(delta, name);
    delta::mark_returns(&mut lines, |id| organisation.gone.contains_key(&id));
    lines
}

fn counts(reading: &Reading, delta: &Delta) -> Counts {
    let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let read = |n: usize| KindCounts { read: clamp(n), ..KindCounts::default() };
    let directory = reading.found.directory();
    let counts = Counts {
        users: read(directory.users.len()),
        units: read(directory.units.len()),
        groups: read(directory.groups.len()),
        quarantined: clamp(reading.found.quarantined().len()),
    };
    counts.with_delta(delta)
}

fn failure(error: &SourceError) -> Box<str> {
    // A server chooses the length of its words; the history and the mail don't have room for all of them.
    error.to_string().chars().filter(|c| !c.is_control() || *c == '\n').take(2_000).collect::<String>().into()
}
