//! Send what is due in the outbox, and note what the other side answered. Each channel has a sender of its own, which waits for no other.

mod note;
mod pace;
mod rests;
mod returns;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{BoxFuture, FutureExt, poll_fn};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use self::note::{clip, note};
use self::pace::Pace;
use self::rests::{Rests, destination};
use super::climb;
use super::core::Core;
use super::links;
use crate::channel::message::Composer;
use crate::channel::{Channel, Outcome};
use crate::domain::backoff::Backoff;
use crate::domain::bounce::ReturnPath;
use crate::domain::delivery::Condition;
use crate::domain::ids::{ChannelName, MessageId};
use crate::domain::notice::{Message, MessageState, Notice};
use crate::store::{Attempt, Claimed, Life, StoreError};

/// A claimed message that waits longer than this for its turn is left for another claim.
const WAITS: TimeDelta = TimeDelta::minutes(5);
/// How long a message is ours alone: as long as it may wait, and then more than any try to send takes
/// ([`crate::channel::TimeLimits::longest_try`], by default a quarter of an hour; the configuration allows an hour).
const CLAIM: TimeDelta = TimeDelta::minutes(5 + 75);
/// The number of messages claimed at once to begin with; the largest is [`Store::claims_at_once`](crate::store::Store::claims_at_once).
const BATCH: usize = 32;
/// A batch that was begun with in less than this was too small, one that took longer too large: what is more urgent waits for it.
const BATCH_TIME: TimeDelta = TimeDelta::seconds(1);
/// Whoever waits for something to do looks around at least so often.
const LOOK: TimeDelta = TimeDelta::seconds(60);
/// Nobody is left alone for longer than this because the other side asks for it.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// A node that the others don't count on looks so soon whether they do again.
const COUNTED_ON: TimeDelta = TimeDelta::seconds(2);
/// So many messages that found the channel broken are remembered.
const SUSPECTS: usize = 10_000;

/// A channel that doesn't work for anybody, and so isn't tried for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// When it is tried again.
    pub until: DateTime<Utc>,
    /// What is wrong with it.
    pub reason: Box<str>,
    /// How often in a row it was found broken.
    pub failures: u32,
    /// Since when it is.
    pub since: DateTime<Utc>,
}

/// How a channel may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// How many messages are on their way at once, at least 1.
    pub connections: usize,
    /// How many are begun with within any minute; None: as many as go.
    pub per_minute: Option<u32>,
    /// The pauses between tries.
    pub retry: Backoff,
}

impl Default for Terms {
    fn default() -> Terms {
        let retry = Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(1) };
        Terms { connections: 1, per_minute: None, retry }
    }
}

/// Sends over one channel.
pub struct Sender {
    name: ChannelName,
    channel: Channel,
    composer: Composer,
    return_path: ReturnPath,
    terms: Terms,
    state: Mutex<State>,
    batch: AtomicUsize,
    /// How many messages are under way.
    flying: AtomicUsize,
    /// Woken when one of them has come to something.
    landed: Notify,
    /// Another one sends instead.
    retired: CancellationToken,
    /// Woken when something may have to be sent.
    pub(crate) wake: Notify,
}

/// Waits until a time, or until something may have to be sent.
pub type Idle = dyn Fn(DateTime<Utc>) -> BoxFuture<'static, ()> + Sync;

/// When messages were claimed, and in which life of this node.
#[derive(Clone, Copy)]
struct Taken {
    at: DateTime<Utc>,
    life: Life,
}

/// Claimed messages that wait for their turn.
type Waiting = VecDeque<(Claimed, Taken)>;

