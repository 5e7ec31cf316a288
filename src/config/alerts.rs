//! `[alerts]`: when the AD-sync contacts are told that a sync is in trouble. Everything here can be reloaded.

use super::durations::{DAY, HOUR, MINUTE, delta};
use super::reader::Section;
use crate::domain::alert::Policy;

pub(super) fn read(section: &Section) -> Policy {
    let reminders = section.durations("remind_after", MINUTE..=DAY * 30, vec![HOUR, HOUR * 4, DAY]);
    Policy {
        after_failures: section.number("after_failures", 1..=1000, 3),
        stale_after: delta(section.duration("stale_after", MINUTE..=DAY * 30, HOUR * 6)),
        remind_after: reminders.into_iter().map(delta).collect(),
    }
}
