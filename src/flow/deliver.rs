//! Send what is due in the outbox, and note what the other side answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::core::Core;
use crate::channel::message::Composer;
use crate::channel::{Channel, Outcome};
use crate::domain::backoff::Backoff;
use crate::domain::notice::MessageState;
use crate::store::{Attempt, Claimed, StoreError};

/// A claimed message that waits longer than this for its turn is left for another claim.
const WAITS: TimeDelta = TimeDelta::minutes(5);
/// How long a message is ours alone: as long as it may wait, and then more than any try to send takes
/// ([`crate::channel::TimeLimits::longest_try`], by default a quarter of an hour; the configuration allows an hour).
const CLAIM: TimeDelta = TimeDelta::minutes(5 + 75);
/// The smallest and the largest number of messages claimed at once.
const BATCH: (usize, usize) = (32, 1024);
/// A batch that took less than this was too small, one that took longer too large.
const BATCH_TIME: TimeDelta = TimeDelta::seconds(1);

/// A channel that doesn't work for anybody, and so isn't tried for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// When it is tried again.
    pub until: DateTime<Utc>,
    /// What is wrong with it.
    pub reason: Box<str>,
    /// How often in a row it was found broken.
    pub failures: u32,
}

/// Sends over one channel.
pub struct Sender {
    channel: Channel,
    composer: Composer,
    pause: Mutex<Option<Pause>>,
    batch: AtomicUsize,
}

/// What a round of sending came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sent {
    /// Messages that the other side took.
    pub sent: usize,
    /// Messages that will be tried again.
    pub deferred: usize,
    /// Messages that will never be accepted.
    pub failed: usize,
}

impl Sender {
    /// Sends over `channel` what `composer` writes.
    pub fn new(channel: Channel, composer: Composer) -> Sender {
        Sender { channel, composer, pause: Mutex::new(None), batch: AtomicUsize::new(BATCH.0) }
    }

    /// Why nothing is sent now, when nothing is.
    pub fn pause(&self, now: DateTime<Utc>) -> Option<Pause> {
        self.lock().clone().filter(|p| now < p.until)
    }

    /// Sends until nothing is due any more, the channel is broken, or `stop` is cancelled; what is under way is always finished and
    /// noted. `moved` is called with every message that was tried.
    pub async fn drain(
        &self,
        core: &Core,
        stop: &CancellationToken,
        moved: impl Fn() + Sync,
    ) -> Result<Sent, StoreError> {
        let mut total = Sent::default();
        while !stop.is_cancelled() && self.pause(core.now()).is_none() {
            let started = core.now();
            let batch = self.batch.load(Ordering::Relaxed);
            let claimed = core.store.claim_due(started, started + CLAIM, batch).await?;
            if claimed.is_empty() {
                break;
            }
            let full = claimed.len() == batch;
            let sent = self.send_all(core, claimed, &moved).await?;
            total = Sent {
                sent: total.sent + sent.sent,
                deferred: total.deferred + sent.deferred,
                failed: total.failed + sent.failed,
            };
            if full {
                let next = if core.now() - started < BATCH_TIME { batch * 2 } else { batch / 2 };
                self.batch.store(next.clamp(BATCH.0, BATCH.1), Ordering::Relaxed);
            }
        }
        Ok(total)
    }

