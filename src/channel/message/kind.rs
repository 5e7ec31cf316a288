//! The kinds of texts: what a template is for, and what can be previewed.

use crate::domain::notice::{About, Facts};

/// What a text is about. Its name is that of its templates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// An incident.
    Outage,
    /// Maintenance.
    Maintenance,
    /// Nothing has been said of an outage for long.
    OutageSilent,
    /// A directory's sync is in trouble.
    SyncTrouble,
    /// A directory's sync is well again.
    SyncRecovered,
    /// A damaged store was rebuilt.
    StoreRebuilt,
    /// A password, an account or a certificate ends.
    Ending,
    /// A period that is near, covered or not.
    Coverage,
    /// Contacts are others now, to one of those concerned.
    ContactNews,
    /// The same for all, when they are too many.
    ContactSummary,
    /// What somebody is contact for.
    Duties,
    /// A channel works for nobody.
    ChannelBroken,
    /// A channel works again.
    ChannelWorks,
    /// What was given up.
    Undelivered,
    /// Whether somebody outside wants to be told of outages.
    Subscribe,
    /// Small things that last.
    Lasting,
    /// Many more objects are set aside.
    Quarantine,
    /// Not so many any more.
    QuarantineOver,
    /// Whether what is sent arrives.
    Test,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 19] = [
        Kind::Outage,
        Kind::Maintenance,
        Kind::OutageSilent,
        Kind::SyncTrouble,
        Kind::SyncRecovered,
        Kind::StoreRebuilt,
        Kind::Ending,
        Kind::Coverage,
        Kind::ContactNews,
        Kind::ContactSummary,
        Kind::Duties,
        Kind::ChannelBroken,
        Kind::ChannelWorks,
        Kind::Undelivered,
        Kind::Subscribe,
        Kind::Lasting,
        Kind::Quarantine,
        Kind::QuarantineOver,
        Kind::Test,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Outage => "outage",
            Kind::Maintenance => "maintenance",
            Kind::OutageSilent => "outage-silent",
            Kind::SyncTrouble => "sync-trouble",
            Kind::SyncRecovered => "sync-recovered",
            Kind::StoreRebuilt => "store-rebuilt",
            Kind::Ending => "ending",
            Kind::Coverage => "coverage",
            Kind::ContactNews => "contact-news",
            Kind::ContactSummary => "contact-summary",
            Kind::Duties => "duties",
            Kind::ChannelBroken => "channel-broken",
            Kind::ChannelWorks => "channel-works",
            Kind::Undelivered => "undelivered",
            Kind::Lasting => "lasting",
            Kind::Quarantine => "quarantine",
            Kind::QuarantineOver => "quarantine-over",
            Kind::Subscribe => "subscribe",
            Kind::Test => "test",
        }
    }

    /// What it tells, for whoever chooses one.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Outage => "an outage, from its first word to its last",
            Kind::Maintenance => "maintenance, from its announcement to its end",
            Kind::OutageSilent => "nothing has been said of an outage or of maintenance for long",
            Kind::SyncTrouble => "the sync of a directory fails, gets old or is held",
            Kind::SyncRecovered => "the sync of a directory is well again",
            Kind::StoreRebuilt => "a damaged store was rebuilt",
            Kind::Ending => "a password, an account or a certificate ends soon, or has ended",
            Kind::Coverage => "a period that is near isn't covered, or is",
            Kind::ContactNews => "somebody is contact now, or no longer",
            Kind::ContactSummary => "too many got other contacts to be told one by one",
            Kind::Duties => "what somebody is contact for",
            Kind::ChannelBroken => "a channel works for nobody",
            Kind::ChannelWorks => "a channel works again",
            Kind::Undelivered => "messages that were given up",
            Kind::Subscribe => "whether somebody outside wants to be told of outages",
            Kind::Quarantine => "many more objects of a directory can't be read and are set aside",
            Kind::QuarantineOver => "not so many objects of a directory are set aside any more",
            Kind::Lasting => "what lasts though it is too small to alert",
            Kind::Test => "a test of whether what is sent arrives",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a notice is about.
    pub fn of(facts: &Facts) -> Kind {
        match facts {
            Facts::OutageWord(word) if matches!(word.about, About::Silence(_)) => Kind::OutageSilent,
            Facts::OutageWord(word) if word.plan.is_some() => Kind::Maintenance,
            Facts::Outage { .. } | Facts::OutageTold(_) | Facts::OutageWord(_) => Kind::Outage,
            Facts::SyncTrouble(_) => Kind::SyncTrouble,
            Facts::SyncRecovered { .. } => Kind::SyncRecovered,
            Facts::StoreRebuilt { .. } => Kind::StoreRebuilt,
            Facts::Ending { .. } => Kind::Ending,
            Facts::Coverage(_) => Kind::Coverage,
            Facts::ContactNews(_) => Kind::ContactNews,
            Facts::ContactSummary(_) => Kind::ContactSummary,
            Facts::Duties(_) => Kind::Duties,
            Facts::ChannelBroken { .. } => Kind::ChannelBroken,
            Facts::ChannelWorks { .. } => Kind::ChannelWorks,
            Facts::Undelivered(_) => Kind::Undelivered,
            Facts::Lasting { .. } => Kind::Lasting,
            Facts::Quarantine(_) => Kind::Quarantine,
            Facts::QuarantineOver { .. } => Kind::QuarantineOver,
            Facts::Subscribe { .. } => Kind::Subscribe,
            Facts::Test { .. } => Kind::Test,
            // As what it is about, with a word before it.
            Facts::Climbed(climbed) => Kind::of(&climbed.facts),
        }
    }

    /// The built-in template that it is written with, without the ending.
    pub(super) fn template(self) -> &'static str {
        match self {
            Kind::Outage | Kind::Maintenance | Kind::OutageSilent => "outage",
            Kind::SyncTrouble => "sync_trouble",
            Kind::Coverage => "coverage",
            Kind::ContactNews | Kind::ContactSummary | Kind::Duties => "contacts",
            Kind::SyncRecovered
            | Kind::StoreRebuilt
            | Kind::Ending
            | Kind::ChannelBroken
            | Kind::ChannelWorks
            | Kind::Undelivered
            | Kind::Lasting
            | Kind::Quarantine
            | Kind::QuarantineOver
            | Kind::Subscribe
            | Kind::Test => "plain",
        }
    }
}