/// What was met lately.
#[derive(Default)]
struct State {
    pause: Option<Pause>,
    /// When something was last accepted.
    worked: Option<DateTime<Utc>>,
    /// The messages that found the channel broken. When others were accepted since, it is the message that is at fault.
    suspects: HashSet<MessageId>,
    rests: Rests,
    pace: Pace,
    /// Nothing is claimed before, though it may be due: other nodes have used up the limit, or don't count on this one.
    held_up: Option<DateTime<Utc>>,
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
    /// Sends over `channel`, which is called `name`, what `composer` writes.
    pub fn new(name: ChannelName, channel: Channel, composer: Composer, terms: Terms) -> Sender {
        let (batch, flying) = (AtomicUsize::new(BATCH), AtomicUsize::new(0));
        let (landed, wake, retired) = (Notify::new(), Notify::new(), CancellationToken::new());
        Sender {
            name,
            channel,
            composer,
            return_path: ReturnPath::default(),
            terms,
            state: Mutex::default(),
            batch,
            flying,
            landed,
            retired,
            wake,
        }
    }

    /// The same, to whom what can't be delivered comes back by another way than to whom it is from.
    #[must_use]
    pub fn returning(self, return_path: ReturnPath) -> Sender {
        Sender { return_path, ..self }
    }

    /// What the channel is called.
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Who writes what it sends.
    pub fn composer(&self) -> &Composer {
        &self.composer
    }

    /// Begins with nothing more: another sender has taken over. What is under way is finished.
    pub fn retire(&self) {
        self.retired.cancel();
        self.wake.notify_one();
    }

    /// Why nothing is sent now, when the channel works for nobody, or its other end takes nothing.
    pub fn pause(&self, now: DateTime<Utc>) -> Option<Pause> {
        let state = self.lock();
        let rests = || {
            let failing = state.rests.whole()?;
            let (reason, failures) = (clip(failing.reason.clone()), failing.times);
            Some(Pause { until: failing.until?, reason, failures, since: failing.since })
        };
        state.pause.clone().filter(|p| now < p.until).or_else(rests).filter(|p| now < p.until)
    }

    /// When something may be sent again; None: now.
    pub fn resumes(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let state = self.lock();
        let pause = state.pause.as_ref().map(|p| p.until);
        let rest = state.rests.whole().and_then(|failing| failing.until);
        let pace = state.pace.next(self.terms.per_minute, now);
        [pause, rest, pace].into_iter().flatten().filter(|until| now < *until).max()
    }

    /// When it is worth a look again, though something may be due; None: now.
    pub fn looks_again(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let held_up = self.lock().held_up.filter(|until| now < *until);
        self.resumes(now).max(held_up)
    }

    /// How the channel is. One whose other end has been away for a while is as broken as one that refuses us.
    pub fn condition(&self) -> Condition {
        let state = self.lock();
        if let Some(away) = state.rests.whole().filter(|failing| failing.is_away())
            && state.pause.is_none()
        {
            return Condition::Broken { since: away.since, reason: clip(away.reason.clone()) };
        }
        match (&state.pause, state.worked) {
            (Some(pause), _) => Condition::Broken { since: pause.since, reason: pause.reason.clone() },
            (None, Some(at)) => Condition::Works { at },
            (None, None) => Condition::Unknown,
        }
    }

