//! When a directory's word that something has changed makes a run. The calculation only: it is told the time and what happened.
//!
//! A hint is never trusted to be the only one: the schedule goes on as if there were none. Nor does it say that anything changed that
//! is of concern here: in a large domain somebody's clock or counter changes every few seconds.

mod telling;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::backoff::Backoff;
use super::run::{Cursor, Outcome, Position};
pub use telling::Telling;

/// So long after a hint more are waited for: what is saved in several steps makes one run.
const GATHER: TimeDelta = TimeDelta::seconds(2);
/// But no longer than this after the first.
const GATHER_MOST: TimeDelta = TimeDelta::seconds(10);
/// Hints that come to nothing are followed less and less, down to once in so long.
const IN_VAIN: TimeDelta = TimeDelta::minutes(5);
/// After so long without a run of theirs they are believed as before.
const FORGIVEN: TimeDelta = TimeDelta::minutes(10);

/// The hints of one directory that no run has followed yet, and what came of those before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Hints {
    /// When the first and the last of those that wait came.
    waiting: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When the last run that hints made ended.
    ended: Option<DateTime<Utc>>,
    /// How many such runs in a row have changed nothing.
    in_vain: u32,
}

impl Hints {
    /// Takes note of one. Returns whether none waited before.
    pub fn note(&mut self, now: DateTime<Utc>) -> bool {
        // A clock that was set back must not stop anything for days.
        self.ended = self.ended.filter(|ended| *ended <= now);
        let first = self.waiting.map(|(first, _)| first).filter(|first| *first <= now);
        self.waiting = Some((first.unwrap_or(now), now));
        first.is_none()
    }

    /// When they make a run; None when none waits. `pause` is the least time between two runs that hints make.
    pub fn due(&self, pause: TimeDelta) -> Option<DateTime<Utc>> {
        let (first, last) = self.waiting?;
        let gathered = (last + GATHER).min(first + GATHER_MOST);
        let pauses = Backoff { first: pause, longest: IN_VAIN.max(pause) };
        let rested = self.ended.map(|ended| ended + pauses.delay(self.in_vain.saturating_add(1), 0.5));
        Some(rested.map_or(gathered, |rested| rested.max(gathered)))
    }

    /// A run begins, whatever set it off: it reads what those that wait have told of.
    pub fn begun(&mut self) {
        self.waiting = None;
    }

    /// A run that they made has ended, and `changed` something or not.
    pub fn ended(&mut self, now: DateTime<Utc>, changed: bool) {
        let rested = self.ended.is_none_or(|ended| now - ended > FORGIVEN);
        self.in_vain = match (changed, rested) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => self.in_vain.saturating_add(1),
        };
        self.ended = Some(now);
    }
}

/// Why no hint of a directory is asked for, or followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unwatched {
    /// Nothing was read yet.
    Unread,
    /// Its changes can't be read alone: each hint would make a whole read.
    OnlyWhole,
    /// The last run failed. The next is the schedule's, or a person's.
    Failed,
    /// The last run is held: it would be held again each time that somebody changes a phone number.
    Held,
    /// A run was undone: until the next whole read every run is one.
    Undone,
}

