//! Whether a directory's server tells of changes, for those who ask how it is doing.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Unwatched;

/// Whether changes in a directory are told between its scheduled runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Telling {
    /// They aren't to be: the configuration says so, or the directory is a file.
    Off,
    /// They aren't asked for now.
    Waiting {
        /// Why.
        why: Unwatched,
    },
    /// The server is being asked for the first time since it is this one.
    Connecting,
    /// The server tells of them.
    On {
        /// Since when, with no break that could have lost one.
        since: DateTime<Utc>,
        /// Which server.
        server: Box<str>,
    },
    /// The connection couldn't be made, or has broken. It is made anew after a pause that grows.
    Retrying {
        /// What went wrong.
        why: String,
        /// When the server is asked next.
        next: DateTime<Utc>,
    },
    /// The server doesn't offer it, and isn't asked again until another is read.
    NotOffered {
        /// What it said.
        why: String,
    },
}

impl fmt::Display for Unwatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unwatched::Unread => "nothing was read yet",
            Unwatched::OnlyWhole => "what changed can't be read alone there",
            Unwatched::Failed => "the last run failed",
            Unwatched::Held => "the last run is held",
            Unwatched::Undone => "a run was undone, and until it is settled every run reads everything",
        })
    }
}
