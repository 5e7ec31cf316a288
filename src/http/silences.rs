//! Silences: add, list, end.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::Why;
use super::error::ApiError;
use super::look;
use crate::domain::audit::Actor;
use crate::domain::ids::SilenceId;
use crate::domain::moment;
use crate::domain::notice::NoticeKind;
use crate::domain::outage::Severity;
use crate::domain::silence::{Matcher, Silence};
use crate::flow::silence::{self, NewSilence, SilenceError};

/// What is to be silent; everything that is given must be met.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SilenceRequest {
    /// Of one of these kinds.
    pub kinds: Vec<String>,
    /// No worse than this.
    pub severity: Option<Severity>,
    /// Of one of these services.
    pub services: Vec<String>,
    /// Of these units and what is below them.
    pub units: Vec<String>,
    /// Of one of these directories.
    pub directories: Vec<String>,
    /// Only for these people: addresses.
    pub contacts: Vec<String>,
    /// From when on, on the organisation's clocks; None: at once.
    pub from: Option<String>,
    /// Until when.
    pub until: String,
    /// Why.
    pub why: String,
}

/// `GET /v1/silences`.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<Silence>> {
    Json(app.core.view().silences.values().cloned().collect())
}

/// `POST /v1/silences`.
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(request): Json<SilenceRequest>,
) -> Result<(StatusCode, Json<Silence>), ApiError> {
    let new = read(&app, request)?;
    let silence = silence::add(&app.core, new, &by).await.map_err(|error| match error {
        SilenceError::Bad(bad) => ApiError::bad(bad),
        SilenceError::Store(error) => error.into(),
    })?;
    Ok((StatusCode::CREATED, Json(silence)))
}

/// `DELETE /v1/silences/{id}`.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Query(why): Query<Why>,
) -> Result<Json<Silence>, ApiError> {
    Ok(Json(silence::remove(&app.core, SilenceId(id), &by, why.why.as_deref()).await?))
}

fn read(app: &App, request: SilenceRequest) -> Result<NewSilence, ApiError> {
    let (view, settings) = (app.core.view(), app.core.settings());
    let kind = |text: &String| {
        let found = NoticeKind::ROUTED.iter().find(|(word, _)| word == text).map(|(_, kind)| *kind);
        found.ok_or_else(|| {
            let words = NoticeKind::ROUTED.map(|(word, _)| word).join(", ");
            ApiError::bad(format!("there is no kind {text:?}; there are {words}"))
        })
    };
    let services = &settings.outages.services;
    let service = |text: &String| match services.is_empty() {
        true => Ok(text.as_str().into()),
        false => {
            let found = services.find(text).map(|service| service.name.clone());
            found.map_err(|none| ApiError::not_found(none.to_string()))
        }
    };
    let unit = |text: &String| {
        look::place_of(&view.organisation, text).map(|place| view.organisation.tree.id(place))
    };
    let directory = |text: &String| match settings.directories.keys().find(|name| *name.0 == **text) {
        Some(name) => Ok(name.clone()),
        None => Err(ApiError::not_found(format!("there is no directory {text:?}"))),
    };
    let time = |text: &str| moment::parse(text, &settings.zone).map_err(ApiError::bad);
    let matcher = Matcher {
        kinds: request.kinds.iter().map(kind).collect::<Result<_, _>>()?,
        severity: request.severity,
        services: request.services.iter().map(service).collect::<Result<_, ApiError>>()?,
        units: request.units.iter().map(unit).collect::<Result<_, _>>()?,
        directories: request.directories.iter().map(directory).collect::<Result<_, _>>()?,
        contacts: request
            .contacts
            .iter()
            .map(|text| text.parse().map_err(ApiError::bad))
            .collect::<Result<_, _>>()?,
    };
    let until = moment::parse_end(&request.until, &settings.zone).map_err(ApiError::bad)?;
    let from = request.from.as_deref().map(time).transpose()?;
    Ok(NewSilence { matcher, from, until, why: request.why.chars().take(500).collect::<String>().into() })
}
