//! `[organisation]`: whose Budkavle it is. Everything here can be reloaded.

use chrono_tz::{TZ_VARIANTS, Tz};

use super::reader::{Problem, Section};
use super::words::{meant, quoted};
use crate::domain::language::Language;

/// The organisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organisation {
    /// What it is called, in mails and at the root of the unit tree.
    pub name: String,
    /// Whose clock schedules follow and mails show.
    pub timezone: Tz,
    /// The language of notices to those of whom none is known.
    pub language: Language,
}

pub(super) fn read(section: &Section) -> Organisation {
    section.require("name", "name = \"Kommunen\"");
    Organisation {
        name: section.text("name").unwrap_or_default(),
        timezone: timezone(section),
        language: section.choice("language", &languages(), Some("en")).unwrap_or_default(),
    }
}

/// The languages by their tags.
pub(super) fn languages() -> [(&'static str, Language); 6] {
    Language::ALL.map(|language| (language.tag(), language))
}

fn timezone(section: &Section) -> Tz {
    if !section.is_set("timezone") {
        section.set("timezone", "UTC".into());
        let problem = Problem::new("isn't set: schedules and the times in mails are in UTC");
        section.warn_unset("timezone", problem.hint("for example: timezone = \"Europe/Stockholm\""));
        return Tz::UTC;
    }
    section.parsed("timezone", zone_named).unwrap_or(Tz::UTC)
}

/// The time zone of this name.
pub(super) fn zone_named(text: &str) -> Result<Tz, Problem> {
    text.parse().map_err(|_| {
        let names = TZ_VARIANTS.iter().map(|zone| zone.name());
        let city = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
        let by_city = || names.clone().find(|name| city(name).eq_ignore_ascii_case(city_of(text)));
        let hint = match meant(text, names.clone()).or_else(by_city) {
            Some(name) => format!("did you mean {}?", quoted(name)),
            None => {
                "use a name of the IANA database, such as \"Europe/Oslo\" (timedatectl list-timezones)".into()
            }
        };
        Problem::new(format!("{} is no time zone", quoted(text))).hint(hint)
    })
}

/// What may be the city in a wrong name: `Stockholm`, `Sweden/Stockholm`.
fn city_of(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}
