//! A transaction in the making: what it changes lies over what its group changed, and that over the tree.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::ids::{ChannelName, DirectoryName, MessageId};
use crate::domain::notice::Message;

use super::super::records::{
    Kind, LastNumber, NUMBERS, Numbers, Record, key, number_key, number_of, runs_of, time_key,
};
use super::engine::{Changes, Engine};
use super::queue::{Move, Queue};
use super::trouble::Trouble;

/// The transaction of one job.
pub(super) struct Tx<'a> {
    engine: &'a Engine,
    group: &'a Changes,
    queue: &'a Mutex<Queue>,
    /// What it comes to.
    pub(super) effect: Effect,
}

/// A row, before a transaction and after it.
pub(super) struct Changed {
    pub(super) key: Vec<u8>,
    pub(super) before: Option<Vec<u8>>,
    pub(super) after: Option<Vec<u8>>,
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// Rows.
    pub(super) changes: Changes,
    /// Messages.
    pub(super) moves: Vec<Move>,
    /// The last numbers handed out.
    pub(super) numbers: [u64; NUMBERS],
    /// The latest time it speaks of.
    pub(super) as_of: Option<DateTime<Utc>>,
    /// It changes what can't be read again from a directory.
    pub(super) precious: bool,
}

impl<'a> Tx<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        group: &'a Changes,
        queue: &'a Mutex<Queue>,
        numbers: [u64; NUMBERS],
    ) -> Self {
        Tx { engine, group, queue, effect: Effect { numbers, ..Effect::default() } }
    }

    /// Reads a record.
    pub(super) fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, Trouble> {
        let changed = self.effect.changes.get(key).or_else(|| self.group.get(key));
        match changed {
            Some(value) => value.as_deref().map(decode).transpose(),
            None => self.engine.view().get(key)?.as_deref().map(decode).transpose(),
        }
    }

    /// What the transaction changes of a kind of records: each key with its bytes before and after.
    pub(super) fn changed(&self, kind: Kind) -> Result<Vec<Changed>, Trouble> {
        let keys = self.effect.changes.range(vec![kind as u8]..vec![kind as u8 + 1]);
        let changed = keys.map(|(key, after)| {
            let before = match self.group.get(key) {
                Some(before) => before.clone(),
                None => self.engine.view().get(key)?.map(|value| value.to_vec()),
            };
            Ok(Changed { key: key.clone(), before, after: after.clone() })
        });
        changed.filter(|changed| changed.as_ref().map_or(true, |c| c.before != c.after)).collect()
    }

    /// Whether there is a record.
    pub(super) fn has(&self, key: &[u8]) -> Result<bool, Trouble> {
        match self.effect.changes.get(key).or_else(|| self.group.get(key)) {
            Some(value) => Ok(value.is_some()),
            None => Ok(self.engine.view().get(key)?.is_some()),
        }
    }

    /// Writes a record.
    pub(super) fn put<R: Record>(&mut self, key: Vec<u8>, record: &R) -> Result<(), Trouble> {
        let bytes = record.encode().map_err(|e| Trouble::Io("written", e.to_string()))?;
        self.effect.changes.insert(key, Some(bytes));
        Ok(())
    }

    /// Removes a record.
    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.effect.changes.insert(key, None);
    }

    /// Writes a message, and sees to the queue.
    pub(super) fn put_message(&mut self, before: Option<&Message>, after: &Message) -> Result<(), Trouble> {
        self.effect.moves.push(Move::new(before, Some(after)));
        self.put(number_key(Kind::Message, after.id.0), after)
    }

    /// Removes a message, and sees to the queue.
    pub(super) fn delete_message(&mut self, message: &Message) {
        self.effect.moves.push(Move::new(Some(message), None));
        self.delete(number_key(Kind::Message, message.id.0));
    }

    /// The next number.
    pub(super) fn next(&mut self, of: Numbers) -> Result<u64, Trouble> {
        #[expect(clippy::indexing_slicing, reason = "there are as many numbers as kinds of them")]
        let last = &mut self.effect.numbers[of as usize];
        *last += 1;
        let last = LastNumber(*last);
        self.put(key(Kind::Numbers, &[of as u8]), &last)?;
        Ok(last.0)
    }

    /// Messages of a channel that are due, the urgent first and of those the oldest, at most `max`.
    pub(super) fn due(&self, channel: &ChannelName, now: DateTime<Utc>, max: usize) -> Vec<MessageId> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).due(channel, now).take(max).collect()
    }

    /// Messages that aren't at an end.
    pub(super) fn open(&self) -> Vec<MessageId> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).open().collect()
    }

    /// The keys that begin with `prefix`, without what this group changes.
    pub(super) fn stored_keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Trouble> {
        self.engine.view().keys(prefix).map(|key| Ok(key?.to_vec())).collect()
    }

    /// The next numbers after `after` that there are records of, without what this group changes.
    pub(super) fn stored_numbers(&self, kind: Kind, after: u64, limit: usize) -> Result<Vec<u64>, Trouble> {
        let view = self.engine.view();
        let keys = view.keys_between(&number_key(kind, after.saturating_add(1)), &number_key(kind, u64::MAX));
        keys.take(limit).map(|key| Ok(number_of(&key?).unwrap_or_default())).collect()
    }

    /// The first keys of a kind from `first` on, without what this group changes.
    pub(super) fn stored_from(
        &self,
        kind: Kind,
        first: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let view = self.engine.view();
        let keys = view.keys_between(first, &[kind as u8 + 1]);
        keys.take(limit).map(|key| Ok(key?.to_vec())).collect()
    }

    /// The first keys of a kind whose keys are times, of those from before a time, without what this group changes.
    pub(super) fn stored_before(
        &self,
        kind: Kind,
        before_ms: i64,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        let view = self.engine.view();
        let keys = view.keys_between(&time_key(kind, i64::MIN, 0), &time_key(kind, before_ms, 0));
        keys.take(limit).map(|key| Ok(key?.to_vec())).collect()
    }

    /// The first run after `after` that can be undone, without what this group changes.
    pub(super) fn stored_run_with_steps(&self, after: u64) -> Result<Option<u64>, Trouble> {
        let view = self.engine.view();
        let first = number_key(Kind::RunSteps, after.saturating_add(1));
        let mut keys = view.keys_between(&first, &number_key(Kind::RunSteps, u64::MAX));
        let key = keys.next().transpose()?;
        Ok(key.and_then(|key| number_of(key.get(..9)?)))
    }

    /// The last run of a directory, without what this group changes.
    pub(super) fn stored_last_run(&self, directory: &DirectoryName) -> Result<Option<u64>, Trouble> {
        let key = self.engine.view().keys(&runs_of(directory)).next_back().transpose()?;
        Ok(key.and_then(|key| number_of(&key)))
    }

    /// Notes a time that the transaction speaks of.
    pub(super) fn speaks_of(&mut self, at: DateTime<Utc>) {
        self.effect.as_of = self.effect.as_of.max(Some(at));
    }
}

impl Effect {
    /// Takes in what a later transaction of the same group changes.
    pub(super) fn take_in(&mut self, later: Effect) {
        self.changes.extend(later.changes);
        self.moves.extend(later.moves);
        self.numbers = later.numbers;
        self.as_of = self.as_of.max(later.as_of);
        self.precious |= later.precious;
    }
}

/// Reads a record. One that is whole but says nothing to us is of a newer version; damage is found by digest.
pub(super) fn decode<R: Record>(bytes: &[u8]) -> Result<R, Trouble> {
    Ok(R::decode(bytes)?)
}
