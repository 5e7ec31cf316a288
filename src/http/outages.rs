//! Incidents and maintenance: open, plan, update, move, end, correct, look.

mod preview;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::{OutageAnswer, OutageUpdate};
use super::error::ApiError;
use super::look;
use crate::domain::audit::Actor;
use crate::domain::climb::Rung;
use crate::domain::ids::{OutageId, UnitId};
use crate::domain::mailbox::Address;
use crate::domain::moment;
use crate::domain::organisation::Organisation;
use crate::domain::outage::audience::{Audience, WhyNot};
use crate::domain::outage::edit::Correction;
use crate::domain::outage::maintenance::{Step, Window};
use crate::domain::outage::policy::Template;
use crate::domain::outage::{Opening, Outage, Severity};
use crate::flow::outage::{self, Done, Order, carry_out};

/// An incident or maintenance as an operator opens it, with units as people name them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenRequest {
    /// A frequent case of the configuration: what isn't given here is as it says.
    pub template: Option<String>,
    /// One line.
    pub title: String,
    /// What there is to say; the title when empty.
    pub text: String,
    /// How bad it is; None: major, or minor for maintenance.
    pub severity: Option<Severity>,
    /// Which services are concerned.
    pub services: Vec<String>,
    /// Which units are concerned.
    pub units: Vec<String>,
    /// Addresses that are told, too.
    pub also: Vec<String>,
    /// Whether those who are told are asked to take it on, whatever the configuration says of its kind.
    pub ack: bool,
}

/// Maintenance as it is planned. Times are as [`moment::parse`] reads them on the organisation's clocks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanRequest {
    /// What it is.
    #[serde(flatten)]
    pub what: OpenRequest,
    /// When it begins.
    pub from: String,
    /// When it ends; a mere date means the whole of that day.
    pub until: String,
    /// Whether somebody says when it is completed; None: as the configuration has it.
    pub by_hand: Option<bool>,
}

/// Maintenance at another time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveRequest {
    /// When it begins; None: as before.
    pub from: Option<String>,
    /// When it ends; None: so that it takes as long as before.
    pub until: Option<String>,
    /// What there is to say.
    pub text: String,
}

/// What is to be corrected; what isn't named stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EditRequest {
    /// The update whose text is another one; the last one when only a text is given.
    pub update: Option<u32>,
    /// Its text.
    pub text: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The severity.
    pub severity: Option<Severity>,
    /// All services that are concerned.
    pub services: Option<Vec<String>>,
    /// All units that are concerned.
    pub units: Option<Vec<String>>,
    /// All addresses that are told, too.
    pub also: Option<Vec<String>>,
    /// Tell those concerned.
    pub tell: bool,
    /// The reason, for the audit log.
    pub why: Option<String>,
}

/// Whether it is only to be shown who would be told.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct PreviewQuery {
    #[serde(default)]
    preview: bool,
}

/// `POST /v1/outages`.
pub async fn open(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Query(query): Query<PreviewQuery>,
    Json(request): Json<OpenRequest>,
) -> Result<(StatusCode, Json<OutageAnswer>), ApiError> {
    let opening = opening(&app, request, Severity::Major)?;
    let done = carry_out(&app.core, None, Order::Open(opening), &by, None, query.preview).await?;
    Ok((status(query), Json(answer(&app, done, Vec::new()))))
}

/// `POST /v1/maintenance`.
pub async fn plan(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Query(query): Query<PreviewQuery>,
    Json(request): Json<PlanRequest>,
) -> Result<(StatusCode, Json<OutageAnswer>), ApiError> {
    let mut times = Times::new(&app);
    let (from, until) = (times.start(&request.from)?, times.end(&request.until)?);
    let opening = opening(&app, request.what, Severity::Minor)?;
    let notes = times.notes(from, until);
    let order = Order::Plan { opening, window: Window { from, until }, by_hand: request.by_hand };
    let done = carry_out(&app.core, None, order, &by, None, query.preview).await?;
    Ok((status(query), Json(answer(&app, done, notes))))
}

