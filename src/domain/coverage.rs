//! Whether somebody is there: on each day of a period, for each unit and role.
//!
//! The rule is that of [`contacts::resolve`](super::contacts::resolve): the nearest unit where anybody counts. A day counts by its worst moment
//! within the hours that matter. What is worked out is who counts at each unit between one change (an absence that begins, an account that
//! ends) and the next; what is above shows through where nobody does.

mod directories;
mod subjects;
mod timeline;
pub mod watch;

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::contacts::Skipped;
use super::ids::UserId;
use super::organisation::Organisation;
use super::roles::{LOCAL, Pick, Role, RoleName, Scope};
use super::subject;
use super::tree::{self, Index};
pub use directories::{DirectoryCover, cover_directories};
pub use subjects::{SubjectCover, cover_subjects};

/// A period is no longer than so many days.
pub const LONGEST: i64 = 750;
/// The hours of a working day that are looked at, first and last.
const WORK: (u32, u32) = (8, 16);
/// Those of a day on which work ends at noon.
const HALF: (u32, u32) = (8, 12);

/// From a moment on, and until another.
type Window = (DateTime<Utc>, DateTime<Utc>);

/// Whether a day is worked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Day {
    /// The organisation works.
    Work,
    /// It works until noon.
    Half,
    /// Weekend, or a holiday.
    Closed,
}

/// The days that are asked about, in the organisation's time zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Period {
    zone: Tz,
    days: Vec<(NaiveDate, Day)>,
}

/// Why a period can't be looked at.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPeriod {
    /// It ends before it begins.
    #[error("the period ends ({last}) before it begins ({first})")]
    Backwards {
        /// The first day.
        first: NaiveDate,
        /// The last day.
        last: NaiveDate,
    },
    /// It is too long.
    #[error("a period of {0} days is too long; ask for {LONGEST} at most")]
    TooLong(i64),
    /// It is too far away.
    #[error("the year {0} is too far away")]
    TooFar(i32),
}

impl Period {
    /// From `first` to `last`, both included. `day` tells which days are worked.
    pub fn new(
        first: NaiveDate,
        last: NaiveDate,
        zone: Tz,
        day: impl Fn(NaiveDate) -> Day,
    ) -> Result<Period, InvalidPeriod> {
        if let Some(far) =
            [first, last].iter().map(Datelike::year).find(|year| !(1970..10_000).contains(year))
        {
            return Err(InvalidPeriod::TooFar(far));
        }
        let length = (last - first).num_days() + 1;
        if length < 1 {
            return Err(InvalidPeriod::Backwards { first, last });
        }
        if length > LONGEST {
            return Err(InvalidPeriod::TooLong(length));
        }
        let days = first.iter_days().take_while(|date| *date <= last).map(|date| (date, day(date)));
        Ok(Period { zone, days: days.collect() })
    }

    /// Every day, and whether it is worked.
    pub fn days(&self) -> &[(NaiveDate, Day)] {
        &self.days
    }

    /// The moments of each day that matter, the end not among them; None on a day that isn't judged.
    fn windows(&self, always: bool) -> Vec<(NaiveDate, Option<Window>)> {
        let window = |(date, day): &(NaiveDate, Day)| {
            let hours = |(first, last)| (self.at(*date, first), self.at(*date, last));
            let window = match (always, day) {
                (true, _) => Some((self.at(*date, 0), self.at(date.succ_opt().unwrap_or(*date), 0))),
                (false, Day::Work) => Some(hours(WORK)),
                (false, Day::Half) => Some(hours(HALF)),
                (false, Day::Closed) => None,
            };
            (*date, window.filter(|(from, until)| from < until))
        };
        self.days.iter().map(window).collect()
    }

    /// The first moment at or after an hour of a day that the clocks of the zone show.
    fn at(&self, date: NaiveDate, hour: u32) -> DateTime<Utc> {
        let naive = date.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
        let shown =
            |later: i64| self.zone.from_local_datetime(&(naive + TimeDelta::minutes(later))).earliest();
        // Clocks skip an hour in spring; one island skipped a day.
        let shown = (0..=48).find_map(|halves| shown(halves * 30));
        shown.map_or_else(|| naive.and_utc(), |time| time.to_utc())
    }
}

/// A role that is looked at, and how many should be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted<'a> {
    /// The role.
    pub role: &'a Role,
    /// So many; at least 1.
    pub minimum: u16,
}

impl<'a> Wanted<'a> {
    /// A role with its minimum, or with 1.
    pub fn of(role: &'a Role) -> Wanted<'a> {
        Wanted { role, minimum: role.minimum.max(1) }
    }

    /// The roles that are looked at when none is named: those with a minimum, the local contacts, and those of reports, if there are any.
    pub fn usual(organisation: &'a Organisation) -> Vec<Wanted<'a>> {
        let usual = |role: &&Role| match role.scope {
            Scope::Subject => !organisation.subjects.is_empty() && subject::is_expected(role),
            _ => role.minimum > 0 || &*role.name.0 == LOCAL,
        };
        organisation.roles.iter().filter(usual).map(Wanted::of).collect()
    }
}

/// How many are there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody of the role: only its fallback answers.
    Nobody,
    /// A single person.
    One,
    /// Several, but fewer than the minimum.
    Few,
    /// Enough.
    Enough,
}

impl State {
    fn of(count: usize, minimum: u16) -> State {
        match count {
            0 => State::Nobody,
            1 => State::One,
            n if n < usize::from(minimum) => State::Few,
            _ => State::Enough,
        }
    }
}

/// Somebody who is there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Person {
    /// Who.
    pub name: Box<str>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// Whose deputy this is.
    pub deputy_for: Option<Box<str>>,
}

