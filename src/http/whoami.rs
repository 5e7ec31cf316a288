//! Who asks, by the kernel's word, and what they may do.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::App;
use crate::domain::audit::Actor;
use crate::domain::authority::{Caller, Given, Grant, Level, Over};
use crate::domain::ids::UnitId;
use crate::domain::organisation::Organisation;
use crate::domain::roles::RoleName;

/// Where that is asked. Everybody may who can speak to the socket.
pub const PATH: &str = "/v1/whoami";

/// Who asks, and what they may do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WhoAmI {
    /// Who.
    pub actor: Actor,
    /// How far they are trusted.
    pub level: LevelName,
    /// What they may do, a phrase for each.
    pub may: Vec<String>,
    /// What is delegated to them.
    pub grants: Vec<GrantAnswer>,
    /// Where the organisation's clocks are, for what is typed and printed.
    pub zone: chrono_tz::Tz,
}

/// How far somebody is trusted, as a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelName {
    /// Not at all.
    Stranger,
    /// To look things up.
    Reader,
    /// With what `grants` says.
    Administrator,
    /// With everything.
    Operator,
}

/// What one `[[administrator]]` delegates.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GrantAnswer {
    /// What it is called in the configuration.
    pub administrator: Box<str>,
    /// The roles that may be given and ended; None: all.
    pub roles: Option<Vec<RoleName>>,
    /// Where; None: in the whole organisation.
    pub units: Option<Vec<GrantedUnit>>,
    /// Whether absences may be changed.
    pub absences: bool,
}

/// A unit that is delegated, with all that is below.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GrantedUnit {
    /// As the configuration says.
    pub named: Box<str>,
    /// Which one that is; None when there is none, or more than one.
    pub id: Option<UnitId>,
    /// Its path.
    pub path: Option<String>,
    /// Why it isn't known.
    pub trouble: Option<String>,
}

/// `GET /v1/whoami`.
pub async fn whoami(State(app): State<Arc<App>>, Extension(caller): Extension<Caller>) -> Json<WhoAmI> {
    let view = app.core.view();
    let organisation = &view.organisation;
    let (level, grants) = match &caller.level {
        Level::Stranger => (LevelName::Stranger, &[][..]),
        Level::Reader => (LevelName::Reader, &[][..]),
        Level::Administrator(grants) => (LevelName::Administrator, grants.as_slice()),
        Level::Operator => (LevelName::Operator, &[][..]),
    };
    let grants = grants.iter().map(|grant| answer(organisation, grant)).collect();
    let may = caller.over(organisation).in_words();
    Json(WhoAmI { level, may, grants, actor: caller.actor, zone: app.core.settings().zone })
}

fn answer(organisation: &Organisation, grant: &Grant) -> GrantAnswer {
    let units = grant.units(organisation).map(|(named, found)| GrantedUnit {
        named: named.into(),
        id: found.as_ref().ok().map(|place| organisation.tree.id(*place)),
        path: found.as_ref().ok().map(|place| organisation.tree.path(*place)),
        trouble: found.err().map(|error| error.to_string()),
    });
    GrantAnswer {
        administrator: grant.name.clone(),
        roles: match &grant.roles {
            Given::All => None,
            Given::These(roles) => Some(roles.clone()),
        },
        units: matches!(grant.over, Over::Units(_)).then(|| units.collect()),
        absences: grant.absences,
    }
}
