//! Notices into the outbox: what they take the place of, whose turn is when, and whether they ask to be taken on.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::climb::Climb;
use crate::domain::ids::{MessageId, NoticeId, OutageId};
use crate::domain::notice::{Message, MessageState, NewNotice, Notice, once_each};
use crate::domain::outage::inhibit::Held;
use crate::domain::quiet;

use super::super::records::{Kind, NoticeOf, NoticeRow, Numbers, key, number_key};
use super::super::types::Committed;
use super::thread;
use super::together;
use super::trouble::Fault;
use super::tx::Tx;

/// What is said of a message that isn't sent at once for that.
const WAITS: &str =
    "it waits for its turn: so many were sent to the recipient within an hour (quiet_hours.per_hour)";

/// Enqueues notices: one per event, one message per address and channel.
pub(super) fn enqueue(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    notices: Vec<NewNotice>,
) -> Result<Committed, Fault> {
    let mut committed = Committed::default();
    let at = tx.common(at);
    tx.expect(notices.iter().map(|new| key(Kind::NoticeOf, new.event.0.as_bytes())).collect())?;
    for mut new in notices {
        let event = key(Kind::NoticeOf, new.event.0.as_bytes());
        if tx.has(&event)? {
            continue;
        }
        let replaced = thread::replace(tx, at, &new)?;
        for (to, before) in &replaced {
            if let Some(held) = new.held.get_mut(to) {
                // What was tried in the night, since it was critical, is taken the place of in the morning.
                *held = new.awake.next(to, before.due.max(at)).min(*held);
            }
        }
        if let Some((outage, held)) = &new.inhibited {
            write_inhibited(tx, *outage, held.as_ref())?;
            committed.inhibited.push((*outage, held.clone()));
        }
        for hush in &new.hushes {
            thread::hush(tx, at, hush, &mut committed)?;
        }
        let turns = thread::turns(tx, at, &new)?;
        let mut longer = TimeDelta::zero();
        together::expect(tx, at, &new)?;
        let id = NoticeId(tx.next(Numbers::Notice)?);
        let mut messages = 0;
        let (mut first, mut earliest) = (None, None);
        for recipient in once_each(new.recipients.iter().cloned()) {
            let wanted = new.held.get(&recipient.key()).copied().unwrap_or(at);
            let turn = turns.get(&recipient.key()).copied();
            let message_id = MessageId(tx.next(Numbers::Message)?);
            let by_itself = turn.unwrap_or(wanted);
            let others = replaced.get(&recipient.key()).and_then(|before| before.together);
            let joined = together::join(tx, at, &new, &recipient, (by_itself, message_id), others)?;
            let due = joined.map_or(by_itself, |(due, _)| due);
            if turn.is_some() && !quiet::has_its_time(&new.facts) {
                longer = longer.max(due - wanted);
            }
            // Those that leave together have the turn of the first.
            if let Some(turn) = turn.filter(|_| joined.is_some_and(|(_, first)| first != message_id)) {
                thread::give_back(tx, at, &recipient, turn)?;
            }
            let message = Message {
                id: message_id,
                notice: id,
                priority: new.facts.priority(),
                state: MessageState::Queued,
                attempts: 0,
                at,
                due,
                recipient,
                changed: at,
                answer: (due > wanted).then(|| WAITS.into()),
                together: joined.map(|(_, first)| first),
            };
            tx.put_message(None, &message)?;
            first.get_or_insert(message.id);
            earliest = Some(earliest.map_or(due, |known: DateTime<Utc>| known.min(due)));
            messages += 1;
        }
        if let Some(climb) = &new.climb {
            // Whoever waits for their turn is given the time from then on.
            let last = earliest.map_or(climb.last, |due| climb.last.max(due));
            committed.climbs.extend(begin_climb(tx, Climb { notice: id, last, ..Climb::clone(climb) })?);
        }
        thread::note(tx, &new, id.0)?;
        let NewNotice { event: event_key, thread, expires, facts, .. } = new;
        // Whoever waits for their turn is tried as long as the others.
        let expires = tx.common(expires).checked_add_signed(longer).unwrap_or(expires);
        let notice = Notice { id, event: event_key, thread, at, expires, facts };
        let row = NoticeRow { notice, first: first.unwrap_or(MessageId(0)), messages };
        tx.put(number_key(Kind::Notice, id.0), &row)?;
        tx.put(event, &NoticeOf(id))?;
        committed.notices.push(id);
        committed.messages = committed.messages.saturating_add(u32::try_from(messages).unwrap_or(u32::MAX));
    }
    Ok(committed)
}

/// Notes who isn't told of an incident.
pub(super) fn write_inhibited(tx: &mut Tx<'_>, outage: OutageId, held: Option<&Held>) -> Result<(), Fault> {
    let at = number_key(Kind::Inhibited, outage.0);
    match held {
        Some(held) => tx.put(at, held)?,
        None => tx.delete(at),
    }
    Ok(())
}

/// A notice asks to be taken on. Of a thread that asks already it is only noted who is told besides; one that somebody has asks no more.
fn begin_climb(tx: &mut Tx<'_>, new: Climb) -> Result<Option<Climb>, Fault> {
    let at = key(Kind::Climb, new.thread.0.as_bytes());
    let climb = match tx.get::<Climb>(&at)? {
        Some(known) if known.end.is_some() => return Ok(None),
        Some(known) => known.told_again(&new),
        None => new,
    };
    tx.put(at, &climb)?;
    Ok(Some(climb))
}
