//! `[[night]]`: the nights of some people and units, when they are others than `[quiet_hours] night`. Everything here can be reloaded.

use std::sync::Arc;

use serde_json::json;

use super::directory::name;
use super::quiet::awake;
use super::reader::{Problem, Section};
use crate::domain::calendar::Calendar;
use crate::domain::quiet::Night;

const KEYS: [&str; 5] = ["name", "contacts", "units", "night", "days_off"];

/// Reads all of them.
pub(super) fn read_all(root: &Section, calendar: &Arc<Calendar>) -> Vec<Night> {
    let section = root.section("night");
    // Also without one, the keys are known.
    section.one("*").know(&KEYS);
    section.named().iter().map(|table| read(table, calendar)).collect()
}

fn read(table: &Section, calendar: &Arc<Calendar>) -> Night {
    let named = name(table, "night", "duty");
    let contacts = table.list("contacts", |text| text.parse().map_err(|e| Problem::new(format!("{e}"))));
    let units = table.list("units", |text| Ok(text.into()));
    for key in ["contacts", "units"] {
        if !table.is_set(key) {
            table.set(key, json!([]));
        }
    }
    if !table.is_set("contacts") && !table.is_set("units") {
        let problem = Problem::new("is nobody's");
        table.mistake(
            "name",
            problem.hint("for example: contacts = [\"duty@example.org\"], or units = [\"IT\"]"),
        );
    }
    table.require("night", "night = \"23:00-05:00\", or night = \"never\"");
    let days_off = table.flag("days_off", false);
    let awake = table.parsed("night", |text| match text {
        "never" => Ok(None),
        text => awake(text, days_off, calendar).map(Some),
    });
    Night {
        name: named.into(),
        contacts: contacts.unwrap_or_default(),
        units: units.unwrap_or_default(),
        awake: awake.flatten(),
    }
}
