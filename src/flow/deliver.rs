//! Send what is due in the outbox, and note what the other side answered. Each channel has a sender of its own, which waits for no other.

mod judge;
mod later;
mod note;
mod pace;
mod rests;
mod returns;
mod send;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{BoxFuture, FutureExt, poll_fn};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use self::later::Later;
use self::note::note;
use self::pace::Pace;
use self::rests::{PROBE, Rests};
use self::tally::Tally;
use super::core::Core;
use crate::channel::Channel;
use crate::channel::message::Composer;
use crate::domain::backoff::Backoff;
use crate::domain::bounce::ReturnPath;
use crate::domain::ids::ChannelName;
use crate::domain::notice::{MessageState, Priority};
use crate::store::{Attempt, Claimed, Life, StoreError};

/// How long a message is ours alone: as long as it may wait, and then more than any try to send takes
/// ([`crate::channel::TimeLimits::longest_try`], by default a quarter of an hour; the configuration allows an hour).
const CLAIM: TimeDelta = TimeDelta::minutes(send::WAITS.num_minutes() + 75);
/// The number of messages claimed at once to begin with; the largest is [`Store::claims_at_once`](crate::store::Store::claims_at_once).
const BATCH: usize = 32;
/// A batch that was begun with in less than this was too small, one that took longer too large: what is more urgent waits for it.
const BATCH_TIME: TimeDelta = TimeDelta::seconds(1);
/// So many results, or those of such a moment, are noted with one sync of the disk. What is noted later than it was sent comes twice when the power goes in between:
/// it is a matter of a few messages.
const TOGETHER: usize = 16;
const MOMENT: Duration = Duration::from_millis(1);
/// Whoever waits for something to do looks around at least so often.
const LOOK: TimeDelta = TimeDelta::seconds(60);
/// What another node had in hand for a moment is looked for so soon again.
const BUSY: TimeDelta = TimeDelta::milliseconds(100);
/// A node that the others don't count on looks so soon whether they do again.
const COUNTED_ON: TimeDelta = TimeDelta::seconds(2);
/// A batch that has been worked off for so long is slow: what is more urgent than the rest of it doesn't wait for its end, and is looked for so often.
const SLOW: TimeDelta = TimeDelta::seconds(2);

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
    channel: Arc<Channel>,
    composer: Composer,
    return_path: ReturnPath,
    terms: Terms,
    state: Mutex<State>,
    /// Who got a later word meanwhile.
    later: Later,
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
    /// It is tried though the channel rests, to see whether it works again.
    probes: bool,
}

impl Taken {
    /// What was claimed so.
    fn all(self, claimed: Vec<Claimed>) -> impl DoubleEndedIterator<Item = (Claimed, Taken)> {
        claimed.into_iter().map(move |claimed| (claimed, self))
    }
}

/// Claimed messages that wait for their turn.
type Waiting = VecDeque<(Claimed, Taken)>;

/// What was met lately.
#[derive(Default)]
struct State {
    pause: Option<Pause>,
    /// From when on something urgent may be tried though the channel pauses.
    probe_from: DateTime<Utc>,
    /// When something was last accepted.
    worked: Option<DateTime<Utc>>,
    tally: Tally,
    rests: Rests,
    pace: Pace,
    /// When it was last looked for what is more urgent than the rest of a slow batch.
    looked: DateTime<Utc>,
    /// Nothing is claimed before, though it may be due: other nodes have used up the limit, or don't count on this one.
    held_up: Option<DateTime<Utc>>,
}

/// Whether something may be claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gate {
    Open,
    /// Not before.
    Shut {
        until: DateTime<Utc>,
    },
    /// Not before either, but for one of the urgent, to see whether the other side is back.
    Resting {
        until: DateTime<Utc>,
        probe_from: DateTime<Utc>,
    },
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

/// What comes of a future that may not be there.
async fn poll<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    poll_fn(|cx| future.as_mut().map_or(Poll::Pending, |future| future.poll_unpin(cx))).await
}

/// Adds to `group` what has come in meanwhile, until it has `most` or a few more.
fn take_in(results: &mut mpsc::UnboundedReceiver<Vec<Attempt>>, group: &mut Vec<Attempt>, most: usize) {
    while group.len() < most
        && let Ok(more) = results.try_recv()
    {
        group.extend(more);
    }
}

