//! The unit tree: every unit below one root, without a cycle whatever the directory says.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::delta::Changes;
use super::directory::Unit;
use super::ids::UnitId;
use super::map::Map;

/// A place in the tree. Valid for the tree that gave it.
pub type Index = u32;

/// The root's place.
pub const ROOT: Index = 0;

#[derive(Debug, Clone)]
struct Node {
    id: UnitId,
    name: Box<str>,
    parent: Index,
    /// One past the last unit below.
    end: Index,
}

/// A unit that doesn't hang where its data says, and so hangs under the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misplaced {
    /// Its parent was not read.
    NoParent(UnitId),
    /// It is below itself; this is where the circle was cut.
    Circle(UnitId),
}

/// All units, parents before children, siblings by name; the root comes first.
#[derive(Debug, Clone)]
pub struct UnitTree {
    nodes: Vec<Node>,
    by_id: HashMap<UnitId, Index>,
    misplaced: Vec<Misplaced>,
}

impl UnitTree {
    /// Arranges `units` below a root named `organisation`.
    ///
    /// A unit whose parent is unknown, and one unit of every circle, is put under the root and reported. What claims to be
    /// the root itself (the zero GUID, which no directory gives) is left out.
    pub fn build(organisation: &str, units: &Map<UnitId, Arc<Unit>>) -> UnitTree {
        let mut children: HashMap<UnitId, Vec<&Unit>> = HashMap::with_capacity(units.len());
        let mut misplaced = Vec::new();
        for unit in units.values().filter(|u| u.id != UnitId::ROOT) {
            let known = unit.parent == UnitId::ROOT || units.contains_key(&unit.parent);
            if !known {
                misplaced.push(Misplaced::NoParent(unit.id));
            }
            children.entry(if known { unit.parent } else { UnitId::ROOT }).or_default().push(unit);
        }
        let mut tree = UnitTree {
            nodes: Vec::with_capacity(units.len() + 1),
            by_id: HashMap::with_capacity(units.len() + 1),
            misplaced,
        };
        tree.push(UnitId::ROOT, organisation.into(), ROOT);
        tree.grow(ROOT, &mut children);
        // What the walk from the root has not met is on a circle, or below one.
        for unit in units.values().filter(|u| u.id != UnitId::ROOT) {
            if tree.by_id.contains_key(&unit.id) {
                continue;
            }
            let Some(cut) = smallest_on_circle(unit, units) else { continue };
            tree.misplaced.push(Misplaced::Circle(cut.id));
            if let Some(siblings) = children.get_mut(&cut.parent) {
                siblings.retain(|s| s.id != cut.id);
            }
            let place = tree.push(cut.id, cut.name.clone(), ROOT);
            tree.grow(place, &mut children);
        }
        let all = tree.len_index();
        if let Some(root) = tree.nodes.first_mut() {
            root.end = all;
        }
        tree
    }

    fn push(&mut self, id: UnitId, name: Box<str>, parent: Index) -> Index {
        let place = self.len_index();
        self.nodes.push(Node { id, name, parent, end: place + 1 });
        self.by_id.insert(id, place);
        place
    }

    fn len_index(&self) -> Index {
        Index::try_from(self.nodes.len()).unwrap_or(Index::MAX)
    }

    /// Hangs everything below `top`, depth first, without recursion: the depth is the directory's to choose.
    fn grow(&mut self, top: Index, children: &mut HashMap<UnitId, Vec<&Unit>>) {
        let mut open = vec![(top, self.sorted_children(top, children))];
        while let Some((parent, waiting)) = open.last_mut() {
            let parent = *parent;
            match waiting.pop() {
                Some(unit) => {
                    let place = self.push(unit.id, unit.name.clone(), parent);
                    let below = self.sorted_children(place, children);
                    open.push((place, below));
                }
                None => {
                    open.pop();
                    let end = self.len_index();
                    if let Some(node) = self.nodes.get_mut(parent as usize) {
                        node.end = end;
                    }
                }
            }
        }
    }

