//! What the contract asks for of what changes something, and of the queue.

use std::collections::BTreeMap;
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row;

use crate::domain::audit;
use crate::domain::changes::ContactChange;
use crate::domain::guard::CheckedDelta;
use crate::domain::ids::{ChannelName, Generation, MessageId};
use crate::domain::notice::{Message, MessageState, Priority};
use crate::domain::run::Cursor;

use super::super::error::StoreError;
use super::super::jobs::trouble::Fault;
use super::super::jobs::tx::Tx;
use super::super::jobs::{commit, outbox, prune};
use super::super::records::{Record, number_of};
use super::super::types::{
    Attempt, ChannelCounts, Claimed, Committed, Event, MessageOrder, Pruned, QueueCounts, Retention,
    RunRecord, Sequence,
};
use super::tables::time;
use super::{Patience, PgStore, Way};

impl PgStore {
    pub(in super::super) async fn allocate(&self, sequence: Sequence, count: u64) -> Result<u64, StoreError> {
        self.carry_out(Way::Alone, Patience::short(), move |tx| commit::allocate(tx, sequence, count)).await
    }

    pub(in super::super) async fn commit_sync(
        &self,
        delta: CheckedDelta,
        record: RunRecord,
        cursor: Cursor,
    ) -> Result<Committed, StoreError> {
        let lead = Way::Lead(record.lease);
        let job = move |tx: &mut Tx<'_>| commit::sync(tx, &delta, record.clone(), &cursor);
        Ok(self.seen(self.carry_out(lead, Patience::short(), job).await?))
    }

    pub(in super::super) async fn commit_run(
        &self,
        record: RunRecord,
        cursor: Option<Cursor>,
    ) -> Result<Committed, StoreError> {
        let lead = Way::Lead(record.lease);
        let job = move |tx: &mut Tx<'_>| commit::run(tx, record.clone(), cursor.as_ref());
        Ok(self.seen(self.carry_out(lead, Patience::short(), job).await?))
    }

    pub(in super::super) async fn commit_event(
        &self,
        event: Event,
        contacts: Vec<ContactChange>,
    ) -> Result<Committed, StoreError> {
        let job = move |tx: &mut Tx<'_>| commit::event(tx, event.clone(), contacts.clone());
        Ok(self.seen(self.carry_out(Way::Alone, Patience::short(), job).await?))
    }

    /// When others have committed before what this node hasn't seen, its picture isn't of the generation that it made: it follows.
    fn seen(&self, committed: Committed) -> Committed {
        let basis = Generation(self.shared.basis().generation);
        Committed { generation: committed.generation.filter(|made| *made == basis), ..committed }
    }

    pub(in super::super) async fn claim(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        max: usize,
        (least, per_minute): (Priority, Option<u32>),
    ) -> Result<(Vec<Claimed>, Option<TimeDelta>), StoreError> {
        if per_minute.is_some() && max > 0 {
            // Its row is what all nodes lock who claim of this channel.
            let sql = "INSERT INTO paces (channel) SELECT $1 WHERE NOT EXISTS (SELECT FROM paces WHERE channel = $1) \
                       ON CONFLICT DO NOTHING";
            let pool = self.shared.connections.pool();
            self.ask(sqlx::query(sql).bind(channel.to_string()).execute(&pool)).await?;
        }
        let channel = channel.clone();
        let job = move |tx: &mut Tx<'_>| {
            let free = tx.free(&channel, per_minute.filter(|_| max > 0))?;
            let most = free.map_or(max, |free| max.min(free.messages));
            let claimed = outbox::claim(tx, &channel, now, until, most, least)?;
            if free.is_some() {
                tx.book(&channel, claimed.len())?;
            }
            Ok((claimed, free.filter(|free| free.messages == 0).map(|free| free.more_in)))
        };
        self.carry_out(Way::Claim, Patience::short(), job).await
    }

    pub(in super::super) async fn release_claims(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            match self
                .carry_out(Way::Beside, Patience::short(), move |tx| outbox::release(tx, now, true))
                .await?
            {
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
        self.carry_out(Way::Beside, Patience::long(), move |tx| outbox::attempts(tx, &attempts)).await
    }

    pub(in super::super) async fn order_message(
        &self,
        id: MessageId,
        order: MessageOrder,
        now: DateTime<Utc>,
        audit: Option<audit::Entry>,
    ) -> Result<Message, StoreError> {
        self.carry_out(Way::Alone, Patience::short(), move |tx| {
            outbox::order(tx, id, order, now, audit.as_ref())
        })
        .await
    }

    pub(in super::super) async fn prune(
        &self,
        now: DateTime<Utc>,
        keep: Retention,
    ) -> Result<Pruned, StoreError> {
        prune::prune(self, now, keep).await
    }

    pub(in super::super) async fn next_due(
        &self,
        channel: &ChannelName,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        // One look at each priority goes by the index.
        let sql = "SELECT m.record FROM generate_series(0, 3) AS p, LATERAL (SELECT record, due FROM messages \
                   WHERE channel = $1 AND priority = p AND state IN ('queued', 'deferred', 'sending') \
                   ORDER BY due, id LIMIT 1) AS m ORDER BY m.due LIMIT 1";
        let query = sqlx::query_scalar(sql).bind(channel.to_string());
        let record: Option<Vec<u8>> = self.ask(query.fetch_optional(&self.shared.connections.pool())).await?;
        let message = record.map(|record| Message::decode(&record)).transpose();
        // It is due by the clock of the database.
        let ahead = self.shared.standing().ahead;
        Ok(message.map_err(|e| self.unreadable(e))?.map(|message| message.due + ahead))
    }

    pub(in super::super) async fn channel_counts(&self) -> Result<ChannelCounts, StoreError> {
        let sql = "SELECT channel, state, sum(messages)::bigint FROM message_counts GROUP BY channel, state \
                   HAVING sum(messages) > 0";
        let rows: Vec<(String, String, i64)> =
            self.ask(sqlx::query_as(sql).fetch_all(&self.looking())).await?;
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
        let query = sqlx::query(sql).bind(time(since));
        let rows = self.ask(query.fetch_all(&self.looking())).await?;
        let all = rows.len();
        let ids = rows.iter().take(max).filter_map(|row| number_of(&row.try_get::<Vec<u8>, _>(0).ok()?));
        Ok((ids.map(MessageId).collect(), all))
    }

    /// Asks something beside the jobs. Without the database that is over at once.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let line = self.shared.connections.line();
        let answer = match self.shared.away() {
            None => line.ask(question).await.map_err(Fault::from),
            Some(away) => Err(away),
        };
        answer.map_err(|fault| fault.at_database(&line.place))
    }

    /// The connections of those who look.
    pub(super) fn looking(&self) -> sqlx::PgPool {
        self.shared.connections.looking()
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
