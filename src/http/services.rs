//! The services of the configuration, and who is contact for each.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::App;
use super::answers::HoldingAnswer;
use super::error::ApiError;
use super::look::{self, Moment};
use crate::domain::ids::{OutageId, SubjectName};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{Place, Role};
use crate::domain::service::{Service, Services};
use crate::flow::core::View;

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
    let (services, view) = (&settings.outages.services, app.core.view());
    let open = Open::of(&view, services);
    Json(services.iter().map(|service| line(&view.organisation, services, &open, service)).collect())
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
    let holds = look::holding_answers(&view.organisation, Moment::of(&app.core), |role: &Role, holding| {
        role.is_narrowed() && holding.place == place
    });
    let line = line(&view.organisation, services, &Open::of(&view, services), service);
    Ok(Json(ServiceAnswer { line, holds }))
}

/// The open incidents, each with the services that it concerns: found once for all lines.
struct Open<'a>(Vec<(OutageId, HashSet<&'a SubjectName>)>);

impl<'a> Open<'a> {
    fn of(view: &View, services: &'a Services) -> Open<'a> {
        let concerned = |names: &[Box<str>]| {
            let named: Vec<SubjectName> = names.iter().map(|name| (&**name).into()).collect();
            services.affected(&named).into_iter().map(|affected| &affected.service.name).collect()
        };
        let incidents = view.outages.values().filter(|outage| outage.plan.is_none());
        Open(incidents.map(|outage| (outage.id, concerned(&outage.services))).collect())
    }
}

fn line(organisation: &Organisation, services: &Services, open: &Open<'_>, service: &Service) -> ServiceLine {
    let needed_by = services.affected(std::slice::from_ref(&service.name));
    let outages = open.0.iter().filter(|(_, concerned)| concerned.contains(&service.name));
    ServiceLine {
        service: service.clone(),
        needed_by: needed_by.iter().skip(1).map(|affected| affected.service.name.to_string()).collect(),
        outages: outages.map(|(id, _)| id.0).collect(),
        problems: service.unknown_units(organisation),
    }
}
