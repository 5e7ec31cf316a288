//! How many notices that aren't critical somebody is sent within an hour; those beyond wait for their turn.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The span that a limit is for.
const SPAN: TimeDelta = TimeDelta::hours(1);
/// Of so many that wait it is known when. Of more, each has its turn an hour after the last of them that has one.
const KNOWN: usize = 1_000;

/// When somebody is sent what, lately and from now on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Pace {
    /// In order, as seconds since 1970.
    turns: Vec<i64>,
}

impl Pace {
    /// The first turn from `wanted` on with which no more than `limit` are sent within any hour; it is taken. The times are rounded up to whole seconds.
    /// `awake` tells of a time when the recipient may be told from then on.
    pub fn take(
        &mut self,
        wanted: DateTime<Utc>,
        limit: u32,
        awake: impl Fn(DateTime<Utc>) -> DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let span = SPAN.num_seconds();
        let past = now.timestamp() - span;
        self.turns.retain(|turn| *turn > past);
        let awake = |seconds| whole(awake(at(seconds, wanted)));
        let first = whole(wanted);
        let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
        if self.turns.len() >= KNOWN {
            let last = self.turns.last().copied().unwrap_or(first);
            return at(awake(first.max(last.saturating_add(span))), wanted);
        }
        let frees = self.turns.iter().map(|turn| turn.saturating_add(span)).filter(|free| *free > first);
        let mut turn = i64::MIN;
        // What becomes free in the night that the last one was put off over is in the same morning.
        let found = std::iter::once(first).chain(frees).any(|free| {
            free > turn && {
                turn = awake(free);
                self.is_free(turn, limit)
            }
        });
        let turn = if found { turn } else { awake(first) };
        let place = self.turns.partition_point(|known| *known <= turn);
        self.turns.insert(place, turn);
        if turn == first { wanted } else { at(turn, wanted) }
    }

    /// Gives a turn back.
    pub fn give_back(&mut self, turn: DateTime<Utc>) {
        if let Ok(place) = self.turns.binary_search(&whole(turn)) {
            self.turns.remove(place);
        }
    }

    /// Whether nothing of it matters any more.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.turns.last().is_none_or(|last| *last <= now.timestamp() - SPAN.num_seconds())
    }

    /// Whether one more at `turn` makes no hour too full.
    fn is_free(&self, turn: i64, limit: usize) -> bool {
        let span = SPAN.num_seconds();
        let place = self.turns.partition_point(|known| *known <= turn);
        // Of each row of `limit` that lies around it: with it, it would be one more within the time from its first to its last.
        (place.saturating_sub(limit)..=place).all(|first| {
            match self.turns.get(first..first.saturating_add(limit)) {
                Some([from, .., until]) => turn.max(*until) - turn.min(*from) >= span,
                Some([one]) => (turn - one).abs() >= span,
                _ => true,
            }
        })
    }
}

/// Rounded up to whole seconds since 1970.
fn whole(time: DateTime<Utc>) -> i64 {
    time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0)
}

fn at(seconds: i64, or: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(or)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::testing::hour;

    fn minute(n: i64) -> DateTime<Utc> {
        hour(0) + TimeDelta::minutes(n)
    }

    /// They may be told at any time.
    const ANY: fn(DateTime<Utc>) -> DateTime<Utc> = |at| at;

    /// They sleep from the third hour of eight to its end.
    fn third_of_a_day(at: DateTime<Utc>) -> DateTime<Utc> {
        let (second, eight) = ((at - minute(0)).num_seconds(), 8 * 3600);
        let asleep = second.rem_euclid(eight) >= 2 * 3600;
        if asleep { minute(0) + TimeDelta::seconds((second / eight + 1) * eight) } else { at }
    }

    #[test]
    fn turns_that_would_be_in_the_night_go_on_from_the_morning() {
        let mut pace = Pace::default();
        let mut take = |wanted| pace.take(minute(wanted), 2, third_of_a_day, minute(0));
        assert_eq!([take(90), take(90)], [minute(90); 2]);
        let morning = 8 * 60;
        assert_eq!([take(90), take(100)], [minute(morning); 2]);
        assert_eq!(
            [take(110), take(110)],
            [minute(morning + 60); 2],
            "no more at a time than at other times"
        );
        assert_eq!(take(119), minute(2 * morning), "the day is over");
        assert_eq!(take(20), minute(20), "what is before all of them doesn't wait for them");
        let many: Vec<_> = (0..2 * KNOWN).map(|_| take(0)).collect();
        assert!(many.iter().all(|turn| third_of_a_day(*turn) == *turn) && many.is_sorted());
    }

    #[test]
    fn the_surplus_waits_until_an_hour_after_the_first_that_it_is_too_much_with() {
        let mut pace = Pace::default();
        let mut take = |wanted| pace.take(minute(wanted), 3, ANY, minute(0));
        assert_eq!([take(0), take(0), take(10)], [minute(0), minute(0), minute(10)]);
        assert_eq!(
            [take(10), take(10), take(10), take(10)],
            [minute(60), minute(60), minute(70), minute(120)]
        );
        assert_eq!(take(200), minute(200), "what is for later leaves others their turn");
        assert_eq!(take(130), minute(130));
    }

    #[test]
    fn a_turn_that_is_given_back_is_taken_by_the_next() {
        let mut pace = Pace::default();
        let half = minute(0) + TimeDelta::milliseconds(500);
        assert_eq!(pace.take(half, 1, ANY, minute(0)), half);
        let second = pace.take(half, 1, ANY, minute(0));
        let third = pace.take(half, 1, ANY, minute(0));
        assert!(second > minute(60) && third > minute(120));
        pace.give_back(second);
        assert_eq!(pace.take(half, 1, ANY, minute(0)), second);
        assert!(!pace.is_over(minute(180)) && pace.is_over(minute(181)));
    }

    #[test]
    fn however_many_wait_it_stays_small() {
        let mut pace = Pace::default();
        let all: Vec<_> = (0..2 * KNOWN).map(|_| pace.take(minute(0), 1, ANY, minute(0))).collect();
        assert!(all.is_sorted());
        assert_eq!(pace.turns.len(), KNOWN);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_hour_has_more_and_none_waits_without_need(
            wanted in prop::collection::vec(0_i64..400, 1..24),
            limit in 1_u32..6,
            sleeps in any::<bool>(),
        ) {
            let awake = if sleeps { third_of_a_day } else { ANY };
            let (mut pace, mut taken) = (Pace::default(), Vec::new());
            for wanted in wanted {
                let turn = pace.take(minute(wanted), limit, awake, minute(0));
                prop_assert!(turn >= minute(wanted) && awake(turn) == turn);
                // The first minute that would do: all that is wanted is on whole minutes, and so is all that is free again.
                let would_do = |at: &DateTime<Utc>| {
                    let mut with = taken.clone();
                    with.push(*at);
                    with.sort();
                    let full = with.windows(limit as usize + 1).any(|row| row[limit as usize] - row[0] < SPAN);
                    awake(*at) == *at && !full
                };
                let first = (wanted..).map(minute).find(would_do);
                prop_assert_eq!(Some(turn), first);
                taken.push(turn);
                taken.sort();
                let full = taken.windows(limit as usize + 1).any(|row| row[limit as usize] - row[0] < SPAN);
                prop_assert!(!full, "{:?}", taken);
            }
        }
    }
}
