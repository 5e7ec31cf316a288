//! What the contract asks for: jobs for the writer, and what the queue knows.

use chrono::{DateTime, Utc};

use crate::domain::audit;
use crate::domain::changes::ContactChange;
use crate::domain::guard::CheckedDelta;
use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{Message, Priority};
use crate::domain::run::Cursor;

use super::super::error::StoreError;
use super::super::jobs::{commit, outbox, prune};
use super::super::types::{
    Attempt, ChannelCounts, Claimed, Committed, Event, MessageOrder, Pruned, QueueCounts, Retention,
    RunRecord, Sequence,
};
use super::SledStore;

impl SledStore {
    pub(in super::super) async fn allocate(&self, sequence: Sequence, count: u64) -> Result<u64, StoreError> {
        self.commit(move |tx| commit::allocate(tx, sequence, count)).await
    }

    pub(in super::super) async fn commit_sync(
        &self,
        delta: CheckedDelta,
        record: RunRecord,
        cursor: Cursor,
    ) -> Result<Committed, StoreError> {
        self.commit(move |tx| commit::sync(tx, &delta, record, &cursor)).await
    }

    pub(in super::super) async fn commit_run(
        &self,
        record: RunRecord,
        cursor: Option<Cursor>,
    ) -> Result<Committed, StoreError> {
        self.commit(move |tx| commit::run(tx, record, cursor.as_ref())).await
    }

    pub(in super::super) async fn commit_event(
        &self,
        event: Event,
        contacts: Vec<ContactChange>,
    ) -> Result<Committed, StoreError> {
        self.commit(move |tx| commit::event(tx, event, contacts)).await
    }

    pub(in super::super) async fn claim_due(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
        least: Priority,
    ) -> Result<Vec<Claimed>, StoreError> {
        let channel = channel.clone();
        self.commit(move |tx| outbox::claim(tx, &channel, now, until, max, least)).await
    }

    pub(in super::super) async fn release_claims(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.commit(move |tx| outbox::release(tx, now, true)).await
    }

    pub(in super::super) async fn record_attempts(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        self.commit(move |tx| outbox::attempts(tx, &attempts)).await
    }

    pub(in super::super) async fn order_message(
        &self,
        id: MessageId,
        order: MessageOrder,
        now: DateTime<Utc>,
        audit: Option<audit::Entry>,
    ) -> Result<Message, StoreError> {
        self.commit(move |tx| outbox::order(tx, id, order, now, audit.as_ref())).await
    }

    pub(in super::super) async fn prune(
        &self,
        now: DateTime<Utc>,
        keep: Retention,
    ) -> Result<Pruned, StoreError> {
        prune::prune(self, now, keep).await
    }

    pub(in super::super) fn next_due(&self, channel: &ChannelName) -> Option<DateTime<Utc>> {
        self.shared.queue().next_due(channel)
    }

    pub(in super::super) fn channel_counts(&self) -> ChannelCounts {
        self.shared.queue().channel_counts()
    }

    pub(in super::super) fn given_up(&self, since: DateTime<Utc>, max: usize) -> (Vec<MessageId>, usize) {
        self.shared.queue().given_up(since, max)
    }

    pub(in super::super) fn queue_counts(&self) -> QueueCounts {
        self.shared.queue().counts()
    }
}
