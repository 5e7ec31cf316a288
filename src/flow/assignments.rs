//! All assignments at once: given out as a list, and taken from one.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::absences::{ImportError, apart};
use super::assign::{AssignError, NewAssignment, fits};
use super::core::{Core, Settings, Turn, audit_entry};
use crate::domain::audit;
use crate::domain::authority::Caller;
use crate::domain::entitled::{Entitled, Period, entitled};
use crate::domain::ids::AssignmentId;
use crate::domain::organisation::Organisation;
use crate::domain::roles::import::{Plan, Wanted, plan, to_come};
use crate::domain::roles::sheet::{COLUMNS, Line, Namer, wanted, written};
use crate::domain::roles::{Assignment, RoleName, check_place};
use crate::domain::table::{Format, LineError, LineErrors};
use crate::store::{Change, Event, Sequence, StoreError};

/// How a list is to be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct How {
    /// Only say what it would come to.
    pub dry_run: bool,
    /// End every assignment that isn't on it.
    pub replace: bool,
}

/// What a list came to, as people name things.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    /// Those that are new.
    pub added: Vec<Line>,
    /// Those of which something else is said.
    pub changed: Vec<Changed>,
    /// Those that ended.
    pub ended: Vec<Line>,
    /// How many were there already.
    pub unchanged: usize,
}

/// An assignment of which something else is said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// As it was.
    pub before: Line,
    /// As it is.
    pub after: Line,
}

/// A table of all assignments, those that are over among them, that [`import`] takes without a change.
pub fn export(core: &Core, format: Format) -> Vec<u8> {
    let view = core.view();
    let mut namer = Namer::new(&view.organisation, core.settings().zone);
    let lines: Vec<Line> = view.organisation.assignments.values().map(|a| namer.line(a)).collect();
    written(&lines, format)
}

/// Takes a table of assignments, all of it or nothing.
///
/// # Errors
/// Every line that can't be.
pub async fn import(
    core: &Core,
    bytes: Vec<u8>,
    format: Format,
    how: How,
    by: &Caller,
    why: Option<&str>,
) -> Result<Imported, ImportError> {
    let rows = apart(move || format.read(&bytes, &COLUMNS)).await?;
    if rows.is_empty() && how.replace {
        let what = "the list names nobody, and --replace would end every assignment; to end them, use `budkavle contacts revoke`";
        return Err(ImportError::Lines(LineError::of_line(1, what).into()));
    }
    let turn = core.turn().await;
    let (view, settings, now) = (core.view(), core.settings(), core.now());
    let organisation = &view.organisation;
    let wanted = wanted(organisation, &rows, settings.zone).map_err(ImportError::Lines)?;
    let mut plan = plan(&organisation.assignments, wanted, how.replace, now).map_err(ImportError::Lines)?;
    permitted(organisation, &plan, by).map_err(ImportError::Lines)?;
    check(organisation, &settings, &plan, now).map_err(ImportError::Lines)?;
    let mut namer = Namer::new(organisation, settings.zone);
    let imported = Imported {
        added: plan.added.iter().map(|new| namer.line(&new.assignment)).collect(),
        changed: (plan.changed.iter())
            .map(|(before, after)| Changed {
                before: namer.line(before),
                after: namer.line(&after.assignment),
            })
            .collect(),
        ended: plan.ended.iter().map(|gone| namer.line(gone)).collect(),
        unchanged: plan.unchanged,
    };
    let nothing = plan.added.is_empty() && plan.changed.is_empty() && plan.ended.is_empty();
    if !how.dry_run && !nothing {
        number(core, &mut plan).await?;
        commit(&turn, core, plan, by, why).await?;
        let (added, changed, ended) = (imported.added.len(), imported.changed.len(), imported.ended.len());
        tracing::info!(added, changed, ended, unchanged = imported.unchanged, "Assignments imported");
    }
    Ok(imported)
}

/// Gives the new ones numbers.
async fn number(core: &Core, plan: &mut Plan) -> Result<(), StoreError> {
    let count = u64::try_from(plan.added.len()).unwrap_or(u64::MAX);
    if count > 0 {
        let first = core.store.allocate_many(Sequence::Assignment, count).await?;
        plan.added.iter_mut().zip(first..).for_each(|(new, id)| new.assignment.id = AssignmentId(id));
    }
    Ok(())
}

/// What is as it is to be, from what is.
fn after(there: &BTreeMap<AssignmentId, Assignment>, plan: &Plan) -> BTreeMap<AssignmentId, Assignment> {
    let mut all = there.clone();
    plan.ended.iter().for_each(|gone| drop(all.remove(&gone.id)));
    for (before, Wanted { assignment, .. }) in &plan.changed {
        all.insert(before.id, Assignment { id: before.id, ..assignment.clone() });
    }
    all.extend(plan.added.iter().map(|new| (new.assignment.id, new.assignment.clone())));
    all
}

