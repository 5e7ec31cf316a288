//! Where users and units come from: a directory over LDAP, or its export in a file.
//!
//! Both end in the same decoding ([`crate::domain::decode`]) and give everything or nothing: a read that broke off, or that can't
//! be shown to be whole, is an error.

mod answer;
pub mod calendar;
mod error;
pub mod feed;
pub mod fetch;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod ldap;
pub mod ldif;
pub mod list;
pub mod returned;

use std::time::Duration;

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::xxh3_64;

use crate::domain::decode::Mapping;
pub use crate::domain::decode::Progress;
use crate::domain::directory::{Directory, Found};
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::run::{Cursor, Mode, ModeReason};
use crate::domain::shape::Frame;
use crate::domain::warning::Warning;
pub use answer::{Answer, BindProblem};
pub use error::{ErrorKind, SourceError};
pub use ldap::{Heard, WatchEnded};

/// A directory that can be read.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a handful, and they live as long as the configuration"
)]
pub enum Source {
    /// From servers.
    Ldap(ldap::Ldap),
    /// From a file.
    Ldif(ldif::Ldif),
}

/// What is to be read, and what is known from before.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Users, units and groups of all directories as they stand. Of this directory's nothing changes while it is read.
    pub known: &'a Directory,
    /// Where the last read of this directory ended.
    pub cursor: Option<&'a Cursor>,
    /// Why everything is to be read; None: what changed will do.
    pub whole: Option<ModeReason>,
    /// The time at which the read begins.
    pub now: DateTime<Utc>,
    /// A person waits for it: then also credentials are tried that were refused a moment ago.
    pub by_hand: bool,
}

/// What one read gave.
#[derive(Debug)]
pub struct Reading {
    /// All of the directory, or what changed; and what was not understood of it.
    pub found: Found,
    /// How it was read.
    pub mode: Mode,
    /// Why that way.
    pub reason: ModeReason,
    /// What the next read has to know of this one.
    pub cursor: Cursor,
    /// Where it was read: the server's URL or the file.
    pub server: Box<str>,
    /// What ends one day, near or far, as far as the directory tells ([`due`](crate::domain::warning::due) tells what is near).
    pub warnings: Vec<Warning>,
}

/// Is told now and then how far a read has come.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Send + Sync);

impl Source {
    /// How the directory will be read unless the server has it otherwise, and why.
    pub fn plan(&self, ask: &Ask<'_>) -> (Mode, ModeReason) {
        match self {
            Source::Ldap(ldap) => ldap.plan(ask),
            Source::Ldif(ldif) => ldif.plan(ask),
        }
    }

    /// Reads what is asked. Dropping the future ends the read.
    ///
    /// # Errors
    /// When the directory can't be read, or not for certain whole.
    pub async fn read(
        &self,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        match self {
            Source::Ldap(ldap) => ldap.read(directory, ask, tell).await,
            Source::Ldif(ldif) => ldif.read(directory, ask, tell).await,
        }
    }

    /// Asks the server that was read last to tell when something changes, and says so to `heard`, until that can't go on. Dropping the
    /// future ends it. What changed is not told, and not all that changes: it is a hint.
    pub async fn watch(&self, ask: &Ask<'_>, heard: &(dyn Fn(Heard) + Send + Sync)) -> WatchEnded {
        match self {
            Source::Ldap(ldap) => ldap.watch(ask, heard).await,
            Source::Ldif(_) => WatchEnded::NotOffered("a file tells of no changes".to_owned()),
        }
    }

    /// How long a whole read may take.
    pub fn run_timeout(&self) -> Duration {
        match self {
            Source::Ldap(ldap) => ldap.run_timeout,
            Source::Ldif(ldif) => ldif.run_timeout,
        }
    }

    /// Takes over what the source in whose place it comes has learned: which credentials were refused, which servers are in trouble.
    pub fn inherit(&self, before: &Source) {
        if let (Source::Ldap(ldap), Source::Ldap(before)) = (self, before) {
            ldap.refusals.inherit(&before.refusals);
            ldap.experience.inherit(&before.experience, ldap.servers == before.servers);
        }
    }
}

impl std::fmt::Display for Source {
    /// Where it would be read: the servers' URLs, the domain, or the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Ldap(ldap) => ldap.servers.fmt(f),
            Source::Ldif(ldif) => ldif.file.display().fmt(f),
        }
    }
}

impl Ask<'_> {
    /// Nothing is known yet: everything is to be read.
    pub fn first(known: &Directory, now: DateTime<Utc>) -> Ask<'_> {
        Ask { known, cursor: None, whole: None, now, by_hand: true }
    }

    /// Why everything must be read, whatever the source can do, when what is read has the digest `scope`; None when what
    /// changed will do.
    fn whole_because(&self, scope: u64) -> Option<ModeReason> {
        match self.cursor {
            None => Some(ModeReason::First),
            Some(cursor) if cursor.scope != scope => Some(ModeReason::ScopeChanged),
            Some(_) => self.whole,
        }
    }
}

impl<'a> Ask<'a> {
    /// What has to be known to make the units of what was read, when what is read has the digest `scope`.
    fn frame(
        &self,
        directory: &'a DirectoryName,
        mapping: &'a Mapping,
        scope: u64,
        below: Option<Guid>,
    ) -> Frame<'a> {
        let same = self.cursor.is_some_and(|cursor| cursor.scope == scope);
        Frame { known: self.known, directory, from: &mapping.units, same, below }
    }
}

/// A digest of what is read: two reads with the same one can be compared. It must not change between versions of this program.
fn scope<'a>(words: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut text = String::new();
    for word in words {
        text.push_str(word);
        text.push('\0');
    }
    xxh3_64(text.as_bytes())
}
