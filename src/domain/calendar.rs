//! Which days are worked, and when somebody is there: public holidays, days that an organisation closes, weekly opening hours.
//!
//! A [`Calendar`] answers by date, in whichever zone the date is meant; [`OpeningHours`] answer by the moment.

mod holidays;
mod hours;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};

pub use holidays::Country;
pub use hours::{DAY, HoursError, OpeningHours, minutes};

/// How much of a day is off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// Places close at noon.
    Half,
    /// Nobody works.
    Whole,
}

/// A day that isn't like others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayOff {
    /// What it is called.
    pub name: Box<str>,
    /// How much of it is off.
    pub part: Part,
}

/// The days that aren't worked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Calendar {
    /// Whose public holidays hold.
    pub countries: Vec<Country>,
    /// Other days, of the organisation's own or from files.
    pub days: BTreeMap<NaiveDate, DayOff>,
}

impl Calendar {
    /// What is special about a day; when several things are, what takes most of it.
    pub fn day_off(&self, date: NaiveDate) -> Option<DayOff> {
        let public = self.countries.iter().filter_map(|country| country.day_off(date));
        // Of two that take as much, the first: the public holiday has the better name.
        public.chain(self.days.get(&date).cloned()).fold(None, |best: Option<DayOff>, day| match &best {
            Some(DayOff { part, .. }) if day.part <= *part => best,
            _ => Some(day),
        })
    }

    /// Whether it is Monday to Friday and not off as a whole.
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !self.is_off(date)
    }

    /// Whether nobody works on that day, whatever the weekday.
    pub fn is_off(&self, date: NaiveDate) -> bool {
        self.day_off(date).is_some_and(|day| day.part == Part::Whole)
    }

    /// The working days of a period, its last day included.
    pub fn working_days(&self, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        days(first, last).filter(|date| self.is_working_day(*date))
    }
}

/// Every day of a period, its last one included.
fn days(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    std::iter::successors(Some(first), NaiveDate::succ_opt).take_while(move |date| *date <= last)
}
