//! A destination that takes nothing isn't asked for each of its messages.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::backoff::Backoff;
use crate::domain::notice::Message;

/// After failures of so many different ones in a row, none of them with anything accepted between, a destination rests: one that fails alone holds up
/// nobody else.
const STRIKES: usize = 3;
/// A destination isn't left alone for longer (jitter aside), unless it asks for it: one try costs nothing, and everybody waits for it.
pub(super) const LONGEST: TimeDelta = TimeDelta::minutes(5);
/// Something urgent is tried so often all the same.
pub(super) const PROBE: TimeDelta = TimeDelta::minutes(1);
/// So many destinations are remembered; those that don't rest are forgotten first.
const KEPT: usize = 1_000;

/// Which destinations rest until when. A mail domain is one; the channel's own server is [`Rests::WHOLE`].
#[derive(Debug, Default)]
pub(super) struct Rests(HashMap<String, Rest>);

/// What fails together: the domain of a mail address; else the channel's other end.
pub(super) fn destination(message: &Message) -> String {
    let mail = message.recipient.mail.as_ref().filter(|_| message.recipient.channel.is_mail());
    mail.map_or_else(|| Rests::WHOLE.to_owned(), |mail| mail.domain().to_lowercase())
}

/// A failure of a destination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'a> {
    /// Whose it is: what is the same fails as one.
    pub who: u64,
    /// Whether others would fare no better for sure.
    pub of_all: bool,
    /// What was said.
    pub reason: &'a str,
    /// Until when the other side wants to be left alone.
    pub asked: Option<DateTime<Utc>>,
}

/// How long a destination has taken nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failing {
    /// The first failure in a row.
    pub since: DateTime<Utc>,
    /// When it is tried again, if it rests.
    pub until: Option<DateTime<Utc>>,
    /// From when on something urgent may be tried all the same.
    pub probe_from: DateTime<Utc>,
    /// How often in a row it has rested.
    pub times: u32,
    /// What the last failure was.
    pub reason: String,
}

#[derive(Debug)]
struct Rest {
    /// Who failed in a row.
    seen: HashSet<u64>,
    /// Failures in a row since it last rested.
    strikes: usize,
    failing: Failing,
}

impl Rests {
    /// The channel's other end itself.
    pub(super) const WHOLE: &str = "";

    /// Why a destination isn't tried at `now`, and when it is.
    pub(super) fn until(&self, key: &str, now: DateTime<Utc>) -> Option<(String, DateTime<Utc>)> {
        let rest = &self.0.get(key)?.failing;
        let until = rest.until.filter(|until| now < *until)?;
        let what = if key.is_empty() { "the other side".to_owned() } else { format!("the domain {key}") };
        Some((format!("not tried, since {what} takes nothing: {}", rest.reason), until))
    }

    /// Whether something urgent may be tried at `now` though the destination rests; the next one may after a while.
    pub(super) fn probe(&mut self, key: &str, now: DateTime<Utc>) -> bool {
        let Some(rest) = self.0.get_mut(key) else { return true };
        let may = rest.failing.probe_from <= now;
        if may {
            rest.failing.probe_from = now + PROBE;
        }
        may
    }

    /// How long the channel's other end has taken nothing; None: it took the last that it was asked for.
    pub(super) fn whole(&self) -> Option<&Failing> {
        self.0.get(Rests::WHOLE).map(|rest| &rest.failing)
    }

    /// A destination took a message not now. It rests when it asked for that, or after a few different ones in a row: until the time
    /// returned, longer each time. Those that are known to fail make it rest again only when there are a few of them, too, or it isn't their own fault.
    pub(super) fn failed(
        &mut self,
        key: &str,
        failure: Failure<'_>,
        retry: &Backoff,
        now: DateTime<Utc>,
        chance: f64,
    ) -> Option<DateTime<Utc>> {
        if self.0.len() >= KEPT {
            let rests = |rest: &Rest| rest.failing.until.is_some_and(|until| now < until);
            self.0.retain(|key, rest| key.is_empty() || rests(rest));
        }
        let rest = self.0.entry(key.to_owned()).or_insert_with(|| Rest {
            seen: HashSet::new(),
            strikes: 0,
            failing: Failing { since: now, until: None, probe_from: now, times: 0, reason: String::new() },
        });
        let failing = &mut rest.failing;
        // Those who were under way when it began to rest say nothing new.
        if failing.until.is_some_and(|until| now < until) {
            return None;
        }
        if rest.seen.len() >= KEPT {
            rest.seen.clear();
        }
        let is_new = rest.seen.insert(failure.who);
        rest.strikes = rest.strikes.saturating_add(1);
        failure.reason.clone_into(&mut failing.reason);
        let in_a_row = rest.seen.len() >= STRIKES && (is_new || failure.of_all || rest.strikes >= STRIKES);
        if failure.asked.is_none() && !in_a_row {
            return None;
        }
        rest.strikes = 0;
        failing.times = failing.times.saturating_add(1);
        let until =
            failure.asked.unwrap_or_else(|| now + retry.no_longer_than(LONGEST).delay(failing.times, chance));
        failing.until = Some(until);
        failing.probe_from = failure.asked.map_or(now, |asked| asked.min(now + LONGEST));
        Some(until)
    }