async fn commit(
    turn: &Turn<'_>,
    core: &Core,
    plan: Plan,
    by: &Caller,
    why: Option<&str>,
) -> Result<(), StoreError> {
    let now = core.now();
    let all = after(&core.view().organisation.assignments, &plan);
    let entry = |action, id, before: Option<&Assignment>, after: Option<&Assignment>| -> audit::Entry {
        audit_entry(
            now,
            &by.actor,
            action,
            format!("assignment {id}"),
            before,
            after,
            why.or(Some("imported")),
        )
    };
    let new = plan.added.into_iter().map(|Wanted { assignment, .. }| {
        let entry = entry("role assigned", assignment.id, None, Some(&assignment));
        (assignment, entry)
    });
    let changed = plan.changed.into_iter().map(|(before, Wanted { assignment, .. })| {
        let after = Assignment { id: before.id, ..assignment };
        let entry = entry("assignment changed", after.id, Some(&before), Some(&after));
        (after, entry)
    });
    let put = new.chain(changed).collect();
    let end = plan.ended.iter().map(|gone| (gone.id, entry("role revoked", gone.id, Some(gone), None)));
    let change = Change::Assignments { put, end: end.collect() };
    let event = Event { at: now, change, notices: Vec::new(), audit: None };
    turn.commit(event, |view, _, now| view.take(view.organisation.with_assignments(all), now)).await?;
    Ok(())
}

/// Whether each that is new, changed or ended is the caller's to give.
fn permitted(organisation: &Organisation, plan: &Plan, by: &Caller) -> Result<(), LineErrors> {
    let authority = by.over(organisation);
    let may = |of: &Assignment| authority.may_give(&of.role, &of.holder, &of.place);
    let mut errors = LineErrors::default();
    let added = plan.added.iter().map(|new| (new.line, &new.assignment));
    let changed =
        plan.changed.iter().flat_map(|(before, new)| [(new.line, before), (new.line, &new.assignment)]);
    for (line, assignment) in added.chain(changed) {
        errors.take(may(assignment).map_err(|refusal| LineError::of_line(line, refusal.to_string())));
    }
    // Those that end stand on no line.
    for gone in &plan.ended {
        let refused = |refusal| format!("--replace would end assignment {}: {refusal}", gone.id);
        errors.take(may(gone).map_err(|refusal| LineError::of_line(1, refused(refusal))));
    }
    errors.or(())
}

/// Whether each that is new, or of which something else is said, may be: as if it were assigned by itself, and all of them together.
fn check(
    organisation: &Organisation,
    settings: &Settings,
    plan: &Plan,
    now: DateTime<Utc>,
) -> Result<(), LineErrors> {
    let directories: Vec<_> = settings.directories.keys().cloned().collect();
    let mut errors = LineErrors::default();
    let changed = plan.changed.iter().map(|(_, after)| after);
    for Wanted { line, assignment } in plan.added.iter().chain(changed) {
        let fits = match to_come(assignment, now) {
            Some(_) => fits(organisation, &NewAssignment::from(assignment), &directories),
            // What is over grants nothing any more.
            None => organisation.role(&assignment.role.0).map_or(Ok(()), |role| {
                check_place(role, &assignment.holder, &assignment.place).map_err(AssignError::from)
            }),
        };
        errors.take(fits.map_err(|error| LineError::of_line(*line, error.to_string())));
    }
    if errors.is_empty() {
        quotas(organisation, plan, now, &mut errors);
    }
    errors.or(())
}

/// Notes the lines that give a role to more people than may hold it.
fn quotas(before: &Organisation, plan: &Plan, now: DateTime<Utc>, errors: &mut LineErrors) {
    let quota = |role: &RoleName| before.role(&role.0).and_then(|role| role.quota);
    let of = |new: &'_ Wanted| {
        let (from, until) = to_come(&new.assignment, now)?;
        Some((quota(&new.assignment.role)?, Period { from, until }))
    };
    if plan.added.iter().all(|new| of(new).is_none()) {
        return;
    }
    // Those that are new have no numbers yet; any do.
    let mut numbered = plan.clone();
    let unused = before.assignments.keys().next_back().map_or(1, |last| last.0 + 1);
    numbered.added.iter_mut().zip(unused..).for_each(|(new, id)| new.assignment.id = AssignmentId(id));
    let then = before.with_assignments(after(&before.assignments, &numbered));
    type Counts = (usize, Vec<Entitled>);
    let mut counts: HashMap<(RoleName, DateTime<Utc>, DateTime<Utc>), Counts> = HashMap::new();
    for new in &plan.added {
        let Some((quota, period)) = of(new) else { continue };
        let role = &new.assignment.role;
        let people = |organisation: &Organisation| entitled(organisation, std::slice::from_ref(role), period);
        let key = (role.clone(), period.from, period.until);
        let (were, are) = counts.entry(key).or_insert_with(|| (people(before).len(), people(&then)));
        if are.len() > usize::from(quota) && are.len() > *were {
            let names: Vec<&str> = are.iter().take(20).map(|person| &*person.name).collect();
            let (count, names) = (are.len(), names.join(", "));
            let what = format!("no more than {quota} may hold the role {role}, and {count} would: {names}");
            errors.push(LineError::of_line(new.line, what));
        }
    }
}

#[cfg(test)]
mod tests;
