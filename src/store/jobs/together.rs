//! What waits for the same recipient leaves as one mail.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::domain::ids::MessageId;
use crate::domain::notice::{Message, NewNotice, Recipient};

use super::super::records::{Gathering, Kind, Together, key, number_key};
use super::trouble::{Fault, Trouble};
use super::tx::Tx;

/// So many leave as one mail at the most: it is to be read.
const MOST: usize = 25;

/// What waits for those who get `new` will be asked for.
pub(super) fn expect(tx: &Tx<'_>, at: DateTime<Utc>, new: &NewNotice) -> Result<(), Trouble> {
    let to = new.recipients.iter().filter(|to| new.together && to.channel.is_mail());
    let places: Vec<Vec<u8>> = to.map(place_of).collect();
    tx.expect(places.clone())?;
    let mut groups = Vec::new();
    for place in places {
        groups.extend(groups_at(tx, &place, at)?.into_iter().map(|(_, first)| key_of(first)));
    }
    tx.expect(groups)
}

/// A message of `new` that would be due at `due` may leave with others that wait for `to`, if it can with those of `wanted`: when, and what they are called.
/// What doesn't wait, or stands by itself, joins nothing.
pub(super) fn join(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    new: &NewNotice,
    to: &Recipient,
    (due, id): (DateTime<Utc>, MessageId),
    wanted: Option<MessageId>,
) -> Result<Option<(DateTime<Utc>, MessageId)>, Fault> {
    if !new.together || due <= at || !to.channel.is_mail() || to.mail.is_none() {
        return Ok(None);
    }
    let place = place_of(to);
    let mut groups = groups_at(tx, &place, at)?;
    let latest = groups.iter().filter(|(leaves, _)| *leaves <= due);
    let latest = latest.max_by_key(|(leaves, first)| (Some(*first) == wanted, *leaves, *first));
    if let Some((leaves, first)) = latest.copied() {
        let mut all = members(tx, first)?;
        if (1..MOST).contains(&all.len()) {
            all.push(id);
            tx.put(key_of(first), &Together(all))?;
            return Ok(Some((leaves, first)));
        }
    }
    groups.push((due, id));
    tx.put(place, &Gathering(groups))?;
    tx.put(key_of(id), &Together(vec![id]))?;
    Ok(Some((due, id)))
}

/// A message that waits doesn't leave with the others any more. Whether its turn is nobody's now.
pub(super) fn drop_out(tx: &mut Tx<'_>, message: &Message) -> Result<bool, Fault> {
    let Some(first) = message.together else { return Ok(true) };
    let mut all = members(tx, first)?;
    all.retain(|other| *other != message.id);
    if !all.is_empty() {
        tx.put(key_of(first), &Together(all))?;
        return Ok(false);
    }
    tx.delete(key_of(first));
    let place = place_of(&message.recipient);
    if let Some(Gathering(mut groups)) = tx.get(&place)? {
        groups.retain(|(_, known)| *known != first);
        tx.put(place, &Gathering(groups))?;
    }
    Ok(true)
}

/// Some messages won't leave with others any more: what [`drop_out`] looks at will be asked for.
pub(super) fn expect_to_drop_out(tx: &Tx<'_>, messages: &[Message]) -> Result<(), Trouble> {
    let grouped = || messages.iter().filter_map(|message| Some((message, message.together?)));
    let mut keys: Vec<Vec<u8>> = grouped().map(|(_, first)| key_of(first)).collect();
    keys.extend(grouped().map(|(message, _)| place_of(&message.recipient)));
    keys.sort_unstable();
    keys.dedup();
    tx.expect(keys)
}

/// Those that were to leave as one mail, of which this was the first, don't.
pub(super) fn take_apart(tx: &mut Tx<'_>, first: MessageId) {
    tx.delete(key_of(first));
}

/// The others that leave with a message, as far as they are still there.
pub(super) fn others(tx: &Tx<'_>, message: &Message) -> Result<Vec<Message>, Trouble> {
    let Some(first) = message.together else { return Ok(Vec::new()) };
    let mut keys = message_keys(tx, first)?;
    keys.retain(|key| *key != number_key(Kind::Message, message.id.0));
    tx.expect(keys.clone())?;
    read(tx, &keys)
}

/// What leaves together with some messages, themselves included. Nobody is waited for: what somebody else has in hand isn't there, nor is what leaves with it.
pub(super) fn mails<'m>(
    tx: &Tx<'_>,
    messages: impl Iterator<Item = &'m Message>,
) -> Result<HashMap<MessageId, Vec<Message>>, Trouble> {
    let firsts: BTreeSet<MessageId> = messages.filter_map(|message| message.together).collect();
    if firsts.is_empty() {
        return Ok(HashMap::new());
    }
    tx.expect(firsts.iter().copied().map(key_of).collect())?;
    let mut mails = Vec::new();
    for first in firsts {
        mails.push((first, message_keys(tx, first)?));
    }
    let taken = tx.take(mails.iter().flat_map(|(_, keys)| keys).cloned().collect())?;
    mails.retain(|(_, keys)| !keys.iter().any(|key| taken.contains(key)));
    mails.into_iter().map(|(first, keys)| Ok((first, read(tx, &keys)?))).collect()
}

/// What waits together for a recipient, and hasn't left by `at`.
fn groups_at(
    tx: &Tx<'_>,
    place: &[u8],
    at: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, MessageId)>, Trouble> {
    let Gathering(mut groups) = tx.get(place)?.unwrap_or_default();
    groups.retain(|(leaves, _)| at < *leaves);
    Ok(groups)
}

fn members(tx: &Tx<'_>, first: MessageId) -> Result<Vec<MessageId>, Trouble> {
    let Together(all) = tx.get(&key_of(first))?.unwrap_or_default();
    Ok(all)
}

fn message_keys(tx: &Tx<'_>, first: MessageId) -> Result<Vec<Vec<u8>>, Trouble> {
    Ok(members(tx, first)?.into_iter().map(|id| number_key(Kind::Message, id.0)).collect())
}

/// Those that are still there.
fn read(tx: &Tx<'_>, keys: &[Vec<u8>]) -> Result<Vec<Message>, Trouble> {
    keys.iter().filter_map(|key| tx.get(key).transpose()).collect()
}

fn place_of(to: &Recipient) -> Vec<u8> {
    key(Kind::Gathering, to.key().as_bytes())
}

fn key_of(first: MessageId) -> Vec<u8> {
    number_key(Kind::Together, first.0)
}
