//! How a domain controller is read: whole the first time, then by what changed.
//!
//! A whole read notes how far the controller's numbers had come before. The next run asks DirSync for all objects whose number is higher, which
//! gives the first cookie; the runs after that go on from it. Where DirSync isn't to be had, the numbers do. Whenever it isn't certain that
//! the changes are all there are, everything is read, in the same run, and the run says why.

mod changes;
pub(super) mod controller;
mod dirsync;
mod pace;
mod parallel;
mod queue;
mod ranges;

use chrono::TimeDelta;
use ldap3::controls::RawControl;

use super::place::{Base, Place};
use super::session::{RootDse, Session};
use super::{Ldap, Tell};
use crate::domain::decode::Decoder;
use crate::domain::directory::Found;
use crate::domain::ids::DirectoryName;
use crate::domain::run::{Cursor, Mode, ModeReason, Position, UsnPosition};
use crate::domain::shape::shape;
use crate::source::{Ask, Reading, SourceError};
use controller::Controller;
#[cfg(fuzzing)]
pub(in crate::source) use dirsync::fuzz_dirsync;

/// The usual filters. Whoever matches one of them does so by class, which doesn't change.
pub(super) const USERS: &str = "(&(objectCategory=person)(objectClass=user))";
pub(super) const UNITS: &str = "(objectClass=organizationalUnit)";
pub(super) const GROUPS: &str = "(objectClass=group)";

const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";

/// What a run knows of where it reads.
struct Domain<'a> {
    controller: Controller,
    place: Place<'a>,
    /// The naming contexts that hold the bases.
    contexts: Vec<String>,
    sees_deletions: bool,
}

impl Ldap {
    /// Reads what is asked, if this is a domain controller; else None.
    pub(super) async fn read_active_directory(
        &self,
        session: &mut Session<'_>,
        root: &RootDse,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Option<Reading>, SourceError> {
        if !self.mapping.id.eq_ignore_ascii_case("objectGUID") {
            return Ok(None);
        }
        let Some(controller) = Controller::find(session).await? else {
            return Ok(None);
        };
        // MS-ADTS 3.1.1.3.4.1.5; flag 1: identities as text.
        let value = Some(vec![0x30, 3, 2, 1, 1]);
        session.always(RawControl { ctype: EXTENDED_DN.to_owned(), crit: true, val: value });
        let place = self.place(session, root).await?;
        let contexts = contexts(&place.bases, root);
        let mut sees_deletions = !contexts.is_empty();
        for context in &contexts {
            sees_deletions &= controller::sees_deletions(session, context).await?;
        }
        let domain = Domain { controller, place, contexts, sees_deletions };
        let reason = match self.on_from(session, &domain, ask).await? {
            Err(reason) => reason,
            Ok((cursor, at)) => {
                match self.read_changes(session, &domain, directory, ask, cursor, at).await? {
                    Ok(reading) => return Ok(Some(reading)),
                    Err(reason) => reason,
                }
            }
        };
        if ask.cursor.is_some() && ask.whole.is_none() && reason != ModeReason::OnlyFull {
            tracing::info!(server = session.server(), ?reason, "everything is read instead of what changed");
        }
        self.read_whole(session, &domain, directory, ask, reason, tell).await.map(Some)
    }

    /// Where the changes since the last read begin, or why everything must be read.
    async fn on_from<'a>(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        ask: &Ask<'a>,
    ) -> Result<Result<(&'a Cursor, UsnPosition), ModeReason>, SourceError> {
        if let Some(reason) = ask.whole_because(self.scope()) {
            return Ok(Err(reason));
        }
        let Some(cursor) = ask.cursor else {
            return Ok(Err(ModeReason::First));
        };
        let (at, only_here) = match &cursor.position {
            Position::Usn(at) => (*at, true),
            Position::DirSync { at, .. } => (*at, false),
            Position::None if domain.controller.at().is_none() => return Ok(Err(ModeReason::OnlyFull)),
            _ => return Ok(Err(ModeReason::NoPosition)),
        };
        if let Err(reason) = domain.controller.goes_on_from(at, only_here) {
            return Ok(Err(reason));
        }
        if domain.contexts.is_empty() || (!only_here && domain.contexts.len() > 1) {
            return Ok(Err(ModeReason::NoPosition));
        }
        // Deletions that couldn't be seen so far are behind the position.
        if domain.sees_deletions && !cursor.sees_deletions {
            return Ok(Err(ModeReason::SeesDeletions));
        }
        let lifetime = domain.controller.tombstone_lifetime(session).await?;
        // A day for clocks that differ and for what was deleted while it was read.
        let limit = TimeDelta::days(lifetime.saturating_sub(1).into());
        let age = cursor.read_at.map(|read_at| ask.now - read_at);
        if age.is_none_or(|age| age >= limit || age < -TimeDelta::days(1)) {
            return Ok(Err(ModeReason::TooOld));
        }
        Ok(Ok((cursor, at)))
    }

    async fn read_whole(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        reason: ModeReason,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        let mut decoder = Decoder::new(&self.mapping, directory).with_known(ask.known);
        self.read_below(session, domain, directory, ask, &mut decoder, tell).await?;
        for base in &domain.place.bases {
            decoder.push_base(&base.entry);
        }
        self.look_above(session, &mut decoder).await?;
        self.still_there(session, &domain.place).await?;
        self.experience.asks_dirsync_again(session.server());
        // Every change from before the read on comes again with the next run's changes, so that none falls between.
        let position = domain.controller.at().map_or(Position::None, Position::Usn);
        let cursor = self.cursor(session, domain, ask, position, Some(ask.now));
        let mut found = Found::Whole(decoder.finish());
        shape(&mut found, &ask.frame(directory, &self.mapping, self.scope(), domain.place.named.units_below));
        Ok(Reading {
            found,
            mode: Mode::Full,
            reason,
            server: cursor.server.clone(),
            cursor,
            warnings: Vec::new(),
        })
    }

    fn cursor(
        &self,
        session: &Session<'_>,
        domain: &Domain<'_>,
        ask: &Ask<'_>,
        position: Position,
        whole_at: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Cursor {
        Cursor {
            scope: self.scope(),
            server: session.server().into(),
            position,
            read_at: Some(ask.now),
            whole_at,
            sees_deletions: domain.sees_deletions,
        }
    }
}

/// The nearest naming context at or above each base, each once; none when one isn't known.
fn contexts(bases: &[Base<'_>], root: &RootDse) -> Vec<String> {
    let mut contexts = Vec::new();
    for base in bases {
        let Some(nearest) = root.context_of(&base.dn).map(str::to_owned) else {
            return Vec::new();
        };
        if !contexts.contains(&nearest) {
            contexts.push(nearest);
        }
    }
    contexts
}
