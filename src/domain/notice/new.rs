//! A notice on its way into the outbox: who gets it, when, and what it does to others.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{EventKey, Facts, Recipient};
use crate::domain::climb::Climb;
use crate::domain::ids::{OutageId, UserId};
use crate::domain::outage::inhibit::Held;
use crate::domain::quiet::Awake;

/// A notice that is to be enqueued, with those who get it: each address once by a channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewNotice {
    /// Its event.
    pub event: EventKey,
    /// The event whose messages it follows.
    pub thread: EventKey,
    /// Not sent any more after this.
    pub expires: DateTime<Utc>,
    /// What it says isn't so from then on: it isn't sent any more, however long others are tried. None: it stays so.
    pub true_until: Option<DateTime<Utc>>,
    /// What there is to say.
    pub facts: Facts,
    /// Who gets it. May be empty: then nobody could be found, and the notice is kept to show that.
    pub recipients: Vec<Recipient>,
    /// Whether others of the same kind say something else to others, so that it belongs into no place where all read it. Some kinds always do
    /// ([`NoticeKind::is_personal`](super::NoticeKind::is_personal)).
    pub personal: bool,
    /// Which earlier notices of its thread it takes the place of, for whoever gets it.
    pub replaces: Replaces,
    /// Until when it waits for some of the recipients, by [`Recipient::key`].
    pub held: BTreeMap<String, DateTime<Utc>>,
    /// The nights of those whom it doesn't wake: their turn comes in none, either.
    pub awake: Awake,
    /// So many that have such a limit may be sent to a recipient within an hour; what is too much waits. None: it doesn't count.
    pub per_hour: Option<u32>,
    /// Whether it may stand in one mail with others that wait for the same recipient.
    pub together: bool,
    /// Incidents that aren't told to those who get this, since this speaks for them.
    pub hushes: Vec<Hush>,
    /// Whether it asks to be taken on whatever the policy says of its kind.
    pub asks: bool,
    /// The outage that it speaks of, when it is an incident, and who isn't told of it since another speaks for it.
    pub inhibited: Option<(OutageId, Option<Held>)>,
    /// Its way up, when it asks to be taken on.
    pub climb: Option<Box<Climb>>,
}

impl NewNotice {
    /// What begins a thread of its own, belongs into every place where people read it, and takes the place of nothing.
    pub fn new(
        event: EventKey,
        facts: Facts,
        recipients: Vec<Recipient>,
        expires: DateTime<Utc>,
    ) -> NewNotice {
        let (thread, personal, replaces) = (event.clone(), false, Replaces::Nothing);
        let (held, climb, inhibited) = (BTreeMap::new(), None, None);
        let (per_hour, together, hushes, asks) = (None, false, Vec::new(), false);
        NewNotice {
            event,
            thread,
            expires,
            true_until: None,
            facts,
            recipients,
            personal,
            replaces,
            held,
            awake: Awake::default(),
            per_hour,
            together,
            hushes,
            asks,
            inhibited,
            climb,
        }
    }
}

/// What of earlier notices of the same thread isn't sent any more to whoever gets a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replaces {
    /// All of it is.
    Nothing,
    /// What waits for the morning, for more, or for its turn.
    Held,
    /// What wasn't accepted yet: it isn't true any more.
    Waiting,
}

/// An incident that another speaks for: whoever is told of that, and has heard nothing of this yet, isn't told of this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hush {
    /// The incident.
    pub outage: OutageId,
    /// Its thread.
    pub thread: EventKey,
    /// The one that speaks for it.
    pub by: OutageId,
    /// Who is told of that: what their mailbox is compared by, and who they are, if that is known.
    pub people: Vec<(String, Option<UserId>)>,
}
