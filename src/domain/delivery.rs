//! What is told of how notices leave: a channel that works for nobody, once, and that it works again; and messages that were given up.
//!
//! Pure: [`Delivery::decide`] looks, what it returns is told and noted by whoever asks.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ids::ChannelName;

/// What was told of the channels so far.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// The channels of which it was told that they work for nobody, and since when they don't.
    pub broken: BTreeMap<ChannelName, DateTime<Utc>>,
    /// Messages that were given up until then were told. None: nobody has looked yet.
    pub given_up_told: Option<DateTime<Utc>>,
}

/// How a channel is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// It works for nobody.
    Broken {
        /// Since when.
        since: DateTime<Utc>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// Something was accepted.
    Works {
        /// When, last.
        at: DateTime<Utc>,
    },
    /// Nothing was tried since the start.
    Unknown,
}

impl Condition {
    /// Whether it works for nobody.
    pub fn is_broken(&self) -> bool {
        matches!(self, Condition::Broken { .. })
    }
}

/// What is to be told of a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// It works for nobody.
    Broken {
        /// Which.
        channel: ChannelName,
        /// Since when.
        since: DateTime<Utc>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// It works again.
    Works {
        /// Which.
        channel: ChannelName,
        /// Since when it hadn't.
        since: DateTime<Utc>,
        /// When something was accepted.
        at: DateTime<Utc>,
    },
}

/// Messages that were given up are told no more often than this, those of the time between in one notice.
const PAUSE: TimeDelta = TimeDelta::minutes(15);
/// They are told after so long, so that the others of a burst come along, and none that is noted a little late is overlooked.
const GATHER: TimeDelta = TimeDelta::minutes(1);

impl Delivery {
    /// What is to be told of the channels as they are.
    pub fn decide<'a>(&self, channels: impl IntoIterator<Item = (&'a ChannelName, Condition)>) -> Vec<Word> {
        let word =
            |(channel, condition): (&ChannelName, Condition)| match (condition, self.broken.get(channel)) {
                (Condition::Broken { since, reason }, None) => {
                    Some(Word::Broken { channel: channel.clone(), since, reason })
                }
                (Condition::Works { at }, Some(since)) if at > *since => {
                    Some(Word::Works { channel: channel.clone(), since: *since, at })
                }
                _ => None,
            };
        channels.into_iter().filter_map(word).collect()
    }

    /// With that told; channels that there aren't any more are forgotten.
    #[must_use]
    pub fn told(&self, words: &[Word], is_there: impl Fn(&ChannelName) -> bool) -> Delivery {
        let mut after = self.clone();
        after.broken.retain(|channel, _| is_there(channel));
        for word in words {
            match word {
                Word::Broken { channel, since, .. } => after.broken.insert(channel.clone(), *since),
                Word::Works { channel, .. } => after.broken.remove(channel),
            };
        }
        after
    }

    /// Up to when messages that were given up are to be told at `now`; None: not now.
    pub fn horizon(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let horizon = now - GATHER;
        self.given_up_told.is_none_or(|told| horizon - told >= PAUSE).then_some(horizon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn a_broken_channel_is_told_once_and_its_recovery_once() {
        let name = ChannelName::from("team");
        let broken = || Condition::Broken { since: at(1), reason: "401".into() };
        let none = Delivery::default();
        let words = none.decide([(&name, broken())]);
        assert_eq!(words, [Word::Broken { channel: name.clone(), since: at(1), reason: "401".into() }]);
        let told = none.told(&words, |_| true);
        assert_eq!(told.decide([(&name, broken())]), []);
        // After a restart nothing is known until something is tried.
        assert_eq!(told.decide([(&name, Condition::Unknown)]), []);
        let words = told.decide([(&name, Condition::Works { at: at(9) })]);
        assert_eq!(words, [Word::Works { channel: name.clone(), since: at(1), at: at(9) }]);
        let well = told.told(&words, |_| true);
        assert_eq!(well, none);
        assert_eq!(well.decide([(&name, Condition::Works { at: at(9) })]), []);
        assert_eq!(told.told(&[], |_| false), none);
    }

    #[test]
    fn what_was_given_up_is_gathered_and_not_told_too_often() {
        let mut delivery = Delivery::default();
        assert_eq!(delivery.horizon(at(10)), Some(at(9)));
        delivery.given_up_told = Some(at(9));
        assert_eq!(delivery.horizon(at(24)), None);
        assert_eq!(delivery.horizon(at(25)), Some(at(24)));
    }
}
