//! `[[heartbeat]]`: jobs that give signs of life. Everything here can be reloaded.

use std::time::Duration;

use super::directory::name;
use super::durations::{DAY, HOUR, MINUTE, delta};
use super::outages::{SEVERITIES, services_in, units_in};
use super::reader::{Problem, Section};
use crate::domain::ids::HeartbeatName;
use crate::domain::intake::heartbeat::Job;
use crate::domain::outage::Severity;
use crate::domain::service::Services;

/// The most characters of a title: it stands in the title of an outage.
const TITLE_MAX: usize = 150;
const KEYS: [&str; 7] = ["name", "title", "every", "grace", "severity", "services", "units"];

/// Reads all of them.
pub(super) fn read_all(root: &Section, services: &Services) -> Vec<Job> {
    let section = root.section("heartbeat");
    // Also without one, the keys are known.
    section.one("*").know(&KEYS);
    section.named().iter().map(|table| read(table, services)).collect()
}

fn read(table: &Section, services: &Services) -> Job {
    let name = name(table, "heartbeat", "backup");
    if name == "list" {
        let problem = Problem::new("can't be \"list\": `budkavle heartbeat list` lists them");
        table.mistake("name", problem.hint("name the job: name = \"backup\""));
    }
    table.require("every", "every = \"1d\"");
    let title = table.text("title").unwrap_or_else(|| name.clone());
    if title.chars().count() > TITLE_MAX {
        let problem = Problem::new("is too long").hint(format!("it can have up to {TITLE_MAX} characters"));
        table.mistake("title", problem);
    }
    let every = table.duration("every", MINUTE..=DAY * 400, DAY);
    // A tenth of it, but no less than a minute: a job doesn't always take as long.
    let usual = (every / 10).clamp(MINUTE, HOUR * 12);
    let usual = Duration::from_secs(usual.as_secs());
    Job {
        name: HeartbeatName::from(name.as_str()),
        title: title.into(),
        every: delta(every),
        grace: delta(table.duration("grace", Duration::ZERO..=DAY * 30, usual)),
        severity: table.choice("severity", &SEVERITIES, Some("major")).unwrap_or(Severity::Major),
        services: services_in(table, "services", services),
        units: units_in(table, "units"),
    }
}
