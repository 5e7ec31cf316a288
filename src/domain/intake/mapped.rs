//! Any JSON with a list of incidents, by a mapping: JSON pointers (RFC 6901) that say where in it what stands.

use chrono::{DateTime, TimeZone, Utc};
use serde_json::Value;

use super::text::{self, Stands};
use super::{Entry, Listed, MOST_ENTRIES, Report, SAID_MAX, Unreadable, is_html, stable_key};
use crate::domain::outage::{Severity, State, TITLE_MAX};

const WHAT: &str = "JSON";

/// Where in the JSON what stands. All but `entries` start at an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The list of incidents; empty: the whole is a list.
    pub entries: Box<str>,
    /// What tells one from another.
    pub id: Box<str>,
    /// One line.
    pub title: Box<str>,
    /// What was said last.
    pub text: Option<Box<str>>,
    /// Where it stands, in a word.
    pub state: Option<Box<str>>,
    /// How bad it is, in a word.
    pub severity: Option<Box<str>>,
    /// When that was said (RFC 3339, or seconds since 1970).
    pub at: Option<Box<str>>,
    /// What is concerned: a text, or a list of texts or of objects with a `name`.
    pub components: Option<Box<str>>,
    /// Where more is said.
    pub link: Option<Box<str>>,
    /// Words of `state` that mean that it is over, besides those that are known.
    pub over: Vec<Box<str>>,
    /// Words of `severity`, besides those that are known.
    pub severities: Vec<(Box<str>, Severity)>,
}

/// Reads the entries.
///
/// # Errors
/// [`Unreadable`], when it is something else, too much, or not what the mapping says.
pub fn parse(bytes: &[u8], mapping: &Mapping) -> Result<Listed, Unreadable> {
    if is_html(bytes) {
        return Err(Unreadable::Html(WHAT));
    }
    let whole: Value = serde_json::from_slice(bytes).map_err(|e| Unreadable::other(WHAT, e))?;
    let Some(Value::Array(entries)) = whole.pointer(&mapping.entries) else {
        let problem = format!("there is no list at `entries` ({:?}) in it", mapping.entries);
        return Err(Unreadable::Mapping(problem));
    };
    if entries.len() > MOST_ENTRIES {
        return Err(Unreadable::TooMany(entries.len()));
    }
    let listed = Listed::of(entries.iter().map(|entry| read(entry, mapping)));
    if listed.reports.is_empty() && !entries.is_empty() {
        let problem = format!("none of its {} entries has something at `id` and `title`", entries.len());
        return Err(Unreadable::Mapping(problem));
    }
    Ok(listed)
}

fn read(entry: &Value, mapping: &Mapping) -> Entry {
    let key = entry.pointer(&mapping.id).and_then(plain).map(|id| stable_key(&id));
    let Some(key) = key.filter(|key| !key.is_empty()) else { return Entry::Lost };
    match report(key.clone(), entry, mapping) {
        Some(report) => Entry::Read(Box::new(report)),
        None => Entry::Unread(key),
    }
}

fn report(key: Box<str>, entry: &Value, mapping: &Mapping) -> Option<Report> {
    let at = |pointer: &Option<Box<str>>| pointer.as_deref().and_then(|pointer| entry.pointer(pointer));
    let said = |pointer: &Option<Box<str>>| at(pointer).and_then(plain);
    let title = text::one_line(&text::from_html(&plain(entry.pointer(&mapping.title)?)?), TITLE_MAX);
    if title.is_empty() {
        return None;
    }
    let same = |word: &str, other: &str| word.trim().to_lowercase() == other.trim().to_lowercase();
    let stands = said(&mapping.state).and_then(|word| {
        let over = mapping.over.iter().any(|known| same(&word, known));
        if over { Some(Stands::Incident(State::Resolved)) } else { text::stands(&word) }
    });
    let (state, planned) = match stands.unwrap_or(Stands::Incident(State::Investigating)) {
        Stands::Incident(state) => (state, false),
        Stands::Planned => (State::Investigating, true),
    };
    let severity = said(&mapping.severity).and_then(|word| {
        let known = mapping.severities.iter().find(|(known, _)| same(&word, known));
        known.map(|(_, severity)| *severity).or_else(|| text::severity(&word))
    });
    Some(Report {
        key,
        title: title.into(),
        text: text::lines(&text::from_html(&said(&mapping.text).unwrap_or_default()), SAID_MAX).into(),
        severity,
        state,
        planned,
        components: at(&mapping.components).map(components).unwrap_or_default(),
        at: at(&mapping.at).and_then(time),
        link: super::syndication::link(said(&mapping.link).as_deref()),
        began: None,
        about: None,
    })
}

/// A text, or a number or a truth value as one.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => {
            DateTime::parse_from_rfc3339(text.trim()).ok().map(|time| time.with_timezone(&Utc))
        }
        Value::Number(number) => {
            let number = number.as_i64()?;
            // Later than the year 5138 it is milliseconds.
            let seconds = if number.unsigned_abs() > 100_000_000_000 { number / 1000 } else { number };
            Utc.timestamp_opt(seconds, 0).single()
        }
        _ => None,
    }
}

fn components(value: &Value) -> Vec<Box<str>> {
    let name = |value: &Value| {
        let name = plain(value).or_else(|| plain(value.get("name")?))?;
        Some(text::one_line(&name, TITLE_MAX).into_boxed_str()).filter(|name| !name.is_empty())
    };
    match value {
        Value::Array(all) => all.iter().take(100).filter_map(name).collect(),
        one => name(one).into_iter().collect(),
    }
}
