//! Users, units, and whom to turn to.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::App;
use super::answers::{
    AbsenceAnswer, ContactsAnswer, HoldingAnswer, HoldingsAt, Page, UnitAnswer, UnitLine, UserAnswer,
    UserLine,
};
use super::error::ApiError;
use super::gone;
use super::then::Then;
use crate::domain::contacts::{self, Asker};
use crate::domain::directory::User;
use crate::domain::ids::DirectoryName;
use crate::domain::organisation::{Holding, Organisation, Origin};
use crate::domain::roles::{self, Holder, Place, Role, Scope};
use crate::domain::subject::owner_of;
use crate::domain::tree;
use crate::flow::core::Core;
use crate::flow::directories::NotBegun;

type Answer<T> = Result<Json<T>, ApiError>;

/// What to look for, and how much of it.
#[derive(Debug, Deserialize)]
pub struct Search {
    /// Part of a name, an account or an address; empty: everybody.
    #[serde(default)]
    find: String,
    /// Only this unit and below.
    unit: Option<String>,
    /// At most so many.
    limit: Option<usize>,
}

/// `GET /v1/users`.
pub async fn users(State(app): State<Arc<App>>, Query(search): Query<Search>) -> Answer<Page<UserLine>> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let place = search.unit.as_deref().map_or(Ok(tree::ROOT), |unit| place_of(organisation, unit))?;
    let limit = search.limit.unwrap_or(100).clamp(1, 10_000);
    let found: Vec<&Arc<User>> = if search.find.trim().is_empty() {
        organisation.users_in(place, true).take(limit + 1).collect()
    } else {
        let within = organisation.tree.subtree(place);
        let most = if place == tree::ROOT { limit + 1 } else { usize::MAX };
        let all = organisation.search_users(&search.find, most).into_iter();
        all.filter(|u| within.contains(&organisation.place_of(u))).take(limit + 1).collect()
    };
    let now = app.core.now();
    let items = found.iter().take(limit).map(|u| user_line(organisation, u, now)).collect();
    Ok(Json(Page { items, more: found.len() > limit }))
}

/// At what time.
#[derive(Debug, Deserialize)]
pub struct When {
    at: Option<DateTime<Utc>>,
}

/// `GET /v1/users/{who}`.
pub async fn user(
    State(app): State<Arc<App>>,
    Path(who): Path<String>,
    Query(when): Query<When>,
) -> Answer<UserAnswer> {
    let then = Then::of(&app, when.at).await?;
    let organisation = &then.organisation;
    let now = then.at;
    let user = match then.user(&who) {
        Ok(user) => user,
        Err(unknown) if then.past.is_some() => return Err(then.unknown(&unknown)),
        Err(unknown) => return Ok(Json(gone::user(&then.view, Moment::of(&app.core), &who, unknown)?)),
    };
    let theirs = |h: &Holding| h.holder == Holder::User(user.id);
    Ok(Json(UserAnswer {
        unit_path: organisation.tree.path(organisation.place_of(user)),
        manager_name: user.manager.and_then(|id| organisation.user(id)).map(|m| m.name().into()),
        away: organisation.absence_of(user.id, now).cloned(),
        holds: holding_answers(organisation, then.moment(), |_, h| theirs(h)),
        gone: None,
        past: then.past.clone(),
        user: User::clone(user),
    }))
}

/// `GET /v1/units`: the whole tree, parents before children.
pub async fn units(State(app): State<Arc<App>>) -> Answer<Vec<UnitLine>> {
    let view = app.core.view();
    let organisation = &view.organisation;
    Ok(Json(organisation.tree.indices().map(|place| unit_line(organisation, place)).collect()))
}

/// `GET /v1/units/{unit}`.
pub async fn unit(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(when): Query<When>,
) -> Answer<UnitAnswer> {
    let then = Then::of(&app, when.at).await?;
    let organisation = &then.organisation;
    let tree = &organisation.tree;
    let place = then.place(&name)?;
    let now = then.at;
    let manager = organisation.unit(tree.id(place)).and_then(|u| organisation.user(u.managed_by?));
    Ok(Json(UnitAnswer {
        id: tree.id(place),
        name: tree.name(place).into(),
        path: tree.path(place),
        parent: tree.parent(place).map(|p| tree.id(p)),
        managed_by: manager.map(|m| m.name().into()),
        units: tree.children(place).map(|p| unit_line(organisation, p)).collect(),
        users: Page {
            items: organisation
                .users_in(place, false)
                .take(100)
                .map(|u| user_line(organisation, u, now))
                .collect(),
            more: organisation.count_users(place, false) > 100,
        },
        holds: holding_answers(organisation, then.moment(), |_, h| h.at == place && is_of_unit(h)),
        past: then.past.clone(),
    }))
}

/// Whom to ask about, and when.
#[derive(Debug, Deserialize)]
pub struct Question {
    user: Option<String>,
    unit: Option<String>,
    directory: Option<String>,
    subject: Option<String>,
    role: Option<String>,
    at: Option<DateTime<Utc>>,
}

