//! When an event repeats (RFC 5545 §3.3.10).
//!
//! The crate `rrule` goes wrong on days on which the clocks change (its issues 109 and 115). So it never sees a zone: it is given the time on
//! the wall as if it were UTC, and what it says is put on the wall again.

use chrono::{NaiveDateTime, TimeDelta, TimeZone, Utc};
use rrule::{Frequency, RRule, Unvalidated};

use super::Window;
use super::time::When;

const OFTEN: &str = "repeats more often than daily, which nobody's absence does";
/// So many repetitions of one event are read: a thousand, and those of a year before the window.
const MOST: u16 = 1_400;

/// So many days are looked at for all rules of a calendar; a million take about a second.
const MOST_DAYS: i64 = 3_000_000;
/// So many days, or more, `rrule` looks at before it gives up to find anything.
const IN_VAIN: i64 = 100_000;

/// How much work the rules of one calendar were so far, in days that were looked at.
#[derive(Default)]
pub(super) struct Effort(i64);

impl Effort {
    fn spend(&mut self, days: i64) -> Result<(), String> {
        self.0 = self.0.saturating_add(days.max(0));
        if self.0 > MOST_DAYS {
            return Err("is one rule too many that began long ago; publish a shorter period".into());
        }
        Ok(())
    }
}

/// The starts within the window, and a little around it.
pub(super) fn starts(
    rule: &str,
    start: &When,
    window: Window,
    effort: &mut Effort,
) -> Result<Vec<NaiveDateTime>, String> {
    let (rule, until) = without_until(rule, start)?;
    let parsed: RRule<Unvalidated> =
        rule.parse().map_err(|e| format!("is no rule that can be followed: {e}"))?;
    if matches!(parsed.get_freq(), Frequency::Hourly | Frequency::Minutely | Frequency::Secondly) {
        return Err(OFTEN.into());
    }
    // Each of these lists multiplies what comes of a day, up to every second of it.
    if [parsed.get_by_hour(), parsed.get_by_minute(), parsed.get_by_second()].iter().any(|by| by.len() > 1) {
        return Err(OFTEN.into());
    }
    // As far as a zone can be off, and an event be long.
    let earliest = window.from.naive_utc() - TimeDelta::days(370);
    let last = until.unwrap_or(NaiveDateTime::MAX).min(window.until.naive_utc() + TimeDelta::days(2));
    if last < earliest || last < start.wall {
        return Ok(Vec::new());
    }
    let first = nearer(&parsed, start.wall, earliest);
    let as_utc = |wall: NaiveDateTime| rrule::Tz::UTC.from_utc_datetime(&wall);
    let set = parsed.build(as_utc(first)).map_err(|e| format!("is no rule that can be followed: {e}"))?;
    let set = set.limit();
    effort.spend((last - first).num_days())?;
    let found = set.clone().after(as_utc(earliest)).before(as_utc(last)).all(MOST);
    if found.dates.len() >= usize::from(MOST) {
        return Err(format!("comes true more than {MOST} times in these years"));
    }
    // It may have ended, or come true in other years only, as each 29 February; one that never does is a mistake.
    match until {
        _ if !found.dates.is_empty() => {}
        Some(_) => effort.spend(IN_VAIN)?,
        None if !set.all(1).dates.is_empty() => {}
        None => return Err("never comes true; take the event out, or mend its rule".into()),
    }
    Ok(found.dates.iter().map(|at| at.with_timezone(&Utc).naive_utc()).collect())
}

/// A later start from which a rule without a count goes on just so: one that began in 1970 needn't be followed day by day.
fn nearer(rule: &RRule<Unvalidated>, start: NaiveDateTime, wanted: NaiveDateTime) -> NaiveDateTime {
    let every = i64::from(rule.get_interval().max(1));
    let step = match rule.get_freq() {
        Frequency::Daily => every,
        Frequency::Weekly => every * 7,
        _ => return start,
    };
    if rule.get_count().is_some() || wanted <= start {
        return start;
    }
    let steps = (wanted - start).num_days() / step;
    start.checked_add_signed(TimeDelta::days(steps * step)).unwrap_or(start)
}

/// The rule without its end, and the end on the wall: it is in UTC even when the event isn't.
fn without_until(rule: &str, start: &When) -> Result<(String, Option<NaiveDateTime>), String> {
    let mut until = None;
    let mut parts = Vec::new();
    for part in rule.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("UNTIL") => {
                let wrong = || format!("ends at {value}, which is no time");
                let utc = value.strip_suffix('Z');
                let time = NaiveDateTime::parse_from_str(utc.unwrap_or(value), "%Y%m%dT%H%M%S").ok();
                let day = chrono::NaiveDate::parse_from_str(value, "%Y%m%d")
                    .ok()
                    .and_then(|d| d.and_hms_opt(23, 59, 59));
                let time = match (time, utc) {
                    (Some(time), Some(_)) => start.zone.wall(time.and_utc()),
                    (Some(time), None) => time,
                    (None, _) => day.ok_or_else(wrong)?,
                };
                until = Some(time);
            }
            _ => parts.push(part.to_ascii_uppercase()),
        }
    }
    Ok((parts.join(";"), until))
}
