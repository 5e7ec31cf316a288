//! What is written: the kinds of records, their keys, and their bytes. Shared by the store and its backups.
//!
//! The bytes of a record are its schema version (u16, big-endian) and its body, the domain's value in postcard. Postcard doesn't say what
//! it holds: it can't be read with a changed struct. So **a record is never changed**: when the test
//! `the_bytes_of_every_record_are_frozen` fails, copy the old shape of the struct to this module, raise the record's schema, and make
//! `parse` read both. (It can't read enums with a tag inside, `#[serde(tag = …)]`, either; the test fails for those, too.)

mod keys;
mod message;
mod old;
mod together;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use crate::domain::absence::Absence;
use crate::domain::absence::source::TakenCalendar;
use crate::domain::alert::Health;
use crate::domain::alert::lasting::Seen;
use crate::domain::audit;
use crate::domain::bounce::{Mark, ReturnKey};
use crate::domain::changes::{ChangeAt, open};
use crate::domain::climb::Climb;
use crate::domain::coverage::watch::Told;
use crate::domain::delivery::Delivery;
use crate::domain::delta::ObjectChange;
use crate::domain::directory::{Container, Group, Quarantined, Unit, User};
use crate::domain::entitled::GivenOut;
use crate::domain::gone::Gone;
use crate::domain::ids::{DirectoryName, Guid, MessageId, NoticeId, RunId};
use crate::domain::intake::heartbeat::Beat;
use crate::domain::intake::{Followed, TakenFeed};
use crate::domain::lists::TakenList;
use crate::domain::notice::{Message, Notice};
use crate::domain::outage::inhibit::Held;
use crate::domain::outage::{Incident, Outage};
use crate::domain::pace::Pace;
use crate::domain::roles::Assignment;
use crate::domain::run::{Cursor, HeldRun, Run};
use crate::domain::silence::Silence;
use crate::domain::subject::Subject;
use crate::domain::subscriber::Subscriber;
use crate::domain::undo::{Step, Veto};

pub(crate) use keys::{
    attempt_key, audit_time, followed_key, key, number_key, number_of, past_key, run_of_key, runs_of,
    steps_key, thread_key, threads_of, time_key,
};

pub(crate) use together::{Gathering, Together};

use super::types::AttemptLog;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $byte:literal $name:literal),+ $(,)?) => {
        /// A kind of records. Its number is the first byte of their keys, for good.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub(crate) enum Kind { $($(#[$doc])* $kind = $byte),+ }

        impl Kind {
            /// Every kind.
            pub(crate) const ALL: &'static [Kind] = &[$(Kind::$kind),+];

            /// The kind with this number.
            pub(crate) fn from_byte(byte: u8) -> Option<Kind> {
                match byte { $($byte => Some(Kind::$kind),)+ _ => None }
            }

            /// What it is called for people.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),+ }
            }
        }
    };
}

