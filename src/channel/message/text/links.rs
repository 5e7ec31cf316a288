//! What only one of those who get a notice has: how to take it on; and what stands before one that nobody has taken on.

use minijinja::context;

use super::markup::with_links;
use super::{BLUE, Page};
use crate::channel::words::{Words, say};
use crate::domain::ids::NoticeId;
use crate::domain::notice::{Climbed, Facts};

/// What a message has that others of the same notice haven't.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Links {
    /// The notice asks to be taken on: its number, and the address of the page where that is done, if there is one.
    pub take_on: Option<(NoticeId, Option<String>)>,
    /// Where somebody says that they want to be told of outages.
    pub confirm: Option<String>,
    /// Where somebody who wanted it says that they don't want any more.
    pub unsubscribe: Option<String>,
}

impl Links {
    /// Where, or by which command, it is taken on.
    pub fn take_on(&self) -> Option<String> {
        let (notice, link) = self.take_on.as_ref()?;
        Some(link.clone().unwrap_or_else(|| format!("budkavle notice ack {notice}")))
    }

    /// Whether the message is like the others.
    pub fn is_empty(&self) -> bool {
        *self == Links::default()
    }
}

impl Words {
    /// What stands before a notice that nobody has taken on; before others nothing.
    pub(super) fn before(&self, facts: &Facts) -> String {
        let Facts::Climbed(climbed) = facts else { return String::new() };
        let Climbed { asked, told, more, .. } = &**climbed;
        let mut people: Vec<String> = told.iter().map(|name| self.person(name)).collect();
        people.extend((*more > 0).then(|| say!(self, "count-people", n = *more)));
        say!(self, "climbed", at = self.time(*asked), people = self.all(&people))
    }

    /// Whether somebody wants to be told of outages; where they say so stands after it.
    pub(super) fn subscribe(&self) -> Page {
        let title = say!(self, "subscribe-title");
        let lines = vec![say!(self, "subscribe-text")];
        Page {
            template: "plain",
            subject: title.clone(),
            heading: title,
            label: "label-subscribe",
            colour: BLUE,
            preheader: None,
            content: context! { lines },
        }
    }

    /// What stands after it.
    pub(super) fn after(&self, links: &Links) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(links.take_on().map(|how| match links.take_on {
            Some((_, Some(_))) => say!(self, "take-on-link", link = how),
            _ => say!(self, "take-on-command", command = how),
        }));
        lines
            .extend(links.confirm.as_ref().map(|link| say!(self, "subscribe-confirm", link = link.as_str())));
        lines.extend(links.unsubscribe.as_ref().map(|link| say!(self, "unsubscribe", link = link.as_str())));
        lines
    }
}

/// The text with what stands before it, behind its first line, and after it.
pub(super) fn around(heading: &str, before: &str, said: &str, after: &[String]) -> String {
    let after = after.iter().map(String::as_str);
    let parts: Vec<&str> = match said.strip_prefix(heading).filter(|_| !before.is_empty()) {
        Some(rest) => [heading, before, rest.trim_start()].into_iter().chain(after).collect(),
        None => [before, said].into_iter().chain(after).collect(),
    };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// An operator's own template may know nothing of it: then it stands at the beginning and at the end of what that made.
pub(super) fn into_html(html: String, before: &str, after: &[String]) -> String {
    let paragraph = |text: &str| format!("<p>{}</p>\n", minijinja::HtmlEscape(text));
    let mut html = html;
    if !after.is_empty() && !html.contains("class=\"after\"") {
        let lines: String = after.iter().map(|line| format!("<p>{}</p>\n", with_links(line))).collect();
        let at = html.rfind("</body>").unwrap_or(html.len());
        html.insert_str(at, &lines);
    }
    if !before.is_empty() && !html.contains("class=\"before\"") {
        let at = html.find("<body").and_then(|body| Some(body + html.get(body..)?.find('>')? + 1));
        html.insert_str(at.unwrap_or_default(), &paragraph(before));
    }
    html
}
