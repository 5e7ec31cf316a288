//! The shapes of the answers: what `--json` prints, and what the command line makes its tables of.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::nodes::ClusterStatus;
use super::standing::NoticesStatus;
use crate::domain::absence::Absence;
use crate::domain::alert::Trouble;
use crate::domain::changes::open::SummaryTold;
use crate::domain::contacts::Answer;
use crate::domain::delta::ObjectKind;
use crate::domain::directory::{Quarantined, User};
use crate::domain::guard::HoldReason;
use crate::domain::hint::Telling;
use crate::domain::ids::{
    AssignmentId, ChannelName, DirectoryName, Generation, Guid, MessageId, RunId, UnitId, UserId,
};
use crate::domain::notice::{Facts, Message, MessageState};
use crate::domain::outage::Outage;
use crate::domain::outage::audience::Because;
use crate::domain::past::Told;
use crate::domain::roles::RoleName;
use crate::domain::run::Run;
use crate::domain::subject::Subject;
use crate::flow::bounces::MailboxState;
use crate::flow::deliver::Pause;
use crate::flow::directories::Progress;
use crate::flow::login_page::PageState;
use crate::flow::ping::PingState;
use crate::flow::sync::Report;
use crate::store::AttemptLog;

/// How the daemon and its directories are doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Since when it runs.
    pub started: DateTime<Utc>,
    /// What the organisation is called.
    pub organisation: Box<str>,
    /// Where its clocks are.
    pub zone: chrono_tz::Tz,
    /// How many changes were committed to what is held in memory.
    pub generation: Generation,
    /// How many users there are.
    pub users: usize,
    /// How many units.
    pub units: usize,
    /// How many groups.
    pub groups: usize,
    /// Users for whom no local contact counts now; the fallback answers for them.
    pub users_without_local_contact: usize,
    /// How each directory is doing.
    pub directories: Vec<DirectoryStatus>,
    /// Messages in the outbox, by state.
    pub outbox: BTreeMap<MessageState, u64>,
    /// Why no mail is sent now, when none is.
    pub channel_pause: Option<Pause>,
    /// How each channel is, those included that the configuration doesn't know any more.
    #[serde(default)]
    pub channels: Vec<ChannelStatus>,
    /// Outages that are not resolved.
    pub open_outages: usize,
    /// What of the notices is under way.
    #[serde(default)]
    pub notices: NoticesStatus,
    /// What the opening of the store had to say; None when all was well.
    pub store_note: Option<String>,
    /// The nodes that share the database; None: everything is kept here.
    #[serde(default)]
    pub cluster: Option<ClusterStatus>,
    /// How changes of contacts are told.
    pub contact_changes: ContactChangesStatus,
    /// How the page for trouble signing in is doing; None: there is to be none.
    #[serde(default)]
    pub login_page: Option<PageState>,
    /// How the mailbox is doing into which mails come back; None: there is none.
    #[serde(default)]
    pub bounces: Option<MailboxState>,
    /// To how many addresses mails came back, so that nothing is sent to them.
    #[serde(default)]
    pub marked_addresses: usize,
    /// What an administrator should look at, full sentences.
    pub warnings: Vec<String>,
}

/// How a channel is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// What it is called.
    pub name: ChannelName,
    /// Whether the configuration has it.
    pub configured: bool,
    /// Its messages, by state.
    pub outbox: BTreeMap<MessageState, u64>,
    /// Why nothing is sent over it now, when it works for nobody.
    pub pause: Option<Pause>,
    /// When something may be sent over it again, when its limits, or it itself, don't let more through now.
    pub resumes: Option<DateTime<Utc>>,
}

/// How changes of contacts are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContactChangesStatus {
    /// `daily`, `at once` or `off`, as the configuration has it.
    pub digest: String,
    /// When it was last decided whom to tell.
    pub last: Option<DateTime<Utc>>,
    /// When the schedule says so next.
    pub next: Option<DateTime<Utc>>,
    /// Of so many units and people it is left open for later: an absence is short, or somebody has got enough mails today.
    pub open: usize,
    /// The last time that one summary took the place of too many mails.
    pub summary: Option<SummaryTold>,
}

/// How one directory is doing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DirectoryStatus {
    /// Its name.
    pub name: DirectoryName,
    /// Whether a sync is under way.
    pub running: bool,
    /// When a run last ended well.
    pub last_good: Option<DateTime<Utc>>,
    /// What is wrong, as far as it has been told; None: well.
    pub trouble: Option<Trouble>,
    /// Failed runs in a row.
    pub failures: u32,
    /// The run that waits for approval.
    pub held: Option<Held>,
    /// The last run.
    pub last_run: Option<Run>,
    /// When the schedule syncs next.
    pub next_sync: Option<DateTime<Utc>>,
    /// Whether what changes before that is told.
    pub change_notification: Telling,
    /// How its signs of life are doing, as far as this node gives them; None: nobody gets any.
    #[serde(default)]
    pub ping: Option<PingState>,
}

/// A run that waits for approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// Which run.
    pub run: RunId,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub reasons: Vec<HoldReason>,
    /// Whether it has been approved, and the next run will carry it out.
    pub approved: bool,
}

