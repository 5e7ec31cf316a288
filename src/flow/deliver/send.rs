//! One try: of a message, or of those that leave together as one mail.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::super::climb;
use super::super::core::Core;
use super::super::links::{self, Links};
use super::note::clip;
use super::{Sender, Taken, returns};
use crate::channel::message::{ComposeError, Part};
use crate::channel::{Outcome, Parcel};
use crate::domain::notice::{Message, MessageState, Notice};
use crate::store::{Attempt, Claimed, StoreError};

/// A claimed message that waits longer than this for its turn is left for another claim.
pub(super) const WAITS: TimeDelta = TimeDelta::minutes(5);

/// A message that nothing speaks against.
struct Ready {
    message: Message,
    notice: Arc<Notice>,
    links: Links,
}

impl Sender {
    pub(super) async fn fly(
        &self,
        core: &Core,
        claimed: Claimed,
        taken: Taken,
        stop: &CancellationToken,
    ) -> Vec<Attempt> {
        let attempts = self.send(core, claimed, taken, stop).await;
        self.flying.fetch_sub(1, Ordering::Relaxed);
        self.landed.notify_one();
        attempts
    }

    /// Tries a message and those that leave with it, unless they have waited too long for their turn, their destination rests, or the daemon is to stop.
    async fn send(
        &self,
        core: &Core,
        claimed: Claimed,
        taken: Taken,
        stop: &CancellationToken,
    ) -> Vec<Attempt> {
        let now = core.now();
        let late = self.stops(stop) || now - taken.at > WAITS || !core.store.holds_claims(taken.life);
        let put_off = if late {
            let reason = "it had no turn before the daemon stopped or was reloaded, or for too long";
            Some((reason.to_owned(), now))
        } else {
            self.rests(&claimed.message, taken.probes, now)
        };
        let Claimed { message, notice, with } = claimed;
        let with = with.into_iter().map(|other| (other.message, other.notice));
        let all = std::iter::once((message, notice)).chain(with);
        if let Some((reason, until)) = put_off {
            let back = |(message, notice): (Message, Arc<Notice>)| {
                let until = if late { until } else { again(core, &message, &notice, until) };
                attempt(&message, now, (MessageState::Queued, reason.clone(), Some(until)))
            };
            return all.map(back).collect();
        }
        let (mut ready, mut attempts) = (Vec::new(), Vec::new());
        for (message, notice) in all {
            match self.speaks_against(core, &message, &notice, now).await {
                Ok(links) => ready.push(Ready { message, notice, links }),
                Err(end) => attempts.push(attempt(&message, now, end)),
            }
        }
        let Some(first) = ready.first() else { return attempts };
        self.lock().pace.note(self.terms.per_minute, now);
        // One of those in it may be what is refused, or can't be written: the others aren't lost for that.
        let (end, now, of_one) = match self.write(core, first, &ready) {
            Ok(parcel) => {
                let outcome = self.hand_over(parcel, now).await;
                let now = core.now();
                let of_all = matches!(
                    outcome,
                    Outcome::Refused { recipient: true, .. } | Outcome::RefusesUs { recipient: true, .. }
                );
                (self.judge(outcome, &first.message, &first.notice, now), now, !of_all)
            }
            Err(error) => {
                let (message, notice) = (first.message.id.0, first.notice.id.0);
                tracing::error!(message, notice, "A message can't be written: {error}");
                ((MessageState::Failed, error.to_string(), None), now, true)
            }
        };
        let alone = ready.len() > 1 && of_one && end.0 == MessageState::Failed;
        let end = if alone {
            let said =
                format!("{}; each of the {} messages in this mail is tried by itself", end.1, ready.len());
            (MessageState::Deferred, said, Some(now))
        } else {
            end
        };
        // Those that leave together do so again.
        let due = end.2.and_then(|due| {
            ready.iter().map(|Ready { message, notice, .. }| again(core, message, notice, due)).min()
        });
        let end = (end.0, end.1, due);
        let tried = |one: &Ready| Attempt { alone, ..attempt(&one.message, now, end.clone()) };
        attempts.extend(ready.iter().map(tried));
        attempts
    }

    /// The links of a message, or what becomes of it instead of being sent.
    async fn speaks_against(
        &self,
        core: &Core,
        message: &Message,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Result<Links, End> {
        let not_known = |error: StoreError| {
            let due = now + self.terms.retry.first;
            (MessageState::Queued, format!("whether somebody has it can't be told: {error}"), Some(due))
        };
        if climb::is_idle(core, notice).await.map_err(not_known)? {
            let reason = "somebody has taken it on, or it is over".to_owned();
            return Err((MessageState::Cancelled, reason, None));
        }
        if let Some(reason) = self.later.replaces(core, message, notice, now).await {
            return Err((MessageState::Cancelled, reason, None));
        }
        if let Some(answer) = returns::refused(core, &self.channel, message, notice, now) {
            return Err((MessageState::Failed, answer, None));
        }
        links::of(core, notice, message).await.map_err(not_known)
    }

    fn write(&self, core: &Core, first: &Ready, all: &[Ready]) -> Result<Parcel, ComposeError> {
        let Ready { message, notice, links } = first;
        let locale = core.locale_of(&message.recipient);
        let parcel = if all.len() > 1 && self.channel.takes_mails() {
            let parts = all.iter().map(|Ready { message, notice, links }| Part { notice, message, links });
            let parts: Vec<Part<'_>> = parts.collect();
            Parcel::Mail(self.composer.compose_together(&parts, locale, core.instance)?)
        } else {
            self.composer.parcel_with(&self.channel, notice, message, locale, core.instance, links)?
        };
        returns::stamp(core, &self.return_path, parcel, message.id)
    }

    /// In a task of its own: what one connection has to do waits for no other, and for no claim. It is given up with this future.
    async fn hand_over(&self, parcel: Parcel, now: DateTime<Utc>) -> Outcome {
        let channel = Arc::clone(&self.channel);
        let task = tokio::spawn(async move { channel.hand_over(&parcel, now).await });
        // A defect that one message meets holds up no other: that would be so again at each start.
        AbortOnDropHandle::new(task).await.unwrap_or_else(|error| {
            tracing::error!(channel = %self.name, "A defect: a try to send broke off: {error}");
            Outcome::Deferred {
                reason: format!("the try broke off by a defect: {error}"),
                perhaps_sent: true,
                whole: false,
                retry_after: None,
            }
        })
    }
}

/// What a try came to: the state, what was said, and when it is tried again.
type End = (MessageState, String, Option<DateTime<Utc>>);

/// When a message that is to be tried again at `due` is: not in the night of whoever gets it.
fn again(core: &Core, message: &Message, notice: &Notice, due: DateTime<Utc>) -> DateTime<Utc> {
    core.settings().quiet.again(notice, &message.recipient, |to| core.clocks_of(to), due)
}

fn attempt(message: &Message, at: DateTime<Utc>, (state, answer, due): End) -> Attempt {
    Attempt {
        message: message.id,
        number: message.attempts,
        at,
        state,
        answer: clip(answer),
        due,
        alone: false,
    }
}
