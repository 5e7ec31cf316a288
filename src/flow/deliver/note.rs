//! What came of messages, as it is noted.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use super::super::core::Core;
use crate::store::{Attempt, StoreError};

/// Notes what came of some messages. A store that can't be written for a moment is asked again: what was sent and isn't noted comes twice.
pub(super) async fn note(core: &Core, group: Vec<Attempt>) -> Result<(), StoreError> {
    let retries = ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_max_times(6);
    (|| core.store.record_attempts(group.clone())).retry(retries).await
}

/// A server chooses the length of its words; the log of a message keeps the first thousand characters.
pub(super) fn clip(text: String) -> Box<str> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1_000).collect::<String>().into()
}
