//! What the contract asks for of what changes something, and of the queue.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::Row;

use crate::domain::audit;
use crate::domain::changes::ContactChange;
use crate::domain::guard::CheckedDelta;
use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{Message, MessageState};
use crate::domain::run::Cursor;

use super::super::error::StoreError;
use super::super::jobs::trouble::Fault;
use super::super::jobs::{commit, outbox, prune};
use super::super::records::{Record, number_of};
use super::super::types::{
    Attempt, ChannelCounts, Claimed, Committed, Event, MessageOrder, Pruned, QueueCounts, Retention,
    RunRecord, Sequence,
};
use super::tables::time;
use super::{LONG_PATIENCE, PATIENCE, PgStore, Way};

impl PgStore {
    pub(in super::super) async fn allocate(&self, sequence: Sequence, count: u64) -> Result<u64, StoreError> {
        self.carry_out(Way::Alone, PATIENCE, move |tx| commit::allocate(tx, sequence, count)).await
    }

    pub(in super::super) async fn commit_sync(
        &self,
        delta: CheckedDelta,
        record: RunRecord,
        cursor: Cursor,
    ) -> Result<Committed, StoreError> {
        self.carry_out(Way::Lead, PATIENCE, move |tx| commit::sync(tx, &delta, record.clone(), &cursor)).await
    }

    pub(in super::super) async fn commit_run(
        &self,
        record: RunRecord,
        cursor: Option<Cursor>,
    ) -> Result<Committed, StoreError> {
        self.carry_out(Way::Lead, PATIENCE, move |tx| commit::run(tx, record.clone(), cursor.as_ref())).await
    }

    pub(in super::super) async fn commit_event(
        &self,
        event: Event,
        contacts: Vec<ContactChange>,
    ) -> Result<Committed, StoreError> {
        self.carry_out(Way::Decide, PATIENCE, move |tx| commit::event(tx, event.clone(), contacts.clone()))
            .await
    }

    pub(in super::super) async fn claim_due(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let channel = channel.clone();
        self.carry_out(Way::Beside, PATIENCE, move |tx| outbox::claim(tx, &channel, now, until, max)).await
    }

