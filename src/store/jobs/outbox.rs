//! Messages: claimed, recorded, ordered about.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::audit;
use crate::domain::bounce::{Bounce, Fate, Mark};
use crate::domain::ids::{ChannelName, MessageId, NoticeId};
use crate::domain::notice::{Message, MessageState, Notice, Priority};

use super::super::error::StoreError;
use super::super::records::{Kind, NoticeRow, Numbers, attempt_key, key, number_key};
use super::super::types::{Attempt, AttemptLog, Claimed, MessageOrder};
use super::commit::write_audit;
use super::thread;
use super::together;
use super::trouble::{Fault, Trouble};
use super::tx::Tx;

/// Records what claimed messages came to.
pub(in crate::store) fn attempts(tx: &mut Tx<'_>, attempts: &[Attempt]) -> Result<(), Fault> {
    tx.expect(attempts.iter().map(|attempt| number_key(Kind::Message, attempt.message.0)).collect())?;
    attempts.iter().try_for_each(|attempt| record(tx, attempt))
}

/// Does to a message what an operator orders.
pub(in crate::store) fn order(
    tx: &mut Tx<'_>,
    id: MessageId,
    order: MessageOrder,
    now: DateTime<Utc>,
    audit: Option<&audit::Entry>,
) -> Result<Message, Fault> {
    let now = tx.common(now);
    tx.speaks_of(now);
    let message = carry_out(tx, id, order, now)?;
    if let Some(entry) = audit {
        write_audit(tx, entry)?;
    }
    Ok(message)
}

/// Claims messages of a channel that are due and no less urgent than `least`.
pub(in crate::store) fn claim(
    tx: &mut Tx<'_>,
    channel: &ChannelName,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    max: usize,
    least: Priority,
) -> Result<Vec<Claimed>, Fault> {
    let (now, until) = (tx.common(now), tx.common(until));
    tx.speaks_of(now);
    let mut claims = Claims { now, until, notices: HashMap::new(), done: HashSet::new() };
    let mut due = Vec::new();
    for id in tx.due(channel, now, max)? {
        let before = message(tx, id)?;
        if before.priority > least {
            // The urgent go first.
            break;
        }
        let Some(notice) = claims.notice(tx, &before)? else { continue };
        if due.len() >= max {
            // Those behind it may have expired all the same; but a full claim is worth more than looking at all of them.
            if max > 0 {
                break;
            }
            continue;
        }
        due.push((before, notice));
    }
    let mails = together::mails(tx, due.iter().map(|(message, _)| message))?;
    let (mut claimed, mut number) = (Vec::new(), 0);
    for (before, notice) in due {
        if claims.done.contains(&before.id) {
            continue;
        }
        let others = match before.together.map(|first| mails.get(&first)) {
            None => [].as_slice(),
            Some(Some(all)) => all,
            // Somebody else has one of them in hand: they leave together, a moment later.
            Some(None) => continue,
        };
        if number >= max {
            break;
        }
        let together = before.together;
        let mut one = claims.claim(tx, before, notice)?;
        for other in others.iter().filter(|other| other.together == together) {
            let waits = !other.state.is_final() && other.due <= now && !claims.done.contains(&other.id);
            if waits && let Some(notice) = claims.notice(tx, other)? {
                one.with.push(claims.claim(tx, other.clone(), notice)?);
            }
        }
        number += 1 + one.with.len();
        claimed.push(one);
    }
    Ok(claimed)
}

/// What is claimed at once.
struct Claims {
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    notices: HashMap<NoticeId, Arc<Notice>>,
    /// What was claimed, or has expired.
    done: HashSet<MessageId>,
}

impl Claims {
    /// What a message says; None when it has expired, which is noted.
    fn notice(&mut self, tx: &mut Tx<'_>, before: &Message) -> Result<Option<Arc<Notice>>, Fault> {
        let notice = match self.notices.get(&before.notice) {
            Some(notice) => Arc::clone(notice),
            None => {
                let notice = Arc::new(notice_row(tx, before.notice)?.notice);
                self.notices.insert(before.notice, Arc::clone(&notice));
                notice
            }
        };
        if notice.expires <= self.now {
            expire(tx, before, notice.expires, self.now)?;
            self.done.insert(before.id);
            return Ok(None);
        }
        Ok(Some(notice))
    }

