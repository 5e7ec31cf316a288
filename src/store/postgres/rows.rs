//! What a job reads in a transaction of the database. A job is synchronous: it runs on a thread that may wait.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Postgres, Row, Transaction};
use tokio::runtime::Handle;

use crate::domain::ids::{ChannelName, DirectoryName, Guid, MessageId};

use super::super::jobs::rows::{Free, Rows};
use super::super::jobs::trouble::Trouble;
use super::super::records::{Kind, Numbers, Record, number_key, number_of};
use super::line::Line;
use super::schema::own;
use super::tables::{MESSAGES, Table, table_of, time};

/// So many keys go into one question.
const ASKED: usize = 10_000;
/// After so many records that a job only reckoned with, the session says something.
const SILENT: usize = 20_000;
/// So many expired messages, at most, are dealt with in one claim.
const EXPIRED: i64 = 1_000;
/// Numbers of attempts are taken so many at a time.
const NUMBERS_AT_ONCE: i64 = 64;

/// The rows that a transaction sees.
pub(super) struct PgRows {
    handle: Handle,
    line: Line,
    node: i64,
    tx: RefCell<Transaction<'static, Postgres>>,
    /// What was read in this transaction.
    read: RefCell<Known>,
    numbers: RefCell<Vec<u64>>,
    /// So many records were written since it last said something.
    silent: Cell<usize>,
}

type Pair = (Vec<u8>, Vec<u8>);
/// Records by their keys; None: there is no such one.
type Known = HashMap<Vec<u8>, Option<Vec<u8>>>;

impl PgRows {
    pub(super) fn new(handle: Handle, line: Line, node: i64, tx: Transaction<'static, Postgres>) -> PgRows {
        let (read, numbers, silent) = (RefCell::default(), RefCell::default(), Cell::default());
        PgRows { handle, line, node, tx: RefCell::new(tx), read, numbers, silent }
    }

    /// Does something with the connection, and waits for it.
    pub(super) fn with<T>(
        &self,
        f: impl AsyncFnOnce(&mut Transaction<'static, Postgres>) -> Result<T, sqlx::Error>,
    ) -> Result<T, Trouble> {
        let mut tx = self.tx.borrow_mut();
        self.wait(self.line.ask(f(&mut tx)))
    }

    /// Waits for something.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle.block_on(future)
    }

    /// The transaction, and what was read in it.
    pub(super) fn end(self) -> (Transaction<'static, Postgres>, Known) {
        (self.tx.into_inner(), self.read.into_inner())
    }

    fn keep(&self, rows: Vec<Pair>) -> Vec<Vec<u8>> {
        let keys = rows.iter().map(|(key, _)| key.clone()).collect();
        self.read.borrow_mut().extend(rows.into_iter().map(|(key, record)| (key, Some(record))));
        keys
    }

    fn table(key: &[u8]) -> Result<&'static Table, Trouble> {
        let byte = key.first().copied().unwrap_or_default();
        let kind = Kind::from_byte(byte).ok_or_else(|| Trouble::TooNew(format!("records of kind {byte}")))?;
        Ok(table_of(kind))
    }

    /// Reads the notices of messages, so that they need not be asked for one by one.
    fn expect_notices(&self, rows: &[Pair]) -> Result<(), Trouble> {
        let mut keys = Vec::new();
        for (_, record) in rows {
            let message: crate::domain::notice::Message = Record::decode(record)?;
            keys.push(number_key(Kind::Notice, message.notice.0));
        }
        keys.sort_unstable();
        keys.dedup();
        self.expect(keys)
    }
}

/// Others change messages without the lock that deciding takes: who reads one holds it.
fn held(table: &Table) -> &'static str {
    if std::ptr::eq(table, &raw const MESSAGES) { " ORDER BY key FOR UPDATE" } else { "" }
}