    pub(in super::super) async fn release_claims(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            match self.carry_out(Way::Beside, PATIENCE, move |tx| outbox::release(tx, now, true)).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    pub(in super::super) async fn record_attempts(
        &self,
        mut attempts: Vec<Attempt>,
    ) -> Result<(), StoreError> {
        // In the order in which all take them, so that nobody waits for somebody who waits for him.
        attempts.sort_by_key(|attempt| attempt.message);
        self.carry_out(Way::Beside, LONG_PATIENCE, move |tx| outbox::attempts(tx, &attempts)).await
    }

    pub(in super::super) async fn order_message(
        &self,
        id: MessageId,
        order: MessageOrder,
        now: DateTime<Utc>,
        audit: Option<audit::Entry>,
    ) -> Result<Message, StoreError> {
        self.carry_out(Way::Alone, PATIENCE, move |tx| outbox::order(tx, id, order, now, audit.as_ref()))
            .await
    }

    pub(in super::super) async fn prune(
        &self,
        now: DateTime<Utc>,
        keep: Retention,
    ) -> Result<Pruned, StoreError> {
        prune::prune(self, now, keep).await
    }

    /// How many of `wanted` messages of a channel may be begun with now, when all nodes together begin with `per_minute`
    /// within any minute.
    pub(in super::super) async fn grant(
        &self,
        channel: &ChannelName,
        per_minute: u32,
        wanted: usize,
    ) -> Result<usize, StoreError> {
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        let granted = async {
            let pool = &self.shared.connections.pool();
            let name = channel.to_string();
            let sql = "INSERT INTO paces (channel) VALUES ($1) ON CONFLICT DO NOTHING";
            sqlx::query(sql).bind(&name).execute(pool).await?;
            let mut tx = pool.begin().await?;
            let sql = "SELECT channel FROM paces WHERE channel = $1 FOR UPDATE";
            sqlx::query(sql).bind(&name).fetch_all(&mut *tx).await?;
            let sql = "SELECT COALESCE(sum(messages), 0)::bigint FROM begun WHERE channel = $1 \
                       AND at > clock_timestamp() - interval '1 minute'";
            let begun: i64 = sqlx::query_scalar(sql).bind(&name).fetch_one(&mut *tx).await?;
            let granted = wanted.min(i64::from(per_minute) - begun).max(0);
            if granted > 0 {
                let sql = "INSERT INTO begun (channel, at, messages) VALUES ($1, clock_timestamp(), $2)";
                sqlx::query(sql).bind(&name).bind(granted).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            Ok(granted)
        };
        let granted: Result<i64, sqlx::Error> = granted.await;
        granted.map(|granted| usize::try_from(granted).unwrap_or_default()).map_err(|e| self.failed(e))
    }

    pub(in super::super) async fn next_due(
        &self,
        channel: &ChannelName,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        // One look at each priority goes by the index.
        let sql = "SELECT m.record FROM generate_series(0, 3) AS p, LATERAL (SELECT record, due FROM messages \
                   WHERE channel = $1 AND priority = p AND state IN ('queued', 'deferred', 'sending') \
                   ORDER BY due, id LIMIT 1) AS m ORDER BY m.due LIMIT 1";
        let record: Option<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(channel.to_string())
            .fetch_optional(&self.shared.connections.pool())
            .await
            .map_err(|e| self.failed(e))?;
        let message = record.map(|record| Message::decode(&record)).transpose();
        Ok(message.map_err(|e| self.unreadable(e))?.map(|message| message.due))
    }

    pub(in super::super) async fn channel_counts(&self) -> Result<ChannelCounts, StoreError> {
        let sql = "SELECT channel, state, sum(messages)::bigint FROM message_counts GROUP BY channel, state \
                   HAVING sum(messages) > 0";
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql)
            .fetch_all(&self.shared.connections.pool())
            .await
            .map_err(|e| self.failed(e))?;
        let mut counts: ChannelCounts = BTreeMap::new();
        for (channel, state, messages) in rows {
            if let Some(state) = state_of(&state) {
                let of = counts.entry(ChannelName::from(&*channel)).or_default();
                of.insert(state, messages.cast_unsigned());
            }
        }
        Ok(counts)
    }

    pub(in super::super) async fn queue_counts(&self) -> Result<QueueCounts, StoreError> {
        let mut all = QueueCounts::new();
        for (state, count) in self.channel_counts().await?.into_values().flatten() {
            *all.entry(state).or_default() += count;
        }
        Ok(all)
    }

    pub(in super::super) async fn given_up(
        &self,
        since: DateTime<Utc>,
        max: usize,
    ) -> Result<(Vec<MessageId>, usize), StoreError> {
        let sql = "SELECT key FROM messages WHERE state IN ('failed', 'expired') AND changed > $1::timestamptz \
                   ORDER BY changed, id";
        let rows = sqlx::query(sql)
            .bind(time(since))
            .fetch_all(&self.shared.connections.pool())
            .await
            .map_err(|e| self.failed(e))?;
        let all = rows.len();
        let ids = rows.iter().take(max).filter_map(|row| number_of(&row.try_get::<Vec<u8>, _>(0).ok()?));
        Ok((ids.map(MessageId).collect(), all))
    }

    /// An error of the database, for the caller of the store.
    pub(super) fn failed(&self, error: sqlx::Error) -> StoreError {
        self.shared.bad(error).at_database(&self.shared.connections.place())
    }

    pub(super) fn unreadable(&self, error: super::super::records::RecordError) -> StoreError {
        let fault = Fault::Trouble(error.into());
        fault.at_database(&self.shared.connections.place())
    }
}

fn state_of(word: &str) -> Option<MessageState> {
    use MessageState::{Cancelled, Deferred, Expired, Failed, Queued, Sending, Sent};
    [Queued, Sending, Sent, Deferred, Failed, Expired, Cancelled].into_iter().find(|s| s.to_string() == word)
}
