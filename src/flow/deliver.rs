//! Send what is due in the outbox, and note what the other side answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
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

    /// Who writes what it sends.
    pub fn composer(&self) -> &Composer {
        &self.composer
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
            let sent = self.send_all(core, claimed, stop, &moved).await?;
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

    /// Sends a batch over all connections. The results are noted in groups, whatever has come in meanwhile: no connection waits for that.
    async fn send_all(
        &self,
        core: &Core,
        claimed: Vec<Claimed>,
        stop: &CancellationToken,
        moved: &(impl Fn() + Sync),
    ) -> Result<Sent, StoreError> {
        let settings = core.settings();
        let claimed_at = core.now();
        let (done, mut results) = mpsc::unbounded_channel();
        let sending = async move {
            let mut attempts = stream::iter(claimed)
                .map(|claimed| self.send(core, &settings.retry, claimed, claimed_at, stop))
                .buffer_unordered(settings.connections.max(1));
            while let Some(attempt) = attempts.next().await {
                moved();
                // The other half lives as long as this one.
                let _ = done.send(attempt);
            }
        };
        let noting = async {
            let mut total = Sent::default();
            let mut group = Vec::new();
            let mut result = Ok(());
            while results.recv_many(&mut group, BATCH.1).await > 0 {
                let group = std::mem::take(&mut group);
                let count = |state| group.iter().filter(|a| a.state == state).count();
                let (sent, deferred) = (count(MessageState::Sent), count(MessageState::Deferred));
                let failed = group.len() - sent - deferred;
                match note(core, group).await {
                    Ok(()) => {
                        total.sent += sent;
                        total.deferred += deferred;
                        total.failed += failed;
                    }
                    // The others are finished all the same: what was sent must be noted where it can be.
                    Err(error) => result = Err(error),
                }
            }
            result.map(|()| total)
        };
        let ((), noted) = tokio::join!(sending, noting);
        noted
    }

    /// Tries one message, unless it has waited too long for its turn or the daemon is to stop.
    async fn send(
        &self,
        core: &Core,
        retry: &Backoff,
        claimed: Claimed,
        claimed_at: DateTime<Utc>,
        stop: &CancellationToken,
    ) -> Attempt {
        let Claimed { message, notice } = claimed;
        let now = core.now();
        let attempt = |at, state, answer: String, due| {
            let (message, number) = (message.id, message.attempts);
            Attempt { message, number, at, state, answer: clip(answer), due }
        };
        if stop.is_cancelled() || now - claimed_at > WAITS {
            let reason = "it had no turn before the daemon stopped, or for too long".to_owned();
            return attempt(now, MessageState::Deferred, reason, Some(now));
        }
        if let Some(pause) = self.pause(now) {
            return attempt(now, MessageState::Deferred, pause.reason.into(), Some(pause.until));
        }
        let mail =
            match self.composer.compose(&notice, &message, core.locale_of(&message.recipient), core.instance)
            {
                Ok(mail) => mail,
                Err(error) => {
                    let (message, notice) = (message.id.0, notice.id.0);
                    tracing::error!(message, notice, "A message can't be written: {error}");
                    return attempt(now, MessageState::Failed, error.to_string(), None);
                }
            };
        let outcome = self.channel.send(&mail.envelope, &mail.bytes, now).await;
        let now = core.now();
        match outcome {
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
        }
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

/// Notes what came of some messages. A store that can't be written for a moment is asked again: what was sent and isn't noted comes twice.
async fn note(core: &Core, group: Vec<Attempt>) -> Result<(), StoreError> {
    let retries = ExponentialBuilder::default().with_min_delay(Duration::from_millis(500)).with_max_times(6);
    (|| core.store.record_attempts(group.clone())).retry(retries).await
}

/// A server chooses the length of its words; the log of a message keeps the first thousand characters.
fn clip(text: String) -> Box<str> {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1_000).collect::<String>().into()
}
