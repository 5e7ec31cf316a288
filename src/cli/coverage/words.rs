//! Days and people in words, in the languages that a page can have.

use chrono::{Datelike, NaiveDate};
use clap::ValueEnum;

use crate::domain::coverage::{Person, State};
use crate::http::coverage::RunAnswer;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// English
    En,
    /// Swedish
    Sv,
}

const MONTHS: [[&str; 12]; 2] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["jan", "feb", "mars", "april", "maj", "juni", "juli", "aug", "sep", "okt", "nov", "dec"],
];
const LONG_MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januari",
        "Februari",
        "Mars",
        "April",
        "Maj",
        "Juni",
        "Juli",
        "Augusti",
        "September",
        "Oktober",
        "November",
        "December",
    ],
];
const WEEKDAYS: [[&str; 7]; 2] =
    [["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ["mån", "tis", "ons", "tors", "fre", "lör", "sön"]];

impl Language {
    fn of<T: Copy>(self, choices: &[T; 2]) -> Option<T> {
        choices.get(if self == Language::En { 0 } else { 1 }).copied()
    }

    /// One of two texts.
    pub(super) fn say(self, english: &'static str, swedish: &'static str) -> &'static str {
        self.of(&[english, swedish]).unwrap_or(english)
    }

    /// Its tag (RFC 5646).
    pub(super) fn tag(self) -> &'static str {
        self.say("en", "sv")
    }

    /// `July 2026`.
    pub(super) fn month(self, date: NaiveDate) -> String {
        let months = self.of(&LONG_MONTHS).unwrap_or_default();
        format!("{} {}", months.get(date.month0() as usize).copied().unwrap_or_default(), date.year())
    }

    /// `Mon`.
    pub(super) fn weekday(self, date: NaiveDate) -> &'static str {
        let days = self.of(&WEEKDAYS).unwrap_or_default();
        days.get(date.weekday().num_days_from_monday() as usize).copied().unwrap_or_default()
    }

    /// `6–24 Jul`, `28 Jun–3 Jul`, `25 Jul`; with the years when they differ.
    pub(super) fn days(self, first: NaiveDate, last: NaiveDate) -> String {
        let month = |date: NaiveDate| {
            let months = self.of(&MONTHS).unwrap_or_default();
            months.get(date.month0() as usize).copied().unwrap_or_default()
        };
        let day = |date: NaiveDate| format!("{} {}", date.day(), month(date));
        if first == last {
            day(first)
        } else if first.year() != last.year() {
            format!("{} {}–{} {}", day(first), first.year(), day(last), last.year())
        } else if first.month() == last.month() {
            format!("{}–{}", first.day(), day(last))
        } else {
            format!("{}–{}", day(first), day(last))
        }
    }

    /// Who is there on the days of a run.
    pub(super) fn there(self, run: &RunAnswer, minimum: u16) -> String {
        let people = run.people.iter().map(|person| self.person(person)).collect::<Vec<_>>().join(", ");
        let people = match &run.at {
            Some(unit) => format!("{people} ({} {unit})", self.say("at", "på")),
            None => people,
        };
        match run.state {
            State::Nobody if run.missing.is_empty() => self.say("nobody", "ingen").to_owned(),
            State::Nobody => format!("{} ({})", self.say("nobody", "ingen"), run.missing.join("; ")),
            State::One => format!("{} {people}", self.say("only", "bara")),
            State::Few => format!("{} {} {minimum}: {people}", run.people.len(), self.say("of", "av")),
            State::Enough => people,
        }
    }

    fn person(self, person: &Person) -> String {
        match &person.deputy_for {
            Some(absent) => format!("{} ({} {absent})", person.name, self.say("deputy for", "ersätter")),
            None => person.name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_as_people_write_them() {
        let days = |language: Language, first: &str, last: &str| {
            language.days(first.parse().unwrap(), last.parse().unwrap())
        };
        assert_eq!(days(Language::En, "2026-07-06", "2026-07-24"), "6–24 Jul");
        assert_eq!(days(Language::Sv, "2026-06-28", "2026-07-03"), "28 juni–3 juli");
        assert_eq!(days(Language::En, "2026-07-25", "2026-07-25"), "25 Jul");
        assert_eq!(days(Language::En, "2026-12-20", "2027-01-06"), "20 Dec 2026–6 Jan 2027");
        assert_eq!(Language::Sv.month("2026-07-25".parse().unwrap()), "Juli 2026");
        assert_eq!(Language::En.weekday("2026-07-25".parse().unwrap()), "Sat");
    }
}
