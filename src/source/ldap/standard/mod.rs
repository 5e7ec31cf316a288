//! How a directory is read that isn't Active Directory: whole the first time, then by what changed.
//!
//! A server that tells what changed (RFC 4533; OpenLDAP with its overlay `syncprov`) is asked before a whole read for everything without any
//! values, which gives the first cookie, and for what changed since a cookie after that. What changes between comes again. Elsewhere
//! the time of each object's last change (`modifyTimestamp`) tells, which doesn't show what was deleted: whole reads on a schedule do.
//! Whenever it isn't certain that the changes are all there are, everything is read, in the same run, and the run says why.

mod changes;
mod names;
pub(super) mod sync;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use ldap3::Scope;

use super::place::{Base, Place};
use super::probe::Follows;
use super::session::{RootDse, Search, Session};
use super::{Ldap, Tell};
use crate::domain::decode::{Decoder, generalized_time};
use crate::domain::directory::Found;
use crate::domain::entry::Entry;
use crate::domain::ids::DirectoryName;
use crate::domain::run::{Cursor, Mode, ModeReason, Position};
use crate::domain::shape::shape;
use crate::source::{Ask, Reading, SourceError};
use sync::Refusal;

/// When an object last changed (RFC 4512 §3.4.4).
const CHANGED: &str = "modifyTimestamp";
/// Everything, whatever it is: what stands above is of concern, too.
const ALL: &str = "(objectClass=*)";

impl Ldap {
    /// Reads what is asked from a server whose identities are texts.
    pub(super) async fn read_standard(
        &self,
        session: &mut Session<'_>,
        root: &RootDse,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        let place = self.place(session, root).await?;
        let reason = match self.goes_on(session, root, ask) {
            Err(reason) => reason,
            Ok(cursor) => match self.read_standard_changes(session, &place, directory, ask, cursor).await? {
                Ok(reading) => return Ok(reading),
                Err(reason) => reason,
            },
        };
        if ask.cursor.is_some() && ask.whole.is_none() && reason != ModeReason::OnlyFull {
            tracing::info!(server = session.server(), ?reason, "everything is read instead of what changed");
        }
        self.read_standard_whole(session, root, &place, directory, ask, reason, tell).await
    }