/// `GET /v1/contacts/of`.
pub async fn contacts_of(
    State(app): State<Arc<App>>,
    Query(question): Query<Question>,
) -> Answer<ContactsAnswer> {
    let then = Then::of(&app, question.at).await?;
    let (organisation, at) = (&then.organisation, then.at);
    let usual = if question.subject.is_some() { roles::REPORT } else { roles::LOCAL };
    let role = role_named(organisation, question.role.as_deref().unwrap_or(usual))?;
    let mut note = None;
    let (asker, name) = match (&question.user, &question.unit, &question.directory, &question.subject) {
        (Some(user), None, None, None) => {
            let user = then.user(user).map_err(|unknown| then.unknown(&unknown))?;
            (Asker::User(user.id), user.name().to_owned())
        }
        (None, Some(unit), None, None) => {
            let place = then.place(unit)?;
            (Asker::Unit(organisation.tree.id(place)), organisation.tree.path(place))
        }
        (None, None, None, Some(subject)) => {
            let subject = organisation.find_subject(subject)?;
            let trouble = owner_of(organisation, subject).err();
            note = trouble.map(|trouble| {
                format!("{trouble}: beside its own contacts, only those of the whole organisation are asked")
            });
            (Asker::Subject(subject.name.clone()), subject.title.to_string())
        }
        (None, None, Some(directory), None) => {
            (Asker::Directory(directory_named(&app, directory)?), format!("directory {directory}"))
        }
        (None, None, None, None) => (Asker::Organisation, organisation.tree.name(tree::ROOT).to_owned()),
        _ => return Err(ApiError::bad("name a user, a unit, a directory or a subject, not several")),
    };
    if role.scope == Scope::Subject && !matches!(asker, Asker::Subject(_)) {
        let what = format!("the role {} is about a report or system; name it with --subject", role.name);
        return Err(ApiError::bad(what));
    }
    let answer = contacts::resolve(organisation, role, &asker, at);
    let (role, zone) = (role.name.clone(), then.zone);
    Ok(Json(ContactsAnswer { asker: name, role, at, zone, note, past: then.past.clone(), answer }))
}

/// Which holdings to list.
#[derive(Debug, Deserialize)]
pub struct HoldingsQuery {
    role: Option<String>,
    unit: Option<String>,
    subject: Option<String>,
    service: Option<String>,
}

/// `GET /v1/contacts`.
pub async fn holdings(
    State(app): State<Arc<App>>,
    Query(query): Query<HoldingsQuery>,
) -> Answer<Vec<HoldingAnswer>> {
    Ok(Json(wanted_holdings(&Then::of(&app, None).await?, &query)?))
}

/// `GET /v1/contacts/at/{time}`: the same at another time.
pub async fn holdings_at(
    State(app): State<Arc<App>>,
    Path(at): Path<DateTime<Utc>>,
    Query(query): Query<HoldingsQuery>,
) -> Answer<HoldingsAt> {
    let then = Then::of(&app, Some(at)).await?;
    let holdings = wanted_holdings(&then, &query)?;
    Ok(Json(HoldingsAt { at, zone: then.zone, past: then.past, holdings }))
}

fn wanted_holdings(then: &Then, query: &HoldingsQuery) -> Result<Vec<HoldingAnswer>, ApiError> {
    let organisation = &then.organisation;
    let role = query.role.as_deref().map(|r| role_named(organisation, r)).transpose()?;
    let within = query.unit.as_deref().map(|u| then.place(u)).transpose()?;
    let within = within.map(|place| organisation.tree.subtree(place));
    let subject = query.subject.as_deref().map(|s| organisation.find_subject(s).map(|found| &found.name));
    let service = query.service.as_deref().map(|s| organisation.services.find(s).map(|found| &found.name));
    let service = service.transpose().map_err(|none| ApiError::not_found(none.to_string()))?;
    let subject = subject.transpose()?.or(service).map(|name| Place::Subject(name.clone()));
    let wanted = |of: &Role, h: &Holding| {
        role.is_none_or(|r| r.name == of.name)
            && subject.as_ref().is_none_or(|subject| h.place == *subject)
            && within.as_ref().is_none_or(|w| is_of_unit(h) && w.contains(&h.at))
    };
    Ok(holding_answers(organisation, then.moment(), wanted))
}

/// Whose absences, and which.
#[derive(Debug, Deserialize)]
pub struct AbsenceQuery {
    user: Option<String>,
    /// Those that are over, too.
    #[serde(default)]
    past: bool,
}

/// `GET /v1/absences`.
pub async fn absences(
    State(app): State<Arc<App>>,
    Query(query): Query<AbsenceQuery>,
) -> Answer<Vec<AbsenceAnswer>> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let user = query.user.as_deref().map(|u| organisation.find_user(u)).transpose()?.map(|u| u.id);
    let now = app.core.now();
    let mut found: Vec<AbsenceAnswer> = organisation
        .absences
        .values()
        .flatten()
        .filter(|a| user.is_none_or(|u| a.user == u) && (query.past || now < a.until))
        .map(|a| absence_answer(organisation, a))
        .collect();
    found.sort_by_key(|a| (a.absence.from, a.absence.id));
    Ok(Json(found))
}

