//! Notices as somebody gets them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

use super::App;
use super::error::ApiError;
use crate::domain::ids::{ChannelName, NoticeId};
use crate::domain::language::Language;
use crate::domain::mailbox::Address;
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