/// Who is there between one change and the next.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct There {
    /// The unit whose holders they are; None when nobody is there, and for a subject's own contacts.
    pub at: Option<Index>,
    /// Those who count.
    pub people: Vec<Person>,
    /// When nobody is there: the nearest who would be, and why they aren't.
    pub missing: Vec<Skipped>,
}

/// Days in a row on which the same people are there, or nobody for the same reasons. Days that aren't judged don't end it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
    /// How many are there.
    pub state: State,
    /// Whether that is fewer than the minimum.
    pub short: bool,
    /// Who is there, at the worst moment of the first day.
    pub there: Arc<There>,
}

/// How a role is covered everywhere.
#[derive(Clone, Debug)]
pub struct RoleCover {
    /// Which role.
    pub role: RoleName,
    /// So many should be there.
    pub minimum: u16,
    /// Whether every day is judged.
    pub always: bool,
    /// Whether it is looked at for each unit, and not for the organisation as a whole.
    pub per_unit: bool,
    /// Units where nobody holds the role share the row of the unit above.
    rows: Vec<Vec<Run>>,
    /// Where to begin: the root is no unit of a directory, and isn't looked at when nobody belongs to it.
    begin: Index,
    row_of: Vec<u32>,
}

impl RoleCover {
    /// The days of a unit, in order.
    pub fn of_unit(&self, place: Index) -> &[Run] {
        let row = self.row_of(place).and_then(|row| self.rows.get(row as usize));
        row.map_or(&[], Vec::as_slice)
    }

    /// Which row a unit has: units with the same one are covered in the same way.
    pub fn row_of(&self, place: Index) -> Option<u32> {
        self.row_of.get(place as usize).copied()
    }

    /// Whether nobody holds the role at the unit itself, so that it is with it as with the unit above.
    pub fn as_above(&self, tree: &tree::UnitTree, place: Index) -> bool {
        let above = tree.parent(place).filter(|above| self.places().contains(above));
        above.is_some_and(|above| self.row_of(above) == self.row_of(place))
    }

    /// Whether the minimum isn't met at a unit on some day.
    pub fn is_short(&self, place: Index) -> bool {
        self.of_unit(place).iter().any(|run| run.short)
    }

    /// The units that are looked at.
    pub fn places(&self) -> Range<Index> {
        let all = if self.per_unit { self.row_of.len() } else { 1 };
        self.begin..Index::try_from(all).unwrap_or(Index::MAX)
    }
}

/// Works out who is there in a role on each day, everywhere. A role of subjects has [`cover_subjects`], one of directories
/// [`cover_directories`].
pub fn cover(organisation: &Organisation, wanted: Wanted<'_>, period: &Period) -> RoleCover {
    let Wanted { role, minimum } = wanted;
    let windows = period.windows(role.always);
    let judged = || windows.iter().filter_map(|(_, window)| *window);
    let span = judged().next().zip(judged().next_back()).map(|((from, _), (_, until))| (from, until));
    let per_unit = role.pick == Pick::Nearest;
    let mut cover = RoleCover {
        role: role.name.clone(),
        minimum,
        always: role.always,
        per_unit,
        rows: Vec::new(),
        begin: if per_unit && organisation.count_users(tree::ROOT, false) == 0 { 1 } else { 0 },
        row_of: Vec::with_capacity(organisation.tree.len()),
    };
    let Some((from, until)) = span else { return cover };
    let mut lines = Vec::new();
    let holders = organisation.holders(&role.name);
    let places = if per_unit { organisation.tree.indices() } else { tree::ROOT..tree::ROOT + 1 };
    for place in places {
        let above =
            organisation.tree.parent(place).and_then(|above| cover.row_of.get(above as usize)).copied();
        let row = match above {
            Some(above) if holders.at(place).is_empty() => above,
            _ => {
                let own = timeline::own(organisation, role, place, from, until);
                let above: Option<&Vec<timeline::Piece>> = above.and_then(|row| lines.get(row as usize));
                let line = above.map_or_else(|| own.clone(), |above| timeline::over(&own, above));
                cover.rows.push(runs(&line, &windows, minimum));
                lines.push(line);
                u32::try_from(lines.len() - 1).unwrap_or(u32::MAX)
            }
        };
        cover.row_of.push(row);
    }
    cover
}

/// The days of a line, each by its worst moment, as runs.
fn runs(line: &[timeline::Piece], windows: &[(NaiveDate, Option<Window>)], minimum: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut rest = line;
    for (date, window) in windows {
        let Some((from, until)) = window else { continue };
        // What ended before this day is done with.
        while let [_, next, ..] = rest
            && next.from <= *from
        {
            rest = rest.split_first().map_or(rest, |(_, rest)| rest);
        }
        let today = rest.iter().take_while(|piece| piece.from < *until);
        // Of several moments that are as bad, the first.
        let Some(worst) = today.min_by_key(|piece| piece.there.people.len()) else { continue };
        match runs.last_mut().filter(|run| run.there == worst.there) {
            Some(run) => run.last = *date,
            None => {
                let count = worst.there.people.len();
                runs.push(Run {
                    first: *date,
                    last: *date,
                    state: State::of(count, minimum),
                    short: count < usize::from(minimum),
                    there: Arc::clone(&worst.there),
                });
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests;
