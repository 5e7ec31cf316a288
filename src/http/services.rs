//! The services of the configuration, and who is contact for each.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::HoldingAnswer;
use super::error::ApiError;
use super::look::{self, Moment};
use crate::domain::roles::Place;
use crate::domain::service::{Service, Services};

/// A service in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceLine {
    /// The service.
    #[serde(flatten)]
    pub service: Service,
    /// What doesn't work when it doesn't: all that depends on it, however indirectly.
    pub needed_by: Vec<String>,
    /// Whether an open outage concerns it: the numbers of those, and of those of what it depends on.
    pub outages: Vec<u64>,
    /// What is wrong with it, full sentences.
    pub problems: Vec<String>,
}

/// A service, and who is told of its outages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceAnswer {
    /// The service.
    #[serde(flatten)]
    pub line: ServiceLine,
    /// Its outage contacts.
    pub holds: Vec<HoldingAnswer>,
}

/// `GET /v1/services`.
pub async fn list(State(app): State<Arc<App>>) -> Json<Vec<ServiceLine>> {
    let settings = app.core.settings();
    let services = &settings.outages.services;
    Json(services.iter().map(|service| line(&app, services, service)).collect())
}

/// `GET /v1/services/{name}`.
pub async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<ServiceAnswer>, ApiError> {
    let settings = app.core.settings();
    let services = &settings.outages.services;
    let service = services.find(&name).map_err(|none| ApiError::not_found(none.to_string()))?;
    let place = Place::Subject(service.name.clone());
    let view = app.core.view();
    let narrowed = |role: &crate::domain::roles::Role| role.is_narrowed();
    let holds = look::holding_answers(&view.organisation, Moment::of(&app.core), |role, holding| {
        narrowed(role) && holding.place == place
    });
    Ok(Json(ServiceAnswer { line: line(&app, services, service), holds }))
}

fn line(app: &App, services: &Services, service: &Service) -> ServiceLine {
    let view = app.core.view();
    let needed_by = services.affected(std::slice::from_ref(&service.name));
    let concerns = |names: &[Box<str>]| {
        let named: Vec<_> = names.iter().map(|name| (&**name).into()).collect();
        services.affected(&named).iter().any(|affected| affected.service.name == service.name)
    };
    let open = view.outages.values().filter(|outage| outage.plan.is_none() && concerns(&outage.services));
    ServiceLine {
        service: service.clone(),
        needed_by: needed_by.iter().skip(1).map(|affected| affected.service.name.to_string()).collect(),
        outages: open.map(|outage| outage.id.0).collect(),
        problems: service.unknown_units(&view.organisation),
    }
}
