//! Where others call over the network: Alertmanager, and jobs with their signs of life. Each shows a token; hardly anything can be learnt here.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::ErrorBody;
use crate::domain::intake::{Policy, alertmanager};
use crate::flow::core::Core;
use crate::flow::intake::Taken;
use crate::flow::intake::alertmanager::Alertmanager;
use crate::flow::intake::heartbeats::{HeartbeatError, Heartbeats};
use crate::flow::outage::OutageError;

/// The largest group of alerts that is read: thousands fit.
const BODY_LIMIT: usize = 1 << 20;
/// No request takes longer; whoever called may call again.
const WITHIN: Duration = Duration::from_secs(30);
/// That somebody came without the token is logged this often, in seconds.
const LOGGED: i64 = 60;

/// What of the configuration counts here.
#[derive(Clone, Debug)]
pub struct IntakeSettings {
    /// What each caller shows; None: nobody may call.
    pub token: Option<SecretString>,
    /// What jobs show instead; None: the same.
    pub heartbeat_token: Option<SecretString>,
    /// What counts of what Alertmanager posts.
    pub alertmanager: Policy,
}

/// What the handlers work with.
pub struct Intake {
    /// Store, view and settings.
    pub core: Arc<Core>,
    /// The jobs.
    pub heartbeats: Arc<Heartbeats>,
    /// The Alertmanager that calls.
    pub alertmanager: Arc<Alertmanager>,
    /// The settings in force.
    pub settings: ArcSwap<IntakeSettings>,
    /// When it was last logged that somebody came without the token.
    pub logged: AtomicI64,
}

/// All paths.
pub fn router(intake: Arc<Intake>) -> Router {
    Router::new()
        .route("/alertmanager", post(alerts))
        .route("/alertmanager/{cluster}", post(alerts))
        .route("/heartbeat/{name}", post(heartbeat))
        .fallback(|| async {
            told(StatusCode::NOT_FOUND, "there are /alertmanager and /heartbeat/NAME here")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        // Before anything of the body is read.
        .layer(middleware::from_fn_with_state(Arc::clone(&intake), check))
        .with_state(intake)
}

/// Lets in who shows the token, and nobody for ever.
async fn check(State(intake): State<Arc<Intake>>, request: Request, next: Next) -> Response {
    let settings = intake.settings.load();
    let of_jobs =
        settings.heartbeat_token.as_ref().filter(|_| request.uri().path().starts_with("/heartbeat/"));
    if !of_jobs.or(settings.token.as_ref()).is_some_and(|token| shows(request.headers(), token)) {
        let now = intake.core.now().timestamp();
        // Also when the clock was ahead then.
        if (now - intake.logged.load(Ordering::Relaxed)).abs() >= LOGGED {
            intake.logged.store(now, Ordering::Relaxed);
            tracing::warn!("Refused a call over the network: it didn't show the token of [intake]");
        }
        let mut response = told(StatusCode::UNAUTHORIZED, "show the token: Authorization: Bearer …");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        // Who doesn't know it holds no place for longer than one question.
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        return response;
    }
    match tokio::time::timeout(WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => told(StatusCode::REQUEST_TIMEOUT, "it took too long"),
    }
}

/// Compares digests: how long that takes says nothing about the token.
fn shows(headers: &HeaderMap, token: &SecretString) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|value| {
        let (scheme, shown) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| shown.trim())
    });
    shown.is_some_and(|shown| Sha256::digest(shown) == Sha256::digest(token.expose_secret()))
}

/// What a sign of life is answered with.
#[derive(Serialize)]
struct Heard {
    heard: String,
}

/// What a group of alerts is answered with: what it led to is for those in here.
#[derive(Serialize)]
struct Accepted {
    done: usize,
}

/// `POST /heartbeat/{name}`.
async fn heartbeat(State(intake): State<Arc<Intake>>, Path(name): Path<String>) -> Response {
    // What the store has taken must be shown: it doesn't end with its caller.
    let heard = tokio::spawn(async move { intake.heartbeats.heard(&intake.core, &name).await });
    match heard.await {
        Ok(Ok(line)) => Json(Heard { heard: line.name.to_string() }).into_response(),
        Ok(Err(HeartbeatError::NoJob(..))) => {
            told(StatusCode::NOT_FOUND, "there is no such [[heartbeat]] in the configuration")
        }
        Ok(Err(error)) => failed(&error),
        Err(_) => told(StatusCode::INTERNAL_SERVER_ERROR, "it broke off; the log says why"),
    }
}

/// `POST /alertmanager`, and `POST /alertmanager/{cluster}` where there are several that don't know of each other.
async fn alerts(State(intake): State<Arc<Intake>>, cluster: Option<Path<String>>, body: Bytes) -> Response {
    let cluster = cluster.as_ref().map(|Path(name)| &**name);
    let report = match alertmanager::parse(&body, cluster, intake.core.now()) {
        Ok(report) => report,
        Err(error) => return told(StatusCode::BAD_REQUEST, error),
    };
    let taken = tokio::spawn(async move {
        let settings = intake.settings.load_full();
        intake.alertmanager.post(&intake.core, &settings.alertmanager, report).await
    });
    match taken.await {
        // Alertmanager tries again what is answered with 5xx.
        Ok(Ok(Taken { ripens: true, .. })) => told(
            StatusCode::SERVICE_UNAVAILABLE,
            "not now, try again: it is held back after the last word, or too much is open; `budkavle status` says more",
        ),
        Ok(Ok(taken)) => Json(Accepted { done: taken.done.len() }).into_response(),
        Ok(Err(error)) => failed(&HeartbeatError::Outage(OutageError::Store(error))),
        Err(_) => told(StatusCode::INTERNAL_SERVER_ERROR, "it broke off; the log says why"),
    }
}

/// What went wrong in here is for the log, not for the network.
fn failed(error: &HeartbeatError) -> Response {
    tracing::error!("A call over the network failed: {error}");
    told(StatusCode::SERVICE_UNAVAILABLE, "it couldn't be noted; the log says why")
}

fn told(status: StatusCode, error: impl ToString) -> Response {
    (status, Json(ErrorBody { error: error.to_string() })).into_response()
}
