//! The notices of one thread: what a later one takes the place of, what isn't told since something else speaks for it; and whose turn is when.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::domain::climb::{Climb, Reached};
use crate::domain::ids::MessageId;
use crate::domain::notice::{EventKey, Hush, Message, MessageState, NewNotice, Recipient, Replaces};
use crate::domain::outage::inhibit::{Held, People};
use crate::domain::pace::Pace;
use crate::domain::quiet;

use super::super::records::{InThread, Kind, NoticeRow, key, number_key, number_of, thread_key, threads_of};
use super::super::types::Committed;
use super::together;
use super::trouble::{Fault, Trouble};
use super::tx::Tx;

/// Notes that a notice belongs to a thread that others follow in.
pub(super) fn note(tx: &mut Tx<'_>, new: &NewNotice, id: u64) -> Result<(), Trouble> {
    match new.facts.outage() {
        Some(_) => tx.put(thread_key(&new.thread, id), &InThread { waits: true }),
        None => Ok(()),
    }
}

/// The notices of a thread, by their keys; only those of which some messages may wait, or all.
fn notices(tx: &Tx<'_>, thread: &EventKey, all: bool) -> Result<Vec<(Vec<u8>, NoticeRow)>, Trouble> {
    let keys = tx.stored_keys(&threads_of(thread))?;
    let mut notices = Vec::new();
    for at in keys {
        let waits = tx.get::<InThread>(&at)?.is_some_and(|part| part.waits);
        let id = number_of(&at).unwrap_or_default();
        if let Some(row) = tx.get(&number_key(Kind::Notice, id))?.filter(|_| all || waits) {
            notices.push((at, row));
        }
    }
    Ok(notices)
}

fn messages(tx: &Tx<'_>, row: &NoticeRow) -> Result<Vec<Message>, Trouble> {
    let ids = row.first.0..row.first.0.saturating_add(row.messages);
    tx.expect(ids.clone().map(|id| number_key(Kind::Message, id)).collect())?;
    let mut messages = Vec::new();
    for id in ids {
        messages.extend(tx.get::<Message>(&number_key(Kind::Message, id))?);
    }
    Ok(messages)
}

/// Cancels what `new` takes the place of, as far as it still waits to be sent to those who get `new`. Their turns are free again. Returns by [`Recipient::key`] when that
/// was due, and with what it would have left: `new` takes its place in time, too, or whoever says something again and again would never be heard.
pub(super) fn replace(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    new: &NewNotice,
) -> Result<HashMap<String, Before>, Fault> {
    let mut replaced: HashMap<String, Before> = HashMap::new();
    if new.replaces == Replaces::Nothing || new.thread == new.event {
        return Ok(replaced);
    }
    let told: HashSet<String> = new.recipients.iter().map(Recipient::key).collect();
    for (place, row) in notices(tx, &new.thread, false)? {
        let (mut others, mut over) = (false, Vec::new());
        for before in messages(tx, &row)? {
            // What waits for the morning, or its turn, wasn't tried yet.
            let waits = match before.state {
                MessageState::Queued => {
                    new.replaces == Replaces::Waiting || (before.attempts == 0 && before.due > at)
                }
                MessageState::Deferred => new.replaces == Replaces::Waiting,
                _ => false,
            };
            if waits && told.contains(&before.recipient.key()) {
                let Message { due, together, .. } = before;
                let known = replaced.entry(before.recipient.key()).or_insert(Before { due, together });
                *known = Before { due: due.min(known.due), together: known.together.or(together) };
                over.push(before);
            } else {
                others |= !before.state.is_final();
            }
        }
        cancel(tx, at, &over, "a later word on the same took its place")?;
        if !others {
            tx.put(place, &InThread { waits: false })?;
        }
    }
    Ok(replaced)
}

/// What was replaced for somebody.
#[derive(Clone, Copy)]
pub(super) struct Before {
    pub due: DateTime<Utc>,
    pub together: Option<MessageId>,
}

