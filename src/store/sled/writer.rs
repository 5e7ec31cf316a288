//! The one thread that writes: jobs one after the other, those that wait together as one group with one sync (group commit).
//!
//! A job is answered when its group is durable. When the engine fails, it is opened again; then the number of the last commit
//! tells whether the group in question made it, so that no caller is left in doubt.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::error::StoreError;
use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::{Effect, Tx};
use super::super::records::NUMBERS;
use super::engine::{SLICE_BYTES, SLICE_ROWS};
use super::ledger::Ledger;
use super::lock::Lock;
use super::marker::Marker;
use super::panics::caught;
use super::rows::SledRows;
use super::scan::examine;
use super::space::Space;
use super::watermark::{Mark, Watermark};
use super::{Shared, Slot};

/// After so long without work the watermark is synced.
const IDLE: Duration = Duration::from_millis(500);

/// What tells a job's caller how it ended; None: its group is durable.
pub(super) type Answer = Box<dyn FnOnce(Option<StoreError>) + Send>;
/// A job: changes the transaction, and says whether it is to be kept.
pub(super) type Job = Box<dyn FnOnce(&mut Tx<'_>) -> (bool, Answer) + Send>;

/// What the writer is told to do.
pub(super) enum Order {
    /// A job.
    Job(Job),
    /// Close the engine, and say so.
    Close(oneshot::Sender<()>),
}

/// The writing thread's own.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) orders: Receiver<Order>,
    pub(super) ledger: Ledger,
    pub(super) numbers: [u64; NUMBERS],
    pub(super) watermark: Watermark,
    pub(super) space: Space,
    pub(super) marker: Marker,
    /// Held until the engine is closed.
    pub(super) lock: Lock,
}

/// What a group of jobs comes to.
#[derive(Default)]
struct Group {
    effect: Effect,
    answers: Vec<Answer>,
    bytes: usize,
}