kinds! {
    /// The random number of the installation. No key.
    Instance = 0x10 "instance",
    /// The last number that was handed out. Key: [`Numbers`] as one byte.
    Numbers = 0x11 "numbers",
    /// Users, several to a record. Key: [`bucket`].
    Users = 0x20 "users",
    /// Units, several to a record. Key: [`bucket`].
    Units = 0x21 "units",
    /// Groups, several to a record. Key: [`bucket`].
    Groups = 0x22 "groups",
    /// Containers, several to a record. Key: [`bucket`].
    Containers = 0x23 "containers",
    /// What is gone, several to a record. Key: [`bucket`].
    Gone = 0x24 "gone objects",
    /// An assignment. Key: its number.
    Assignment = 0x30 "assignments",
    /// An absence. Key: its number.
    Absence = 0x31 "absences",
    /// An outage, open or over. Key: its number.
    Outage = 0x32 "outages",
    /// The last good list of people that somebody else keeps. Key: its name.
    List = 0x36 "lists",
    /// What was last given out of those who hold some roles. Key: [`GivenOut::key`].
    GivenOut = 0x37 "given-out lists",
    /// What was last taken of a calendar with absences. Key: its name.
    AbsenceSource = 0x3a "absence sources",
    /// What was last read of a vendor's status page. Key: its name.
    Feed = 0x90 "status pages",
    /// How far something is followed that others tell. Key: [`followed_key`].
    Followed = 0x91 "followed reports",
    /// The last sign of life of a job. Key: its name.
    Beat = 0x92 "signs of life",
    /// Which warning was told last of a period that is watched. Key: its name.
    CoverageTold = 0x33 "coverage warnings",
    /// What somebody answers for that is no unit. Key: its name.
    Subject = 0x38 "subjects",
    /// A directory's health. Key: its name.
    Health = 0x40 "health of directories",
    /// What was last read of a directory. Key: its name.
    Cursor = 0x41 "cursors of directories",
    /// The run of a directory that waits for approval. Key: the directory's name.
    Held = 0x42 "held runs",
    /// What has been undone of a directory. Key: its name.
    Vetoes = 0x43 "vetoes of directories",
    /// What of the configuration answers depended on last. No key.
    Arranged = 0x4a "configurations",
    /// A run. Key: its number.
    Run = 0x50 "runs",
    /// What a run changed. Key: the run's number.
    RunChanges = 0x51 "changes of runs",
    /// What a run set aside. Key: the run's number.
    RunQuarantine = 0x52 "quarantines of runs",
    /// Which runs a directory had. Key: [`run_of_key`]. No body.
    RunOf = 0x53 "runs by directory",
    /// Objects as they were before a run, several to a record. Key: [`steps_key`].
    RunSteps = 0x54 "objects before runs",
    /// A notice, and which messages it has. Key: its number.
    Notice = 0x60 "notices",
    /// The notice of an event. Key: the event.
    NoticeOf = 0x61 "notices by event",
    /// A message. Key: its number.
    Message = 0x62 "messages",
    /// One try to send a message. Key: the message's number, and the try's, counted over all messages.
    Attempt = 0x63 "delivery attempts",
    /// An entry of the audit log. Key: its time (ms since 1970, the sign bit flipped), and its number.
    Audit = 0x70 "audit entries",
    /// Units that got other contacts. Key: as that of an audit entry.
    ContactChange = 0x71 "changes of contacts",
    /// When it was last looked who answers for whom. No key.
    ContactsSeen = 0x72 "looks at contacts",
    /// How far changes of contacts have been told. No key.
    ContactsTold = 0x7a "tellings of contacts",
    /// When contacts were last sent what they are contacts for. No key.
    DutiesSent = 0x7b "digests for contacts",
    /// What was told of the channels. No key.
    Delivery = 0x64 "tellings of channels",
    /// An address that isn't there. Key: the form it is compared by.
    Mark = 0x65 "marked addresses",
    /// What the signs of messages are made with. No key.
    ReturnKey = 0x66 "keys of signs",
    /// Which notices a thread has that others follow in. Key: [`thread_key`].
    Thread = 0x67 "notices by thread",
    /// When a recipient is sent what. Key: what recipients are compared by.
    Pace = 0x68 "paces of recipients",
    /// The messages that wait together for a recipient. Key: what recipients are compared by.
    Gathering = 0x69 "gathered messages",
    /// Which messages leave together. Key: the number of the first of them.
    Together = 0x6a "messages in one mail",
    /// A notice that asks to be taken on, and whom it went to. Key: its thread.
    Climb = 0x80 "climbs",
    /// A silence. Key: its number.
    Silence = 0x81 "silences",
    /// Who wasn't told of an incident. Key: its number.
    Inhibited = 0x82 "untold of incidents",
    /// Somebody outside who wants to be told of outages. Key: their number.
    Subscriber = 0x83 "subscribers",
    /// Which small things were there when it was last looked. No key.
    Lasting = 0x84 "looks at small things",
    /// How what a commit changed was before. Key: [`past_key`].
    Past = 0x7c "entries of the past",
}

/// Which numbers are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Numbers {
    Run = 0,
    Outage = 1,
    Assignment = 2,
    Absence = 3,
    Notice = 4,
    Message = 5,
    Audit = 6,
    Attempt = 7,
    Generation = 8,
    ContactChange = 9,
    Silence = 10,
    Subscriber = 11,
}

/// How many [`Numbers`] there are.
pub(crate) const NUMBERS: usize = 12;

/// Why bytes aren't a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("{} of schema {schema}", kind.name())]
    TooNew { kind: Kind, schema: u16 },
    #[error("{}: {cause}", kind.name())]
    Unreadable { kind: Kind, cause: String },
}

/// Something that is kept under a key of its own.
pub(crate) trait Record: Sized {
    /// Which kind it is.
    const KIND: Kind;
    /// The version of its shape, from 1.
    const SCHEMA: u16;
    /// Its body.
    fn body(&self) -> Result<Vec<u8>, String>;
    /// Reads a body of any schema up to [`Record::SCHEMA`].
    fn parse(schema: u16, body: &[u8]) -> Result<Self, String>;

