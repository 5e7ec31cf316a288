//! How far a read has come, how fast it goes, and how long it may still take.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How much has been read so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Users.
    pub users: u32,
    /// Units.
    pub units: u32,
    /// Groups.
    pub groups: u32,
    /// Entries that are none of these: computers, containers, the domain itself.
    pub others: u32,
    /// Entries that came again.
    pub repeated: u32,
    /// What was set aside or left out.
    pub quarantined: u32,
    /// Users, units and groups in a second, on average since the run began; None when it is too early to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// For how many more seconds it will go on if there are about as many as the last time; None when that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u32>,
}

impl Progress {
    /// The same with its rate, `elapsed` after the beginning, and an estimate of the rest if there will be about `expected` users, units and
    /// groups.
    pub fn timed(self, elapsed: TimeDelta, expected: usize) -> Progress {
        let read = u64::from(self.users) + u64::from(self.units) + u64::from(self.groups);
        let elapsed = u64::try_from(elapsed.num_milliseconds()).unwrap_or(0);
        let clamp = |n: u64| u32::try_from(n).ok();
        let per_second = (read * 1000).checked_div(elapsed).filter(|rate| *rate > 0).and_then(clamp);
        let left = u64::try_from(expected).unwrap_or(0).checked_sub(read).filter(|left| *left > 0);
        let seconds_left = left.zip(per_second).and_then(|(left, rate)| clamp(left.div_ceil(rate.into())));
        Progress { per_second, seconds_left, ..self }
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} users, {} units, {} groups", self.users, self.units, self.groups)?;
        if let Some(rate) = self.per_second {
            write!(f, ", {rate} a second")?;
        }
        match self.seconds_left {
            Some(seconds @ 0..=90) => write!(f, ", about {seconds} s left"),
            Some(seconds) => write!(f, ", about {} min left", seconds.div_ceil(60)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(users: u32, seconds: i64, expected: usize) -> String {
        Progress { users, ..Progress::default() }.timed(TimeDelta::seconds(seconds), expected).to_string()
    }

    #[test]
    fn the_rest_is_told_from_the_rate_and_from_what_there_was_the_last_time() {
        assert_eq!(read(1000, 2, 3000), "1000 users, 0 units, 0 groups, 500 a second, about 4 s left");
        assert_eq!(
            read(1000, 2, 1_000_000),
            "1000 users, 0 units, 0 groups, 500 a second, about 34 min left"
        );
        // There are more than there were, or nothing is known of before.
        assert_eq!(read(1000, 2, 900), "1000 users, 0 units, 0 groups, 500 a second");
        assert_eq!(read(1000, 2, 0), "1000 users, 0 units, 0 groups, 500 a second");
    }

    #[test]
    fn nothing_is_told_of_a_rate_that_is_none() {
        for (users, seconds) in [(0, 5), (5, 0), (1, 10), (5, -3)] {
            assert_eq!(read(users, seconds, 100), format!("{users} users, 0 units, 0 groups"));
        }
        assert_eq!(read(u32::MAX, 1, usize::MAX), "4294967295 users, 0 units, 0 groups, 4294967295 a second");
    }
}
