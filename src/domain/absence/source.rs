//! Calendars that absences are taken from by a schedule.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Absence;
use crate::domain::ids::SourceName;

/// So few absences go without a word.
const FEW: usize = 10;

/// What was last taken of a calendar; the absences themselves are among all others, by their [`Origin`](super::Origin).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenCalendar {
    /// Which.
    pub name: SourceName,
    /// When it was read.
    pub taken: DateTime<Utc>,
    /// A digest of where it was taken from, whose it was and what counted: when these differ, it isn't enough that the server says that nothing
    /// has changed.
    pub terms: u64,
    /// The server's `ETag` (RFC 9110 §8.8.3).
    pub etag: Option<Box<str>>,
    /// The server's `Last-Modified` (RFC 9110 §8.8.2), as it was sent.
    pub modified: Option<Box<str>>,
    /// How many people it named who aren't known.
    pub unknown: u32,
}

/// Whether what a calendar says may be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may.
    Take,
    /// It says no absence any more that runs or is to come, where it said many: it may show less than it did, or another calendar.
    Emptied {
        /// How many would go.
        would_go: usize,
    },
}

/// Judges what a calendar says at `now` by what it said before.
pub fn judge<'a>(
    before: impl IntoIterator<Item = &'a Absence>,
    after: &[Absence],
    now: DateTime<Utc>,
) -> Verdict {
    let would_go = before.into_iter().filter(|absence| now < absence.until).count();
    let emptied = would_go > FEW && after.iter().all(|absence| absence.until <= now);
    if emptied { Verdict::Emptied { would_go } } else { Verdict::Take }
}
