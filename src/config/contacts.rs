//! `[contact_changes]` and `[contact_digest]`: what contacts are told of. Everything here can be reloaded.

use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::directory::schedule;
use super::organisation::zone_named;
use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::changes;
use crate::domain::changes::tell::{Mode, Policy};
use crate::domain::roles::{LOCAL, Role, RoleName};
use crate::domain::schedule::Schedule;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How changes of contacts are told.
pub(super) fn changes(table: &Section, timezone: Tz, roles: &[Role]) -> Policy {
    #[derive(Clone, Copy)]
    enum When {
        Off,
        Daily,
        AtOnce,
    }
    let words = [("daily", When::Daily), ("at once", When::AtOnce), ("off", When::Off)];
    let when = table.choice("digest", &words, Some("daily")).unwrap_or(When::Off);
    let zone = zone(table, timezone);
    // Read in any case: a mistake in it is one even while it isn't used.
    let schedule = schedule(table, "schedule", "0 7 * * *", zone);
    let mode = match (when, schedule) {
        (When::AtOnce, _) => Mode::AtOnce,
        (When::Daily, Some(schedule)) => Mode::Daily(schedule),
        (When::Off, _) | (When::Daily, None) => Mode::Off,
    };
    let absences = table.duration("absences_from", Duration::ZERO..=365 * DAY, 5 * DAY);
    Policy {
        mode,
        zone,
        roles: told_of(table, roles),
        absences_from: TimeDelta::from_std(absences).unwrap_or(TimeDelta::MAX),
        mails_per_day: table.number("mails_per_day", 1..=50_u16, 3),
        summary_over: table.number("summary_over", 0..=100_000_u32, 200),
    }
}

/// When contacts are sent what they are contacts for, None: never; and those of which roles, none named: of any.
pub(super) fn digest(table: &Section, timezone: Tz, roles: &[Role]) -> (Option<Schedule>, Vec<RoleName>) {
    let zone = zone(table, timezone);
    let all: Vec<&str> = roles.iter().map(|role| &*role.name.0).collect();
    let of = table.list("roles", |text| role_among(text, &all));
    if !table.is_set("roles") {
        table.set("roles", serde_json::json!([LOCAL]));
    }
    let of = of.unwrap_or_else(|| vec![LOCAL.into()]);
    if table.is_set("schedule") {
        return (schedule(table, "schedule", "0 8 1 * *", zone), of);
    }
    table.set("schedule", serde_json::Value::Null);
    (None, of)
}

fn role_among(text: &str, all: &[&str]) -> Result<RoleName, Problem> {
    let problem = || Problem::new(format!("can't be {}", quoted(text))).hint(choose(text, all));
    all.contains(&text).then(|| RoleName::from(text)).ok_or_else(problem)
}

fn zone(table: &Section, timezone: Tz) -> Tz {
    if table.is_set("timezone") {
        return table.parsed("timezone", zone_named).unwrap_or(timezone);
    }
    table.set("timezone", timezone.name().into());
    timezone
}

fn told_of(table: &Section, roles: &[Role]) -> Vec<RoleName> {
    let noted: Vec<&str> =
        roles.iter().filter(|role| changes::is_noted(role)).map(|role| &*role.name.0).collect();
    let wanted = table.list("roles", |text| role_among(text, &noted));
    if !table.is_set("roles") {
        table.set("roles", serde_json::json!([]));
    }
    wanted.unwrap_or_default()
}
