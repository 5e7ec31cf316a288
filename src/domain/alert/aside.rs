//! Whether many more objects of a directory are set aside than was told: somebody has changed something there that can't be read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::domain::directory::Quarantined;
use crate::domain::run::{Mode, Outcome, Run, Trigger};

/// How many more are told: both must be met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Growth {
    /// So many more; 0: it is never told.
    pub objects: u32,
    /// So many percent more.
    pub percent: u32,
}

/// What holds where nothing else is said.
impl Default for Growth {
    fn default() -> Growth {
        Growth { objects: 10, percent: 20 }
    }
}

impl Growth {
    /// How many more than `before` are told.
    fn limit(self, before: u32) -> u32 {
        let share = u64::from(before).saturating_mul(self.percent.into()).div_ceil(100);
        self.objects.max(u32::try_from(share).unwrap_or(u32::MAX))
    }
}

/// The objects of a directory that are set aside.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Aside {
    /// How many there are.
    pub objects: u32,
    /// Which, by digest. None when they are too many to be known: then only a read of everything counts them.
    seen: BTreeSet<u32>,
    /// How many there were when it was last told, or are as always. None: it isn't known yet.
    pub told: Option<u32>,
    /// What was told and isn't over.
    pub grown: Option<Grown>,
}

/// That there are more was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grown {
    /// When it was first told.
    pub since: DateTime<Utc>,
    /// How many there were before.
    pub before: u32,
}

/// What is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    /// Nothing.
    Nothing,
    /// Many more than these.
    Grown {
        /// How many there were when it was last told.
        before: u32,
    },
    /// They aren't so many any more.
    Over(Grown),
}

/// So many are known one by one: what is kept of a directory stays small.
const KNOWN: usize = 800;

impl Aside {
    /// What a run that ended well set aside. A read of changes only meets what has changed: what it sets aside is added.
    #[must_use]
    pub fn after(self, run: &Run, quarantined: &[Quarantined]) -> Aside {
        let well = matches!(run.outcome, Outcome::Committed { .. } | Outcome::Unchanged);
        if !well || matches!(run.trigger, Trigger::Undo { .. }) {
            return self;
        }
        let met = quarantined.iter().map(digest);
        let count = |seen: &BTreeSet<u32>| u32::try_from(seen.len()).unwrap_or(u32::MAX);
        if run.mode == Mode::Full {
            let seen: BTreeSet<u32> = met.collect();
            let all = count(&seen).max(if seen.len() > KNOWN { run.counts.quarantined } else { 0 });
            let seen = if seen.len() > KNOWN { BTreeSet::new() } else { seen };
            // A first read is nothing to compare with.
            return Aside { objects: all, seen, told: self.told.or(Some(all)), ..self };
        }
        let mut seen = self.seen.clone();
        seen.extend(met);
        if count(&self.seen) != self.objects || seen.len() > KNOWN {
            return self;
        }
        Aside { objects: count(&seen), seen, ..self }
    }

    /// Those that weren't set aside before, as far as that is known.
    pub fn new_among<'q>(&self, quarantined: &'q [Quarantined]) -> Vec<&'q Quarantined> {
        quarantined.iter().filter(|one| !self.seen.contains(&digest(one))).collect()
    }

    /// What is to be told. Pure: [`Aside::telling`] notes it.
    pub fn decide(&self, growth: Growth) -> Word {
        let Some(before) = self.told.filter(|_| growth.objects > 0) else { return Word::Nothing };
        if self.objects >= before.saturating_add(growth.limit(before)) {
            return Word::Grown { before };
        }
        match self.grown {
            // Half of what was too many is few enough: it isn't told back and forth.
            Some(grown) if self.objects <= grown.before.saturating_add(growth.limit(grown.before) / 2) => {
                Word::Over(grown)
            }
            _ => Word::Nothing,
        }
    }

    /// Once `word` has been told at `now`. What becomes fewer by itself is the new measure.
    #[must_use]
    pub fn telling(self, word: Word, now: DateTime<Utc>) -> Aside {
        match word {
            Word::Nothing if self.grown.is_some() => self,
            Word::Nothing => Aside { told: self.told.map(|told| told.min(self.objects)), ..self },
            Word::Grown { before } => Aside {
                told: Some(self.objects),
                grown: Some(self.grown.unwrap_or(Grown { since: now, before })),
                ..self
            },
            Word::Over(_) => Aside { told: Some(self.objects), grown: None, ..self },
        }
    }
}

