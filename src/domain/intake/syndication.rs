//! RSS and Atom. Neither says where an incident stands, so that is taken from its words ([`text::stands_in`]).

use feed_rs::model::{Entry as Item, Text};
use feed_rs::parser::Builder;
use url::Url;

use super::text::{self, Stands};
use super::{Entry, Listed, MOST_ENTRIES, Report, SAID_MAX, Unreadable, is_html, stable_key};
use crate::domain::outage::{State, TITLE_MAX};

const WHAT: &str = "RSS or Atom";

/// Reads the entries.
///
/// # Errors
/// [`Unreadable`], when it is something else, or too much.
pub fn parse(bytes: &[u8]) -> Result<Listed, Unreadable> {
    if is_html(bytes) {
        return Err(Unreadable::Html(WHAT));
    }
    // The parser would take JSON as well, which isn't what was asked for.
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
    if first != Some(&b'<') {
        return Err(Unreadable::other(WHAT, "it doesn't begin with an element"));
    }
    // What has no identity must not get another one with each reading, as a random number would be: see `key`.
    let parser = Builder::new().id_generator(|_, _, _| String::new()).sanitize_content(false).build();
    let feed = parser.parse(bytes).map_err(|e| Unreadable::other(WHAT, e))?;
    if feed.entries.len() > MOST_ENTRIES {
        return Err(Unreadable::TooMany(feed.entries.len()));
    }
    let all = feed.entries.len();
    let own = link(feed.links.first().map(|link| link.href.as_str()));
    let listed = Listed::of(feed.entries.into_iter().map(|entry| read(entry, own.as_deref())));
    if listed.reports.is_empty() && all > 0 {
        return Err(Unreadable::other(WHAT, "none of its entries has a title or a text"));
    }
    Ok(listed)
}

/// `own`: where the feed's own page is.
fn read(entry: Item, own: Option<&str>) -> Entry {
    let id = entry.id.trim().to_owned();
    match report(entry, own) {
        Some(report) => Entry::Read(Box::new(report)),
        None if id.is_empty() => Entry::Lost,
        None => Entry::Unread(stable_key(&id)),
    }
}

fn report(entry: Item, own: Option<&str>) -> Option<Report> {
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
        key: key(&entry, link.as_deref().filter(|link| leads_to_one(link, own)), &title),
        text: newest(&said).into(),
        title: title.into(),
        severity: None,
        state,
        planned,
        components,
        at: entry.updated.max(entry.published),
        link,
        began: None,
        about: None,
    })
}

/// Its identity; else its address; else its title without the words on where it stands. When it was published changes with its words at some.
fn key(entry: &Item, link: Option<&str>, title: &str) -> Box<str> {
    let id = entry.id.trim();
    match link {
        _ if !id.is_empty() => stable_key(id),
        Some(link) => stable_key(link),
        None => stable_key(&text::bare(title)),
    }
}

/// Whether an address is that of one incident, and not of the whole page.
fn leads_to_one(link: &str, own: Option<&str>) -> bool {
    let Ok(url) = Url::parse(link) else { return false };
    let somewhere = url.path().len() > 1 || url.query().is_some() || url.fragment().is_some();
    somewhere && own.is_none_or(|own| own.trim_end_matches('/') != link.trim_end_matches('/'))
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
