//! How many records of each kind there are, and a digest of them: what the store and its backups are compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::records::{Kind, things};

/// The records of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Count {
    /// How many there are.
    pub(crate) records: u64,
    /// How many things they stand for.
    pub(crate) things: u64,
    /// The digests of all of them, joined by XOR: the order doesn't matter, and one can be taken out again.
    pub(crate) digest: u64,
}

impl Count {
    fn add(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.records = self.records.wrapping_add(1);
        self.things = self.things.wrapping_add(things(kind, value));
        self.digest ^= digest(key, value);
    }

    fn take(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.records = self.records.wrapping_sub(1);
        self.things = self.things.wrapping_sub(things(kind, value));
        self.digest ^= digest(key, value);
    }
}

fn digest(key: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key))
}

/// The records of every kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts(BTreeMap<Kind, Count>);

impl Counts {
    /// Counts a record that is there.
    pub(crate) fn add(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.0.entry(kind).or_default().add(kind, key, value);
    }

    /// Takes out a record that is there no longer.
    pub(crate) fn take(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        let count = self.0.entry(kind).or_default();
        count.take(kind, key, value);
        if *count == Count::default() {
            self.0.remove(&kind);
        }
    }

    /// The kinds that there are records of.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Kind, Count)> {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// What is different in `found`, in words.
    pub(crate) fn difference(&self, found: &Counts) -> Option<String> {
        let differs = |kind: &&Kind| self.0.get(kind) != found.0.get(kind);
        let kind = Kind::ALL.iter().find(differs)?;
        let records = |counts: &Counts| counts.0.get(kind).map_or(0, |c| c.records);
        Some(match (records(self), records(found)) {
            (n, m) if n != m => format!("of {n} records of {} there are {m}", kind.name()),
            (n, _) => format!("the {n} records of {} aren't what was written", kind.name()),
        })
    }
}

impl FromIterator<(Kind, Count)> for Counts {
    fn from_iter<T: IntoIterator<Item = (Kind, Count)>>(counts: T) -> Self {
        Counts(counts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_and_taken_leaves_no_trace() {
        let mut counts = Counts::default();
        counts.add(Kind::Run, b"1", b"\0\x01a");
        let before = counts.clone();
        counts.add(Kind::Run, b"2", b"\0\x01b");
        assert_eq!(before.difference(&counts).as_deref(), Some("of 1 records of runs there are 2"));
        counts.take(Kind::Run, b"2", b"\0\x01b");
        assert_eq!(before.difference(&counts), None);
        counts.take(Kind::Run, b"1", b"\0\x01a");
        assert_eq!(counts, Counts::default());
        // The key belongs to the digest: two records that swap their values are noticed.
        let (mut one, mut other) = (Counts::default(), Counts::default());
        one.add(Kind::Run, b"1", b"\0\x01a");
        other.add(Kind::Run, b"2", b"\0\x01a");
        assert_eq!(one.difference(&other).as_deref(), Some("the 1 records of runs aren't what was written"));
    }
}
