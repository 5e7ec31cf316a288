//! The public holidays that are built in: rules from `holidays.toml`, and Easter.

use std::sync::LazyLock;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use toml_edit::{DocumentMut, Table};

use super::{DayOff, Part};

/// A country whose public holidays are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Country {
    /// Sweden.
    Sweden,
    /// Norway.
    Norway,
    /// Denmark.
    Denmark,
    /// Finland.
    Finland,
}

impl Country {
    /// Every country that is known, by its code (ISO 3166-1).
    pub const ALL: [(&'static str, Country); 4] = [
        ("se", Country::Sweden),
        ("no", Country::Norway),
        ("dk", Country::Denmark),
        ("fi", Country::Finland),
    ];

    /// The holiday of a day.
    pub fn day_off(self, date: NaiveDate) -> Option<DayOff> {
        let of = |(country, rule): &&(Country, Rule)| *country == self && rule.day(date.year()) == Some(date);
        let best = RULES.iter().filter(of).max_by_key(|(_, rule)| rule.part);
        best.map(|(_, rule)| DayOff { name: rule.name.clone(), part: rule.part })
    }
}

/// What is built in. A test reads all of it.
pub(super) const DATA: &str = include_str!("holidays.toml");

static RULES: LazyLock<Vec<(Country, Rule)>> = LazyLock::new(|| rules(DATA).into_iter().flatten().collect());

/// When a holiday is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    Date { month: u32, day: u32 },
    Easter(i64),
    From { weekday: Weekday, month: u32, day: u32 },
}

/// A holiday, year after year.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    pub(super) name: Box<str>,
    pub(super) part: Part,
    when: When,
    from: i32,
    until: i32,
}

impl Rule {
    /// Its day in a year.
    pub(super) fn day(&self, year: i32) -> Option<NaiveDate> {
        if !(self.from..=self.until).contains(&year) {
            return None;
        }
        match self.when {
            When::Date { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            When::Easter(days) => {
                let easter = computus::gregorian_naive(year).ok()?;
                easter.checked_add_signed(chrono::TimeDelta::days(days))
            }
            When::From { weekday, month, day } => {
                let first = NaiveDate::from_ymd_opt(year, month, day)?;
                first.checked_add_days(Days::new(u64::from(weekday.days_since(first.weekday()))))
            }
        }
    }
}

/// The rules in a table of holidays; None for one that isn't understood.
pub(super) fn rules(data: &str) -> Vec<Option<(Country, Rule)>> {
    let document: DocumentMut = data.parse().unwrap_or_default();
    let of = |(code, country): &(&str, Country)| {
        let tables = document.get(code).and_then(|item| item.as_array_of_tables());
        let country = *country;
        let rules = tables.into_iter().flatten().map(move |table| Some((country, rule(table)?)));
        rules.collect::<Vec<_>>()
    };
    Country::ALL.iter().flat_map(of).collect()
}

fn rule(table: &Table) -> Option<Rule> {
    let text = |key| table.get(key)?.as_str();
    let year = |key| i32::try_from(table.get(key)?.as_integer()?).ok();
    text("source")?;
    Some(Rule {
        name: text("name")?.into(),
        part: match text("part") {
            None | Some("whole") => Part::Whole,
            Some("half") => Part::Half,
            Some(_) => return None,
        },
        when: when(text("when")?)?,
        from: year("from").unwrap_or(i32::MIN),
        until: year("until").unwrap_or(i32::MAX),
    })
}

fn when(text: &str) -> Option<When> {
    let date = |text: &str| {
        let (month, day) = text.split_once('-')?;
        Some((month.parse().ok()?, day.parse().ok()?))
    };
    match text.split_once(' ') {
        None => date(text).map(|(month, day)| When::Date { month, day }),
        Some(("easter", days)) => days.parse().ok().map(When::Easter),
        Some((weekday, from)) => {
            let (month, day) = date(from)?;
            Some(When::From { weekday: weekday.parse().ok()?, month, day })
        }
    }
}
