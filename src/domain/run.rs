//! The record of one sync of one directory: what was asked, what came of it, and why.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::delta::Delta;
use super::guard::HoldReason;
use super::ids::{DirectoryName, Generation, Guid, RunId};
use super::schedule::Schedule;

/// What set the run off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its crontab line.
    Schedule,
    /// The daemon's start, when the data is older than the schedule would have it.
    Start,
    /// Somebody asked for it.
    Manual(Actor),
    /// A held run was approved.
    Approval(RunId),
    /// Somebody had an earlier run undone.
    Undo {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
    },
    /// The directory said that something in it had changed.
    ChangeNotification,
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trigger::Schedule => f.write_str("schedule"),
            Trigger::Start => f.write_str("start"),
            Trigger::Manual(by) => by.fmt(f),
            Trigger::Approval(run) => write!(f, "approval of {run}"),
            Trigger::Undo { run, by } => write!(f, "{by}, undoing {run}"),
            Trigger::ChangeNotification => f.write_str("change notification"),
        }
    }
}

/// How much of the directory was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything.
    Full,
    /// What changed, by Active Directory's DirSync control ([MS-ADTS] 3.1.1.3.4.1.3).
    DirSync,
    /// What changed, by Active Directory's `uSNChanged`.
    Usn,
    /// What changed, by the content synchronization operation (RFC 4533).
    ContentSync,
    /// What changed, by `modifyTimestamp` (RFC 4512 §3.4).
    ModifyTimestamp,
    /// Nothing: the run put back what an earlier one had changed.
    Nothing,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Full => "everything",
            Mode::DirSync => "changes (DirSync)",
            Mode::Usn => "changes (uSNChanged)",
            Mode::ContentSync => "changes (content sync)",
            Mode::ModifyTimestamp => "changes (modifyTimestamp)",
            Mode::Nothing => "nothing",
        })
    }
}

/// Why it was read that way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModeReason {
    /// The source can only be read whole.
    OnlyFull,
    /// Nothing was read before.
    First,
    /// Base, scope, filter or mapping changed.
    ScopeChanged,
    /// Somebody asked for it.
    Asked,
    /// It goes on from where the last run ended.
    Continued,
    /// What was read last doesn't say from where to go on.
    NoPosition,
    /// It was read at another server, whose numbers are others.
    OtherServer,
    /// The server was put back to an earlier state: another invocationId, or a lower highestCommittedUSN.
    Restored,
    /// The server doesn't take the cookie it gave.
    CookieRefused,
    /// The last read is too long ago for the server to know all deletions since.
    TooOld,
    /// The schedule of whole reads says so: they find what can't be seen otherwise.
    Due,
    /// What changed can't be followed without reading everything: the server speaks of it by name only.
    Untraceable,
    /// A run was undone.
    Undone,
    /// So much changed that reading everything is less work.
    TooMuch,
    /// The account may see deletions by now: those before were missed.
    SeesDeletions,
    /// It was read from a domain controller, and the server doesn't say any more that it is one.
    NoController,
}

impl std::fmt::Display for ModeReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ModeReason::OnlyFull => "this source can only be read whole",
            ModeReason::First => "nothing was read before",
            ModeReason::ScopeChanged => "the configured base, scope, filter or mapping has changed",
            ModeReason::Asked => "somebody asked for it",
            ModeReason::Continued => "going on from the last run",
            ModeReason::NoPosition => "the last read doesn't say from where to go on",
            ModeReason::OtherServer => "the last read was at another server, whose numbers are others",
            ModeReason::Restored => "the server was put back to an earlier state",
            ModeReason::CookieRefused => "the server didn't take the cookie that it gave",
            ModeReason::TooOld => "the last read is too long ago to know all deletions since",
            ModeReason::Due => "a whole read was due by whole_read_schedule",
            ModeReason::Untraceable => "the changes could only be followed by reading everything",
            ModeReason::Undone => "a run was undone",
            ModeReason::TooMuch => "so much changed that reading everything is less work",
            ModeReason::NoController => "the server doesn't say any more that it is a domain controller; may the account see the root DSE?",
            ModeReason::SeesDeletions => "the account may see deletions by now, and those before were missed",
        })
    }
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It changed the data.
    Committed {
        /// The generation it made.
        generation: Generation,
    },
    /// There was nothing to change.
    Unchanged,
    /// It waits for approval; the old data stays in force.
    Held {
        /// Why.
        reasons: Vec<HoldReason>,
        /// The earlier run that waits with the very same removals, when there is one: approve that.
        same_as: Option<RunId>,
    },
    /// It failed; the old data stays in force.
    Failed {
        /// What went wrong, a full sentence with the other side's answer and what to do.
        error: Box<str>,
    },
}

/// Numbers of one kind of object in a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct KindCounts {
    /// How many were read.
    pub read: u32,
    /// How many are new.
    pub added: u32,
    /// How many differ.
    pub changed: u32,
    /// How many are gone.
    pub removed: u32,
}

/// Numbers of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Users.
    pub users: KindCounts,
    /// Units.
    pub units: KindCounts,
    /// Groups.
    pub groups: KindCounts,
    /// Objects set aside.
    pub quarantined: u32,
}

