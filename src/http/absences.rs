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
use crate::domain::absence::{Absence, calendar};
use crate::domain::authority::Caller;
use crate::domain::ids::AbsenceId;
use crate::domain::table;
use crate::flow::absences::{self, CalendarOf};
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
    /// The reason, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

/// `PATCH /v1/absences/{id}`.
pub async fn change(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Path(id): Path<u64>,
    Json(request): Json<ChangeRequest>,
) -> Result<Json<AbsenceAnswer>, ApiError> {
    let deputy = match request.deputy.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(who) => Some(Some(app.core.view().organisation.find_user(who)?.id)),
    };
    let note = request.note.map(|note| absences::note(&note));
    let new = |before: &Absence| NewAbsence {
        user: before.user,
        from: request.from.unwrap_or(before.from),
        until: request.until.unwrap_or(before.until),
        deputy: deputy.unwrap_or(before.deputy),
        note: note.unwrap_or_else(|| before.note.clone()),
    };
    let after = absences::change(&app.core, AbsenceId(id), &by, request.why.as_deref(), new).await?;
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
    /// The reason, for the audit log.
    why: Option<String>,
}

/// What a list is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A table.
    #[default]
    Csv,
    /// A table, as a list of objects.
    Json,
    /// A calendar.
    Ics,
}

/// `POST /v1/absences/import`: the body is the file.
pub async fn import(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Caller>,
    Query(query): Query<ImportQuery>,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    let (core, dry_run, why) = (&app.core, query.dry_run, query.why.as_deref());
    let table = async |format| absences::import_table(core, body.to_vec(), format, dry_run, &by, why).await;
    let done = match query.format {
        Format::Csv => table(table::Format::Csv).await?,
        Format::Json => table(table::Format::Json).await?,
        Format::Ics => {
            let user = query.user.as_deref().map(|who| core.view().organisation.find_user(who).map(|u| u.id));
            let of = CalendarOf { user: user.transpose()?, busy: query.busy, titles: Vec::new() };
            absences::import_calendar(core, body.to_vec(), &of, dry_run, &by, why).await?
        }
    };
    let organisation = &core.view().organisation;
    let named = |absence: &Absence| look::absence_answer(organisation, absence);
    Ok(Json(Imported {
        added: done.added.iter().map(named).collect(),
        changed: (done.changed.iter())
            .map(|(before, after)| Changed { before: named(before), after: named(after) })
            .collect(),
        unchanged: done.unchanged,
    }))
}

/// What a list of absences came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Imported {
    /// Those that are new; without numbers when nothing was done.
    pub added: Vec<AbsenceAnswer>,
    /// Those of which something else is said.
    pub changed: Vec<Changed>,
    /// How many were there already.
    pub unchanged: usize,
}

/// An absence of which something else is said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// As it was.
    pub before: AbsenceAnswer,
    /// As it is.
    pub after: AbsenceAnswer,
}

/// Which absences are wanted.
#[derive(Debug, Deserialize)]
pub struct ExportQuery {
    #[serde(default)]
    past: bool,
    #[serde(default)]
    format: Format,
}

/// `GET /v1/absences/export`: a table that can be imported again, or a calendar to be shown.
pub async fn export(
    State(app): State<Arc<App>>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let view = app.core.view();
    let now = app.core.now();
    let all = view.organisation.absences.values().flatten();
    let mut all: Vec<Absence> = all.filter(|a| query.past || now < a.until).cloned().collect();
    all.sort_by_key(|a| (a.from, a.id));
    let (organisation, zone) = (&view.organisation, app.core.settings().zone);
    let table = |format: table::Format| {
        (format.media_type(), absences::export_table(organisation, &all, format, zone))
    };
    let (media_type, bytes) = match query.format {
        Format::Csv => table(table::Format::Csv),
        Format::Json => table(table::Format::Json),
        Format::Ics => {
            let text = calendar::calendar(organisation, &all, zone, app.core.instance, now);
            ("text/calendar; charset=utf-8", text.into_bytes())
        }
    };
    Ok(([(header::CONTENT_TYPE, media_type)], bytes).into_response())
}
