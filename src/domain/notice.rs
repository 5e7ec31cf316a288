//! What must be told, to whom, and how far it has come.

mod about;
mod climbed;
mod kind;
mod new;
mod news;
mod outage;

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::alert::Trouble;
use super::alert::lasting::Lasting;
use super::contacts::{self, Contact};
use super::delta::ObjectChange;
use super::duties::Duties;
use super::guard::HoldReason;
use super::ids::{ChannelName, DirectoryName, MessageId, NoticeId, RunId, SubscriberId, UserId};
use super::mailbox::Address;
use super::outage::Incident;
use super::outage::said::PlainUpdate;
use super::roles::RoleName;
use super::warning::Due;

pub use climbed::Climbed;
pub use kind::{NoticeKind, Priority};
pub use new::{Hush, NewNotice, Replaces};
pub use news::{ContactNews, ContactSummary, Fallback, NewsFacts, Part, RoleSum, UnitsAt, units_at};
pub use outage::{About, Corrected, OutageWord, PlanTold};

/// The event a notice speaks of. There is one notice for an event, however often it is handed in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventKey(pub Box<str>);

impl std::fmt::Display for EventKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The facts of a notice, as they were when it was decided. Its text is made from them when it is sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facts {
    /// An incident was opened, updated or resolved: its last update says which. Told so before there was [`Facts::OutageWord`].
    Outage {
        /// The outage as of that update, with the updates up to then (of long ones, the last few).
        outage: Incident,
        /// How many updates there were before those.
        earlier: u32,
        /// The names of the units concerned.
        units: Vec<Box<str>>,
    },
    /// A directory's sync is in trouble.
    SyncTrouble(SyncTrouble),
    /// A directory's sync is well again.
    SyncRecovered {
        /// Which directory.
        directory: DirectoryName,
        /// What was wrong.
        trouble: Trouble,
        /// Since when that had been told.
        since: DateTime<Utc>,
        /// When a run ended well.
        at: DateTime<Utc>,
    },
    /// A damaged store was put aside and rebuilt.
    StoreRebuilt {
        /// What was noticed.
        damage: Box<str>,
        /// The last export it was rebuilt from, None when there was none.
        export_from: Option<DateTime<Utc>>,
        /// Where the damaged store lies.
        aside: Box<str>,
    },
    /// Somebody wants to know whether mail arrives.
    Test {
        /// Who asked.
        by: Box<str>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Something that the sync of a directory needs ends soon, or has ended: a password, an account, a certificate.
    Ending {
        /// Which directory.
        directory: DirectoryName,
        /// What, and when.
        due: Due,
    },
    /// A period that is watched is near: where it isn't covered, or that it is.
    Coverage(CoverageFacts),
    /// Contacts are others now, as far as it concerns one person.
    ContactNews(ContactNews),
    /// The same of everybody, when they are too many to be told.
    ContactSummary(ContactSummary),
    /// What somebody is contact for.
    Duties(Box<Duties>),
    /// An incident or maintenance was told of. Told so before it was kept what the system says; read as [`Facts::OutageWord`].
    OutageTold(Box<OutageWord<PlainUpdate>>),
    /// A channel works for nobody.
    ChannelBroken {
        /// Which channel.
        channel: ChannelName,
        /// Since when.
        since: DateTime<Utc>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// A channel that worked for nobody works again.
    ChannelWorks {
        /// Which channel.
        channel: ChannelName,
        /// Since when it hadn't.
        since: DateTime<Utc>,
        /// When something was accepted again.
        at: DateTime<Utc>,
    },
    /// Messages that were given up: they will reach nobody.
    Undelivered(UndeliveredFacts),
    /// A notice that nobody has taken on.
    Climbed(Box<Climbed>),
    /// What lasts though it is too small to alert.
    Lasting {
        /// The longest first.
        lasting: Vec<Lasting>,
        /// How many more there are.
        more: u32,
    },
    /// Somebody outside is asked whether they want to be told of outages.
    Subscribe {
        /// Their number.
        subscriber: SubscriberId,
    },
    /// Many more objects of a directory are set aside than was told.
    Quarantine(QuarantineFacts),
    /// They aren't so many any more.
    QuarantineOver {
        /// Which directory.
        directory: DirectoryName,
        /// How many there are.
        objects: u32,
        /// Since when it had been told.
        since: DateTime<Utc>,
    },
    /// An incident or maintenance was told of: its last update says what.
    OutageWord(Box<OutageWord>),
}

/// What there is to say of objects that are set aside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuarantineFacts {
    /// Of which directory.
    pub directory: DirectoryName,
    /// How many there are.
    pub objects: u32,
    /// How many there were when it was last told.
    pub before: u32,
    /// The run that found it.
    pub run: RunId,
    /// The first of those that are new: a name as far as it is known, and what is wrong.
    pub some: Vec<(Box<str>, Box<str>)>,
}

/// What there is to say of messages that were given up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UndeliveredFacts {
    /// After when they were given up.
    pub since: DateTime<Utc>,
    /// The first of them.
    pub messages: Vec<Undelivered>,
    /// How many more there are.
    pub more: u32,
}

