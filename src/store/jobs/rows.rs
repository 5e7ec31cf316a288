//! What a job reads, as a backend has it: what is committed, and what the group of the job has changed already.

use std::collections::HashSet;
use std::future::Future;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::{ChannelName, DirectoryName, Guid, MessageId};

use super::super::error::StoreError;
use super::super::records::{Kind, Numbers, number_key};
use super::trouble::{Fault, Trouble};
use super::tx::Tx;

/// The rows below a transaction in the making.
pub(in crate::store) trait Rows {
    /// One record's bytes.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Trouble>;

    /// Whether there is a record.
    fn has(&self, key: &[u8]) -> Result<bool, Trouble> {
        Ok(self.get(key)?.is_some())
    }

    /// A job that reckons for long says so now and then: a database takes silence for death.
    fn breathe(&self) -> Result<(), Trouble> {
        Ok(())
    }

    /// These will be asked for: where a question takes a journey, one serves for all.
    fn expect(&self, keys: Vec<Vec<u8>>) -> Result<(), Trouble> {
        drop(keys);
        Ok(())
    }

    /// Takes messages in hand until the end of the transaction, without waiting for anybody. Returns those that somebody else has in hand.
    fn take(&self, keys: Vec<Vec<u8>>) -> Result<HashSet<Vec<u8>>, Trouble> {
        drop(keys);
        Ok(HashSet::new())
    }

    /// What the key of the record ends in that holds an object.
    fn place_of(&self, id: Guid) -> Vec<u8>;

    /// A number that this backend hands out by itself; None: those of the transaction count.
    fn next(&self, of: Numbers) -> Result<Option<u64>, Trouble> {
        let _ = of;
        Ok(None)
    }

    /// Messages of a channel that are due, the urgent first and of those the oldest, at most `max`, and some more that may have expired; without
    /// those that somebody else has in hand.
    fn due(&self, channel: &ChannelName, now: DateTime<Utc>, max: usize) -> Result<Vec<MessageId>, Trouble>;

    /// How many messages of a channel may be begun with now, when all who share the store begin with at most `per_minute` within any minute; nobody else
    /// books any until the end of the transaction. None: there is no limit here.
    fn free(&self, channel: &ChannelName, per_minute: Option<u32>) -> Result<Option<Free>, Trouble> {
        let _ = (channel, per_minute);
        Ok(None)
    }

    /// Notes that so many messages of a channel are begun with.
    fn book(&self, channel: &ChannelName, messages: usize) -> Result<(), Trouble> {
        let _ = (channel, messages);
        Ok(())
    }

    /// Messages that are being sent by nobody any more, or, if `own`, by who asks.
    fn sending(&self, own: bool) -> Result<Vec<MessageId>, Trouble>;

    /// The keys that begin with `prefix`.
    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Trouble>;

    /// The keys that begin with one of `prefixes`.
    fn keys_of(&self, prefixes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Trouble> {
        let mut keys = Vec::new();
        for prefix in prefixes {
            keys.extend(self.keys(prefix)?);
        }
        Ok(keys)
    }

    /// Which of these notices, whose messages have these numbers, have any of them left.
    fn told(&self, notices: &[(u64, Range<u64>)]) -> Result<HashSet<u64>, Trouble> {
        let mut told = HashSet::new();
        for (notice, messages) in notices {
            for number in messages.clone() {
                if self.has(&number_key(Kind::Message, number))? {
                    told.insert(*notice);
                    break;
                }
            }
        }
        Ok(told)
    }

    /// The next numbers after `after` that there are records of. Records of `before` and later may be left out.
    fn numbers(
        &self,
        kind: Kind,
        after: u64,
        before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<u64>, Trouble>;

    /// The first keys of a kind from `first` up to, but without, `end`.
    fn between(&self, first: &[u8], end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Trouble>;

    /// The last run of a directory.
    fn last_run(&self, directory: &DirectoryName) -> Result<Option<u64>, Trouble>;
}

/// What is left of a limit per minute.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Free {
    /// So many may be begun with now.
    pub(in crate::store) messages: usize,
    /// How long it is until there are more.
    pub(in crate::store) more_in: TimeDelta,
}

/// A backend that carries out jobs.
pub(in crate::store) trait Write {
    /// Carries out `job` and returns when what it changed is durable. It may be begun several times.
    fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;
}
