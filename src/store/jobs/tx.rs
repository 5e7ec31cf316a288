//! A transaction in the making: what it changes lies over what its group changed, and that over the tree.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::{ChannelName, DirectoryName, Guid, MessageId};
use crate::domain::notice::Message;

use super::super::records::{
    Kind, LastNumber, NUMBERS, Numbers, Record, key, number_key, number_of, time_key,
};
use super::place::Move;
use super::rows::{Free, Rows};
use super::trouble::Trouble;

/// What a transaction changes: keys, and their new values; None: gone.
pub(in crate::store) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The transaction of one job.
pub(in crate::store) struct Tx<'a> {
    rows: &'a dyn Rows,
    /// How far the clock that callers go by is before that of the store; zero, unless several nodes share it.
    pub(in crate::store) ahead: TimeDelta,
    /// What it comes to.
    pub(in crate::store) effect: Effect,
}

/// A row, before a transaction and after it.
pub(in crate::store) struct Changed {
    pub(in crate::store) key: Vec<u8>,
    pub(in crate::store) before: Option<Vec<u8>>,
    pub(in crate::store) after: Option<Vec<u8>>,
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub(in crate::store) struct Effect {
    /// Rows.
    pub(in crate::store) changes: Changes,
    /// Messages.
    pub(in crate::store) moves: Vec<Move>,
    /// The last numbers handed out.
    pub(in crate::store) numbers: [u64; NUMBERS],
    /// The latest time it speaks of.
    pub(in crate::store) as_of: Option<DateTime<Utc>>,
    /// It changes what can't be read again from a directory.
    pub(in crate::store) precious: bool,
}

impl<'a> Tx<'a> {
    pub(in crate::store) fn new(rows: &'a dyn Rows, numbers: [u64; NUMBERS]) -> Self {
        Tx { rows, ahead: TimeDelta::zero(), effect: Effect { numbers, ..Effect::default() } }
    }

    /// A time of a caller, by the clock of the store: what is due is so for all who share it.
    pub(in crate::store) fn common(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at.checked_sub_signed(self.ahead).unwrap_or(at)
    }

    /// What is left of a limit per minute, if there is one here.
    pub(in crate::store) fn free(
        &self,
        channel: &ChannelName,
        per_minute: Option<u32>,
    ) -> Result<Option<Free>, Trouble> {
        self.rows.free(channel, per_minute)
    }

    /// Notes that so many messages of a channel are begun with.
    pub(in crate::store) fn book(&self, channel: &ChannelName, messages: usize) -> Result<(), Trouble> {
        self.rows.book(channel, messages)
    }

    /// Reads a record.
    pub(in crate::store) fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, Trouble> {
        match self.effect.changes.get(key) {
            Some(value) => value.as_deref().map(decode).transpose(),
            None => self.rows.get(key)?.as_deref().map(decode).transpose(),
        }
    }

    /// These will be read.
    pub(in crate::store) fn expect(&self, keys: Vec<Vec<u8>>) -> Result<(), Trouble> {
        self.rows.expect(keys)
    }

    /// Takes messages in hand until the end of the transaction, without waiting for anybody. Returns those that somebody else has in hand.
    pub(in crate::store) fn take(&self, keys: Vec<Vec<u8>>) -> Result<HashSet<Vec<u8>>, Trouble> {
        self.rows.take(keys)
    }

    /// The key of the record that holds an object.
    pub(in crate::store) fn object_key(&self, kind: Kind, id: Guid) -> Vec<u8> {
        key(kind, &self.rows.place_of(id))
    }

    /// What the transaction changes of a kind of records: each key with its bytes before and after.
    pub(in crate::store) fn changed(&self, kind: Kind) -> Result<Vec<Changed>, Trouble> {
        let keys = self.effect.changes.range(vec![kind as u8]..vec![kind as u8 + 1]);
        self.expect(keys.clone().map(|(key, _)| key.clone()).collect())?;
        let changed = keys.map(|(key, after)| {
            Ok(Changed { key: key.clone(), before: self.rows.get(key)?, after: after.clone() })
        });
        changed.filter(|changed| changed.as_ref().map_or(true, |c| c.before != c.after)).collect()
    }

    /// Whether there is a record.
    pub(in crate::store) fn has(&self, key: &[u8]) -> Result<bool, Trouble> {
        match self.effect.changes.get(key) {
            Some(value) => Ok(value.is_some()),
            None => self.rows.has(key),
        }
    }

    /// Writes a record.
    pub(in crate::store) fn put<R: Record>(&mut self, key: Vec<u8>, record: &R) -> Result<(), Trouble> {
        let bytes = record.encode().map_err(|e| Trouble::Io("written", e.to_string()))?;
        self.effect.changes.insert(key, Some(bytes));
        self.rows.breathe()
    }

