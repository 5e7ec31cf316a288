//! What waits for the same recipient leaves as one mail.

use chrono::{DateTime, Utc};

use crate::domain::ids::MessageId;
use crate::domain::notice::{Message, NewNotice, Recipient};

use super::super::records::{Gathering, Kind, Together, key, number_key};
use super::trouble::{Fault, Trouble};
use super::tx::Tx;

/// So many leave as one mail at the most: it is to be read.
const MOST: usize = 25;

/// A message of `new` that would be due at `due` may leave with others that wait for `to`: when, and which is the first of them. What doesn't wait, or
/// stands by itself, joins nothing.
pub(super) fn join(
    tx: &mut Tx<'_>,
    at: DateTime<Utc>,
    new: &NewNotice,
    to: &Recipient,
    (due, id): (DateTime<Utc>, MessageId),
) -> Result<Option<(DateTime<Utc>, MessageId)>, Fault> {
    if !new.together || due <= at || !to.channel.is_mail() || to.mail.is_none() {
        return Ok(None);
    }
    let place = key(Kind::Gathering, to.key().as_bytes());
    let Gathering(mut groups) = tx.get(&place)?.unwrap_or_default();
    groups.retain(|(leaves, _)| at < *leaves);
    let latest = groups.iter().filter(|(leaves, _)| *leaves <= due).max();
    if let Some((leaves, first)) = latest.copied() {
        let of = number_key(Kind::Together, first.0);
        let Together(mut all) = tx.get(&of)?.unwrap_or_default();
        if (1..MOST).contains(&all.len()) {
            all.push(id);
            tx.put(of, &Together(all))?;
            return Ok(Some((leaves, first)));
        }
    }
    groups.push((due, id));
    tx.put(place, &Gathering(groups))?;
    tx.put(number_key(Kind::Together, id.0), &Together(vec![id]))?;
    Ok(Some((due, id)))
}

/// The others that leave with a message, as far as they are still there.
pub(super) fn others(tx: &Tx<'_>, message: &Message) -> Result<Vec<Message>, Trouble> {
    let Some(first) = message.together else { return Ok(Vec::new()) };
    let all: Option<Together> = tx.get(&number_key(Kind::Together, first.0))?;
    let all = all.map(|Together(all)| all).unwrap_or_default();
    let keys: Vec<Vec<u8>> = all
        .into_iter()
        .filter(|other| *other != message.id)
        .map(|other| number_key(Kind::Message, other.0))
        .collect();
    tx.expect(keys.clone())?;
    keys.iter().filter_map(|key| tx.get(key).transpose()).collect()
}
