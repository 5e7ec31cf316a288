//! Signs of life: a job gives one each time it has done its work, and when none comes there is an incident.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{HeartbeatName, OutageId};
use crate::domain::outage::Severity;

/// What the configuration says of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// What it is called.
    pub name: HeartbeatName,
    /// What people call it.
    pub title: Box<str>,
    /// How often it gives a sign of life.
    pub every: TimeDelta,
    /// How much later it may come.
    pub grace: TimeDelta,
    /// How bad it is when none comes.
    pub severity: Severity,
    /// Which services are concerned then.
    pub services: Vec<Box<str>>,
    /// Which units, by name.
    pub units: Vec<Box<str>>,
}

/// What is known of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Beat {
    /// Which job.
    pub name: HeartbeatName,
    /// Since when signs of life are waited for.
    pub since: DateTime<Utc>,
    /// The last one; None: there was none yet.
    pub last: Option<DateTime<Utc>>,
    /// The outage that was opened since none came.
    pub outage: Option<OutageId>,
    /// Until when it is waited for it since nobody listened when it was expected. That is granted once: else a daemon that is restarted often
    /// would never miss it.
    pub spared: Option<DateTime<Utc>>,
}

/// Since when it is listened to jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listening {
    /// Since the daemon's start.
    pub since: DateTime<Utc>,
    /// When nobody got through to it last.
    pub deaf: Option<DateTime<Utc>>,
}

/// How a job is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "at")]
pub enum Life {
    /// The next sign of life is due at the latest then.
    Due(DateTime<Utc>),
    /// It was due then, and didn't come.
    Missing(DateTime<Utc>),
}

impl Beat {
    /// One that is waited for from now on.
    pub fn first(name: HeartbeatName, now: DateTime<Utc>) -> Beat {
        Beat { name, since: now, last: None, outage: None, spared: None }
    }

    /// With a sign of life at `now`, whatever a clock that was wrong noted before.
    pub fn heard(&self, now: DateTime<Utc>) -> Beat {
        Beat { last: Some(now), outage: None, spared: None, ..self.clone() }
    }

    /// As it is noted at `now`: what lies in the future, by a clock that was ahead, was now; and it is spared when nobody listened.
    pub fn noted(&self, job: &Job, listening: Listening, now: DateTime<Utc>) -> Beat {
        let (since, last) = (self.since.min(now), self.last.map(|last| last.min(now)));
        let right = Beat { since, last, ..self.clone() };
        let granted = later(listening.since.min(now), job.grace);
        let is_spared = listening.since > right.expected(job, now);
        let spared =
            right.spared.or(is_spared.then_some(granted)).map(|until| until.min(later(now, job.grace)));
        Beat { spared, ..right }
    }

    /// How the job is doing at `now`: what came while nobody listened is lost, so the grace begins when somebody does again.
    pub fn life(&self, job: &Job, listening: Listening, now: DateTime<Utc>) -> Life {
        let expected = self.expected(job, now);
        let mut due = later(expected, job.grace);
        if listening.since > expected {
            due = due.max(self.spared.unwrap_or(later(listening.since, job.grace)));
        }
        if let Some(deaf) = listening.deaf.filter(|deaf| *deaf > expected) {
            due = due.max(later(deaf, job.grace));
        }
        if now < due { Life::Due(due) } else { Life::Missing(due) }
    }

    fn expected(&self, job: &Job, now: DateTime<Utc>) -> DateTime<Utc> {
        later(self.last.unwrap_or(self.since).min(now), job.every)
    }
}

fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::hour as at;

    fn job() -> Job {
        Job {
            name: "backup".into(),
            title: "Backup".into(),
            every: TimeDelta::hours(24),
            grace: TimeDelta::hours(2),
            severity: Severity::Major,
            services: vec![],
            units: vec![],
        }
    }

    fn since(hour: i64) -> Listening {
        Listening { since: at(hour), deaf: None }
    }

    #[test]
    fn what_does_not_come_is_missing_after_the_grace() {
        let first = Beat::first("backup".into(), at(0));
        let life = |beat: &Beat, now| beat.life(&job(), since(0), at(now));
        assert_eq!(life(&first, 0), Life::Due(at(26)));
        assert_eq!(life(&first, 25), Life::Due(at(26)));
        assert_eq!(life(&first, 26), Life::Missing(at(26)));
        let heard = first.heard(at(30));
        assert_eq!(life(&heard, 31), Life::Due(at(56)));
        assert_eq!(life(&heard, 60), Life::Missing(at(56)));
    }

    #[test]
    fn what_came_while_nobody_listened_is_not_held_against_it() {
        let heard = Beat::first("backup".into(), at(0)).heard(at(0));
        // Nobody listened from 20 to 40.
        assert_eq!(heard.life(&job(), since(40), at(40)), Life::Due(at(42)));
        assert_eq!(heard.life(&job(), since(40), at(42)), Life::Missing(at(42)));
        // A short pause long before it is due changes nothing.
        assert_eq!(heard.life(&job(), since(10), at(11)), Life::Due(at(26)));
        // Nobody gets through, and nobody is blamed as long as that lasts.
        let deaf = Listening { deaf: Some(at(50)), ..since(40) };
        assert_eq!(heard.noted(&job(), since(40), at(40)).life(&job(), deaf, at(50)), Life::Due(at(52)));
    }

    #[test]
    fn restarts_do_not_spare_it_again_and_again() {
        let mut beat = Beat::first("backup".into(), at(0)).heard(at(0));
        for start in 25..60 {
            beat = beat.noted(&job(), since(start), at(start));
            let life = beat.life(&job(), since(start), at(start));
            assert_eq!(life == Life::Missing(at(27)), start >= 27, "{start}: {life:?}");
        }
        // Once it has been heard it is spared anew.
        let heard = beat.heard(at(60)).noted(&job(), since(100), at(100));
        assert_eq!(heard.life(&job(), since(100), at(101)), Life::Due(at(102)));
    }

    #[test]
    fn a_clock_that_was_ahead_does_not_silence_it_for_long() {
        let heard = Beat::first("backup".into(), at(0)).heard(at(100_000));
        let right = heard.noted(&job(), since(0), at(50));
        assert_eq!(right.life(&job(), since(0), at(50)), Life::Due(at(76)));
        assert_eq!(
            right.noted(&job(), since(0), at(77)).life(&job(), since(0), at(77)),
            Life::Missing(at(76))
        );
        assert_eq!(heard.heard(at(51)).last, Some(at(51)));
        let waited = Beat::first("backup".into(), at(100_000)).noted(&job(), since(0), at(50));
        assert_eq!(waited.life(&job(), since(0), at(77)), Life::Missing(at(76)));
        let spared = Beat { spared: Some(at(100_000)), ..Beat::first("backup".into(), at(0)) };
        let spared = spared.noted(&job(), since(0), at(50));
        assert_eq!(spared.spared, Some(at(52)));
    }
}
