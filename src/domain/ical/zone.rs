//! The clocks of a calendar: those of a zone that is known, or of one that only the calendar itself describes (RFC 5545 §3.6.5).

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::lines::{Component, Line, VTimeZone};
use super::repeat::{self, Effort};
use super::time::{When, wall_of, zone_named};
use super::{HOPELESS, Window};

/// So many zones are read of a calendar.
const MOST_ZONES: usize = 10;
/// So many observances are read of each.
const MOST_OBSERVANCES: usize = 50;
/// A zone whose clocks change more often isn't read: each moment in it is looked up among its changes.
const MOST_CHANGES: usize = 2_000;

/// Which clocks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Zone {
    Known(Tz),
    Own(Arc<Own>),
}

/// A zone as a calendar describes it.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Own {
    /// Before the first change, in seconds east of UTC.
    first: i32,
    /// In order of time.
    changes: Vec<Change>,
}

/// The clocks are put from one offset to another.
#[derive(PartialEq, Eq, Debug)]
struct Change {
    at: DateTime<Utc>,
    from: i32,
    to: i32,
}

impl Zone {
    /// One whose clocks never change.
    fn fixed(offset: i32) -> Zone {
        Zone::Own(Arc::new(Own { first: offset, changes: Vec::new() }))
    }

    /// The moment: in the hour that comes twice the first; in one that the clocks skip, the first one after it.
    pub(super) fn instant(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self {
            Zone::Known(zone) => (0..=4 * 60).find_map(|minutes| {
                let wall = wall.checked_add_signed(TimeDelta::minutes(minutes))?;
                zone.from_local_datetime(&wall).earliest().map(|at| at.to_utc())
            }),
            Zone::Own(own) => {
                // The last change that the wall has seen on the clocks from before it.
                let seen = |c: &&Change| shifted(c.at, c.from).is_some_and(|onset| onset <= wall);
                let last = own.changes.iter().rev().find(seen);
                let offset = last.map_or(own.first, |change| change.to);
                let at = wall.checked_sub_signed(TimeDelta::seconds(offset.into()))?.and_utc();
                Some(last.map_or(at, |change| at.max(change.at)))
            }
        }
    }

    /// What the clocks show.
    pub(super) fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Zone::Known(zone) => at.with_timezone(zone).naive_local(),
            Zone::Own(own) => {
                let seen = own.changes.partition_point(|change| change.at <= at);
                let last = seen.checked_sub(1).and_then(|last| own.changes.get(last));
                shifted(at, last.map_or(own.first, |change| change.to)).unwrap_or(at.naive_utc())
            }
        }
    }
}

fn shifted(at: DateTime<Utc>, offset: i32) -> Option<NaiveDateTime> {
    at.naive_utc().checked_add_signed(TimeDelta::seconds(offset.into()))
}

/// All zones that a calendar may mean.
pub(super) struct Zones {
    /// Where none is named.
    pub(super) usual: Zone,
    own: HashMap<String, Zone>,
}

impl Zones {
    /// Reads those that a calendar describes and that aren't known by their names.
    pub(super) fn new(usual: Tz, described: &[VTimeZone], window: Window, effort: &mut Effort) -> Zones {
        let (mut own, mut failed) = (HashMap::new(), 0);
        for zone in described.iter().filter(|zone| zone_named(&zone.name).is_none()).take(MOST_ZONES) {
            match own_zone(&zone.observances, window, effort) {
                Some(read) => drop(own.insert(zone.name.trim().to_owned(), Zone::Own(Arc::new(read)))),
                None => failed += 1,
            }
            // To find that a rule never comes true takes a while.
            if failed >= HOPELESS {
                break;
            }
        }
        Zones { usual: Zone::Known(usual), own }
    }

    /// A zone by its name; None when neither the world nor the calendar knows it.
    pub(super) fn named(&self, name: &str) -> Option<Zone> {
        zone_named(name).map(Zone::Known).or_else(|| self.own.get(name.trim()).cloned())
    }
}

fn own_zone(observances: &[Component], window: Window, effort: &mut Effort) -> Option<Own> {
    let mut changes = Vec::new();
    for observance in observances.iter().take(MOST_OBSERVANCES) {
        changes.extend(changes_of(observance, window, effort)?);
        if changes.len() > MOST_CHANGES {
            return None;
        }
    }
    changes.sort_by_key(|change| change.at);
    let first = changes.first()?.from;
    Some(Own { first, changes })
}

fn changes_of(observance: &Component, window: Window, effort: &mut Effort) -> Option<Vec<Change>> {
    let find = |name: &str| observance.lines.iter().find(|line| line.name == name);
    let (from, to) = (offset(find("TZOFFSETFROM")?)?, offset(find("TZOFFSETTO")?)?);
    let zone = Zone::fixed(from);
    let rule = find("RRULE");
    let start = wall_of(&find("DTSTART")?.value)?;
    // Exchange lets its rules begin in 1601.
    let start = if rule.is_some() && start.year() < 1970 { start.with_year(1970)? } else { start };
    let mut onsets = match rule {
        Some(rule) => {
            let start = When { wall: start, zone: zone.clone(), whole_day: false };
            repeat::starts(&rule.value, &start, window, effort).ok()?
        }
        None => vec![start],
    };
    let dates = observance.lines.iter().filter(|line| line.name == "RDATE");
    onsets.extend(dates.flat_map(|line| line.value.split(',')).filter_map(wall_of));
    let change = |wall| Some(Change { at: zone.instant(wall)?, from, to });
    Some(onsets.into_iter().filter_map(change).collect())
}

/// `+0100`, `-0330`, `+001520` (§3.3.14), less than a day, in seconds.
fn offset(line: &Line) -> Option<i32> {
    let text = line.value.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |n: usize| digits.get(n..n + 2).map_or(Some(0), |two| two.parse::<i32>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    (hours < 24 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}