/// What an object that was set aside is known by. Of one object there may be several lines.
fn digest(one: &Quarantined) -> u32 {
    let long = match one.id {
        Some(id) => xxh3_64(&id.0),
        None => xxh3_64(one.dn.to_lowercase().as_bytes()),
    };
    u32::try_from(long >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{Generation, Guid, RunId};
    use crate::domain::run::{Counts, ModeReason};
    use crate::domain::testing::hour;

    fn quarantined(which: impl IntoIterator<Item = u16>) -> Vec<Quarantined> {
        let one = |n: u16| {
            let [a, b] = n.to_be_bytes();
            let mut id = [0; 16];
            (id[0], id[1]) = (a, b);
            Quarantined { id: Some(Guid(id)), dn: "".into(), reason: "odd".into() }
        };
        which.into_iter().map(one).collect()
    }

    fn run(mode: Mode, outcome: Outcome, quarantined: usize) -> Run {
        let quarantined = u32::try_from(quarantined).unwrap();
        Run {
            id: RunId(7),
            directory: "main".into(),
            trigger: Trigger::Schedule,
            mode,
            mode_reason: ModeReason::Continued,
            server: "".into(),
            started: hour(0),
            ended: hour(0),
            outcome,
            counts: Counts { quarantined, ..Counts::default() },
        }
    }

    fn read(aside: Aside, mode: Mode, which: impl IntoIterator<Item = u16>) -> Aside {
        let all = quarantined(which);
        let run = run(mode, Outcome::Committed { generation: Generation(1) }, all.len());
        aside.after(&run, &all)
    }

    /// Reads everything with so many set aside, and tells what there is to tell.
    fn look(aside: &mut Aside, objects: u16) -> Word {
        let after = read(aside.clone(), Mode::Full, 0..objects);
        let word = after.decide(Growth::default());
        *aside = after.telling(word, hour(i64::from(objects)));
        word
    }

    #[test]
    fn many_more_are_told_once_and_again_when_it_goes_on_until_they_are_few() {
        let mut aside = Aside::default();
        assert_eq!(look(&mut aside, 5), Word::Nothing, "as it is is nothing new");
        assert_eq!(look(&mut aside, 14), Word::Nothing);
        assert_eq!(look(&mut aside, 15), Word::Grown { before: 5 });
        assert_eq!(look(&mut aside, 24), Word::Nothing, "it was told");
        assert_eq!(look(&mut aside, 25), Word::Grown { before: 15 });
        assert_eq!(look(&mut aside, 11), Word::Nothing, "not yet over");
        let over = Grown { since: hour(15), before: 5 };
        assert_eq!(look(&mut aside, 10), Word::Over(over));
        assert_eq!(look(&mut aside, 19), Word::Nothing);
        assert_eq!(look(&mut aside, 20), Word::Grown { before: 10 });
    }

    #[test]
    fn the_first_whole_read_is_nothing_to_compare_with_whatever_came_before_it() {
        let failed = run(Mode::Full, Outcome::Failed { error: "away".into() }, 0);
        let hear = |after: Aside| {
            let word = after.decide(Growth::default());
            (word, after.telling(word, hour(0)))
        };
        let (_, known) = hear(Aside::default().after(&failed, &[]));
        // Of a directory that was read before this was counted, changes come first.
        let (word, known) = hear(read(known, Mode::DirSync, 0..1));
        assert_eq!(word, Word::Nothing);
        let (word, mut known) = hear(read(known, Mode::Full, 0..400));
        assert_eq!(word, Word::Nothing);
        assert_eq!(look(&mut known, 480), Word::Grown { before: 400 });
    }

    #[test]
    fn what_comes_one_by_one_is_told_too_and_of_many_it_takes_more() {
        let mut aside = Aside::default();
        let told: Vec<u16> = (0..=30).filter(|n| look(&mut aside, *n) != Word::Nothing).collect();
        assert_eq!(told, [10, 20, 30]);
        let mut many = Aside::default();
        look(&mut many, 500);
        assert_eq!(
            (look(&mut many, 599), look(&mut many, 600)),
            (Word::Nothing, Word::Grown { before: 500 })
        );
        let never = Growth { objects: 0, percent: 0 };
        assert_eq!(Aside { objects: 999, ..many }.decide(never), Word::Nothing);
    }

    #[test]
    fn changes_add_what_is_new_and_a_whole_read_counts_anew() {
        let whole = read(Aside::default(), Mode::Full, 0..5);
        let again = read(whole.clone(), Mode::DirSync, 3..5);
        assert_eq!(again, whole, "they are known");
        let more = read(again, Mode::DirSync, 4..8);
        assert_eq!(more.objects, 8);
        assert_eq!(more.new_among(&quarantined([7, 8])), quarantined([8]).iter().collect::<Vec<_>>());
        assert_eq!(read(more.clone(), Mode::Full, 0..2).objects, 2);
        let failed = run(Mode::Full, Outcome::Failed { error: "away".into() }, 0);
        assert_eq!(more.clone().after(&failed, &[]), more);
        let many = read(more, Mode::Full, 0..2_000);
        assert_eq!(read(many.clone(), Mode::DirSync, 0..1_999), many, "too many to be known one by one");
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_goes_untold(steps in prop::collection::vec(0_u16..700, 1..40)) {
            let mut aside = Aside::default();
            for objects in steps {
                look(&mut aside, objects);
                let told = aside.told.unwrap();
                prop_assert!(aside.objects < told + Growth::default().limit(told));
            }
        }
    }
}