    /// Its bytes.
    fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let body = self.body().map_err(|cause| RecordError::Unreadable { kind: Self::KIND, cause })?;
        let mut bytes = Self::SCHEMA.to_be_bytes().to_vec();
        bytes.extend(body);
        Ok(bytes)
    }

    /// Reads its bytes.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let unreadable = |cause: &str| RecordError::Unreadable { kind: Self::KIND, cause: cause.into() };
        let (schema, body) = bytes.split_first_chunk().ok_or_else(|| unreadable("too short"))?;
        match u16::from_be_bytes(*schema) {
            0 => Err(unreadable("no schema")),
            schema if schema > Self::SCHEMA => Err(RecordError::TooNew { kind: Self::KIND, schema }),
            schema => Self::parse(schema, body).map_err(|cause| unreadable(&cause)),
        }
    }
}

fn to_postcard(value: &impl Serialize) -> Result<Vec<u8>, String> {
    postcard::to_stdvec(value).map_err(|e| e.to_string())
}

fn from_postcard<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
        Err(e) => Err(e.to_string()),
    }
}

macro_rules! records {
    ($($type:ty => $kind:ident),+ $(,)?) => {$(
        impl Record for $type {
            const KIND: Kind = Kind::$kind;
            const SCHEMA: u16 = 1;
            fn body(&self) -> Result<Vec<u8>, String> {
                to_postcard(self)
            }
            fn parse(_schema: u16, body: &[u8]) -> Result<Self, String> {
                from_postcard(body)
            }
        }
    )+};
}

records! {
    Instance => Instance,
    LastNumber => Numbers,
    Assignment => Assignment,
    Told => CoverageTold,
    Vec<ObjectChange> => RunChanges,
    RunOf => RunOf,
    NoticeOf => NoticeOf,
    AttemptLog => Attempt,
    audit::Entry => Audit,
    ChangeAt => ContactChange,
    ContactsSeen => ContactsSeen,
    open::Told => ContactsTold,
    DutiesSent => DutiesSent,
    Arranged => Arranged,
    PastRow => Past,
    HeldRun => Held,
    Run => Run,
    Vec<Veto> => Vetoes,
    TakenList => List,
    GivenOut => GivenOut,
    TakenCalendar => AbsenceSource,
    TakenFeed => Feed,
    Followed => Followed,
    Beat => Beat,
    Subject => Subject,
    Delivery => Delivery,
    Mark => Mark,
    ReturnKey => ReturnKey,
    InThread => Thread,
    Pace => Pace,
    Gathering => Gathering,
    Together => Together,
    Climb => Climb,
    Seen => Lasting,
    Silence => Silence,
    Subscriber => Subscriber,
    Held => Inhibited,
}

/// Records of a second shape, each with how the first one is read.
macro_rules! second_records {
    ($($type:ty => $kind:ident, $first:expr);+ $(;)?) => {$(
        impl Record for $type {
            const KIND: Kind = Kind::$kind;
            const SCHEMA: u16 = 2;
            fn body(&self) -> Result<Vec<u8>, String> {
                to_postcard(self)
            }
            fn parse(schema: u16, body: &[u8]) -> Result<Self, String> {
                let first: fn(&[u8]) -> Result<Self, String> = $first;
                if schema == 1 { first(body) } else { from_postcard(body) }
            }
        }
    )+};
}

second_records! {
    Cursor => Cursor, |body| from_postcard::<old::CursorV1>(body).map(Into::into);
    Health => Health, |body| from_postcard::<old::HealthV1>(body).map(Into::into);
    Absence => Absence, |body| from_postcard::<old::AbsenceV1>(body).map(Into::into);
    Vec<Quarantined> => RunQuarantine, all_from::<old::QuarantinedV1, _>;
    Vec<Step> => RunSteps, all_from::<old::StepV1, _>;
}

impl Record for Outage {
    const KIND: Kind = Kind::Outage;
    const SCHEMA: u16 = 4;
    fn body(&self) -> Result<Vec<u8>, String> {
        to_postcard(self)
    }
    fn parse(schema: u16, body: &[u8]) -> Result<Outage, String> {
        match schema {
            1 => from_postcard::<Incident>(body).map(Into::into),
            2 => from_postcard::<old::OutageV2>(body).map(Into::into),
            3 => from_postcard::<old::OutageV3>(body).map(Into::into),
            _ => from_postcard(body),
        }
    }
}

