//! Who got other contacts, and what nobody answers for.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::Page;
use super::error::ApiError;
use super::look::{Moment, place_of, role_named};
use crate::domain::changes::{Cause, ChangeAt, ContactChange, MOST_NAMED};
use crate::domain::ids::UnitId;
use crate::domain::organisation::Organisation;
use crate::domain::orphans::{self, OrphanSubject, Orphans};
use crate::domain::roles::Scope;
use crate::flow::bounces;

/// Which changes.
#[derive(Debug, Deserialize)]
pub struct ChangesQuery {
    since: Option<DateTime<Utc>>,
    role: Option<String>,
    unit: Option<String>,
    #[serde(default = "usual_limit")]
    limit: usize,
}

fn usual_limit() -> usize {
    100
}

/// So many changes are looked at first for those that are wanted, then so many times as many, and in the end no more than so many.
const LOOKED_AT: (usize, usize, usize) = (20_000, 4, 320_000);

/// Whether more changes are to be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Look {
    /// There are enough, or all were looked at.
    Enough,
    /// So many are to be looked at.
    Further(usize),
    /// There are older ones that aren't looked at.
    CutOff,
}

/// After looking at the newest `looked` changes, of which there were `there`, and of which `found` are wanted.
fn look_on(looked: usize, there: usize, found: usize, limit: usize) -> Look {
    let (_, times, most) = LOOKED_AT;
    match () {
        () if found > limit || there < looked => Look::Enough,
        () if looked < most => Look::Further(most.min(looked.saturating_mul(times))),
        () => Look::CutOff,
    }
}

/// Who got other contacts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangesPage {
    /// The newest of them.
    #[serde(flatten)]
    pub page: Page<ChangeAnswer>,
    /// Changes that are older weren't looked at, since there are too many newer ones. None: all were, or as many as asked for were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_back_to: Option<DateTime<Utc>>,
}

/// Units that got other contacts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangeAnswer {
    /// When.
    pub at: DateTime<Utc>,
    /// By what.
    pub by: Cause,
    /// The paths of the units that are named.
    pub paths: Vec<String>,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// The change.
    #[serde(flatten)]
    pub change: ContactChange,
}

