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
use crate::domain::changes::{Cause, ChangeAt, ContactChange};
use crate::domain::ids::UnitId;
use crate::domain::organisation::Organisation;
use crate::domain::orphans::{self, OrphanSubject, Orphans};
use crate::domain::roles::Scope;

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

/// So many changes are looked at for those that are wanted.
const LOOKED_AT: usize = 20_000;

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
) -> Result<Json<Page<ChangeAnswer>>, ApiError> {
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
    let all = app.core.store.contact_changes(query.since, LOOKED_AT).await?;
    let sides = |c: &ContactChange| [c.before.unit, c.after.unit];
    let wanted = |found: &ChangeAt| {
        let change = &found.change;
        let touches = || change.units.iter().chain(sides(change).iter().flatten()).any(is_within);
        role.is_none_or(|role| role.name == change.role) && (within.is_none() || touches())
    };
    let zone = Moment::of(&app.core).zone();
    let mut found = all.into_iter().filter(wanted);
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
    Ok(Json(Page { items, more: found.next().is_some() }))
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
    if let Some(role) = role {
        found.units.retain(|it| it.role == role.name);
        found.holders.retain(|it| it.role == role.name);
        found.assignments.retain(|it| it.role == role.name);
        found.short.retain(|it| it.role == role.name);
        found.over.retain(|it| it.role == role.name);
        found.subjects.retain(|it| it.unanswered.contains(&role.name) || role.scope == Scope::Subject);
    }
    if let Some(within) = within {
        let is_within = |unit: UnitId| organisation.tree.index(unit).is_some_and(|at| within.contains(&at));
        found.units.retain(|it| is_within(it.unit));
        found.holders.retain(|it| it.unit.is_some_and(is_within));
        // These are of no unit.
        (found.assignments, found.short, found.over) = (Vec::new(), Vec::new(), Vec::new());
        let owner = |it: &OrphanSubject| organisation.subjects.get(&it.subject)?.owner;
        found.subjects.retain(|it| owner(it).is_some_and(is_within));
    }
    Ok(Json(found))
}
