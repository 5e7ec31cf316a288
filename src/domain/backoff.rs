//! How long to wait before something is tried again. The calculation only; who waits is elsewhere.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Growing, jittered intervals: `first`, then twice as long each time, up to `longest`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Backoff {
    /// Before the second try.
    pub first: TimeDelta,
    /// Never longer than this, jitter aside.
    pub longest: TimeDelta,
}

/// The share of the interval by which chance moves it, up or down, so that many who failed together don't come back together.
const JITTER: f64 = 0.2;

impl Backoff {
    /// The same, but never longer than this, jitter aside.
    #[must_use]
    pub fn no_longer_than(self, longest: TimeDelta) -> Backoff {
        Backoff { first: self.first.min(longest), longest: self.longest.min(longest) }
    }

    /// The pause after failure number `failures` (from 1). `chance` is a random number from 0 to 1.
    pub fn delay(&self, failures: u32, chance: f64) -> TimeDelta {
        let doublings = failures.saturating_sub(1).min(30);
        let first = self.first.num_milliseconds().max(1);
        let longest = self.longest.num_milliseconds().max(first);
        let grown = first.saturating_mul(1_i64 << doublings).min(longest);
        let factor = 1.0 + JITTER * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "an interval of hours in ms is far below 2^53")]
        #[expect(clippy::cast_precision_loss, reason = "an interval of hours in ms is far below 2^53")]
        let moved = (grown as f64 * factor) as i64;
        TimeDelta::milliseconds(moved.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(1) };

    #[test]
    fn it_doubles_up_to_the_longest() {
        let seconds: Vec<_> = (1..10).map(|n| BACKOFF.delay(n, 0.5).num_seconds()).collect();
        assert_eq!(seconds, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(failures in 0u32.., chance in -1.0..2.0f64) {
            let delay = BACKOFF.delay(failures, chance);
            prop_assert!(delay >= TimeDelta::seconds(24) && delay <= TimeDelta::minutes(72));
        }
    }
}
