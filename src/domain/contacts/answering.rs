//! Who answers for every unit in one role, and that twice, side by side.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::{Contact, ContactMap, at_place, recompute};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{Pick, Role};
use crate::domain::tree::{self, Index};

/// Who answers for each unit, in one role at one time: nobody in particular asks, and only holders of the role itself answer.
pub struct Answering<'a> {
    /// Where.
    pub organisation: &'a Organisation,
    /// In which role.
    pub role: &'a Role,
    /// When.
    pub now: DateTime<Utc>,
    map: ContactMap,
    /// By place, worked out when they are asked for.
    people: HashMap<Index, OnceCell<Vec<Contact>>>,
}

/// Where the contacts of the same units are on either side; None: nobody of the role answers for them.
pub type Sides = (Option<Index>, Option<Index>);

impl<'a> Answering<'a> {
    /// Asks everywhere.
    pub fn new(organisation: &'a Organisation, role: &'a Role, now: DateTime<Utc>) -> Answering<'a> {
        let map = match role.pick {
            Pick::Nearest => recompute(organisation, role, now),
            Pick::All => ContactMap::default(),
        };
        let people =
            organisation.holders(&role.name).places().map(|place| (place, OnceCell::new())).collect();
        Answering { organisation, role, now, map, people }
    }

    /// Where the contacts of the unit at `place` are.
    pub fn of_unit(&self, place: Index) -> Option<Index> {
        if self.role.pick == Pick::Nearest { self.map.of_unit(place) } else { Some(tree::ROOT) }
    }

    /// Who answers there.
    pub fn at(&self, place: Option<Index>) -> &[Contact] {
        let Some((place, people)) = place.and_then(|place| Some((place, self.people.get(&place)?))) else {
            return &[];
        };
        people.get_or_init(|| at_place(self.organisation, self.role, place, self.now).0)
    }
}

/// The units that are on both sides, as places on the second, by where their contacts are on either. Of a role of which everybody who counts
/// answers, the root stands for all.
pub fn side_by_side(first: &Answering<'_>, second: &Answering<'_>) -> BTreeMap<Sides, Vec<Index>> {
    let (old, new) = (&first.organisation.tree, &second.organisation.tree);
    let places = if second.role.pick == Pick::Nearest { new.indices() } else { tree::ROOT..tree::ROOT + 1 };
    let mut units: BTreeMap<Sides, Vec<Index>> = BTreeMap::new();
    for place in places {
        if let Some(before) = old.index(new.id(place)) {
            units.entry((first.of_unit(before), second.of_unit(place))).or_default().push(place);
        }
    }
    units
}