/// The first key behind those that begin with `prefix`.
fn behind(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while end.last() == Some(&u8::MAX) {
        end.pop();
    }
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

fn pairs(rows: &[sqlx::postgres::PgRow]) -> Result<Vec<Pair>, sqlx::Error> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

impl Rows for PgRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Trouble> {
        if let Some(known) = self.read.borrow().get(key) {
            return Ok(known.clone());
        }
        let table = Self::table(key)?;
        let sql = format!("SELECT record FROM {} WHERE key = $1{}", table.name, held(table));
        let record: Option<Vec<u8>> =
            self.with(async |tx| sqlx::query_scalar(own(sql)).bind(key).fetch_optional(&mut **tx).await)?;
        self.read.borrow_mut().insert(key.to_vec(), record.clone());
        Ok(record)
    }

    fn expect(&self, keys: Vec<Vec<u8>>) -> Result<(), Trouble> {
        let mut tables: HashMap<&'static str, (&'static Table, Vec<Vec<u8>>)> = HashMap::new();
        for key in keys {
            if !self.read.borrow().contains_key(&key) {
                let table = Self::table(&key)?;
                tables.entry(table.name).or_insert_with(|| (table, Vec::new())).1.push(key);
            }
        }
        for (table, keys) in tables.into_values() {
            for keys in keys.chunks(ASKED) {
                let sql =
                    format!("SELECT key, record FROM {} WHERE key = ANY($1){}", table.name, held(table));
                let rows = self.with(async |tx| {
                    let rows = sqlx::query(own(sql)).bind(keys).fetch_all(&mut **tx).await?;
                    pairs(&rows)
                })?;
                let mut read = self.read.borrow_mut();
                read.extend(keys.iter().map(|key| (key.clone(), None)));
                read.extend(rows.into_iter().map(|(key, record)| (key, Some(record))));
            }
        }
        Ok(())
    }

    fn take(&self, mut keys: Vec<Vec<u8>>) -> Result<HashSet<Vec<u8>>, Trouble> {
        // What was read of messages is held.
        keys.retain(|key| !self.read.borrow().contains_key(key));
        let mut others = HashSet::new();
        let sql = "SELECT m.key, f.record FROM messages m LEFT JOIN \
                   (SELECT key, record FROM messages WHERE key = ANY($1) ORDER BY key FOR UPDATE SKIP LOCKED) AS f USING (key) \
                   WHERE m.key = ANY($1)";
        for keys in keys.chunks(ASKED) {
            let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> =
                self.with(async |tx| sqlx::query_as(sql).bind(keys).fetch_all(&mut **tx).await)?;
            let mut read = self.read.borrow_mut();
            for (key, record) in rows {
                match record {
                    Some(_) => drop(read.insert(key, record)),
                    None => drop(others.insert(key)),
                }
            }
        }
        Ok(others)
    }

    fn breathe(&self) -> Result<(), Trouble> {
        self.silent.set(self.silent.get() + 1);
        if self.silent.get() < SILENT {
            return Ok(());
        }
        self.silent.set(0);
        self.with(async |tx| sqlx::query("SELECT 1").execute(&mut **tx).await.map(drop))
    }

    fn place_of(&self, id: Guid) -> Vec<u8> {
        id.0.to_vec()
    }

    fn next(&self, of: Numbers) -> Result<Option<u64>, Trouble> {
        if of != Numbers::Attempt {
            return Ok(None);
        }
        let mut numbers = self.numbers.borrow_mut();
        if numbers.is_empty() {
            let more: Vec<i64> = self.with(async |tx| {
                sqlx::query_scalar("SELECT nextval('attempt_numbers') FROM generate_series(1, $1)")
                    .bind(NUMBERS_AT_ONCE)
                    .fetch_all(&mut **tx)
                    .await
            })?;
            numbers.extend(more.into_iter().rev().map(i64::cast_unsigned));
        }
        Ok(numbers.pop())
    }

    fn due(&self, channel: &ChannelName, now: DateTime<Utc>, max: usize) -> Result<Vec<MessageId>, Trouble> {
        let mut wanted = i64::try_from(max).unwrap_or(i64::MAX);
        let (channel, at) = (channel.to_string(), time(now));
        // A look at one priority goes by the index, however many wait that aren't due.
        let any = "SELECT p::bigint FROM generate_series(0, 3) AS p WHERE EXISTS (SELECT FROM messages \
                   WHERE channel = $1 AND priority = p AND state IN ('queued', 'deferred', 'sending') AND due <= $2::timestamptz)";
        // Those that expired among the first, and then the first of the others.
        let expired = "SELECT key, record FROM messages WHERE key IN (SELECT d.key FROM \
                       (SELECT key, notice FROM messages WHERE channel = $1 AND priority = $5 \
                        AND state IN ('queued', 'deferred', 'sending') \
                        AND due <= $2::timestamptz ORDER BY due, id LIMIT $3) AS d \
                       JOIN notices n ON n.id = d.notice WHERE n.expires <= $2::timestamptz) \
                       AND state IN ('queued', 'deferred', 'sending') ORDER BY key LIMIT $4 FOR UPDATE SKIP LOCKED";
        let waiting = "SELECT m.key, m.record FROM messages m JOIN notices n ON n.id = m.notice \
                       WHERE m.channel = $1 AND m.priority = $4 AND m.state IN ('queued', 'deferred', 'sending') \
                       AND m.due <= $2::timestamptz AND n.expires > $2::timestamptz ORDER BY m.due, m.id LIMIT $3 \
                       FOR UPDATE OF m SKIP LOCKED";
        let rows = self.with(async |tx| {
            let query = sqlx::query_scalar(any).bind(&channel).bind(&at);
            let priorities: Vec<i64> = query.fetch_all(&mut **tx).await?;
            let mut all = Vec::new();
            for priority in priorities {
                let query = sqlx::query(expired).bind(&channel).bind(&at);
                let query = query.bind(wanted.saturating_add(EXPIRED)).bind(EXPIRED).bind(priority);
                all.extend(pairs(&query.fetch_all(&mut **tx).await?)?);
                if wanted > 0 {
                    let query = sqlx::query(waiting).bind(&channel).bind(&at).bind(wanted).bind(priority);
                    let rows = pairs(&query.fetch_all(&mut **tx).await?)?;
                    wanted -= i64::try_from(rows.len()).unwrap_or_default();
                    all.extend(rows);
                }
            }
            Ok(all)
        })?;
        self.expect_notices(&rows)?;
        Ok(self.keep(rows).iter().filter_map(|key| number_of(key)).map(MessageId).collect())
    }

    fn free(&self, channel: &ChannelName, per_minute: Option<u32>) -> Result<Option<Free>, Trouble> {
        let Some(per_minute) = per_minute else { return Ok(None) };
        let begun = "SELECT COALESCE(sum(messages), 0)::bigint, \
                     COALESCE(extract(epoch FROM min(at) + interval '1 minute' - clock_timestamp()), 0)::float8 \
                     FROM begun WHERE channel = $1 AND at > clock_timestamp() - interval '1 minute'";
        let (begun, more_in): (i64, f64) = self.with(async |tx| {
            let sql = "SELECT channel FROM paces WHERE channel = $1 FOR UPDATE";
            sqlx::query(sql).bind(channel.to_string()).fetch_all(&mut **tx).await?;
            sqlx::query_as(begun).bind(channel.to_string()).fetch_one(&mut **tx).await
        })?;
        let messages = usize::try_from(i64::from(per_minute) - begun).unwrap_or_default();
        let more_in = Duration::try_from_secs_f64(more_in).unwrap_or_default();
        Ok(Some(Free { messages, more_in: TimeDelta::from_std(more_in).unwrap_or_default() }))
    }

    fn book(&self, channel: &ChannelName, messages: usize) -> Result<(), Trouble> {
        if messages == 0 {
            return Ok(());
        }
        let sql = "INSERT INTO begun (channel, at, messages) VALUES ($1, clock_timestamp(), $2)";
        let messages = i64::try_from(messages).unwrap_or(i64::MAX);
        self.with(async |tx| {
            sqlx::query(sql).bind(channel.to_string()).bind(messages).execute(&mut **tx).await.map(drop)
        })
    }

    fn sending(&self, own: bool) -> Result<Vec<MessageId>, Trouble> {
        // Of those who are dead; at a start, of those who had the name before, and of this one.
        let sql = "SELECT key, record FROM messages m WHERE state = 'sending' AND CASE WHEN $1 \
                   THEN m.node IN (SELECT id FROM nodes WHERE name = (SELECT name FROM nodes WHERE id = $2)) \
                   ELSE NOT EXISTS (SELECT FROM nodes n WHERE n.id = m.node AND NOT n.ended) END \
                   LIMIT 1000 FOR UPDATE SKIP LOCKED";
        let rows = self.with(async |tx| {
            pairs(&sqlx::query(sql).bind(own).bind(self.node).fetch_all(&mut **tx).await?)
        })?;
        Ok(self.keep(rows).iter().filter_map(|key| number_of(key)).map(MessageId).collect())
    }

    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Trouble> {
        self.between(prefix, &behind(prefix), usize::MAX)
    }

    fn keys_of(&self, prefixes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Trouble> {
        let Some(first) = prefixes.first() else { return Ok(Vec::new()) };
        let ends: Vec<Vec<u8>> = prefixes.iter().map(|prefix| behind(prefix)).collect();
        // The records needn't be known of what is only taken away.
        let sql = format!(
            "SELECT t.key FROM UNNEST($1::bytea[], $2::bytea[]) AS r(first, ending), \
             LATERAL (SELECT key FROM {} WHERE key >= r.first AND key < r.ending) AS t",
            Self::table(first)?.name
        );
        self.with(async |tx| {
            sqlx::query_scalar(own(sql)).bind(prefixes).bind(ends).fetch_all(&mut **tx).await
        })
    }

    fn told(&self, notices: &[(u64, Range<u64>)]) -> Result<HashSet<u64>, Trouble> {
        let ids: Vec<i64> = notices.iter().map(|(id, _)| id.cast_signed()).collect();
        let sql =
            "SELECT n FROM UNNEST($1::bigint[]) AS n WHERE EXISTS (SELECT FROM messages WHERE notice = n)";
        let told: Vec<i64> =
            self.with(async |tx| sqlx::query_scalar(sql).bind(ids).fetch_all(&mut **tx).await)?;
        Ok(told.into_iter().map(i64::cast_unsigned).collect())
    }

    fn numbers(
        &self,
        kind: Kind,
        after: u64,
        before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<u64>, Trouble> {
        let old = match kind {
            Kind::Run => " AND ended < $3::timestamptz",
            Kind::Notice => " AND at < $3::timestamptz",
            Kind::Message => {
                " AND state IN ('sent', 'failed', 'expired', 'cancelled') AND changed < $3::timestamptz"
            }
            _ => " AND $3 IS NOT NULL",
        };
        let sql = format!(
            "SELECT key, record FROM {} WHERE key > $1 AND key <= $2{old} ORDER BY key LIMIT $4 FOR UPDATE",
            table_of(kind).name
        );
        // The database keeps microseconds: rather one too many.
        let before = time(before + TimeDelta::microseconds(1));
        let rows = self.with(async |tx| {
            let query = sqlx::query(own(sql)).bind(number_key(kind, after)).bind(number_key(kind, u64::MAX));
            let query = query.bind(before).bind(i64::try_from(limit).unwrap_or(i64::MAX));
            pairs(&query.fetch_all(&mut **tx).await?)
        })?;
        Ok(self.keep(rows).iter().filter_map(|key| number_of(key)).collect())
    }

    fn between(&self, first: &[u8], end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Trouble> {
        let sql = format!(
            "SELECT key, record FROM {} WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3",
            Self::table(first)?.name
        );
        let rows = self.with(async |tx| {
            let query = sqlx::query(own(sql)).bind(first).bind(end);
            let query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
            pairs(&query.fetch_all(&mut **tx).await?)
        })?;
        Ok(self.keep(rows))
    }

    fn last_run(&self, directory: &DirectoryName) -> Result<Option<u64>, Trouble> {
        let run: Option<i64> = self.with(async |tx| {
            sqlx::query_scalar("SELECT id FROM runs WHERE directory = $1 ORDER BY key DESC LIMIT 1")
                .bind(&*directory.0)
                .fetch_optional(&mut **tx)
                .await
        })?;
        Ok(run.map(i64::cast_unsigned))
    }
}
