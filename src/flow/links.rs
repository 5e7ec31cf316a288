//! The links that a message carries, which do something for whoever got it.

use chrono::{DateTime, TimeDelta, Utc};

use super::climb;
use super::core::Core;
pub use crate::channel::message::Links;
use crate::domain::bounce::ReturnKey;
use crate::domain::link::{Link, LinkKey, Purpose};
use crate::domain::notice::{Facts, Message, Notice};
use crate::domain::subscriber;
use crate::store::StoreError;

/// How long somebody can be taken off by a link.
const UNSUBSCRIBE: TimeDelta = TimeDelta::days(3 * 365);

/// Where pages are found that links lead to.
#[derive(Clone, Debug)]
pub struct Public {
    /// What the address of each begins with, without a slash at its end.
    pub url: Box<str>,
    /// How long a link holds.
    pub lives: TimeDelta,
    /// Whether everybody may ask there to be told of outages.
    pub subscribe: bool,
}

impl Public {
    /// The address of a link that is made at `now`.
    fn link(&self, key: &LinkKey, purpose: Purpose, id: u64, now: DateTime<Utc>) -> String {
        // Who wants no more mails may say so for long (RFC 8058 §3.1 wants it to work for as long as the mail is there).
        let lives = if purpose == Purpose::Unsubscribe { UNSUBSCRIBE } else { self.lives };
        let expires = now.checked_add_signed(lives).unwrap_or(now);
        let folder = match purpose {
            Purpose::Acknowledge => "take-on",
            Purpose::Confirm => "confirm",
            Purpose::Unsubscribe => "unsubscribe",
        };
        format!("{}/{folder}/{}", self.url, key.sign(&Link { purpose, id, expires }))
    }
}

/// What a message has that others of its notice haven't.
///
/// # Errors
/// The store: whether it asks can't be told.
pub async fn of(core: &Core, notice: &Notice, message: &Message) -> Result<Links, StoreError> {
    let (view, settings, now) = (core.view(), core.settings(), core.now());
    // One that isn't in the view may be so new that it isn't there yet.
    let by_itself = match &notice.facts {
        Facts::OutageWord(word) => {
            word.demands() && view.outages.get(&word.id).is_none_or(|outage| outage.ack)
        }
        _ => false,
    };
    let asks =
        matches!(notice.facts, Facts::Climbed(_)) || by_itself || settings.climbing.asks(&notice.facts);
    let to = &message.recipient;
    let subscriber = to.subscriber;
    // Not everybody in a room may speak for it.
    let waits = asks && !to.is_place() && subscriber.is_none() && climb::waits(core, notice).await?;
    let public = settings.public.as_ref().zip(view.return_key.as_ref().map(ReturnKey::for_links));
    let made = |purpose, id| public.as_ref().map(|(public, key)| public.link(key, purpose, id, now));
    let take_on = waits.then(|| (notice.id, made(Purpose::Acknowledge, message.id.0)));
    let asked = matches!(notice.facts, Facts::Subscribe { .. });
    let confirm = subscriber.filter(|_| asked).and_then(|id| made(Purpose::Confirm, id.0));
    let mailbox = to.mail.as_ref().filter(|_| subscriber.is_some() && !asked);
    let unsubscribe = mailbox.and_then(|mail| made(Purpose::Unsubscribe, subscriber::mailbox_number(mail)));
    Ok(Links { take_on, confirm, unsubscribe })
}
