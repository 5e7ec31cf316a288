//! What is only looked at: the state, runs, outages, messages, the audit log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

use crate::domain::audit;
use crate::domain::changes::ChangeAt;
use crate::domain::changes::open::Note;
use crate::domain::climb::Climb;
use crate::domain::ids::{DirectoryName, Generation, MessageId, NoticeId, OutageId, RunId};
use crate::domain::notice::{EventKey, Message, Notice};
use crate::domain::outage::Outage;
use crate::domain::past::Entry;
use crate::domain::run::Run;
use crate::domain::undo::Step;

use super::super::error::StoreError;
use super::super::jobs::past;
use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::decode;
use super::super::records::{
    Kind, NoticeRow, Numbers, PastRow, Record, Together, key, number_key, number_of, past_key, thread_key,
    threads_of, time_key,
};
use super::super::types::{AttemptLog, Listed, MessageDetail, MessageFilter, RunDetail};
use super::PgStore;
use super::schema::own;
use super::tables::{MESSAGES, table_of};

/// So many entries of the past are read at once.
const PAGE: i64 = 500;

/// A range of keys: from the first up to, but without, the second.
type Range = (Vec<u8>, Vec<u8>);

fn all(kind: Kind) -> Range {
    (vec![kind as u8], vec![kind as u8 + 1])
}

impl PgStore {
    pub(in super::super) async fn messages(&self, filter: MessageFilter) -> Result<Vec<Listed>, StoreError> {
        let mut query: QueryBuilder<Postgres> =
            QueryBuilder::new(format!("SELECT record FROM {} WHERE true", MESSAGES.name));
        if !filter.states.is_empty() {
            let states: Vec<String> = filter.states.iter().map(ToString::to_string).collect();
            query.push(" AND state = ANY(").push_bind(states).push(")");
            if !filter.states.iter().any(|state| state.is_final()) {
                // Those are few, and have an index.
                query.push(" AND state IN ('queued', 'deferred', 'sending')");
            }
        }
        if let Some(notice) = filter.notice {
            query.push(" AND notice = ").push_bind(notice.0.cast_signed());
        }
        if let Some(channel) = &filter.channel {
            query.push(" AND channel = ").push_bind(channel.to_string());
        }
        if let Some(to) = &filter.to {
            query.push(" AND (lower(address) = lower(").push_bind(to).push(") OR lower(recipient) = lower(");
            query.push_bind(to).push("))");
        }
        query.push(" ORDER BY key DESC LIMIT ").push_bind(limit(filter.limit));
        let records: Vec<Vec<u8>> = self.ask(query.build_query_scalar().fetch_all(&self.looking())).await?;
        let messages = self.decoded(records)?;
        self.with_notices(messages).await
    }

