//! What failed since anything was last accepted: whether it is the channel that is at fault, or the message.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::MessageId;

/// So many different recipients in a row, with nothing accepted between, are no chance.
const SEVERAL: usize = 3;
/// What has taken nothing for so long is away.
const AWAY: TimeDelta = TimeDelta::minutes(15);
/// So many messages that failed are remembered.
const KEPT: usize = 10_000;

/// In which way a message failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Way {
    /// The other side wants it later.
    NotNow,
    /// The other side may mean us.
    Suspected,
    /// The channel seems to work for nobody.
    Broken,
}

/// What failed lately on a channel.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// How often something was accepted.
    accepted: u64,
    /// `accepted` as it was when each of these first failed.
    failed: HashMap<(MessageId, Way), u64>,
    drought: Option<Drought>,
}

/// A time in which nothing was accepted.
#[derive(Debug)]
struct Drought {
    since: DateTime<Utc>,
    last: DateTime<Utc>,
    reason: String,
    /// Since when the other side itself takes nothing, whatever it is asked.
    whole_since: Option<DateTime<Utc>>,
    /// Who failed, the first few.
    different: HashSet<u64>,
    /// With whom the other side may have meant us, the first few.
    suspected: HashSet<u64>,
    /// Whether that was so with all of them.
    only_suspected: bool,
}

/// A failure that isn't the message's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dry<'a> {
    /// Whose it is.
    pub who: u64,
    /// What was said.
    pub reason: &'a str,
    /// The other side itself takes nothing.
    pub whole: bool,
}

impl Tally {
    /// A message fails. Whether it is the message that is at fault: others were accepted since it first failed in this way.
    pub(super) fn fails(&mut self, message: MessageId, way: Way) -> bool {
        if self.failed.len() >= KEPT {
            self.failed.clear();
        }
        *self.failed.entry((message, way)).or_insert(self.accepted) < self.accepted
    }

    /// A message was accepted.
    pub(super) fn accepts(&mut self, message: MessageId) {
        self.accepted = self.accepted.wrapping_add(1);
        self.drought = None;
        if !self.failed.is_empty() {
            for way in [Way::NotNow, Way::Suspected, Way::Broken] {
                self.failed.remove(&(message, way));
            }
        }
    }

    /// Nothing was accepted.
    pub(super) fn is_dry(&mut self, dry: Dry<'_>, now: DateTime<Utc>) {
        let drought = self.drought(now, dry);
        drought.only_suspected = false;
        drought.whole_since = dry.whole.then(|| drought.whole_since.unwrap_or(now));
    }

    /// The other side may have meant us. Whether it has said so to several in a row.
    pub(super) fn suspects(&mut self, dry: Dry<'_>, now: DateTime<Utc>) -> bool {
        let drought = self.drought(now, dry);
        drought.whole_since = None;
        if drought.suspected.len() < SEVERAL {
            drought.suspected.insert(dry.who);
        }
        drought.suspected.len() >= SEVERAL
    }

    /// Since when nobody has been served, and what was said last, if that is so long that somebody has to see to it.
    pub(super) fn away(&self) -> Option<(DateTime<Utc>, &str)> {
        let drought = self.drought.as_ref()?;
        let is_long = |since| drought.last - since >= AWAY;
        if let Some(since) = drought.whole_since.filter(|since| is_long(*since)) {
            return Some((since, &drought.reason));
        }
        let of_many = drought.different.len() >= SEVERAL || drought.only_suspected;
        (of_many && is_long(drought.since)).then_some((drought.since, drought.reason.as_str()))
    }

    fn drought(&mut self, now: DateTime<Utc>, dry: Dry<'_>) -> &mut Drought {
        let drought = self.drought.get_or_insert_with(|| Drought {
            since: now,
            last: now,
            reason: String::new(),
            whole_since: None,
            different: HashSet::new(),
            suspected: HashSet::new(),
            only_suspected: true,
        });
        drought.last = now;
        dry.reason.clone_into(&mut drought.reason);
        if drought.different.len() < SEVERAL {
            drought.different.insert(dry.who);
        }
        drought
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn dry(who: u64) -> Dry<'static> {
        Dry { who, reason: "451", whole: false }
    }

    #[test]
    fn a_message_is_at_fault_when_others_were_accepted_since_it_first_failed() {
        let mut tally = Tally::default();
        let (one, two) = (MessageId(1), MessageId(2));
        assert!(!tally.fails(one, Way::NotNow) && !tally.fails(one, Way::NotNow));
        tally.accepts(two);
        assert!(tally.fails(one, Way::NotNow));
        assert!(!tally.fails(one, Way::Broken), "that is new");
        tally.accepts(one);
        assert!(!tally.fails(one, Way::NotNow), "it had been accepted");
    }

    #[test]
    fn a_server_that_takes_nothing_of_several_is_away_and_one_stuck_recipient_is_not() {
        let mut tally = Tally::default();
        for minute in 0..60 {
            tally.is_dry(dry(1), at(minute));
            assert_eq!(tally.away(), None);
        }
        let mut tally = Tally::default();
        for (minute, who) in [(1, 1), (5, 2), (9, 3), (15, 1)] {
            tally.is_dry(dry(who), at(minute));
            assert_eq!(tally.away(), None);
        }
        tally.is_dry(dry(1), at(16));
        assert_eq!(tally.away(), Some((at(1), "451")));
        tally.accepts(MessageId(1));
        assert_eq!(tally.away(), None);
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_away_whoever_was_to_get_something() {
        let mut tally = Tally::default();
        let whole = Dry { whole: true, ..dry(1) };
        tally.is_dry(whole, at(0));
        // It was there.
        tally.is_dry(dry(1), at(10));
        tally.is_dry(whole, at(12));
        tally.is_dry(whole, at(26));
        assert_eq!(tally.away(), None);
        tally.is_dry(whole, at(27));
        assert_eq!(tally.away(), Some((at(12), "451")));
    }

    #[test]
    fn several_in_a_row_with_whom_we_may_be_meant_are_no_chance() {
        let mut tally = Tally::default();
        assert!(
            !tally.suspects(dry(1), at(0))
                && !tally.suspects(dry(1), at(0))
                && !tally.suspects(dry(2), at(0))
        );
        assert!(tally.suspects(dry(3), at(0)) && tally.suspects(dry(1), at(1)));
        tally.accepts(MessageId(9));
        assert!(!tally.suspects(dry(3), at(2)));
        // Where there is nobody else to be told, time tells.
        assert!(!tally.suspects(dry(3), at(17)));
        assert_eq!(tally.away(), Some((at(2), "451")));
    }
}
