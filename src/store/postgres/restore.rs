//! An empty database filled from a backup, a part at a time, and compared with it at the end. A part is written together with how far it has come: who is
//! interrupted goes on there, if it is still the same that is to be moved. Until the end no node works with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::{PgConnection, Postgres, Transaction};
use tokio::runtime::Handle;

use crate::domain::directory::{Container, Group, Unit, User};
use crate::domain::gone::Gone;

use super::super::backup::{self, Header};
use super::super::counts::Counts;
use super::super::error::StoreError;
use super::super::jobs::place::Move;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::jobs::tx::{Changes, Effect, decode};
use super::super::records::{Kind, LastNumber, NUMBERS, Numbers, Pack, Packed, Record, key};
use super::super::types::BackupInfo;
use super::flush::Flush;
use super::schema::{BEING_FILLED, OURS, own};
use super::tables::ALL;
use super::{NODE_DEAD_AFTER, PgStore, Shared};

/// So many records are written at a time.
const AT_ONCE: usize = 5_000;

/// What is found where something is to be moved to.
enum Found {
    /// A part of the same, as many records of the file, or nothing.
    Begun(u64),
    /// Something that is at work.
    Full,
}

impl PgStore {
    /// Puts what a backup holds into a database that nothing was ever committed to. Was that begun before, it goes on; is all of it there, nothing is done.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], [`StoreError::BadBackup`].
    pub(in super::super) async fn fill(&self, file: PathBuf) -> Result<BackupInfo, StoreError> {
        let place = self.shared.connections.place();
        let checked = file.clone();
        let header = tokio::task::spawn_blocking(move || backup::check(&checked)).await;
        let header = header.map_err(|died| self.troubled(Trouble::Io("read", died.to_string())))??;
        let _one = self.shared.deciding.lock().await;
        self.fill_with(file, header).await.map_err(|fault| fault.at_database(&place))
    }

    async fn fill_with(&self, file: PathBuf, header: Header) -> Result<BackupInfo, Fault> {
        let place = self.shared.connections.place();
        let of = source(&header)?;
        let found = self.begin_filling(&of).await?;
        let done = match found {
            Found::Begun(done) => Some(done),
            Found::Full => None,
        };
        let (shared, handle) = (Arc::clone(&self.shared), Handle::current());
        let read = tokio::task::spawn_blocking(move || {
            let mut filling = Filling::new(handle, shared, of, done);
            backup::read(&file, |key, record| filling.take(key, record)).and_then(|_| filling.end())
        });
        let died = |died: tokio::task::JoinError| Trouble::Io("written", died.to_string());
        let Filled { expected, numbers } = read.await.map_err(died)??;

        let line = self.shared.connections.line().patient();
        let mut tx = self.begin_part().await?;
        let counts = self.counts(&mut tx).await?;
        if let Some(difference) = expected.difference(&counts) {
            if done.is_none() {
                return Err(StoreError::NotEmpty { path: format!("in the database {place}") }.into());
            }
            let again = sqlx::query("UPDATE moving SET source = ''").execute(&mut *tx);
            line.ask(again).await?;
            line.ask(tx.commit()).await?;
            let what = format!(
                "what was read back isn't what was written: {difference}; the same command begins with it anew"
            );
            return Err(StoreError::Database { place, what }.into());
        }
        if done.is_some() {
            self.nobody_else(&mut tx).await?;
            let sql = "UPDATE budkavle_meta SET program = $1, instance = $2";
            let query = sqlx::query(sql).bind(OURS).bind(header.instance.cast_signed());
            line.ask(query.execute(&mut *tx)).await?;
            line.ask(sqlx::query("DELETE FROM moving").execute(&mut *tx)).await?;
            line.ask(tx.commit()).await?;
            let made = numbers.get(Numbers::Generation as usize).copied().unwrap_or_default();
            self.shared.show(made, None);
        }
        Ok(Header { counts: expected, ..header }.info())
    }