impl Counts {
    /// Takes over how much a delta changes.
    pub fn with_delta(mut self, delta: &Delta) -> Counts {
        fn note<T>(counts: &mut KindCounts, changes: &super::delta::Changes<T>) {
            let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            counts.added = clamp(changes.added.len());
            counts.changed = clamp(changes.changed.len());
            counts.removed = clamp(changes.removed.len());
        }
        note(&mut self.users, &delta.users);
        note(&mut self.units, &delta.units);
        note(&mut self.groups, &delta.groups);
        self
    }
}

/// One sync of one directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// Which directory.
    pub directory: DirectoryName,
    /// What set it off.
    pub trigger: Trigger,
    /// How much was read.
    pub mode: Mode,
    /// Why that much.
    pub mode_reason: ModeReason,
    /// Where it was read: the server's URL or the file.
    pub server: Box<str>,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// What came of it.
    pub outcome: Outcome,
    /// How much it read and changed; would have changed, for a held run.
    pub counts: Counts,
}

/// What has to be known of the last read of a directory to read it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cursor {
    /// A digest of base, scope, filter and mapping: a change of these is a changed scope.
    pub scope: u64,
    /// Where it was read.
    pub server: Box<str>,
    /// From where to go on.
    pub position: Position,
    /// When the last read began, of whatever kind. None: not known.
    pub read_at: Option<DateTime<Utc>>,
    /// When a whole read last began. None: not known.
    pub whole_at: Option<DateTime<Utc>>,
    /// Whether the runs that follow can see what is deleted; else only a whole read finds that.
    pub sees_deletions: bool,
}

/// When everything is to be read though what changed would do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WholeReads {
    /// Where deletions can't be seen otherwise.
    pub blind: Schedule,
    /// Where they can. What moves out of the account's sight, or into it, isn't told even there ([MS-ADTS] 3.1.1.3.4.1.3: DirSync gives what the
    /// account may read).
    pub seeing: Schedule,
}

impl WholeReads {
    /// Whether the read that begins at `now` is to be a whole one, when the last one ended at `cursor`.
    pub fn is_due(&self, cursor: &Cursor, now: DateTime<Utc>) -> bool {
        let schedule = if cursor.sees_deletions { &self.seeing } else { &self.blind };
        // A time ahead was noted by a clock that has since been put right.
        let last = cursor.whole_at.filter(|last| *last <= now);
        last.is_none_or(|last| schedule.next_after(last).is_some_and(|due| due <= now))
    }
}

/// From where a read goes on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// From nowhere: the next read is a whole one.
    None,
    /// Behind a number of one domain controller.
    Usn(UsnPosition),
    /// Where a DirSync cookie says, which every domain controller understands.
    DirSync {
        /// The controller that gave it, and how far that was.
        at: UsnPosition,
        /// As the controller gave it; nobody else's to read.
        cookie: Box<[u8]>,
    },
    /// Where a cookie of the content synchronization operation says (RFC 4533).
    ContentSync {
        /// As the server gave it.
        cookie: Box<[u8]>,
    },
    /// At the server's time of the last change that was seen, as generalized time (RFC 4517 §3.3.13).
    ModifyTimestamp {
        /// Such as `20261122230000Z`.
        since: Box<str>,
    },
}

/// How far one domain controller's numbers had come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsnPosition {
    /// Which controller: `objectGUID` of its NTDS settings, which outlasts a restore. None: not readable.
    pub controller: Option<Guid>,
    /// `invocationId` of its database: another one after it was restored ([MS-ADTS] 3.1.1.1.9). None: not readable.
    pub invocation: Option<Guid>,
    /// `highestCommittedUSN`: before the read for what goes on behind that number, after it for a cookie.
    pub highest: u64,
}

/// A run that waits for a person's word. At most one per directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeldRun {
    /// Which run.
    pub run: RunId,
    /// Which directory.
    pub directory: DirectoryName,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub reasons: Vec<HoldReason>,
    /// What approving it would approve ([`approval_of`](super::guard::approval_of)), in order. May be long.
    pub objects: Vec<Guid>,
    /// Who approved it, when it is approved but not yet carried out.
    pub approved: Option<Actor>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::hour;

    #[test]
    fn a_whole_read_is_due_once_its_time_has_come() {
        let cursor = |whole_at, sees_deletions| Cursor {
            read_at: whole_at,
            scope: 1,
            server: "ldaps://dc1".into(),
            position: Position::None,
            whole_at,
            sees_deletions,
        };
        let schedule = |text| Schedule::parse(text, chrono_tz::UTC).unwrap();
        let reads = WholeReads { blind: schedule("30 3 * * *"), seeing: schedule("30 3 * * 0") };
        // hour(0) is midnight. Last whole read at 1 o'clock of the first day; looked at so many hours later.
        for (sees_deletions, read_at, now, due) in [
            (false, Some(1), 3, false),
            (false, Some(1), 4, true),
            (false, Some(4), 27, false),
            (false, Some(4), 28, true),
            (false, Some(4), 400, true),
            (false, None, 0, true),
            (false, Some(2), 1, true),
            (true, Some(4), 28, false),
            (true, Some(4), 147, false),
            (true, Some(4), 148, true),
            (true, None, 0, true),
        ] {
            let cursor = cursor(read_at.map(hour), sees_deletions);
            assert_eq!(reads.is_due(&cursor, hour(now)), due, "{cursor:?} {now}");
        }
    }
}
