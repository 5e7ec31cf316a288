//! Syncs: start one and follow it, look at those that were, decide on held ones.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::App;
use super::answers::{RunAnswer, SyncLine, SyncRequest, UndoRequest, Why};
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::delta::{ObjectKind, What};
use crate::domain::ids::{DirectoryName, RunId};
use crate::domain::run::{Run, Trigger};
use crate::flow::directories::NotBegun;
use crate::flow::sync::{self, Order};
use crate::flow::undo::Undone;

/// `POST /v1/sync`: a line of JSON for every step, as it happens; the run goes on when the caller goes away.
pub async fn sync(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(request): Json<SyncRequest>,
) -> Result<Response, ApiError> {
    let names = app.directories.names();
    let wanted: Vec<DirectoryName> = match &request.directory {
        None => names,
        Some(one) if names.contains(one) => vec![one.clone()],
        Some(other) => {
            let all: Vec<String> = names.iter().map(ToString::to_string).collect();
            return Err(ApiError::not_found(NotBegun::Unknown(other.clone(), all.join(", ")).to_string()));
        }
    };
    if let Some(running) = wanted.iter().find(|name| app.directories.is_running(name)) {
        return Err(ApiError::conflict(NotBegun::Running(running.clone())));
    }
    let order = Order { trigger: Trigger::Manual(by), full: request.full, dry_run: request.dry_run };
    Ok(stream(app, wanted, order))
}

/// `POST /v1/runs/{id}/approve`: and syncs the directory at once.
pub async fn approve(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Json(why): Json<Why>,
) -> Result<Response, ApiError> {
    let held = |d: &crate::store::DirectoryState| d.held.as_ref().is_some_and(|held| held.run == RunId(id));
    let view = app.core.view();
    let concerned = view.directories.iter().find(|(_, state)| held(state)).map(|(name, _)| name.clone());
    if let Some(running) = concerned.filter(|name| app.directories.is_running(name)) {
        return Err(ApiError::conflict(NotBegun::Running(running)));
    }
    let name = sync::approve(&app.core, RunId(id), &by, why.why.as_deref()).await?;
    let order = Order { trigger: Trigger::Approval(RunId(id)), full: true, dry_run: false };
    Ok(stream(app, vec![name], order))
}

/// `POST /v1/runs/{id}/reject`.
pub async fn reject(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Json(why): Json<Why>,
) -> Result<Json<DirectoryName>, ApiError> {
    Ok(Json(sync::reject(&app.core, RunId(id), &by, why.why.as_deref()).await?))
}

/// `POST /v1/runs/{id}/undo`: puts back what a run changed.
pub async fn undo(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
    Json(request): Json<UndoRequest>,
) -> Result<Json<Undone>, ApiError> {
    // It goes on when the caller goes away.
    let work = tokio::spawn(async move {
        let UndoRequest { why, dry_run } = request;
        app.directories.undo(&app.core, RunId(id), &by, why.as_deref(), dry_run).await
    });
    match work.await {
        Ok(done) => Ok(Json(done?)),
        Err(error) => Err(ApiError::conflict(format!("undoing run {id} was broken off: {error}"))),
    }
}

/// Which runs to list.
#[derive(Debug, Deserialize)]
pub struct HistoryQuery {
    directory: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/runs`, the newest first.
pub async fn history(
    State(app): State<Arc<App>>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Vec<Run>>, ApiError> {
    let directory = query.directory.as_deref().map(DirectoryName::from);
    let limit = query.limit.unwrap_or(20).clamp(1, 10_000);
    Ok(Json(app.core.store.runs(directory, limit).await?))
}

/// Which lines of a run are wanted; all, when nothing is said.
#[derive(Debug, Default, Deserialize)]
pub struct RunQuery {
    /// Of this kind of object.
    kind: Option<ObjectKind>,
    /// Of what happened so.
    what: Option<What>,
    /// After so many of them.
    offset: Option<usize>,
    /// At most so many.
    limit: Option<usize>,
}

/// `GET /v1/runs/{id}`. A large run has a hundred thousand lines: `offset` and `limit` give them in parts.
pub async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<u64>,
    Query(query): Query<RunQuery>,
) -> Result<Json<RunAnswer>, ApiError> {
    let detail = app.core.store.run(RunId(id)).await?;
    let mut changes = detail.changes;
    changes.retain(|c| {
        query.kind.is_none_or(|kind| c.kind == kind) && query.what.is_none_or(|what| c.what == what)
    });
    let matching = changes.len();
    changes.truncate(query.offset.unwrap_or(0).saturating_add(query.limit.unwrap_or(usize::MAX)));
    changes.drain(..query.offset.unwrap_or(0).min(changes.len()));
    Ok(Json(RunAnswer { run: detail.run, changes, matching, quarantined: detail.quarantined }))
}

fn stream(app: Arc<App>, names: Vec<DirectoryName>, order: Order) -> Response {
    let (lines, mut read) = mpsc::channel::<SyncLine>(64);
    tokio::spawn(async move {
        for name in names {
            let tell = |progress| {
                // Progress that nobody has read yet may be left out; the report may not.
                let _ = lines.try_send(SyncLine::Progress { directory: name.clone(), progress });
            };
            let line = match app.directories.sync(&app.core, &name, order.clone(), tell).await {
                Ok(report) => SyncLine::Report(Box::new(report)),
                Err(error) => SyncLine::Error(error.to_string()),
            };
            // The caller may be gone; the run is in the history all the same.
            let _ = lines.send(line).await;
        }
    });
    let body =
        futures_util::stream::poll_fn(move |context| read.poll_recv(context).map(|line| line.map(json_line)));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(body)).into_response()
}

fn json_line(line: SyncLine) -> Result<Bytes, Infallible> {
    let mut text = serde_json::to_vec(&line).unwrap_or_default();
    text.push(b'\n');
    Ok(text.into())
}
