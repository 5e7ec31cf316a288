//! What was claimed before a later word on the same outage came isn't sent after that.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::super::core::Core;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{Facts, Message, MessageState, Notice};
use crate::store::{Listed, MessageFilter, StoreError};

/// Of so many notices it is kept who got a later word.
const KEPT: usize = 16;
/// Of an outage that isn't among those that are open it is looked again after so long: it may be over, or so new that it isn't shown yet.
const AGAIN: TimeDelta = TimeDelta::seconds(1);

/// Who got a word that takes the place of a notice, by notice.
#[derive(Default)]
pub(super) struct Later(Mutex<HashMap<NoticeId, Known>>);

struct Known {
    /// How many words there were then; None: the outage wasn't open.
    words: Option<usize>,
    at: DateTime<Utc>,
    /// From when on they are told, by [`Recipient::key`](crate::domain::notice::Recipient::key).
    told: HashMap<String, DateTime<Utc>>,
}

impl Later {
    /// Why a message isn't to be sent any more: whoever gets it gets a later word that takes its place. The store is asked only when there is another
    /// word than that of the notice, and once for all messages of this: what is up to date costs a look at what is held in memory.
    pub(super) async fn replaces(
        &self,
        core: &Core,
        message: &Message,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let Facts::OutageWord(word) = &notice.facts else { return None };
        let said = word.updates.len().saturating_add(usize::try_from(word.earlier).unwrap_or(usize::MAX));
        let words = core.view().outages.get(&word.id).map(|outage| outage.updates.len());
        if word.state.is_end() || words.is_some_and(|words| words <= said) {
            return None;
        }
        // One reads it for all: the others wait for that.
        let mut all = self.0.lock().await;
        let is_fresh = |known: &Known| known.words == words && (words.is_some() || now - known.at < AGAIN);
        if !all.get(&notice.id).is_some_and(is_fresh) {
            let told = match Box::pin(told_later(core, notice)).await {
                Ok(told) => told,
                Err(error) => {
                    // It is true as of its time, and nothing that isn't is held up by it.
                    tracing::warn!(notice = notice.id.0, "Whether a later word came can't be told: {error}");
                    return None;
                }
            };
            if all.len() >= KEPT {
                all.clear();
            }
            all.insert(notice.id, Known { words, at: now, told });
        }
        let known = all.get(&notice.id)?;
        // Until the later word may leave, the earlier one is news.
        let replaced = known.told.get(&message.recipient.key()).is_some_and(|from| *from <= now);
        replaced.then(|| "a later word on the same took its place".to_owned())
    }
}

/// Those for whom a later word takes the place of this, and from when on it may leave.
async fn told_later(core: &Core, notice: &Notice) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
    let mut told = HashMap::new();
    for id in core.store.thread(&notice.thread).await?.into_iter().filter(|id| *id > notice.id) {
        let filter = MessageFilter { notice: Some(id), limit: usize::MAX, ..MessageFilter::default() };
        for Listed { message, notice: later } in core.store.messages(filter).await? {
            let (Facts::OutageWord(before), Facts::OutageWord(word)) = (&notice.facts, &later.facts) else {
                break;
            };
            if message.state == MessageState::Cancelled || !word.takes_the_place_of(before) {
                continue;
            }
            let from = if message.state == MessageState::Queued { message.due } else { message.at };
            let known = told.entry(message.recipient.key()).or_insert(from);
            *known = from.min(*known);
        }
    }
    Ok(told)
}
