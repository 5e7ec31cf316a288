//! What changed since the last read: asked for by DirSync or by the controller's numbers, followed to what is different now.

use std::fmt::Write as _;

use super::controller::{deleted_objects, show_deleted};
use super::dirsync::{self, everything_below};
use super::{Domain, GROUPS, UNITS, USERS};
use crate::domain::decode::extended;
use crate::domain::directory::Found;
use crate::domain::entry::Entry;
use crate::domain::follow::{Afresh, Follow, Need};
use crate::domain::ids::DirectoryName;
use crate::domain::run::{Cursor, Mode, ModeReason, Position, UsnPosition};
use crate::domain::shape::{as_read, shape};
use crate::source::ldap::Ldap;
use crate::source::ldap::session::{Search, Session};
use crate::source::{Ask, Reading, SourceError};
use ldap3::Scope;

/// Attributes that change without a change of theirs being told: made up on the spot, or part of the name.
const NEVER_TOLD: [&str; 12] = [
    "canonicalName",
    "cn",
    "createTimeStamp",
    "distinguishedName",
    "memberOf",
    "modifyTimeStamp",
    "msDS-PrincipalName",
    "ou",
    "primaryGroupToken",
    "uSNChanged",
    "uSNCreated",
    "whenChanged",
];

/// Where an object stood before it was deleted; it keeps that when it is restored.
const LAST_PARENT: &str = "lastKnownParent";

