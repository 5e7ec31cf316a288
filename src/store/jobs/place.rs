//! Where a message stands in the queue, and how that changes.

use chrono::{DateTime, Utc};

use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{Message, MessageState, Priority};

/// What the queue knows of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::store) struct Place {
    pub(in crate::store) id: MessageId,
    pub(in crate::store) channel: ChannelName,
    pub(in crate::store) priority: Priority,
    pub(in crate::store) state: MessageState,
    pub(in crate::store) due: DateTime<Utc>,
    pub(in crate::store) changed: DateTime<Utc>,
}

impl Place {
    fn of(message: &Message) -> Place {
        Place {
            id: message.id,
            channel: message.recipient.channel.clone(),
            priority: message.priority,
            state: message.state,
            due: message.due,
            changed: message.changed,
        }
    }

    /// Whether nobody will get it any more, though nobody wanted that.
    pub(in crate::store) fn is_given_up(&self) -> bool {
        matches!(self.state, MessageState::Failed | MessageState::Expired)
    }
}

/// A message that came, changed or went.
#[derive(Clone, Debug)]
pub(in crate::store) struct Move {
    pub(in crate::store) before: Option<Place>,
    pub(in crate::store) after: Option<Place>,
}

impl Move {
    /// From `before` to `after`.
    pub(in crate::store) fn new(before: Option<&Message>, after: Option<&Message>) -> Move {
        Move { before: before.map(Place::of), after: after.map(Place::of) }
    }

    /// The way back.
    pub(in crate::store) fn undone(self) -> Move {
        Move { before: self.after, after: self.before }
    }
}
