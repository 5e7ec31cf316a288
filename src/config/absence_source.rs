//! `[[absence_source]]`: calendars that absences are taken from. Everything here can be reloaded.

use std::time::Duration;

use chrono_tz::Tz;
use serde_json::{Value as Json, json};
use url::Url;

use super::directory::{name, schedule};
use super::durations::{MINUTE, SECOND};
use super::list::{ListPlace, address};
use super::reader::{Problem, Section};
use super::trust;
use crate::domain::ids::SourceName;
use crate::domain::schedule::Schedule;
use crate::tls::TlsTrust;

/// A calendar with absences.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AbsenceSource {
    /// What it is called here.
    pub name: SourceName,
    /// Where it is.
    pub at: ListPlace,
    /// Whose it is, as people name them; None: each event is of those who take part in it.
    pub user: Option<Box<str>>,
    /// Who stands in.
    pub deputy: Option<Box<str>>,
    /// Whether all that takes time is an absence, not only what is out of office.
    pub busy: bool,
    /// What has one of these in its title is an absence.
    pub titles: Vec<Box<str>>,
    /// When it is looked at.
    pub schedule: Schedule,
    /// Which servers are believed.
    pub tls: TlsTrust,
    /// How long it may take.
    pub timeout: Duration,
}

const KEYS: [&str; 10] = [
    "name",
    "address",
    "user",
    "deputy",
    "events",
    "titles",
    "schedule",
    "ca_file",
    "pinned_sha256",
    "timeout",
];

/// Reads all of them.
pub(super) fn read_all(root: &Section, timezone: Tz) -> Vec<AbsenceSource> {
    let section = root.section("absence_source");
    // Also without one, the keys are known.
    section.one("*").know(&KEYS);
    let read: Vec<_> = section.named().iter().map(|table| read(table, timezone)).collect();
    read.into_iter().flatten().collect()
}

fn read(table: &Section, timezone: Tz) -> Option<AbsenceSource> {
    let name = name(table, "calendar", "asa-oberg");
    table.require("address", "address = \"https://outlook.office365.com/owa/calendar/…/calendar.ics\"");
    let schedule = schedule(table, "schedule", "*/30 * * * *", timezone);
    let timeout = table.duration("timeout", SECOND..=MINUTE * 10, MINUTE);
    let tls = trust::read(table);
    let text = |key| table.text(key).map(String::into_boxed_str);
    let (user, deputy) = (text("user"), text("deputy"));
    if user.is_some() && user == deputy {
        let problem = Problem::new("is `user`: nobody can be their own deputy");
        table.mistake("deputy", problem.hint("name somebody else, or leave it out"));
    }
    let events = [("out-of-office", false), ("busy", true)];
    let busy = table.choice("events", &events, Some("out-of-office"));
    let titles = table.texts("titles", &[]);
    let titles = titles.iter().map(|title| title.trim().into()).collect();
    let at = at(table);
    Some(AbsenceSource {
        name: SourceName::from(name.as_str()),
        at: at?,
        user,
        deputy,
        busy: busy?,
        titles,
        schedule: schedule?,
        tls,
        timeout,
    })
}

/// An address, or a file. The address may be a secret, so only its server is shown.
fn at(table: &Section) -> Option<ListPlace> {
    let text = table.text("address")?;
    if !text.contains("://") {
        if like_an_address(&text) {
            // Taken for the path of a file it would be shown, secret and all.
            let problem =
                Problem::new("is neither an address nor a path: it begins like an address, without https://");
            table.mistake("address", problem.hint("write https:// before it, or ./ when it is a file"));
            table.set("address", Json::Null);
            return None;
        }
        return table.path("address").map(ListPlace::File);
    }
    let url = table.parsed("address", |text| match text.split_once("://") {
        Some(("webcal" | "webcals", rest)) => {
            Err(Problem::new("must be an https address").hint(format!("write https://{}…", host_of(rest))))
        }
        _ => address(text),
    });
    let shown =
        text.parse::<Url>().ok().and_then(|url| url.host_str().map(|host| format!("https://{host}/…")));
    table.set("address", json!(shown));
    url.map(ListPlace::Url)
}

/// `calendar.example/…` and the like.
fn like_an_address(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    let named = !first.starts_with('.') && first.contains(['.', ':', '@']);
    text.starts_with("//") || (named && first.len() < text.len())
}

/// The server, without who signs in there.
fn host_of(rest: &str) -> &str {
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    server.rsplit('@').next().unwrap_or_default()
}
