//! `[alerts]`: when the AD-sync contacts are told that a sync is in trouble. Everything here can be reloaded.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::durations::{DAY, MINUTE, delta};
use super::reader::{Problem, Section};
use crate::domain::alert::Policy;
use crate::domain::alert::aside::Growth;
use crate::domain::schedule::Schedule;

pub(super) fn read(section: &Section) -> Policy {
    let usual = Policy::default();
    let length = |delta: TimeDelta| delta.to_std().unwrap_or_default();
    let reminders = usual.remind_after.into_iter().map(length).collect();
    let reminders = section.durations("remind_after", MINUTE..=DAY * 30, reminders);
    Policy {
        after_failures: section.number("after_failures", 1..=1000, usual.after_failures),
        stale_after: delta(section.duration("stale_after", MINUTE..=DAY * 30, length(usual.stale_after))),
        remind_after: reminders.into_iter().map(delta).collect(),
        growth: Growth {
            objects: section.number("quarantine_growth", 0..=1_000_000, usual.growth.objects),
            percent: section.number("quarantine_growth_percent", 0..=10_000, usual.growth.percent),
        },
    }
}

/// When small things that last are told; None: never.
pub(super) fn lasting(section: &Section, zone: Tz) -> Option<Schedule> {
    const USUAL: &str = "0 7 * * *";
    if !section.is_set("digest") {
        section.set("digest", USUAL.into());
        return Schedule::parse(USUAL, zone).ok();
    }
    let schedule = section.parsed("digest", |text| match text {
        "never" => Ok(None),
        text => Schedule::parse(text, zone).map(Some).map_err(|error| {
            Problem::new(format!("can't be used: {error}"))
                .hint(format!("for example: digest = \"{USUAL}\", or digest = \"never\""))
        }),
    });
    schedule.flatten()
}