/// A message that was given up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Undelivered {
    /// Which.
    pub message: MessageId,
    /// By which channel.
    pub channel: ChannelName,
    /// To whom: a name and, if there is one, an address.
    pub to: Box<str>,
    /// What it was about, in a few words.
    pub about: Box<str>,
    /// Refused for good, or not accepted in time.
    pub state: MessageState,
    /// What the other side last said.
    pub answer: Box<str>,
}

/// What there is to say of a period that is near.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CoverageFacts {
    /// What the period is called.
    pub period: Box<str>,
    /// Its first day.
    pub first: NaiveDate,
    /// Its last day.
    pub last: NaiveDate,
    /// Where it isn't covered; empty: it is, everywhere.
    pub gaps: Vec<Gap>,
    /// How many more there are.
    pub more: u32,
}

/// A unit that isn't covered in a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Gap {
    /// Which role.
    pub role: RoleName,
    /// The path of the unit; None for a role of the whole organisation. What [`Gap::of_directory`] makes of the name of a directory, for a role of
    /// these: [`Gap::place`] tells them apart.
    pub unit: Option<Box<str>>,
    /// So many units below it are covered in the same way.
    pub below: u32,
    /// So many should be there.
    pub minimum: u16,
    /// When it isn't covered, the first of it.
    pub days: Vec<GapDays>,
    /// How many more such runs of days there are.
    pub more: u32,
    /// Who of the unit could be asked: account and name.
    pub could: Vec<(Box<str>, Box<str>)>,
}

/// What isn't covered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GapPlace<'a> {
    /// The whole organisation.
    Organisation,
    /// The unit of a path.
    Unit(&'a str),
    /// The directory of a name.
    Directory(&'a str),
}

/// Stands before the name of a directory. No path begins so: what is read of a directory has no control characters.
const DIRECTORY: char = '\u{1f}';

impl Gap {
    /// What [`Gap::unit`] is for a directory: the records of notices that are stored have no place of its own for it.
    pub fn of_directory(name: &DirectoryName) -> Box<str> {
        format!("{DIRECTORY}{name}").into()
    }

    /// What isn't covered.
    pub fn place(&self) -> GapPlace<'_> {
        match self.unit.as_deref() {
            None => GapPlace::Organisation,
            Some(text) => text.strip_prefix(DIRECTORY).map_or(GapPlace::Unit(text), GapPlace::Directory),
        }
    }
}

/// Days in a row on which too few are there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GapDays {
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
    /// Who is there.
    pub there: Vec<Box<str>>,
    /// Who would be, and why they aren't.
    pub missing: Vec<Box<str>>,
}

