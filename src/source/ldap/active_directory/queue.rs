//! What the connections of a whole read share: what is left to be read, what was found, and how many of them there are.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::pace::Pace;
use super::ranges::Range;
use crate::domain::decode::{Decoder, extended};
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;
use crate::source::Tell;

/// So many ranges for each connection, so that they end at about the same time.
pub(super) const PIECES: u64 = 4;
/// A full range is given up for smaller ones if it has had no more pages than this.
const GIVE_UP: usize = 2;

/// Something to read below a base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Job {
    pub base: usize,
    pub what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// The objects of a range.
    Range(Range),
    /// Those without a number.
    Unnumbered,
    /// All identities, and nothing else.
    Identities,
}

/// What the connections share.
pub(super) struct Shared<'s, 'd> {
    pub decoder: Mutex<&'s mut Decoder<'d>>,
    pub state: Mutex<State>,
    /// Something else may be done now than before.
    pub changed: Notify,
    pub member: &'s str,
    pub tell: Tell<'s>,
}

#[derive(Default)]
pub(super) struct State {
    pub waiting: VecDeque<Job>,
    /// How many jobs are being done.
    pub busy: usize,
    /// How many connections wait for something to do.
    pub idle: usize,
    /// How many connections there are, and how many of them are being opened.
    pub open: usize,
    pub opening: usize,
    pub pace: Option<Pace>,
    /// What was found.
    pub read: HashSet<Guid>,
    /// What there is, if that was asked.
    pub there: Vec<Guid>,
    pub highest: u64,
}

pub(super) enum Next {
    Do(Job),
    Wait,
    End,
}

impl Shared<'_, '_> {
    pub fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn decode<T>(&self, with: impl FnOnce(&mut Decoder<'_>) -> T) -> T {
        with(&mut self.decoder.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a page's entries; those whose list of members is cut go to `cut`, and aren't read yet.
    pub fn take(&self, entries: Vec<Entry>, cut: &mut Vec<Entry>) {
        let (whole, incomplete): (Vec<_>, _) =
            entries.into_iter().partition(|entry| entry.missing_from(self.member).is_none());
        self.state().read.extend(whole.iter().filter_map(identity));
        let progress = self.decode(|decoder| {
            whole.iter().for_each(|entry| decoder.push(entry));
            decoder.progress()
        });
        cut.extend::<Vec<Entry>>(incomplete);
        (self.tell)(progress);
    }

    /// What a connection does next.
    pub fn next(&self) -> Next {
        let mut state = self.state();
        let wanted = state.pace.as_ref().map_or(1, |pace| pace.wanted().0);
        if state.open - state.opening > wanted {
            state.open -= 1;
            return Next::End;
        }
        if let Some(job) = state.waiting.pop_front() {
            state.busy += 1;
            return Next::Do(job);
        }
        if state.busy == 0 { Next::End } else { Next::Wait }
    }

    pub fn done(&self) {
        self.state().busy -= 1;
        self.changed.notify_waiters();
    }

    /// Puts back what a busy server didn't do, for another connection; false when there is none.
    pub fn put_back(&self, job: Job) -> bool {
        let mut state = self.state();
        let others = state.open - state.opening;
        if others <= 1 {
            return false;
        }
        if let Some(pace) = &mut state.pace {
            pace.busy(others);
        }
        state.open -= 1;
        state.busy -= 1;
        state.waiting.push_front(job);
        drop(state);
        self.changed.notify_waiters();
        true
    }

    /// Whether to open one more connection. One after the other: credentials that are refused meanwhile are tried once.
    pub fn opens_one(&self) -> bool {
        let mut state = self.state();
        let wanted = state.pace.as_ref().map_or(1, |pace| pace.wanted().0);
        let more = state.opening == 0 && state.open < wanted && !state.waiting.is_empty();
        if more {
            state.open += 1;
            state.opening += 1;
        }
        more
    }

    /// The connection that was to be opened is there, or won't be.
    pub fn opened(&self, done: bool) {
        let mut state = self.state();
        state.opening -= 1;
        if !done {
            state.open -= 1;
            let open = state.open;
            if let Some(pace) = &mut state.pace {
                pace.not_let_in(open);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Notes how long a range took.
    pub fn answered(&self, entries: usize, took: Duration) {
        let mut state = self.state();
        let open = state.open;
        let step = state.pace.as_mut().and_then(|pace| pace.answered(entries, took, open));
        drop(state);
        if let Some((connections, why)) = step {
            tracing::debug!(connections, ?why, "the directory is read over another number of connections");
            self.changed.notify_waiters();
        }
    }

    /// Gives up a range for smaller ones, if others have nothing to do and it may hold much more.
    pub fn gives_up(&self, job: Job, pages: usize, page_size: u64) -> bool {
        let What::Range(range) = job.what else {
            return false;
        };
        let mut state = self.state();
        let width = range.width(state.highest);
        if pages > GIVE_UP || state.idle == 0 || !state.waiting.is_empty() || width < 2 * page_size {
            return false;
        }
        let connections = u64::try_from(state.open).unwrap_or(1);
        let pieces = (connections * PIECES).min(width / page_size);
        let smaller = range.cut(pieces, state.highest);
        state.waiting.extend(smaller.into_iter().map(|range| Job { what: What::Range(range), ..job }));
        drop(state);
        self.changed.notify_waiters();
        true
    }
}

pub(super) fn identity(entry: &Entry) -> Option<Guid> {
    extended::split(&entry.dn).0
}
