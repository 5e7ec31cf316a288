//! Names in the settings besides the bases: what is left out, and below which name groups are units. They are looked up before every read, so
//! that one with a mistake in it, or one that was renamed since, doesn't let in what should be left out.

use std::collections::BTreeMap;

use super::Ldap;
use super::session::Session;
use crate::domain::decode::{Decoder, extended};
use crate::domain::dn::Dn;
use crate::domain::ids::Guid;
use crate::domain::shape::UnitsFrom;
use crate::source::SourceError;

/// What bears these names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Named {
    /// What is left out.
    pub excluded: BTreeMap<Guid, Dn>,
    /// Below what groups are units.
    pub units_below: Option<Guid>,
}

impl Ldap {
    /// Looks up all of them.
    ///
    /// # Errors
    /// When one isn't there, or can't be seen.
    pub(super) async fn named(&self, session: &mut Session<'_>) -> Result<Named, SourceError> {
        let mut named = Named::default();
        for dn in &self.mapping.exclude {
            named.excluded.insert(self.name(session, "exclude", dn).await?, dn.clone());
        }
        if let UnitsFrom::Groups { below: Some(below), .. } = &self.mapping.units {
            named.units_below = Some(self.name(session, "units.base", below).await?);
        }
        Ok(named)
    }

    /// Whether these names still mean the same, at the end of a read.
    pub(super) async fn names_still_there(
        &self,
        session: &mut Session<'_>,
        named: &Named,
    ) -> Result<(), SourceError> {
        if *named != Named::default() && self.named(session).await? != *named {
            let reason = "what `exclude` or `units.base` names was renamed or moved while it was read";
            return Err(session.incomplete(&self.bases.join(", "), reason));
        }
        Ok(())
    }

    /// What bears a name that stands under `key`.
    pub(super) async fn name(
        &self,
        session: &mut Session<'_>,
        key: &'static str,
        dn: &Dn,
    ) -> Result<Guid, SourceError> {
        let text = dn.to_string();
        let entry = match session.look(&text, vec!["objectClass", &self.mapping.id]).await {
            Ok(Some(entry)) => entry,
            Ok(None) | Err(SourceError::BaseNotFound { .. }) => {
                let server = session.server().to_owned();
                return Err(SourceError::NameNotFound { server, dn: text, key });
            }
            Err(error) => return Err(error),
        };
        let directory = "named".into();
        let mut decoder = Decoder::new(&self.mapping, &directory);
        decoder.push_base(&entry);
        let id = decoder.bearer_of(extended::split(&entry.dn).1);
        id.ok_or_else(|| session.incomplete(&text, format!("it came without a usable {}", self.mapping.id)))
    }
}