/// An absence with names.
pub fn absence_answer(
    organisation: &Organisation,
    absence: &crate::domain::absence::Absence,
) -> AbsenceAnswer {
    let name = |id| organisation.holder_name(&Holder::User(id));
    AbsenceAnswer {
        name: name(absence.user),
        deputy_name: absence.deputy.map(name),
        warnings: Vec::new(),
        absence: absence.clone(),
    }
}

/// A unit by identity, path or name.
pub fn place_of(organisation: &Organisation, unit: &str) -> Result<tree::Index, ApiError> {
    Ok(organisation.find_unit(unit)?)
}

/// A directory by name, or which ones there are.
fn directory_named(app: &App, name: &str) -> Result<DirectoryName, ApiError> {
    let names = app.directories.names();
    names.iter().find(|known| &*known.0 == name).cloned().ok_or_else(|| {
        let all: Vec<&str> = names.iter().map(|known| &*known.0).collect();
        ApiError::not_found(NotBegun::Unknown(name.into(), all.join(", ")).to_string())
    })
}

/// A role by name, or which ones there are.
pub fn role_named<'a>(organisation: &'a Organisation, name: &str) -> Result<&'a Role, ApiError> {
    organisation.role(name).ok_or_else(|| {
        let all: Vec<&str> = organisation.roles.iter().map(|r| &*r.name.0).collect();
        ApiError::not_found(format!("there is no role {name}; there are: {}", all.join(", ")))
    })
}

/// A time, and where the clocks are that show it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    now: DateTime<Utc>,
    zone: Tz,
}

impl Moment {
    /// Now, on the organisation's clocks.
    pub fn of(core: &Core) -> Moment {
        Moment { now: core.now(), zone: core.settings().zone }
    }

    /// That time, on these clocks.
    pub fn at(now: DateTime<Utc>, zone: Tz) -> Moment {
        Moment { now, zone }
    }

    /// The time.
    pub fn now(self) -> DateTime<Utc> {
        self.now
    }

    /// The clocks.
    pub fn zone(self) -> Tz {
        self.zone
    }
}

/// The holdings that are wanted, by role and then by place, with whether they count at the `moment`.
pub fn holding_answers(
    organisation: &Organisation,
    moment: Moment,
    wanted: impl Fn(&Role, &Holding) -> bool,
) -> Vec<HoldingAnswer> {
    let of_role = |role: &Role| -> Vec<HoldingAnswer> {
        let holdings = organisation.holders(&role.name).all().filter(|h| wanted(role, h));
        holdings.map(|h| holding_answer(organisation, role, h, moment)).collect()
    };
    organisation.roles.iter().flat_map(of_role).collect()
}

fn holding_answer(
    organisation: &Organisation,
    role: &Role,
    holding: &Holding,
    moment: Moment,
) -> HoldingAnswer {
    let standing = contacts::judge(organisation, role, holding, &(&holding.place).into(), moment.now);
    let user = holding.holder.user();
    let (origin, assignment) = match &holding.origin {
        Origin::Assigned(id) => (format!("assignment {id}"), Some(*id)),
        Origin::Group(name) => (format!("group {name}"), None),
        Origin::ManagedBy => ("managedBy".to_owned(), None),
        Origin::Attribute(value) => (value.to_string(), None),
        Origin::List(name) => (format!("list {name}"), None),
    };
    let contact = standing.as_ref().ok();
    let own_phone =
        || user.and_then(|id| organisation.user(id)).and_then(|u| u.phone().or(u.mobile()).map(Box::from));
    HoldingAnswer {
        role: role.name.clone(),
        place: match &holding.place {
            Place::Organisation => "the whole organisation".to_owned(),
            Place::Directory(name) => format!("directory {name}"),
            Place::Subject(name) => name.to_string(),
            Place::Unit(_) | Place::OwnUnit => organisation.tree.path(holding.at),
        },
        holder: organisation.holder_name(&holding.holder),
        user,
        mail: contact.filter(|c| c.deputy_for.is_none()).map(|c| c.mail.to_string()),
        phone: holding.phone.clone().or_else(own_phone),
        origin,
        assignment,
        deputy: contact.filter(|c| c.deputy_for.is_some()).map(|c| c.name.clone()),
        skipped: standing.err().map(|skip| skip.in_zone(moment.zone)),
    }
}

fn is_of_unit(holding: &Holding) -> bool {
    matches!(holding.place, Place::Unit(_) | Place::OwnUnit)
}

fn user_line(organisation: &Organisation, user: &User, now: DateTime<Utc>) -> UserLine {
    UserLine {
        unit_path: organisation.tree.path(organisation.place_of(user)),
        active: user.is_active(now),
        user: user.clone(),
    }
}

fn unit_line(organisation: &Organisation, place: tree::Index) -> UnitLine {
    let tree = &organisation.tree;
    UnitLine {
        id: tree.id(place),
        name: tree.name(place).into(),
        depth: tree.depth(place),
        users: organisation.count_users(place, false),
        users_below: organisation.count_users(place, true),
    }
}
