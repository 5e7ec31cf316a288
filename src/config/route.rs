//! `[[route]]`: which notices go by which channels; and `[expires_after]`: how long they are tried. Everything here can be reloaded.

use std::collections::BTreeMap;
use std::time::Duration;

use super::channel::Channel;
use super::directory::name;
use super::durations::{DAY, MINUTE, delta};
use super::outages::SEVERITIES;
use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::ids::ChannelName;
use crate::domain::notice::NoticeKind;
use crate::domain::route::{Reach, Route, Routing};

const KEYS: [&str; 5] = ["name", "kinds", "severity", "contacts", "channels"];

/// Reads all of it; `usual` is how long notices are tried otherwise.
pub(super) fn read(root: &Section, channels: &[Channel], usual: Duration) -> Routing {
    let section = root.section("route");
    // Also without one, the keys are known.
    section.one("*").know(&KEYS);
    let reaches: BTreeMap<ChannelName, Reach> =
        channels.iter().map(|channel| (channel.name.clone(), channel.reach)).collect();
    let routes = section.named().iter().filter_map(|table| route(table, &reaches)).collect();
    let table = root.section("expires_after");
    let expires =
        NoticeKind::ROUTED.map(|(word, kind)| (kind, table.duration(word, MINUTE * 5..=DAY * 30, usual)));
    let expires = expires.into_iter().filter(|(_, span)| *span != usual);
    Routing { routes, channels: reaches, expires: expires.map(|(kind, span)| (kind, delta(span))).collect() }
}

fn route(table: &Section, channels: &BTreeMap<ChannelName, Reach>) -> Option<Route> {
    name(table, "route", "critical");
    let words = NoticeKind::ROUTED.map(|(word, _)| word);
    let kinds = table.list("kinds", |text| {
        let found = NoticeKind::ROUTED.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
        found.ok_or_else(|| {
            Problem::new(format!("there is no kind {}", quoted(text))).hint(choose(text, &words))
        })
    });
    if !table.is_set("kinds") {
        table.set("kinds", serde_json::json!([]));
    }
    let severity = table.choice("severity", &SEVERITIES, Some("minor"));
    let contacts = table.list("contacts", |text| text.parse().map_err(|e| Problem::new(format!("{e}"))));
    if !table.is_set("contacts") {
        table.set("contacts", serde_json::json!([]));
    }
    let contacts = contacts.unwrap_or_default();
    table.require("channels", "channels = [\"mail\", \"drift\"]");
    let names: Vec<&str> = ["mail"].into_iter().chain(channels.keys().map(|name| &*name.0)).collect();
    let by = table.list("channels", |text| {
        let problem = || Problem::new(format!("there is no channel {}", quoted(text)));
        names
            .contains(&text)
            .then(|| ChannelName::from(text))
            .ok_or_else(|| problem().hint(choose(text, &names)))
    });
    let (kinds, by) = (kinds.unwrap_or_default(), by?);
    if by.is_empty() && table.is_set("channels") {
        let problem = Problem::new("is empty: nobody would be told");
        table.mistake("channels", problem.hint("name at least one channel"));
    }
    let personal = !kinds.is_empty() && kinds.iter().all(|kind| kind.is_personal());
    if let Some(place) = by.iter().find(|name| personal && channels.get(*name) == Some(&Reach::Place)) {
        let problem =
            Problem::new(format!("sends to {place}, where all read it, what concerns one person each"));
        table.mistake(
            "channels",
            problem.hint("these kinds go by mail, or by a channel that reaches single people"),
        );
    }
    if let Some(place) =
        by.iter().find(|name| !contacts.is_empty() && channels.get(*name) == Some(&Reach::Place))
    {
        let problem = Problem::new(format!("sends to {place}, where all read it, what is for single people"));
        table.mistake("channels", problem.hint("name channels that reach single people"));
    }
    Some(Route { kinds: kinds.into_iter().collect(), severity: severity?, contacts, channels: by })
}
