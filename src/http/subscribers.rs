//! Who outside wants to be told of outages.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::Why;
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::ids::SubscriberId;
use crate::domain::outage::Severity;
use crate::domain::subscriber::Subscriber;
use crate::flow::subscribers::{self, SubscriberError, Wanted};

/// Somebody who is to be asked whether they want it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubscriberRequest {
    /// Their address.
    pub mail: String,
    /// Only of these services.
    #[serde(default)]
    pub services: Vec<String>,
    /// At least so bad; None: minor.
    #[serde(default)]
    pub severity: Option<Severity>,
}

/// `GET /v1/subscribers`.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<Subscriber>> {
    Json(app.core.view().subscribers.values().cloned().collect())
}

/// `POST /v1/subscribers`.
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(request): Json<SubscriberRequest>,
) -> Result<(StatusCode, Json<Subscriber>), ApiError> {
    let settings = app.core.settings();
    let services = &settings.outages.services;
    let service = |text: &String| {
        let found = services.find(text).map(|service| service.name.clone());
        found.map_err(|none| ApiError::not_found(none.to_string()))
    };
    let wanted = Wanted {
        mail: request.mail.parse().map_err(ApiError::bad)?,
        services: request.services.iter().map(service).collect::<Result<_, _>>()?,
        severity: request.severity.unwrap_or(Severity::Minor),
    };
    let subscriber = subscribers::ask(&app.core, wanted, &by).await.map_err(|error| match error {
        SubscriberError::Store(error) => error.into(),
        other => ApiError::conflict(other),
    })?;
    Ok((StatusCode::CREATED, Json(subscriber)))
}

/// `DELETE /v1/subscribers/{who}`: by number or address.
pub async fn remove(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(who): Path<String>,
    Query(why): Query<Why>,
) -> Result<Json<Subscriber>, ApiError> {
    let id = match who.parse::<u64>() {
        Ok(number) => SubscriberId(number),
        Err(_) => {
            let mail: crate::domain::mailbox::Address = who.parse().map_err(ApiError::bad)?;
            let view = app.core.view();
            let found = view.subscribers.values().find(|subscriber| subscriber.mail.key() == mail.key());
            let none = || ApiError::not_found(format!("nobody is subscribed as {mail}"));
            found.ok_or_else(none)?.id
        }
    };
    Ok(Json(subscribers::remove(&app.core, id, &by, why.why.as_deref()).await?))
}
