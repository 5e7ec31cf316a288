//! `[calendar]`, and in `[support]` one of its own: which days aren't worked. Everything here can be reloaded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;

use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::calendar::{Calendar, Country, DayOff, Part};
use crate::domain::ical::{self, LONGEST};

/// Everything that can be said of days.
pub(super) const KEYS: [&str; 4] = ["countries", "closed_days", "half_days", "files"];

pub(super) fn read(table: &Section) -> Calendar {
    let codes: Vec<&str> = Country::ALL.iter().map(|(code, _)| *code).collect();
    let countries = table.list("countries", |text| {
        let known = Country::ALL.iter().find(|(code, _)| code.eq_ignore_ascii_case(text.trim()));
        let unknown = || Problem::new(format!("can't be {}", quoted(text))).hint(choose(text, &codes));
        known.map(|(_, country)| *country).ok_or_else(unknown)
    });
    shown_as_empty(table, "countries");
    let periods = |key| {
        let periods = table.list(key, period);
        shown_as_empty(table, key);
        periods
    };
    let days = [(periods("closed_days"), Part::Whole), (periods("half_days"), Part::Half)];
    let mut calendar = Calendar { countries: countries.unwrap_or_default(), days: BTreeMap::new() };
    for file in table.paths("files") {
        match holidays(&file) {
            Ok(days) => calendar.days.extend(days),
            Err(problem) => table.mistake("files", problem),
        }
    }
    // What is closed as a whole comes last, and wins.
    for (periods, part) in days.into_iter().rev() {
        for (first, last) in periods.unwrap_or_default() {
            let name = if part == Part::Whole { "closed" } else { "half a day" };
            let days = first.iter_days().take_while(|day| *day <= last);
            calendar.days.extend(days.map(|day| (day, DayOff { name: name.into(), part })));
        }
    }
    calendar
}

/// From which year to before which one the holidays of a file hold.
const YEARS: (i32, i32) = (2020, 2046);

/// The days that a file in iCalendar closes.
fn holidays(file: &Path) -> Result<Vec<(NaiveDate, DayOff)>, Problem> {
    let unreadable = |cause: std::io::Error| {
        Problem::new(format!("names {}, which can't be read: {cause}", file.display()))
            .hint("put a calendar of holidays there (iCalendar), readable for budkavle")
    };
    let is_file = file.metadata().map_err(unreadable)?.is_file();
    if !is_file {
        return Err(unreadable(std::io::Error::other("it is no file")));
    }
    let mut bytes = Vec::new();
    let most = ical::LARGEST as u64 + 1;
    File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    let days = ical::closed_days(&bytes, YEARS.0, YEARS.1).map_err(|errors| {
        let told: Vec<String> = errors.errors.iter().take(3).map(ToString::to_string).collect();
        let what = format!("names {}, which can't be used: {}", file.display(), told.join("; "));
        Problem::new(what).hint("mend the file, or take it out")
    })?;
    if days.is_empty() {
        let what = format!("names {}, which has no event of a whole day", file.display());
        return Err(Problem::new(what).hint("name a calendar of holidays"));
    }
    let off = |name: Box<str>| DayOff {
        name: if name.is_empty() { "holiday".into() } else { name },
        part: Part::Whole,
    };
    Ok(days.into_iter().map(|(day, name)| (day, off(name))).collect())
}

/// A list that isn't set is an empty one.
fn shown_as_empty(table: &Section, key: &str) {
    if !table.is_set(key) {
        table.set(key, serde_json::json!([]));
    }
}

/// A day, or the first and the last day of a period with a slash between them (ISO 8601).
fn period(text: &str) -> Result<(NaiveDate, NaiveDate), Problem> {
    let example =
        "write a day, \"2026-12-23\", or the first and the last one of a period, \"2026-07-06/2026-07-31\"";
    let (first, last) = text.split_once('/').unwrap_or((text, text));
    let day = |day: &str| {
        let problem = || Problem::new(format!("can't be {}", quoted(text))).hint(example);
        NaiveDate::parse_from_str(day.trim(), "%Y-%m-%d").map_err(|_| problem())
    };
    let (first, last) = (day(first)?, day(last)?);
    if last < first {
        return Err(Problem::new(format!("{} ends before it starts", quoted(text))).hint(example));
    }
    if (last - first).num_days() > LONGEST {
        return Err(Problem::new(format!("{} is longer than two years", quoted(text))).hint(example));
    }
    Ok((first, last))
}
