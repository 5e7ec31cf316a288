//! `[calendar]`: which days aren't worked. Everything here can be reloaded.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::reader::{Problem, Section};
use super::words::{choose, quoted};
use crate::domain::calendar::{Calendar, Country, DayOff, Part};

/// The most days that one line may close: nobody closes for two years.
const LONGEST: i64 = 730;

pub(super) fn read(table: &Section) -> Calendar {
    let codes: Vec<&str> = Country::ALL.iter().map(|(code, _)| *code).collect();
    let countries = table.list("countries", |text| {
        let known = Country::ALL.iter().find(|(code, _)| code.eq_ignore_ascii_case(text.trim()));
        let unknown = || Problem::new(format!("can't be {}", quoted(text))).hint(choose(text, &codes));
        known.map(|(_, country)| *country).ok_or_else(unknown)
    });
    shown_as_empty(table, "countries");
    let days = [("closed_days", Part::Whole), ("half_days", Part::Half)].map(|(key, part)| {
        let periods = table.list(key, period);
        shown_as_empty(table, key);
        (periods, part)
    });
    let mut calendar = Calendar { countries: countries.unwrap_or_default(), days: BTreeMap::new() };
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
