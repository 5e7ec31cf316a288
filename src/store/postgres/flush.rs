//! A transaction that is made: what it changes goes to the tables, many rows to a statement, and many new ones by COPY.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::{Changes, Effect, decode};
use super::super::records::{Kind, LastNumber};
use super::line::Line;
use super::schema::own;
use super::tables::{Cells, Table, cells, table_of};

/// So many rows go into one statement. A statement must end well within the time limit of the session.
const ROWS: usize = 2_000;
/// So many new rows of one table go by COPY.
const COPIED: usize = 1_000;
/// After so many records that were only looked at the session says something.
const SILENT: usize = 50_000;
/// Connections note their counts of messages in so many places.
const SLOTS: i32 = 16;

/// A row on its way to a table.
struct Put {
    key: Vec<u8>,
    record: Vec<u8>,
    cells: Cells,
    new: bool,
}

/// What goes to one table.
#[derive(Default)]
struct OfTable {
    puts: Vec<Put>,
    deletes: Vec<Vec<u8>>,
}

/// Who writes, and where.
pub(super) struct Flush<'a> {
    pub(super) connection: &'a mut PgConnection,
    pub(super) line: &'a Line,
    pub(super) node: i64,
    pub(super) generation: i64,
}

impl Flush<'_> {
    /// Writes everything that a transaction changes; `is_new` says of a key whether it is certain that there is no such row.
    pub(super) async fn write(
        &mut self,
        effect: Effect,
        is_new: impl Fn(&[u8]) -> bool,
    ) -> Result<(), Trouble> {
        let Effect { changes, moves, .. } = effect;
        let tables = self.sorted(changes, is_new).await?;
        for (name, OfTable { puts, deletes }) in tables {
            let Some(table) = super::tables::ALL.iter().find(|table| table.name == name) else { continue };
            for keys in deletes.chunks(ROWS) {
                self.delete(table, keys).await?;
            }
            let (new, changed): (Vec<Put>, Vec<Put>) = puts.into_iter().partition(|put| put.new);
            if new.len() >= COPIED {
                for rows in new.chunks(ROWS) {
                    self.copy(table, rows).await?;
                }
            } else {
                for rows in new.chunks(ROWS) {
                    self.upsert(table, rows).await?;
                }
            }
            for rows in changed.chunks(ROWS) {
                self.upsert(table, rows).await?;
            }
        }
        let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (place, by) in moves.iter().flat_map(|to| [(to.before.as_ref(), -1), (to.after.as_ref(), 1)]) {
            if let Some(place) = place {
                *counts.entry((place.channel.to_string(), place.state.to_string())).or_default() += by;
            }
        }
        counts.retain(|_, by| *by != 0);
        self.count(counts).await
    }

    /// What goes to which table, in an order of the tables that is the same everywhere. The numbers are written at once.
    async fn sorted(
        &mut self,
        changes: Changes,
        is_new: impl Fn(&[u8]) -> bool,
    ) -> Result<BTreeMap<&'static str, OfTable>, Trouble> {
        let mut tables: BTreeMap<&'static str, OfTable> = BTreeMap::new();
        let (mut which, mut last): (Vec<i16>, Vec<i64>) = (Vec::new(), Vec::new());
        for (n, (key, record)) in changes.into_iter().enumerate() {
            if n % SILENT == SILENT - 1 {
                // A session that says nothing for seconds in a transaction is thrown out.
                self.line.ask(sqlx::query("SELECT 1").execute(&mut *self.connection)).await?;
            }
            let byte = key.first().copied().unwrap_or_default();
            let Some(kind) = Kind::from_byte(byte) else {
                return Err(Trouble::TooNew(format!("records of kind {byte}")));
            };
            if kind == Kind::Numbers {
                if let (Some(number), Some(record)) = (key.get(1), &record) {
                    which.push((*number).into());
                    last.push(decode::<LastNumber>(record)?.0.cast_signed());
                }
                continue;
            }
            let of = tables.entry(table_of(kind).name).or_default();
            match record {
                Some(record) => {
                    let (cells, new) = (cells(kind, &key, &record, self.node)?, is_new(&key));
                    of.puts.push(Put { key, record, cells, new });
                }
                None => of.deletes.push(key),
            }
        }
        if !which.is_empty() {
            let sql = "UPDATE numbers SET last = u.last FROM UNNEST($1::smallint[], $2::bigint[]) AS u(which, last) \
                       WHERE numbers.which = u.which";
            let query = sqlx::query(sql).bind(which).bind(last);
            self.line.ask(query.execute(&mut *self.connection)).await?;
        }
        Ok(tables)
    }

    async fn delete(&mut self, table: &Table, keys: &[Vec<u8>]) -> Result<(), Trouble> {
        let sql = format!("DELETE FROM {} WHERE key = ANY($1)", table.name);
        self.line.ask(sqlx::query(own(sql)).bind(keys).execute(&mut *self.connection)).await?;
        if table.followed {
            let sql = "INSERT INTO removed (key, generation) SELECT UNNEST($1::bytea[]), $2 \
                       ON CONFLICT (key) DO UPDATE SET generation = excluded.generation, at = excluded.at";
            let query = sqlx::query(sql).bind(keys).bind(self.generation);
            self.line.ask(query.execute(&mut *self.connection)).await?;
        }
        Ok(())
    }

    async fn upsert(&mut self, table: &Table, rows: &[Put]) -> Result<(), Trouble> {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let mut query: QueryBuilder<Postgres> = QueryBuilder::new("INSERT INTO ");
        query.push(table.name).push(" (key, record").push(if table.followed { ", generation" } else { "" });
        for name in &names {
            query.push(", ").push(name);
        }
        query.push(") SELECT u.k, u.r");
        if table.followed {
            query.push(", ").push_bind(self.generation).push("::bigint");
        }
        for (n, (_, kind)) in table.columns.iter().enumerate() {
            query.push(format_args!(", u.c{n}::{kind}"));
        }
        let keys: Vec<&[u8]> = rows.iter().map(|row| row.key.as_slice()).collect();
        let records: Vec<&[u8]> = rows.iter().map(|row| row.record.as_slice()).collect();
        query.push(" FROM UNNEST(").push_bind(keys).push("::bytea[], ").push_bind(records).push("::bytea[]");
        for n in 0..names.len() {
            let column: Vec<Option<&str>> =
                rows.iter().map(|row| row.cells.get(n).and_then(|cell| cell.as_deref())).collect();
            query.push(", ").push_bind(column).push("::text[]");
        }
        query.push(") AS u(k, r");
        for n in 0..names.len() {
            query.push(format_args!(", c{n}"));
        }
        query.push(") ON CONFLICT (key) DO UPDATE SET record = excluded.record");
        if table.followed {
            query.push(", generation = excluded.generation");
        }
        for name in &names {
            query.push(format_args!(", {name} = excluded.{name}"));
        }
        self.line.ask(query.build().execute(&mut *self.connection)).await.map(drop)
    }

    async fn copy(&mut self, table: &Table, rows: &[Put]) -> Result<(), Trouble> {
        let mut columns = "key, record".to_owned();
        if table.followed {
            columns.push_str(", generation");
        }
        table.columns.iter().for_each(|(name, _)| columns.extend([", ", name]));
        let mut text = String::new();
        for Put { key, record, cells, .. } in rows {
            hex(&mut text, key);
            text.push('\t');
            hex(&mut text, record);
            if table.followed {
                text.push_str(&format!("\t{}", self.generation));
            }
            for n in 0..table.columns.len() {
                text.push('\t');
                match cells.get(n).and_then(|cell| cell.as_deref()) {
                    Some(cell) => escape(&mut text, cell),
                    None => text.push_str("\\N"),
                }
            }
            text.push('\n');
        }
        let sql = format!("COPY {} ({columns}) FROM STDIN", table.name);
        let copied = async {
            let mut copy = self.connection.copy_in_raw(&sql).await?;
            copy.send(text.as_bytes()).await?;
            copy.finish().await
        };
        self.line.ask(copied).await.map(drop)
    }

    async fn count(&mut self, counts: BTreeMap<(String, String), i64>) -> Result<(), Trouble> {
        if counts.is_empty() {
            return Ok(());
        }
        let (mut channels, mut states, mut by) = (Vec::new(), Vec::new(), Vec::new());
        for ((channel, state), count) in counts {
            channels.push(channel);
            states.push(state);
            by.push(count);
        }
        let sql = "INSERT INTO message_counts (channel, state, slot, messages) \
                   SELECT u.c, u.s, pg_backend_pid() % $4, u.n FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS u(c, s, n) \
                   ORDER BY u.c, u.s \
                   ON CONFLICT (channel, state, slot) DO UPDATE SET messages = message_counts.messages + excluded.messages";
        let query = sqlx::query(sql).bind(channels).bind(states).bind(by).bind(SLOTS);
        self.line.ask(query.execute(&mut *self.connection)).await.map(drop)
    }
}

/// Bytes as COPY takes them.
fn hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS.get(usize::from(n)).copied().unwrap_or(b'0'));
    text.push_str("\\\\x");
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
}

/// Text as COPY takes it.
fn escape(text: &mut String, cell: &str) {
    for c in cell.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c => text.push(c),
        }
    }
}