impl Record for NoticeRow {
    const KIND: Kind = Kind::Notice;
    const SCHEMA: u16 = 1;
    fn body(&self) -> Result<Vec<u8>, String> {
        to_postcard(self)
    }
    fn parse(_schema: u16, body: &[u8]) -> Result<NoticeRow, String> {
        let row: NoticeRow = from_postcard(body)?;
        let notice = Notice { facts: row.notice.facts.renewed(), ..row.notice };
        Ok(NoticeRow { notice, ..row })
    }
}

fn all_from<Old: DeserializeOwned + Into<New>, New>(body: &[u8]) -> Result<Vec<New>, String> {
    from_postcard::<Vec<Old>>(body).map(|old| old.into_iter().map(Into::into).collect())
}

/// The random number of the installation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct Instance(pub(crate) u64);

/// The last number that was handed out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct LastNumber(pub(crate) u64);

/// Says that a directory had a run; the key holds both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct RunOf;

/// The notice of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct NoticeOf(pub(crate) NoticeId);

/// A notice of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct InThread {
    /// Whether messages of it may still wait to be sent.
    pub(crate) waits: bool,
}

/// When it was last looked who answers for whom: what time alone changed since then hasn't been told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct ContactsSeen(pub(crate) DateTime<Utc>);

/// When contacts were last sent what they are contacts for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct DutiesSent(pub(crate) DateTime<Utc>);
/// What of the configuration answers depend on, as text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct Arranged(pub(crate) Box<str>);

/// How something was before a commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct PastRow {
    /// When that was.
    pub(crate) at: DateTime<Utc>,
    /// How it was.
    pub(crate) was: WasRow,
}

/// How something was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) enum WasRow {
    /// The objects that a run changed: as [`Kind::RunSteps`] has them.
    Run(RunId),
    /// There was nothing of a directory.
    Empty(DirectoryName),
    /// A record of another kind, by its key: its bytes, schema and all, so that it can be read whatever becomes of its kind.
    Record { key: Box<[u8]>, before: Option<Box<[u8]>> },
    /// What was between a time and this one is lost; then it was as it is here.
    Lost { since: DateTime<Utc> },
    /// Forgotten.
    Forgotten,
    /// More than is kept of a run.
    TooMany(RunId),
}

/// A notice and its messages, whose numbers follow one another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
pub(crate) struct NoticeRow {
    pub(crate) notice: Notice,
    pub(crate) first: MessageId,
    pub(crate) messages: u64,
}

/// An object of a directory, many of which share a record: a million small records would take the engine ten times as long to open,
/// to read and to write as 65,536 larger ones.
pub(crate) trait Packed: Serialize + DeserializeOwned + PartialEq {
    /// Which kind its records are.
    const KIND: Kind;
    /// The version of its shape, from 1.
    const SCHEMA: u16;
    /// Reads objects of any shape up to that.
    fn parse_all(schema: u16, body: &[u8]) -> Result<Vec<Self>, String>;
    /// Its identity.
    fn guid(&self) -> Guid;
    /// Where it was read, to be shared by all that were read there.
    fn directory(&mut self) -> &mut DirectoryName;
}

macro_rules! packed {
    ($($type:ty => $kind:ident, $guid:expr, $schema:literal $(, $once:literal $old:ty)*);+ $(;)?) => {$(
        impl Packed for $type {
            const KIND: Kind = Kind::$kind;
            const SCHEMA: u16 = $schema;
            fn parse_all(schema: u16, body: &[u8]) -> Result<Vec<Self>, String> {
                match schema {
                    $($once => all_from::<$old, _>(body),)*
                    _ => from_postcard(body),
                }
            }
            fn guid(&self) -> Guid {
                let guid: fn(&Self) -> Guid = $guid;
                guid(self)
            }
            fn directory(&mut self) -> &mut DirectoryName {
                &mut self.directory
            }
        }
    )+};
}

packed! {
    User => Users, |user| user.id.0, 3, 1 old::UserV1, 2 old::UserV2;
    Unit => Units, |unit| unit.id.0, 2, 1 old::UnitV1;
    Group => Groups, |group| group.id.0, 2, 1 old::GroupV1;
    Container => Containers, |container| container.id, 1;
    Gone => Gone, |gone| gone.id, 2, 1 old::GoneV1;
}

/// The objects of one bucket, in order of identity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pack<T>(pub(crate) Vec<Arc<T>>);

impl<T: Packed> Record for Pack<T> {
    const KIND: Kind = T::KIND;
    const SCHEMA: u16 = T::SCHEMA;