    fn claim(&mut self, tx: &mut Tx<'_>, before: Message, notice: Arc<Notice>) -> Result<Claimed, Fault> {
        let (state, attempts) = (MessageState::Sending, before.attempts.saturating_add(1));
        let message = Message { state, attempts, due: self.until, changed: self.now, ..before.clone() };
        tx.put_message(Some(&before), &message)?;
        self.done.insert(message.id);
        Ok(Claimed { message, notice, with: Vec::new() })
    }
}

/// Makes what was being sent by somebody who is gone due again; and what was by who asks, if it is at its start (`own`).
pub(in crate::store) fn release(tx: &mut Tx<'_>, now: DateTime<Utc>, own: bool) -> Result<u64, Fault> {
    let now = tx.common(now);
    tx.speaks_of(now);
    let mut released = 0;
    for id in tx.sending(own)? {
        let before = message(tx, id)?;
        if before.state != MessageState::Sending {
            continue;
        }
        let answer: Box<str> =
            "the daemon ended while it was being sent: whether it arrived isn't known".into();
        log(tx, id, &AttemptLog { at: now, state: MessageState::Deferred, answer: answer.clone() })?;
        let (state, answer) = (MessageState::Deferred, Some(answer));
        let message = Message { state, due: now, changed: now, answer, ..before.clone() };
        tx.put_message(Some(&before), &message)?;
        released += 1;
    }
    Ok(released)
}

fn expire(
    tx: &mut Tx<'_>,
    before: &Message,
    expired: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let answer: Box<str> = format!("not accepted by {}", expired.format("%Y-%m-%d %H:%M:%S UTC")).into();
    log(tx, before.id, &AttemptLog { at: now, state: MessageState::Expired, answer: answer.clone() })?;
    let last_said = before.answer.clone().or(Some(answer));
    let message = Message { state: MessageState::Expired, changed: now, answer: last_said, ..before.clone() };
    Ok(tx.put_message(Some(before), &message)?)
}

