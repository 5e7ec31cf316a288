//! Parts of the tree of units, as a configuration names them: what holds for a unit, and for those below it that nothing else is said of.

use std::ops::Range;

use super::organisation::Organisation;
use super::tree::Index;

/// What holds for some units and what is below them, found for one tree, so that a look costs as little as there are such units.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts<T>(
    /// The deepest first; of two for the same unit the first holds.
    Vec<(Range<Index>, T)>,
);

impl<T> Default for Parts<T> {
    fn default() -> Parts<T> {
        Parts(Vec::new())
    }
}

impl<T> Parts<T> {
    /// Finds the units, each as people write it: a path, or an identity. One that isn't there has no effect.
    pub fn find<'a>(organisation: &Organisation, named: impl IntoIterator<Item = (&'a str, T)>) -> Parts<T> {
        let tree = &organisation.tree;
        let found = named.into_iter().filter_map(|(unit, what)| Some((organisation.unit_at(unit)?, what)));
        let mut tops: Vec<(Index, T)> = found.collect();
        tops.sort_by_key(|(top, _)| std::cmp::Reverse(tree.depth(*top)));
        Parts(tops.into_iter().map(|(top, what)| (tree.subtree(top), what)).collect())
    }

    /// What holds at a place, the nearest first.
    pub fn at(&self, place: Index) -> impl Iterator<Item = &T> {
        self.0.iter().filter(move |(within, _)| within.contains(&place)).map(|(_, what)| what)
    }

    /// Whether nothing is said of any unit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What of the units that sections of the configuration name isn't there, a sentence for each. Before the first sync none is, and nothing is said.
pub fn unknown<'a>(
    organisation: &Organisation,
    named: impl IntoIterator<Item = (String, &'a [Box<str>])>,
) -> Vec<String> {
    if organisation.tree.is_empty() {
        return Vec::new();
    }
    let mut unknown = Vec::new();
    for (section, units) in named {
        let errors = units.iter().filter_map(|unit| organisation.find_unit_by_path(unit).err());
        unknown.extend(errors.map(|error| format!("{section} units: {error}")));
    }
    unknown
}
