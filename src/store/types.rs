//! What goes into the store and what comes out of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::absence::Absence;
use crate::domain::absence::import::Replacement;
use crate::domain::absence::source::TakenCalendar;
use crate::domain::alert::Health;
use crate::domain::alert::lasting::Seen;
use crate::domain::audit;
use crate::domain::bounce::{Bounce, Marks, ReturnKey};
use crate::domain::changes::ContactChange;
use crate::domain::changes::open::Told;
use crate::domain::climb::Climb;
use crate::domain::coverage::watch;
use crate::domain::delivery::Delivery;
use crate::domain::delta::{Changes, ObjectChange};
use crate::domain::directory::{Directory, Quarantined};
use crate::domain::entitled::GivenOut;
use crate::domain::gone::{AllGone, Gone};
use crate::domain::ids::{
    AbsenceId, AssignmentId, ChannelName, DirectoryName, Generation, MessageId, NoticeId, OutageId, RunId,
    SilenceId, SourceName, SubjectName, SubscriberId,
};
use crate::domain::intake::{self, Intake};
use crate::domain::lists::{ListName, TakenList};
use crate::domain::mailbox::Address;
use crate::domain::notice::{EventKey, Message, MessageState, NewNotice, Notice};
use crate::domain::outage::Outage;
use crate::domain::outage::inhibit::Held;
#[cfg(doc)]
use crate::domain::past::Arrangement;
use crate::domain::roles::Assignment;
use crate::domain::run::{Cursor, HeldRun, Run};
use crate::domain::silence::Silence;
use crate::domain::subject::Subject;
use crate::domain::subscriber::{Subscriber, Subscribers};
use crate::domain::undo::{Kept, Veto};
use crate::domain::warning::Warning;

#[cfg(doc)]
use super::StoreError;
use super::cluster::Lease;

/// What is held in memory, as one consistent reading of the store.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The generation that this is.
    pub generation: Option<Generation>,
    /// Users, units and groups of all directories.
    pub directory: Directory,
    /// What is gone, and not yet forgotten.
    pub gone: AllGone,
    /// What administrators assigned.
    pub assignments: BTreeMap<AssignmentId, Assignment>,
    /// Who is away when.
    pub absences: BTreeMap<AbsenceId, Absence>,
    /// What somebody answers for that is no unit.
    pub subjects: BTreeMap<SubjectName, Subject>,
    /// When it was last looked who answers for whom.
    pub contacts_seen: Option<DateTime<Utc>>,
    /// How far changes of contacts have been told; None: they aren't.
    pub contacts_told: Option<Arc<Told>>,
    /// When contacts were last sent what they are contacts for; None: never, or they aren't.
    pub duties_sent: Option<DateTime<Utc>>,
    /// What was told of the channels.
    pub delivery: Arc<Delivery>,
    /// The addresses that aren't there.
    pub marks: Marks,
    /// What the signs of messages are made with; None: nobody has needed it yet.
    pub return_key: Option<ReturnKey>,
    /// Who outside wants to be told of outages, or was asked.
    pub subscribers: Arc<Subscribers>,
    /// What isn't told for a while, and what wasn't until lately.
    pub silences: BTreeMap<SilenceId, Silence>,
    /// Who wasn't told of which incident, since another speaks for it.
    pub inhibited: Arc<BTreeMap<OutageId, Held>>,
    /// Which small things were there when it was last looked.
    pub lasting: Option<Arc<Seen>>,
    /// The notices that wait for somebody to take them on, by thread.
    pub climbs: Arc<BTreeMap<EventKey, Climb>>,
    /// What of the configuration answers depended on last.
    pub arranged: Option<Box<str>>,
    /// The last good list of each that somebody else keeps.
    pub lists: BTreeMap<ListName, Arc<TakenList>>,
    /// What was last given out, by [`GivenOut::key`].
    pub given_out: BTreeMap<Box<str>, Arc<GivenOut>>,
    /// What was last taken of each calendar with absences.
    pub calendars: BTreeMap<SourceName, Arc<TakenCalendar>>,
    /// What others tell of incidents.
    pub intake: Intake,
    /// Outages that are not resolved.
    pub open_outages: BTreeMap<OutageId, Outage>,
    /// Which warning was told last of each period that is watched.
    pub coverage_told: BTreeMap<Box<str>, watch::Told>,
    /// How each directory's sync is doing, and what was last read of it.
    pub directories: BTreeMap<DirectoryName, DirectoryState>,
}

