//! `[alerts]`: when the AD-sync contacts are told that a sync is in trouble. Everything here can be reloaded.

use chrono::TimeDelta;

use super::durations::{DAY, MINUTE, delta};
use super::reader::Section;
use crate::domain::alert::Policy;

pub(super) fn read(section: &Section) -> Policy {
    let usual = Policy::default();
    let length = |delta: TimeDelta| delta.to_std().unwrap_or_default();
    let reminders = usual.remind_after.into_iter().map(length).collect();
    let reminders = section.durations("remind_after", MINUTE..=DAY * 30, reminders);
    Policy {
        after_failures: section.number("after_failures", 1..=1000, usual.after_failures),
        stale_after: delta(section.duration("stale_after", MINUTE..=DAY * 30, length(usual.stale_after))),
        remind_after: reminders.into_iter().map(delta).collect(),
    }
}
