//! `[[feed]]`: vendors' status pages. Everything here can be reloaded.

use std::time::Duration;

use chrono_tz::Tz;

use super::directory::{name, schedule};
use super::durations::{DAY, HOUR, MINUTE, SECOND, delta};
use super::list::{ListPlace, address};
use super::outages::{SEVERITIES, services_in, units_in};
use super::reader::{Problem, Section};
use super::trust;
use super::words::{choose, quoted};
use crate::domain::ids::FeedName;
use crate::domain::intake::mapped::Mapping;
use crate::domain::intake::{Component, Policy};
use crate::domain::outage::Severity;
use crate::domain::schedule::Schedule;
use crate::domain::service::Services;
use crate::tls::TlsTrust;

/// A vendor's status page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Feed {
    /// What it is called here.
    pub name: FeedName,
    /// Where it is.
    pub at: ListPlace,
    /// How it is written.
    pub kind: FeedKind,
    /// When it is looked at.
    pub schedule: Schedule,
    /// What counts of it.
    pub policy: Policy,
    /// Which servers are believed.
    pub tls: TlsTrust,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a status page is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FeedKind {
    /// The JSON of a Statuspage.
    Statuspage,
    /// RSS or Atom.
    Syndication,
    /// Other JSON.
    Json(Box<Mapping>),
}

#[derive(Clone, Copy)]
enum Kind {
    Statuspage,
    Syndication,
    Json,
}

const KEYS: [&str; 16] = [
    "name",
    "address",
    "format",
    "schedule",
    "severity",
    "min_severity",
    "component",
    "services",
    "units",
    "max_age",
    "grace",
    "most",
    "json",
    "ca_file",
    "pinned_sha256",
    "timeout",
];
const JSON_KEYS: [&str; 13] = [
    "entries",
    "id",
    "title",
    "text",
    "state",
    "severity",
    "at",
    "components",
    "link",
    "over",
    "minor",
    "major",
    "critical",
];

/// Reads all of them.
pub(super) fn read_all(root: &Section, timezone: Tz, services: &Services) -> Vec<Feed> {
    let section = root.section("feed");
    // Also without one, the keys are known.
    let all = section.one("*");
    all.know(&KEYS);
    all.section("json").know(&JSON_KEYS);
    all.section("component").know(&["*"]);
    let read: Vec<_> = section.named().iter().map(|table| read(table, timezone, services)).collect();
    read.into_iter().flatten().collect()
}

fn read(table: &Section, timezone: Tz, services: &Services) -> Option<Feed> {
    let name = name(table, "feed", "cloud");
    table.require("address", "address = \"https://status.vendor.example/api/v2/summary.json\"");
    table.require("format", "format = \"statuspage\"");
    let words = [
        ("statuspage", Kind::Statuspage),
        ("rss", Kind::Syndication),
        ("atom", Kind::Syndication),
        ("json", Kind::Json),
    ];
    let kind = table.choice("format", &words, None);
    let mapping = match kind {
        Some(Kind::Json) => mapping(&table.section("json")),
        _ => {
            table.section("json").refuse(&JSON_KEYS, "format = \"json\"");
            None
        }
    };
    let policy = Policy {
        components: components(table, services),
        max_age: delta(table.duration("max_age", HOUR..=DAY * 90, DAY)),
        grace: delta(table.duration("grace", Duration::ZERO..=DAY * 7, MINUTE * 30)),
        ..policy(table, services)
    };
    let schedule = schedule(table, "schedule", "*/5 * * * *", timezone);
    let timeout = table.duration("timeout", SECOND..=MINUTE * 5, SECOND * 30);
    let tls = trust::read(table);
    let at = at(table);
    Some(Feed {
        name: FeedName::from(name.as_str()),
        at: at?,
        kind: match kind? {
            Kind::Statuspage => FeedKind::Statuspage,
            Kind::Syndication => FeedKind::Syndication,
            Kind::Json => FeedKind::Json(Box::new(mapping?)),
        },
        schedule: schedule?,
        policy,
        tls,
        timeout,
    })
}

/// What counts of what a feed, or Alertmanager, tells.
pub(super) fn policy(table: &Section, services: &Services) -> Policy {
    Policy {
        severity: table.choice("severity", &SEVERITIES, Some("major")).unwrap_or(Severity::Major),
        least: table.choice("min_severity", &SEVERITIES, Some("minor")).unwrap_or(Severity::Minor),
        services: services_in(table, "services", services),
        units: units_in(table, "units"),
        most: table.number("most", 1..=500_u32, 10).try_into().unwrap_or(10),
        ..Policy::default()
    }
}

/// `[feed.component]`: the vendor's name for a part, and the service here that it is; empty: none, but it counts.
fn components(table: &Section, services: &Services) -> Vec<Component> {
    let section = table.section("component");
    let names: Vec<&str> = services.iter().map(|service| &*service.name.0).collect();
    let component = |key: &str| {
        let service = section.any_text(key, "");
        let service = Some(service.trim()).filter(|name| !name.is_empty());
        if let Some(unknown) = service.filter(|name| !names.is_empty() && !names.contains(name)) {
            let problem = Problem::new(format!("is {}, and there is no such service", quoted(unknown)));
            section.mistake(key, problem.hint(choose(unknown, &names)));
        }
        Component { name: key.trim().into(), service: service.map(Box::from) }
    };
    section.keys().into_iter().map(component).collect()
}

fn mapping(table: &Section) -> Option<Mapping> {
    table.require("id", "id = \"/id\"");
    table.require("title", "title = \"/name\"");
    let pointer = |key: &str| {
        let pointer = table.parsed(key, |text| {
            let hint = "it leads from level to level, each after a slash (RFC 6901): \"/status/text\"";
            let problem = || Problem::new(format!("is {}, and no JSON pointer", quoted(text))).hint(hint);
            text.starts_with('/').then(|| text.to_owned()).ok_or_else(problem)
        });
        pointer.map(String::into_boxed_str)
    };
    let words = |key: &str| -> Vec<Box<str>> {
        table.texts(key, &[]).into_iter().map(String::into_boxed_str).collect()
    };
    let entries = pointer("entries").unwrap_or_default();
    let (id, title) = (pointer("id"), pointer("title"));
    let severities = SEVERITIES
        .iter()
        .flat_map(|(key, severity)| words(key).into_iter().map(move |word| (word, *severity)));
    Some(Mapping {
        entries,
        text: pointer("text"),
        state: pointer("state"),
        severity: pointer("severity"),
        at: pointer("at"),
        components: pointer("components"),
        link: pointer("link"),
        over: words("over"),
        severities: severities.collect(),
        id: id?,
        title: title?,
    })
}

/// An address, or a file.
fn at(table: &Section) -> Option<ListPlace> {
    let text = table.text("address")?;
    if !text.contains("://") {
        return table.path("address").map(ListPlace::File);
    }
    table.parsed("address", address).map(ListPlace::Url)
}