    pub(in super::super) async fn listed(&self, ids: &[MessageId]) -> Result<Vec<Listed>, StoreError> {
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| number_key(Kind::Message, id.0)).collect();
        let sql = "SELECT m.record FROM UNNEST($1::bytea[]) WITH ORDINALITY AS w(key, n) \
                   JOIN messages m ON m.key = w.key ORDER BY w.n";
        let records = self.ask(sqlx::query_scalar(sql).bind(keys).fetch_all(&self.looking())).await?;
        let messages = self.decoded(records)?;
        self.with_notices(messages).await
    }

    async fn with_notices(&self, messages: Vec<Message>) -> Result<Vec<Listed>, StoreError> {
        let mut notices: HashMap<NoticeId, Arc<Notice>> = HashMap::new();
        let keys: HashSet<NoticeId> = messages.iter().map(|message| message.notice).collect();
        let keys: Vec<Vec<u8>> = keys.into_iter().map(|id| number_key(Kind::Notice, id.0)).collect();
        let query = sqlx::query_scalar("SELECT record FROM notices WHERE key = ANY($1)").bind(keys);
        let records: Vec<Vec<u8>> = self.ask(query.fetch_all(&self.looking())).await?;
        for NoticeRow { notice, .. } in self.decoded(records)? {
            notices.insert(notice.id, Arc::new(notice));
        }
        let listed = messages.into_iter().map(|message| {
            let notice = notices.get(&message.notice).ok_or_else(|| self.lost(message.notice))?;
            Ok(Listed { notice: Arc::clone(notice), message })
        });
        listed.collect()
    }

    pub(in super::super) async fn message(&self, id: MessageId) -> Result<MessageDetail, StoreError> {
        let message: Option<Message> = self.get(number_key(Kind::Message, id.0)).await?;
        let message = message.ok_or_else(|| StoreError::NotFound(format!("message {id}")))?;
        let row: Option<NoticeRow> = self.get(number_key(Kind::Notice, message.notice.0)).await?;
        let notice = row.ok_or_else(|| self.lost(message.notice))?.notice;
        let range = (number_key(Kind::Attempt, id.0), number_key(Kind::Attempt, id.0 + 1));
        let attempts: Vec<AttemptLog> = self.range(range, "ORDER BY key", usize::MAX).await?;
        Ok(MessageDetail { message, notice, attempts, with: Vec::new() })
    }

    pub(in super::super) async fn together(&self, first: MessageId) -> Result<Vec<MessageId>, StoreError> {
        let all: Option<Together> = self.get(number_key(Kind::Together, first.0)).await?;
        Ok(all.map(|Together(all)| all).unwrap_or_default())
    }

    pub(in super::super) async fn runs(
        &self,
        directory: Option<DirectoryName>,
        most: usize,
    ) -> Result<Vec<Run>, StoreError> {
        let Some(directory) = directory else {
            return self.range(all(Kind::Run), "ORDER BY key DESC", most).await;
        };
        let sql = "SELECT record FROM runs WHERE directory = $1 ORDER BY key DESC LIMIT $2";
        let query = sqlx::query_scalar(sql).bind(directory.to_string()).bind(limit(most));
        let records = self.ask(query.fetch_all(&self.looking())).await?;
        self.decoded(records)
    }

    pub(in super::super) async fn run(&self, id: RunId) -> Result<RunDetail, StoreError> {
        let run: Option<Run> = self.get(number_key(Kind::Run, id.0)).await?;
        let run = run.ok_or_else(|| StoreError::NotFound(format!("run {id}")))?;
        let changes = self.get(number_key(Kind::RunChanges, id.0)).await?.unwrap_or_default();
        let quarantined = self.get(number_key(Kind::RunQuarantine, id.0)).await?.unwrap_or_default();
        Ok(RunDetail { run, changes, quarantined })
    }

    pub(in super::super) async fn steps(&self, id: RunId) -> Result<Vec<Step>, StoreError> {
        let range = (number_key(Kind::RunSteps, id.0), number_key(Kind::RunSteps, id.0 + 1));
        let parts: Vec<Vec<Step>> = self.range(range, "ORDER BY key", usize::MAX).await?;
        Ok(parts.into_iter().flatten().collect())
    }

    pub(in super::super) async fn past(
        &self,
        at: DateTime<Utc>,
        until: Generation,
    ) -> Result<Vec<Entry>, StoreError> {
        // The newest first, until one is as old as what is asked for. Those after `until` may say how far back there is anything.
        let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut end = past_key(until.0.saturating_add(1), 0);
        loop {
            let sql =
                "SELECT key, record FROM history WHERE key >= $1 AND key < $2 ORDER BY key DESC LIMIT $3";
            let query = sqlx::query_as(sql).bind(key(Kind::Past, &[])).bind(&end).bind(PAGE);
            let page: Vec<(Vec<u8>, Vec<u8>)> = self.ask(query.fetch_all(&self.looking())).await?;
            let last = page.last().cloned();
            let full = page.len() == usize::try_from(PAGE).unwrap_or_default();
            rows.extend(page);
            let Some((key, record)) = last.filter(|_| full) else { break };
            if PastRow::decode(&record).map_err(|e| self.unreadable(e))?.at <= at {
                break;
            }
            end = key;
        }
        if rows.is_empty() {
            // Everything that is known came later: the first of that says since when.
            let sql = "SELECT key, record FROM history WHERE key >= $1 AND key < $2 ORDER BY key LIMIT 1";
            let (first, end) = all(Kind::Past);
            let query = sqlx::query_as(sql).bind(first).bind(end);
            rows = self.ask(query.fetch_all(&self.looking())).await?;
        }
        past::entries(rows.into_iter().map(Ok), at, until).map_err(|trouble| self.troubled(trouble))
    }

    pub(in super::super) async fn outages(
        &self,
        most: usize,
        open_only: bool,
    ) -> Result<Vec<Outage>, StoreError> {
        if !open_only {
            return self.range(all(Kind::Outage), "ORDER BY key DESC", most).await;
        }
        let sql = "SELECT record FROM outages WHERE ended IS NULL ORDER BY key DESC LIMIT $1";
        let query = sqlx::query_scalar(sql).bind(limit(most));
        let records = self.ask(query.fetch_all(&self.looking())).await?;
        self.decoded(records)
    }

    pub(in super::super) async fn outage(&self, id: OutageId) -> Result<Outage, StoreError> {
        let outage = self.get(number_key(Kind::Outage, id.0)).await?;
        outage.ok_or_else(|| StoreError::NotFound(format!("outage {id}")))
    }

    pub(in super::super) async fn climb(&self, thread: &EventKey) -> Result<Option<Climb>, StoreError> {
        self.get(key(Kind::Climb, thread.0.as_bytes())).await
    }

    pub(in super::super) async fn thread(&self, thread: &EventKey) -> Result<Vec<NoticeId>, StoreError> {
        let first = threads_of(thread);
        let sql = "SELECT key FROM history WHERE key >= $1 AND key < $2 ORDER BY key";
        let query =
            sqlx::query_scalar(sql).bind(thread_key(thread, 0)).bind([&first[..], &[u8::MAX; 9]].concat());
        let keys: Vec<Vec<u8>> = self.ask(query.fetch_all(&self.looking())).await?;
        Ok(keys.iter().filter_map(|key| number_of(key)).map(NoticeId).collect())
    }

    pub(in super::super) async fn audit(
        &self,
        since: Option<DateTime<Utc>>,
        most: usize,
    ) -> Result<Vec<audit::Entry>, StoreError> {
        self.range(since_then(Kind::Audit, since), "ORDER BY key DESC", most).await
    }

    pub(in super::super) async fn contact_changes(
        &self,
        since: Option<DateTime<Utc>>,
        most: usize,
    ) -> Result<Vec<ChangeAt>, StoreError> {
        self.range(since_then(Kind::ContactChange, since), "ORDER BY key DESC", most).await
    }

    pub(in super::super) async fn contact_notes(
        &self,
        after: u64,
        since: DateTime<Utc>,
    ) -> Result<Vec<Note>, StoreError> {
        let (first, end) = since_then(Kind::ContactChange, Some(since));
        let sql = "SELECT key, record FROM contact_changes WHERE key >= $1 AND key < $2 ORDER BY key";
        let query = sqlx::query_as(sql).bind(first).bind(end);
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self.ask(query.fetch_all(&self.looking())).await?;
        let mut notes = Vec::new();
        for (key, record) in rows {
            if let Some(number) = number_of(&key).filter(|number| *number > after) {
                let change = ChangeAt::decode(&record).map_err(|e| self.unreadable(e))?;
                notes.push(Note { number, change });
            }
        }
        notes.sort_by_key(|note| note.number);
        Ok(notes)
    }

    pub(in super::super) async fn last_contact_note(&self) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar("SELECT last FROM numbers WHERE which = $1");
        let query = query.bind(Numbers::ContactChange as i16);
        let last: Option<i64> = self.ask(query.fetch_optional(&self.looking())).await?;
        Ok(last.unwrap_or_default().cast_unsigned())
    }

    async fn get<R: Record>(&self, key: Vec<u8>) -> Result<Option<R>, StoreError> {
        let sql = format!("SELECT record FROM {} WHERE key = $1", table_of(R::KIND).name);
        let query = sqlx::query_scalar(own(sql)).bind(key);
        let record: Option<Vec<u8>> = self.ask(query.fetch_optional(&self.looking())).await?;
        record.map(|record| R::decode(&record)).transpose().map_err(|e| self.unreadable(e))
    }

    async fn range<R: Record>(
        &self,
        (first, end): Range,
        order: &str,
        most: usize,
    ) -> Result<Vec<R>, StoreError> {
        let table = table_of(R::KIND).name;
        let sql = format!("SELECT record FROM {table} WHERE key >= $1 AND key < $2 {order} LIMIT $3");
        let query = sqlx::query_scalar(own(sql)).bind(first).bind(end).bind(limit(most));
        let records = self.ask(query.fetch_all(&self.looking())).await?;
        self.decoded(records)
    }

    fn decoded<R: Record>(&self, records: Vec<Vec<u8>>) -> Result<Vec<R>, StoreError> {
        let all: Result<Vec<R>, Trouble> = records.iter().map(|record| decode(record)).collect();
        all.map_err(|trouble| self.troubled(trouble))
    }

    pub(super) fn troubled(&self, trouble: Trouble) -> StoreError {
        super::Fault::Trouble(trouble).at_database(&self.shared.connections.place())
    }

    fn lost(&self, notice: NoticeId) -> StoreError {
        let what =
            format!("notice {notice} is gone, but not its messages; was something else done to its tables?");
        StoreError::Database { place: self.shared.connections.place(), what }
    }
}

/// The last run of each directory.
pub(super) async fn last_runs(
    connection: &mut PgConnection,
) -> Result<HashMap<DirectoryName, Vec<u8>>, sqlx::Error> {
    let sql = "SELECT DISTINCT ON (directory) directory, record FROM runs ORDER BY directory, key DESC";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let name: String = row.try_get(0)?;
            Ok((DirectoryName::from(&*name), row.try_get(1)?))
        })
        .collect()
}

fn since_then(kind: Kind, since: Option<DateTime<Utc>>) -> Range {
    let (first, end) = all(kind);
    (since.map_or(first, |since| time_key(kind, since.timestamp_millis(), 0)), end)
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
