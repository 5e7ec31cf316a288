//! No more than so many messages within any minute.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// When messages were begun with, within the last minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(VecDeque<DateTime<Utc>>);

impl Pace {
    /// How many more may be begun with at `now`.
    pub(super) fn free(&mut self, most: Option<u32>, now: DateTime<Utc>) -> usize {
        let Some(most) = most else { return usize::MAX };
        // A clock that was set back must not keep anybody waiting.
        self.0.retain(|at| (TimeDelta::zero()..WINDOW).contains(&(now - *at)));
        usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(self.0.len())
    }

    /// When the next may be; None: now.
    pub(super) fn next(&self, most: Option<u32>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let most = usize::try_from(most?).unwrap_or(usize::MAX);
        let within: Vec<_> =
            self.0.iter().filter(|at| (TimeDelta::zero()..WINDOW).contains(&(now - **at))).collect();
        let oldest = within.len().checked_sub(most)?;
        within.get(oldest).map(|at| **at + WINDOW)
    }

    /// One is begun with.
    pub(super) fn note(&mut self, most: Option<u32>, now: DateTime<Utc>) {
        if most.is_some() {
            self.0.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_minute_has_no_more_than_allowed() {
        let at = |second| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let mut pace = Pace::default();
        for second in [0, 10, 20] {
            assert_eq!(pace.next(Some(3), at(second)), None);
            pace.note(Some(3), at(second));
        }
        assert_eq!((pace.free(Some(3), at(30)), pace.next(Some(3), at(30))), (0, Some(at(60))));
        assert_eq!((pace.free(Some(3), at(60)), pace.next(Some(3), at(60))), (1, None));
        assert_eq!(pace.free(Some(3), at(75)), 2);
        assert_eq!(pace.free(None, at(75)), usize::MAX);
        // The clock was set back.
        assert_eq!(pace.free(Some(3), at(5)), 3);
    }
}
