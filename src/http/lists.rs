//! Lists that somebody else keeps, the vendor's support, and who is entitled to it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::Why;
use super::error::ApiError;
use super::look::role_named;
use crate::domain::audit::Actor;
use crate::domain::contacts::{self, Answer, Asker};
use crate::domain::entitled::{Difference, Entitled, GivenOut, Period, difference, entitled};
use crate::domain::lists::{ListName, TakenList};
use crate::domain::roles;
use crate::domain::roles::RoleName;
use crate::domain::tree;
use crate::flow::entitled::give_out;
use crate::flow::kept::Looked;
use crate::flow::lists::{ListState, Refreshed};

type Reply<T> = Result<Json<T>, ApiError>;

/// A list and how it is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListLine {
    /// Its name.
    pub name: ListName,
    /// Where it is.
    pub location: String,
    /// How many people are on the one in force.
    pub people: usize,
    /// When the one in force was taken.
    pub taken: Option<DateTime<Utc>>,
    /// How the last look went.
    #[serde(flatten)]
    pub state: ListState,
}

/// A list with the people on the one in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListAnswer {
    /// How it is doing.
    #[serde(flatten)]
    pub line: ListLine,
    /// The one in force.
    pub in_force: Option<TakenList>,
}

fn line(app: &App, name: &ListName) -> ListLine {
    let view = app.core.view();
    let taken = view.lists.get(name);
    ListLine {
        name: name.clone(),
        location: app.lists.location(name).unwrap_or_default(),
        people: taken.map_or(0, |list| list.listing.people.len()),
        taken: taken.map(|list| list.taken),
        state: app.lists.state(name),
    }
}

/// `GET /v1/lists`.
pub async fn list(State(app): State<Arc<App>>) -> Reply<Vec<ListLine>> {
    Ok(Json(app.lists.names().iter().map(|name| line(&app, name)).collect()))
}

/// `GET /v1/lists/{name}`.
pub async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Reply<ListAnswer> {
    let name = app.lists.named(&name)?;
    let in_force = app.core.view().lists.get(&name).map(|list| TakenList::clone(list));
    Ok(Json(ListAnswer { line: line(&app, &name), in_force }))
}

/// `POST /v1/lists/{name}/refresh`.
pub async fn refresh(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
) -> Reply<Refreshed> {
    let name = app.lists.named(&name)?;
    Ok(Json(app.lists.refresh(&app.core, &name, &by).await?))
}

/// `POST /v1/lists/{name}/accept`.
pub async fn accept(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    why: Option<Json<Option<Why>>>,
) -> Reply<Refreshed> {
    let (name, why) = (app.lists.named(&name)?, Why::given(why));
    Ok(Json(app.lists.accept(&app.core, &name, &by, why.as_deref()).await?))
}

/// The vendor's support, as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupportAnswer {
    /// Now.
    pub at: DateTime<Utc>,
    /// Where its clocks are.
    pub zone: Tz,
    /// Whether it is open.
    pub open: bool,
    /// When it next opens; now when it is open. None when it doesn't for over a year.
    pub next_open: Option<DateTime<Utc>>,
    /// When it next opens or closes.
    pub next_change: Option<DateTime<Utc>>,
    /// Where to call.
    pub phone: Option<Box<str>>,
    /// Where to write to.
    pub mail: Option<String>,
    /// Where cases are reported.
    pub portal: Option<Box<str>>,
    /// Where to call when it can't wait.
    pub urgent_phone: Option<Box<str>>,
    /// What the agreement covers.
    pub covered: Vec<Box<str>>,
    /// What is billed.
    pub billed: Vec<Box<str>>,
    /// How many people may be entitled.
    pub quota: Option<u16>,
    /// How many are.
    pub entitled: usize,
    /// Whom to ask inside, and why it is they.
    pub ask: Answer,
}

/// `GET /v1/support`.
pub async fn support(State(app): State<Arc<App>>) -> Reply<SupportAnswer> {
    let view = app.core.view();
    let settings = app.core.settings();
    let support = &settings.support;
    let role = role_named(&view.organisation, roles::SUPPORT)?;
    let at = app.core.now();
    let period = Period { from: at, until: at + TimeDelta::seconds(1) };
    Ok(Json(SupportAnswer {
        at,
        zone: support.hours.zone(),
        open: support.hours.is_open(at),
        next_open: support.hours.next_open(at),
        next_change: support.hours.next_change(at),
        phone: support.phone.clone(),
        mail: support.mail.as_ref().map(ToString::to_string),
        portal: support.portal.clone(),
        urgent_phone: support.urgent_phone.clone(),
        covered: support.covered.clone(),
        billed: support.billed.clone(),
        quota: role.quota,
        entitled: entitled(&view.organisation, std::slice::from_ref(&role.name), period).len(),
        ask: contacts::resolve(&view.organisation, role, &Asker::Organisation, at),
    }))
}

/// Who is entitled by which roles, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EntitledQuery {
    /// The roles, with commas between; support when there are none.
    pub roles: Option<String>,
    /// From when on; now.
    pub from: Option<DateTime<Utc>>,
    /// Until when; only that moment.
    pub until: Option<DateTime<Utc>>,
    /// The reason why it is given out, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

/// Who is entitled, and what is different from what was last given out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntitledAnswer {
    /// What the organisation is called.
    pub organisation: String,
    /// By which roles.
    pub roles: Vec<RoleName>,
    /// When.
    pub period: Period,
    /// Who.
    pub people: Vec<Entitled>,
    /// When it was last given out.
    pub last_given_out: Option<DateTime<Utc>>,
    /// By whom.
    pub last_given_out_by: Option<String>,
    /// What is different from that; None when it never was.
    pub difference: Option<Difference>,
}

fn look_up(app: &App, query: &EntitledQuery) -> Result<EntitledAnswer, ApiError> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let names = query.roles.as_deref().filter(|roles| !roles.is_empty()).unwrap_or(roles::SUPPORT);
    let roles: Result<Vec<RoleName>, ApiError> = names
        .split(',')
        .map(|name| role_named(organisation, name.trim()).map(|role| role.name.clone()))
        .collect();
    let mut roles = roles?;
    roles.sort();
    roles.dedup();
    let from = query.from.unwrap_or_else(|| app.core.now());
    let until = query.until.unwrap_or(from + TimeDelta::seconds(1));
    if until <= from {
        return Err(ApiError::bad(format!("the period ends ({until}) before it starts ({from})")));
    }
    let period = Period { from, until };
    let people = entitled(organisation, &roles, period);
    let last = view.given_out.get(&*GivenOut::key(&roles));
    Ok(EntitledAnswer {
        organisation: organisation.tree.name(tree::ROOT).to_owned(),
        difference: last.map(|last| difference(&last.people, &people)),
        last_given_out: last.map(|last| last.at),
        last_given_out_by: last.map(|last| last.by.to_string()),
        roles,
        period,
        people,
    })
}

/// `GET /v1/entitled`.
pub async fn entitled_now(
    State(app): State<Arc<App>>,
    Query(query): Query<EntitledQuery>,
) -> Reply<EntitledAnswer> {
    look_up(&app, &query).map(Json)
}

/// `POST /v1/entitled`: the same, noted as given out. The difference is that from the one before.
pub async fn give_out_now(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(query): Json<EntitledQuery>,
) -> Reply<EntitledAnswer> {
    let answer = look_up(&app, &query)?;
    let EntitledAnswer { roles, period, people, .. } = answer.clone();
    let given = GivenOut { roles, period, at: app.core.now(), by, people };
    give_out(&app.core, given, query.why.as_deref()).await?;
    Ok(Json(answer))
}
