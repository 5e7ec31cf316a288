//! What a job reads: what its group changed, over the tree.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::ids::{ChannelName, DirectoryName, Guid, MessageId};

use super::super::jobs::rows::Rows;
use super::super::jobs::trouble::Trouble;
use super::super::jobs::tx::Changes;
use super::super::records::{Kind, bucket, number_key, number_of, runs_of};
use super::engine::Engine;
use super::queue::Queue;

/// So many expired messages, at most, are dealt with in one claim beyond those that are claimed.
const EXPIRED_MAX: usize = 1000;

/// The rows below the transaction of one job.
pub(super) struct SledRows<'a> {
    pub(super) engine: &'a Engine,
    /// What those before it in its group change.
    pub(super) group: &'a Changes,
    pub(super) queue: &'a Mutex<Queue>,
}

impl Rows for SledRows<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Trouble> {
        match self.group.get(key) {
            Some(value) => Ok(value.clone()),
            None => Ok(self.engine.view().get(key)?.map(|value| value.to_vec())),
        }
    }

    fn place_of(&self, id: Guid) -> Vec<u8> {
        bucket(id).to_vec()
    }

    fn due(&self, channel: &ChannelName, now: DateTime<Utc>, max: usize) -> Result<Vec<MessageId>, Trouble> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(queue.due(channel, now).take(max.saturating_add(EXPIRED_MAX)).collect())
    }

    // Nobody but this process sends, and it has just begun.
    fn sending(&self, _own: bool) -> Result<Vec<MessageId>, Trouble> {
        Ok(self.queue.lock().unwrap_or_else(PoisonError::into_inner).sending().collect())
    }

    fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Trouble> {
        self.engine.view().keys(prefix).map(|key| Ok(key?.to_vec())).collect()
    }

    fn numbers(
        &self,
        kind: Kind,
        after: u64,
        _before: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<u64>, Trouble> {
        let view = self.engine.view();
        let keys = view.keys_between(&number_key(kind, after.saturating_add(1)), &number_key(kind, u64::MAX));
        keys.take(limit).map(|key| Ok(number_of(&key?).unwrap_or_default())).collect()
    }

    fn between(&self, first: &[u8], end: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Trouble> {
        let view = self.engine.view();
        view.keys_between(first, end).take(limit).map(|key| Ok(key?.to_vec())).collect()
    }

    fn last_run(&self, directory: &DirectoryName) -> Result<Option<u64>, Trouble> {
        let key = self.engine.view().keys(&runs_of(directory)).next_back().transpose()?;
        Ok(key.and_then(|key| number_of(&key)))
    }
}
