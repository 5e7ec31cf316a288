//! The JSON of Atlassian's Statuspage: `/api/v2/summary.json`, `incidents.json` or `incidents/unresolved.json`
//! (<https://developer.statuspage.io/>). Only what is needed is read, and what is odd in one incident doesn't lose the others.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::text::{self, Stands};
use super::{Entry, Listed, MOST_ENTRIES, Report, SAID_MAX, Unreadable, is_html, stable_key};
use crate::domain::outage::{State, TITLE_MAX};

const WHAT: &str = "the JSON of a Statuspage";

#[derive(Deserialize)]
struct Page {
    incidents: Vec<Value>,
}

#[derive(Deserialize)]
struct Incident {
    #[serde(default, deserialize_with = "lenient")]
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    status: String,
    #[serde(default, deserialize_with = "lenient")]
    impact: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    shortlink: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "list")]
    incident_updates: Vec<Update>,
    #[serde(default, deserialize_with = "list")]
    components: Vec<Named>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default, deserialize_with = "lenient")]
    body: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "list")]
    affected_components: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "lenient")]
    name: String,
}

/// Reads the incidents.
///
/// # Errors
/// [`Unreadable`], when it is something else, or too much.
pub fn parse(bytes: &[u8]) -> Result<Listed, Unreadable> {
    if is_html(bytes) {
        return Err(Unreadable::Html(WHAT));
    }
    let page: Page = serde_json::from_slice(bytes).map_err(|e| Unreadable::other(WHAT, e))?;
    if page.incidents.len() > MOST_ENTRIES {
        return Err(Unreadable::TooMany(page.incidents.len()));
    }
    let all = page.incidents.len();
    let listed = Listed::of(page.incidents.into_iter().map(read));
    if listed.reports.is_empty() && all > 0 {
        return Err(Unreadable::other(WHAT, "none of its incidents has an id"));
    }
    Ok(listed)
}

fn read(incident: Value) -> Entry {
    let key = incident.get("id").and_then(super::mapped::plain).map(|id| stable_key(&id));
    let Some(key) = key.filter(|key| !key.is_empty()) else { return Entry::Lost };
    match serde_json::from_value(incident) {
        Ok(incident) => Entry::Read(Box::new(report(key, &incident))),
        Err(_) => Entry::Unread(key),
    }
}

/// Whatever stands there; what is odd is as if nothing did.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// Of a list what can be read.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(all) = Value::deserialize(from)? else { return Ok(Vec::new()) };
    Ok(all.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect())
}

fn report(key: Box<str>, incident: &Incident) -> Report {
    let title = text::one_line(&text::from_html(&incident.name), TITLE_MAX);
    let title = if title.is_empty() { "Incident without a title".to_owned() } else { title };
    let time = |text: &Option<String>| {
        let time = DateTime::parse_from_rfc3339(text.as_deref()?).ok()?;
        Some(time.with_timezone(&Utc))
    };
    // The newest comes first, but that isn't promised. Of those of the same time, or without one, it is the first.
    let newest = incident.incident_updates.iter().rev().max_by_key(|update| time(&update.created_at));
    let said = newest.and_then(|update| update.body.as_deref()).unwrap_or_default();
    let affected = newest.map(|update| &*update.affected_components).unwrap_or_default();
    let mut components: Vec<Box<str>> = Vec::new();
    for Named { name } in incident.components.iter().chain(affected) {
        let name = text::one_line(name, TITLE_MAX).into_boxed_str();
        if !name.is_empty() && !components.contains(&name) && components.len() < 100 {
            components.push(name);
        }
    }
    let stands = text::stands(&incident.status).unwrap_or(Stands::Incident(State::Investigating));
    let (state, planned) = match stands {
        Stands::Incident(state) => (state, false),
        Stands::Planned => (State::Investigating, true),
    };
    Report {
        key,
        title: title.into(),
        text: text::lines(&text::from_html(said), SAID_MAX).into(),
        severity: incident.impact.as_deref().and_then(text::severity),
        state,
        planned,
        components,
        at: time(&incident.updated_at).or_else(|| time(&incident.created_at)),
        link: super::syndication::link(incident.shortlink.as_deref()),
        began: None,
        about: None,
    }
}