/// What is known of the sync of one directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DirectoryState {
    /// How it is doing; None before the first run.
    pub health: Option<Health>,
    /// What was last read.
    pub cursor: Option<Cursor>,
    /// The run that waits for approval.
    pub held: Option<HeldRun>,
    /// The last run.
    pub last_run: Option<Run>,
    /// What people have undone, and no run has been allowed to do again.
    pub vetoes: Vec<Veto>,
    /// What the last read told will end one day. Not stored: the next read tells it again.
    pub warnings: Vec<Warning>,
}

/// Numbers that the store hands out, each once and never again, also not after a crash. Gaps are possible.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sequence {
    /// For [`RunId`].
    Run,
    /// For [`OutageId`].
    Outage,
    /// For [`AssignmentId`].
    Assignment,
    /// For [`AbsenceId`].
    Absence,
    /// For [`SilenceId`].
    Silence,
    /// For [`SubscriberId`].
    Subscriber,
}

/// A run as it is written: into the history, with what it changed, in the transaction that changes it.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The run. For a committed one the store fills in the generation it made.
    pub run: Run,
    /// What it changed, or would have changed, object by object.
    pub changes: Vec<ObjectChange>,
    /// What it set aside.
    pub quarantined: Vec<Quarantined>,
    /// The directory's health after it.
    pub health: Health,
    /// The run that waits for approval after it, None when none does.
    pub held: Option<HeldRun>,
    /// What must be told of it.
    pub notices: Vec<NewNotice>,
    /// What is kept of how the objects were that it changed.
    pub kept: Kept,
    /// What is gone since this run, and what no longer. Refused with [`StoreError::Conflict`] when it doesn't start from what is
    /// stored.
    pub gone: Changes<Gone>,
    /// What is undone of the directory after it.
    pub vetoes: Vec<Veto>,
    /// For the log of who did what.
    pub audit: Option<audit::Entry>,
    /// Who got other contacts by it.
    pub contacts: Vec<ContactChange>,
    /// What the directory says of absences now.
    pub absences: Replacement,
    /// Under which lease it was read.
    pub lease: Lease,
}

impl RunRecord {
    /// A run without details.
    pub fn new(run: Run, health: Health) -> RunRecord {
        RunRecord {
            run,
            changes: Vec::new(),
            quarantined: Vec::new(),
            health,
            held: None,
            notices: Vec::new(),
            kept: Kept::Steps(Vec::new()),
            gone: Changes::default(),
            vetoes: Vec::new(),
            audit: None,
            contacts: Vec::new(),
            absences: Replacement::default(),
            lease: Lease::default(),
        }
    }
}

/// A change to what people, not directories, maintain.
#[derive(Clone, Debug)]
pub enum Change {
    /// Only the notices and the audit entry.
    None,
    /// Something else is known of what others tell of incidents, but of no outage.
    Intake(Box<intake::Changes>),
    /// As [`Change::Outage`], brought about by something that others tell. A new one is also refused when another one is open for the same.
    OutageTold(Outage, Box<intake::Changes>),
    /// A new outage, or a new version of one. Refused with [`StoreError::Conflict`] when the stored one isn't the version before
    /// ([`Outage::version`]), or when a new one exists already.
    Outage(Outage),
    /// An assignment, new or changed.
    Assign(Assignment),
    /// An assignment that ends. Refused with [`StoreError::NotFound`] when there is none.
    Revoke(AssignmentId),
    /// An absence, new or changed.
    Absence(Absence),
    /// An absence that is taken back. Refused with [`StoreError::NotFound`] when there is none.
    RemoveAbsence(AbsenceId),
    /// Absences, new or changed, all of them or none, each with its entry for the audit log.
    Absences(Vec<(Absence, audit::Entry)>),
    /// What a calendar says of absences now: what was taken of it (None: it is looked at no longer), absences that are new or changed, and those
    /// that are said no longer, each with its entry for the audit log.
    Calendar {
        /// Which calendar.
        name: SourceName,
        /// What was taken.
        taken: Option<Box<TakenCalendar>>,
        /// New or changed.
        put: Vec<(Absence, audit::Entry)>,
        /// Gone. Refused with [`StoreError::NotFound`] when there is no such one.
        removed: Vec<(AbsenceId, audit::Entry)>,
    },
    /// Assignments, new or changed, and such as end, all of them or none, each with its entry for the audit log. Refused with
    /// [`StoreError::NotFound`] when there is none of those that end.
    Assignments {
        /// New or changed.
        put: Vec<(Assignment, audit::Entry)>,
        /// Those that end.
        end: Vec<(AssignmentId, audit::Entry)>,
    },
    /// A subject, new or changed.
    Subject(Subject),
    /// A subject that there is no longer. Refused with [`StoreError::NotFound`] when there is none.
    RemoveSubject(SubjectName),
    /// A list of people that was believed.
    List(Box<TakenList>),
    /// A list of people that was given out.
    GivenOut(Box<GivenOut>),
    /// A warning was told of a period that is watched.
    CoverageTold(Box<str>, watch::Told),
    /// Changes of contacts were told so far; None: they aren't any more.
    ContactsTold(Option<Arc<Told>>),
    /// Contacts were sent what they are contacts for; None: they aren't any more.
    DutiesSent(Option<DateTime<Utc>>),
    /// What was told of the channels.
    Delivery(Arc<Delivery>),
    /// A message came back, or is delayed: it is noted with the message, which fails if it was sent, and the address is marked if it isn't there. Refused with
    /// [`StoreError::NotFound`] when there is no such message.
    Bounce(Box<Bounce>),
    /// An address is tried again. Refused with [`StoreError::NotFound`] when it isn't marked.
    Unmark(Address),
    /// What the signs of messages are made with.
    ReturnKey(ReturnKey),
    /// Somebody outside who wants to be told of outages, new or changed.
    Subscriber(Box<Subscriber>),
    /// Somebody who doesn't any more. Refused with [`StoreError::NotFound`] when there is none.
    RemoveSubscriber(SubscriberId),
    /// Something isn't told for a while.
    Silence(Box<Silence>),
    /// A silence that ends. Refused with [`StoreError::NotFound`] when there is none.
    RemoveSilence(SilenceId),
    /// Who isn't told of an incident; None: nobody is kept from it any more.
    Inhibited(OutageId, Option<Held>),
    /// It was looked which small things last.
    Lasting(Arc<Seen>),
    /// A notice that asks to be taken on went on, or came to its end. Refused with [`StoreError::NotFound`] when there is none of its thread.
    Climb(Box<Climb>),
    /// A directory's health, after an alert was told.
    Health(DirectoryName, Health),
    /// The word of a person on a held run; None: it is rejected, and the directory's health holds it no longer. Refused with
    /// [`StoreError::Conflict`] when another run, or none, waits.
    Held(DirectoryName, RunId, Option<HeldRun>),
    /// The configuration says something else than before of what answers depend on ([`Arrangement::to_text`]).
    Arranged(Box<str>),
    /// Time alone has passed since it was last looked who answers for whom. Makes no generation.
    TimePassed,
    /// What has been gone for long enough is forgotten. Refused with [`StoreError::Conflict`] when it isn't what is stored.
    Forget(Changes<Gone>),
}

