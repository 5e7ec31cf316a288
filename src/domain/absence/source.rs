//! Calendars that absences are taken from by a schedule.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::SourceName;

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
