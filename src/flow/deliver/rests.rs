//! A destination that takes nothing isn't asked for each of its messages.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::backoff::Backoff;
use crate::domain::notice::Message;

/// After so many failures in a row, none of them with anything accepted between, a destination rests.
const STRIKES: u32 = 3;
/// What has failed for so long, and never worked between, is away.
const AWAY: TimeDelta = TimeDelta::minutes(15);
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

/// How long a destination has taken nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failing {
    /// The first failure in a row.
    pub since: DateTime<Utc>,
    /// The last one.
    pub last: DateTime<Utc>,
    /// When it is tried again, if it rests.
    pub until: Option<DateTime<Utc>>,
    /// How often in a row it has rested.
    pub times: u32,
    /// What the last failure was.
    pub reason: String,
}

impl Failing {
    /// Whether it has lasted so long that somebody has to see to it.
    pub(super) fn is_away(&self) -> bool {
        self.last - self.since >= AWAY
    }
}

#[derive(Debug)]
struct Rest {
    /// Failures in a row.
    strikes: u32,
    failing: Failing,
}

impl Rests {
    /// The channel's other end itself.
    pub(super) const WHOLE: &str = "";

    /// Why a destination isn't tried at `now`, and when it is.
    pub(super) fn until(&self, key: &str, now: DateTime<Utc>) -> Option<(String, DateTime<Utc>)> {
        [key, Rests::WHOLE].into_iter().find_map(|key| {
            let rest = &self.0.get(key)?.failing;
            let until = rest.until.filter(|until| now < *until)?;
            let what = if key.is_empty() { "the other side".to_owned() } else { format!("the domain {key}") };
            Some((format!("not tried, since {what} takes nothing: {}", rest.reason), until))
        })
    }

    /// How long the channel's other end has taken nothing; None: it took the last that it was asked for.
    pub(super) fn whole(&self) -> Option<&Failing> {
        self.0.get(Rests::WHOLE).map(|rest| &rest.failing)
    }

    /// A destination took a message not now. It rests when it asked for that (`asked`), or after a few of these in a row: until the time
    /// returned, longer each time.
    pub(super) fn failed(
        &mut self,
        key: &str,
        reason: &str,
        asked: Option<DateTime<Utc>>,
        retry: &Backoff,
        now: DateTime<Utc>,
        chance: f64,
    ) -> Option<DateTime<Utc>> {
        if self.0.len() >= KEPT {
            let rests = |rest: &Rest| rest.failing.until.is_some_and(|until| now < until);
            self.0.retain(|key, rest| key.is_empty() || rests(rest));
        }
        let rest = self.0.entry(key.to_owned()).or_insert_with(|| Rest {
            strikes: 0,
            failing: Failing { since: now, last: now, until: None, times: 0, reason: String::new() },
        });
        let failing = &mut rest.failing;
        // Those who were under way when it began to rest say nothing new.
        if failing.until.is_some_and(|until| now < until) {
            return None;
        }
        rest.strikes = rest.strikes.saturating_add(1);
        (failing.last, failing.reason) = (now, reason.to_owned());
        if asked.is_none() && rest.strikes < STRIKES {
            return None;
        }
        failing.times = failing.times.saturating_add(1);
        let until = asked.unwrap_or_else(|| now + retry.delay(failing.times, chance));
        failing.until = Some(until);
        Some(until)
    }

    /// A destination took something, and so the channel works, too.
    pub(super) fn worked(&mut self, key: &str) {
        self.0.remove(key);
        self.0.remove(Rests::WHOLE);
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

    #[test]
    fn it_rests_after_a_few_failures_and_longer_each_time() {
        let mut rests = Rests::default();
        let fail = |rests: &mut Rests, now| rests.failed("dead.example", "451", None, &RETRY, at(now), 0.5);
        assert_eq!((fail(&mut rests, 0), fail(&mut rests, 1)), (None, None));
        assert_eq!(fail(&mut rests, 2), Some(at(32)));
        assert_eq!(fail(&mut rests, 3), None, "it rests already");
        let (why, until) = rests.until("dead.example", at(31)).unwrap();
        assert!(why.contains("dead.example") && why.contains("451"), "{why}");
        assert_eq!(until, at(32));
        assert_eq!(rests.until("well.example", at(31)), None);
        assert_eq!(rests.until("dead.example", at(32)), None);
        // The first that is tried then shows that nothing has changed.
        assert_eq!(fail(&mut rests, 33), Some(at(93)));
        rests.worked("dead.example");
        assert_eq!(rests.until("dead.example", at(40)), None);
        assert_eq!(fail(&mut rests, 41), None);
    }

    #[test]
    fn what_holds_for_all_holds_for_each_and_what_is_asked_for_holds_at_once() {
        let mut rests = Rests::default();
        assert_eq!(rests.failed(Rests::WHOLE, "429", Some(at(50)), &RETRY, at(0), 0.5), Some(at(50)));
        assert_eq!(rests.until("x.example", at(49)).unwrap().1, at(50));
        rests.worked("x.example");
        assert_eq!(rests.until("x.example", at(49)), None);
    }
}
