//! The addresses that aren't there.

use std::sync::Arc;

use chrono::TimeDelta;
use xxhash_rust::xxh3::xxh3_64;

use super::super::mailbox::Address;
use super::super::map::Map;
use super::{AT_ONCE, Mark};

/// Marked addresses. Copies share what they have in common: one more costs no more when there are thousands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks(Map<u64, Arc<Mark>>);

impl Marks {
    /// The mark of an address.
    pub fn get(&self, address: &Address) -> Option<&Mark> {
        // That two addresses have one digest will not happen; if it did, the later mark would take the place of the other.
        self.0.get(&digest(address)).map(|mark| &**mark).filter(|mark| mark.address == *address)
    }

    /// Whether this would be one too many at once. An address that is marked already can be marked again.
    pub fn overflow_with(&self, new: &Mark) -> bool {
        if self.get(&new.address).is_some() {
            return false;
        }
        let domain = new.address.domain();
        let (mut of_domain, mut all) = (0, 0);
        for mark in self.iter().filter(|mark| new.since - mark.since < TimeDelta::hours(1)) {
            all += 1;
            of_domain += usize::from(mark.address.domain().eq_ignore_ascii_case(domain));
        }
        of_domain >= AT_ONCE.0 || all >= AT_ONCE.1
    }

    /// Those that are true of a mark.
    #[must_use]
    pub fn only(&self, keeps: impl Fn(&Mark) -> bool) -> Marks {
        if self.iter().all(&keeps) {
            return self.clone();
        }
        self.iter().filter(|mark| keeps(mark)).cloned().collect()
    }

    /// Notes a mark in the place of what was known of its address.
    pub fn put(&mut self, mark: Mark) {
        self.0.insert(digest(&mark.address), Arc::new(mark));
    }

    /// Forgets what was known of an address.
    pub fn remove(&mut self, address: &Address) {
        self.0.remove(&digest(address));
    }

    /// All of them, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.values().map(|mark| &**mark)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Mark> for Marks {
    fn from_iter<I: IntoIterator<Item = Mark>>(marks: I) -> Marks {
        let mut all = Marks::default();
        marks.into_iter().for_each(|mark| all.put(mark));
        all
    }
}

fn digest(address: &Address) -> u64 {
    xxh3_64(address.key().as_bytes())
}