    /// Where the changes since the last read begin, or why everything must be read.
    fn goes_on<'a>(
        &self,
        session: &Session<'_>,
        root: &RootDse,
        ask: &Ask<'a>,
    ) -> Result<&'a Cursor, ModeReason> {
        if let Some(reason) = ask.whole_because(self.scope()) {
            return Err(reason);
        }
        let cursor = ask.cursor.ok_or(ModeReason::First)?;
        match &cursor.position {
            // Another server may have other changes, and another clock.
            Position::ContentSync { .. } | Position::ModifyTimestamp { .. } => {
                if *cursor.server == *session.server() { Ok(cursor) } else { Err(ModeReason::OtherServer) }
            }
            Position::None if !self.is_told_changes(root) => Err(ModeReason::OnlyFull),
            _ => Err(ModeReason::NoPosition),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "it is one step of the read, cut off for its length")]
    async fn read_standard_whole(
        &self,
        session: &mut Session<'_>,
        root: &RootDse,
        place: &Place<'_>,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        reason: ModeReason,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        let cookies =
            if self.is_told_changes(root) { self.first_cookies(session, &place.bases).await? } else { None };
        let mut decoder = Decoder::new(&self.mapping, directory).with_known(ask.known);
        let (mut latest, mut read) = (None, HashSet::new());
        let filter = self.filter();
        for base in &place.bases {
            let mut attributes = self.mapping.attributes();
            attributes.push(CHANGED);
            let search = Search { base: base.text, scope: Scope::Subtree, filter: &filter, attributes };
            let before = decoder.progress().users;
            session
                .pages(&search, |entries| {
                    for entry in &entries {
                        latest = latest.max(changed(entry, ask.now));
                        read.extend(self.mapping.id_of(entry));
                        decoder.push(entry);
                    }
                    tell(decoder.progress());
                })
                .await?;
            if decoder.progress().users == before {
                tracing::warn!(
                    server = session.server(),
                    base = base.text,
                    "the read succeeded and found no users"
                );
            }
        }
        self.read_missing(session, &place.texts(), directory, ask, &read, &mut decoder, tell).await?;
        for base in &place.bases {
            decoder.push_base(&base.entry);
        }
        self.look_above(session, &mut decoder).await?;
        self.still_there(session, place).await?;
        let position = match (cookies, latest) {
            (Some(cookies), _) => {
                Position::ContentSync { cookie: sync::join(cookies.iter().map(Vec::as_slice)) }
            }
            (None, Some(latest)) => Position::ModifyTimestamp { since: written(latest) },
            (None, None) => Position::None,
        };
        let cursor = self.standard_cursor(session, ask, position, Some(ask.now));
        let (mut found, server) = (Found::Whole(decoder.finish()), cursor.server.clone());
        shape(&mut found, &ask.frame(directory, &self.mapping, self.scope(), place.named.units_below));
        Ok(Reading { found, mode: Mode::Full, reason, cursor, server, warnings: Vec::new() })
    }

    /// What the changes after this moment go on from; None when the server doesn't tell them after all. It is asked for as it will be the next time:
    /// a cookie belongs to what was searched (RFC 4533 §1.2).
    async fn first_cookies(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
    ) -> Result<Option<Vec<Vec<u8>>>, SourceError> {
        let mut cookies = Vec::new();
        for base in bases {
            let search = self.everything(base);
            match sync::changes(session, &search, &self.mapping, None).await? {
                Ok(changes) => cookies.push(changes.cookie),
                Err(Refusal::Answer(answer)) => {
                    tracing::info!(server = session.server(), %answer, "the server doesn't tell its changes (RFC 4533)");
                    return Ok(None);
                }
                Err(Refusal::NoCookie | Refusal::TooMuch) => return Ok(None),
                Err(Refusal::OtherIdentity) => {
                    let id = &*self.mapping.id;
                    tracing::warn!(
                        server = session.server(),
                        id,
                        "the server tells its changes by another identity"
                    );
                    return Ok(None);
                }
            }
        }
        Ok(Some(cookies))
    }

    /// How this server would tell what changed; None for Active Directory, and when that can't be seen.
    pub(super) async fn probe_changes(&self, session: &mut Session<'_>, root: &RootDse) -> Option<Follows> {
        if self.mapping.has_bytes_for_id() {
            return None;
        }
        let mut why = "it doesn't offer the control".to_owned();
        if root.synchronizes && !self.is_told_changes(root) {
            "389 Directory Server forgets some".clone_into(&mut why);
        }
        for text in self.bases.iter().filter(|_| self.is_told_changes(root)) {
            // The base alone: that costs nothing and is refused as a whole read would be.
            let search =
                Search { base: text, scope: Scope::Base, filter: ALL, attributes: vec![&self.mapping.id] };
            match sync::changes(session, &search, &self.mapping, None).await.ok()? {
                Ok(_) => return Some(Follows::ContentSync),
                Err(Refusal::Answer(answer)) => why = answer.to_string(),
                Err(Refusal::NoCookie | Refusal::TooMuch) => "it gives no cookie".clone_into(&mut why),
                Err(Refusal::OtherIdentity) => {
                    why = format!("it speaks of its entries by another identity than {}", self.mapping.id);
                }
            }
        }
        let times = session.look(self.bases.first()?, vec![CHANGED]).await.ok()??;
        let tells = times.first(CHANGED).is_some();
        Some(if tells { Follows::ModifyTimestamp(why) } else { Follows::Not })
    }

    /// Whether the server tells its changes (RFC 4533) so that they can be gone by. Those of 389 Directory Server can't (decision 16).
    fn is_told_changes(&self, root: &RootDse) -> bool {
        root.synchronizes && !self.mapping.has_ns_unique_id()
    }

    fn everything<'s>(&'s self, base: &Base<'s>) -> Search<'s> {
        Search { base: base.text, scope: Scope::Subtree, filter: ALL, attributes: vec![&self.mapping.id] }
    }

    fn standard_cursor(
        &self,
        session: &Session<'_>,
        ask: &Ask<'_>,
        position: Position,
        whole_at: Option<DateTime<Utc>>,
    ) -> Cursor {
        // Not even with RFC 4533 is everything told: references that OpenLDAP's refint mends behind a rename keep their entryCSN. So whole reads on
        // their schedule are wanted in any case.
        let sees_deletions = false;
        let (scope, server, read_at) = (self.scope(), session.server().into(), Some(ask.now));
        Cursor { scope, server, position, read_at, whole_at, sees_deletions }
    }
}

/// When an entry last changed, by the server's clock; None also when that is after `now`: one time in the future would hide what changes until
/// then. If the server's clock is ahead of ours, what it says comes again until ours has come so far.
fn changed(entry: &Entry, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let time = generalized_time(str::from_utf8(entry.first(CHANGED)?).ok()?)?;
    (time <= now).then_some(time)
}

/// As a filter wants it.
fn written(time: DateTime<Utc>) -> Box<str> {
    time.format("%Y%m%d%H%M%SZ").to_string().into()
}