    /// The children of the unit at `place`, the last by name first.
    fn sorted_children<'a>(
        &self,
        place: Index,
        children: &mut HashMap<UnitId, Vec<&'a Unit>>,
    ) -> Vec<&'a Unit> {
        let mut below = children.remove(&self.id(place)).unwrap_or_default();
        below.sort_by_cached_key(|u| Reverse((u.name.to_lowercase(), u.id)));
        below
    }

    /// How many units there are, the root among them.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no unit but the root.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }

    /// All places, parents before children.
    pub fn indices(&self) -> Range<Index> {
        ROOT..self.len_index()
    }

    /// Where a unit is.
    pub fn index(&self, id: UnitId) -> Option<Index> {
        self.by_id.get(&id).copied()
    }

    /// Whether every unit is where it is in the other tree, whatever it is called.
    pub fn has_places_of(&self, other: &UnitTree) -> bool {
        std::ptr::eq(self, other) || self.places().eq(other.places())
    }

    fn places(&self) -> impl Iterator<Item = (UnitId, Index)> + '_ {
        self.nodes.iter().map(|node| (node.id, node.parent))
    }

    /// Which unit is at `place`; the root for a place of another tree.
    pub fn id(&self, place: Index) -> UnitId {
        self.node(place).map_or(UnitId::ROOT, |n| n.id)
    }

    /// What the unit at `place` is called.
    pub fn name(&self, place: Index) -> &str {
        self.node(place).map_or("", |n| &n.name)
    }

    /// The unit above, None at the root.
    pub fn parent(&self, place: Index) -> Option<Index> {
        if place == ROOT { None } else { self.node(place).map(|n| n.parent) }
    }

    /// The unit itself, the unit above, and so on to the root.
    pub fn upwards(&self, place: Index) -> impl Iterator<Item = Index> + '_ {
        std::iter::successors(Some(place), |p| self.parent(*p))
    }

    /// The unit at `place` and all below it.
    pub fn subtree(&self, place: Index) -> Range<Index> {
        place..self.node(place).map_or(place, |n| n.end)
    }

    /// The units directly below, by name.
    pub fn children(&self, place: Index) -> impl Iterator<Item = Index> + '_ {
        let within = self.subtree(place);
        let next = move |p: Index| (p < within.end).then_some(p);
        std::iter::successors(next(place + 1), move |p| {
            self.node(*p).and_then(|n| (n.end < self.subtree(place).end).then_some(n.end))
        })
    }

    /// How many steps it is up to the root; 0 for the root itself.
    pub fn depth(&self, place: Index) -> usize {
        self.upwards(place).count() - 1
    }

    /// The names from below the root down to the unit, joined by ` / `; the root's own name for the root.
    pub fn path(&self, place: Index) -> String {
        let mut names: Vec<&str> = self.upwards(place).filter(|p| *p != ROOT).map(|p| self.name(p)).collect();
        if names.is_empty() {
            return self.name(place).to_owned();
        }
        names.reverse();
        names.join(" / ")
    }

    /// Units that hang under the root though their data says otherwise.
    pub fn misplaced(&self) -> &[Misplaced] {
        &self.misplaced
    }

    fn node(&self, place: Index) -> Option<&Node> {
        self.nodes.get(place as usize)
    }
}

/// Whether a tree looks different once these units have changed.
pub fn depends_on(units: &Changes<Unit>) -> bool {
    let differs =
        |(before, after): &(Arc<Unit>, Arc<Unit>)| before.parent != after.parent || before.name != after.name;
    !units.added.is_empty() || !units.removed.is_empty() || units.changed.iter().any(differs)
}

