//! What an outcome means for a message, and for what is sent after it: whether the message, its destination or the whole channel is at fault.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use xxhash_rust::xxh3::xxh3_64;

use super::note::clip;
use super::rests::{Failure, LONGEST, PROBE, Rests, destination};
use super::tally::{Dry, Way};
use super::{Gate, Pause, Sender, State};
use crate::channel::Outcome;
use crate::domain::delivery::Condition;
use crate::domain::notice::{Message, MessageState, Notice, Priority};

/// Nobody is left alone for longer than this because the other side asks for it.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// What becomes of a message: its state, what was said, and when it is tried again.
type Judgement = (MessageState, String, Option<DateTime<Utc>>);

impl Sender {
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
        match self.gate(now) {
            Gate::Open => None,
            Gate::Shut { until } | Gate::Resting { until, .. } => Some(until),
        }
    }

    /// When it is worth a look again, though something may be due; None: now.
    pub fn looks_again(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let held_up = self.lock().held_up.filter(|until| now < *until);
        let gate = match self.gate(now) {
            Gate::Open => None,
            Gate::Shut { until } => Some(until),
            // What is urgent may become due meanwhile.
            Gate::Resting { until, probe_from } => Some(until.min(probe_from.max(now + PROBE))),
        };
        gate.max(held_up)
    }

    /// How the channel is. One whose other end has been away for a while is as broken as one that refuses us.
    pub fn condition(&self) -> Condition {
        let state = self.lock();
        if let Some(pause) = &state.pause {
            return Condition::Broken { since: pause.since, reason: pause.reason.clone() };
        }
        if let Some((since, reason)) = state.tally.away() {
            return Condition::Broken { since, reason: clip(reason.to_owned()) };
        }
        state.worked.map_or(Condition::Unknown, |at| Condition::Works { at })
    }

    /// An operator wants something sent: whatever pauses or rests is tried now.
    pub fn lift(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        if let Some(pause) = &mut state.pause {
            pause.until = pause.until.min(now);
        }
        state.rests.lift();
    }

    /// What was begun with lately by the sender whose place this one takes counts: the other side's limit is the same.
    pub fn goes_on_from(&self, before: &Sender) {
        self.lock().pace = before.lock().pace.clone();
    }

    pub(super) fn gate(&self, now: DateTime<Utc>) -> Gate {
        let state = self.lock();
        if let Some(until) = state.pace.next(self.terms.per_minute, now) {
            return Gate::Shut { until };
        }
        let pause = state.pause.as_ref().map(|pause| (pause.until, state.probe_from));
        let rest = state.rests.whole().and_then(|failing| Some((failing.until?, failing.probe_from)));
        let resting = [pause, rest].into_iter().flatten().filter(|(until, _)| now < *until);
        let all = resting.reduce(|(until, from), (later, another)| (until.max(later), from.max(another)));
        all.map_or(Gate::Open, |(until, probe_from)| Gate::Resting { until, probe_from })
    }

    /// One of the urgent is tried though the channel rests; where it refuses us, which it might mind, the next one not so soon.
    pub(super) fn probes(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.probe_from = now + LONGEST;
        state.rests.probe(Rests::WHOLE, now);
    }

    /// Why a message isn't tried now, and when it is. One that `probes` is, whatever the channel does.
    pub(super) fn rests(
        &self,
        message: &Message,
        probes: bool,
        now: DateTime<Utc>,
    ) -> Option<(String, DateTime<Utc>)> {
        let mut state = self.lock();
        let is_urgent = message.priority == Priority::Urgent;
        let pause = state.pause.as_ref().filter(|p| now < p.until).map(|p| (p.reason.to_string(), p.until));
        let whole = pause.or_else(|| state.rests.until(Rests::WHOLE, now)).filter(|_| !probes);
        let destination = destination(message);
        let mut own = || {
            let rest = state.rests.until(&destination, now).filter(|_| destination != Rests::WHOLE)?;
            (!is_urgent || !state.rests.probe(&destination, now)).then_some(rest)
        };
        let (why, until) = whole.or_else(&mut own)?;
        // Whoever finds that the other side is back may be another one.
        Some((why, if is_urgent { until.min(now + PROBE) } else { until }))
    }

    /// What an outcome means for the message, and for what is sent after it.
    pub(super) fn judge(
        &self,
        outcome: Outcome,
        message: &Message,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Judgement {
        let (id, notice) = (message.id.0, notice.id.0);
        match outcome {
            Outcome::Accepted { answer } => {
                self.works(message, now);
                (MessageState::Sent, answer, None)
            }
            Outcome::Deferred { reason, whole, retry_after, .. } => {
                let due = self.not_now(message, &reason, whole, retry_after, now);
                tracing::warn!(message = id, attempts = message.attempts, "A message is deferred: {reason}");
                (MessageState::Deferred, reason, Some(due))
            }
            Outcome::Refused { answer, .. } => {
                tracing::error!(message = id, notice, "A message was refused for good: {answer}");
                // Whoever refuses one message is there for the others.
                self.lock().rests.worked(&destination(message));
                (MessageState::Failed, answer, None)
            }
            Outcome::RefusesUs { answer, .. } => self.suspects(answer, message, notice, now),
            Outcome::ChannelBroken { reason } => {
                let mut state = self.lock();
                let due = if state.tally.fails(message.mail_number(), Way::Broken) && state.pause.is_none() {
                    tracing::warn!(message = id, channel = %self.name, "A message is deferred, as the channel works for others: {reason}");
                    now + self.delay(message)
                } else {
                    // Another one finds out whether it works again: it may be this message that doesn't.
                    self.broken(&mut state, &reason, now) + self.terms.retry.first
                };
                (MessageState::Deferred, reason, Some(due))
            }
        }
    }

    /// The other side wants a message later: when it is tried again. Its destination rests when it fails for others, too.
    fn not_now(
        &self,
        message: &Message,
        reason: &str,
        whole: bool,
        retry_after: Option<Duration>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let asked = retry_after.map(|asked| asked.min(LONGEST_ASKED));
        let asked = asked.and_then(|asked| TimeDelta::from_std(asked).ok()).map(|asked| now + asked);
        let mut state = self.lock();
        let own = state.tally.fails(message.mail_number(), Way::NotNow);
        // At the end of a channel that leads to one place everybody fares alike.
        let of_all = whole || (message.recipient.is_place() && !own);
        let key = if of_all { Rests::WHOLE.to_owned() } else { destination(message) };
        let who = if of_all { message.id.0 } else { whose(message) };
        if of_all || !own {
            state.tally.is_dry(Dry { who, reason, whole: of_all }, now);
            let failure = Failure { who, of_all, reason, asked: asked.filter(|_| of_all) };
            let retry = &self.terms.retry;
            if let Some(until) = state.rests.failed(&key, failure, retry, now, rand::random()) {
                let what = if key.is_empty() { "The channel" } else { "A destination of the channel" };
                tracing::warn!(channel = %self.name, %until, "{what} isn't tried for a while: {reason}");
            }
        }
        let longest = match message.priority {
            Priority::Urgent => PROBE,
            _ => LONGEST,
        };
        let retry = if of_all { self.terms.retry.no_longer_than(longest) } else { self.terms.retry };
        let due = now + retry.delay(message.attempts, rand::random());
        // Those that wait only for the other side's sake go before the one that it wasn't there for.
        asked.map_or(due, |asked| due.max(asked + TimeDelta::seconds(1)))
    }

    /// The other side refused a message in a way that may mean us, and not this recipient: it is refused for good only when others are accepted,
    /// and when several in a row are refused so, the channel is broken.
    fn suspects(&self, answer: String, message: &Message, notice: u64, now: DateTime<Utc>) -> Judgement {
        let (id, mut state) = (message.id.0, self.lock());
        if state.tally.fails(message.mail_number(), Way::Suspected) {
            tracing::error!(
                message = id,
                notice,
                "A message was refused for good, as others were accepted: {answer}"
            );
            return (MessageState::Failed, answer, None);
        }
        let reason = format!("it may be us who are refused: {answer}");
        let due = if state.tally.suspects(Dry { who: whose(message), reason: &reason, whole: false }, now) {
            self.broken(&mut state, &answer, now) + self.terms.retry.first
        } else {
            now + self.delay(message)
        };
        tracing::warn!(message = id, attempts = message.attempts, "A message is deferred: {reason}");
        (MessageState::Deferred, reason, Some(due))
    }

    fn works(&self, message: &Message, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.worked = Some(now);
        state.tally.accepts(message.mail_number());
        state.rests.worked(&destination(message));
        if state.pause.take().is_some() {
            tracing::info!(channel = %self.name, "The channel works again");
        }
    }

    /// Pauses the channel, longer each time, once for all who find it broken at the same time: until when.
    fn broken(&self, state: &mut State, reason: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        if let Some(known) = state.pause.as_ref().filter(|p| now < p.until) {
            return known.until;
        }
        let failures = state.pause.as_ref().map_or(0, |p| p.failures) + 1;
        let since = state.pause.as_ref().map_or(now, |p| p.since);
        let until = now + self.terms.retry.no_longer_than(LONGEST).delay(failures, rand::random());
        tracing::error!(channel = %self.name, %until, failures, "The channel is broken for everybody and pauses: {reason}");
        state.pause = Some(Pause { until, reason: clip(reason.to_owned()), failures, since });
        state.probe_from = now + PROBE;
        until
    }

    /// The message's own pause before the next try.
    fn delay(&self, message: &Message) -> TimeDelta {
        self.terms.retry.delay(message.attempts, rand::random())
    }
}

/// Who gets a message: several messages to one recipient fail as one.
fn whose(message: &Message) -> u64 {
    xxh3_64(message.recipient.key().as_bytes())
}
