//! sled, as far as we use it: one tree, one batch per commit, one durability point.
//!
//! What was measured of sled 0.34.7 and shapes this file:
//! * `flush` is no fsync on Linux: `sync_data` on its file follows ([`Engine::make_durable`]).
//! * A value over 8 KB goes to a file that is never synced: longer ones are cut into chunks.
//! * A batch keeps about 5 KB in memory per row until it ends: a large commit goes in slices, behind a redo log in the same tree.
//! * Small rows cost: see [`super::super::records::Packed`].

use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use sled::{Batch, IVec};

use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::Changes;
use super::super::records::Kind;
use super::ledger::Ledger;
use super::panics::caught;
use super::redo;

/// A row of the tree and what it becomes.
pub(super) type Op = (Vec<u8>, Option<Vec<u8>>);

/// The row of the ledger. No [`Kind`] has this number.
const LEDGER: &[u8] = &[0x00];
/// An engine that was closed keeps its file locked for a moment: we try so often …
const LOCK_PATIENCE: u32 = 1000;
/// … at this distance.
const LOCK_PAUSE: Duration = Duration::from_millis(5);
/// Keys below this one are the engine's own: the ledger, the redo log.
const KINDS: u8 = 0x10;
/// What the keys of chunks begin with, before the key they belong to.
const CHUNK: u8 = 0xfe;
/// What stands in place of a value that is cut into chunks, where others have their schema; then its length (u32).
const CUT: [u8; 2] = [0xff, 0xff];
/// Longer values are cut. A page holds about 20 rows and must stay under 128 KB.
const VALUE_MAX: usize = 6000;
/// A batch has at most so many rows …
pub(super) const SLICE_ROWS: usize = 500;
/// … and bytes.
pub(super) const SLICE_BYTES: usize = 1 << 20;

/// The open engine.
pub(super) struct Engine {
    db: sled::Db,
    file: File,
    /// Held for writing while rows change, for reading while rows that belong together are read.
    view: RwLock<()>,
}

impl Engine {
    /// Opens what is in `folder`, or makes it.
    pub(super) fn open(folder: &Path, cache_bytes: u64) -> Result<Engine, Trouble> {
        let config = sled::Config::new().path(folder).cache_capacity(cache_bytes);
        let mut patience = LOCK_PATIENCE;
        let db = loop {
            let opened = caught(|| config.open())
                .map_err(|said| Trouble::Damaged(format!("the engine panicked: {said}")));
            match opened?.map_err(Trouble::from) {
                // We hold the lock of the state, so it is a thread of our own last engine that hasn't quite let go of the file.
                Err(Trouble::InUse(_)) if patience > 0 => patience -= 1,
                opened => break opened?,
            }
            std::thread::sleep(LOCK_PAUSE);
        };
        let file = File::open(folder.join("db")).map_err(|e| Trouble::io("opened", &e))?;
        Ok(Engine { db, file, view: RwLock::new(()) })
    }

