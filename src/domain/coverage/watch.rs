//! Periods that are watched each year, such as the summer: when to warn that they aren't covered.
//!
//! A pure decision over the configuration, the day, and which warning was told last.

use chrono::{Datelike, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::domain::roles::RoleName;

/// A day of any year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct MonthDay {
    /// From 1.
    pub month: u32,
    /// From 1.
    pub day: u32,
}

impl MonthDay {
    /// That day in a year; 28 February for the 29th where there is none.
    pub fn of(self, year: i32) -> Option<NaiveDate> {
        let day = NaiveDate::from_ymd_opt(year, self.month, self.day);
        day.or_else(|| NaiveDate::from_ymd_opt(year, self.month, self.day.checked_sub(1)?))
    }
}

/// A period that is watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watched {
    /// Its name, such as `summer`.
    pub name: Box<str>,
    /// Its first day.
    pub from: MonthDay,
    /// Its last day; in the next year when it comes before `from`.
    pub to: MonthDay,
    /// Which roles; empty: those that are looked at when none is named.
    pub roles: Vec<RoleName>,
    /// So many weeks before the first day a warning is given.
    pub weeks_ahead: Vec<u32>,
}

/// Which warning was told last of a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The first day of the period in that year.
    pub first: NaiveDate,
    /// How many weeks ahead it was meant to be.
    pub weeks: u32,
}

/// Why no warning is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quiet {
    /// The next warning isn't due.
    NotYet,
    /// It has been told.
    Told,
}

/// Whether to look at a period now and warn, and why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Not now.
    Quiet(Quiet),
    /// Look, and tell what isn't covered.
    Warn {
        /// What is told by that.
        told: Told,
        /// The last day of the period.
        last: NaiveDate,
        /// Whether no other warning follows.
        is_last: bool,
    },
}

/// What is to be done about a period on the day `today`. When several warnings are due, as after the daemon was stopped for weeks, it is
/// the latest of them that is given, and no other.
pub fn decide(watched: &Watched, today: NaiveDate, told: Option<Told>) -> Decision {
    let coming = (today.year() - 1..=today.year() + 1).find_map(|year| {
        let first = watched.from.of(year)?;
        let last = watched.to.of(if watched.to < watched.from { year + 1 } else { year })?;
        (today <= last).then_some((first, last))
    });
    let Some((first, last)) = coming else { return Decision::Quiet(Quiet::NotYet) };
    let due = |weeks: &&u32| first - TimeDelta::weeks(i64::from(**weeks)) <= today;
    let Some(weeks) = watched.weeks_ahead.iter().filter(due).min().copied() else {
        return Decision::Quiet(Quiet::NotYet);
    };
    if told.is_some_and(|told| told.first == first && told.weeks <= weeks) {
        return Decision::Quiet(Quiet::Told);
    }
    let is_last = watched.weeks_ahead.iter().all(|other| *other >= weeks);
    Decision::Warn { told: Told { first, weeks }, last, is_last }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(from: (u32, u32), to: (u32, u32), weeks_ahead: &[u32]) -> Watched {
        let day = |(month, day)| MonthDay { month, day };
        let (from, to, weeks_ahead) = (day(from), day(to), weeks_ahead.to_vec());
        Watched { name: "summer".into(), from, to, roles: Vec::new(), weeks_ahead }
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn each_warning_is_given_once_as_the_days_pass() {
        let summer = watched((6, 22), (8, 16), &[1, 8, 4]);
        let mut told = None;
        let mut given = Vec::new();
        for today in date("2026-01-01").iter_days().take(800) {
            if let Decision::Warn { told: now, last, is_last } = decide(&summer, today, told) {
                given.push((today.to_string(), now.weeks, last.to_string(), is_last));
                told = Some(now);
            }
        }
        let warning =
            |day: &str, weeks, last: &str, is_last| (day.to_owned(), weeks, last.to_owned(), is_last);
        let expected = [
            warning("2026-04-27", 8, "2026-08-16", false),
            warning("2026-05-25", 4, "2026-08-16", false),
            warning("2026-06-15", 1, "2026-08-16", true),
            warning("2027-04-27", 8, "2027-08-16", false),
            warning("2027-05-25", 4, "2027-08-16", false),
            warning("2027-06-15", 1, "2027-08-16", true),
        ];
        assert_eq!(given, expected);
    }

    #[test]
    fn what_was_missed_is_made_up_for_once_while_the_period_lasts() {
        let summer = watched((6, 22), (8, 16), &[8, 4, 1]);
        let told = Told { first: date("2026-06-22"), weeks: 1 };
        let warn = Decision::Warn { told, last: date("2026-08-16"), is_last: true };
        assert_eq!(decide(&summer, date("2026-07-20"), Some(Told { weeks: 8, ..told })), warn);
        assert_eq!(decide(&summer, date("2026-07-21"), Some(told)), Decision::Quiet(Quiet::Told));
        assert_eq!(decide(&summer, date("2026-08-17"), None), Decision::Quiet(Quiet::NotYet));
    }

    #[test]
    fn a_period_may_go_over_new_year_and_begin_on_a_leap_day() {
        let christmas = watched((12, 20), (1, 6), &[4]);
        let told = Told { first: date("2026-12-20"), weeks: 4 };
        let warn = Decision::Warn { told, last: date("2027-01-06"), is_last: true };
        assert_eq!(decide(&christmas, date("2026-11-22"), None), warn);
        assert_eq!(decide(&christmas, date("2027-01-05"), Some(told)), Decision::Quiet(Quiet::Told));
        let leap = watched((2, 29), (3, 7), &[0]);
        let Decision::Warn { told, .. } = decide(&leap, date("2027-03-01"), None) else {
            panic!("it is due")
        };
        assert_eq!(told.first, date("2027-02-28"));
    }
}