/// `POST /v1/outages/{id}/updates`.
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Query(query): Query<PreviewQuery>,
    Json(request): Json<OutageUpdate>,
) -> Result<Json<OutageAnswer>, ApiError> {
    let order = Order::Update { text: request.text.into(), state: request.state };
    on(&app, id, order, &by, None, query, Vec::new()).await
}

/// `PATCH /v1/outages/{id}`.
pub async fn edit(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Query(query): Query<PreviewQuery>,
    Json(request): Json<EditRequest>,
) -> Result<Json<OutageAnswer>, ApiError> {
    let EditRequest { update, text, title, severity, services, units, also, tell, why } = request;
    let text = match (update, text) {
        (Some(_), None) => return Err(ApiError::bad("say what the update is to say, with text")),
        (Some(number), Some(text)) => Some((number, text.into())),
        (None, Some(text)) => Some((app.core.store.outage(OutageId(id)).await?.last_update(), text.into())),
        (None, None) => None,
    };
    let units = units.map(|units| units_named(&app.core.view().organisation, &units)).transpose()?;
    let correction = Correction {
        text,
        title: title.map(Into::into),
        severity,
        services: services.map(|services| services.into_iter().map(Into::into).collect()),
        units,
        also: also.map(|also| addresses(&also)).transpose()?,
    };
    on(&app, id, Order::Edit { correction, tell }, &by, why.as_deref(), query, Vec::new()).await
}

/// `POST /v1/maintenance/{id}/move`.
pub async fn move_to(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Query(query): Query<PreviewQuery>,
    Json(request): Json<MoveRequest>,
) -> Result<Json<OutageAnswer>, ApiError> {
    let mut times = Times::new(&app);
    let from = request.from.as_deref().map(|text| times.start(text)).transpose()?;
    let until = request.until.as_deref().map(|text| times.end(text)).transpose()?;
    let notes = from.zip(until).map_or_else(|| times.notes.clone(), |(from, until)| times.notes(from, until));
    let order = Order::Move { from, until, text: request.text.into() };
    on(&app, id, order, &by, None, query, notes).await
}

/// `POST /v1/maintenance/{id}/{step}`.
pub async fn step(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path((id, step)): Path<(u64, Step)>,
    Query(query): Query<PreviewQuery>,
    Json(request): Json<OutageUpdate>,
) -> Result<Json<OutageAnswer>, ApiError> {
    let order = Order::Step { step, text: request.text.into() };
    on(&app, id, order, &by, None, query, Vec::new()).await
}

/// Which outages to list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    /// Those that are over, too.
    #[serde(default)]
    all: bool,
    /// Only incidents, or only maintenance.
    kind: Option<Kind>,
    /// At most so many.
    limit: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Incident,
    Maintenance,
}

/// `GET /v1/outages`, the newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Outage>>, ApiError> {
    let limit = query.limit.unwrap_or(50).clamp(1, 10_000);
    let wanted = |o: &Outage| query.kind.is_none_or(|kind| (kind == Kind::Maintenance) == o.plan.is_some());
    if query.all {
        // Of one kind there may be few among many.
        let read = if query.kind.is_some() { 10_000 } else { limit };
        let all = app.core.store.outages(read, false).await?;
        return Ok(Json(all.into_iter().filter(wanted).take(limit).collect()));
    }
    let view = app.core.view();
    Ok(Json(view.outages.values().rev().filter(|o| wanted(o)).take(limit).cloned().collect()))
}

/// `GET /v1/outages/{id}`.
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Result<Json<OutageAnswer>, ApiError> {
    let outage = app.core.store.outage(OutageId(id)).await?;
    let unit_paths = paths(&app.core.view().organisation, &outage);
    Ok(Json(OutageAnswer { outage, messages: None, unit_paths, notes: Vec::new(), preview: None }))
}

