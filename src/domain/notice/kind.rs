//! What kind of notice there is, and what goes first.

use serde::{Deserialize, Serialize};

use super::{About, Facts};
use crate::domain::alert::Trouble;
use crate::domain::ids::OutageId;
use crate::domain::outage::Severity;
use crate::domain::warning::DueReason;

/// What a notice is about. Channels and times to live go by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// An outage.
    Outage,
    /// The sync of a directory, or the store.
    Alert,
    /// Periods that aren't covered.
    Coverage,
    /// Who got other contacts.
    Contacts,
    /// What somebody is contact for.
    Digest,
    /// Notices that don't arrive.
    Delivery,
    /// A test.
    Test,
}

impl NoticeKind {
    /// Those that can be routed, with their words in the configuration.
    pub const ROUTED: [(&'static str, NoticeKind); 6] = [
        ("outage", NoticeKind::Outage),
        ("alert", NoticeKind::Alert),
        ("coverage", NoticeKind::Coverage),
        ("contacts", NoticeKind::Contacts),
        ("digest", NoticeKind::Digest),
        ("delivery", NoticeKind::Delivery),
    ];

    /// Whether its notices say something else to each who gets one, so that they belong into no place where all read them.
    pub fn is_personal(self) -> bool {
        matches!(self, NoticeKind::Contacts | NoticeKind::Digest)
    }
}

/// What goes first: of what is due in a channel, the urgent is sent before the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// People are waiting for it to act.
    Urgent,
    /// Soon.
    High,
    /// In its turn.
    Normal,
    /// When nothing else is to be sent.
    Low,
}

impl Priority {
    /// All of them, the urgent first.
    pub const ALL: [Priority; 4] = [Priority::Urgent, Priority::High, Priority::Normal, Priority::Low];
}

impl Facts {
    /// What kind it is.
    pub fn kind(&self) -> NoticeKind {
        match self {
            Facts::OutageWord(word) if !matches!(word.about, About::Silence(_)) => NoticeKind::Outage,
            Facts::Outage { .. } | Facts::OutageTold(_) => NoticeKind::Outage,
            Facts::OutageWord(_)
            | Facts::SyncTrouble(_)
            | Facts::SyncRecovered { .. }
            | Facts::StoreRebuilt { .. }
            | Facts::Lasting { .. }
            | Facts::Quarantine(_)
            | Facts::QuarantineOver { .. }
            | Facts::Ending { .. } => NoticeKind::Alert,
            Facts::Test { .. } | Facts::Subscribe { .. } => NoticeKind::Test,
            Facts::Coverage(_) => NoticeKind::Coverage,
            Facts::ContactNews(_) | Facts::ContactSummary(_) => NoticeKind::Contacts,
            Facts::Duties(_) => NoticeKind::Digest,
            Facts::ChannelBroken { .. } | Facts::ChannelWorks { .. } | Facts::Undelivered(_) => {
                NoticeKind::Delivery
            }
            Facts::Climbed(climbed) => climbed.facts.kind(),
        }
    }

    /// How bad it is what it speaks of: an outage's own severity; of the rest what demands that somebody acts is major.
    pub fn severity(&self) -> Severity {
        match self {
            Facts::Outage { outage, .. } => outage.severity,
            Facts::OutageTold(word) => word.severity,
            Facts::OutageWord(word) => word.severity,
            Facts::StoreRebuilt { .. } => Severity::Critical,
            Facts::SyncTrouble(trouble) if trouble.trouble != Trouble::Stale => Severity::Major,
            Facts::Ending { due, .. } if due.reason == DueReason::Over => Severity::Major,
            Facts::ChannelBroken { .. } | Facts::Undelivered(_) | Facts::Quarantine(_) => Severity::Major,
            Facts::Climbed(climbed) => climbed.facts.severity(),
            _ => Severity::Minor,
        }
    }

    /// The outage that it is about.
    pub fn outage(&self) -> Option<OutageId> {
        match self {
            Facts::Outage { outage, .. } => Some(outage.id),
            Facts::OutageTold(word) => Some(word.id),
            Facts::OutageWord(word) => Some(word.id),
            Facts::Climbed(climbed) => climbed.facts.outage(),
            _ => None,
        }
    }

    /// What goes before it.
    pub fn priority(&self) -> Priority {
        match (self.kind(), self.severity()) {
            (_, Severity::Critical) => Priority::Urgent,
            (_, Severity::Major) => Priority::High,
            (NoticeKind::Coverage | NoticeKind::Contacts | NoticeKind::Digest, Severity::Minor) => {
                Priority::Low
            }
            _ => Priority::Normal,
        }
    }
}
