//! What somebody answers for that is no unit: reports, systems.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::{SubjectAnswer, SubjectLine, Why};
use super::error::ApiError;
use super::look::{self, Moment};
use crate::domain::audit::Actor;
use crate::domain::contacts::{self, Asker};
use crate::domain::ids::UnitId;
use crate::domain::organisation::Organisation;
use crate::domain::roles::{Place, REPORT};
use crate::domain::subject::{Subject, owner_of};
use crate::flow::subjects::{self, NewSubject, SubjectError};

/// A subject, as people name things.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SubjectRequest {
    /// Its short name.
    pub name: String,
    /// What it is.
    pub title: Option<String>,
    /// The unit that it belongs to.
    pub owner: Option<String>,
    /// The reason, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

/// What is to be another one; what isn't named stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// What it is; an empty text for its name.
    pub title: Option<String>,
    /// The unit that it belongs to; an empty text for none.
    pub owner: Option<String>,
    /// The reason, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

/// `GET /v1/subjects`.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<SubjectLine>> {
    let view = app.core.view();
    let (organisation, now) = (&view.organisation, app.core.now());
    Json(organisation.subjects.values().map(|subject| line(organisation, subject, now)).collect())
}

/// `GET /v1/subjects/{name}`.
pub async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<SubjectAnswer>, ApiError> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let subject = organisation.find_subject(&name)?;
    let place = Place::Subject(subject.name.clone());
    let holds = look::holding_answers(organisation, Moment::of(&app.core), |_, h| h.place == place);
    Ok(Json(SubjectAnswer { line: line(organisation, subject, app.core.now()), holds }))
}

/// `POST /v1/subjects`.
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(request): Json<SubjectRequest>,
) -> Result<(StatusCode, Json<SubjectLine>), ApiError> {
    let owner = request.owner.as_deref().map(|unit| unit_named(&app, unit)).transpose()?;
    let subject = Subject::new(&request.name, request.title.as_deref(), owner).map_err(SubjectError::from)?;
    let subject = subjects::add(&app.core, subject, &by, request.why.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(line_now(&app, &subject))))
}

/// `PATCH /v1/subjects/{name}`.
pub async fn change(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    Json(request): Json<ChangeRequest>,
) -> Result<Json<SubjectLine>, ApiError> {
    let owner = match request.owner.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(unit) => Some(Some(unit_named(&app, unit)?)),
    };
    let new = NewSubject { title: request.title, owner };
    let subject = subjects::change(&app.core, &name, new, &by, request.why.as_deref()).await?;
    Ok(Json(line_now(&app, &subject)))
}

/// `DELETE /v1/subjects/{name}`.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    Query(why): Query<Why>,
) -> Result<Json<Subject>, ApiError> {
    Ok(Json(subjects::remove(&app.core, &name, &by, why.why.as_deref()).await?))
}

fn unit_named(app: &App, unit: &str) -> Result<UnitId, ApiError> {
    let organisation = &app.core.view().organisation;
    look::place_of(organisation, unit).map(|place| organisation.tree.id(place))
}

fn line_now(app: &App, subject: &Subject) -> SubjectLine {
    line(&app.core.view().organisation, subject, app.core.now())
}

fn line(organisation: &Organisation, subject: &Subject, now: DateTime<Utc>) -> SubjectLine {
    let asker = Asker::Subject(subject.name.clone());
    let answer = organisation.role(REPORT).map(|role| contacts::resolve(organisation, role, &asker, now));
    let found = answer.map(|answer| answer.contacts).unwrap_or_default();
    let owner = owner_of(organisation, subject);
    SubjectLine {
        subject: subject.clone(),
        owner_path: owner.as_ref().ok().map(|place| organisation.tree.path(*place)),
        by: found.first().map(|contact| contact.role.clone()),
        contacts: found.into_iter().map(|contact| contact.name).collect(),
        problem: owner.err().map(|trouble| trouble.to_string()),
    }
}
