//! What changed since the last read: asked for by content synchronization or by the time of the last change, followed to what is different now.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::TimeDelta;
use ldap3::Scope;

use super::names::Names;
use super::sync::{self, Refusal};
use super::{CHANGED, changed, written};
use crate::domain::decode::generalized_time;
use crate::domain::directory::Found;
use crate::domain::entry::Entry;
use crate::domain::follow::{Afresh, Follow, Need};
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::run::{Cursor, Mode, ModeReason, Position};
use crate::domain::shape::{as_read, shape};
use crate::source::ldap::Ldap;
use crate::source::ldap::place::{Base, Place};
use crate::source::ldap::session::{Search, Session};
use crate::source::{Ask, Reading, SourceError};

/// Servers that take changes from each other have clocks that differ, and a change can come late: so long before the last change everything is
/// asked for again.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);
/// So many objects are asked for in one search.
const BATCH: usize = 100;
/// So many names.
const NAMES: usize = 20;

impl Ldap {
    /// Reads what changed, or says why everything must be read.
    pub(super) async fn read_standard_changes(
        &self,
        session: &mut Session<'_>,
        place: &Place<'_>,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        cursor: &Cursor,
    ) -> Result<Result<Reading, ModeReason>, SourceError> {
        let bases = &place.bases;
        let known = as_read(ask.known, &self.mapping.units);
        let mut follow = match place.follow(self, &known, directory, Afresh::default()) {
            Ok(follow) => follow.by_name(),
            Err(reason) => return Ok(Err(reason)),
        };
        let (mode, told) = match &cursor.position {
            Position::ContentSync { cookie } => {
                (Mode::ContentSync, self.told_changes(session, bases, cookie, &mut follow).await?)
            }
            Position::ModifyTimestamp { since } => {
                (Mode::ModifyTimestamp, self.changes_by_time(session, bases, ask, since, &mut follow).await?)
            }
            _ => return Ok(Err(ModeReason::NoPosition)),
        };
        let position = match told {
            Ok(position) => position,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Err(reason) = self.fetch_by_name(session, bases, &mut follow).await? {
            return Ok(Err(reason));
        }
        let update = match follow.finish() {
            Ok(update) => update,
            Err(lost) => return Ok(Err(lost.into())),
        };
        self.still_there(session, place).await?;
        let cursor = self.standard_cursor(session, ask, position, cursor.whole_at);
        let (server, reason) = (cursor.server.clone(), ModeReason::Continued);
        let mut found = Found::Changes(update);
        shape(&mut found, &ask.frame(directory, &self.mapping, self.scope(), place.named.units_below));
        Ok(Ok(Reading { found, mode, reason, cursor, server, warnings: Vec::new() }))
    }

    /// What the server tells since a cookie. Who is said to be gone is believed to be when a search doesn't find them either.
    async fn told_changes(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
        cookie: &[u8],
        follow: &mut Follow<'_>,
    ) -> Result<Result<Position, ModeReason>, SourceError> {
        let Some(cookies) = sync::split(cookie).filter(|cookies| cookies.len() == bases.len()) else {
            return Ok(Err(ModeReason::NoPosition));
        };
        let (mut next, mut gone) = (Vec::new(), BTreeSet::new());
        let (mut present, mut named_present) = (BTreeSet::new(), 0);
        for (base, cookie) in bases.iter().zip(cookies) {
            let search = self.everything(base);
            match sync::changes(session, &search, &self.mapping, Some(cookie)).await? {
                Ok(changes) => {
                    changes.changed.iter().for_each(|entry| follow.touch(entry));
                    gone.extend(changes.deleted);
                    if let Some(these) = changes.present {
                        present.extend(these);
                        named_present += 1;
                    }
                    next.push(changes.cookie);
                }
                Err(Refusal::NoCookie) => return Ok(Err(ModeReason::NoPosition)),
                Err(Refusal::OtherIdentity) => return Ok(Err(ModeReason::Untraceable)),
                Err(Refusal::TooMuch) => return Ok(Err(ModeReason::TooMuch)),
                Err(Refusal::Answer(answer)) => {
                    tracing::warn!(server = session.server(), %answer, "the server doesn't go on from its cookie");
                    let was_put_back = answer.code == 53 && answer.text.contains("newer than provider");
                    return Ok(Err(match answer.code {
                        4 | 11 => ModeReason::TooMuch,
                        _ if was_put_back => ModeReason::Restored,
                        _ => ModeReason::CookieRefused,
                    }));
                }
            }
        }
        if named_present == bases.len() {
            gone.extend(follow.all_known().into_iter().filter(|id| !present.contains(id)));
        } else if named_present > 0 {
            // Below one base it is told who is there, below another one who is gone: of whom the first is silent can't be said.
            return Ok(Err(ModeReason::Untraceable));
        }
        // The bases were looked at, and are once more at the end.
        let is_base = |id: &Guid| bases.iter().any(|base| base.id == *id);
        let gone: Vec<Guid> = gone.into_iter().filter(|id| follow.knows(*id) && !is_base(id)).collect();
        for ids in gone.chunks(BATCH) {
            let mut left: BTreeSet<Guid> = ids.iter().copied().collect();
            for entry in self.search_all(session, bases, &self.one_of(ids), vec![&self.mapping.id]).await? {
                if let Some(id) = self.mapping.id_of(&entry) {
                    left.remove(&id);
                }
                follow.touch(&entry);
            }
            left.into_iter().for_each(|id| follow.went(id));
        }
        let cookie = sync::join(next.iter().map(Vec::as_slice));
        Ok(Ok(Position::ContentSync { cookie }))
    }

    /// Every object that changed since a time.
    async fn changes_by_time(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
        ask: &Ask<'_>,
        since: &str,
        follow: &mut Follow<'_>,
    ) -> Result<Result<Position, ModeReason>, SourceError> {
        let Some(since) = generalized_time(since) else {
            return Ok(Err(ModeReason::NoPosition));
        };
        let mut latest = since.min(ask.now);
        let filter = format!("({CHANGED}>={})", written(latest - OVERLAP));
        let found = self.search_all(session, bases, &filter, vec![&self.mapping.id, CHANGED]).await?;
        for entry in &found {
            latest = changed(entry, ask.now).map_or(latest, |time| latest.max(time));
            follow.touch(entry);
        }
        Ok(Ok(Position::ModifyTimestamp { since: written(latest) }))
    }

    /// Fetches what is needed to know what the changes amount to.
    async fn fetch_by_name(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
        follow: &mut Follow<'_>,
    ) -> Result<Result<(), ModeReason>, SourceError> {
        let filter = self.filter();
        let base_ids: BTreeSet<Guid> = bases.iter().map(|base| base.id).collect();
        let mut names = Names::new(&self.mapping, bases.iter().map(|base| base.text).collect(), follow);
        loop {
            let need = match follow.need() {
                Ok(need) => need,
                Err(lost) => return Ok(Err(lost.into())),
            };
            match need {
                Need::Nothing => {
                    let named = match follow.named() {
                        Ok(named) => named,
                        Err(lost) => return Ok(Err(lost.into())),
                    };
                    if named.is_empty() {
                        return Ok(Ok(()));
                    }
                    self.refer_by_name(session, bases, &named, &mut names, follow).await?;
                }
                Need::Referrers(id) => self.refer_by_name(session, bases, &[id], &mut names, follow).await?,
                Need::Objects(ids) => {
                    let these = format!("(&{}{filter})", self.one_of(&ids));
                    let found = self.search_all(session, bases, &these, self.mapping.attributes()).await?;
                    let Some(found) = names.by_identity(session, &found, &base_ids).await? else {
                        return Ok(Err(ModeReason::Untraceable));
                    };
                    let mut left: BTreeSet<Guid> = ids.into_iter().collect();
                    for entry in &found {
                        if let Some(id) = self.mapping.id_of(entry) {
                            left.remove(&id);
                        }
                        follow.found(entry);
                    }
                    let left: Vec<Guid> = left.into_iter().collect();
                    if left.is_empty() {
                        continue;
                    }
                    let attributes = vec!["objectClass", &self.mapping.id];
                    let others = self.search_all(session, bases, &self.one_of(&left), attributes).await?;
                    let Some(others) = names.by_identity(session, &others, &base_ids).await? else {
                        return Ok(Err(ModeReason::Untraceable));
                    };
                    others.iter().for_each(|entry| follow.other(entry));
                }
                Need::Below(id) => {
                    self.learn_names(session, bases, &[id], &mut names).await?;
                    // It went meanwhile, with what was below it; the next changes tell.
                    let Some(base) = names.dn(id).map(str::to_owned) else { continue };
                    let attributes = self.mapping.attributes();
                    let search = Search { base: &base, scope: Scope::Subtree, filter: &filter, attributes };
                    let found = match session.up_to(&search, follow.room()).await {
                        Ok(Some(found)) => found,
                        Ok(None) => return Ok(Err(ModeReason::TooMuch)),
                        Err(SourceError::BaseNotFound { .. }) => continue,
                        Err(error) => return Err(error),
                    };
                    let Some(found) = names.by_identity(session, &found, &base_ids).await? else {
                        return Ok(Err(ModeReason::Untraceable));
                    };
                    found.iter().for_each(|entry| follow.found(entry));
                }
            }
        }
    }

    /// Finds who refers to these by the names that they have now.
    async fn refer_by_name(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
        ids: &[Guid],
        names: &mut Names<'_>,
        follow: &mut Follow<'_>,
    ) -> Result<(), SourceError> {
        self.learn_names(session, bases, ids, names).await?;
        let m = &self.mapping;
        for ids in ids.chunks(NAMES) {
            let mut filter = "(|".to_owned();
            for id in ids {
                let by_dn = [&m.manager, &m.unit_manager, &m.member, &m.unique_member];
                let by_dn = by_dn.into_iter().map(|name| (name, names.dn(*id)));
                for (name, value) in by_dn.chain([(&m.member_account, names.account(*id))]) {
                    if let Some(value) = value.filter(|_| !name.is_empty()) {
                        let _ = write!(filter, "({name}={})", ldap3::ldap_escape(value));
                    }
                }
            }
            filter.push(')');
            if filter != "(|)" {
                let found = self.search_all(session, bases, &filter, vec![&m.id]).await?;
                found.iter().for_each(|entry| follow.refers_by_name(entry));
            }
        }
        Ok(())
    }

    /// Looks up the names of those whose names aren't known yet.
    async fn learn_names(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
        ids: &[Guid],
        names: &mut Names<'_>,
    ) -> Result<(), SourceError> {
        let unknown: Vec<Guid> = ids.iter().copied().filter(|id| names.dn(*id).is_none()).collect();
        for ids in unknown.chunks(BATCH) {
            let found = self.search_all(session, bases, &self.one_of(ids), vec![&self.mapping.id]).await?;
            found.iter().for_each(|entry| names.note(entry));
        }
        Ok(())
    }

    /// All that a filter finds below the bases.
    async fn search_all(
        &self,
        session: &mut Session<'_>,
        bases: &[Base<'_>],
        filter: &str,
        attributes: Vec<&str>,
    ) -> Result<Vec<Entry>, SourceError> {
        let mut all = Vec::new();
        for base in bases {
            let attributes = attributes.clone();
            let search = Search { base: base.text, scope: Scope::Subtree, filter, attributes };
            session.pages(&search, |entries| all.extend(entries)).await?;
        }
        Ok(all)
    }
}