    /// Removes a record.
    pub(in crate::store) fn delete(&mut self, key: Vec<u8>) {
        self.effect.changes.insert(key, None);
    }

    /// Writes a message, and sees to the queue.
    pub(in crate::store) fn put_message(
        &mut self,
        before: Option<&Message>,
        after: &Message,
    ) -> Result<(), Trouble> {
        self.effect.moves.push(Move::new(before, Some(after)));
        self.put(number_key(Kind::Message, after.id.0), after)
    }

    /// Removes a message, and sees to the queue.
    pub(in crate::store) fn delete_message(&mut self, message: &Message) {
        self.effect.moves.push(Move::new(Some(message), None));
        self.delete(number_key(Kind::Message, message.id.0));
    }

    /// The next number.
    pub(in crate::store) fn next(&mut self, of: Numbers) -> Result<u64, Trouble> {
        if let Some(number) = self.rows.next(of)? {
            return Ok(number);
        }
        #[expect(clippy::indexing_slicing, reason = "there are as many numbers as kinds of them")]
        let last = &mut self.effect.numbers[of as usize];
        *last += 1;
        let last = LastNumber(*last);
        self.put(key(Kind::Numbers, &[of as u8]), &last)?;
        Ok(last.0)
    }

    /// Messages of a channel that are due, the urgent first and of those the oldest, at most `max`.
    pub(in crate::store) fn due(
        &self,
        channel: &ChannelName,
        now: DateTime<Utc>,
        max: usize,
    ) -> Result<Vec<MessageId>, Trouble> {
        self.rows.due(channel, now, max)
    }

    /// Messages that are being sent by nobody any more, or, if `own`, by who asks.
    pub(in crate::store) fn sending(&self, own: bool) -> Result<Vec<MessageId>, Trouble> {
        self.rows.sending(own)
    }

    /// The keys that begin with `prefix`, without what this group changes.
    pub(in crate::store) fn stored_keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Trouble> {
        self.rows.keys(prefix)
    }

    /// The same for several.
    pub(in crate::store) fn stored_keys_of(&self, prefixes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Trouble> {
        self.rows.keys_of(prefixes)
    }

    /// Which of these notices, whose messages have these numbers, have any of them left, without what this transaction changes.
    pub(in crate::store) fn told(&self, notices: &[(u64, Range<u64>)]) -> Result<HashSet<u64>, Trouble> {
        self.rows.told(notices)
    }

    /// The next numbers after `after` that there are records of, without what this group changes; those of `before` and later may be
    /// left out.
    pub(in crate::store) fn stored_numbers(
        &self,
        kind: Kind,
        after: u64,
        before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<u64>, Trouble> {
        self.rows.numbers(kind, after, before, limit)
    }

    /// The first keys of a kind from `first` on, without what this group changes.
    pub(in crate::store) fn stored_from(
        &self,
        kind: Kind,
        first: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        self.rows.between(first, &[kind as u8 + 1], limit)
    }

    /// The first keys of a kind whose keys are times, of those from before a time, without what this group changes.
    pub(in crate::store) fn stored_before(
        &self,
        kind: Kind,
        before_ms: i64,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, Trouble> {
        self.rows.between(&time_key(kind, i64::MIN, 0), &time_key(kind, before_ms, 0), limit)
    }

    /// The first run after `after` that can be undone, without what this group changes.
    pub(in crate::store) fn stored_run_with_steps(&self, after: u64) -> Result<Option<u64>, Trouble> {
        let first = number_key(Kind::RunSteps, after.saturating_add(1));
        let keys = self.rows.between(&first, &number_key(Kind::RunSteps, u64::MAX), 1)?;
        Ok(keys.first().and_then(|key| number_of(key.get(..9)?)))
    }

    /// The last run of a directory, without what this group changes.
    pub(in crate::store) fn stored_last_run(
        &self,
        directory: &DirectoryName,
    ) -> Result<Option<u64>, Trouble> {
        self.rows.last_run(directory)
    }

    /// Notes a time that the transaction speaks of.
    pub(in crate::store) fn speaks_of(&mut self, at: DateTime<Utc>) {
        self.effect.as_of = self.effect.as_of.max(Some(at));
    }
}

impl Effect {
    /// Takes in what a later transaction of the same group changes.
    pub(in crate::store) fn take_in(&mut self, later: Effect) {
        self.changes.extend(later.changes);
        self.moves.extend(later.moves);
        self.numbers = later.numbers;
        self.as_of = self.as_of.max(later.as_of);
        self.precious |= later.precious;
    }
}

/// Reads a record. One that is whole but says nothing to us is of a newer version; damage is found by digest.
pub(in crate::store) fn decode<R: Record>(bytes: &[u8]) -> Result<R, Trouble> {
    Ok(R::decode(bytes)?)
}