impl Sender {
    /// Sends over `channel`, which is called `name`, what `composer` writes.
    pub fn new(name: ChannelName, channel: Channel, composer: Composer, terms: Terms) -> Sender {
        let (batch, flying) = (AtomicUsize::new(BATCH), AtomicUsize::new(0));
        let (landed, wake, retired) = (Notify::new(), Notify::new(), CancellationToken::new());
        Sender {
            name,
            channel: Arc::new(channel),
            composer,
            return_path: ReturnPath::default(),
            terms,
            state: Mutex::default(),
            later: Later::default(),
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
        let (done, mut results) = mpsc::unbounded_channel::<Vec<Attempt>>();
        let sending = async move {
            let mut flights: FuturesUnordered<BoxFuture<'_, Vec<Attempt>>> = FuturesUnordered::new();
            // Neither is ever dropped half-way: what it has claimed would be lost for as long as the claim holds.
            let mut source = Some(self.next(core, stop, idle, VecDeque::new()).boxed());
            let mut ahead: Option<BoxFuture<'_, Result<Waiting, StoreError>>> = None;
            let mut claimed_ahead = Waiting::new();
            let mut ended = Ok(());
            let mut stopped = false;
            loop {
                // What is claimed and not begun with goes back at once when there is to be an end.
                let room = stopped || flights.len() < self.terms.connections.max(1);
                tokio::select! {
                    biased;
                    Some(attempts) = flights.next() => {
                        attempts.iter().for_each(|_| moved());
                        // The other half lives as long as this one.
                        let _ = done.send(attempts);
                    }
                    more = poll(&mut ahead), if ahead.is_some() => {
                        ahead = None;
                        match more {
                            Ok(more) => claimed_ahead = more,
                            // Whoever has nothing else to do finds out whether it lasts.
                            Err(error) => {
                                tracing::warn!(channel = %self.name, "Nothing can be claimed ahead: {error}");
                            }
                        }
                        if source.is_none() && ended.is_ok() {
                            source = Some(self.next(core, stop, idle, std::mem::take(&mut claimed_ahead)).boxed());
                        }
                    }
                    next = poll(&mut source), if room && source.is_some() => {
                        source = match next {
                            Ok(Some((claimed, taken, mut waiting))) => {
                                flights.push(self.fly(core, claimed, taken, stop).boxed());
                                waiting.append(&mut claimed_ahead);
                                if ahead.is_none() && self.claims_ahead(core, stop, taken, waiting.len()) {
                                    ahead = Some(self.claim_ahead(core).boxed());
                                }
                                let waits_for_more = waiting.is_empty() && ahead.is_some();
                                (!waits_for_more).then(|| self.next(core, stop, idle, waiting).boxed())
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
        // The results are noted in groups, whatever has come in meanwhile: no connection waits for that. What left as one mail is noted at once.
        let noting = async {
            let mut total = Sent::default();
            let mut result = Ok(());
            // Each is noted in two rows.
            let most = (core.store.claims_at_once() / 2).max(1);
            while let Some(mut group) = results.recv().await {
                take_in(&mut results, &mut group, most);
                if group.len() < TOGETHER {
                    tokio::time::sleep(MOMENT).await;
                    take_in(&mut results, &mut group, most);
                }
                let count = |state| group.iter().filter(|a| a.state == state).count();
                let (sent, untried) = (count(MessageState::Sent), count(MessageState::Queued));
                let deferred = count(MessageState::Deferred) + untried;
                let failed = group.len() - sent - deferred;
                match note(core, group).await {
                    Ok(()) => {
                        total.sent += sent;
                        total.deferred += deferred;
                        total.failed += failed;
                        if deferred > 0 {
                            // Some of it may be due already.
                            self.landed.notify_one();
                        }
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
        // What is asked of the store takes much room, and is asked once for many messages: each has a place of its own.
        loop {
            if self.is_slow(core, stop, &waiting) {
                Box::pin(self.overtake(core, &mut waiting)).await;
            }
            if let Some((claimed, taken)) = waiting.pop_front() {
                self.flying.fetch_add(1, Ordering::Relaxed);
                // What has overtaken says nothing of the rest.
                if waiting.front().is_none_or(|(_, next)| next.at > taken.at) {
                    self.adapt(core.now() - taken.at, core.store.claims_at_once());
                }
                return Ok(Some((claimed, taken, waiting)));
            }
            if self.stops(stop) {
                return Ok(None);
            }
            let now = core.now();
            self.lock().held_up = None;
            let until = match (self.gate(now), core.store.life()) {
                (Gate::Resting { until, probe_from }, Some(life)) if probe_from <= now => {
                    let per_minute = self.terms.per_minute;
                    let claim = core.store.claim_urgent(&self.name, now, now + CLAIM, 1, per_minute);
                    let claimed = Box::pin(claim).await?;
                    if !claimed.is_empty() {
                        self.probes(now);
                        let taken = Taken { at: now, life, probes: true };
                        waiting.extend(taken.all(claimed));
                        continue;
                    }
                    until.min(now + PROBE)
                }
                (Gate::Resting { until, probe_from }, _) => until.min(probe_from.max(now + COUNTED_ON)),
                (Gate::Shut { until }, _) => until,
                // What it claimed now would be another's soon.
                (Gate::Open, None) => self.held_up(now + COUNTED_ON),
                (Gate::Open, Some(life)) => {
                    let batch = self.batch.load(Ordering::Relaxed);
                    let per_minute = self.terms.per_minute;
                    let max = batch.min(self.lock().pace.free(per_minute, now));
                    let claim = core.store.claim_within(&self.name, now, now + CLAIM, max, per_minute);
                    let (claimed, more_in) = Box::pin(claim).await?;
                    if !claimed.is_empty() {
                        let taken = Taken { at: now, life, probes: false };
                        waiting.extend(taken.all(claimed));
                        continue;
                    }
                    match more_in {
                        Some(more_in) => self.held_up(now + more_in),
                        None => match Box::pin(core.store.next_due(&self.name)).await? {
                            // Another node has it in hand.
                            Some(due) if due <= now => self.held_up(now + BUSY),
                            due => due.unwrap_or(now + LOOK),
                        },
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

    /// Whether it is time to claim the next batch beside what is left of this one, so that no connection waits for that. Not where it is slow: what is
    /// more urgent would wait for both.
    fn claims_ahead(&self, core: &Core, stop: &CancellationToken, taken: Taken, left: usize) -> bool {
        let (now, batch) = (core.now(), self.batch.load(Ordering::Relaxed));
        self.terms.per_minute.is_none()
            && batch > BATCH
            && left <= batch / 2
            && now - taken.at < BATCH_TIME / 2
            && !self.stops(stop)
            && self.gate(now) == Gate::Open
    }

    async fn claim_ahead(&self, core: &Core) -> Result<Waiting, StoreError> {
        let (now, batch) = (core.now(), self.batch.load(Ordering::Relaxed));
        let Some(life) = core.store.life() else { return Ok(Waiting::new()) };
        let taken = Taken { at: now, life, probes: false };
        let claimed = core.store.claim_due(&self.name, now, now + CLAIM, batch).await?;
        Ok(taken.all(claimed).collect())
    }

    /// Whether what is more urgent than the rest of a batch doesn't wait for its end.
    fn is_slow(&self, core: &Core, stop: &CancellationToken, waiting: &Waiting) -> bool {
        let Some((first, taken)) = waiting.front() else { return false };
        let now = core.now();
        let is_slow = first.message.priority != Priority::Urgent && now - taken.at >= SLOW;
        is_slow && !self.stops(stop) && self.gate(now) == Gate::Open
    }

    /// Takes in before the rest of a slow batch what is more urgent.
    async fn overtake(&self, core: &Core, waiting: &mut Waiting) {
        let now = core.now();
        let per_minute = self.terms.per_minute;
        let free = {
            let mut state = self.lock();
            if now - state.looked < SLOW {
                return;
            }
            state.looked = now;
            state.pace.free(per_minute, now).saturating_sub(waiting.len())
        };
        let (Some(life), max) = (core.store.life(), free.min(self.terms.connections.max(1))) else {
            return;
        };
        if max > 0 {
            let taken = Taken { at: now, life, probes: false };
            match core.store.claim_urgent(&self.name, now, now + CLAIM, max, per_minute).await {
                Ok(claimed) => {
                    taken.all(claimed).rev().for_each(|claimed| waiting.push_front(claimed));
                }
                // What is claimed already goes on.
                Err(error) => {
                    tracing::warn!(channel = %self.name, "What is urgent can't be looked for: {error}");
                }
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

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