    /// Looks what is there; from now on no node begins to work with it, unless it is at work already.
    async fn begin_filling(&self, source: &str) -> Result<Found, Fault> {
        let line = self.shared.connections.line().patient();
        let mut tx = self.begin_part().await?;
        let numbers = line.ask(super::lock_numbers(&mut tx)).await?;
        self.nobody_else(&mut tx).await?;
        let query = sqlx::query_as("SELECT source, done FROM moving").fetch_optional(&mut *tx);
        let begun: Option<(String, i64)> = line.ask(query).await?;
        let done = match begun {
            Some((of, done)) if of == source => done.cast_unsigned(),
            Some(_) => {
                tracing::info!("What is to be moved has changed since the move was begun: it begins anew");
                let tables: Vec<&str> = ALL.iter().map(|table| table.name).collect();
                let sql = format!("TRUNCATE {}, removed, message_counts, moving", tables.join(", "));
                line.ask(sqlx::query(own(sql)).execute(&mut *tx)).await?;
                0
            }
            None if numbers.iter().any(|number| *number != 0) => return Ok(Found::Full),
            None => 0,
        };
        let sql = "INSERT INTO moving (source) VALUES ($1) ON CONFLICT DO NOTHING";
        line.ask(sqlx::query(sql).bind(source).execute(&mut *tx)).await?;
        let sql = "UPDATE budkavle_meta SET program = $1";
        line.ask(sqlx::query(sql).bind(BEING_FILLED).execute(&mut *tx)).await?;
        line.ask(tx.commit()).await?;
        Ok(Found::Begun(done))
    }

    /// A transaction that holds up nobody, since nobody else is at work.
    async fn begin_part(&self) -> Result<Transaction<'static, Postgres>, Fault> {
        Ok(self.shared.begin_part().await?)
    }

    async fn nobody_else(&self, connection: &mut PgConnection) -> Result<(), Fault> {
        let sql = "SELECT string_agg(name, ', ') FROM nodes WHERE id <> $1 AND NOT ended \
                   AND seen > clock_timestamp() - make_interval(secs => $2)";
        let query = sqlx::query_scalar(sql).bind(self.shared.node.load(Ordering::SeqCst));
        let query = query.bind(NODE_DEAD_AFTER.as_secs_f64()).fetch_one(connection);
        let others: Option<String> = self.shared.connections.line().ask(query).await?;
        let Some(others) = others else { return Ok(()) };
        let what = format!("the nodes {others} are at work in it; stop them all first");
        Err(StoreError::Database { place: self.shared.connections.place(), what }.into())
    }
}

impl Shared {
    async fn begin_part(&self) -> Result<Transaction<'static, Postgres>, Trouble> {
        let (line, pool) = (self.connections.line(), self.connections.pool());
        let mut tx = line.ask(pool.begin()).await?;
        let patient =
            "SET LOCAL idle_in_transaction_session_timeout = '10min'; SET LOCAL statement_timeout = '10min'";
        line.ask(sqlx::raw_sql(patient).execute(&mut *tx)).await?;
        Ok(tx)
    }
}

/// What tells whether it is the same that was to be moved before.
fn source(header: &Header) -> Result<String, Trouble> {
    let counts: Vec<_> = header.counts.iter().map(|(kind, count)| (kind as u8, count)).collect();
    let counts = serde_json::to_string(&counts).map_err(|e| Trouble::Io("read", e.to_string()))?;
    Ok(format!("{:016x} {counts}", header.instance))
}

/// A database that is being filled.
struct Filling {
    handle: Handle,
    shared: Arc<Shared>,
    /// What is being moved.
    source: String,
    /// So many records of the file are there; None: nothing is written, it is only looked what should be there.
    done: Option<u64>,
    /// So many were read.
    read: u64,
    changes: Changes,
    moves: Vec<Move>,
    numbers: [u64; NUMBERS],
    expected: Counts,
}

/// What should be there.
struct Filled {
    expected: Counts,
    numbers: [u64; NUMBERS],
}

impl Filling {
    fn new(handle: Handle, shared: Arc<Shared>, source: String, done: Option<u64>) -> Filling {
        let (changes, moves, expected) = (Changes::new(), Vec::new(), Counts::default());
        Filling { handle, shared, source, done, read: 0, changes, moves, numbers: [0; NUMBERS], expected }
    }

