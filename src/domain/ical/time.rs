//! Dates, times, spans and zones of a calendar (RFC 5545 §3.3).

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use windows_timezones::WindowsTimezone;

use super::lines::Line;
use super::zone::{Zone, Zones};
use crate::domain::table::LineError;

/// A time on the clocks of a zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct When {
    pub(super) wall: NaiveDateTime,
    pub(super) zone: Zone,
    pub(super) whole_day: bool,
}

impl When {
    /// So much later on the same clocks.
    pub(super) fn after(&self, span: TimeDelta) -> When {
        When { wall: self.wall.checked_add_signed(span).unwrap_or(self.wall), ..self.clone() }
    }
}

/// How long something takes (§3.3.6): days on the clocks, which needn't have 24 hours, and then hours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    days: TimeDelta,
    exact: TimeDelta,
}

impl Span {
    /// So many days.
    pub(super) fn days(days: i64) -> Span {
        Span { days: TimeDelta::days(days), exact: TimeDelta::zero() }
    }

    /// When what begins at `start` ends.
    pub(super) fn end(self, start: &When) -> Option<DateTime<Utc>> {
        instant(&start.after(self.days))?.checked_add_signed(self.exact)
    }
}

/// The moment: in the hour that comes twice the first; in one that the clocks skip, the first one after it.
pub(super) fn instant(when: &When) -> Option<DateTime<Utc>> {
    when.zone.instant(when.wall)
}

/// A date, or a time: in UTC, in the zone that the line names, or in the usual one.
pub(super) fn when(line: &Line, value: &str, zones: &Zones) -> Result<When, LineError> {
    let value = value.trim();
    let wrong = || line.wrong("is no time; 20260706, 20260706T080000 and 20260706T060000Z are");
    let zone = match line.parameter("TZID") {
        Some(name) if !value.ends_with('Z') => zones.named(name)
            .ok_or_else(|| line.wrong(format!("is in the time zone \"{name}\", which isn't known: it is neither a name of the IANA database nor of Windows, and the calendar doesn't describe it (VTIMEZONE)")))?,
        _ => zones.usual.clone(),
    };
    if let Ok(day) = NaiveDate::parse_from_str(value, "%Y%m%d") {
        return Ok(When {
            wall: within(day.and_time(NaiveTime::MIN)).ok_or_else(wrong)?,
            zone,
            whole_day: true,
        });
    }
    let (value, zone) = match value.strip_suffix('Z') {
        Some(value) => (value, Zone::Known(Tz::UTC)),
        None => (value, zone),
    };
    let wall = wall_of(value).and_then(within);
    Ok(When { wall: wall.ok_or_else(wrong)?, zone, whole_day: false })
}

/// What a time says that the clocks show.
pub(super) fn wall_of(value: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(value.trim(), "%Y%m%dT%H%M%S").ok()
}

/// Within the years that a calendar can mean.
fn within(wall: NaiveDateTime) -> Option<NaiveDateTime> {
    use chrono::Datelike;
    (1900..2200).contains(&wall.year()).then_some(wall)
}

/// A zone by its name in the IANA database or in Windows, or by what some programs write before such a name.
pub(super) fn zone_named(name: &str) -> Option<Tz> {
    let name = name.trim();
    let known = |name: &str| {
        let windows = || WindowsTimezone::from_str(name).ok().map(Tz::from);
        name.parse().ok().or_else(windows)
    };
    // Mozilla's "/freeassociation.sourceforge.net/Europe/Stockholm".
    let ends = || {
        let parts: Vec<&str> = name.split('/').collect();
        let two = parts.get(parts.len().checked_sub(2)?..)?.join("/");
        two.parse().ok()
    };
    known(name).or_else(ends)
}

/// `P1W`, `PT8H`, `P1DT2H30M` (§3.3.6), up to ten years.
pub(super) fn duration(line: &Line, value: &str) -> Result<Span, LineError> {
    let wrong = || line.wrong("is no duration; P1D, PT8H30M and P2W are");
    let text = value.trim().trim_start_matches('+');
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or_else(wrong)?;
    let (mut days, mut exact, mut clock) = (0_i64, 0_i64, false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (rest, clock) = (after, true);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let unit = after.chars().next().ok_or_else(wrong)?;
        let seconds = match (unit, clock) {
            ('W', false) => 604_800,
            ('D', false) => 86_400,
            ('H', true) => 3_600,
            ('M', true) => 60,
            ('S', true) => 1,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let total = if clock { &mut exact } else { &mut days };
        *total = number.checked_mul(seconds).and_then(|n| total.checked_add(n)).ok_or_else(wrong)?;
        rest = after.get(unit.len_utf8()..).unwrap_or_default();
    }
    let limit = 10 * 366 * 86_400;
    if days > limit || exact > limit {
        return Err(wrong());
    }
    Ok(Span { days: TimeDelta::seconds(days), exact: TimeDelta::seconds(exact) })
}