    /// Sends until nothing is due any more, the channel rests, `stop` is cancelled or another sender takes over; what is under way is always finished and noted.
    /// As long as something is, what becomes due meanwhile is sent beside it: `idle` waits until a time, or until something is put into
    /// the outbox. `moved` is called with every message that was tried.
    pub async fn drain(
        &self,
        core: &Core,
        stop: &CancellationToken,
        moved: &(dyn Fn() + Sync),
        idle: &Idle,
    ) -> Result<Sent, StoreError> {
        let (done, mut results) = mpsc::unbounded_channel();
        let sending = async move {
            let mut flights: FuturesUnordered<BoxFuture<'_, Attempt>> = FuturesUnordered::new();
            // It is never dropped half-way: what it has claimed would be lost for as long as the claim holds.
            let mut source = Some(self.next(core, stop, idle, VecDeque::new()).boxed());
            let mut ended = Ok(());
            let mut stopped = false;
            loop {
                // What is claimed and not begun with goes back at once when there is to be an end.
                let room = stopped || flights.len() < self.terms.connections.max(1);
                tokio::select! {
                    biased;
                    Some(attempt) = flights.next() => {
                        moved();
                        // The other half lives as long as this one.
                        let _ = done.send(attempt);
                    }
                    next = poll_fn(|cx| match &mut source {
                        Some(source) => source.poll_unpin(cx),
                        None => Poll::Pending,
                    }), if room && source.is_some() => {
                        source = match next {
                            Ok(Some((claimed, taken, waiting))) => {
                                flights.push(self.fly(core, claimed, taken, stop).boxed());
                                Some(self.next(core, stop, idle, waiting).boxed())
                            }
                            Ok(None) => None,
                            Err(error) => {
                                ended = Err(error);
                                None
                            }
                        };
                    }
                    () = self.stopped(stop), if !stopped && source.is_some() => stopped = true,
                    else => break,
                }
            }
            ended
        };
        // The results are noted in groups, whatever has come in meanwhile: no connection waits for that.
        let noting = async {
            let mut total = Sent::default();
            let mut group: Vec<Attempt> = Vec::new();
            let mut result = Ok(());
            // Each is noted in two rows.
            let most = (core.store.claims_at_once() / 2).max(1);
            while results.recv_many(&mut group, most).await > 0 {
                let group = std::mem::take(&mut group);
                let count = |state| group.iter().filter(|a| a.state == state).count();
                let (sent, untried) = (count(MessageState::Sent), count(MessageState::Queued));
                let deferred = count(MessageState::Deferred) + untried;
                let failed = group.len() - sent - deferred;
                match note(core, group).await {
                    Ok(()) => {
                        total.sent += sent;
                        total.deferred += deferred;
                        total.failed += failed;
                        if untried > 0 && self.retired.is_cancelled() {
                            // Whoever sends now looks for it.
                            core.outbox.notify_one();
                        }
                    }
                    // The others are finished all the same: what was sent must be noted where it can be.
                    Err(error) => result = Err(error),
                }
            }
            result.map(|()| total)
        };
        let (sent, noted): (Result<(), StoreError>, _) = tokio::join!(sending, noting);
        sent.and(noted)
    }

    /// The next message to send, when it was claimed, and those that were claimed with it; None when there is nothing to do and nothing
    /// under way.
    async fn next(
        &self,
        core: &Core,
        stop: &CancellationToken,
        idle: &Idle,
        mut waiting: Waiting,
    ) -> Result<Option<(Claimed, Taken, Waiting)>, StoreError> {
        loop {
            if let Some((claimed, taken)) = waiting.pop_front() {
                self.flying.fetch_add(1, Ordering::Relaxed);
                if waiting.is_empty() {
                    self.adapt(core.now() - taken.at, core.store.claims_at_once());
                }
                return Ok(Some((claimed, taken, waiting)));
            }
            if self.stops(stop) {
                return Ok(None);
            }
            let now = core.now();
            self.lock().held_up = None;
            let until = match (self.resumes(now), core.store.life()) {
                (Some(until), _) => until,
                // What it claimed now would be another's soon.
                (None, None) => self.held_up(now + COUNTED_ON),
                (None, Some(life)) => {
                    let batch = self.batch.load(Ordering::Relaxed);
                    let per_minute = self.terms.per_minute;
                    let max = batch.min(self.lock().pace.free(per_minute, now));
                    let (claimed, more_in) =
                        core.store.claim_within(&self.name, now, now + CLAIM, max, per_minute).await?;
                    if !claimed.is_empty() {
                        waiting.extend(claimed.into_iter().map(|claimed| (claimed, Taken { at: now, life })));
                        continue;
                    }
                    match more_in {
                        Some(more_in) => self.held_up(now + more_in),
                        None => core.store.next_due(&self.name).await?.unwrap_or(now + LOOK),
                    }
                }
            };
            if self.flying.load(Ordering::Relaxed) == 0 {
                return Ok(None);
            }
            tokio::select! {
                () = idle(until) => {}
                () = self.landed.notified() => {}
                () = self.stopped(stop) => {}
            }
        }
    }

