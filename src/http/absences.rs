//! Absences that are changed, imported and exported.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::AbsenceAnswer;
use super::error::ApiError;
use super::look;
use crate::domain::absence::Absence;
use crate::domain::audit::Actor;
use crate::domain::ids::AbsenceId;
use crate::flow::absences::{self, CalendarOf, Imported};
use crate::flow::assign::NewAbsence;

/// The largest table that is read: a million lines.
pub const IMPORT_LIMIT: usize = 64 * 1024 * 1024;

/// What is to be another one; what isn't named stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// The first moment.
    pub from: Option<DateTime<Utc>>,
    /// The first moment after it.
    pub until: Option<DateTime<Utc>>,
    /// Who stands in; an empty text for nobody.
    pub deputy: Option<String>,
    /// For people; an empty text for none.
    pub note: Option<String>,
}

/// `PATCH /v1/absences/{id}`.
pub async fn change(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Json(request): Json<ChangeRequest>,
) -> Result<Json<AbsenceAnswer>, ApiError> {
    let deputy = match request.deputy.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(who) => Some(Some(app.core.view().organisation.find_user(who)?.id)),
    };
    let note = request.note.map(|note| Some(note.trim()).filter(|n| !n.is_empty()).map(Box::from));
    let new = |before: &Absence| NewAbsence {
        user: before.user,
        from: request.from.unwrap_or(before.from),
        until: request.until.unwrap_or(before.until),
        deputy: deputy.unwrap_or(before.deputy),
        note: note.unwrap_or_else(|| before.note.clone()),
    };
    let after = absences::change(&app.core, AbsenceId(id), &by, new).await?;
    Ok(Json(with_warnings(&app, &after)))
}

/// An absence as it was noted, with what there is to say about it.
pub fn with_warnings(app: &App, absence: &Absence) -> AbsenceAnswer {
    let organisation = &app.core.view().organisation;
    let warnings = absences::warnings(organisation, absence, app.core.settings().zone);
    AbsenceAnswer { warnings, ..look::absence_answer(organisation, absence) }
}

/// How a list is to be taken.
#[derive(Debug, Deserialize)]
pub struct ImportQuery {
    #[serde(default)]
    dry_run: bool,
    format: Format,
    /// Whose calendar it is.
    user: Option<String>,
    /// Take what takes time at all in a calendar.
    #[serde(default)]
    busy: bool,
}

/// What a list is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A table.
    #[default]
    Csv,
    /// A calendar.
    Ics,
}

/// `POST /v1/absences/import`: the body is the file.
pub async fn import(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Query(query): Query<ImportQuery>,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    let (core, dry_run) = (&app.core, query.dry_run);
    let done = match query.format {
        Format::Csv => absences::import_table(core, body.to_vec(), dry_run, &by).await?,
        Format::Ics => {
            let user = query.user.as_deref().map(|who| core.view().organisation.find_user(who).map(|u| u.id));
            let of = CalendarOf { user: user.transpose()?, busy: query.busy, titles: Vec::new() };
            absences::import_calendar(core, body.to_vec(), &of, dry_run, &by).await?
        }
    };
    Ok(Json(done))
}

/// Which absences are wanted.
#[derive(Debug, Deserialize)]
pub struct ExportQuery {
    #[serde(default)]
    past: bool,
}

/// `GET /v1/absences/export`: a table that can be imported again.
pub async fn export(
    State(app): State<Arc<App>>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let view = app.core.view();
    let now = app.core.now();
    let all = view.organisation.absences.values().flatten();
    let mut all: Vec<Absence> = all.filter(|a| query.past || now < a.until).cloned().collect();
    all.sort_by_key(|a| (a.from, a.id));
    let table = absences::export_table(&view.organisation, &all, app.core.settings().zone);
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response())
}
