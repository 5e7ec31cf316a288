//! Roles and absences, as people maintain them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::{AbsenceAnswer, HoldingAnswer, Why};
use super::error::ApiError;
use super::look::{self, Moment};
use crate::domain::authority::Caller;
use crate::domain::ids::{AbsenceId, AssignmentId};
use crate::domain::mailbox::Address;
use crate::domain::organisation::Origin;
use crate::domain::roles::{Assignment, sheet};
use crate::domain::table::Format;
use crate::flow::assign::{self, AssignError, NewAbsence, NewAssignment};
use crate::flow::assignments::{self, How, Imported};

/// Who is to hold a role, and where, as people name things.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AssignRequest {
    /// Which role.
    pub role: String,
    /// A user; or else `mail` and `name` say who.
    pub user: Option<String>,
    /// The address of somebody outside, or one in place of the user's own.
    pub mail: Option<String>,
    /// The name of somebody outside.
    pub name: Option<String>,
    /// A phone number in place of the user's own.
    pub phone: Option<String>,
    /// The unit, for a role of units; None: the user's own unit, whichever that is.
    pub unit: Option<String>,
    /// The directory, for a role of directories; None: all.
    pub directory: Option<String>,
    /// The subject, for a role of subjects.
    #[serde(default)]
    pub subject: Option<String>,
    /// The service, for the role of outages.
    #[serde(default)]
    pub service: Option<String>,
    /// The order among the holders of one place.
    #[serde(default)]
    pub rank: u16,
    /// From when on.
    pub from: Option<DateTime<Utc>>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
    /// Take somebody of another unit.
    #[serde(default)]
    pub any_unit: bool,
    /// The reason, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

/// `POST /v1/contacts`.
pub async fn assign(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Json(request): Json<AssignRequest>,
) -> Result<(StatusCode, Json<HoldingAnswer>), ApiError> {
    let new = {
        let view = app.core.view();
        let organisation = &view.organisation;
        let role = look::role_named(organisation, &request.role)?;
        let mail: Option<Address> =
            request.mail.as_deref().map(str::parse).transpose().map_err(ApiError::bad)?;
        let user = request.user.as_deref().map(|user| organisation.find_user(user)).transpose()?;
        let (holder, mail) = sheet::holder(user.map(|user| user.id), request.name.as_deref(), mail)
            .map_err(AssignError::from)?;
        let unit = request.unit.as_deref().map(|unit| look::place_of(organisation, unit)).transpose()?;
        let subject = request.subject.as_deref().or(request.service.as_deref());
        let subject = subject.map(|subject| organisation.find_subject_for(role, subject));
        let named = sheet::Named {
            unit: unit.map(|place| organisation.tree.id(place)),
            directory: request.directory.as_deref().map(Into::into),
            subject: subject.transpose()?,
        };
        let place = sheet::place(role, named).map_err(AssignError::from)?;
        NewAssignment {
            role: role.name.clone(),
            holder,
            place,
            rank: request.rank,
            mail,
            phone: request.phone.as_deref().and_then(sheet::phone),
            from: request.from,
            until: request.until,
            any_unit: request.any_unit,
        }
    };
    let assignment = assign::assign(&app.core, new, &by, request.why.as_deref()).await?;
    let view = app.core.view();
    let ours = |h: &crate::domain::organisation::Holding| h.origin == Origin::Assigned(assignment.id);
    let answers = look::holding_answers(&view.organisation, Moment::of(&app.core), |_, h| ours(h));
    let answer = answers.into_iter().next();
    // Who holds it twice is listed once, by the assignment that was there before.
    let answer = answer.ok_or_else(|| {
        ApiError::conflict(format!("assignment {} is noted but counts nowhere", assignment.id))
    })?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `DELETE /v1/contacts/{id}`.
pub async fn revoke(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Path(id): Path<u64>,
    Query(why): Query<Why>,
) -> Result<Json<Assignment>, ApiError> {
    Ok(Json(assign::revoke(&app.core, AssignmentId(id), &by, why.why.as_deref()).await?))
}

/// What a table is to be written in.
#[derive(Debug, Deserialize)]
pub struct ExportQuery {
    #[serde(default)]
    format: Format,
}

/// `GET /v1/contacts/export`: a table of all assignments that can be imported again.
pub async fn export(State(app): State<Arc<App>>, Query(query): Query<ExportQuery>) -> Response {
    let table = assignments::export(&app.core, query.format);
    ([(header::CONTENT_TYPE, query.format.media_type())], table).into_response()
}

/// How a table is to be taken.
#[derive(Debug, Deserialize)]
pub struct ImportQuery {
    #[serde(default)]
    format: Format,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    replace: bool,
    /// The reason, for the audit log.
    why: Option<String>,
}

/// `POST /v1/contacts/import`: the body is the file.
pub async fn import(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    let ImportQuery { format, dry_run, replace, why } = query;
    let how = How { dry_run, replace };
    Ok(Json(assignments::import(&app.core, body.to_vec(), format, how, &by, why.as_deref()).await?))
}

/// Who will be away, as people name them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AbsenceRequest {
    /// Who.
    pub user: String,
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
    /// Who stands in.
    pub deputy: Option<String>,
    /// For people.
    pub note: Option<String>,
    /// The reason, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

/// `POST /v1/absences`.
pub async fn add_absence(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Json(request): Json<AbsenceRequest>,
) -> Result<(StatusCode, Json<AbsenceAnswer>), ApiError> {
    let view = app.core.view();
    let find = |who: &str| view.organisation.find_user(who).map(|u| u.id);
    let new = NewAbsence {
        user: find(&request.user)?,
        from: request.from,
        until: request.until,
        deputy: request.deputy.as_deref().map(find).transpose()?,
        note: request.note.as_deref().and_then(crate::flow::absences::note),
    };
    let absence = assign::add_absence(&app.core, new, &by, request.why.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(super::absences::with_warnings(&app, &absence))))
}

/// `DELETE /v1/absences/{id}`.
pub async fn remove_absence(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Path(id): Path<u64>,
    Query(why): Query<Why>,
) -> Result<Json<AbsenceAnswer>, ApiError> {
    let gone = assign::remove_absence(&app.core, AbsenceId(id), &by, why.why.as_deref()).await?;
    Ok(Json(look::absence_answer(&app.core.view().organisation, &gone)))
}
