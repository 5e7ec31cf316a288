//! What others tell of incidents: vendors' status pages, and signs of life of jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::error::ApiError;
use crate::domain::ids::{FeedName, OutageId};
use crate::domain::intake::Teller;
use crate::flow::intake::feeds::{FeedState, Polled};
use crate::flow::intake::heartbeats::HeartbeatLine;
use crate::flow::kept::Looked;

/// A status page and how it is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedLine {
    /// Its name.
    pub name: FeedName,
    /// Where it is; of an address without what stands behind the `?`.
    pub location: String,
    /// How many entries it had.
    pub entries: u32,
    /// The open outages that it brought about.
    pub outages: Vec<OutageId>,
    /// When what it says was first read so.
    pub taken: Option<DateTime<Utc>>,
    /// How the last look went.
    #[serde(flatten)]
    pub state: FeedState,
}

/// `GET /v1/feeds`.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<FeedLine>> {
    let view = app.core.view();
    let line = |name: FeedName| {
        let taken = view.intake.feeds.get(&name);
        let teller = Teller::Feed(name.clone());
        let of = view.intake.of(&teller);
        let open = of.filter_map(|followed| followed.outage).filter(|id| view.outages.contains_key(id));
        Some(FeedLine {
            location: app.feeds.location(&name)?,
            entries: taken.map_or(0, |taken| taken.entries),
            outages: open.collect(),
            taken: taken.map(|taken| taken.taken),
            state: app.feeds.state(&name),
            name,
        })
    };
    Json(app.feeds.names().into_iter().filter_map(line).collect())
}

/// How to look.
#[derive(Debug, Deserialize)]
pub struct PollQuery {
    /// Only to find what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /v1/feeds/{name}/poll`.
pub async fn poll(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<PollQuery>,
) -> Result<Json<Polled>, ApiError> {
    let name = app.feeds.named(&name)?;
    Ok(Json(app.feeds.poll(&app.core, &name, query.dry_run).await?))
}

/// `GET /v1/heartbeats`.
pub async fn heartbeats(State(app): State<Arc<App>>) -> Json<Vec<HeartbeatLine>> {
    Json(app.heartbeats.list(&app.core))
}

/// `POST /v1/heartbeats/{name}`: a sign of life.
pub async fn heard(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<HeartbeatLine>, ApiError> {
    Ok(Json(app.heartbeats.heard(&app.core, &name).await?))
}
