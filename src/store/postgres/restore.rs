//! An empty database filled from a backup, in one transaction, and compared with it before that ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::{Postgres, Transaction};
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
use super::line::Line;
use super::{NODE_DEAD_AFTER, PgStore};

/// So many records are written at a time.
const AT_ONCE: usize = 5_000;

impl PgStore {
    /// Puts what a backup holds into a database that nothing was ever committed to. When it holds exactly that already, nothing is done.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], [`StoreError::BadBackup`].
    pub(in super::super) async fn fill(&self, file: PathBuf) -> Result<BackupInfo, StoreError> {
        let place = self.shared.connections.place();
        let at = |fault: Fault| fault.at_database(&place);
        let checked = file.clone();
        let header = tokio::task::spawn_blocking(move || backup::check(&checked)).await;
        let header = header.map_err(|died| self.troubled(Trouble::Io("read", died.to_string())))??;
        let _one = self.shared.deciding.lock().await;
        let line = self.shared.connections.line().patient();
        let pool = self.shared.connections.pool();
        let mut tx = line.ask(pool.begin()).await.map_err(|trouble| at(trouble.into()))?;
        // Nobody else is at work: nobody waits for this.
        let patient = "SET LOCAL idle_in_transaction_session_timeout = '10min'";
        sqlx::query(patient).execute(&mut *tx).await.map_err(|e| at(self.shared.bad(e)))?;
        let numbers = super::lock_numbers(&mut tx).await.map_err(|e| at(self.shared.bad(e)))?;
        let sql = "SELECT string_agg(name, ', ') FROM nodes WHERE id <> $1 AND NOT ended \
                   AND seen > clock_timestamp() - make_interval(secs => $2)";
        let query = sqlx::query_scalar(sql).bind(self.shared.node.load(Ordering::SeqCst));
        let others = query.bind(NODE_DEAD_AFTER.as_secs_f64()).fetch_one(&mut *tx);
        if let Some::<String>(others) = line.ask(others).await.map_err(|trouble| at(trouble.into()))? {
            let what = format!("the nodes {others} are at work in it; stop them all first");
            return Err(StoreError::Database { place, what });
        }
        let (shared, handle) = (Arc::clone(&self.shared), Handle::current());
        let empty = numbers.iter().all(|number| *number == 0);
        let read = tokio::task::spawn_blocking(move || {
            let node = shared.node.load(Ordering::SeqCst);
            let mut filling = Filling::new(handle, tx, line, node, empty);
            let read =
                backup::read(&file, |key, record| filling.take(key, record)).and_then(|_| filling.end());
            (filling, read)
        });
        let (filling, read) =
            read.await.map_err(|died| self.troubled(Trouble::Io("written", died.to_string())))?;
        read.map_err(at)?;
        let Filling { mut tx, expected, numbers, .. } = filling;
        let found = self.records(&mut tx).await.map_err(at)?;
        let mut counts = Counts::default();
        for (key, record) in &found {
            if let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) {
                counts.add(kind, key, record);
            }
        }
        if let Some(difference) = expected.difference(&counts) {
            if !empty {
                return Err(StoreError::NotEmpty { path: format!("in the database {place}") });
            }
            let what =
                format!("what was read back isn't what was written: {difference}; nothing was changed");
            return Err(StoreError::Database { place, what });
        }
        if empty {
            let sql = "UPDATE budkavle_meta SET instance = $1";
            let done = sqlx::query(sql).bind(header.instance.cast_signed()).execute(&mut *tx).await;
            done.map_err(|e| at(self.shared.bad(e)))?;
            tx.commit().await.map_err(|e| at(self.shared.bad(e)))?;
            let made = numbers.get(Numbers::Generation as usize).copied().unwrap_or_default();
            self.shared.show(made, None);
        }
        Ok(Header { counts: expected, ..header }.info())
    }

    /// Whether other nodes are at work in the database: then it isn't moved.
    pub(in super::super) fn others(&self) -> Vec<Box<str>> {
        let standing = self.standing();
        standing
            .nodes
            .into_iter()
            .filter(|node| node.alive && node.name != standing.name)
            .map(|node| node.name)
            .collect()
    }
}

/// A database that is being filled.
struct Filling {
    handle: Handle,
    tx: Transaction<'static, Postgres>,
    line: Line,
    node: i64,
    /// False: it is only looked what should be there.
    write: bool,
    changes: Changes,
    moves: Vec<Move>,
    numbers: [u64; NUMBERS],
    expected: Counts,
}

impl Filling {
    fn new(
        handle: Handle,
        tx: Transaction<'static, Postgres>,
        line: Line,
        node: i64,
        write: bool,
    ) -> Filling {
        let (changes, moves, expected) = (Changes::new(), Vec::new(), Counts::default());
        Filling { handle, tx, line, node, write, changes, moves, numbers: [0; NUMBERS], expected }
    }

    fn take(&mut self, at: &[u8], record: Vec<u8>) -> Result<(), Fault> {
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
                if kind == Kind::Message {
                    self.moves.push(Move::new(None, Some(&decode(&record)?)));
                }
                self.changes.insert(at.to_vec(), Some(record.clone()));
                record
            }
        };
        self.expected.add(kind, at, &record);
        if self.changes.len() >= AT_ONCE { self.flush() } else { Ok(()) }
    }

    /// The objects of a bucket, each by itself; returns the bucket as it is written today.
    fn unpack<T: Packed>(&mut self, record: &[u8]) -> Result<Vec<u8>, Fault> {
        let Pack(objects) = decode::<Pack<T>>(record)?;
        for object in &objects {
            let one = Pack(vec![Arc::clone(object)]).encode().map_err(Trouble::from)?;
            self.changes.insert(key(T::KIND, &object.guid().0), Some(one));
        }
        Ok(Pack(objects).encode().map_err(Trouble::from)?)
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let (changes, moves) = (std::mem::take(&mut self.changes), std::mem::take(&mut self.moves));
        if !self.write {
            return Ok(());
        }
        let effect = Effect { changes, moves, ..Effect::default() };
        // Followers begin with reading everything: which generation it is of doesn't matter to them.
        let mut flush = Flush { connection: &mut self.tx, line: &self.line, node: self.node, generation: 0 };
        let new = |key: &[u8]| key.first() != Some(&(Kind::Instance as u8));
        Ok(self.handle.block_on(flush.write(effect, new))?)
    }

    fn end(&mut self) -> Result<(), Fault> {
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
        self.flush()?;
        if self.write {
            let set = sqlx::query("SELECT setval('attempt_numbers', $1)").bind(attempts);
            self.handle.block_on(self.line.ask(set.execute(&mut *self.tx)))?;
        }
        Ok(())
    }
}
