//! Where everything is kept: a contract of few use-case methods, each one atomic and durable when it returns.
//!
//! The contract is [`Store`]; what stands behind it is a closed set. Every backend passes the same suite
//! (`tests/local/store_contract.rs`).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::absence::Absence;
use crate::domain::alert::Health;
use crate::domain::audit;
use crate::domain::delta::ObjectChange;
use crate::domain::directory::{Directory, Quarantined};
use crate::domain::guard::CheckedDelta;
use crate::domain::ids::{
    AbsenceId, AssignmentId, DirectoryName, Generation, MessageId, NoticeId, OutageId, RunId,
};
use crate::domain::notice::{Message, MessageState, NewNotice, Notice};
use crate::domain::outage::Outage;
use crate::domain::roles::Assignment;
use crate::domain::run::{Cursor, HeldRun, Run};

/// What is held in memory, as one consistent reading of the store.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The generation that this is.
    pub generation: Option<Generation>,
    /// Users, units and groups of all directories.
    pub directory: Directory,
    /// What administrators assigned.
    pub assignments: BTreeMap<AssignmentId, Assignment>,
    /// Who is away when.
    pub absences: BTreeMap<AbsenceId, Absence>,
    /// Outages that are not resolved.
    pub open_outages: BTreeMap<OutageId, Outage>,
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
}

/// A change to what people, not directories, maintain.
#[derive(Clone, Debug)]
pub enum Change {
    /// Only the notices and the audit entry.
    None,
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
    /// A directory's health, after an alert was told.
    Health(DirectoryName, Health),
    /// The word of a person on a held run; None: it is rejected. Refused with [`StoreError::Conflict`] when another run, or none, waits.
    Held(DirectoryName, RunId, Option<HeldRun>),
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

/// What an event came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Committed {
    /// The generation it made.
    pub generation: Option<Generation>,
    /// The notices that were enqueued; one whose event had a notice already is left out.
    pub notices: Vec<NoticeId>,
    /// How many messages those have.
    pub messages: u32,
}

/// A message that was claimed for sending, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claimed {
    /// The message, in [`MessageState::Sending`], its attempts already counted up.
    pub message: Message,
    /// Its notice.
    pub notice: Notice,
}

/// What a claimed message came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// Which message.
    pub message: MessageId,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Sent, deferred, failed or expired.
    pub state: MessageState,
    /// The other side's answer, or what happened.
    pub answer: Box<str>,
    /// For a deferred one: when it is tried again.
    pub due: Option<DateTime<Utc>>,
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
}

/// What an operator does to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageOrder {
    /// Try again, now: from any state but sent and sending. An expired or failed one gets the given time to live from now.
    Retry {
        /// How long it may take from now.
        lives: TimeDelta,
    },
    /// Don't send it: from any state that isn't final.
    Cancel,
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only those in these states; empty: all.
    pub states: Vec<MessageState>,
    /// Only those of one notice.
    pub notice: Option<NoticeId>,
    /// At most so many, the newest first.
    pub limit: usize,
}

/// How many messages are in each state.
pub type QueueCounts = BTreeMap<MessageState, u64>;

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

/// Why the store couldn't do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was faster: read again and decide anew.
    #[error("{0} was changed by somebody else in the meantime; look at it again and repeat what you want")]
    Conflict(String),
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// What was asked can't be done in the state the thing is in.
    #[error("{0}")]
    NotNow(String),
    /// Another process has the store open.
    #[error("the store {path} is open in another process{by}; only one budkavle can use it at a time. Stop that one, or talk to it with --socket")]
    InUse {
        /// Where the store is.
        path: String,
        /// ` (process 123)` when known.
        by: String,
    },
    /// The store is damaged.
    #[error("the store {path} is damaged: {what}")]
    Damaged {
        /// Where the store is.
        path: String,
        /// What was noticed.
        what: String,
    },
    /// The disk is full.
    #[error("the disk of {path} is full; free some space, the store goes on by itself")]
    DiskFull {
        /// Where the store is.
        path: String,
    },
    /// Anything else that the disk or the engine said.
    #[error("the store {path} can't be {verb}: {cause}")]
    Io {
        /// Where the store is.
        path: String,
        /// What was tried (`read`, `written`, `opened`).
        verb: &'static str,
        /// What was said.
        cause: String,
    },
    /// A record of a newer version, or no record at all.
    #[error("the store {path} was written by a newer budkavle ({what}); use that version, or restore a backup made by this one")]
    TooNew {
        /// Where the store is.
        path: String,
        /// Which record, which version.
        what: String,
    },
    /// A file that is no backup, or a damaged one.
    #[error("{0}")]
    BadBackup(String),
}