/// One line of the stream that a sync answers with: progress, then for each directory a report, or an error at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncLine {
    /// How far the reading has come.
    Progress {
        /// Which directory.
        directory: DirectoryName,
        /// How much was read.
        progress: Progress,
    },
    /// What a run came to.
    Report(Box<Report>),
    /// The run could not be written down.
    Error(String),
}

/// What a sync is to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SyncRequest {
    /// Only this directory; None: all, one after the other.
    #[serde(default)]
    pub directory: Option<DirectoryName>,
    /// Read everything, though less would do.
    #[serde(default)]
    pub full: bool,
    /// Only say what would change.
    #[serde(default)]
    pub dry_run: bool,
}

/// Why somebody does something.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Why {
    /// In their words, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
}

impl Why {
    /// Of a request that may say nothing at all.
    pub(super) fn given(body: Option<axum::Json<Option<Why>>>) -> Option<String> {
        body.and_then(|body| body.0).and_then(|why| why.why)
    }
}

/// How a run is to be undone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UndoRequest {
    /// The reason, for the audit log.
    #[serde(default)]
    pub why: Option<String>,
    /// Only say what would be put back.
    #[serde(default)]
    pub dry_run: bool,
}

/// Since when something is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoneSince {
    /// When a run removed it.
    pub since: DateTime<Utc>,
    /// Which run.
    pub run: RunId,
}

/// Somebody or something that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoneLine {
    /// User, unit or group.
    pub kind: ObjectKind,
    /// Its identity.
    pub id: Guid,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// What it was called.
    pub name: Box<str>,
    /// Its account, if it had one.
    pub account: Option<Box<str>>,
    /// Its mail address, if it had one.
    pub mail: Option<Box<str>>,
    /// Where it was.
    pub unit_path: Box<str>,
    /// Since when it is gone.
    #[serde(flatten)]
    pub gone: GoneSince,
}

/// A user with what belongs to them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserAnswer {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The names from the top unit down to the main unit.
    pub unit_path: String,
    /// The manager's name.
    pub manager_name: Option<Box<str>>,
    /// The absence that keeps them away now.
    pub away: Option<Absence>,
    /// The roles they hold.
    pub holds: Vec<HoldingAnswer>,
    /// Since when they are gone, if they are.
    #[serde(default)]
    pub gone: Option<GoneSince>,
    /// How the organisation of then is known, when another time was asked for and it is past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<PastAnswer>,
}

/// A user in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserLine {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// The names from the top unit down to the main unit.
    pub unit_path: String,
    /// Whether the account can be used.
    pub active: bool,
}

/// A list that may have been cut.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// What was asked for.
    pub items: Vec<T>,
    /// Whether there is more than was asked for.
    pub more: bool,
}

/// A unit in the tree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitLine {
    /// Identity.
    pub id: UnitId,
    /// Name.
    pub name: Box<str>,
    /// How many units lie above it.
    pub depth: usize,
    /// Users whose main unit it is.
    pub users: usize,
    /// Users of this unit and all below it.
    pub users_below: usize,
}

/// A unit with what belongs to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitAnswer {
    /// Identity.
    pub id: UnitId,
    /// Name.
    pub name: Box<str>,
    /// The names from the top unit down to it.
    pub path: String,
    /// The unit above; None for the root.
    pub parent: Option<UnitId>,
    /// Who `managedBy` names.
    pub managed_by: Option<Box<str>>,
    /// The units directly below.
    pub units: Vec<UnitLine>,
    /// The users whose main unit it is, the first hundred.
    pub users: Page<UserLine>,
    /// Who holds a role here.
    pub holds: Vec<HoldingAnswer>,
    /// How the organisation of then is known, when another time was asked for and it is past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<PastAnswer>,
}

/// How an organisation of the past came about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PastAnswer {
    /// As of when, what was taken back since then, and what isn't certain.
    #[serde(flatten)]
    pub told: Told,
    /// What isn't certain in words, full sentences.
    pub uncertain: Vec<String>,
}

/// Who held which role at another time than now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HoldingsAt {
    /// At what time.
    pub at: DateTime<Utc>,
    /// Where the organisation's clocks are.
    pub zone: chrono_tz::Tz,
    /// How the organisation of then is known, when it is one of the past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<PastAnswer>,
    /// Who.
    pub holdings: Vec<HoldingAnswer>,
}

/// Somebody who holds a role, and whether they count now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HoldingAnswer {
    /// Which role.
    pub role: RoleName,
    /// Where: the path of a unit, `the whole organisation`, or `directory NAME`.
    pub place: String,
    /// Who.
    pub holder: Box<str>,
    /// The user, None for somebody outside.
    pub user: Option<UserId>,
    /// Where to write to, when they count.
    pub mail: Option<String>,
    /// Where to call.
    pub phone: Option<Box<str>>,
    /// How they came to it: `assignment 12`, `group X`, `managedBy`, `list X`, or an attribute's `name=value`.
    pub origin: String,
    /// The assignment, for those that an administrator made.
    pub assignment: Option<AssignmentId>,
    /// Why they don't count now; None: they do.
    pub skipped: Option<String>,
    /// Who counts in their place.
    pub deputy: Option<Box<str>>,
}

