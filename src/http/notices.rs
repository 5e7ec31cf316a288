//! Notices as somebody gets them, and those that wait for somebody to take them on.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::climb::Climb;
use crate::domain::ids::{ChannelName, NoticeId};
use crate::domain::language::Language;
use crate::domain::mailbox::Address;
use crate::flow::climb::{self, NotTaken, Taken};
use crate::flow::preview::{self, Preview, PreviewError};

/// For whom.
#[derive(Debug, Deserialize)]
pub struct PreviewQuery {
    /// Who gets it; the first of those who do, without it.
    to: Option<Address>,
    /// In which language, if not in theirs.
    lang: Option<Language>,
}

/// `GET /v1/notices/{id}/preview`.
pub async fn preview(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<Preview>, ApiError> {
    // All write with the same templates; there is always one for mails.
    let senders = app.senders.all();
    let sender = senders
        .get(&ChannelName::mail())
        .ok_or_else(|| ApiError::conflict("there is no channel for mails"))?;
    let (to, lang) = (query.to.as_ref(), query.lang);
    let shown = preview::stored(&app.core, sender.composer(), NoticeId(id), to, lang).await;
    shown.map(Json).map_err(|error| match error {
        PreviewError::Store(error) => error.into(),
        PreviewError::Compose(_) => ApiError::conflict(error.to_string()),
        PreviewError::NoMessage(_) | PreviewError::NotTo { .. } => ApiError::not_found(error.to_string()),
    })
}

/// A notice that asks to be taken on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// What is known of it.
    #[serde(flatten)]
    pub climb: Climb,
    /// When it goes to others, unless somebody takes it on before; None: nobody is left, or it is at its end.
    pub goes_on: Option<DateTime<Utc>>,
}

/// What came of somebody's word that they have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The notice, with who has it.
    #[serde(flatten)]
    pub climb: Climb,
    /// Whether it was that word; else somebody had it before, or it was over.
    pub now: bool,
}

/// `GET /v1/notices`: those that wait for somebody to take them on, the longest waiting first.
pub async fn waiting(State(app): State<Arc<App>>) -> Json<Vec<Waiting>> {
    let (view, settings) = (app.core.view(), app.core.settings());
    let one = |climb: &Climb| Waiting { goes_on: settings.climbing.due(climb), climb: climb.clone() };
    let mut all: Vec<Waiting> = view.climbs.values().map(one).collect();
    all.sort_by_key(|waiting| (waiting.climb.asked, waiting.climb.notice));
    Json(all)
}

/// `POST /v1/notices/{id}/acknowledge`.
pub async fn acknowledge(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
) -> Result<Json<Acknowledged>, ApiError> {
    let name = by.to_string();
    let taken = climb::acknowledge(&app.core, NoticeId(id), &name, &by, None).await;
    let (climb, now) = match taken.map_err(|error| match error {
        NotTaken::AsksNothing(_) => ApiError::not_found(error.to_string()),
        NotTaken::Store(error) => error.into(),
    })? {
        Taken::Now(climb) => (climb, true),
        Taken::Before(climb) => (climb, false),
    };
    Ok(Json(Acknowledged { climb, now }))
}