    /// Sends a batch over all connections; the results are noted in groups while the rest is still being sent.
    async fn send_all(
        &self,
        core: &Core,
        claimed: Vec<Claimed>,
        moved: &(impl Fn() + Sync),
    ) -> Result<Sent, StoreError> {
        let settings = core.settings();
        let claimed_at = core.now();
        let attempts = stream::iter(claimed)
            .map(|claimed| self.send(core, &settings.retry, claimed, claimed_at))
            .buffer_unordered(settings.connections.max(1))
            .inspect(|_| moved())
            .filter_map(|attempt| async move { attempt })
            .ready_chunks(BATCH.1);
        let counted = attempts.map(|group| async move {
            let count = |state| group.iter().filter(|a| a.state == state).count();
            let (sent, deferred) = (count(MessageState::Sent), count(MessageState::Deferred));
            let failed = group.len() - sent - deferred;
            core.store.record_attempts(group).await.map(|()| Sent { sent, deferred, failed })
        });
        let mut total = Sent::default();
        // Noting one group mustn't hold up the sending of the next: a few may be under way.
        let mut noted = std::pin::pin!(counted.buffer_unordered(4));
        let mut result = Ok(());
        while let Some(group) = noted.next().await {
            match group {
                Ok(sent) => {
                    total.sent += sent.sent;
                    total.deferred += sent.deferred;
                    total.failed += sent.failed;
                }
                // The others are finished all the same: what was sent must be noted where it can be.
                Err(error) => result = Err(error),
            }
        }
        result.map(|()| total)
    }

    /// Tries one message. None: it was not tried, and its claim runs out.
    async fn send(
        &self,
        core: &Core,
        retry: &Backoff,
        claimed: Claimed,
        claimed_at: DateTime<Utc>,
    ) -> Option<Attempt> {
        let Claimed { message, notice } = claimed;
        let now = core.now();
        if now - claimed_at > WAITS {
            return None;
        }
        let attempt = |at, state, answer: String, due| {
            let (message, number) = (message.id, message.attempts);
            Attempt { message, number, at, state, answer: clip(answer), due }
        };
        if let Some(pause) = self.pause(now) {
            return Some(attempt(now, MessageState::Deferred, pause.reason.into(), Some(pause.until)));
        }
        let mail = match self.composer.compose(&notice, &message, core.instance) {
            Ok(mail) => mail,
            Err(error) => {
                tracing::error!(
                    message = message.id.0,
                    notice = notice.id.0,
                    "A message can't be written: {error}"
                );
                return Some(attempt(now, MessageState::Failed, error.to_string(), None));
            }
        };
        let outcome = self.channel.send(&mail.envelope, &mail.bytes, now).await;
        let now = core.now();
        Some(match outcome {
            Outcome::Accepted { answer } => {
                self.works();
                attempt(now, MessageState::Sent, answer, None)
            }
            Outcome::Deferred { reason, .. } => {
                let due = now + retry.delay(message.attempts, rand::random());
                tracing::warn!(
                    message = message.id.0,
                    attempts = message.attempts,
                    "A message is deferred: {reason}"
                );
                attempt(now, MessageState::Deferred, reason, Some(due))
            }
            Outcome::Refused { answer } => {
                tracing::error!(
                    message = message.id.0,
                    notice = notice.id.0,
                    "A message was refused for good: {answer}"
                );
                attempt(now, MessageState::Failed, answer, None)
            }
            Outcome::ChannelBroken { reason } => {
                let until = self.broken(&reason, retry, now);
                attempt(now, MessageState::Deferred, reason, Some(until))
            }
        })
    }

    fn works(&self) {
        let mut pause = self.lock();
        if pause.take().is_some() {
            tracing::info!("The mail channel works again");
        }
    }

    /// Pauses the channel, longer each time; once for all who find it broken at the same time.
    fn broken(&self, reason: &str, retry: &Backoff, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut pause = self.lock();
        if let Some(known) = pause.as_ref().filter(|p| now < p.until) {
            return known.until;
        }
        let failures = pause.as_ref().map_or(0, |p| p.failures) + 1;
        let until = now + retry.delay(failures, rand::random());
        tracing::error!(%until, failures, "The mail channel is broken for everybody and pauses: {reason}");
        *pause = Some(Pause { until, reason: clip(reason.to_owned()), failures });
        until
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A server chooses the length of its words; the log of a message keeps the first thousand characters.
fn clip(text: String) -> Box<str> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1_000).collect::<String>().into()
}
