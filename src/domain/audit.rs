//! Who did what, when and why: one entry of the log that is only ever added to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who acts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Budkavle itself: a schedule, a policy.
    System,
    /// A person on this machine, by the operating system's word (`SO_PEERCRED`).
    Local {
        /// The user's number.
        uid: u32,
        /// The user's name, or the number when the machine knows no name.
        name: Box<str>,
    },
    /// Something that tells of incidents by itself: a status page that is read, a monitoring system, a job.
    Source(
        /// What it is, and what it is called: `feed cloud`.
        Box<str>,
    ),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actor::System => f.write_str("budkavle"),
            Actor::Local { name, .. } | Actor::Source(name) => f.write_str(name),
        }
    }
}

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Actor,
    /// What was done, in a few fixed words (`outage opened`).
    pub action: Box<str>,
    /// To what (`outage 12`).
    pub object: Box<str>,
    /// The object before, as JSON. None when there was none.
    pub before: Option<Box<str>>,
    /// The object after, as JSON. None when there is none.
    pub after: Option<Box<str>>,
    /// The reason that was given.
    pub why: Option<Box<str>>,
}
