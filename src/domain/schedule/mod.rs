//! When a recurring job is due: a crontab line in a time zone.
//!
//! The line is Unix cron's (`line.rs` says what may stand in it); the `cron` crate walks the calendar.
//! It does so on the wall clock *as if it were UTC*, since it mishandles daylight saving time (it skips a
//! job in the missing hour, repeats it in the repeated one, and can answer with a time in the past). The
//! way from the wall clock to real time is ours, with two rules, as in Debian's cron(8):
//!
//! * **A time of day** (a line that names some hours, such as `30 2 * * *`) happens once a day. When the
//!   clocks go forward over it, it happens in the first minute after the gap. When they go back, it
//!   happens the first time that the clock shows it, and not again.
//! * **An interval** (a line for every hour of the day, such as `*/15 * * * *`) follows the clock as it
//!   goes: in the repeated hour it fires in both passes, so that a sync every quarter of an hour doesn't
//!   pause for five; in the missing hour there is nothing to make up for.

mod line;
#[cfg(test)]
mod tests;

use std::fmt;
use std::iter::successors;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

use line::Line;

pub use line::ScheduleError;

/// A crontab line together with the time zone whose clock it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    zone: Tz,
    /// A wall time belongs to the schedule when it belongs to any of these.
    calendars: Vec<cron::Schedule>,
    every_hour: bool,
}

impl Schedule {
    /// Reads a crontab line of five fields (minute, hour, day of month, month, weekday) or a shorthand
    /// such as `@hourly`, for the wall clock of `zone`.
    ///
    /// # Errors
    /// [`ScheduleError`] names the field that is wrong and what may stand there. A line that can never
    /// fire, such as the 31st of February, is an error too.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let line = Line::parse(text)?;
        let schedule = Self {
            text: text.trim().to_owned(),
            zone,
            calendars: line.calendars()?,
            every_hour: line.is_every_hour(),
        };
        if schedule.next_wall(DateTime::<Utc>::UNIX_EPOCH.naive_utc()).is_none() {
            return Err(ScheduleError::NeverFires { line: schedule.text });
        }
        Ok(schedule)
    }

    /// The first time after `now` at which this schedule fires; always later than `now`.
    ///
    /// `None` only from the year 2100 on, where the calendar of the `cron` crate ends.
    #[must_use]
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = now.with_timezone(&self.zone).naive_local();
        let first_pass = self.walls_after(local).filter_map(|wall| self.first_pass(wall)).find(|t| *t > now);
        if !self.every_hour {
            return first_pass;
        }
        // Seen from the first pass of a repeated hour, the second one begins on an *earlier* wall time.
        let start = match self.zone.from_local_datetime(&local).map(|t| t.to_utc()) {
            MappedLocalTime::Ambiguous(first, second) => {
                local.checked_sub_signed(second - first).unwrap_or(local)
            }
            _ => local,
        };
        let second_pass = self.walls_after(start).filter_map(|wall| self.last_pass(wall)).find(|t| *t > now);
        first_pass.into_iter().chain(second_pass).min()
    }

    /// The line as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The time zone whose wall clock the line speaks of.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    fn walls_after(&self, wall: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        successors(self.next_wall(wall), |wall| self.next_wall(*wall))
    }

    fn next_wall(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let after = wall.and_utc();
        self.calendars
            .iter()
            .filter_map(|calendar| calendar.after(&after).next())
            .map(|t| t.naive_utc())
            .min()
    }

    /// When the clock shows `wall` for the first time. For a wall time that a gap skips: the end of the
    /// gap for a time of day, never for an interval.
    fn first_pass(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        if let Some(first) = self.zone.from_local_datetime(&wall).earliest() {
            return Some(first.to_utc());
        }
        if self.every_hour {
            return None;
        }
        Some(GapInfo::new(&wall, &self.zone)?.end?.to_utc())
    }

    /// When the clock shows `wall` for the last time.
    fn last_pass(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        self.zone.from_local_datetime(&wall).latest().map(|t| t.to_utc())
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.zone)
    }
}