/// Something that happened: its change, what must be told of it, and who did it, in one transaction.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// What changes.
    pub change: Change,
    /// What must be told.
    pub notices: Vec<NewNotice>,
    /// For the log.
    pub audit: Option<audit::Entry>,
}

/// What an event or a run came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Committed {
    /// The generation it made; None when nothing of [`State`] changed ([`Change::None`]), or when other nodes had committed before what
    /// this one hasn't seen: then it is still behind.
    pub generation: Option<Generation>,
    /// The notices that were enqueued; one whose event had a notice already is left out.
    pub notices: Vec<NoticeId>,
    /// How many messages those have.
    pub messages: u32,
    /// Those of them that ask to be taken on, as they stand now.
    pub climbs: Vec<Climb>,
    /// Of which incidents somebody isn't told, or everybody is now.
    pub inhibited: Vec<(OutageId, Option<Held>)>,
    /// The threads that ask nobody any more, since nobody is told.
    pub unasked: Vec<EventKey>,
}

/// A message that was claimed for sending, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claimed {
    /// The message, in [`MessageState::Sending`], its attempts already counted up.
    pub message: Message,
    /// Its notice, shared by the messages of one claim.
    pub notice: Arc<Notice>,
    /// The others that leave with it, in the same mail, and were claimed with it.
    pub with: Vec<Claimed>,
}

/// A message in a list, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The message.
    pub message: Message,
    /// Its notice, shared by the messages of one list.
    pub notice: Arc<Notice>,
}

/// What a claimed message came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Which message.
    pub message: MessageId,
    /// Which try: [`Message::attempts`] of the claim. It tells who holds the claim from who lost it.
    pub number: u32,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Sent, deferred, failed or expired; queued: it wasn't tried, which counts as no try.
    pub state: MessageState,
    /// The other side's answer, or what happened.
    pub answer: Box<str>,
    /// For a deferred one: when it is tried again.
    pub due: Option<DateTime<Utc>>,
    /// From now on it leaves as a mail of its own.
    pub alone: bool,
}

/// One try to send, for the log of a message.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct AttemptLog {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What it came to.
    pub state: MessageState,
    /// What was said.
    pub answer: Box<str>,
}

/// A message with everything about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageDetail {
    /// The message.
    pub message: Message,
    /// Its notice.
    pub notice: Notice,
    /// Every try, the first one first.
    pub attempts: Vec<AttemptLog>,
    /// The others that leave in one mail with it, or left.
    pub with: Vec<MessageId>,
}