impl Ldap {
    /// Reads what changed, or says why everything must be read.
    pub(super) async fn read_changes(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        cursor: &Cursor,
        at: UsnPosition,
    ) -> Result<Result<Reading, ModeReason>, SourceError> {
        let known = as_read(ask.known, &self.mapping.units);
        let mut follow = match domain.place.follow(self, &known, directory, self.afresh()) {
            Ok(follow) => follow,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut mode = Mode::DirSync;
        let mut given = None;
        let by_cookie = matches!(cursor.position, Position::DirSync { .. });
        let tells = domain.controller.has_dirsync && domain.contexts.len() == 1;
        let tells = tells && (by_cookie || !self.experience.refuses_dirsync(session.server()));
        if let Some(context) = domain.contexts.first().filter(|_| tells) {
            let mut attributes = self.mapping.attributes();
            attributes.extend(["name", "isDeleted", LAST_PARENT]);
            let (filter, last) = match &cursor.position {
                Position::DirSync { cookie, .. } => (self.concerned(None), Some(cookie)),
                _ => (self.concerned(Some(at)), None),
            };
            let search = everything_below(context, &filter, attributes);
            let asked = match last {
                Some(cookie) => {
                    dirsync::changes(session, &search, cookie, |entry| follow.change(entry)).await?
                }
                None => dirsync::changes(session, &search, b"", |entry| follow.touch(entry)).await?,
            };
            match asked {
                Ok(cookie) => given = Some(cookie),
                Err(answer) => {
                    tracing::warn!(server = session.server(), %answer, "the server doesn't tell its changes by DirSync");
                    self.experience.note_no_dirsync(session.server());
                    if last.is_some() {
                        return Ok(Err(ModeReason::CookieRefused));
                    }
                }
            }
        } else if by_cookie {
            return Ok(Err(ModeReason::CookieRefused));
        }
        if given.is_none() {
            mode = Mode::Usn;
            self.changes_by_number(session, domain, at, &mut follow).await?;
        }
        if let Err(reason) = self.fetch(session, domain, &mut follow).await? {
            return Ok(Err(reason));
        }
        let update = match follow.finish() {
            Ok(update) => update,
            Err(lost) => return Ok(Err(lost.into())),
        };
        self.still_there(session, &domain.place).await?;
        let mut found = Found::Changes(update);
        shape(&mut found, &ask.frame(directory, &self.mapping, self.scope(), domain.place.named.units_below));
        let position = match given {
            // A controller that knows less than now was put back.
            Some(cookie) => match domain.controller.at_now(session).await? {
                Some(at) => Position::DirSync { at, cookie },
                None => Position::None,
            },
            None => domain.controller.at().map_or(Position::None, Position::Usn),
        };
        let cursor = self.cursor(session, domain, ask, position, cursor.whole_at);
        let (server, reason) = (cursor.server.clone(), ModeReason::Continued);
        Ok(Ok(Reading { found, mode, reason, cursor, server, warnings: Vec::new() }))
    }

    /// Every object that changed on this controller behind a number, and what was deleted.
    async fn changes_by_number(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        at: UsnPosition,
        follow: &mut Follow<'_>,
    ) -> Result<(), SourceError> {
        for context in &domain.contexts {
            let filter = self.concerned(Some(at));
            let search = everything_below(context, &filter, vec![&self.mapping.id, LAST_PARENT]);
            session.pages(&search, |entries| entries.iter().for_each(|entry| follow.touch(entry))).await?;
            if domain.sees_deletions && domain.controller.shows_deleted() {
                let (base, filter) = (deleted_objects(context), format!("(&(isDeleted=TRUE){filter})"));
                let attributes = vec![&*self.mapping.id, "isDeleted"];
                let search = Search { base: &base, scope: Scope::OneLevel, filter: &filter, attributes };
                session
                    .pages_with(&search, &[show_deleted()], |entries| {
                        entries.iter().for_each(|entry| follow.touch(entry));
                    })
                    .await?;
            }
        }
        Ok(())
    }

    /// Fetches what is needed to know what the changes amount to.
    async fn fetch(
        &self,
        session: &mut Session<'_>,
        domain: &Domain<'_>,
        follow: &mut Follow<'_>,
    ) -> Result<Result<(), ModeReason>, SourceError> {
        let filter = self.filter();
        loop {
            let need = match follow.need() {
                Ok(need) => need,
                Err(lost) => return Ok(Err(lost.into())),
            };
            match need {
                Need::Nothing => return Ok(Ok(())),
                Need::Objects(ids) => {
                    let mut left = ids.clone();
                    for context in &domain.contexts {
                        let these = format!("(&{}{filter})", self.one_of(&ids));
                        for entry in self.entries(session, context, &these).await? {
                            left.retain(|id| Some(*id) != extended::split(&entry.dn).0);
                            follow.found(&entry);
                        }
                    }
                    for context in domain.contexts.iter().filter(|_| !left.is_empty()) {
                        let these = self.one_of(&left);
                        let attributes = vec!["objectClass", &self.mapping.id, "parentGUID"];
                        let search = everything_below(context, &these, attributes);
                        session
                            .pages(&search, |entries| entries.iter().for_each(|e| follow.other(e)))
                            .await?;
                    }
                }
                Need::Below(id) => match self.below(session, &format!("<GUID={id}>"), follow.room()).await {
                    Ok(Some(entries)) => entries.iter().for_each(|entry| follow.found(entry)),
                    Ok(None) => return Ok(Err(ModeReason::TooMuch)),
                    // It went meanwhile, with what was below it; the next changes tell.
                    Err(SourceError::BaseNotFound { .. }) => {}
                    Err(error) => return Err(error),
                },
                Need::Referrers(id) => {
                    let m = &self.mapping;
                    let mut these = "(|".to_owned();
                    for name in [&m.member, &m.manager, &m.unit_manager] {
                        let _ = write!(these, "({name}=<GUID={id}>)");
                    }
                    these.push(')');
                    for context in &domain.contexts {
                        let search = everything_below(context, &these, vec![&self.mapping.id]);
                        session
                            .pages(&search, |entries| entries.iter().for_each(|e| follow.refers(e)))
                            .await?;
                    }
                }
            }
        }
    }

    /// Everything below an object; None when that is more than `most`.
    async fn below(
        &self,
        session: &mut Session<'_>,
        base: &str,
        most: usize,
    ) -> Result<Option<Vec<Entry>>, SourceError> {
        let filter = self.filter();
        let mut attributes = self.mapping.attributes();
        attributes.push("parentGUID");
        let found = session.up_to(&everything_below(base, &filter, attributes), most).await?;
        let Some(mut all) = found else {
            return Ok(None);
        };
        for entry in &mut all {
            self.complete(session, entry).await?;
        }
        Ok(Some(all))
    }

    /// Whole entries, their lists of members completed.
    async fn entries(
        &self,
        session: &mut Session<'_>,
        base: &str,
        filter: &str,
    ) -> Result<Vec<Entry>, SourceError> {
        let mut attributes = self.mapping.attributes();
        attributes.push("parentGUID");
        let mut all = Vec::new();
        session.pages(&everything_below(base, filter, attributes), |entries| all.extend(entries)).await?;
        for entry in &mut all {
            self.complete(session, entry).await?;
        }
        Ok(all)
    }

    /// What finds all objects that may be of concern: not only those that are read now, but those that were, or that stand above.
    fn concerned(&self, since: Option<UsnPosition>) -> String {
        let mut filter = "(&(objectClass=*)".to_owned();
        if let Some(at) = since {
            let _ = write!(filter, "(uSNChanged>={})", at.highest.saturating_add(1));
        }
        for class in &self.mapping.not_user_classes {
            let _ = write!(filter, "(!(objectClass={}))", ldap3::ldap_escape(&**class));
        }
        filter.push(')');
        filter
    }

    fn afresh(&self) -> Afresh {
        let untold = self
            .mapping
            .attributes()
            .iter()
            .any(|name| NEVER_TOLD.iter().any(|never| never.eq_ignore_ascii_case(name)));
        Afresh {
            users: untold || &*self.user_filter != USERS,
            units: untold || &*self.unit_filter != UNITS,
            groups: untold || &*self.group_filter != GROUPS,
        }
    }
}