    /// A consistent view; while it is held nothing changes.
    pub(super) fn view(&self) -> View<'_> {
        View { db: &self.db, _lock: self.view.read().unwrap_or_else(PoisonError::into_inner) }
    }

    /// The ledger as it is stored; None in a new store.
    pub(super) fn ledger(&self) -> Result<Option<Ledger>, Trouble> {
        self.db.get(LEDGER)?.map(|bytes| Ledger::decode(&bytes)).transpose()
    }

    /// Commits `changes` with the ledger that results, as one transaction, durable when it returns.
    ///
    /// `ledger` has its new number already; its counts are brought forward here.
    pub(super) fn commit(&self, changes: Changes, ledger: &mut Ledger) -> Result<(), Trouble> {
        let ops = self.prepare(changes, ledger)?;
        let bytes: usize = ops.iter().map(size_of_op).sum();
        if ops.len() < SLICE_ROWS && bytes <= SLICE_BYTES {
            ledger.redo = 0;
            let row = (LEDGER.to_vec(), Some(ledger.encode()?));
            self.apply(ops.into_iter().chain([row]))?;
            return self.make_durable();
        }
        // Too much for one batch: the redo log first, which nobody sees; then the ledger, which makes it the truth; then the rows.
        let mut slices = Slices::new(self);
        ledger.redo = redo::write(&ops, |op| slices.push(op))?;
        slices.end()?;
        self.apply([(LEDGER.to_vec(), Some(ledger.encode()?))])?;
        self.make_durable()?;
        let _lock = self.view.write().unwrap_or_else(PoisonError::into_inner);
        self.carry_over(ops.into_iter().map(Ok), ledger)
    }

    /// Ends what a crash left between a large commit and its rows, and drops a redo log that was never committed.
    pub(super) fn recover(&self, ledger: &mut Ledger) -> Result<(), Trouble> {
        if ledger.redo > 0 {
            self.carry_over(redo::read(&self.db, ledger.redo), ledger)?;
        }
        self.drop_redo()?;
        self.make_durable()
    }

    /// Puts a record in its place, outside of any transaction: for filling a new store.
    pub(super) fn fill(slices: &mut Slices<'_>, key: &[u8], value: Vec<u8>) -> Result<(), Trouble> {
        put(key, value, 0, &mut |op| slices.push(op))
    }

    /// Writes the ledger by itself, for a store that was filled.
    pub(super) fn seal(&self, ledger: &Ledger) -> Result<(), Trouble> {
        self.apply([(LEDGER.to_vec(), Some(ledger.encode()?))])?;
        self.make_durable()
    }

    /// The one durability point: everything applied so far survives a power cut once this returns.
    fn make_durable(&self) -> Result<(), Trouble> {
        self.db.flush()?;
        self.file.sync_data().map_err(|e| Trouble::io("synced", &e))
    }

    fn apply(&self, ops: impl IntoIterator<Item = Op>) -> Result<(), Trouble> {
        let _lock = self.view.write().unwrap_or_else(PoisonError::into_inner);
        self.apply_unlocked(ops)
    }

    fn apply_unlocked(&self, ops: impl IntoIterator<Item = Op>) -> Result<(), Trouble> {
        let mut batch = Batch::default();
        for (key, value) in ops {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        Ok(self.db.apply_batch(batch)?)
    }

    fn carry_over(
        &self,
        ops: impl Iterator<Item = Result<Op, Trouble>>,
        ledger: &mut Ledger,
    ) -> Result<(), Trouble> {
        let mut slices = Slices::unlocked(self);
        for op in ops {
            slices.push(op?)?;
        }
        slices.end()?;
        ledger.redo = 0;
        self.apply_unlocked([(LEDGER.to_vec(), Some(ledger.encode()?))])?;
        self.drop_redo()
    }

    fn drop_redo(&self) -> Result<(), Trouble> {
        let mut slices = Slices::unlocked(self);
        for key in self.db.scan_prefix([redo::REDO]).keys() {
            slices.push((key?.to_vec(), None))?;
        }
        slices.end()
    }

    /// The rows that `changes` come to, and the ledger after them.
    fn prepare(&self, changes: Changes, ledger: &mut Ledger) -> Result<Vec<Op>, Trouble> {
        let view = self.view();
        let mut ops = Vec::with_capacity(changes.len() + 1);
        for (key, new) in changes {
            let kind = kind_of(&key)?;
            let old = view.get(&key)?;
            if let Some(old) = &old {
                ledger.counts.take(kind, &key, old);
            }
            let chunks = old.as_ref().map_or(0, Value::chunks);
            match new {
                Some(value) => {
                    ledger.counts.add(kind, &key, &value);
                    put(&key, value, chunks, &mut |op| {
                        ops.push(op);
                        Ok(())
                    })?;
                }
                None if old.is_some() => {
                    ops.extend((0..chunks).map(|n| (chunk_key(&key, n), None)));
                    ops.push((key, None));
                }
                None => {}
            }
        }
        Ok(ops)
    }
}

/// Several rows, read at one moment.
pub(super) struct View<'a> {
    db: &'a sled::Db,
    _lock: RwLockReadGuard<'a, ()>,
}

