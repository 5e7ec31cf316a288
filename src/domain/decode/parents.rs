//! What stands above the objects of a read but was not among what was read: containers, the base itself.
//!
//! A directory that tells of changes by identity tells of the move of a container alone, not of what is below it. So everything up to
//! the base must be known by identity.

use std::collections::HashSet;

use super::extended;
use super::names::{Bearer, NodeId};
use super::{Decoder, text};
use crate::domain::directory::Container;
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;

impl Decoder<'_> {
    /// Takes the entry of a base: what is below it ends there. A base below another one is none.
    pub fn push_base(&mut self, entry: &Entry) {
        if let Some((id, node)) = self.push_above(extended::split(&entry.dn).1, entry) {
            self.bases.insert(node, id);
        }
    }

    /// Takes the entry of a parent that was looked up by this name.
    pub fn push_parent(&mut self, dn: &str, entry: &Entry) {
        self.push_above(dn, entry);
    }

    /// The names between the objects that were read and the bases that nothing bears that was read.
    pub fn unknown_parents(&self) -> Vec<String> {
        let users = self.users.iter().map(|user| user.node);
        let units = self.units.iter().map(|unit| unit.node);
        let groups = self.groups.iter().map(|group| group.node);
        let (mut seen, mut unknown) = (HashSet::new(), HashSet::new());
        for mut node in users.chain(units).chain(groups) {
            while !self.bases.contains_key(&node) {
                let Some(parent) = self.names.parent_of(node) else {
                    break;
                };
                if !seen.insert(parent) {
                    break;
                }
                if self.names.bearer(parent) == Bearer::Nothing {
                    unknown.insert(parent);
                }
                node = parent;
            }
        }
        let mut names: Vec<String> = self.names.texts_of(&unknown).map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    fn push_above(&mut self, dn: &str, entry: &Entry) -> Option<(Guid, NodeId)> {
        let id = self.guid(entry).ok()?;
        let (node, rdn) = self.names.intern(dn).ok()?;
        if let Some(known) = self.seen.get(&id) {
            // It was read under another name: it was renamed or moved meanwhile.
            let bearer = self.names.bearer(*known);
            self.names.bear(node, bearer);
        } else if self.names.bearer(node) == Bearer::Nothing {
            let name = text::value(rdn.value()).unwrap_or_default();
            let container = Container { id, directory: self.directory.clone(), above: Guid::default(), name };
            self.hold_container(container, node);
            self.seen.insert(id, node);
        }
        Some((id, node))
    }
}
