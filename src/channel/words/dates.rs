//! Times and days as each language writes them.

use chrono::{DateTime, Locale as Names, NaiveDate, NaiveDateTime, Utc};

use super::{Words, say};
use crate::domain::language::Language;

impl Words {
    /// Where the names of months and weekdays are from: glibc's locales.
    fn names(&self) -> Names {
        match self.locale.language {
            Language::English => Names::en_GB,
            Language::Swedish => Names::sv_SE,
            Language::Bokmal => Names::nb_NO,
            Language::Nynorsk => Names::nn_NO,
            Language::Danish => Names::da_DK,
            Language::Finnish => Names::fi_FI,
        }
    }

    /// How a day of a year is written, and one of this year.
    fn day_format(&self) -> (&'static str, &'static str) {
        match self.locale.language {
            Language::English => ("%-d %b %Y", "%-d %b"),
            Language::Swedish => ("%-d %B %Y", "%-d %B"),
            Language::Bokmal | Language::Nynorsk | Language::Danish => ("%-d. %B %Y", "%-d. %B"),
            Language::Finnish => ("%-d.%-m.%Y", "%-d.%-m."),
        }
    }

    /// How a time of day is written.
    fn clock_format(&self) -> &'static str {
        match self.locale.language {
            Language::English => "%H:%M %Z",
            Language::Swedish | Language::Bokmal | Language::Nynorsk => "kl. %H:%M %Z",
            Language::Danish => "kl. %H.%M %Z",
            Language::Finnish => "klo %-H.%M %Z",
        }
    }

    fn local(&self, at: DateTime<Utc>, format: &str) -> String {
        let text = at.with_timezone(&self.locale.zone).format_localized(format, self.names()).to_string();
        // Some names of glibc's are padded (`måndag ` in nn_NO).
        text.replace("  ", " ")
    }

    /// A time: `6 Jul 2026 08:00 CEST`.
    pub fn time(&self, at: DateTime<Utc>) -> String {
        self.local(at, &format!("{} {}", self.day_format().0, self.clock_format()))
    }

    /// A time by clocks of which only the name is known: `6 Jul 2026 08:00 CEST`.
    pub(super) fn naive_time(&self, at: NaiveDateTime, zone: &str) -> String {
        let clock = self.clock_format().replace("%Z", zone);
        let day = self.date(at.date());
        format!("{day} {}", at.time().format(&clock))
    }

    /// From when until when, with the weekdays; the day once when it is the same.
    pub fn window(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        let with_day = format!("%A {} {}", self.day_format().0, self.clock_format());
        let day = |at: DateTime<Utc>| at.with_timezone(&self.locale.zone).date_naive();
        let end = if day(from) == day(until) { self.clock_format() } else { &with_day };
        say!(self, "span", from = self.local(from, &with_day), until = self.local(until, end))
    }

    /// The day of a time: `6 Jul 2026`.
    pub fn day_of(&self, at: DateTime<Utc>) -> String {
        self.local(at, self.day_format().0)
    }

    /// A day: `6 Jul 2026`.
    pub fn date(&self, day: NaiveDate) -> String {
        day.format_localized(self.day_format().0, self.names()).to_string()
    }

    /// A day whose year is known: `6 Jul`.
    pub fn day(&self, day: NaiveDate) -> String {
        day.format_localized(self.day_format().1, self.names()).to_string()
    }

    /// Days whose year is known: `6 Jul to 24 Jul`.
    pub fn days(&self, first: NaiveDate, last: NaiveDate) -> String {
        match first == last {
            true => self.day(first),
            false => say!(self, "span", from = self.day(first), until = self.day(last)),
        }
    }

    /// Days with their years: `20 Dec 2026 to 6 Jan 2027`; the year once when it is the same.
    pub fn dates(&self, first: NaiveDate, last: NaiveDate) -> String {
        if first == last {
            return self.date(first);
        }
        let same_year = chrono::Datelike::year(&first) == chrono::Datelike::year(&last);
        let from = if same_year { self.day(first) } else { self.date(first) };
        say!(self, "span", from = from, until = self.date(last))
    }

    /// The days from a time until just before another, with their years.
    pub fn days_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        let day = |at: DateTime<Utc>| at.with_timezone(&self.locale.zone).date_naive();
        // The first moment after it may be midnight: the day before is the last.
        self.dates(day(from), day(until - chrono::TimeDelta::milliseconds(1)).max(day(from)))
    }

    /// So many minutes, roughly.
    pub fn minutes(&self, minutes: u32) -> String {
        match minutes {
            0..=119 => say!(self, "span-minutes", n = minutes),
            120..=2_879 => say!(self, "span-hours", n = minutes / 60),
            _ => say!(self, "span-days", n = minutes / 1_440),
        }
    }
}
