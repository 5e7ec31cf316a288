//! `[support]` and `[login_page]`: the vendor's support, and the page for trouble signing in. Everything here can be reloaded.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::Weekday;
use chrono_tz::Tz;
use url::Url;

use super::calendar;
use super::reader::{Problem, Section};
use super::words::quoted;
use crate::domain::calendar::{Calendar, OpeningHours};
use crate::domain::support::Support;

/// The page for trouble signing in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginPage {
    /// Where it is written; beside it the same as text, with the ending `.txt`. None: nowhere.
    pub file: Option<PathBuf>,
    /// In which language.
    pub language: PageLanguage,
    /// When those who help are there.
    pub hours: OpeningHours,
}

/// A language that the page can be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageLanguage {
    /// English.
    English,
    /// Swedish.
    Swedish,
}

pub(super) fn read(table: &Section, timezone: Tz, calendar: &Arc<Calendar>) -> Support {
    let zone = table.parsed("timezone", |text| {
        let problem = || Problem::new(format!("{} is no time zone", quoted(text)));
        text.parse().map_err(|_| problem().hint("for example: \"Europe/Stockholm\""))
    });
    let own = table.section("calendar");
    let days = calendar::read(&own);
    let days = if calendar::KEYS.iter().any(|key| own.is_set(key)) { &Arc::new(days) } else { calendar };
    let list = |key: &str| table.texts(key, &[]).into_iter().map(String::into_boxed_str).collect();
    let text = |key: &str| table.text(key).map(String::into_boxed_str);
    Support {
        phone: text("phone"),
        mail: table
            .parsed("mail", |text| text.parse().map_err(|e| Problem::new(format!("can't be used: {e}")))),
        portal: table.parsed("portal", portal),
        urgent_phone: text("urgent_phone"),
        hours: hours(&table.section("hours"), zone.unwrap_or(timezone), days),
        covered: list("covered"),
        billed: list("billed"),
    }
}

fn portal(text: &str) -> Result<Box<str>, Problem> {
    match Url::parse(text) {
        Ok(url) if ["https", "http"].contains(&url.scheme()) => Ok(text.into()),
        _ => Err(Problem::new("is no address").hint("for example: \"https://vendor.example/cases\"")),
    }
}

const WEEK: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// Weekly hours, each day with a key of its own.
pub(super) fn hours(table: &Section, zone: Tz, calendar: &Arc<Calendar>) -> OpeningHours {
    let mut hours = OpeningHours::usual(zone, Arc::clone(calendar));
    for (key, day) in WEEK {
        let usual = if matches!(day, Weekday::Sat | Weekday::Sun) { "" } else { "08:00-16:00" };
        let text = table.any_text(key, usual);
        match hours.clone().with(day, &text) {
            Ok(with) => hours = with,
            Err(error) => table.mistake(key, Problem::new(format!("can't be used: {error}"))),
        }
    }
    hours
}

pub(super) fn login_page(table: &Section, timezone: Tz, calendar: &Arc<Calendar>) -> LoginPage {
    let languages = [("en", PageLanguage::English), ("sv", PageLanguage::Swedish)];
    let file = table.path("file");
    if file.as_ref().is_some_and(|file| file.extension().is_none_or(|ending| ending == "txt")) {
        let problem =
            Problem::new("must end with .html: the same as text is written beside it, with the ending .txt");
        table.mistake("file", problem.hint("for example: \"/var/lib/budkavle/public/sign-in.html\""));
    }
    LoginPage {
        file,
        language: table.choice("language", &languages, Some("en")).unwrap_or(PageLanguage::English),
        hours: hours(&table.section("hours"), timezone, calendar),
    }
}
