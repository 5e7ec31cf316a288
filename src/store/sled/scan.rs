//! Looking at a store from its first record to its last: is it all there, and what does it hold?

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use sled::IVec;

use super::super::counts::Counts;
use super::super::jobs::place::Move;
use super::super::jobs::state::StateBuilder;
use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::decode;
use super::super::records::{Instance, Kind, LastNumber, NUMBERS, check_schema};
use super::super::types::State;
use super::engine::{Engine, Value, View};
use super::ledger::Ledger;
use super::panics::caught;
use super::queue::Queue;
use super::read::last_run;

/// So many records go from one thread to the other at once.
const BATCH: usize = 1_000;

/// A store that was looked at and found whole.
pub(super) struct Found {
    pub(super) engine: Engine,
    pub(super) ledger: Ledger,
    pub(super) instance: u64,
    pub(super) numbers: [u64; NUMBERS],
    pub(super) queue: Queue,
    pub(super) state: State,
}

/// Opens the engine in `folder` and compares every record with the ledger.
pub(super) fn examine(folder: &Path, cache_bytes: u64) -> Result<Found, Trouble> {
    let engine = Engine::open(&folder.join(super::ENGINE), cache_bytes)?;
    let looked = caught(|| look_through(&engine));
    match looked.unwrap_or_else(|said| Err(Trouble::Damaged(format!("the engine panicked: {said}")))) {
        Ok(Looked { ledger, instance, numbers, queue, state }) => {
            Ok(Found { engine, ledger, instance, numbers, queue, state })
        }
        Err(trouble) => {
            if matches!(trouble, Trouble::Damaged(_)) {
                // It may hang when it is dropped, or write into files that are about to be put aside.
                std::mem::forget(engine);
            }
            Err(trouble)
        }
    }
}

struct Looked {
    ledger: Ledger,
    instance: u64,
    numbers: [u64; NUMBERS],
    queue: Queue,
    state: State,
}

fn look_through(engine: &Engine) -> Result<Looked, Trouble> {
    let mut ledger = engine.ledger()?.ok_or_else(|| Trouble::Damaged("its ledger is gone".into()))?;
    engine.recover(&mut ledger)?;
    let view = engine.view();
    let (counts, taken) = read_all(&view)?;
    // A record that can't be read is damage if the digests differ, and of a newer version if they don't.
    if let Some(difference) = ledger.counts.difference(&counts) {
        return Err(Trouble::Damaged(difference));
    }
    taken?.end(&view, ledger)
}

/// Reads every record, while another thread makes something of those that were read.
fn read_all(view: &View<'_>) -> Result<(Counts, Result<Contents, Trouble>), Trouble> {
    thread::scope(|scope| {
        let (read, records) = mpsc::sync_channel::<Vec<(Kind, IVec, Value)>>(16);
        let taking = thread::Builder::new().name("store-open".into()).spawn_scoped(scope, move || {
            let mut contents = Contents::default();
            for (kind, key, value) in records.into_iter().flatten() {
                contents.take(kind, &key, &value)?;
            }
            Ok(contents)
        });
        let taking = taking.map_err(|e| Trouble::io("opened", &e))?;
        let mut counts = Counts::default();
        let mut batch = Vec::with_capacity(BATCH);
        for row in view.all() {
            let (kind, key, value) = row?;
            counts.add(kind, &key, &value);
            batch.push((kind, key, value));
            if batch.len() == BATCH {
                // Whoever has met what it can't read takes no more; it is counted all the same.
                let _ = read.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
            }
        }
        let _ = read.send(batch);
        drop(read);
        let taken = taking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((counts, taken))
    })
}

#[derive(Default)]
struct Contents {
    state: StateBuilder,
    queue: Queue,
    instance: Option<u64>,
    numbers: [u64; NUMBERS],
}

impl Contents {
    fn take(&mut self, kind: Kind, key: &[u8], value: &[u8]) -> Result<(), Trouble> {
        match kind {
            Kind::Instance => self.instance = Some(decode::<Instance>(value)?.0),
            Kind::Message => self.queue.make(Move::new(None, Some(&decode(value)?))),
            Kind::Numbers => {
                let index = key.get(1).copied().map_or(NUMBERS, usize::from);
                match self.numbers.get_mut(index) {
                    Some(number) => *number = decode::<LastNumber>(value)?.0,
                    None => return Err(Trouble::TooNew(format!("numbers of kind {index}"))),
                }
            }
            _ => check_schema(kind, value)?,
        }
        self.state.take(kind, key, value)
    }

    fn end(self, view: &View<'_>, ledger: Ledger) -> Result<Looked, Trouble> {
        let instance =
            self.instance.ok_or_else(|| Trouble::Damaged("the number of the installation is gone".into()))?;
        let state = self.state.end(|name| last_run(view, name))?;
        Ok(Looked { ledger, instance, numbers: self.numbers, queue: self.queue, state })
    }
}
