//! The addresses to which mails came back.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::bounce::Mark;
use crate::domain::mailbox::Address;
use crate::domain::orphans;
use crate::flow::bounces::{self, MailboxState};

/// An address to which mails came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddressAnswer {
    /// What is known of it.
    #[serde(flatten)]
    pub mark: Mark,
    /// When it is written to again by itself.
    pub until: Option<DateTime<Utc>>,
    /// Who has it and holds which role: `role: name (where)`.
    pub holds: Vec<String>,
}

/// `GET /v1/addresses`: the one that was marked last first.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<AddressAnswer>> {
    let mut marks: Vec<Mark> = bounces::in_force(&app.core).iter().cloned().collect();
    marks.sort_by_key(|mark| std::cmp::Reverse(mark.last));
    Json(answers(&app, marks))
}

/// `GET /v1/addresses/{address}`.
pub async fn show(
    State(app): State<Arc<App>>,
    Path(address): Path<String>,
) -> Result<Json<AddressAnswer>, ApiError> {
    let address: Address = address.parse().map_err(ApiError::bad)?;
    let mark = bounces::mark_in_force(&app.core, &address, app.core.now());
    let mark = mark
        .ok_or_else(|| ApiError::not_found(format!("nothing came back from {address} that still counts")))?;
    answer(&app, mark)
}

/// `POST /v1/addresses/{address}/clear`.
pub async fn clear(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(address): Path<String>,
) -> Result<Json<AddressAnswer>, ApiError> {
    let address: Address = address.parse().map_err(ApiError::bad)?;
    let mark = bounces::clear(&app.core, &address, &by).await?;
    answer(&app, mark)
}

/// Which addresses are cleared at once: those of a domain, or all.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClearMany {
    /// Those of this one.
    #[serde(default)]
    pub domain: Option<String>,
    /// All of them.
    #[serde(default)]
    pub all: bool,
}

/// `POST /v1/addresses/clear`: those that were cleared.
pub async fn clear_many(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(which): Json<ClearMany>,
) -> Result<Json<Vec<AddressAnswer>>, ApiError> {
    if which.domain.is_some() == which.all {
        return Err(ApiError::bad("say which addresses: those of a domain, or all"));
    }
    let marks = bounces::clear_all(&app.core, which.domain.as_deref(), &by).await?;
    Ok(Json(answers(&app, marks)))
}

/// `POST /v1/bounces`: looks into the mailbox now.
pub async fn look(State(app): State<Arc<App>>) -> Result<Json<MailboxState>, ApiError> {
    let state = app.bounces.look_now(&app.core).await.map_err(ApiError::conflict)?;
    state
        .map(Json)
        .ok_or_else(|| ApiError::not_found("no mailbox for bounces is configured ([bounces])".to_owned()))
}

fn answer(app: &App, mark: Mark) -> Result<Json<AddressAnswer>, ApiError> {
    let mut answers = answers(app, vec![mark]);
    answers.pop().map(Json).ok_or_else(|| ApiError::not_found("it is gone".to_owned()))
}

fn answers(app: &App, marks: Vec<Mark>) -> Vec<AddressAnswer> {
    let view = app.core.view();
    let of = marks.iter().cloned().collect();
    let mut holders: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for holder in orphans::unreachable(&view.organisation, &of) {
        let words = format!("{}: {} ({})", holder.role, holder.name, holder.path);
        holders.entry(holder.address.key()).or_default().push(words);
    }
    let policy = app.core.settings().bounces;
    let answer = |mark: Mark| AddressAnswer {
        until: policy.and_then(|policy| mark.last.checked_add_signed(policy.mark_for)),
        holds: holders.remove(&mark.address.key()).unwrap_or_default(),
        mark,
    };
    marks.into_iter().map(answer).collect()
}
