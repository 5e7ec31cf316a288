//! The JSON of Atlassian's Statuspage: `/api/v2/summary.json`, `incidents.json` or `incidents/unresolved.json`
//! (<https://developer.statuspage.io/>). Only what is needed is read, and what is odd in one incident doesn't lose the others.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::text::{self, Stands};
use super::{MOST_ENTRIES, Report, SAID_MAX, Unreadable, is_html, stable_key};
use crate::domain::outage::{State, TITLE_MAX};

const WHAT: &str = "the JSON of a Statuspage";

#[derive(Deserialize)]
struct Page {
    incidents: Vec<Value>,
}

#[derive(Deserialize)]
struct Incident {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    impact: Option<String>,
    shortlink: Option<String>,
    updated_at: Option<String>,
    created_at: Option<String>,
    #[serde(default)]
    incident_updates: Vec<Update>,
    #[serde(default)]
    components: Vec<Named>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    body: Option<String>,
    created_at: Option<String>,
    #[serde(default)]
    affected_components: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

/// Reads the incidents.
///
/// # Errors
/// [`Unreadable`], when it is something else, or too much.
pub fn parse(bytes: &[u8]) -> Result<Vec<Report>, Unreadable> {
    if is_html(bytes) {
        return Err(Unreadable::Html(WHAT));
    }
    let page: Page = serde_json::from_slice(bytes).map_err(|e| Unreadable::Other(WHAT, e.to_string()))?;
    if page.incidents.len() > MOST_ENTRIES {
        return Err(Unreadable::TooMany(page.incidents.len()));
    }
    let all = page.incidents.len();
    let read: Vec<Report> = page.incidents.into_iter().filter_map(report).collect();
    if read.is_empty() && all > 0 {
        return Err(Unreadable::Other(WHAT, "none of its incidents has an id".to_owned()));
    }
    Ok(read)
}

fn report(incident: Value) -> Option<Report> {
    let incident: Incident = serde_json::from_value(incident).ok()?;
    let key = Some(stable_key(&incident.id)).filter(|key| !key.is_empty())?;
    let title = text::one_line(&text::from_html(&incident.name), TITLE_MAX);
    let title = if title.is_empty() { "Incident without a title".to_owned() } else { title };
    let time = |text: &Option<String>| {
        let time = DateTime::parse_from_rfc3339(text.as_deref()?).ok()?;
        Some(time.with_timezone(&Utc))
    };
    // The newest comes first, but that isn't promised.
    let newest = incident.incident_updates.iter().max_by_key(|update| time(&update.created_at));
    let said = newest.and_then(|update| update.body.as_deref()).unwrap_or_default();
    let affected = newest.and_then(|update| update.affected_components.as_deref()).unwrap_or_default();
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
    Some(Report {
        key,
        title: title.into(),
        text: text::lines(&text::from_html(said), SAID_MAX).into(),
        severity: incident.impact.as_deref().and_then(text::severity),
        state,
        planned,
        components,
        at: time(&incident.updated_at).or_else(|| time(&incident.created_at)),
        link: super::syndication::link(incident.shortlink.as_deref()),
        about: None,
    })
}
