//! `[outages]`, `[maintenance]`, `[service.NAME]` and `[outage_template.NAME]`. Everything here can be reloaded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::durations::{DAY, HOUR, delta};
use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::ids::SubjectName;
use crate::domain::outage::policy::{Nag, Policy, Template};
use crate::domain::outage::{LIST_MAX, Severity, TEXT_MAX, TITLE_MAX};
use crate::domain::roles::{GLOBAL, Role, Scope};
use crate::domain::service::{Service, Services};

/// The keys of a service and of a template, for when there is none.
const SERVICE: [&str; 4] = ["title", "depends_on", "owner", "units"];
const TEMPLATE: [&str; 5] = ["title", "text", "severity", "services", "units"];
/// The most services, and the most reminders.
const MANY: usize = 1000;
const REMINDERS: usize = 10;

/// Reads all of them.
pub(super) fn read(root: &Section, roles: &[Role]) -> Policy {
    let services = services(&root.section("service"));
    let outages = root.section("outages");
    let also = outages.list("also", |text| text.parse().map_err(|error| Problem::new(format!("{error}"))));
    if !outages.is_set("also") {
        outages.set("also", serde_json::json!([]));
    }
    let span = |key, usual| {
        let span = outages.duration(key, Duration::ZERO..=90 * DAY, usual);
        Some(delta(span)).filter(|span| *span > TimeDelta::zero())
    };
    let nag = Nag {
        critical: span("nag_critical", 2 * HOUR),
        major: span("nag_major", 8 * HOUR),
        minor: span("nag_minor", 3 * DAY),
    };
    let names: Vec<&str> = roles.iter().map(|role| &*role.name.0).collect();
    let nag_role = outages.parsed("nag_role", |text| {
        let problem =
            || Problem::new(format!("there is no role {}", quoted(text))).hint(choose(text, &names));
        let role = roles.iter().find(|role| &*role.name.0 == text).ok_or_else(problem)?;
        if matches!(role.scope, Scope::Unit | Scope::Subject) {
            let problem = Problem::new(format!(
                "can't be {}: nobody holds it for the whole organisation",
                quoted(text)
            ));
            let whole = roles.iter().filter(|role| role.scope == Scope::Organisation);
            let whole: Vec<&str> = whole.map(|role| &*role.name.0).collect();
            return Err(problem.hint(format!("take one of these: {}", whole.join(", "))));
        }
        Ok(role.name.clone())
    });
    if !outages.is_set("nag_role") {
        outages.set("nag_role", GLOBAL.into());
    }
    let maintenance = root.section("maintenance");
    let remind = maintenance.durations("remind", Duration::from_secs(60)..=60 * DAY, vec![DAY]);
    if remind.len() > REMINDERS {
        let problem = Problem::new(format!("has more than {REMINDERS} reminders"));
        maintenance.mistake("remind", problem.hint("take the most useful: remind = [\"7d\", \"1d\"]"));
    }
    let words = [("by the clock", false), ("by hand", true)];
    let by_hand = maintenance.choice("completed", &words, Some("by the clock")).unwrap_or(false);
    Policy {
        templates: templates(&root.section("outage_template"), &services),
        services: Arc::new(services),
        also: also.unwrap_or_default(),
        nag,
        nag_role: nag_role.unwrap_or_else(|| GLOBAL.into()),
        remind: remind.into_iter().map(delta).collect(),
        by_hand,
        gather: delta(outages.duration("gather", Duration::ZERO..=HOUR, Duration::ZERO)),
        first_waits: delta(outages.duration("first_waits", Duration::ZERO..=HOUR, Duration::ZERO)),
        inhibit: outages.flag("inhibit", true),
    }
}

fn services(section: &Section) -> Services {
    section.one("*").know(&SERVICE);
    let tables = section.named();
    let names: Vec<&str> = tables.iter().map(|table| table.name()).collect();
    if let Some(table) = tables.get(MANY) {
        let problem = Problem::new(format!("is one service too many: {MANY} can be named"));
        table.note(
            super::reader::Mark::Key,
            problem.hint("name those that people know, and what they depend on"),
        );
    }
    let services: Services = tables.iter().filter_map(|table| service(table, &names)).collect();
    if let Some(circle) = services.circle()
        && let Some(first) = circle.first()
    {
        let way: Vec<&str> = circle.iter().map(|name| &*name.0).collect();
        let problem = Problem::new(format!("leads in a circle: {}", way.join(" depends on ")));
        let hint = "take out the one of these that is there without the other";
        section.one(&first.0).mistake("depends_on", problem.hint(hint));
    }
    services
}