/// A template in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TemplateLine {
    /// The template.
    #[serde(flatten)]
    pub template: Template,
    /// What is wrong with it, full sentences.
    pub problems: Vec<String>,
}

/// `GET /v1/outage-templates`.
pub async fn templates(State(app): State<Arc<App>>) -> Json<Vec<TemplateLine>> {
    let view = app.core.view();
    let line = |template: &Template| TemplateLine {
        problems: template.unknown_units(&view.organisation),
        template: template.clone(),
    };
    Json(app.core.settings().outages.templates.values().map(line).collect())
}

async fn on(
    app: &App,
    id: u64,
    order: Order,
    by: &Actor,
    why: Option<&str>,
    query: PreviewQuery,
    notes: Vec<String>,
) -> Result<Json<OutageAnswer>, ApiError> {
    let done = carry_out(&app.core, Some(OutageId(id)), order, by, why, query.preview).await?;
    Ok(Json(answer(app, done, notes)))
}

fn status(query: PreviewQuery) -> StatusCode {
    if query.preview { StatusCode::OK } else { StatusCode::CREATED }
}

fn answer(app: &App, done: Done, notes: Vec<String>) -> OutageAnswer {
    let Done { outage, audience, tell, committed, leaving } = done;
    let silent = (!tell && !audience.left.is_empty()).then(|| {
        let left = audience.left.len();
        format!("{left} of those who were told of it aren't concerned any more, and aren't told that without `tell` (--tell)")
    });
    let spared = |is: fn(&WhyNot) -> bool| audience.not_told.iter().filter(|not| is(&not.why)).count();
    let inhibited = spared(|why| matches!(why, WhyNot::Inhibited(_)));
    let inhibited = (inhibited > 0).then(|| {
        format!("{inhibited} are told of another incident, of which this follows, and not of this (--preview names them)")
    });
    let silenced = spared(|why| matches!(why, WhyNot::Silenced(_)));
    let silenced = (silenced > 0)
        .then(|| format!("{silenced} aren't told, since it is silenced (budkavle silence list)"));
    let asks = if committed.is_none() { asking(app, &outage, &audience) } else { None };
    let notes = notes.into_iter().chain(silent).chain(inhibited).chain(silenced).chain(asks).collect();
    let zone = app.core.settings().zone;
    OutageAnswer {
        unit_paths: paths(&app.core.view().organisation, &outage),
        outage,
        messages: committed.as_ref().map(|committed| committed.messages),
        notes,
        preview: committed.is_none().then(|| preview::of(&audience, &leaving, tell, zone)),
    }
}

/// That those who are told are asked to take it on, and whom it goes to while nobody does.
fn asking(app: &App, outage: &Outage, audience: &Audience) -> Option<String> {
    let (settings, now) = (app.core.settings(), app.core.now());
    let way = outage::way(&app.core, outage, audience, now)?;
    let policy = &settings.climbing;
    let of = |rung: &Rung, people: usize| match rung {
        Rung::First => format!("{people} who are told first"),
        Rung::Deputy => format!("{people} deputies"),
        Rung::Colleague => format!("{people} local contacts"),
        Rung::Above(levels) => format!("{people} local contacts {levels} above"),
        Rung::Global => format!("{people} global contacts"),
        Rung::Reader => format!("{people} message readers"),
    };
    let (told, passed): (Vec<_>, Vec<_>) =
        way.iter().partition(|(rung, people)| policy.tells(*rung, *people));
    let listed = |all: &[&(Rung, usize)]| {
        all.iter().map(|(rung, people)| of(rung, *people)).collect::<Vec<_>>().join(", ")
    };
    let minutes = policy.after.num_minutes();
    let goes_on = match told.as_slice() {
        [] if passed.is_empty() => "it would go to nobody else".to_owned(),
        [] => format!("each {minutes} minutes of working time nobody has it, it goes on"),
        told => format!("each {minutes} minutes of working time nobody has it, it goes on: {}", listed(told)),
    };
    let passed = match passed.as_slice() {
        [] => String::new(),
        passed => format!(
            "; too many to be told before others (acknowledge.widest), and so at last: {}",
            listed(passed)
        ),
    };
    Some(format!("those who are told are asked to take it on; {goes_on}{passed}"))
}