    fn body(&self) -> Result<Vec<u8>, String> {
        to_postcard(&self.0)
    }

    fn parse(schema: u16, body: &[u8]) -> Result<Self, String> {
        T::parse_all(schema, body).map(|objects| Pack(objects.into_iter().map(Arc::new).collect()))
    }
}

/// The bucket that an object is kept in. A digest spreads also identities that were counted up evenly.
pub(crate) fn bucket(id: Guid) -> [u8; 2] {
    let [a, b, ..] = xxh3_64(&id.0).to_be_bytes();
    [a, b]
}

/// Whether this version knows the schema of a record, without reading it.
pub(crate) fn check_schema(kind: Kind, bytes: &[u8]) -> Result<(), RecordError> {
    let newest = match kind {
        Kind::Instance => Instance::SCHEMA,
        Kind::Numbers => LastNumber::SCHEMA,
        Kind::Users => Pack::<User>::SCHEMA,
        Kind::Units => Pack::<Unit>::SCHEMA,
        Kind::Groups => Pack::<Group>::SCHEMA,
        Kind::Containers => Pack::<Container>::SCHEMA,
        Kind::Gone => Pack::<Gone>::SCHEMA,
        Kind::Assignment => Assignment::SCHEMA,
        Kind::Absence => Absence::SCHEMA,
        Kind::Outage => Outage::SCHEMA,
        Kind::List => TakenList::SCHEMA,
        Kind::GivenOut => GivenOut::SCHEMA,
        Kind::AbsenceSource => TakenCalendar::SCHEMA,
        Kind::Feed => TakenFeed::SCHEMA,
        Kind::Followed => Followed::SCHEMA,
        Kind::Beat => Beat::SCHEMA,
        Kind::CoverageTold => Told::SCHEMA,
        Kind::Subject => Subject::SCHEMA,
        Kind::Health => Health::SCHEMA,
        Kind::Cursor => Cursor::SCHEMA,
        Kind::Held => HeldRun::SCHEMA,
        Kind::Vetoes => Vec::<Veto>::SCHEMA,
        Kind::Run => Run::SCHEMA,
        Kind::RunChanges => Vec::<ObjectChange>::SCHEMA,
        Kind::RunQuarantine => Vec::<Quarantined>::SCHEMA,
        Kind::RunOf => RunOf::SCHEMA,
        Kind::RunSteps => Vec::<Step>::SCHEMA,
        Kind::Notice => NoticeRow::SCHEMA,
        Kind::NoticeOf => NoticeOf::SCHEMA,
        Kind::Message => Message::SCHEMA,
        Kind::Attempt => AttemptLog::SCHEMA,
        Kind::Delivery => Delivery::SCHEMA,
        Kind::Mark => Mark::SCHEMA,
        Kind::ReturnKey => ReturnKey::SCHEMA,
        Kind::Thread => InThread::SCHEMA,
        Kind::Pace => Pace::SCHEMA,
        Kind::Gathering => Gathering::SCHEMA,
        Kind::Together => Together::SCHEMA,
        Kind::Climb => Climb::SCHEMA,
        Kind::Lasting => Seen::SCHEMA,
        Kind::Silence => Silence::SCHEMA,
        Kind::Subscriber => Subscriber::SCHEMA,
        Kind::Inhibited => Held::SCHEMA,
        Kind::Audit => audit::Entry::SCHEMA,
        Kind::ContactChange => ChangeAt::SCHEMA,
        Kind::ContactsSeen => ContactsSeen::SCHEMA,
        Kind::ContactsTold => open::Told::SCHEMA,
        Kind::DutiesSent => DutiesSent::SCHEMA,
        Kind::Arranged => Arranged::SCHEMA,
        Kind::Past => PastRow::SCHEMA,
    };
    match bytes.first_chunk().map(|schema| u16::from_be_bytes(*schema)) {
        Some(schema) if schema > newest => Err(RecordError::TooNew { kind, schema }),
        Some(1..) => Ok(()),
        _ => Err(RecordError::Unreadable { kind, cause: "no schema".into() }),
    }
}

/// How many things a record stands for: the objects of a pack (a postcard sequence begins with its length), else one.
pub(crate) fn things(kind: Kind, bytes: &[u8]) -> u64 {
    let packed = matches!(
        kind,
        Kind::Users | Kind::Units | Kind::Groups | Kind::Containers | Kind::Gone | Kind::RunSteps
    );
    match bytes.get(2..) {
        Some(body) if packed => postcard::take_from_bytes::<u64>(body).map_or(0, |(length, _)| length),
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
