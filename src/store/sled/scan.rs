//! Looking at a store from its first record to its last: is it all there, and what does it hold?

use std::path::Path;

use super::super::counts::Counts;
use super::super::jobs::place::Move;
use super::super::jobs::state::StateBuilder;
use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::decode;
use super::super::records::{Instance, Kind, LastNumber, NUMBERS, check_schema};
use super::super::types::State;
use super::engine::{Engine, View};
use super::ledger::Ledger;
use super::panics::caught;
use super::queue::Queue;
use super::read::last_run;

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
    let mut counts = Counts::default();
    let mut contents = Contents::default();
    // A record that can't be read is damage if the digests differ, and of a newer version if they don't.
    let mut unreadable = None;
    for row in view.all() {
        let (kind, key, value) = row?;
        counts.add(kind, &key, &value);
        if unreadable.is_none() {
            unreadable = contents.take(kind, &key, &value).err();
        }
    }
    if let Some(difference) = ledger.counts.difference(&counts) {
        return Err(Trouble::Damaged(difference));
    }
    match unreadable {
        Some(trouble) => Err(trouble),
        None => contents.end(&view, ledger),
    }
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