fn service(table: &Section, names: &[&str]) -> Option<Service> {
    let name = table.name().to_owned();
    let title = table.text("title");
    if !table.is_set("title") {
        table.set("title", name.as_str().into());
    }
    let title = title.unwrap_or_else(|| name.clone());
    let depends_on = names_in(table, "depends_on", names, &name);
    let owner = table.text("owner").map(String::into_boxed_str);
    let units = table.texts("units", &[]).into_iter().map(String::into_boxed_str).collect();
    // As the name of a subject, of which it is one for whoever is its contact.
    if let Err(error) = crate::domain::subject::Subject::new(&name, None, None) {
        let problem = Problem::new(error.to_string().replace("a subject", "a service"));
        table.note(super::reader::Mark::Key, problem.hint("what people call it goes into `title`"));
        return None;
    }
    let title: Box<str> = title.chars().take(200).collect::<String>().into();
    Some(Service { name: name.as_str().into(), title, depends_on, owner, units })
}

/// A list of services as `[service.NAME]` has them; without any such, whatever is written.
pub(super) fn services_in(table: &Section, key: &str, services: &Services) -> Vec<Box<str>> {
    let named: Vec<Box<str>> = if services.is_empty() {
        table.texts(key, &[]).into_iter().map(String::into_boxed_str).collect()
    } else {
        let names: Vec<&str> = services.iter().map(|service| &*service.name.0).collect();
        names_in(table, key, &names, "").into_iter().map(|name| (*name.0).into()).collect()
    };
    at_most(table, key, named.len());
    named
}

/// A list of units, by name.
pub(super) fn units_in(table: &Section, key: &str) -> Vec<Box<str>> {
    let units: Vec<Box<str>> = table.texts(key, &[]).into_iter().map(String::into_boxed_str).collect();
    at_most(table, key, units.len());
    units
}

fn at_most(table: &Section, key: &str, count: usize) {
    if count > LIST_MAX {
        let hint = format!("an outage may name up to {LIST_MAX}");
        table.mistake(key, Problem::new(format!("has {count} {key}")).hint(hint));
    }
}

/// How bad something is, in the words of the configuration.
pub(super) const SEVERITIES: [(&str, Severity); 3] =
    [("minor", Severity::Minor), ("major", Severity::Major), ("critical", Severity::Critical)];

/// A list of services. A mistake names those that are like it.
fn names_in(table: &Section, key: &str, names: &[&str], own: &str) -> Vec<SubjectName> {
    let others: Vec<&str> = names.iter().copied().filter(|name| *name != own).collect();
    let known = table.list(key, |text| {
        let problem = |what: String| Problem::new(what).hint(choose(text, &others));
        if text == own {
            return Err(problem("can't be the service itself".to_owned()));
        }
        let there = others.contains(&text).then(|| SubjectName::from(text));
        there.ok_or_else(|| problem(format!("there is no service {}", quoted(text))))
    });
    if !table.is_set(key) {
        table.set(key, serde_json::json!([]));
    }
    known.unwrap_or_default()
}

fn templates(section: &Section, services: &Services) -> BTreeMap<Box<str>, Template> {
    section.one("*").know(&TEMPLATE);
    let tables = section.named();
    tables.iter().map(|table| (table.name().into(), template(table, services))).collect()
}

fn template(table: &Section, services: &Services) -> Template {
    table.require("title", "title = \"Nobody can sign in\"");
    let named = services_in(table, "services", services);
    let (title, text) = (table.text("title").unwrap_or_default(), table.lines("text"));
    for (key, value, most) in [("title", &title, TITLE_MAX), ("text", &text, TEXT_MAX)] {
        if value.chars().count() > most {
            let hint = format!("it can have up to {most} characters");
            table.mistake(key, Problem::new("is too long").hint(hint));
        }
    }
    let units = units_in(table, "units");
    Template {
        name: table.name().into(),
        title: title.into(),
        text: text.into(),
        severity: table.choice("severity", &SEVERITIES, None),
        services: named,
        units,
    }
}
