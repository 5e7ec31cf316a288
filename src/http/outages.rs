//! Outages: open, update, look.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::{OutageAnswer, OutageUpdate};
use super::error::ApiError;
use super::look;
use crate::domain::audit::Actor;
use crate::domain::ids::OutageId;
use crate::domain::outage::{Opening, Outage, Severity};
use crate::flow::outage;

/// An outage as an operator opens it, with units as people name them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenRequest {
    /// One line.
    pub title: String,
    /// What there is to say; the title when empty.
    #[serde(default)]
    pub text: String,
    /// How bad it is.
    pub severity: Severity,
    /// Which services are concerned.
    #[serde(default)]
    pub services: Vec<String>,
    /// Which units are concerned.
    #[serde(default)]
    pub units: Vec<String>,
}

/// `POST /v1/outages`.
pub async fn open(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(request): Json<OpenRequest>,
) -> Result<(StatusCode, Json<OutageAnswer>), ApiError> {
    let view = app.core.view();
    let unit = |name: &String| look::place_of(&view.organisation, name).map(|p| view.organisation.tree.id(p));
    let opening = Opening {
        title: request.title.into(),
        text: request.text.into(),
        severity: request.severity,
        services: request.services.into_iter().map(Box::from).collect(),
        units: request.units.iter().map(unit).collect::<Result<_, _>>()?,
    };
    let (outage, committed) = outage::open(&app.core, opening, &by).await?;
    Ok((StatusCode::CREATED, Json(OutageAnswer { outage, messages: Some(committed.messages) })))
}

/// `POST /v1/outages/{id}/updates`.
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Json(request): Json<OutageUpdate>,
) -> Result<Json<OutageAnswer>, ApiError> {
    let (outage, committed) =
        outage::update(&app.core, OutageId(id), &request.text, request.state, &by).await?;
    Ok(Json(OutageAnswer { outage, messages: Some(committed.messages) }))
}

/// Which outages to list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    /// Those that are resolved, too.
    #[serde(default)]
    all: bool,
    /// At most so many.
    limit: Option<usize>,
}

/// `GET /v1/outages`, the newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<Outage>>, ApiError> {
    let limit = query.limit.unwrap_or(50).clamp(1, 10_000);
    if query.all {
        return Ok(Json(app.core.store.outages(limit, false).await?));
    }
    Ok(Json(app.core.view().outages.values().rev().take(limit).cloned().collect()))
}

/// `GET /v1/outages/{id}`.
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Result<Json<OutageAnswer>, ApiError> {
    let outage = app.core.store.outage(OutageId(id)).await?;
    Ok(Json(OutageAnswer { outage, messages: None }))
}
