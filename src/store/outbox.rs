//! The contract's part on messages: claimed, noted, listed, ordered about.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Attempt, ChannelCounts, Claimed, Listed, MessageDetail, MessageFilter, MessageOrder, QueueCounts,
    SledStore, Store, StoreError,
};
use crate::domain::audit;
use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{Message, MessageState, Priority};

impl Store {
    /// So many messages are claimed at once at the most: more than fit into one batch of the embedded store would be written twice, and a database takes a
    /// while for each claim.
    pub fn claims_at_once(&self) -> usize {
        match self {
            Store::Sled(_) => SledStore::ROWS_AT_ONCE,
            Store::Postgres(_) => 1024,
        }
    }

    /// Claims messages of a channel for sending until `until`, the urgent first and of those the longest due, at most `max`: those that
    /// are queued or deferred and due at `now`, and those whose earlier claim has run out. Nobody else gets them before. What has expired
    /// becomes so instead; with a `max` of 0 nothing else happens.
    pub async fn claim_due(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.claim(channel, now, until, max, (Priority::Low, None)).await?.0)
    }

    /// [`Store::claim_due`], of a channel that begins with at most `per_minute` messages within any minute, on all nodes that share the store together.
    /// What is claimed is booked. Returns also how long it is until more may be begun with; None: nothing holds it up. One that nobody shares
    /// leaves the limit to who sends.
    pub async fn claim_within(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
        per_minute: Option<u32>,
    ) -> Result<(Vec<Claimed>, Option<TimeDelta>), StoreError> {
        self.claim(channel, now, until, max, (Priority::Low, per_minute)).await
    }

    /// [`Store::claim_within`], but only of what is urgent.
    pub async fn claim_urgent(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
        per_minute: Option<u32>,
    ) -> Result<Vec<Claimed>, StoreError> {
        Ok(self.claim(channel, now, until, max, (Priority::Urgent, per_minute)).await?.0)
    }

    async fn claim(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
        terms: (Priority, Option<u32>),
    ) -> Result<(Vec<Claimed>, Option<TimeDelta>), StoreError> {
        match self {
            Store::Sled(store) => Ok((store.claim_due(channel, now, until, max, terms.0).await?, None)),
            Store::Postgres(store) => store.claim(channel, now, until, max, terms).await,
        }
    }

    /// Makes every message that is being sent due at `now`; returns how many there were. For a start: who sent them is gone. Backends
    /// that several nodes share release only what this node had claimed.
    pub async fn release_claims(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        match self {
            Store::Sled(store) => store.release_claims(now).await,
            Store::Postgres(store) => store.release_claims(now).await,
        }
    }

    /// When the next message of a channel is due, or a claim runs out; None when none waits.
    pub async fn next_due(&self, channel: &ChannelName) -> Result<Option<DateTime<Utc>>, StoreError> {
        match self {
            Store::Sled(store) => Ok(store.next_due(channel)),
            Store::Postgres(store) => store.next_due(channel).await,
        }
    }

    /// The messages that were given up (refused for good, or expired) after `since`, the first one first, at most `max`; and how many
    /// there are.
    pub async fn given_up(
        &self,
        since: DateTime<Utc>,
        max: usize,
    ) -> Result<(Vec<MessageId>, usize), StoreError> {
        match self {
            Store::Sled(store) => Ok(store.given_up(since, max)),
            Store::Postgres(store) => store.given_up(since, max).await,
        }
    }

    /// These messages with their notices, in this order; those that are gone are left out.
    pub async fn listed(&self, ids: &[MessageId]) -> Result<Vec<Listed>, StoreError> {
        match self {
            Store::Sled(store) => store.listed(ids.to_vec()).await,
            Store::Postgres(store) => store.listed(ids).await,
        }
    }

    /// Records what claimed messages came to, all of them in one transaction. All are logged; but from one whose claim was lost only
    /// "sent" counts, and what is at an end stays so.
    pub async fn record_attempts(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        match self {
            Store::Sled(store) => store.record_attempts(attempts).await,
            Store::Postgres(store) => store.record_attempts(attempts).await,
        }
    }

    /// Lists messages, the newest first.
    pub async fn messages(&self, filter: MessageFilter) -> Result<Vec<Listed>, StoreError> {
        match self {
            Store::Sled(store) => store.messages(filter).await,
            Store::Postgres(store) => store.messages(filter).await,
        }
    }

    /// A message with its notice and every try to send it.
    pub async fn message(&self, id: MessageId) -> Result<MessageDetail, StoreError> {
        let mut detail = match self {
            Store::Sled(store) => store.message(id).await?,
            Store::Postgres(store) => store.message(id).await?,
        };
        // What was refused together was tried by itself after that: what failed left with others only when it came back.
        let left = detail.attempts.iter().any(|attempt| attempt.state == MessageState::Sent);
        let waits = !detail.message.state.is_final();
        if let Some(first) = detail.message.together.filter(|_| waits || left) {
            let all = match self {
                Store::Sled(store) => store.together(first).await?,
                Store::Postgres(store) => store.together(first).await?,
            };
            let others = self.listed(&all).await?.into_iter().map(|listed| listed.message);
            let with = others.filter(|other| other.id != id && other.leaves_with(&detail.message));
            detail.with = with.map(|other| other.id).collect();
        }
        Ok(detail)
    }

    /// Does to a message what an operator orders, with the entry for the audit log; returns the message after it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::NotNow`] as [`MessageOrder`] says.
    pub async fn order_message(
        &self,
        id: MessageId,
        order: MessageOrder,
        now: DateTime<Utc>,
        audit: Option<audit::Entry>,
    ) -> Result<Message, StoreError> {
        match self {
            Store::Sled(store) => store.order_message(id, order, now, audit).await,
            Store::Postgres(store) => store.order_message(id, order, now, audit).await,
        }
    }

    /// How many messages there are in each state; states without any are left out.
    pub async fn queue_counts(&self) -> Result<QueueCounts, StoreError> {
        match self {
            Store::Sled(store) => Ok(store.queue_counts()),
            Store::Postgres(store) => store.queue_counts().await,
        }
    }

    /// The same by channel: also of channels that the configuration doesn't know any more.
    pub async fn channel_counts(&self) -> Result<ChannelCounts, StoreError> {
        match self {
            Store::Sled(store) => Ok(store.channel_counts()),
            Store::Postgres(store) => store.channel_counts().await,
        }
    }
}