/// Cancels what others wait for of an incident that another speaks for, when they are told of that: those who have heard nothing of it yet. They are noted as untold.
pub(super) fn hush(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    hush: &Hush,
    committed: &mut Committed,
) -> Result<(), Fault> {
    let people = People::new(hush.people.iter().map(|(mail, user)| (&**mail, *user, None)));
    let (mut heard, mut waiting) = (HashSet::new(), Vec::new());
    for (_, row) in notices(tx, &hush.thread, true)? {
        for message in messages(tx, &row)? {
            let Some(person) = people.recipient(&message.recipient) else { continue };
            match message.state {
                MessageState::Cancelled => {}
                MessageState::Queued if message.attempts == 0 => waiting.push((person, message)),
                _ => drop(heard.insert(person)),
            }
        }
    }
    waiting.retain(|(person, _)| !heard.contains(person));
    if waiting.is_empty() {
        return Ok(());
    }
    let why = format!("they are told of outage {}, of which this follows", hush.by);
    let (untold, over): (BTreeSet<&str>, Vec<Message>) = waiting.into_iter().unzip();
    cancel(tx, at, &over, &why)?;
    stop_asking(tx, hush, &people, &untold, committed)?;
    let place = number_key(Kind::Inhibited, hush.outage.0);
    let known: Option<Held> = tx.get(&place)?;
    let mailboxes = known
        .map(|held| held.mailboxes)
        .into_iter()
        .flatten()
        .chain(untold.into_iter().map(Into::into))
        .collect();
    let held = Held { by: hush.by, mailboxes };
    tx.put(place, &held)?;
    committed.inhibited.push((hush.outage, Some(held)));
    Ok(())
}

/// Whoever isn't told isn't asked to take it on; when that is everybody, it goes to nobody else either.
fn stop_asking(
    tx: &mut Tx<'_>,
    hush: &Hush,
    people: &People<'_>,
    untold: &BTreeSet<&str>,
    committed: &mut Committed,
) -> Result<(), Fault> {
    let place = key(Kind::Climb, hush.thread.0.as_bytes());
    let Some(mut climb) = tx.get::<Climb>(&place)?.filter(|climb| climb.end.is_none()) else {
        return Ok(());
    };
    let is_untold = |told: &Reached| {
        people.find(told.mail.as_ref(), told.user, None).is_some_and(|person| untold.contains(person))
    };
    climb.told.retain(|told| !is_untold(told));
    if climb.told.is_empty() {
        tx.delete(place);
        committed.unasked.push(hush.thread.clone());
    } else {
        tx.put(place, &climb)?;
        committed.climbs.push(climb);
    }
    Ok(())
}

/// When each of those who get a notice has a turn, by [`Recipient::key`].
pub(super) fn turns(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    new: &NewNotice,
) -> Result<HashMap<String, DateTime<Utc>>, Fault> {
    let mut turns = HashMap::new();
    let Some(limit) = new.per_hour else { return Ok(turns) };
    let people = new.recipients.iter().filter(|to| !to.is_place());
    let keys: Vec<String> = people.map(Recipient::key).collect();
    tx.expect(keys.iter().map(|to| key(Kind::Pace, to.as_bytes())).collect())?;
    let brief = quiet::has_its_time(&new.facts);
    for to in keys {
        if turns.contains_key(&to) {
            continue;
        }
        let place = key(Kind::Pace, to.as_bytes());
        let mut pace: Pace = tx.get(&place)?.unwrap_or_default();
        let wanted = new.held.get(&to).copied().unwrap_or(at);
        let turn = pace.take(wanted, limit, |turn| new.awake.next(&to, turn), at);
        // What would be over by then doesn't wait.
        if !brief || turn + quiet::TRIES < new.expires {
            tx.put(place, &pace)?;
            turns.insert(to, turn);
        }
    }
    Ok(turns)
}

fn cancel(tx: &mut Tx<'_>, at: DateTime<Utc>, over: &[Message], why: &str) -> Result<(), Fault> {
    together::expect_to_drop_out(tx, over)?;
    tx.expect(over.iter().map(|before| pace_of(&before.recipient)).collect())?;
    for before in over {
        let (state, answer) = (MessageState::Cancelled, Some(why.into()));
        tx.put_message(Some(before), &Message { state, changed: at, answer, ..before.clone() })?;
        drop_out(tx, at, before)?;
    }
    Ok(())
}

/// What isn't sent any more leaves with no others, and its turn is free, unless it is theirs.
pub(super) fn drop_out(tx: &mut Tx<'_>, at: DateTime<Utc>, before: &Message) -> Result<(), Fault> {
    let is_free = together::drop_out(tx, before)?;
    if is_free && before.attempts == 0 {
        give_back(tx, at, &before.recipient, before.due)?;
    }
    Ok(())
}

fn pace_of(to: &Recipient) -> Vec<u8> {
    key(Kind::Pace, to.key().as_bytes())
}

/// Gives a turn back that wasn't due at `at`, if it was one.
pub(super) fn give_back(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    to: &Recipient,
    turn: DateTime<Utc>,
) -> Result<(), Fault> {
    let place = pace_of(to);
    if turn > at
        && let Some(mut pace) = tx.get::<Pace>(&place)?
    {
        pace.give_back(turn);
        tx.put(place, &pace)?;
    }
    Ok(())
}
