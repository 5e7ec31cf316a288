//! The outbox as far as claiming needs it, in memory: which messages wait until when, which are being sent, and how many are in each state.
//!
//! It is made from the messages at every opening, and brought forward with them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{MessageState, Priority};

use super::super::jobs::place::Move;
use super::super::types::{ChannelCounts, QueueCounts};

/// The messages of one channel that aren't at an end, by when they are due, the urgent apart from the rest; and how many there are of
/// every state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct OfChannel {
    due: BTreeMap<Priority, BTreeSet<(DateTime<Utc>, MessageId)>>,
    counts: QueueCounts,
}

/// The messages that aren't at an end, by channel; those of them that are being sent; and those that were given up, by when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Queue {
    channels: BTreeMap<ChannelName, OfChannel>,
    sending: BTreeSet<MessageId>,
    given_up: BTreeSet<(DateTime<Utc>, MessageId)>,
}

impl Queue {
    /// Takes in a move.
    pub(super) fn make(&mut self, Move { before, after }: Move) {
        if let Some(place) = before {
            if place.is_given_up() {
                self.given_up.remove(&(place.changed, place.id));
            }
            if place.state == MessageState::Sending {
                self.sending.remove(&place.id);
            }
            if let Some(of) = self.channels.get_mut(&place.channel) {
                if let Some(due) = of.due.get_mut(&place.priority) {
                    due.remove(&(place.due, place.id));
                }
                if let Some(count) = of.counts.get_mut(&place.state) {
                    *count = count.saturating_sub(1);
                }
                of.counts.retain(|_, count| *count > 0);
                if of.counts.is_empty() && after.is_none() {
                    self.channels.remove(&place.channel);
                }
            }
        }
        if let Some(place) = after {
            if place.is_given_up() {
                self.given_up.insert((place.changed, place.id));
            }
            if place.state == MessageState::Sending {
                self.sending.insert(place.id);
            }
            let of = self.channels.entry(place.channel).or_default();
            *of.counts.entry(place.state).or_default() += 1;
            if !place.state.is_final() {
                of.due.entry(place.priority).or_default().insert((place.due, place.id));
            }
        }
    }

    /// Those of a channel that are due at `now`: the urgent first, and of those the oldest.
    pub(super) fn due(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = MessageId> + '_ {
        let of = self.channels.get(channel).into_iter().flat_map(|of| of.due.values());
        of.flat_map(move |due| due.iter().take_while(move |(due, _)| *due <= now).map(|(_, id)| *id))
    }

    /// When the next one of a channel is due.
    pub(super) fn next_due(&self, channel: &ChannelName) -> Option<DateTime<Utc>> {
        let of = self.channels.get(channel)?;
        of.due.values().filter_map(|due| due.first().map(|(due, _)| *due)).min()
    }

    /// Those that aren't at an end.
    pub(super) fn open(&self) -> impl Iterator<Item = MessageId> + '_ {
        self.channels.values().flat_map(|of| of.due.values().flatten()).map(|(_, id)| *id)
    }

    /// Those that are being sent.
    pub(super) fn sending(&self) -> impl Iterator<Item = MessageId> + '_ {
        self.sending.iter().copied()
    }

    /// Those that were given up after `since`, the first one first, and how many there are.
    pub(super) fn given_up(&self, since: DateTime<Utc>, max: usize) -> (Vec<MessageId>, usize) {
        use std::ops::Bound::{Excluded, Unbounded};
        let all = self.given_up.range((Excluded((since, MessageId(u64::MAX))), Unbounded));
        let count = all.clone().count();
        (all.take(max).map(|(_, id)| *id).collect(), count)
    }

    /// How many there are of every state that there are any of.
    pub(super) fn counts(&self) -> QueueCounts {
        let mut all = QueueCounts::new();
        for (state, count) in self.channels.values().flat_map(|of| &of.counts) {
            *all.entry(*state).or_default() += count;
        }
        all
    }

    /// The same by channel.
    pub(super) fn channel_counts(&self) -> ChannelCounts {
        self.channels.iter().map(|(name, of)| (name.clone(), of.counts.clone())).collect()
    }
}