    /// A destination took something, and so the channel works, too.
    pub(super) fn worked(&mut self, key: &str) {
        self.0.remove(key);
        self.0.remove(Rests::WHOLE);
    }

    /// Somebody wants to know now: whatever rests is tried.
    pub(super) fn lift(&mut self) {
        self.0.values_mut().for_each(|rest| rest.failing.until = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    const RETRY: Backoff = Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(1) };

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn failure(who: u64) -> Failure<'static> {
        Failure { who, of_all: false, reason: "451", asked: None }
    }

    #[test]
    fn it_rests_after_a_few_different_failures_and_longer_each_time() {
        let mut rests = Rests::default();
        let fail =
            |rests: &mut Rests, who, now| rests.failed("dead.example", failure(who), &RETRY, at(now), 0.5);
        assert_eq!((fail(&mut rests, 1, 0), fail(&mut rests, 2, 1)), (None, None));
        assert_eq!(fail(&mut rests, 3, 2), Some(at(32)));
        assert_eq!(fail(&mut rests, 4, 3), None, "it rests already");
        let (why, until) = rests.until("dead.example", at(31)).unwrap();
        assert!(why.contains("dead.example") && why.contains("451"), "{why}");
        assert_eq!(until, at(32));
        assert_eq!(rests.until("well.example", at(31)), None);
        assert_eq!(rests.until("dead.example", at(32)), None);
        // The first new one that is tried then shows that nothing has changed; of those that are known to fail it takes a few.
        assert_eq!(fail(&mut rests, 5, 33), Some(at(93)));
        assert_eq!((fail(&mut rests, 1, 94), fail(&mut rests, 2, 94)), (None, None));
        assert_eq!(fail(&mut rests, 3, 94), Some(at(94 + 120)));
        let mut now = 94 + 120;
        for who in 6..12 {
            now = fail(&mut rests, who, now).unwrap().timestamp();
        }
        assert_eq!(fail(&mut rests, 12, now), Some(at(now + 300)), "never longer than five minutes");
        rests.worked("dead.example");
        assert_eq!(rests.until("dead.example", at(now + 1)), None);
        assert_eq!(fail(&mut rests, 6, now + 1), None);
    }

    #[test]
    fn one_that_fails_alone_makes_nothing_rest() {
        let mut rests = Rests::default();
        for now in 0..100 {
            assert_eq!(rests.failed("x.example", failure(now % 2), &RETRY, at(100), 0.5), None);
        }
    }

    #[test]
    fn what_is_asked_for_holds_at_once_and_the_urgent_is_tried_once_a_minute_all_the_same() {
        let mut rests = Rests::default();
        let asked = Failure { asked: Some(at(1000)), ..failure(1) };
        assert_eq!(rests.failed(Rests::WHOLE, asked, &RETRY, at(0), 0.5), Some(at(1000)));
        assert_eq!(rests.until(Rests::WHOLE, at(999)).unwrap().1, at(1000));
        let mut probe = |second| rests.probe(Rests::WHOLE, at(second));
        // What it asked for is heeded for some minutes.
        assert_eq!([299, 300, 301, 359, 360].map(&mut probe), [false, true, false, false, true]);
        rests.worked("x.example");
        assert_eq!(rests.until(Rests::WHOLE, at(361)), None);
        rests.failed(Rests::WHOLE, asked, &RETRY, at(0), 0.5);
        rests.lift();
        assert_eq!(rests.until(Rests::WHOLE, at(1)), None);
    }
}