impl<'v> View<'v> {
    /// One value.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Value>, Trouble> {
        self.db.get(key)?.map(|row| self.whole(key, row)).transpose()
    }

    /// The records whose keys begin with `prefix`, in order of their keys.
    pub(super) fn rows<'a>(
        &'a self,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<(IVec, Value), Trouble>> + use<'a, 'v> {
        self.db.scan_prefix(prefix).map(|row| {
            let (key, row) = row?;
            let value = self.whole(&key, row)?;
            Ok((key, value))
        })
    }

    /// The keys that begin with `prefix`, in order.
    pub(super) fn keys<'a>(
        &'a self,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<IVec, Trouble>> + use<'a, 'v> {
        self.db.scan_prefix(prefix).keys().map(|key| Ok(key?))
    }

    /// The keys from `first` up to, but without, `end`.
    pub(super) fn keys_between<'a>(
        &'a self,
        first: &[u8],
        end: &[u8],
    ) -> impl Iterator<Item = Result<IVec, Trouble>> + use<'a, 'v> {
        self.db.range(first..end).keys().map(|key| Ok(key?))
    }

    /// Every record, kind by kind.
    pub(super) fn all(&self) -> impl Iterator<Item = Result<(Kind, IVec, Value), Trouble>> {
        let rows = self.rows(&[]).skip_while(|row| matches!(row, Ok((key, _)) if key.first() < Some(&KINDS)));
        let records = rows.take_while(|row| !matches!(row, Ok((key, _)) if key.first() == Some(&CHUNK)));
        records.map(|row| {
            let (key, value) = row?;
            Ok((kind_of(&key)?, key, value))
        })
    }

    fn whole(&self, key: &[u8], row: IVec) -> Result<Value, Trouble> {
        let Some(length) = row.strip_prefix(&CUT).filter(|_| *key != *LEDGER) else {
            return Ok(Value::Row(row));
        };
        let lost = |what| Trouble::Damaged(format!("a long record {what}"));
        let length = u32::from_be_bytes(length.try_into().map_err(|_| lost("has no length"))?) as usize;
        let mut bytes = Vec::new();
        for n in 0..chunks_of(length) {
            bytes.extend_from_slice(&self.db.get(chunk_key(key, n))?.ok_or_else(|| lost("lacks a part"))?);
        }
        if bytes.len() == length {
            Ok(Value::Joined(bytes))
        } else {
            Err(lost("has another length than it says"))
        }
    }
}

/// A value as it was put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// From its row.
    Row(IVec),
    /// Put together from its chunks.
    Joined(Vec<u8>),
}

impl Value {
    fn chunks(&self) -> u32 {
        match self {
            Value::Row(_) => 0,
            Value::Joined(bytes) => chunks_of(bytes.len()),
        }
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Value::Row(row) => row,
            Value::Joined(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Rows on their way to the tree, a batch at a time.
pub(super) struct Slices<'a> {
    engine: &'a Engine,
    /// Nobody reads what is written, or the view is locked already.
    unlocked: bool,
    ops: Vec<Op>,
    bytes: usize,
}

impl<'a> Slices<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Slices { engine, unlocked: false, ops: Vec::new(), bytes: 0 }
    }

    fn unlocked(engine: &'a Engine) -> Self {
        Slices { unlocked: true, ..Slices::new(engine) }
    }

    /// One more row.
    pub(super) fn push(&mut self, op: Op) -> Result<(), Trouble> {
        self.bytes += size_of_op(&op);
        self.ops.push(op);
        if self.ops.len() >= SLICE_ROWS || self.bytes >= SLICE_BYTES { self.end() } else { Ok(()) }
    }

    /// No more rows for now.
    pub(super) fn end(&mut self) -> Result<(), Trouble> {
        self.bytes = 0;
        let ops = std::mem::take(&mut self.ops);
        match (ops.is_empty(), self.unlocked) {
            (true, _) => Ok(()),
            (false, true) => self.engine.apply_unlocked(ops),
            (false, false) => self.engine.apply(ops),
        }
    }
}

/// The rows of one value; `before` chunks are there of the value it replaces.
fn put(
    key: &[u8],
    value: Vec<u8>,
    before: u32,
    push: &mut dyn FnMut(Op) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut chunks = 0;
    if value.len() <= VALUE_MAX {
        push((key.to_vec(), Some(value)))?;
    } else {
        let too_long = |_| Trouble::Io("written", format!("a record of {} bytes is too long", value.len()));
        let length = u32::try_from(value.len()).map_err(too_long)?;
        push((key.to_vec(), Some([&CUT[..], &length.to_be_bytes()].concat())))?;
        chunks = chunks_of(value.len());
        for (n, chunk) in (0..chunks).zip(value.chunks(VALUE_MAX)) {
            push((chunk_key(key, n), Some(chunk.to_vec())))?;
        }
    }
    (chunks..before).try_for_each(|n| push((chunk_key(key, n), None)))
}

fn chunks_of(length: usize) -> u32 {
    u32::try_from(length.div_ceil(VALUE_MAX)).unwrap_or(u32::MAX)
}

fn chunk_key(key: &[u8], n: u32) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(key.len() + 5);
    chunk.push(CHUNK);
    chunk.extend(key);
    chunk.extend(n.to_be_bytes());
    chunk
}

fn size_of_op((key, value): &Op) -> usize {
    key.len() + value.as_ref().map_or(0, Vec::len)
}

fn kind_of(key: &[u8]) -> Result<Kind, Trouble> {
    let byte = key.first().copied().unwrap_or_default();
    Kind::from_byte(byte).ok_or_else(|| Trouble::TooNew(format!("records of kind {byte}")))
}

#[cfg(test)]
mod tests;