/// `GET /v1/contacts/changes`: the newest first.
pub async fn changes(
    State(app): State<Arc<App>>,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<ChangesPage>, ApiError> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let role = query.role.as_deref().map(|r| role_named(organisation, r)).transpose()?;
    let within = query.unit.as_deref().map(|unit| place_of(organisation, unit)).transpose()?;
    let within = within.map(|place| organisation.tree.subtree(place));
    let is_within = |id: &UnitId| match (&within, organisation.tree.index(*id)) {
        (Some(within), Some(place)) => within.contains(&place),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let sides = |c: &ContactChange| [c.before.unit, c.after.unit];
    let wanted = |found: &ChangeAt| {
        let change = &found.change;
        let touches = || change.units.iter().chain(sides(change).iter().flatten()).any(is_within);
        role.is_none_or(|role| role.name == change.role) && (within.is_none() || touches())
    };
    let zone = Moment::of(&app.core).zone();
    let mut looked = LOOKED_AT.0;
    let (found, looked_back_to) = loop {
        let all = app.core.store.contact_changes(query.since, looked).await?;
        let (there, oldest) = (all.len(), all.last().map(|change| change.at));
        let found = together(all.into_iter().filter(wanted));
        match look_on(looked, there, found.len(), query.limit) {
            Look::Enough => break (found, None),
            Look::Further(next) => looked = next,
            Look::CutOff => break (found, oldest),
        }
    };
    let mut found = found.into_iter();
    let items: Vec<ChangeAnswer> = found
        .by_ref()
        .take(query.limit)
        .map(|ChangeAt { at, by, change }| ChangeAnswer {
            at,
            by,
            paths: change.units.iter().map(|id| path(organisation, *id)).collect(),
            reasons: change.why.iter().map(|why| why.in_zone(zone)).collect(),
            change,
        })
        .collect();
    let more = found.next().is_some() || looked_back_to.is_some();
    Ok(Json(ChangesPage { page: Page { items, more }, looked_back_to }))
}

/// Changes of many units are noted in parts: puts those together, the newest first as before. No more units are named than of one part.
fn together(notes: impl Iterator<Item = ChangeAt>) -> Vec<ChangeAt> {
    let mut all: Vec<ChangeAt> = Vec::new();
    for note in notes {
        let (by, change) = (note.by, &note.change);
        let is_part = |last: &&mut ChangeAt| {
            let other = &last.change;
            (last.at, last.by, &other.role) == (note.at, by, &change.role)
                && (&other.before, &other.after, &other.why) == (&change.before, &change.after, &change.why)
                && !other.units.is_empty()
                && !change.units.is_empty()
        };
        match all.last_mut().filter(is_part) {
            Some(last) => {
                // The later part comes first.
                let (units, later) = (note.change.units, &mut last.change);
                later.units = units.into_iter().chain(later.units.drain(..)).take(MOST_NAMED).collect();
                later.all_units = later.all_units.saturating_add(note.change.all_units);
                later.users = later.users.saturating_add(note.change.users);
            }
            None => all.push(note),
        }
    }
    all
}

fn path(organisation: &Organisation, id: UnitId) -> String {
    match organisation.tree.index(id) {
        Some(place) => organisation.tree.path(place),
        None => organisation.name_of(id.0).map_or_else(|| id.to_string(), String::from),
    }
}

/// At what time, and where.
#[derive(Debug, Deserialize)]
pub struct OrphansQuery {
    role: Option<String>,
    unit: Option<String>,
}

/// `GET /v1/contacts/orphans`.
pub async fn orphans(
    State(app): State<Arc<App>>,
    Query(query): Query<OrphansQuery>,
) -> Result<Json<Orphans>, ApiError> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let role = query.role.as_deref().map(|r| role_named(organisation, r)).transpose()?;
    let within = query.unit.as_deref().map(|unit| place_of(organisation, unit)).transpose()?;
    let within = within.map(|place| organisation.tree.subtree(place));
    let mut found = orphans::find(organisation, app.core.now());
    found.unreachable = orphans::unreachable(organisation, &bounces::in_force(&app.core));
    if let Some(role) = role {
        found.units.retain(|it| it.role == role.name);
        found.holders.retain(|it| it.role == role.name);
        found.assignments.retain(|it| it.role == role.name);
        found.short.retain(|it| it.role == role.name);
        found.over.retain(|it| it.role == role.name);
        found.unreachable.retain(|it| it.role == role.name);
        found.subjects.retain(|it| it.unanswered.contains(&role.name) || role.scope == Scope::Subject);
    }
    if let Some(within) = within {
        let is_within = |unit: UnitId| organisation.tree.index(unit).is_some_and(|at| within.contains(&at));
        found.units.retain(|it| is_within(it.unit));
        found.holders.retain(|it| it.unit.is_some_and(is_within));
        found.unreachable.retain(|it| it.unit.is_some_and(is_within));
        found.short.retain(|it| it.unit.is_some_and(is_within));
        // These are of no unit.
        (found.assignments, found.over) = (Vec::new(), Vec::new());
        let owner = |it: &OrphanSubject| organisation.subjects.get(&it.subject)?.owner;
        found.subjects.retain(|it| owner(it).is_some_and(is_within));
    }
    Ok(Json(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::changes::{Answerers, Why};
    use crate::domain::ids::Guid;

    #[test]
    fn changes_are_looked_for_until_there_are_enough_and_it_is_said_when_not_all_were_looked_at() {
        assert_eq!(look_on(20_000, 19_999, 0, 100), Look::Enough);
        assert_eq!(look_on(20_000, 20_000, 101, 100), Look::Enough);
        // The last of them may have parts that weren't looked at.
        assert_eq!(look_on(20_000, 20_000, 100, 100), Look::Further(80_000));
        assert_eq!(look_on(80_000, 80_000, 0, 100), Look::Further(320_000));
        assert_eq!(look_on(320_000, 320_000, 3, 100), Look::CutOff);
        assert_eq!(look_on(320_000, 319_999, 3, 100), Look::Enough);
    }

    #[test]
    fn the_parts_of_one_change_are_one_again_and_others_are_left_alone() {
        let at = DateTime::UNIX_EPOCH;
        let part = |by, first: u8, units: u8| {
            let units: Vec<UnitId> = (first..first + units).map(|n| UnitId(Guid([n; 16]))).collect();
            let (before, after) = (Answerers::default(), Answerers::default());
            let all_units = u32::try_from(units.len()).unwrap();
            let (role, why) = ("local".into(), vec![Why::UnitMoved]);
            ChangeAt {
                at,
                by,
                change: ContactChange { role, units, all_units, users: 10, before, after, why },
            }
        };
        let noted = [
            part(Cause::Time, 1, 3),
            part(Cause::Edit, 0, 100),
            part(Cause::Edit, 100, 100),
            part(Cause::Edit, 200, 5),
        ];
        let shown = together(noted.iter().rev().cloned());
        let counts = |all: &[ChangeAt]| -> Vec<(u32, u32)> {
            all.iter().map(|c| (c.change.all_units, c.change.users)).collect()
        };
        assert_eq!(counts(&shown), [(205, 30), (3, 10)]);
        assert_eq!(shown[0].change.units, noted[1].change.units);
        // Users who moved are of no unit: each of these is a change of its own.
        let moved = [part(Cause::Edit, 0, 0), part(Cause::Edit, 0, 0)];
        assert_eq!(together(moved.into_iter()).len(), 2);
    }
}
