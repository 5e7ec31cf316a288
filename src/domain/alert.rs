//! When the AD-sync contacts of a directory are told that its sync is in trouble, and when that it is well again.
//!
//! A pure decision over what the runs came to and the time. It works from the last good data and needs no directory.

pub mod aside;
pub mod lasting;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use self::aside::{Aside, Growth};
use super::ids::RunId;
use super::run::{Outcome, Run, Trigger};

/// When to tell, and how often again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// So many failed runs in a row alert; at least 1.
    pub after_failures: u32,
    /// Data older than this alerts, whatever the runs say.
    pub stale_after: TimeDelta,
    /// The pauses before the first, second … reminder; the last one repeats. Empty: no reminders.
    pub remind_after: Vec<TimeDelta>,
    /// How many more objects set aside are told.
    pub growth: Growth,
}

/// What holds where nothing else is said.
impl Default for Policy {
    fn default() -> Policy {
        Policy {
            after_failures: 3,
            stale_after: TimeDelta::hours(6),
            remind_after: vec![TimeDelta::hours(1), TimeDelta::hours(4), TimeDelta::days(1)],
            growth: Growth::default(),
        }
    }
}

/// How a directory's sync is doing: kept beside the data and brought forward by every run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Health {
    /// Since when the directory is known; data that never came ages from here.
    pub known_since: DateTime<Utc>,
    /// When a run last ended well.
    pub last_good: Option<DateTime<Utc>>,
    /// How many runs in a row have failed.
    pub failures: u32,
    /// When the first of them ended.
    pub failing_since: Option<DateTime<Utc>>,
    /// What the last failed run said.
    pub last_error: Option<Box<str>>,
    /// The run that waits for approval.
    pub held: Option<RunId>,
    /// The alert that is open.
    pub alert: Option<OpenAlert>,
    /// How many objects are set aside, and what was told of that.
    #[serde(default)]
    pub aside: Aside,
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A run waits for approval.
    Held,
    /// Runs fail.
    Failing,
    /// The data is old, though runs may not even have been tried.
    Stale,
}

/// An alert that was given and is not over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenAlert {
    /// What it is about.
    pub trouble: Trouble,
    /// When it was first told.
    pub since: DateTime<Utc>,
    /// When it was last told.
    pub last_told: DateTime<Utc>,
    /// How many reminders followed.
    pub reminders: u32,
}

/// Why nothing is told now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quiet {
    /// All is well.
    Well,
    /// Fewer failures in a row than the policy wants.
    NotYet,
    /// It was told, and the next reminder isn't due.
    Told,
}

/// What is to be told now, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing.
    Quiet(Quiet),
    /// Something new is wrong.
    Alert(Trouble),
    /// It is still wrong; the how-manieth reminder this is, from 1.
    Remind(Trouble, u32),
    /// It is well again.
    Recovered {
        /// What was wrong.
        trouble: Trouble,
        /// Since when it had been told.
        since: DateTime<Utc>,
    },
}

impl Health {
    /// A directory nothing has been read from yet.
    pub fn new(now: DateTime<Utc>) -> Health {
        Health {
            known_since: now,
            last_good: None,
            failures: 0,
            failing_since: None,
            last_error: None,
            held: None,
            alert: None,
            aside: Aside::default(),
        }
    }

    /// The health after `run`.
    pub fn after(&self, run: &Run) -> Health {
        let mut health = self.clone();
        // It read nothing: the data in force is no younger than before.
        if matches!(run.trigger, Trigger::Undo { .. }) {
            return health;
        }
        match &run.outcome {
            Outcome::Committed { .. } | Outcome::Unchanged => {
                (health.last_good, health.held) = (Some(run.ended), None);
                (health.failures, health.failing_since, health.last_error) = (0, None, None);
            }
            // The directory answered, so it isn't failing; but the data in force doesn't get younger.
            Outcome::Held { same_as, .. } => {
                let waiting = Some(same_as.unwrap_or(run.id));
                if health.held.is_some() && health.held != waiting {
                    // It would do something else than what was told: that is to be told, too.
                    health = health.without_held_alert();
                }
                health.held = waiting;
                (health.failures, health.failing_since, health.last_error) = (0, None, None);
            }
            Outcome::Failed { error } => {
                health.failures = health.failures.saturating_add(1);
                health.failing_since.get_or_insert(run.ended);
                health.last_error = Some(error.clone());
            }
        }
        health
    }

    /// What is wrong at `now`, the gravest first.
    fn trouble(&self, policy: &Policy, now: DateTime<Utc>) -> Option<Trouble> {
        if self.failures >= policy.after_failures.max(1) {
            return Some(Trouble::Failing);
        }
        if self.held.is_some() {
            return Some(Trouble::Held);
        }
        let age = now - self.last_good.unwrap_or(self.known_since);
        (age > policy.stale_after).then_some(Trouble::Stale)
    }

    /// The health once the held run is rejected: nothing waits any more, and nothing has recovered by that.
    #[must_use]
    pub fn rejected(self) -> Health {
        Health { held: None, ..self }.without_held_alert()
    }

    /// Forgets that a held run was told.
    fn without_held_alert(mut self) -> Health {
        self.alert = self.alert.filter(|alert| alert.trouble != Trouble::Held);
        self
    }

    /// What is to be told at `now`. Pure: [`Health::told`] notes it.
    pub fn decide(&self, policy: &Policy, now: DateTime<Utc>) -> Decision {
        match (self.trouble(policy, now), &self.alert) {
            (None, None) if self.failures > 0 => Decision::Quiet(Quiet::NotYet),
            (None, None) => Decision::Quiet(Quiet::Well),
            // A single failure after an alert is no recovery yet.
            (None, Some(_)) if self.failures > 0 => Decision::Quiet(Quiet::NotYet),
            (None, Some(open)) => Decision::Recovered { trouble: open.trouble, since: open.since },
            (Some(trouble), None) => Decision::Alert(trouble),
            // From stale to failing is one trouble that was told; a held run is another, and can be acted on.
            (Some(trouble), Some(open)) if (trouble == Trouble::Held) != (open.trouble == Trouble::Held) => {
                Decision::Alert(trouble)
            }
            (Some(trouble), Some(open)) => {
                let pause = policy.remind_after.get(open.reminders as usize).or(policy.remind_after.last());
                match pause {
                    Some(pause) if now - open.last_told >= *pause => {
                        Decision::Remind(trouble, open.reminders.saturating_add(1))
                    }
                    _ => Decision::Quiet(Quiet::Told),
                }
            }
        }
    }

    /// The health once `decision` has been told at `now`.
    pub fn told(&self, decision: &Decision, now: DateTime<Utc>) -> Health {
        let mut health = self.clone();
        match decision {
            Decision::Quiet(_) => {}
            Decision::Alert(trouble) => {
                health.alert =
                    Some(OpenAlert { trouble: *trouble, since: now, last_told: now, reminders: 0 });
            }
            Decision::Remind(trouble, reminders) => {
                let since = self.alert.as_ref().map_or(now, |a| a.since);
                health.alert =
                    Some(OpenAlert { trouble: *trouble, since, last_told: now, reminders: *reminders });
            }
            Decision::Recovered { .. } => health.alert = None,
        }
        health
    }
}

#[cfg(test)]
mod tests;