/// Where a directory's hints are to be had: at the server that was read last, if a run could go on from there.
///
/// # Errors
/// Why they aren't wanted now.
pub fn watched<'a>(
    cursor: Option<&'a Cursor>,
    last: Option<&Outcome>,
    vetoed: bool,
) -> Result<&'a Cursor, Unwatched> {
    match last {
        None => return Err(Unwatched::Unread),
        Some(Outcome::Failed { .. }) => return Err(Unwatched::Failed),
        Some(Outcome::Held { .. }) => return Err(Unwatched::Held),
        Some(Outcome::Committed { .. } | Outcome::Unchanged) => {}
    }
    if vetoed {
        return Err(Unwatched::Undone);
    }
    let cursor = cursor.ok_or(Unwatched::Unread)?;
    match cursor.position {
        Position::Usn(_) | Position::DirSync { .. } => Ok(cursor),
        // The others are of servers that don't know the control.
        Position::None | Position::ContentSync { .. } | Position::ModifyTimestamp { .. } => {
            Err(Unwatched::OnlyWhole)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Generation;
    use crate::domain::run::UsnPosition;
    use proptest::prelude::*;

    const PAUSE: TimeDelta = TimeDelta::seconds(30);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    /// When hints at these seconds make a run.
    fn due(hints: &mut Hints, seconds: &[i64]) -> Option<i64> {
        seconds.iter().for_each(|second| {
            hints.note(at(*second));
        });
        hints.due(PAUSE).map(|due| due.timestamp())
    }

    #[test]
    fn hints_close_together_make_one_run() {
        let mut hints = Hints::default();
        assert_eq!(due(&mut hints, &[]), None);
        assert_eq!(due(&mut hints, &[100]), Some(102));
        assert_eq!(due(&mut hints, &[101, 103]), Some(105));
        assert_eq!(due(&mut hints, &[105, 107, 109]), Some(110), "10 seconds after the first at the latest");
        assert_eq!(due(&mut hints, &[200]), Some(110), "and not put off by any later one");
        hints.begun();
        assert_eq!(due(&mut hints, &[]), None);
        assert!(hints.note(at(300)) && !hints.note(at(301)), "whether it is the first is told");
    }

    #[test]
    fn between_two_runs_of_theirs_is_a_pause() {
        let mut hints = Hints::default();
        hints.begun();
        hints.ended(at(100), true);
        assert_eq!(due(&mut hints, &[101]), Some(130));
        assert_eq!(due(&mut hints, &[129]), Some(130));
        hints.begun();
        assert_eq!(due(&mut hints, &[140]), Some(142));
        assert_eq!(hints.due(TimeDelta::minutes(10)), Some(at(700)));
    }

    #[test]
    fn hints_that_come_to_nothing_are_followed_less_and_less() {
        let mut hints = Hints::default();
        let mut now = 1_000;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            hints.begun();
            hints.ended(at(now), false);
            let next = due(&mut hints, &[now]).unwrap();
            pauses.push(next - now);
            now = next;
        }
        assert_eq!(pauses, [60, 120, 240, 300, 300, 300, 300]);
        hints.ended(at(now), true);
        assert_eq!(due(&mut hints, &[now]), Some(now + 30), "one that came to something sets it right");
        for quiet in [false, false, false] {
            hints.ended(at(now), quiet);
        }
        hints.begun();
        now += 601;
        hints.ended(at(now), false);
        assert_eq!(due(&mut hints, &[now]), Some(now + 60), "and so does a rest");
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_them() {
        let mut hints = Hints::default();
        hints.ended(at(1_000_000), true);
        assert_eq!(due(&mut hints, &[1_000_001]), Some(1_000_030));
        assert_eq!(due(&mut hints, &[100]), Some(102));
    }

    proptest! {
        #[test]
        fn whatever_comes_they_keep_their_pauses(
            mut seconds in prop::collection::vec(0..5_000_i64, 1..200), found in prop::collection::vec(any::<bool>(), 200)
        ) {
            seconds.sort_unstable();
            let (mut hints, mut runs, mut found) = (Hints::default(), Vec::new(), found.into_iter());
            let mut waiting: Option<i64> = None;
            for second in seconds.into_iter().chain([100_000]) {
                while let Some(due) = hints.due(PAUSE).filter(|due| *due <= at(second)) {
                    hints.begun();
                    hints.ended(due, found.next().unwrap_or(true));
                    runs.push(due.timestamp());
                    let since = waiting.take();
                    // Whoever told of something waits 10 seconds, or a pause: never for ever.
                    prop_assert!(since.is_some_and(|since| due.timestamp() - since <= 310));
                }
                if second < 100_000 {
                    hints.note(at(second));
                    waiting = waiting.or(Some(second));
                }
            }
            prop_assert!(waiting.is_none() && !runs.is_empty());
            prop_assert!(runs.windows(2).all(|pair| pair[1] - pair[0] >= 30));
        }
    }

    #[test]
    fn a_directory_is_watched_only_when_a_run_could_go_on_and_would_pass() {
        let position = |position| Cursor {
            scope: 1,
            server: "ldaps://dc1".into(),
            position,
            read_at: None,
            whole_at: None,
            sees_deletions: true,
        };
        let usn = UsnPosition { controller: None, invocation: None, highest: 7 };
        let by_number = position(Position::Usn(usn));
        let by_cookie = position(Position::DirSync { at: usn, cookie: Box::default() });
        let (good, same) = (Outcome::Committed { generation: Generation(1) }, Outcome::Unchanged);
        for cursor in [&by_number, &by_cookie] {
            assert_eq!(watched(Some(cursor), Some(&good), false), Ok(cursor));
            assert_eq!(watched(Some(cursor), Some(&same), false), Ok(cursor));
        }
        let failed = Outcome::Failed { error: "no".into() };
        let held = Outcome::Held { reasons: Vec::new(), same_as: None };
        for (cursor, last, vetoed, why) in [
            (None, None, false, Unwatched::Unread),
            (None, Some(&same), false, Unwatched::Unread),
            (Some(&by_cookie), None, false, Unwatched::Unread),
            (Some(&by_cookie), Some(&failed), false, Unwatched::Failed),
            (Some(&by_cookie), Some(&held), false, Unwatched::Held),
            (Some(&by_cookie), Some(&good), true, Unwatched::Undone),
            (Some(&position(Position::None)), Some(&good), false, Unwatched::OnlyWhole),
        ] {
            assert_eq!(watched(cursor, last, vetoed), Err(why));
        }
    }
}
