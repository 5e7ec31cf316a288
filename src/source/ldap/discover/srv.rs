//! The order among a service's hosts (RFC 2782).

/// What an SRV record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record {
    /// The lowest is tried first.
    pub priority: u16,
    /// The share that a host of a priority gets.
    pub weight: u16,
    /// Where the service listens.
    pub port: u16,
    /// The host, without a dot at its end.
    pub target: Box<str>,
}

/// Puts records into the order in which they are tried. `chance` gives random numbers from 0 to 1.
pub(super) fn order(mut records: Vec<Record>, mut chance: impl FnMut() -> f64) -> Vec<Record> {
    // Those without weight come first in the draw: so they have a small chance (RFC 2782, "Weight").
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let same = records.iter().take_while(|record| record.priority == priority);
        let sum: u32 = same.clone().map(|record| u32::from(record.weight)).sum();
        let drawn = f64::from(sum) * chance().clamp(0.0, 1.0);
        let mut running = 0;
        let chosen = same.take_while(|record| {
            running += u32::from(record.weight);
            f64::from(running) < drawn
        });
        let chosen = chosen.count();
        ordered.push(records.remove(chosen));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(target: &str, priority: u16, weight: u16) -> Record {
        Record { priority, weight, port: 389, target: target.into() }
    }

    fn drawn(records: &[Record], chances: &[f64]) -> String {
        let mut chances = chances.iter().copied();
        let ordered = order(records.to_vec(), || chances.next().unwrap_or(0.0));
        ordered.iter().map(|r| &*r.target).collect()
    }

    #[test]
    fn the_priority_comes_first_and_the_weight_decides_within_it() {
        let records = [record("c", 10, 100), record("a", 0, 75), record("b", 0, 25), record("z", 0, 0)];
        assert_eq!(drawn(&records, &[0.0]), "zabc");
        assert_eq!(drawn(&records, &[0.5]), "azbc");
        assert_eq!(drawn(&records, &[0.9]), "bzac");
        assert_eq!(drawn(&records, &[0.9, 1.0]), "bazc");
        assert_eq!(drawn(&[], &[]), "");
    }

    #[test]
    fn each_gets_its_share() {
        let records = [record("a", 0, 75), record("b", 0, 25)];
        let first = |n: u32| drawn(&records, &[(f64::from(n) + 0.5) / 1000.0]).starts_with('a');
        assert_eq!((0..1000).filter(|n| first(*n)).count(), 750);
    }

    proptest! {
        #[test]
        fn none_is_lost_and_priorities_are_kept(given in prop::collection::vec((0..4_u16, any::<u16>()), 0..20), seed in any::<u64>()) {
            let mut seed = seed;
            let chance = || { seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); (seed >> 40) as f64 / (1_u64 << 24) as f64 };
            let records: Vec<_> = given.iter().map(|(p, w)| record("x", *p, *w)).collect();
            let ordered = order(records.clone(), chance);
            prop_assert!(ordered.is_sorted_by_key(|r| r.priority));
            let sorted = |mut r: Vec<Record>| { r.sort_by_key(|r| (r.priority, r.weight)); r };
            prop_assert_eq!(sorted(ordered), sorted(records));
        }
    }
}