/// What there is to say of a sync in trouble.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyncTrouble {
    /// Which directory.
    pub directory: DirectoryName,
    /// What is wrong.
    pub trouble: Trouble,
    /// Which reminder this is; 0: the first word.
    pub reminder: u32,
    /// Since when it has been told.
    pub since: DateTime<Utc>,
    /// When a run last ended well.
    pub last_good: Option<DateTime<Utc>>,
    /// How many runs in a row failed.
    pub failures: u32,
    /// What the last failed run said.
    pub error: Option<Box<str>>,
    /// The held run and what it would do.
    pub held: Option<HeldFacts>,
}

/// What a held run would do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldFacts {
    /// Which run.
    pub run: RunId,
    /// Why it is held.
    pub reasons: Vec<HoldReason>,
    /// The first of the removals.
    pub changes: Vec<ObjectChange>,
    /// How many more there are.
    pub more: u32,
}

/// A notice: what must be told about one event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Its number.
    pub id: NoticeId,
    /// Its event.
    pub event: EventKey,
    /// The event whose messages it follows in a thread; its own for the first.
    pub thread: EventKey,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Not sent any more after this.
    pub expires: DateTime<Utc>,
    /// What there is to say.
    pub facts: Facts,
}

/// Who gets a message, and by which channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recipient {
    /// Name to show.
    pub name: Box<str>,
    /// Where to write to; none for a place, such as a team's channel.
    pub mail: Option<Address>,
    /// Where to send a text message, as it is in the directory.
    pub phone: Option<Box<str>>,
    /// Why this person: the role, and for whom they stand in.
    pub why: Box<str>,
    /// By which channel.
    pub channel: ChannelName,
    /// Which user this is, for the language that they are written to in. None: somebody outside, or a place, or it wasn't noted.
    pub user: Option<UserId>,
    /// Which subscriber this is, who can be taken off. None: they get it for another reason.
    pub subscriber: Option<SubscriberId>,
}

impl Recipient {
    /// A contact as a recipient.
    pub fn from_contact(contact: &Contact) -> Recipient {
        let why = contacts::named(&contact.role.0, contact.deputy_for.as_deref());
        let phone = contact.number();
        let user = contact.user;
        Recipient { phone, user, ..Recipient::by_mail(contact.name.clone(), contact.mail.clone(), why) }
    }

    /// Somebody who is written a mail, because of `why`.
    pub fn by_mail(name: impl Into<Box<str>>, mail: Address, why: impl Into<Box<str>>) -> Recipient {
        Recipient {
            name: name.into(),
            mail: Some(mail),
            phone: None,
            why: why.into(),
            channel: ChannelName::mail(),
            user: None,
            subscriber: None,
        }
    }

    /// Whoever is at the other end of a channel.
    pub fn place(channel: ChannelName) -> Recipient {
        let name = (&*channel.0).into();
        Recipient {
            name,
            mail: None,
            phone: None,
            why: Box::default(),
            channel,
            user: None,
            subscriber: None,
        }
    }

    /// Whether it is a place where people read what they like, and nobody by themselves.
    pub fn is_place(&self) -> bool {
        self.mail.is_none() && self.phone.is_none()
    }

    /// What two recipients are compared by: nobody gets a message twice by one channel.
    pub fn key(&self) -> String {
        let to = match (&self.mail, &self.phone) {
            (Some(mail), _) => mail.key(),
            (None, Some(phone)) => phone.to_string(),
            (None, None) => String::new(),
        };
        // As it was when there was only mail: a repeat keeps its Message-ID over an upgrade.
        if self.channel.is_mail() { to } else { format!("{}\n{to}", self.channel) }
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.mail, &self.phone) {
            (Some(mail), _) => mail.fmt(f),
            (None, Some(phone)) => phone.fmt(f),
            (None, None) => self.name.fmt(f),
        }
    }
}

/// How far a message has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Not tried yet.
    Queued,
    /// Somebody is sending it, until the claim runs out.
    Sending,
    /// The other side has taken responsibility.
    Sent,
    /// Tried; will be tried again.
    Deferred,
    /// Will never be accepted.
    Failed,
    /// Was not accepted in time.
    Expired,
    /// An operator cancelled it.
    Cancelled,
}

