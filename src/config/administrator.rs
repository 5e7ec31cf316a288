//! `[[administrator]]`: what is delegated, and to whom. Everything here can be reloaded.

use std::sync::Arc;

use super::api::{Callers, callers};
use super::directory::name;
use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::authority::{Given, Grant, Over};
use crate::domain::roles::{Role, RoleName, Scope};

/// Who may change some of the contacts and absences.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Administrator {
    /// Who.
    pub who: Callers,
    /// What.
    pub grant: Arc<Grant>,
}

const KEYS: [&str; 7] = ["name", "users", "groups", "scope", "units", "roles", "absences"];
/// Stands for every role that can be given there.
const ALL: &str = "*";

/// Reads all of them.
pub(super) fn read_all(root: &Section, roles: &[Role]) -> Vec<Administrator> {
    let section = root.section("administrator");
    // Also without an administrator, the keys are known.
    section.one("*").know(&KEYS);
    let read: Vec<_> = section.named().iter().map(|table| read(table, roles)).collect();
    read.into_iter().flatten().collect()
}

fn read(table: &Section, roles: &[Role]) -> Option<Administrator> {
    let name = name(table, "administrator", "school");
    let who = callers(table, &[], &[]);
    if who.users.is_empty() && who.groups.is_empty() {
        let problem = Problem::new("names nobody: nothing is delegated");
        table.warn("users", problem.hint("for example: groups = [\"school-admins\"]"));
    }
    let everywhere = table.choice("scope", &[("units", false), ("organisation", true)], Some("units"));
    let everywhere = everywhere.unwrap_or(false);
    let units = table.list("units", |text| Ok(text.into()));
    if everywhere {
        table.refuse(&["units"], "scope = \"units\"");
    } else {
        table.require("units", "units = [\"School / North\"]");
    }
    if units.as_ref().is_some_and(Vec::is_empty) && !everywhere {
        let problem = Problem::new("names no unit");
        table.mistake("units", problem.hint("give whole paths or identities: units = [\"School / North\"]"));
    }
    let given = given(table, roles, everywhere);
    let absences = table.flag("absences", false);
    if given == Some(Given::These(Vec::new())) && !absences {
        let problem = Problem::new("are none, and absences aren't theirs either: nothing is delegated");
        table.warn("roles", problem.hint("for example: roles = [\"local\"], or absences = true"));
    }
    let over = if everywhere { Over::Organisation } else { Over::Units(units?) };
    let grant = Grant { name: name.into(), roles: given?, over, absences };
    Some(Administrator { who, grant: Arc::new(grant) })
}

/// The roles that may be given; None after a mistake.
fn given(table: &Section, roles: &[Role], everywhere: bool) -> Option<Given> {
    let fits = |role: &&Role| everywhere || role.scope == Scope::Unit;
    let fitting: Vec<&str> = roles.iter().filter(fits).map(|role| &*role.name.0).chain([ALL]).collect();
    let one = |text: &str| {
        if text == ALL {
            return Ok(None);
        }
        let Some(role) = roles.iter().find(|role| &*role.name.0 == text) else {
            let problem = Problem::new(format!("there is no role {}", quoted(text)));
            return Err(problem.hint(choose(text, &fitting)));
        };
        if !fits(&role) {
            let problem = Problem::new(format!("can't be {}: it isn't a role of units", quoted(text)));
            return Err(problem.hint("take it out, or delegate it everywhere: scope = \"organisation\""));
        }
        if !role.grants.assign {
            let problem = Problem::new(format!("{} isn't given by hand", quoted(text)));
            return Err(problem.hint(format!("take it out, or set assign = true in [roles.{text}]")));
        }
        Ok(Some(RoleName::from(text)))
    };
    if !table.is_set("roles") {
        table.set("roles", serde_json::json!([]));
        return Some(Given::These(Vec::new()));
    }
    let named = table.list("roles", one)?;
    let these: Option<Vec<RoleName>> = named.into_iter().collect();
    Some(these.map_or(Given::All, Given::These))
}
