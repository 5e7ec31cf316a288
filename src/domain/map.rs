//! An ordered map of which a changed copy shares all but what changed.
//!
//! The entries lie sorted in chunks of at most `MOST`. A copy shares the chunks; a change copies the one chunk that it falls
//! in. So the next generation of a directory costs what differs, and an entry takes no more room than in a sorted list.
//! `docs/decisions/0009-a-map-of-our-own.md` says why no library.

use std::fmt;
use std::ops::Index;
use std::slice;
use std::sync::Arc;

/// So many entries are in a chunk at most: few enough to copy, many enough that the list of chunks is short.
const MOST: usize = 128;
/// A chunk that has fewer is joined with a neighbour, if they fit.
const FEWEST: usize = 32;

/// A sorted map whose copies share what they have in common. Copying it is free.
#[derive(Clone)]
pub struct Map<K, V> {
    chunks: Arc<Vec<Chunk<K, V>>>,
    len: usize,
}

/// Never empty.
#[derive(Clone)]
struct Chunk<K, V> {
    /// Not after the first key, and after all keys of the chunk before.
    from: K,
    entries: Arc<Vec<(K, V)>>,
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Map { chunks: Arc::default(), len: 0 }
    }
}

impl<K, V> Map<K, V> {
    /// Nothing.
    pub fn new() -> Self {
        Map::default()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { entries: [].iter(), chunks: self.chunks.iter() }
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values, in order of the keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Ord + Copy, V> Map<K, V> {
    /// The value under a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let entries = &self.chunks.get(self.chunk_of(key)?)?.entries;
        let place = entries.binary_search_by_key(key, |(k, _)| *k).ok()?;
        entries.get(place).map(|(_, value)| value)
    }

    /// Whether there is anything under a key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// The entries from `key` on, in order.
    pub fn iter_from(&self, key: &K) -> Iter<'_, K, V> {
        let Some(first) = self.chunk_of(key) else { return self.iter() };
        let mut chunks = self.chunks.get(first..).unwrap_or_default().iter();
        let entries = chunks.next().map_or(&[][..], |chunk| chunk.entries.as_slice());
        let from = entries.partition_point(|(k, _)| k < key);
        Iter { entries: entries.get(from..).unwrap_or_default().iter(), chunks }
    }

    /// The chunk that the key is in if it is anywhere; None when it comes before all.
    fn chunk_of(&self, key: &K) -> Option<usize> {
        self.chunks.partition_point(|chunk| chunk.from <= *key).checked_sub(1)
    }
}

impl<K: Ord + Copy, V: Clone> Map<K, V> {
    /// The value under a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.chunk_of(key)?;
        let place = self.chunks.get(at)?.entries.binary_search_by_key(key, |(k, _)| *k).ok()?;
        let chunk = Arc::make_mut(&mut self.chunks).get_mut(at)?;
        Arc::make_mut(&mut chunk.entries).get_mut(place).map(|(_, value)| value)
    }

    /// Puts a value under a key, and returns what was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(there) = self.get_mut(&key) {
            return Some(std::mem::replace(there, value));
        }
        let at = self.chunk_of(&key).unwrap_or(0);
        let chunks = Arc::make_mut(&mut self.chunks);
        self.len += 1;
        let Some(chunk) = chunks.get_mut(at) else {
            chunks.push(Chunk { from: key, entries: Arc::new(vec![(key, value)]) });
            return None;
        };
        chunk.from = chunk.from.min(key);
        let entries = Arc::make_mut(&mut chunk.entries);
        entries.insert(entries.partition_point(|(k, _)| *k < key), (key, value));
        if entries.len() > MOST {
            let upper = entries.split_off(entries.len() / 2);
            if let Some((from, _)) = upper.first() {
                chunks.insert(at + 1, Chunk { from: *from, entries: Arc::new(upper) });
            }
        }
        None
    }

    /// Takes away what is under a key, and returns it.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.chunk_of(key)?;
        let place = self.chunks.get(at)?.entries.binary_search_by_key(key, |(k, _)| *k).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let entries = Arc::make_mut(&mut chunks.get_mut(at)?.entries);
        let (_, gone) = entries.remove(place);
        self.len -= 1;
        if entries.is_empty() {
            chunks.remove(at);
        } else if entries.len() < FEWEST {
            join(chunks, at.saturating_sub(1));
        }
        Some(gone)
    }

    /// Keeps only the entries that are wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(&K, &V) -> bool) {
        *self = self.iter().filter(|(k, v)| wanted(k, v)).map(|(k, v)| (*k, v.clone())).collect();
    }
}

/// Joins the chunk at `at` with the one after it, when they fit into one.
fn join<K, V: Clone>(chunks: &mut Vec<Chunk<K, V>>, at: usize)
where
    K: Copy,
{
    let Some([first, second]) = chunks.get_mut(at..at + 2) else { return };
    if first.entries.len() + second.entries.len() <= MOST {
        Arc::make_mut(&mut first.entries).extend(second.entries.iter().cloned());
        chunks.remove(at + 1);
    }
}