fn paths(organisation: &Organisation, outage: &Outage) -> Vec<String> {
    let path = |unit: &UnitId| {
        let place = organisation.tree.index(*unit);
        place.map_or_else(|| format!("{unit} (gone)"), |place| organisation.tree.path(place))
    };
    outage.units.iter().map(path).collect()
}

/// What is to be said, with what a template says where nothing else is said.
fn opening(app: &App, request: OpenRequest, usual: Severity) -> Result<Opening, ApiError> {
    let settings = app.core.settings();
    let template = match &request.template {
        None => Template::default(),
        Some(name) => settings.outages.templates.get(name.trim()).cloned().ok_or_else(|| {
            let all: Vec<&str> = settings.outages.templates.keys().map(|name| &**name).collect();
            let all =
                if all.is_empty() { "none ([outage_template.NAME])".to_owned() } else { all.join(", ") };
            ApiError::not_found(format!(
                "there is no outage template {name:?}; the configuration names {all}"
            ))
        })?,
    };
    let or = |own: String, other: Box<str>| if own.trim().is_empty() { other } else { own.into() };
    let list = |own: Vec<String>, other: Vec<Box<str>>| {
        if own.is_empty() { other.into_iter().map(String::from).collect() } else { own }
    };
    Ok(Opening {
        title: or(request.title, template.title),
        text: or(request.text, template.text),
        severity: request.severity.or(template.severity).unwrap_or(usual),
        services: list(request.services, template.services).into_iter().map(Box::from).collect(),
        units: units_named(&app.core.view().organisation, &list(request.units, template.units))?,
        also: addresses(&request.also)?,
        ack: request.ack,
    })
}

fn addresses(texts: &[String]) -> Result<Vec<Address>, ApiError> {
    texts.iter().map(|text| text.parse().map_err(ApiError::bad)).collect()
}

fn units_named(organisation: &Organisation, names: &[String]) -> Result<Vec<UnitId>, ApiError> {
    let unit = |name: &String| look::place_of(organisation, name).map(|place| organisation.tree.id(place));
    names.iter().map(unit).collect()
}

/// Reads times on the organisation's clocks, and notes where these have something odd.
struct Times {
    zone: chrono_tz::Tz,
    notes: Vec<String>,
}

impl Times {
    fn new(app: &App) -> Times {
        Times { zone: app.core.settings().zone, notes: Vec::new() }
    }

    fn start(&mut self, text: &str) -> Result<DateTime<Utc>, ApiError> {
        self.notes.extend(moment::comes_twice(text, &self.zone));
        moment::parse(text, &self.zone).map_err(ApiError::bad)
    }

    fn end(&mut self, text: &str) -> Result<DateTime<Utc>, ApiError> {
        self.notes.extend(moment::comes_twice(text, &self.zone));
        moment::parse_end(text, &self.zone).map_err(ApiError::bad)
    }

    /// What was noted, and whether the clocks change meanwhile.
    fn notes(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<String> {
        use chrono::Offset as _;
        let offset = |at: DateTime<Utc>| at.with_timezone(&self.zone).offset().fix();
        let minutes = (until - from).num_minutes();
        let changes = (offset(from) != offset(until) && minutes < 2 * 24 * 60).then(|| {
            format!("the clocks change in between: it takes {} h {} min", minutes / 60, minutes % 60)
        });
        self.notes.iter().cloned().chain(changes).collect()
    }
}