/// The unit with the smallest identity on the circle that leads up from `unit`; None when the way up has an end.
fn smallest_on_circle<'a>(unit: &'a Unit, units: &'a Map<UnitId, Arc<Unit>>) -> Option<&'a Unit> {
    let above = |u: &&'a Unit| units.get(&u.parent).map(Arc::as_ref);
    let mut met = HashSet::new();
    let meeting = std::iter::successors(Some(unit), above).find(|u| !met.insert(u.id))?;
    let round = std::iter::successors(above(&meeting), above).take_while(|u| u.id != meeting.id);
    round.chain([meeting]).min_by_key(|u| u.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Guid;
    use proptest::prelude::*;

    fn unit(id: u8, parent: u8) -> Arc<Unit> {
        Arc::new(Unit {
            id: UnitId(Guid([id; 16])),
            directory: "main".into(),
            parent: UnitId(Guid([parent; 16])),
            above: Guid([parent; 16]),
            name: format!("unit {id}").into(),
            managed_by: None,
        })
    }

    proptest! {
        #[test]
        fn there_is_no_cycle_whatever_comes(parents in proptest::collection::vec(0u8..40, 0..40)) {
            let units: Map<_, _> =
                parents.iter().zip(1u8..).map(|(p, id)| unit(id, *p)).map(|u| (u.id, u)).collect();
            let tree = UnitTree::build("org", &units);
            prop_assert_eq!(tree.len(), units.len() + 1);
            for place in tree.indices() {
                // Reaching the root in fewer steps than there are units means: no circle.
                prop_assert_eq!(tree.upwards(place).take(tree.len()).last(), Some(ROOT));
                prop_assert!(tree.parent(place).is_none_or(|p| p < place));
                for below in tree.subtree(place) {
                    prop_assert!(tree.upwards(below).any(|p| p == place));
                }
                for child in tree.children(place) {
                    prop_assert_eq!(tree.parent(child), Some(place));
                }
                prop_assert_eq!(tree.children(place).count(), tree.indices().filter(|p| tree.parent(*p) == Some(place)).count());
            }
            // One unit of each circle is cut off, not what hangs below a circle.
            for id in tree.misplaced().iter().filter_map(|m| if let Misplaced::Circle(id) = m { Some(*id) } else { None }) {
                let mut way: Vec<UnitId> = vec![units[&id].parent];
                while way.len() <= units.len() && *way.last().unwrap() != id {
                    way.push(units[way.last().unwrap()].parent);
                }
                prop_assert_eq!(way.last(), Some(&id), "{} is not on a circle", id);
                for other in &way {
                    let cuts = tree.misplaced().iter().filter(|m| **m == Misplaced::Circle(*other)).count();
                    prop_assert_eq!(cuts, usize::from(*other == id));
                }
            }
            // Whoever is not misplaced hangs where the data says.
            for unit in units.values() {
                let place = tree.index(unit.id).unwrap();
                let odd = tree.misplaced().iter().any(|m| matches!(m, Misplaced::NoParent(id) | Misplaced::Circle(id) if *id == unit.id));
                prop_assert!(odd || tree.id(tree.parent(place).unwrap()) == unit.parent);
            }
        }
    }

    #[test]
    fn a_unit_that_claims_to_be_the_root_is_left_out() {
        let units: Map<_, _> = [unit(0, 0), unit(1, 0)].map(|u| (u.id, u)).into();
        let tree = UnitTree::build("org", &units);
        assert_eq!((tree.len(), tree.index(UnitId::ROOT), tree.name(ROOT)), (2, Some(ROOT), "org"));
    }

    #[test]
    fn siblings_come_by_name_and_the_path_reads_from_the_top() {
        let units: Map<_, _> = [unit(1, 0), unit(2, 1), unit(3, 1)].map(|u| (u.id, u)).into();
        let tree = UnitTree::build("org", &units);
        let third = tree.index(UnitId(Guid([3; 16]))).unwrap();
        assert_eq!(tree.path(third), "unit 1 / unit 3");
        assert_eq!(tree.path(ROOT), "org");
        assert_eq!(tree.depth(third), 2);
        let below: Vec<_> = tree.children(1).map(|p| tree.name(p)).collect();
        assert_eq!(below, ["unit 2", "unit 3"]);
    }
}