    fn take(&mut self, at: &[u8], record: Vec<u8>) -> Result<(), Fault> {
        self.read += 1;
        let byte = at.first().copied().unwrap_or_default();
        let kind = Kind::from_byte(byte).ok_or_else(|| Trouble::TooNew(format!("records of kind {byte}")))?;
        let record = match kind {
            Kind::Users => self.unpack::<User>(&record)?,
            Kind::Units => self.unpack::<Unit>(&record)?,
            Kind::Groups => self.unpack::<Group>(&record)?,
            Kind::Containers => self.unpack::<Container>(&record)?,
            Kind::Gone => self.unpack::<Gone>(&record)?,
            // They are written together at the end.
            Kind::Numbers => {
                let number = at.get(1).and_then(|which| self.numbers.get_mut(usize::from(*which)));
                if let Some(number) = number {
                    *number = decode::<LastNumber>(&record)?.0;
                }
                return Ok(());
            }
            kind => {
                if !self.is_there() {
                    if kind == Kind::Message {
                        self.moves.push(Move::new(None, Some(&decode(&record)?)));
                    }
                    self.changes.insert(at.to_vec(), Some(record.clone()));
                }
                record
            }
        };
        self.expected.add(kind, at, &record);
        if self.changes.len() >= AT_ONCE { self.flush() } else { Ok(()) }
    }

    /// The objects of a bucket, each by itself; returns the bucket as it is written today.
    fn unpack<T: Packed>(&mut self, record: &[u8]) -> Result<Vec<u8>, Fault> {
        let Pack(objects) = decode::<Pack<T>>(record)?;
        let missing = !self.is_there();
        for object in objects.iter().filter(|_| missing) {
            let one = Pack(vec![Arc::clone(object)]).encode().map_err(Trouble::from)?;
            self.changes.insert(key(T::KIND, &object.guid().0), Some(one));
        }
        Ok(Pack(objects).encode().map_err(Trouble::from)?)
    }

    /// Whether what was read last is written already, or isn't to be.
    fn is_there(&self) -> bool {
        self.done.is_none_or(|done| self.read <= done)
    }

    /// Writes a part.
    fn flush(&mut self) -> Result<(), Fault> {
        let (changes, moves) = (std::mem::take(&mut self.changes), std::mem::take(&mut self.moves));
        let effect = Effect { changes, moves, ..Effect::default() };
        let before = self.done.unwrap_or_default().cast_signed();
        let (shared, read) = (&self.shared, self.read.cast_signed());
        let node = shared.node.load(Ordering::SeqCst);
        let line = shared.connections.line().patient();
        self.handle.block_on(async {
            let mut tx = shared.begin_part().await?;
            let sql = "UPDATE moving SET done = $1 WHERE done = $2 AND source = $3";
            let noted = sqlx::query(sql).bind(read).bind(before).bind(&self.source);
            if line.ask(noted.execute(&mut *tx)).await?.rows_affected() != 1 {
                let what = "somebody else is moving something into it at the same time";
                let (place, what) = (line.place.clone(), what.into());
                return Err(Fault::Refused(StoreError::Database { place, what }));
            }
            // Followers begin with reading everything: which generation it is of doesn't matter to them.
            let mut flush = Flush { connection: &mut tx, line: &line, node, generation: 0 };
            let new = |key: &[u8]| key.first() != Some(&(Kind::Instance as u8));
            flush.write(effect, new).await?;
            Ok(line.ask(tx.commit()).await?)
        })?;
        self.done = Some(self.read);
        Ok(())
    }

    fn end(mut self) -> Result<Filled, Fault> {
        let mut attempts = 1;
        for (which, mut number) in (0_u8..).zip(self.numbers) {
            if which == Numbers::Attempt as u8 {
                // A sequence of the database begins with 1.
                number = number.max(1);
                attempts = number.cast_signed();
            }
            let at = key(Kind::Numbers, &[which]);
            let record = LastNumber(number).encode().map_err(Trouble::from)?;
            self.expected.add(Kind::Numbers, &at, &record);
            self.changes.insert(at, Some(record));
        }
        self.read += 1;
        if !self.is_there() {
            self.flush()?;
        }
        if self.done.is_some() {
            let (line, pool) = (self.shared.connections.line(), self.shared.connections.pool());
            let set = sqlx::query("SELECT setval('attempt_numbers', $1)").bind(attempts);
            self.handle.block_on(line.ask(set.execute(&pool)))?;
        }
        Ok(Filled { expected: self.expected, numbers: self.numbers })
    }
}
