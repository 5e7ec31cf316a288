//! `[coverage.NAME]`: the periods for which it is told, weeks ahead, that they aren't covered. Everything here can be reloaded.

use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::coverage::watch::{MonthDay, Watched};
use crate::domain::roles::{Role, RoleName};

/// A month and a day, from 1.
type Day = (u32, u32);

/// The periods that are brought along: name, first and last day.
const SHIPPED: [(&str, Day, Day); 2] = [("summer", (6, 15), (8, 15)), ("christmas", (12, 20), (1, 6))];
/// A warning comes no more than so many weeks ahead.
const EARLIEST: u32 = 26;

/// Reads all of them; those that aren't watched are left out.
pub(super) fn read(all: &Section, roles: &[Role]) -> Vec<Watched> {
    let shipped = SHIPPED.map(|(name, from, to)| one(&all.one(name), roles, Some((from, to))));
    let named = all.named();
    let own = named.iter().filter(|table| SHIPPED.iter().all(|(name, ..)| *name != table.name()));
    let own = own.map(|table| one(table, roles, None));
    shipped.into_iter().chain(own).flatten().filter(|watched| !watched.weeks_ahead.is_empty()).collect()
}

fn one(table: &Section, roles: &[Role], days: Option<(Day, Day)>) -> Option<Watched> {
    if days.is_none() {
        table.require("from", "from = \"06-15\"");
        table.require("to", "to = \"08-15\"");
    }
    let from = day(table, "from", days.map(|(from, _)| from));
    let to = day(table, "to", days.map(|(_, to)| to));
    let names: Vec<&str> = roles.iter().map(|role| &*role.name.0).collect();
    let known = |text: &str| {
        let problem =
            || Problem::new(format!("there is no role {}", quoted(text))).hint(choose(text, &names));
        names.contains(&text).then(|| RoleName::from(text)).ok_or_else(problem)
    };
    let roles = table.list("roles", known);
    if !table.is_set("roles") {
        table.set("roles", serde_json::json!([]));
    }
    let weeks_ahead = table.numbers("weeks_ahead", 0..=EARLIEST, &[]);
    Some(Watched {
        name: table.name().into(),
        from: from?,
        to: to?,
        roles: roles.unwrap_or_default(),
        weeks_ahead,
    })
}

/// A day of any year: `06-15`.
fn day(table: &Section, key: &str, usual: Option<Day>) -> Option<MonthDay> {
    let read = table.parsed(key, |text| {
        let parts =
            text.split_once('-').and_then(|(month, day)| Some((month.parse().ok()?, day.parse().ok()?)));
        let day = parts.map(|(month, day)| MonthDay { month, day });
        // A leap year has every day there is.
        let problem = || Problem::new(format!("{} is no day of a year", quoted(text)));
        day.filter(|day| chrono::NaiveDate::from_ymd_opt(2024, day.month, day.day).is_some())
            .ok_or_else(|| problem().hint("write month and day: \"06-15\" is 15 June"))
    });
    let day = read.or(usual.map(|(month, day)| MonthDay { month, day }))?;
    table.set(key, format!("{:02}-{:02}", day.month, day.day).into());
    Some(day)
}