/// Of several entries with one key, the last.
impl<K: Ord + Copy, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut all: Vec<(K, V)> = entries.into_iter().collect();
        if !all.is_sorted_by(|(a, _), (b, _)| a < b) {
            all.sort_by_key(|(key, _)| *key);
            all.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(later, kept);
                }
                same
            });
        }
        let len = all.len();
        let mut rest = all.into_iter();
        let mut chunks = Vec::with_capacity(len.div_ceil(MOST));
        loop {
            let entries: Vec<(K, V)> = rest.by_ref().take(MOST).collect();
            let Some((from, _)) = entries.first() else { break };
            chunks.push(Chunk { from: *from, entries: Arc::new(entries) });
        }
        Map { chunks: Arc::new(chunks), len }
    }
}

impl<K: Ord + Copy, V: Clone> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        if self.is_empty() {
            *self = entries.into_iter().collect();
            return;
        }
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord + Copy, V, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> Map<K, V> {
    /// Whether both are one and the same; false says nothing.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chunks, &other.chunks)
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || (self.len == other.len && self.iter().eq(other.iter()))
    }
}

impl<K: Eq, V: Eq> Eq for Map<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Panics when there is nothing under the key.
impl<K: Ord + Copy, V> Index<&K> for Map<K, V> {
    type Output = V;

    #[expect(clippy::expect_used, reason = "what std's maps do, too")]
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("no entry under this key")
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

/// The entries of a [`Map`], in order.
pub struct Iter<'a, K, V> {
    entries: slice::Iter<'a, (K, V)>,
    chunks: slice::Iter<'a, Chunk<K, V>>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.entries.next() {
                return Some((key, value));
            }
            self.entries = self.chunks.next()?.entries.iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What holds inside, whatever was done.
    fn check(map: &Map<u32, u64>) {
        assert_eq!(map.chunks.iter().map(|c| c.entries.len()).sum::<usize>(), map.len());
        for chunk in &*map.chunks {
            assert!((1..=MOST).contains(&chunk.entries.len()) && chunk.from <= chunk.entries[0].0);
        }
        for pair in map.chunks.windows(2) {
            assert!(pair[0].entries.last().unwrap().0 < pair[1].from);
        }
        assert!(map.iter().is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        #[test]
        fn it_does_what_the_map_of_the_standard_library_does(
            begin in proptest::collection::vec((0_u32..2_000, any::<u64>()), 0..1_500),
            steps in proptest::collection::vec((0_u32..2_000, proptest::option::of(any::<u64>())), 0..600),
            low in 0_u32..2_000,
        ) {
            let mut map: Map<u32, u64> = begin.iter().copied().collect();
            let mut model: BTreeMap<u32, u64> = begin.into_iter().collect();
            check(&map);
            prop_assert!(map.iter().eq(&model));
            let (before, model_before) = (map.clone(), model.clone());
            for (key, value) in steps {
                match value {
                    Some(value) => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                    // Whole stretches go, so that chunks get empty and are joined.
                    None => (key..key + 40).for_each(|key| assert_eq!(map.remove(&key), model.remove(&key))),
                }
            }
            check(&map);
            prop_assert!(map.iter().eq(&model) && map.len() == model.len());
            prop_assert!(map.keys().eq(model.keys()) && map.values().eq(model.values()));
            for key in 0..2_100 {
                prop_assert_eq!(map.get(&key), model.get(&key));
                prop_assert_eq!(map.get_mut(&key), model.get_mut(&key));
            }
            prop_assert!(map.iter_from(&low).eq(model.range(low..)));
            prop_assert_eq!(&map, &model.iter().map(|(k, v)| (*k, *v)).collect());
            map.retain(|key, _| key % 3 == 0);
            check(&map);
            prop_assert!(map.keys().eq(model.keys().filter(|key| *key % 3 == 0)));
            // The copy that was taken before is as it was.
            prop_assert!(before.iter().eq(&model_before));
        }
    }

    #[test]
    fn a_changed_copy_shares_all_but_one_chunk() {
        let old: Map<u32, u64> = (0..10_000).map(|n| (n, 0)).collect();
        let mut new = old.clone();
        new.insert(5_000, 1);
        let shared = old.chunks.iter().zip(&*new.chunks).filter(|(a, b)| Arc::ptr_eq(&a.entries, &b.entries));
        assert_eq!(shared.count(), old.chunks.len() - 1);
    }

    #[test]
    fn what_comes_in_backwards_or_one_by_one_is_all_there() {
        let mut map = Map::new();
        (0..5_000_u32).rev().for_each(|n| assert_eq!(map.insert(n, u64::from(n)), None));
        check(&map);
        assert!(map.keys().copied().eq(0..5_000));
        assert!(map.chunks.len() < 5_000 / (MOST / 3), "chunks are not left nearly empty");
        let mut extended: Map<u32, u64> = Map::default();
        extended.extend((0..300).map(|n| (n % 100, u64::from(n))));
        assert_eq!((extended.len(), extended[&7]), (100, 207));
    }
}
