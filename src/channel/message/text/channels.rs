//! The words on channels, and on what didn't arrive.

use chrono::{DateTime, Utc};

use super::{GREEN, Page, RED, plain};
use crate::channel::words::{Words, say};
use crate::domain::ids::ChannelName;
use crate::domain::notice::{MessageState, Undelivered, UndeliveredFacts};

impl Words {
    pub(super) fn channel_broken(&self, channel: &ChannelName, since: DateTime<Utc>, reason: &str) -> Page {
        let lines = vec![
            say!(self, "channel-broken-since", since = self.time(since), reason = reason),
            say!(self, "channel-broken-meanwhile"),
            say!(self, "channel-broken-todo", status = "budkavle status", check = "budkavle check --online"),
        ];
        plain(say!(self, "channel-broken", channel = &*channel.0), "label-alert", RED, lines)
    }

    pub(super) fn channel_works(
        &self,
        channel: &ChannelName,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Page {
        let line = say!(self, "channel-works-since", since = self.time(since), at = self.time(at));
        plain(say!(self, "channel-works", channel = &*channel.0), "label-recovery", GREEN, vec![line])
    }

    pub(super) fn undelivered(&self, facts: &UndeliveredFacts) -> Page {
        let count = facts.messages.len() + usize::try_from(facts.more).unwrap_or_default();
        let line = |m: &Undelivered| {
            say!(
                self,
                "undelivered-one",
                message = m.message.to_string(),
                channel = &*m.channel.0,
                to = &*m.to,
                about = &*m.about,
                state = self.message_state(m.state),
                answer = &*m.answer
            )
        };
        let more = (facts.more > 0)
            .then(|| say!(self, "undelivered-more", n = facts.more, command = "budkavle outbox list"));
        let todo = say!(self, "undelivered-todo", command = "budkavle outbox retry NUMBER");
        let lines = facts.messages.iter().map(line).chain(more).chain([todo]).collect();
        plain(say!(self, "undelivered", n = count), "label-alert", RED, lines)
    }

    /// How a message that was given up ended.
    fn message_state(&self, state: MessageState) -> String {
        match state {
            MessageState::Failed => say!(self, "message-failed"),
            MessageState::Expired => say!(self, "message-expired"),
            other => other.to_string(),
        }
    }
}
