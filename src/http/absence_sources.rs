//! The calendars that absences are taken from.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::Why;
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::ids::SourceName;
use crate::flow::absence_sources::{Fetched, SourceState, said};
use crate::flow::kept::Looked;

/// A calendar and how it is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceLine {
    /// Its name.
    pub name: SourceName,
    /// Where it is; of an address only the server.
    pub location: String,
    /// Whose it is; None: of those who take part in its events.
    pub user: Option<Box<str>>,
    /// How many absences it says for now and later.
    pub absences: usize,
    /// How many people it names who aren't known.
    pub unknown: u32,
    /// When what it says was last noted.
    pub taken: Option<DateTime<Utc>>,
    /// How the last look went.
    #[serde(flatten)]
    pub state: SourceState,
}

/// `GET /v1/absence-sources`.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<SourceLine>> {
    let view = app.core.view();
    let now = app.core.now();
    let line = |name: SourceName| {
        let (location, user) = app.calendars.whose(&name)?;
        let taken = view.calendars.get(&name);
        Some(SourceLine {
            location,
            user,
            absences: said(&view.organisation, &name, now).count(),
            unknown: taken.map_or(0, |taken| taken.unknown),
            taken: taken.map(|taken| taken.taken),
            state: app.calendars.state(&name),
            name,
        })
    };
    Json(app.calendars.names().into_iter().filter_map(line).collect())
}

/// `POST /v1/absence-sources/{name}/fetch`.
pub async fn fetch(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
) -> Result<Json<Fetched>, ApiError> {
    let name = app.calendars.named(&name)?;
    Ok(Json(app.calendars.fetch(&app.core, &name, &by).await?))
}

/// `POST /v1/absence-sources/{name}/accept`.
pub async fn accept(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(name): Path<String>,
    why: Option<Json<Option<Why>>>,
) -> Result<Json<Fetched>, ApiError> {
    let (name, why) = (app.calendars.named(&name)?, Why::given(why));
    Ok(Json(app.calendars.accept(&app.core, &name, &by, why.as_deref()).await?))
}
