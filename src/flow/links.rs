//! The links that a message carries, which do something for whoever got it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::core::Core;
pub use crate::channel::message::Links;
use crate::domain::link::{Link, LinkKey, Purpose};
use crate::domain::notice::{Facts, Message, Notice};
use crate::domain::subscriber::Subscriber;

/// How long somebody can be taken off by a link.
const UNSUBSCRIBE: TimeDelta = TimeDelta::days(3 * 365);

/// Where pages are found that links lead to, and what the links are signed with.
#[derive(Clone, Debug)]
pub struct Public {
    /// What the address of each begins with, without a slash at its end.
    pub url: Box<str>,
    /// The key.
    pub key: Arc<LinkKey>,
    /// How long a link holds.
    pub lives: TimeDelta,
    /// Whether everybody may ask there to be told of outages.
    pub subscribe: bool,
}

impl Public {
    /// The address of a link that is made at `now`.
    pub fn link(&self, purpose: Purpose, id: u64, now: DateTime<Utc>) -> String {
        // Who wants no more mails may say so for long (RFC 8058 §3.1 wants it to work for as long as the mail is there).
        let lives = if purpose == Purpose::Unsubscribe { UNSUBSCRIBE } else { self.lives };
        let expires = now.checked_add_signed(lives).unwrap_or(now);
        let folder = match purpose {
            Purpose::Acknowledge => "take-on",
            Purpose::Confirm => "confirm",
            Purpose::Unsubscribe => "unsubscribe",
        };
        format!("{}/{folder}/{}", self.url, self.key.sign(&Link { purpose, id, expires }))
    }
}

/// What a message has that others of its notice haven't.
pub fn of(core: &Core, notice: &Notice, message: &Message) -> Links {
    let (view, settings, now) = (core.view(), core.settings(), core.now());
    let asks = matches!(notice.facts, Facts::Climbed(_)) || settings.climbing.asks(&notice.facts);
    let outside = Subscriber::of_why(&message.recipient.why).is_some();
    let waits = asks && !outside && view.climbs.contains_key(&notice.thread);
    let link = |public: &Public| public.link(Purpose::Acknowledge, message.id.0, now);
    let take_on = waits.then(|| (notice.id, settings.public.as_ref().map(link)));
    let made = |purpose| {
        let subscriber = Subscriber::of_why(&message.recipient.why)?;
        settings.public.as_ref().map(|public| public.link(purpose, subscriber.0, now))
    };
    let asked = matches!(notice.facts, Facts::Subscribe { .. });
    let (confirm, unsubscribe) =
        if asked { (made(Purpose::Confirm), None) } else { (None, made(Purpose::Unsubscribe)) };
    Links { take_on, confirm, unsubscribe }
}