impl MessageState {
    /// Whether nothing more will happen to it by itself.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            MessageState::Sent | MessageState::Failed | MessageState::Expired | MessageState::Cancelled
        )
    }
}

impl std::fmt::Display for MessageState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            MessageState::Queued => "queued",
            MessageState::Sending => "sending",
            MessageState::Sent => "sent",
            MessageState::Deferred => "deferred",
            MessageState::Failed => "failed",
            MessageState::Expired => "expired",
            MessageState::Cancelled => "cancelled",
        })
    }
}

/// A notice for one recipient on one channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// Which notice.
    pub notice: NoticeId,
    /// Who gets it, and how.
    pub recipient: Recipient,
    /// What goes before others of the same channel.
    pub priority: Priority,
    /// How far it has come.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was enqueued.
    pub at: DateTime<Utc>,
    /// When it is due, or the claim of who sends it runs out.
    pub due: DateTime<Utc>,
    /// When it came to its last state.
    pub changed: DateTime<Utc>,
    /// What the other side last said, or why it wasn't reached.
    pub answer: Option<Box<str>>,
    /// The first of the messages that leave together with this one, as one mail, while they all wait. None: it leaves by itself.
    pub together: Option<MessageId>,
}

impl Message {
    /// What is the same for those that leave together: the number of the first of them.
    pub fn mail_number(&self) -> MessageId {
        self.together.unwrap_or(self.id)
    }

    /// Whether two of those that are to leave together do: both wait for the same moment, or came to the same at the same moment.
    pub fn leaves_with(&self, other: &Message) -> bool {
        let same = match (self.state, other.state) {
            (MessageState::Cancelled | MessageState::Expired, _) => false,
            (state, others) if state.is_final() => (state, self.changed) == (others, other.changed),
            (_, others) => !others.is_final() && self.due == other.due,
        };
        same && self.together.is_some() && self.together == other.together
    }
}

/// What stands for the events of messages in one mail: the same for the same messages, whichever comes first.
pub fn together(messages: impl IntoIterator<Item = MessageId>) -> EventKey {
    let messages: std::collections::BTreeSet<MessageId> = messages.into_iter().collect();
    let numbers: Vec<String> = messages.iter().map(ToString::to_string).collect();
    EventKey(format!("together/{}", numbers.join("+")).into())
}

/// The `Message-ID` (RFC 5322 §3.6.4) of an event's message to one recipient by one channel: fixed before the first try, the same in every
/// repeat, and never equal for two events, two recipients or two installations (`instance` is a random number of the store).
///
/// `domain` stands right of the `@`; an international one in its ASCII form (RFC 5890), since `Message-ID` is ASCII.
pub fn message_id(instance: u64, event: &EventKey, to: &Recipient, domain: &str) -> String {
    let text = format!("{instance:016x}\n{}\n{}", event.0, to.key());
    format!(
        "<budkavle.{:016x}.{:016x}@{}>",
        xxh3_64(event.0.as_bytes()) ^ instance,
        xxh3_64(text.as_bytes()),
        id_right(domain)
    )
}

/// A domain in the form of RFC 5322's `dot-atom-text`; `budkavle.invalid` (RFC 2606) for what is no domain.
fn id_right(domain: &str) -> Cow<'_, str> {
    let is_atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_dot_atom =
        |text: &str| text.len() <= 253 && text.split('.').all(|a| !a.is_empty() && a.chars().all(is_atext));
    if is_dot_atom(domain) {
        return Cow::Borrowed(domain);
    }
    let ascii = idna::domain_to_ascii(domain).ok().filter(|ascii| is_dot_atom(ascii));
    ascii.map_or(Cow::Borrowed("budkavle.invalid"), Cow::Owned)
}

/// Recipients with each address once by a channel, the first reason kept.
pub fn once_each(recipients: impl IntoIterator<Item = Recipient>) -> Vec<Recipient> {
    let mut seen = HashSet::new();
    recipients.into_iter().filter(|r| seen.insert(r.key())).collect()
}

#[cfg(test)]
mod tests;
