//! What the system says of an outage by itself. Each reader gets it in their language and by their clocks; beside it stands the same in English, by the organisation's.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{State, Update};
use crate::domain::audit::Actor;

/// What it says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// That it stands so now.
    Now(State),
    /// That maintenance was moved.
    Moved {
        /// When it was to begin before.
        from: DateTime<Utc>,
        /// When it was to end before.
        until: DateTime<Utc>,
    },
    /// That it begins soon.
    Reminder,
    /// That it has begun.
    Begun,
    /// That it is done.
    Done,
    /// That its time is over.
    DoneAsPlanned,
    /// That it won't be carried out.
    Cancelled,
    /// That it takes longer than planned.
    Late,
    /// That a job gives no sign of life.
    NoSign {
        /// What people call the job.
        job: Box<str>,
        /// How often there should be one, in seconds.
        every: u64,
        /// When the last one came.
        last: Option<DateTime<Utc>>,
        /// Since when there should have been one.
        since: DateTime<Utc>,
    },
    /// That a job gives one again.
    Sign {
        /// What people call the job.
        job: Box<str>,
        /// When the one before came.
        before: Option<DateTime<Utc>>,
    },
    /// That a vendor's status page doesn't list it any more.
    Unlisted {
        /// What the page is called here.
        feed: Box<str>,
    },
}

impl Said {
    /// In English, by these clocks.
    pub fn text(&self, zone: Tz) -> String {
        let time = |at: &DateTime<Utc>| at.with_timezone(&zone).format("%-d %b %Y %H:%M %Z");
        match self {
            Said::Now(state) => format!("Now {state}."),
            Said::Moved { from, until } => {
                format!("It has been moved; before, it was {} to {}.", time(from), time(until))
            }
            Said::Reminder => "This is a reminder.".to_owned(),
            Said::Begun => "It has begun.".to_owned(),
            Said::Done => "It is done.".to_owned(),
            Said::DoneAsPlanned => "It is done, as planned.".to_owned(),
            Said::Cancelled => "It is cancelled.".to_owned(),
            Said::Late => {
                "It should have been done by now, and isn't yet: it takes longer than planned.".to_owned()
            }
            Said::NoSign { job, every, last, since } => {
                let every = humantime::format_duration(Duration::from_secs(*every));
                let waited = match last {
                    Some(last) => format!("The last one came {}.", time(last)),
                    None => format!("None has come since {}, when it was first waited for.", time(since)),
                };
                format!("{job} should give a sign of life every {every}. {waited}")
            }
            Said::Sign { job, before } => {
                let before = match before {
                    Some(before) => format!("The one before came {}.", time(before)),
                    None => "There had been none before.".to_owned(),
                };
                format!("A sign of life has come from {job}. {before}")
            }
            Said::Unlisted { feed } => format!("The feed {feed} doesn't list it any more."),
        }
    }
}

/// An update as it was kept before it was kept what the system says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlainUpdate {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: Actor,
    /// Where it stands from then on.
    pub state: State,
    /// What there is to say.
    pub text: Box<str>,
}

impl From<PlainUpdate> for Update {
    fn from(PlainUpdate { at, by, state, text }: PlainUpdate) -> Update {
        Update { at, by, state, text, said: None }
    }
}
