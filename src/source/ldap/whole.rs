//! Everything below the bases, over one connection; and who is looked for before they are believed to be gone.
//!
//! A search shows each object where it is at that moment. Who is moved from a base that comes later to one that was read already, or within one
//! to where the pages were before, is in none of the answers. So whoever is known and wasn't read is looked up by identity.

use std::collections::HashSet;

use ldap3::Scope;

use super::Ldap;
use super::session::{Search, Session};
use crate::domain::decode::Decoder;
use crate::domain::entry::Entry;
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::shape::as_read;
use crate::source::{Ask, SourceError, Tell};

/// So many objects are asked for in one search.
pub(super) const BATCH: usize = 100;
/// Of more who are missed it is asked first who of them is there at all, in one search.
pub(super) const MANY: usize = 2_000;

impl Ldap {
    /// Reads everything below these bases, one after the other.
    pub(super) async fn read_in_one_go(
        &self,
        session: &mut Session<'_>,
        bases: &[&str],
        directory: &DirectoryName,
        ask: &Ask<'_>,
        decoder: &mut Decoder<'_>,
        tell: Tell<'_>,
    ) -> Result<(), SourceError> {
        let mut read = HashSet::new();
        for base in bases {
            self.read_base(session, base, &mut read, decoder, tell).await?;
        }
        self.read_missing(session, bases, directory, ask, &read, decoder, tell).await
    }

    async fn read_base(
        &self,
        session: &mut Session<'_>,
        base: &str,
        read: &mut HashSet<Guid>,
        decoder: &mut Decoder<'_>,
        tell: Tell<'_>,
    ) -> Result<(), SourceError> {
        let filter = self.filter();
        let search =
            Search { base, scope: Scope::Subtree, filter: &filter, attributes: self.mapping.attributes() };
        let before = decoder.progress().users;
        let mut cut: Vec<Entry> = Vec::new();
        let references = session
            .pages(&search, |entries| {
                read.extend(entries.iter().filter_map(|entry| self.mapping.id_of(entry)));
                for entry in entries {
                    // The rest of a long list is asked for when the pages are through.
                    if entry.missing_from(&self.mapping.member).is_some() {
                        cut.push(entry);
                    } else {
                        decoder.push(&entry);
                    }
                }
                tell(decoder.progress());
            })
            .await?;
        for mut entry in cut {
            self.complete(session, &mut entry).await?;
            decoder.push(&entry);
            tell(decoder.progress());
        }
        if references > 0 {
            tracing::info!(
                server = session.server(),
                base,
                references,
                "references to other servers were not followed"
            );
        }
        if decoder.progress().users == before {
            tracing::warn!(server = session.server(), base, "the read succeeded and found no users");
        }
        Ok(())
    }

    /// Looks for those who are known and were not `read`, and reads those who are there.
    #[expect(clippy::too_many_arguments, reason = "it is one step of the read, cut off for its length")]
    pub(super) async fn read_missing(
        &self,
        session: &mut Session<'_>,
        bases: &[&str],
        directory: &DirectoryName,
        ask: &Ask<'_>,
        read: &HashSet<Guid>,
        decoder: &mut Decoder<'_>,
        tell: Tell<'_>,
    ) -> Result<(), SourceError> {
        let mut missing = as_read(ask.known, &self.mapping.units).identities(directory);
        missing.retain(|id| !read.contains(id));
        let missing = self.who_is_there(session, bases, missing).await?;
        let found = self.read_these(session, bases, &missing, decoder, tell).await?;
        if found > 0 {
            tracing::info!(server = session.server(), found, "objects were moved while everything was read");
        }
        Ok(())
    }

    /// Those of these objects that may be there: where they are many, by a search for all identities.
    pub(super) async fn who_is_there(
        &self,
        session: &mut Session<'_>,
        bases: &[&str],
        ids: Vec<Guid>,
    ) -> Result<Vec<Guid>, SourceError> {
        if ids.len() <= MANY {
            return Ok(ids);
        }
        let (filter, mut there) = (self.filter(), HashSet::new());
        for base in bases {
            let attributes = vec![&*self.mapping.id];
            let search = Search { base, scope: Scope::Subtree, filter: &filter, attributes };
            let note =
                |entries: Vec<Entry>| there.extend(entries.iter().filter_map(|e| self.mapping.id_of(e)));
            session.pages(&search, note).await?;
        }
        Ok(ids.into_iter().filter(|id| there.contains(id)).collect())
    }

    /// Reads these objects, as far as they are there. Tells how many were.
    pub(super) async fn read_these(
        &self,
        session: &mut Session<'_>,
        bases: &[&str],
        ids: &[Guid],
        decoder: &mut Decoder<'_>,
        tell: Tell<'_>,
    ) -> Result<usize, SourceError> {
        let mut found = 0;
        for ids in ids.chunks(BATCH) {
            let these = format!("(&{}{})", self.one_of(ids), self.filter());
            let mut entries = Vec::new();
            for base in bases {
                let attributes = self.mapping.attributes();
                let search = Search { base, scope: Scope::Subtree, filter: &these, attributes };
                session.pages(&search, |page| entries.extend(page)).await?;
            }
            for mut entry in entries {
                self.complete(session, &mut entry).await?;
                found += 1;
                decoder.push(&entry);
            }
            tell(decoder.progress());
        }
        Ok(found)
    }
}
