//! The bases: what bears their names at the beginning of a read, and whether it still does at the end.

use super::Ldap;
use super::named::Named;
use super::session::{RootDse, Session};
use crate::domain::directory::Directory;
use crate::domain::dn::Dn;
use crate::domain::entry::Entry;
use crate::domain::follow::{Afresh, Follow};
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::run::ModeReason;
use crate::source::SourceError;

/// A base that is read, and what bears its name.
pub(super) struct Base<'a> {
    pub text: &'a str,
    pub dn: Dn,
    pub id: Guid,
    pub entry: Entry,
}

/// What a run reads, and what the other names in the settings mean.
pub(super) struct Place<'a> {
    pub bases: Vec<Base<'a>>,
    pub named: Named,
}

impl Ldap {
    /// The bases that don't stand below another one, all of which must be there, and the other names.
    pub(super) async fn place<'a>(
        &'a self,
        session: &mut Session<'_>,
        root: &RootDse,
    ) -> Result<Place<'a>, SourceError> {
        let names: Vec<Dn> = self.bases.iter().map(|base| base.parse().unwrap_or_default()).collect();
        let mut bases = Vec::new();
        for (n, (text, dn)) in self.bases.iter().zip(&names).enumerate() {
            session.check_base(text, root).await?;
            let mut others = names.iter().enumerate().filter(|(m, _)| *m != n);
            if others.any(|(m, other)| dn.is_within(other) && (dn != other || m < n)) {
                continue;
            }
            let entry = session.look(text, vec!["objectClass", &self.mapping.id]).await?.unwrap_or_default();
            let Some(id) = self.mapping.id_of(&entry) else {
                let reason = format!("the base came without its {}", self.mapping.id);
                return Err(session.incomplete(text, reason));
            };
            bases.push(Base { text, dn: dn.clone(), id, entry });
        }
        Ok(Place { bases, named: self.named(session).await? })
    }

    /// Whether the names still mean the same objects.
    pub(super) async fn still_there(
        &self,
        session: &mut Session<'_>,
        place: &Place<'_>,
    ) -> Result<(), SourceError> {
        for base in &place.bases {
            let entry = session.look(base.text, vec![&self.mapping.id]).await?.unwrap_or_default();
            if self.mapping.id_of(&entry) != Some(base.id) {
                return Err(session.incomplete(base.text, "the base was renamed or moved while it was read"));
            }
        }
        self.names_still_there(session, &place.named).await
    }
}

impl Place<'_> {
    /// Their texts.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.bases.iter().map(|base| base.text).collect()
    }

    /// Begins to follow what changed below the bases since they were read.
    ///
    /// # Errors
    /// When it isn't they that were read.
    pub(super) fn follow<'k>(
        &self,
        settings: &'k Ldap,
        known: &'k Directory,
        directory: &'k DirectoryName,
        afresh: Afresh,
    ) -> Result<Follow<'k>, ModeReason> {
        let bases = self.bases.iter().map(|base| (base.id, base.dn.clone())).collect();
        let excluded = self.named.excluded.clone();
        let follow = Follow::new(known, directory, &settings.mapping, bases, excluded, afresh);
        if follow.knows_the_bases() { Ok(follow) } else { Err(ModeReason::ScopeChanged) }
    }
}
