//! The pages for everybody, over the network: what links in messages lead to. Looking changes nothing; sending the form does. No cookies, no scripts,
//! nothing from elsewhere; whoever has the link may do what it is for, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::domain::link::Purpose;
use crate::flow::core::Core;
use crate::flow::pages::{self, Shown};

/// A form has nothing but an address in it.
const BODY_LIMIT: usize = 4 * 1024;
/// No request takes longer.
const WITHIN: Duration = Duration::from_secs(30);

/// What every answer says of itself.
const HEADERS: [(header::HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// All paths.
pub fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/take-on/{link}", get(look_at_take_on).post(take_on))
        .route("/confirm/{link}", get(look_at_confirm).post(confirm))
        .route("/unsubscribe/{link}", get(look_at_unsubscribe).post(unsubscribe))
        .route("/subscribe", get(look_at_subscribe).post(subscribe))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here.\n") })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(guarded))
        .with_state(core)
}

async fn guarded(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(WITHIN, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response());
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn look_at_take_on(State(core): State<Arc<Core>>, Path(link): Path<String>) -> Response {
    open(core, Purpose::Acknowledge, link, false).await
}

async fn take_on(State(core): State<Arc<Core>>, Path(link): Path<String>) -> Response {
    open(core, Purpose::Acknowledge, link, true).await
}

async fn look_at_confirm(State(core): State<Arc<Core>>, Path(link): Path<String>) -> Response {
    open(core, Purpose::Confirm, link, false).await
}

async fn confirm(State(core): State<Arc<Core>>, Path(link): Path<String>) -> Response {
    open(core, Purpose::Confirm, link, true).await
}

async fn look_at_unsubscribe(State(core): State<Arc<Core>>, Path(link): Path<String>) -> Response {
    open(core, Purpose::Unsubscribe, link, false).await
}

/// Also what a mail program sends for its user (RFC 8058 §3.1): the body says nothing that the link doesn't.
async fn unsubscribe(State(core): State<Arc<Core>>, Path(link): Path<String>) -> Response {
    open(core, Purpose::Unsubscribe, link, true).await
}

async fn look_at_subscribe(State(core): State<Arc<Core>>) -> Response {
    shown(pages::subscribe(&core, None).await)
}

async fn subscribe(State(core): State<Arc<Core>>, body: String) -> Response {
    let fields = url::form_urlencoded::parse(body.as_bytes());
    let mail: String = fields.filter(|(name, _)| name == "mail").map(|(_, mail)| mail).collect();
    let asked = tokio::spawn(async move { pages::subscribe(&core, Some(&mail)).await });
    match asked.await {
        Ok(page) => shown(page),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn open(core: Arc<Core>, purpose: Purpose, link: String, act: bool) -> Response {
    // What the store has taken must be shown and told: it doesn't end with its caller.
    let opened = tokio::spawn(async move { pages::open(&core, purpose, &link, act).await });
    match opened.await {
        Ok(page) => shown(page),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn shown(page: Option<Shown>) -> Response {
    match page {
        Some(Shown { html, state }) => {
            let status = match state {
                pages::State::Found => StatusCode::OK,
                pages::State::Unknown => StatusCode::NOT_FOUND,
                pages::State::Gone => StatusCode::GONE,
                // A mail program that takes somebody off tries again.
                pages::State::Failed => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, Html(html)).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

#[cfg(test)]
mod tests;