/// The answer to "whom do I turn to?".
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContactsAnswer {
    /// For whom: a user's name, a unit's path, or the organisation.
    pub asker: String,
    /// The role that was asked for.
    pub role: RoleName,
    /// At what time.
    pub at: DateTime<Utc>,
    /// Where the organisation's clocks are.
    pub zone: chrono_tz::Tz,
    /// What somebody should know of a subject that is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How the organisation of then is known, when it is one of the past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<PastAnswer>,
    /// Who, and the way to them.
    #[serde(flatten)]
    pub answer: Answer,
}

/// A subject, and who answers for it now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectLine {
    /// The subject.
    #[serde(flatten)]
    pub subject: Subject,
    /// The path of the unit that it belongs to.
    pub owner_path: Option<String>,
    /// Those who answer, in order.
    pub contacts: Vec<Box<str>>,
    /// In which role they do: its own, or the one it falls back to.
    pub by: Option<RoleName>,
    /// What is the matter with the unit that it belongs to.
    pub problem: Option<String>,
}

/// A subject with those who hold a role for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectAnswer {
    /// The subject, and who answers for it.
    #[serde(flatten)]
    pub line: SubjectLine,
    /// Who holds a role for it.
    pub holds: Vec<HoldingAnswer>,
}

/// An absence with names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AbsenceAnswer {
    /// The absence.
    #[serde(flatten)]
    pub absence: Absence,
    /// Who is away.
    pub name: Box<str>,
    /// Who stands in.
    pub deputy_name: Option<Box<str>>,
    /// What somebody should know of it, full sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An outage, and how its last word went out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutageAnswer {
    /// The outage.
    #[serde(flatten)]
    pub outage: Outage,
    /// Messages that its last word put into the outbox; None when only looked at.
    pub messages: Option<u32>,
    /// The units concerned, as people call them.
    #[serde(default)]
    pub unit_paths: Vec<String>,
    /// What somebody should know of it, full sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who would be told, when only that was asked for: nothing has been done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
}

/// Who would be told, and who not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Preview {
    /// Who would.
    pub told: Vec<PreviewTold>,
    /// Who holds the role, and wouldn't.
    pub not_told: Vec<PreviewUntold>,
    /// The channels that lead to places where people read what they like, by which it would go, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
}

/// Somebody who would be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviewTold {
    /// What they are called.
    pub name: String,
    /// Where to.
    pub mail: String,
    /// Why, as the mail would say it.
    pub why: String,
    /// All reasons, what says most first.
    pub because: Vec<Because>,
    /// Who is away, when this is the deputy.
    pub deputy_for: Option<String>,
    /// By which channels.
    #[serde(default)]
    pub ways: Vec<PreviewWay>,
}

/// A message to somebody who would be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviewWay {
    /// By which channel.
    pub channel: String,
    /// To which address or number.
    pub to: String,
    /// Until when it would wait at the latest, for the morning or for more. None: it leaves at once, if `quiet_hours.per_hour` and the channel's limit let it.
    pub waits_until: Option<DateTime<Utc>>,
}

/// Somebody who wouldn't be told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreviewUntold {
    /// What they are called.
    pub name: String,
    /// `skipped`: they don't count now; `other_unit`, `other_service`: it doesn't concern what they are contacts for; `left`: nor any more;
    /// `inhibited`: they are told of the cause; `silenced`; `bounced`: mails to them came back; `routed`: the routes send it to places only.
    pub reason: String,
    /// Why not, in words.
    pub why_not: String,
}

/// A new word on an outage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OutageUpdate {
    /// What there is to say.
    #[serde(default)]
    pub text: String,
    /// Where it stands from now on.
    #[serde(default)]
    pub state: Option<crate::domain::outage::State>,
}

/// A message in the outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageLine {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// What it is about, in a few words.
    pub about: String,
}

/// A message with its facts and every try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageAnswer {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// What it is about, in a few words.
    pub about: String,
    /// Its `Message-ID`, or that of the mail in which it leaves with others.
    pub message_id: String,
    /// The others in the same mail.
    #[serde(default)]
    pub with: Vec<MessageId>,
    /// When it is given up.
    pub expires: DateTime<Utc>,
    /// The facts of its notice.
    pub facts: Facts,
    /// Every try, the first one first.
    pub log: Vec<AttemptLog>,
}

/// To whom a test message goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestRequest {
    /// An address, or a user; None for a channel that leads to one place.
    #[serde(default)]
    pub to: Option<String>,
    /// By which channel; None: by mail.
    #[serde(default)]
    pub channel: Option<ChannelName>,
}

/// A run with its details.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunAnswer {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What it changed, or would have changed; of that, what was asked for.
    pub changes: Vec<crate::domain::delta::ObjectChange>,
    /// How many lines there are of what was asked for, also when not all of them were wanted.
    pub matching: usize,
    /// What it set aside.
    pub quarantined: Vec<Quarantined>,
}
