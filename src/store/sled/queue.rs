//! The outbox as far as claiming needs it, in memory: which messages wait until when, and how many are in each state.
//!
//! It is made from the messages at every opening, and brought forward with them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::domain::ids::MessageId;
use crate::domain::notice::{Message, MessageState};

use super::super::types::QueueCounts;

/// What the queue knows of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    id: MessageId,
    state: MessageState,
    due: DateTime<Utc>,
}

impl Place {
    fn of(message: &Message) -> Place {
        Place { id: message.id, state: message.state, due: message.due }
    }
}

/// A message that came, changed or went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    before: Option<Place>,
    after: Option<Place>,
}

impl Move {
    /// From `before` to `after`.
    pub(super) fn new(before: Option<&Message>, after: Option<&Message>) -> Move {
        Move { before: before.map(Place::of), after: after.map(Place::of) }
    }

    /// The way back.
    pub(super) fn undone(self) -> Move {
        Move { before: self.after, after: self.before }
    }
}

/// The messages that aren't at an end, by when they are due; and how many there are of every state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Queue {
    due: BTreeSet<(DateTime<Utc>, MessageId)>,
    counts: BTreeMap<MessageState, u64>,
}

impl Queue {
    /// Takes in a move.
    pub(super) fn make(&mut self, Move { before, after }: Move) {
        if let Some(place) = before {
            self.due.remove(&(place.due, place.id));
            if let Some(count) = self.counts.get_mut(&place.state) {
                *count = count.saturating_sub(1);
            }
            self.counts.retain(|_, count| *count > 0);
        }
        if let Some(place) = after {
            *self.counts.entry(place.state).or_default() += 1;
            if !place.state.is_final() {
                self.due.insert((place.due, place.id));
            }
        }
    }

    /// Those that are due at `now`, the oldest first.
    pub(super) fn due(&self, now: DateTime<Utc>) -> impl Iterator<Item = MessageId> + '_ {
        self.due.iter().take_while(move |(due, _)| *due <= now).map(|(_, id)| *id)
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<DateTime<Utc>> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Those that aren't at an end.
    pub(super) fn open(&self) -> impl Iterator<Item = MessageId> + '_ {
        self.due.iter().map(|(_, id)| *id)
    }

    /// How many there are of every state that there are any of.
    pub(super) fn counts(&self) -> QueueCounts {
        self.counts.clone()
    }
}