impl Writer {
    /// Works until it is told to close, or nobody is left to tell.
    pub(super) fn run(mut self) {
        let mut closing = None;
        while closing.is_none() {
            match self.orders.recv_timeout(IDLE) {
                Ok(Order::Job(job)) => closing = self.run_group(job),
                Ok(Order::Close(done)) => closing = Some(done),
                Err(RecvTimeoutError::Timeout) => self.sync_watermark(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let closed = std::mem::replace(&mut *self.shared.slot_mut(), Slot::Down(Trouble::Closed));
        close(closed);
        self.sync_watermark();
        drop(self.lock);
        if let Some(done) = closing {
            // Whoever asked may have gone in the meantime.
            let _ = done.send(());
        }
    }

    /// Runs `first` and what waits behind it, commits it, and answers. Returns who waits behind it for the closing.
    fn run_group(&mut self, first: Job) -> Option<oneshot::Sender<()>> {
        // A job that isn't run is dropped; its caller is told why the engine is down.
        self.ready().ok()?;
        let mut group =
            Group { effect: Effect { numbers: self.numbers, ..Effect::default() }, ..Group::default() };
        let mut next = Some(Order::Job(first));
        let mut closing = None;
        let mut ended = Ok(());
        while let Some(order) = next {
            match order {
                Order::Job(job) => ended = self.run_job(job, &mut group),
                Order::Close(done) => {
                    closing = Some(done);
                    break;
                }
            }
            let full = group.effect.changes.len() >= SLICE_ROWS / 2 || group.bytes >= SLICE_BYTES / 2;
            next = if full || ended.is_err() { None } else { self.orders.try_recv().ok() };
        }
        let Group { effect, answers, bytes } = group;
        let ended = match ended {
            Ok(()) if effect.changes.is_empty() => Ok(()),
            Ok(()) => self.commit(effect, bytes),
            Err(trouble) => self.after_failure(trouble, u64::MAX),
        };
        let failure = ended.err().map(|trouble| trouble.at(&self.shared.path));
        answers.into_iter().for_each(|answer| answer(failure.clone()));
        closing
    }

    /// Runs one job; what it changes joins the group when it is to be kept.
    fn run_job(&self, job: Job, group: &mut Group) -> Result<(), Trouble> {
        let slot = self.shared.slot();
        let Slot::Open(engine) = &*slot else { return Ok(()) };
        let rows = SledRows { engine, group: &group.effect.changes, queue: &self.shared.queue };
        let mut tx = Tx::new(&rows, group.effect.numbers);
        let (keep, answer) = caught(|| job(&mut tx))
            .map_err(|said| Trouble::Damaged(format!("the engine panicked: {said}")))?;
        let effect = tx.effect;
        group.answers.push(answer);
        if keep {
            let mut queue = self.shared.queue();
            effect.moves.iter().for_each(|to| queue.make(to.clone()));
            group.bytes +=
                effect.changes.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len)).sum::<usize>();
            group.effect.take_in(effect);
        }
        Ok(())
    }

    /// Makes a group durable.
    fn commit(&mut self, effect: Effect, bytes: usize) -> Result<(), Trouble> {
        if let Err(trouble) = self.space.check(bytes) {
            let mut queue = self.shared.queue();
            effect.moves.into_iter().rev().for_each(|to| queue.make(to.undone()));
            return Err(trouble);
        }
        let mut ledger = self.ledger.clone();
        ledger.commit += 1;
        ledger.as_of = ledger.as_of.max(effect.as_of.unwrap_or(ledger.as_of));
        let changes = effect.changes;
        let made = match &*self.shared.slot() {
            Slot::Open(engine) => caught(|| engine.commit(changes, &mut ledger)),
            Slot::Down(trouble) => Ok(Err(trouble.clone())),
        };
        let made = made.unwrap_or_else(|said| Err(Trouble::Damaged(format!("the engine panicked: {said}"))));
        if let Err(trouble) = made {
            return self.after_failure(trouble, ledger.commit);
        }
        (self.ledger, self.numbers) = (ledger, effect.numbers);
        // A mark that is behind does no harm.
        if let Err(e) = self.watermark.write(&self.mark()) {
            tracing::warn!("the watermark of the store {} can't be written: {e}", self.shared.path.display());
        }
        if effect.precious {
            self.shared.unexported.send_modify(|n| *n += 1);
        }
        Ok(())
    }

    /// Brings the engine up again if it is down and may come up.
    fn ready(&mut self) -> Result<(), Trouble> {
        let down = match &*self.shared.slot() {
            Slot::Open(_) => return Ok(()),
            Slot::Down(trouble) => trouble.clone(),
        };
        match down {
            Trouble::DiskFull | Trouble::Io(..) | Trouble::InUse(_) => self.reopen(),
            Trouble::Damaged(_)
            | Trouble::TooNew(_)
            | Trouble::Closed
            | Trouble::Again(_)
            | Trouble::Said(_) => Err(down),
        }
    }

    /// Takes the engine down and brings it up again. Well if commit number `attempted` turns out to be durable.
    fn after_failure(&mut self, trouble: Trouble, attempted: u64) -> Result<(), Trouble> {
        let failed = std::mem::replace(&mut *self.shared.slot_mut(), Slot::Down(trouble.clone()));
        if let Trouble::Damaged(what) = &trouble {
            self.damaged(what);
            // An engine that panicked may hang when it is dropped: nobody waits for it.
            let dropped = std::thread::Builder::new().name("store-drop".into()).spawn(|| close(failed));
            if let Err(e) = dropped {
                tracing::warn!("the damaged store's engine can't be closed: {e}");
            }
            return Err(trouble);
        }
        if trouble == Trouble::DiskFull {
            self.space.give_up();
        }
        close(failed);
        self.reopen()?;
        if self.ledger.commit >= attempted { Ok(()) } else { Err(trouble) }
    }

    fn reopen(&mut self) -> Result<(), Trouble> {
        match examine(&self.shared.folder, self.shared.cache_bytes) {
            Ok(found) => {
                (self.ledger, self.numbers) = (found.ledger, found.numbers);
                *self.shared.queue() = found.queue;
                *self.shared.slot_mut() = Slot::Open(found.engine);
                Ok(())
            }
            Err(trouble) => {
                if let Trouble::Damaged(what) = &trouble {
                    self.damaged(what);
                }
                *self.shared.slot_mut() = Slot::Down(trouble.clone());
                Err(trouble)
            }
        }
    }

    /// Leaves word for the next opening, which rebuilds the store.
    fn damaged(&self, what: &str) {
        tracing::error!(
            "the store {} is damaged and will be rebuilt at the next start: {what}",
            self.shared.path.display()
        );
        if let Err(e) = self.marker.note_damage(what) {
            tracing::warn!("the damage of the store {} can't be noted: {e}", self.shared.path.display());
        }
    }

    fn mark(&self) -> Mark {
        Mark { commit: self.ledger.commit, instance: self.shared.instance, numbers: self.numbers }
    }

    fn sync_watermark(&mut self) {
        if let Err(e) = self.watermark.sync() {
            tracing::warn!("the watermark of the store {} can't be synced: {e}", self.shared.path.display());
        }
    }
}

fn close(slot: Slot) {
    if let Err(said) = caught(|| drop(slot)) {
        tracing::warn!("the store's engine panicked while it was closed: {said}");
    }
}