/// Every try is logged; who may say what becomes of the message is another question.
fn record(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<(), Fault> {
    let Some(before) = tx.get::<Message>(&number_key(Kind::Message, attempt.message.0))? else {
        // Removed in the meantime: there is nothing left to note it at.
        return Ok(());
    };
    let (at, due) = (tx.common(attempt.at), attempt.due.map(|due| tx.common(due)));
    let attempt = &Attempt { at, due, ..attempt.clone() };
    tx.speaks_of(attempt.at);
    let untried = attempt.state == MessageState::Queued;
    if !untried {
        log(
            tx,
            before.id,
            &AttemptLog { at: attempt.at, state: attempt.state, answer: attempt.answer.clone() },
        )?;
    }
    let holds_claim = before.state == MessageState::Sending && before.attempts == attempt.number;
    // Who lost the claim can't call off what another does now; but what was accepted is with the recipient, whoever sent it.
    let counts = holds_claim || (attempt.state == MessageState::Sent && !before.state.is_final());
    if !counts {
        return Ok(());
    }
    // What comes back in a state that isn't at an end is due again, at once if nothing else is said.
    let attempts = before.attempts.saturating_sub(u32::from(untried));
    let (state, due) = match (attempt.state, attempt.due) {
        (state, _) if state.is_final() => (state, before.due),
        (_, due) if attempts == 0 => (MessageState::Queued, due.unwrap_or(attempt.at)),
        (_, due) => (MessageState::Deferred, due.unwrap_or(attempt.at)),
    };
    let answer = Some(attempt.answer.clone());
    let together = before.together.filter(|_| !attempt.alone);
    let message = Message { state, attempts, due, changed: attempt.at, answer, together, ..before.clone() };
    if attempt.alone && before.together == Some(before.id) {
        together::take_apart(tx, before.id);
    }
    Ok(tx.put_message(Some(&before), &message)?)
}

fn carry_out(
    tx: &mut Tx<'_>,
    id: MessageId,
    order: MessageOrder,
    now: DateTime<Utc>,
) -> Result<Message, Fault> {
    let before = message(tx, id)?;
    let refuse = |what: &str| {
        let since = before.changed.format("%Y-%m-%d %H:%M:%S UTC");
        Err(StoreError::NotNow(format!("message {id} is {} since {since}; {what}", before.state)).into())
    };
    let state = match (order, before.state) {
        (MessageOrder::Retry { .. }, MessageState::Sent) => return refuse("it isn't sent twice"),
        (MessageOrder::Retry { .. }, MessageState::Sending) => return refuse("wait for what comes of it"),
        (MessageOrder::Retry { lives }, state) => {
            if state.is_final() {
                prolong(tx, before.notice, now, lives)?;
            }
            MessageState::Queued
        }
        (MessageOrder::Cancel, state) if state.is_final() => return refuse("there is nothing to cancel"),
        (MessageOrder::Cancel, _) => MessageState::Cancelled,
    };
    let message = Message { state, due: now, changed: now, ..before.clone() };
    tx.put_message(Some(&before), &message)?;
    if state == MessageState::Cancelled {
        thread::drop_out(tx, now, &before)?;
    }
    Ok(message)
}

/// Notes what a delivery report says of a message, and marks its address if that isn't there.
pub(super) fn came_back(tx: &mut Tx<'_>, bounce: &Bounce, now: DateTime<Utc>) -> Result<(), Fault> {
    let now = tx.common(now);
    let before = message(tx, bounce.message)?;
    if before.state != MessageState::Sent {
        let what = format!("message {} is {}; only what was sent can come back", before.id, before.state);
        return Err(StoreError::NotNow(what).into());
    }
    // Others came back in the same mail.
    let others = together::others(tx, &before)?.into_iter();
    let others = others.filter(|other| other.leaves_with(&before));
    for before in std::iter::once(before.clone()).chain(others.collect::<Vec<_>>()) {
        let state = if bounce.fate == Fate::Failed { MessageState::Failed } else { before.state };
        log(tx, before.id, &AttemptLog { at: now, state, answer: bounce.answer.clone() })?;
        // Of what fails it is told since when it has; what is only delayed stays sent when it was.
        let changed = if state == before.state { before.changed } else { now };
        let message = Message { state, changed, answer: Some(bounce.answer.clone()), ..before.clone() };
        tx.put_message(Some(&before), &message)?;
    }
    if let Some(mark) = &bounce.mark {
        let at = key(Kind::Mark, mark.address.key().as_bytes());
        let known: Option<Mark> = tx.get(&at)?;
        tx.put(at, &Mark::after(known.as_ref(), mark.clone()))?;
    }
    Ok(())
}

fn prolong(tx: &mut Tx<'_>, id: NoticeId, now: DateTime<Utc>, lives: TimeDelta) -> Result<(), Fault> {
    let mut row = notice_row(tx, id)?;
    let until = now.checked_add_signed(lives).unwrap_or(row.notice.expires);
    row.notice.expires = row.notice.expires.max(until);
    Ok(tx.put(number_key(Kind::Notice, id.0), &row)?)
}

fn log(tx: &mut Tx<'_>, message: MessageId, entry: &AttemptLog) -> Result<(), Fault> {
    let number = tx.next(Numbers::Attempt)?;
    Ok(tx.put(attempt_key(message, number), entry)?)
}

fn message(tx: &Tx<'_>, id: MessageId) -> Result<Message, Fault> {
    let message = tx.get(&number_key(Kind::Message, id.0))?;
    message.ok_or_else(|| StoreError::NotFound(format!("message {id}")).into())
}

fn notice_row(tx: &Tx<'_>, id: NoticeId) -> Result<NoticeRow, Fault> {
    let row = tx.get(&number_key(Kind::Notice, id.0))?;
    Ok(row.ok_or_else(|| Trouble::Damaged(format!("notice {id} is gone, but not its messages")))?)
}