/// What an operator does to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageOrder {
    /// Try again, now: from any state but sent and sending. One that was at an end gets time to live from now; since the time to
    /// live is the notice's, others of the same notice that are still being tried get it, too.
    Retry {
        /// How long it may take from now.
        lives: TimeDelta,
    },
    /// Don't send it: from any state that isn't final. One that is being sent just now may arrive all the same; its log says so.
    Cancel,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only those in these states; empty: all.
    pub states: Vec<MessageState>,
    /// Only those of one notice.
    pub notice: Option<NoticeId>,
    /// Only those of one channel.
    pub channel: Option<ChannelName>,
    /// Only those to this address, number or name, in whatever case.
    pub to: Option<String>,
    /// At most so many, the newest first.
    pub limit: usize,
}

/// How many messages are in each state.
pub type QueueCounts = BTreeMap<MessageState, u64>;

/// The same by channel; channels without any message are left out.
pub type ChannelCounts = BTreeMap<ChannelName, QueueCounts>;

/// A run with its details.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// What it changed, or would have changed.
    pub changes: Vec<ObjectChange>,
    /// What it set aside.
    pub quarantined: Vec<Quarantined>,
}

/// Where an embedded store is and how it behaves.
#[derive(Clone, Debug)]
pub struct SledSettings {
    /// The folder of the state. It is made if need be, readable by its owner only, and holds `store/` (the data), `lock`, `opening`,
    /// `reserve`, and what was put aside.
    pub path: PathBuf,
    /// How much of the data is cached in memory, in bytes.
    pub cache_bytes: u64,
    /// The folder of the exports; outside `path` when another disk can be had.
    pub exports: PathBuf,
    /// So many exports are kept, at least 1.
    pub keep_exports: usize,
    /// The size of the file that is given up when the disk is full, so that the engine can come to rest; in bytes.
    pub reserve_bytes: u64,
}

#[cfg(test)]
impl SledSettings {
    /// A small store in a folder, with its exports beside it.
    pub(crate) fn small(folder: &std::path::Path) -> SledSettings {
        SledSettings {
            path: folder.join("state"),
            cache_bytes: 16 << 20,
            exports: folder.join("exports"),
            keep_exports: 2,
            reserve_bytes: 1 << 16,
        }
    }
}

/// How a store was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// There was none.
    Fresh,
    /// It was whole: every record is there and is what was written.
    Intact,
    /// It was damaged, put aside and rebuilt. What was committed after the export is lost: read every directory in full, and tell
    /// somebody. Said at every opening until [`super::Store::rebuild_told`].
    Rebuilt(Rebuilt),
}

/// What happened to a damaged store.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rebuilt {
    /// What was noticed, a full sentence.
    pub damage: Box<str>,
    /// As of when the data is that it was rebuilt from; None when there was no good export.
    pub export_from: Option<DateTime<Utc>>,
    /// Where the damaged store lies.
    pub aside: PathBuf,
}

/// What a backup holds.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct BackupInfo {
    /// When it was written.
    pub written: DateTime<Utc>,
    /// The last thing in it happened then.
    pub as_of: DateTime<Utc>,
    /// The version of Budkavle that wrote it.
    pub budkavle: Box<str>,
    /// How many things of each kind it holds, by the kind's name (`users`).
    pub counts: BTreeMap<Box<str>, u64>,
}

/// What an export or a backup came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub info: BackupInfo,
}

/// What a restore came to.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Restored {
    /// What was restored.
    pub info: BackupInfo,
    /// Where the store that was there before lies now, if there was one.
    pub aside: Option<PathBuf>,
}

/// How long history is kept. Outages, the audit log and everything that is in force stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Runs, from their end; the last one of a directory and a held one stay. Changes of contacts, too.
    pub runs: TimeDelta,
    /// Messages and their attempts, from when they came to a final state; a notice goes with its last message.
    pub messages: TimeDelta,
    /// The objects as they were before a run, which it takes to undo it, from the run's end: at least so long, and as long as `past`.
    pub steps: TimeDelta,
    /// How things were before they changed, from then on: that it can be told how it was at a time in the past.
    pub past: TimeDelta,
}

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Messages.
    pub messages: u64,
    /// Notices.
    pub notices: u64,
    /// Runs that could be undone until now.
    pub undoable: u64,
    /// Changes before which it isn't known any more how it was.
    pub past: u64,
    /// Changes of contacts.
    pub contact_changes: u64,
    /// Notices that asked to be taken on.
    pub climbs: u64,
    /// When recipients were sent what.
    pub paces: u64,
    /// Of which messages waited together for a recipient.
    pub gatherings: u64,
}
