//! Weekly opening hours in a time zone.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::{Calendar, Part, days};

/// Minutes of a day.
pub const DAY: u16 = 24 * 60;
/// When half a day ends.
const NOON: u16 = 12 * 60;
/// So far ahead a change is looked for; who is closed for longer is closed.
const AHEAD: u64 = 400;

/// When somebody is there, week by week. Hours are those of the zone's clocks: in the hour that comes twice, an hour that is open is open
/// twice; one that the clocks skip isn't there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpeningHours {
    zone: Tz,
    /// From Monday on; spans of minutes of the day, in order, apart from one another.
    week: [Vec<(u16, u16)>; 7],
    calendar: Arc<Calendar>,
}

/// Why hours make no sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HoursError {
    /// They can't be read.
    #[error(
        "\"{0}\" are no hours; write 08:00-16:30, up to 24:00, several with commas between: 08:00-12:00, 13:00-17:00"
    )]
    Unreadable(Box<str>),
    /// They end before they start.
    #[error(
        "{0} ends before it starts; hours over midnight are those of two days: 22:00-24:00 and 00:00-06:00"
    )]
    Backwards(Box<str>),
    /// Two overlap.
    #[error("two of the hours in \"{0}\" overlap")]
    Overlap(Box<str>),
}

impl OpeningHours {
    /// Monday to Friday 08–16.
    pub fn usual(zone: Tz, calendar: Arc<Calendar>) -> OpeningHours {
        let day = |n| if n < 5 { vec![(8 * 60, 16 * 60)] } else { Vec::new() };
        OpeningHours { zone, week: std::array::from_fn(day), calendar }
    }

    /// With other hours on a weekday, such as `08:00-12:00, 13:00-16:30`; an empty text is closed.
    pub fn with(mut self, weekday: Weekday, text: &str) -> Result<OpeningHours, HoursError> {
        let mut spans = Vec::new();
        for span in text.split(',').map(str::trim).filter(|span| !span.is_empty()) {
            let (from, until) = minutes(span).ok_or_else(|| HoursError::Unreadable(span.into()))?;
            if until <= from {
                return Err(HoursError::Backwards(span.into()));
            }
            spans.push((from, until));
        }
        spans.sort_unstable();
        if spans.iter().zip(spans.iter().skip(1)).any(|(a, b)| b.0 < a.1) {
            return Err(HoursError::Overlap(text.into()));
        }
        if let Some(day) = self.week.get_mut(weekday.num_days_from_monday() as usize) {
            *day = spans;
        }
        Ok(self)
    }

    /// The same hours on the clocks of another zone.
    pub fn on_clocks_of(&self, zone: Tz) -> OpeningHours {
        OpeningHours { zone, ..self.clone() }
    }

    /// Where its clocks are.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The hours of a day, as minutes from midnight; none when it is closed.
    pub fn of_day(&self, date: NaiveDate) -> Vec<(u16, u16)> {
        let usual = self.week.get(date.weekday().num_days_from_monday() as usize);
        let end = match self.calendar.day_off(date).map(|day| day.part) {
            Some(Part::Whole) => 0,
            Some(Part::Half) => NOON,
            None => DAY,
        };
        let cut = usual.into_iter().flatten().map(|(from, until)| (*from, (*until).min(end)));
        cut.filter(|(from, until)| from < until).collect()
    }

    /// Whether it is open at a moment.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&self.zone);
        let minute = local.hour() * 60 + local.minute();
        self.of_day(local.date_naive())
            .iter()
            .any(|(from, until)| (u32::from(*from)..u32::from(*until)).contains(&minute))
    }

    /// When it next opens or closes after `at`; None when it doesn't for over a year.
    pub fn next_change(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let open = self.is_open(at);
        let first = at.with_timezone(&self.zone).date_naive();
        let last = first.checked_add_days(Days::new(AHEAD))?;
        days(first, last).find_map(|date| {
            let mut moments = self.moments(date);
            moments.sort_unstable();
            moments.into_iter().find(|moment| *moment > at && self.is_open(*moment) != open)
        })
    }

    /// When it is next open: `at` itself when it is open then.
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.is_open(at) { Some(at) } else { self.next_change(at) }
    }

    /// When so much open time has passed since `from`; None when that isn't so for over a year at a stretch.
    pub fn after_open(&self, from: DateTime<Utc>, open: TimeDelta) -> Option<DateTime<Utc>> {
        let (mut at, mut left) = (from, open);
        loop {
            at = self.next_open(at)?;
            let closes = self.next_change(at);
            match closes.filter(|closes| *closes - at < left) {
                Some(closes) => (at, left) = (closes, left - (closes - at)),
                None => return at.checked_add_signed(left),
            }
        }
    }

    /// The days of a period, its last one included, on which it is open at all.
    pub fn working_days(&self, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        days(first, last).filter(|date| !self.of_day(*date).is_empty())
    }

    /// Every moment of a day at which it may open or close.
    fn moments(&self, date: NaiveDate) -> Vec<DateTime<Utc>> {
        let ends = self.of_day(date).into_iter().flat_map(|(from, until)| [from, until]);
        let mut moments: Vec<DateTime<Utc>> = Vec::new();
        for minute in ends.chain([0]) {
            let midnight = date.and_time(NaiveTime::MIN);
            let Some(wall) = midnight.checked_add_signed(TimeDelta::minutes(minute.into())) else { continue };
            let mapped = self.zone.from_local_datetime(&wall);
            moments.extend(mapped.earliest().map(|t| t.to_utc()));
            moments.extend(mapped.latest().map(|t| t.to_utc()));
        }
        let on_day = |at: &DateTime<Utc>| at.with_timezone(&self.zone).date_naive() == date;
        moments.extend(self.clock_change(date).filter(on_day));
        moments
    }

    /// When the clocks change on a day, or a few hours before or after it.
    fn clock_change(&self, date: NaiveDate) -> Option<DateTime<Utc>> {
        // Around the day in UTC by more than any offset, to the minute.
        let noon = date.and_hms_opt(12, 0, 0)?.and_utc().timestamp() / 60;
        let offset = |minute: i64| {
            let at = DateTime::from_timestamp(minute * 60, 0)?;
            Some(chrono::Offset::fix(&self.zone.offset_from_utc_datetime(&at.naive_utc())).local_minus_utc())
        };
        let (mut before, mut after) = (noon - 27 * 60, noon + 27 * 60);
        let old = offset(before)?;
        if offset(after)? == old {
            return None;
        }
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if offset(middle)? == old { before = middle } else { after = middle }
        }
        DateTime::from_timestamp(after * 60, 0)
    }
}

/// From when until when, in minutes of the day, of a text such as `08:00-16:30`, `8-16.30` or, over midnight, `22:00-6:00`.
pub fn minutes(span: &str) -> Option<(u16, u16)> {
    let (from, until) = span.split_once(['-', '–'])?;
    Some((minute(from)?, minute(until)?))
}

/// `08:30` as a minute of the day; `24:00` is its end.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once([':', '.']).unwrap_or((text.trim(), "0"));
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let at = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && at <= DAY).then_some(at)
}
