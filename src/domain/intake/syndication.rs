//! RSS and Atom. Neither says where an incident stands, so that is taken from its words ([`text::stands_in`]).

use feed_rs::model::{Entry, Text};
use feed_rs::parser::Builder;
use url::Url;

use super::text::{self, Stands};
use super::{MOST_ENTRIES, Report, SAID_MAX, Unreadable, is_html, stable_key};
use crate::domain::outage::{State, TITLE_MAX};

const WHAT: &str = "RSS or Atom";

/// Reads the entries.
///
/// # Errors
/// [`Unreadable`], when it is something else, or too much.
pub fn parse(bytes: &[u8]) -> Result<Vec<Report>, Unreadable> {
    if is_html(bytes) {
        return Err(Unreadable::Html(WHAT));
    }
    // The parser would take JSON as well, which isn't what was asked for.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
    if first != Some(&b'<') {
        return Err(Unreadable::Other(WHAT, "it doesn't begin with an element".to_owned()));
    }
    // What has no identity must not get another one with each reading, as a random number would be: see `key`.
    let parser = Builder::new().id_generator(|_, _, _| String::new()).sanitize_content(false).build();
    let feed = parser
        .parse(bytes)
        .map_err(|e| Unreadable::Other(WHAT, text::one_line(&e.to_string(), TITLE_MAX)))?;
    if feed.entries.len() > MOST_ENTRIES {
        return Err(Unreadable::TooMany(feed.entries.len()));
    }
    Ok(feed.entries.into_iter().filter_map(report).collect())
}

fn report(entry: Entry) -> Option<Report> {
    let content = |text: Option<&Text>| text.map(|text| text.content.clone()).unwrap_or_default();
    let title = text::one_line(&text::from_html(&content(entry.title.as_ref())), TITLE_MAX);
    let body = entry.content.as_ref().and_then(|content| content.body.clone());
    let body = body.unwrap_or_else(|| content(entry.summary.as_ref()));
    let said = text::lines(&text::from_html(&body), SAID_MAX);
    let link = link(entry.links.first().map(|link| link.href.as_str()));
    let title = if title.is_empty() { text::one_line(&said, TITLE_MAX) } else { title };
    if title.is_empty() {
        return None;
    }
    let stands = text::stands_in(&title, &said).unwrap_or(Stands::Incident(State::Investigating));
    let (state, planned) = match stands {
        Stands::Incident(state) => (state, false),
        Stands::Planned => (State::Investigating, true),
    };
    let mut components: Vec<Box<str>> = Vec::new();
    for category in entry.categories.iter().take(100) {
        let name = text::one_line(&category.term, TITLE_MAX).into_boxed_str();
        if !name.is_empty() && !components.contains(&name) {
            components.push(name);
        }
    }
    Some(Report {
        key: key(&entry, link.as_deref(), &title),
        text: newest(&said).into(),
        title: title.into(),
        severity: None,
        state,
        planned,
        components,
        at: entry.updated.max(entry.published),
        link,
        about: None,
    })
}

/// Its identity; else its address and the day it was published, with the title.
fn key(entry: &Entry, link: Option<&str>, title: &str) -> Box<str> {
    let id = entry.id.trim();
    if !id.is_empty() {
        return stable_key(id);
    }
    let published = entry.published.map(|at| at.timestamp()).unwrap_or_default();
    stable_key(&format!("{}\n{published}\n{title}", link.unwrap_or_default()))
}

/// Of several words under each other, as a Statuspage writes them, the first one: it is the newest.
fn newest(said: &str) -> &str {
    let first = said.split("\n\n").next().unwrap_or_default();
    if text::stands_in("", first).is_some() { first } else { said }
}

/// An address that may stand in a mail.
pub(super) fn link(text: Option<&str>) -> Option<Box<str>> {
    let url = Url::parse(text?.trim()).ok()?;
    let web = matches!(url.scheme(), "https" | "http") && url.as_str().len() <= 500;
    web.then(|| url.as_str().into())
}
