//! `[[locale]]`: the language and the clocks of some units. Everything here can be reloaded.

use super::directory::name;
use super::organisation::{languages, zone_named};
use super::reader::{Problem, Section};
use crate::domain::locale::Rule;

const KEYS: [&str; 4] = ["name", "units", "language", "timezone"];

/// Reads all of them.
pub(super) fn read_all(root: &Section) -> Vec<Rule> {
    let section = root.section("locale");
    // Also without one, the keys are known.
    section.one("*").know(&KEYS);
    section.named().iter().map(read).collect()
}

fn read(table: &Section) -> Rule {
    name(table, "locale", "finland");
    table.require("units", "units = [\"Nordic / Finland\"]");
    let units = table.list("units", |text| Ok(text.into()));
    if units.as_ref().is_some_and(Vec::is_empty) {
        let problem = Problem::new("names no unit");
        table
            .mistake("units", problem.hint("give whole paths or identities: units = [\"Nordic / Finland\"]"));
    }
    if !table.is_set("language") && !table.is_set("timezone") {
        let problem = Problem::new("neither a language nor a time zone is set: it has no effect");
        table.warn("units", problem.hint("for example: language = \"fi\", timezone = \"Europe/Helsinki\""));
    }
    Rule {
        units: units.unwrap_or_default(),
        language: table.choice("language", &languages(), None),
        zone: table.parsed("timezone", zone_named),
    }
}