    fn held_up(&self, until: DateTime<Utc>) -> DateTime<Utc> {
        self.lock().held_up = Some(until);
        until
    }

    /// Whether nothing more is begun with.
    fn stops(&self, stop: &CancellationToken) -> bool {
        stop.is_cancelled() || self.retired.is_cancelled()
    }

    async fn stopped(&self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.retired.cancelled() => {}
        }
    }

    /// The next batch is as large as can be begun with in about a second.
    fn adapt(&self, taken: TimeDelta, most: usize) {
        let batch = self.batch.load(Ordering::Relaxed);
        let next = if taken < BATCH_TIME { batch * 2 } else { batch / 2 };
        self.batch.store(next.clamp(self.terms.connections.clamp(1, BATCH), most), Ordering::Relaxed);
    }

    async fn fly(&self, core: &Core, claimed: Claimed, taken: Taken, stop: &CancellationToken) -> Attempt {
        let attempt = self.send(core, claimed, taken, stop).await;
        self.flying.fetch_sub(1, Ordering::Relaxed);
        self.landed.notify_one();
        attempt
    }

    /// Tries one message, unless it has waited too long for its turn, its destination rests, or the daemon is to stop.
    async fn send(&self, core: &Core, claimed: Claimed, taken: Taken, stop: &CancellationToken) -> Attempt {
        let Claimed { message, notice } = claimed;
        let now = core.now();
        let attempt = |at, state, answer: String, due| {
            let (message, number) = (message.id, message.attempts);
            Attempt { message, number, at, state, answer: clip(answer), due }
        };
        if self.stops(stop) || now - taken.at > WAITS || !core.store.holds_claims(taken.life) {
            let reason =
                "it had no turn before the daemon stopped or was reloaded, or for too long".to_owned();
            return attempt(now, MessageState::Queued, reason, Some(now));
        }
        if let Some((reason, until)) = self.rests(&message, now) {
            return attempt(now, MessageState::Queued, reason, Some(until));
        }
        let not_known = |error: StoreError| {
            let due = now + self.terms.retry.first;
            attempt(
                now,
                MessageState::Queued,
                format!("whether somebody has it can't be told: {error}"),
                Some(due),
            )
        };
        let idle = match climb::is_idle(core, &notice).await {
            Ok(idle) => idle,
            Err(error) => return not_known(error),
        };
        if idle {
            let reason = "somebody has taken it on, or it is over".to_owned();
            return attempt(now, MessageState::Cancelled, reason, None);
        }
        if let Some(answer) = returns::refused(core, &self.channel, &message, &notice, now) {
            return attempt(now, MessageState::Failed, answer, None);
        }
        let links = match links::of(core, &notice, &message).await {
            Ok(links) => links,
            Err(error) => return not_known(error),
        };
        self.lock().pace.note(self.terms.per_minute, now);
        let locale = core.locale_of(&message.recipient);
        let parcel =
            self.composer.parcel_with(&self.channel, &notice, &message, locale, core.instance, &links);
        let parcel =
            match parcel.and_then(|parcel| returns::stamp(core, &self.return_path, parcel, message.id)) {
                Ok(parcel) => parcel,
                Err(error) => {
                    let (message, notice) = (message.id.0, notice.id.0);
                    tracing::error!(message, notice, "A message can't be written: {error}");
                    return attempt(now, MessageState::Failed, error.to_string(), None);
                }
            };
        let outcome = self.channel.hand_over(&parcel, now).await;
        let now = core.now();
        let (state, answer, due) = self.judge(outcome, &message, &notice, now);
        attempt(now, state, answer, due)
    }

    /// What an outcome means for the message, and for what is sent after it.
    fn judge(
        &self,
        outcome: Outcome,
        message: &Message,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> (MessageState, String, Option<DateTime<Utc>>) {
        let (id, retry) = (message.id.0, &self.terms.retry);
        match outcome {
            Outcome::Accepted { answer } => {
                self.works(message, now);
                (MessageState::Sent, answer, None)
            }
            Outcome::Deferred { reason, whole, retry_after, .. } => {
                let asked = retry_after.map(|asked| asked.min(LONGEST_ASKED));
                let asked = asked.and_then(|asked| TimeDelta::from_std(asked).ok()).map(|asked| now + asked);
                let key = if whole { Rests::WHOLE.to_owned() } else { destination(message) };
                let chance = rand::random();
                let rest = self.lock().rests.failed(&key, &reason, asked, retry, now, chance);
                if let Some(until) = rest {
                    let what = if key.is_empty() { "The channel" } else { "A destination of the channel" };
                    tracing::warn!(channel = %self.name, %until, "{what} isn't tried for a while: {reason}");
                }
                let due = now + retry.delay(message.attempts, rand::random());
                tracing::warn!(message = id, attempts = message.attempts, "A message is deferred: {reason}");
                // Those that wait only for the other side's sake go before the one that it wasn't there for.
                let asked = asked.map_or(due, |asked| asked + TimeDelta::seconds(1));
                (MessageState::Deferred, reason, Some(due.max(asked)))
            }
            Outcome::Refused { answer } => {
                let notice = notice.id.0;
                tracing::error!(message = id, notice, "A message was refused for good: {answer}");
                // Whoever refuses one message is there for the others.
                self.lock().rests.worked(&destination(message));
                (MessageState::Failed, answer, None)
            }
            Outcome::ChannelBroken { reason } => {
                let due = match self.broken(message.id, &reason, now) {
                    // Another one finds out whether it works again: it may be this message that doesn't.
                    Some(until) => until + retry.first,
                    None => now + retry.delay(message.attempts, rand::random()),
                };
                (MessageState::Deferred, reason, Some(due))
            }
        }
    }

    /// Why a message isn't tried now, and when it is.
    fn rests(&self, message: &Message, now: DateTime<Utc>) -> Option<(String, DateTime<Utc>)> {
        let state = self.lock();
        let pause = state.pause.as_ref().filter(|p| now < p.until).map(|p| (p.reason.to_string(), p.until));
        pause.or_else(|| state.rests.until(&destination(message), now))
    }

    fn works(&self, message: &Message, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.worked = Some(now);
        state.suspects.remove(&message.id);
        state.rests.worked(&destination(message));
        if state.pause.take().is_some() {
            tracing::info!(channel = %self.name, "The channel works again");
        }
    }

    /// Pauses the channel, longer each time; once for all who find it broken at the same time. None: it isn't the channel, since others were
    /// accepted after `message` had found it broken before.
    fn broken(&self, message: MessageId, reason: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut state = self.lock();
        if state.suspects.len() >= SUSPECTS {
            state.suspects.clear();
        }
        let is_known = !state.suspects.insert(message);
        if is_known && state.pause.is_none() {
            tracing::warn!(message = message.0, channel = %self.name, "A message is deferred, as the channel works for others: {reason}");
            return None;
        }
        if let Some(known) = state.pause.as_ref().filter(|p| now < p.until) {
            return Some(known.until);
        }
        let failures = state.pause.as_ref().map_or(0, |p| p.failures) + 1;
        let since = state.pause.as_ref().map_or(now, |p| p.since);
        let until = now + self.terms.retry.delay(failures, rand::random());
        tracing::error!(channel = %self.name, %until, failures, "The channel is broken for everybody and pauses: {reason}");
        state.pause = Some(Pause { until, reason: clip(reason.to_owned()), failures, since });
        Some(until)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
