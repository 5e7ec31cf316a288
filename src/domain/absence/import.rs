//! Many absences at once: what a list of them changes in those that there are, and what a source does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;

use chrono::{DateTime, Utc};

use super::Absence;
use crate::domain::ids::{AbsenceId, UserId};
use crate::domain::table::{LineError, LineErrors};

/// An absence as a line of a list wants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The line.
    pub line: u64,
    /// The absence; its number doesn't count.
    pub absence: Absence,
}

/// What a list comes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Those that are new, still without a number.
    pub added: Vec<Absence>,
    /// Those whose deputy or note becomes another one: as they are, and as they will be.
    pub changed: Vec<(Absence, Absence)>,
    /// How many are there already, just so.
    pub unchanged: usize,
}

/// Compares a list with what there is. The same person and period is the same absence; a list takes nothing away.
///
/// # Errors
/// Every line that can't be: it ends before it starts, has its person as deputy, or overlaps another one, there or in the list.
pub fn plan<S: BuildHasher>(
    there: &HashMap<UserId, Vec<Absence>, S>,
    wanted: Vec<Wanted>,
) -> Result<Plan, LineErrors> {
    let (mut plan, mut errors) = (Plan::default(), LineErrors::default());
    let mut by_user: HashMap<UserId, Vec<Wanted>> = HashMap::new();
    for one in wanted {
        match one.absence.check([]) {
            Ok(()) => by_user.entry(one.absence.user).or_default().push(one),
            Err(invalid) => errors.push(LineError::of_line(one.line, invalid.to_string())),
        }
    }
    let mut all: Vec<(UserId, Vec<Wanted>)> = by_user.into_iter().collect();
    all.sort_by_key(|(_, list)| list.first().map(|w| w.line));
    for (user, list) in all {
        let there = there.get(&user).into_iter().flatten().filter(|a| a.origin.is_by_hand());
        of_one(&there.collect::<Vec<_>>(), list, &mut plan, &mut errors);
    }
    errors.or(plan)
}

/// The list of one person.
fn of_one(there: &[&Absence], mut list: Vec<Wanted>, plan: &mut Plan, errors: &mut LineErrors) {
    list.sort_by_key(|w| (w.absence.from, w.absence.until, w.line));
    let period = |a: &Absence| (a.from, a.until);
    let known: HashMap<(DateTime<Utc>, DateTime<Utc>), &Absence> =
        there.iter().map(|a| (period(a), *a)).collect();
    // Those that there are don't overlap each other: in order of their starts they are in order of their ends, too.
    let mut in_order: Vec<&Absence> = there.to_vec();
    in_order.sort_by_key(|a| period(a));
    let mut before: Option<&Wanted> = None;
    for one in &list {
        let absence = &one.absence;
        if let Some(last) = before.filter(|last| absence.from < last.absence.until) {
            let (same_period, same) = (period(absence) == period(&last.absence), *absence == last.absence);
            if !same {
                let how = if same_period { "says otherwise of the same absence than" } else { "overlaps" };
                let what = format!("{how} line {}; keep one of them", last.line);
                errors.push(LineError::of_line(one.line, what));
            }
            continue;
        }
        before = Some(one);
        if let Some(same) = known.get(&period(absence)) {
            let after = Absence { id: same.id, ..absence.clone() };
            if after == **same {
                plan.unchanged += 1;
            } else {
                plan.changed.push(((*same).clone(), after));
            }
            continue;
        }
        let next = in_order.partition_point(|a| a.until <= absence.from);
        match in_order.get(next).filter(|a| a.from < absence.until) {
            Some(other) => {
                let what = format!(
                    "overlaps absence {} of the same person, which is from {} until {}; take it back or change it first",
                    other.id, other.from, other.until
                );
                errors.push(LineError::of_line(one.line, what));
            }
            None => plan.added.push(Absence { id: AbsenceId(0), ..absence.clone() }),
        }
    }
}

/// What a source changes by what it says now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replacement {
    /// Those that are new, still without a number, and those that differ, with theirs.
    pub put: Vec<Absence>,
    /// Those that it doesn't speak of any more.
    pub removed: Vec<Absence>,
    /// How many stay as they are.
    pub unchanged: usize,
}

impl Replacement {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.removed.is_empty()
    }
}

/// From when to when.
type Period = (DateTime<Utc>, DateTime<Utc>);

/// Compares what a source said before with what it says at `at`. The same person and period is the same absence and keeps its number; what is
/// said no longer goes. What is over stays, as published calendars show only some of what was, unless something else is said of that time.
pub fn replace<'a>(
    before: impl IntoIterator<Item = &'a Absence>,
    now: Vec<Absence>,
    at: DateTime<Utc>,
) -> Replacement {
    let period = |a: &Absence| (a.user, a.from, a.until);
    let mut before: BTreeMap<_, &Absence> = before.into_iter().map(|a| (period(a), a)).collect();
    let mut replacement = Replacement::default();
    let mut said: HashMap<UserId, Vec<Period>> = HashMap::new();
    let mut seen = BTreeSet::new();
    for absence in now.into_iter().filter(|a| seen.insert(period(a))) {
        said.entry(absence.user).or_default().push((absence.from, absence.until));
        match before.remove(&period(&absence)) {
            Some(same) => {
                let after = Absence { id: same.id, ..absence };
                if after == *same { replacement.unchanged += 1 } else { replacement.put.push(after) }
            }
            None => replacement.put.push(Absence { id: AbsenceId(0), ..absence }),
        }
    }
    let said_otherwise = |a: &Absence| {
        said.get(&a.user).into_iter().flatten().any(|(from, until)| *from < a.until && a.from < *until)
    };
    let goes = |a: &&Absence| at < a.until || said_otherwise(a);
    replacement.removed = before.into_values().filter(goes).cloned().collect();
    replacement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::absence::Origin;
    use crate::domain::ids::Guid;
    use proptest::prelude::*;

    fn absence(id: u64, user: u8, from: i64, until: i64, note: Option<&str>) -> Absence {
        let at = |hour: i64| DateTime::from_timestamp(1_783_000_000 + hour * 3600, 0).unwrap();
        let user = UserId(Guid([user; 16]));
        Absence {
            id: AbsenceId(id),
            user,
            from: at(from),
            until: at(until),
            deputy: None,
            note: note.map(Box::from),
            origin: Origin::ByHand,
        }
    }

    fn wanted(list: Vec<Absence>) -> Vec<Wanted> {
        (2..)
            .zip(list)
            .map(|(line, absence)| Wanted { line, absence: Absence { id: AbsenceId(0), ..absence } })
            .collect()
    }

    fn by_user(list: Vec<Absence>) -> HashMap<UserId, Vec<Absence>> {
        let mut map: HashMap<UserId, Vec<Absence>> = HashMap::new();
        list.into_iter().for_each(|a| map.entry(a.user).or_default().push(a));
        map
    }

    #[test]
    fn what_is_wrong_is_said_of_each_line() {
        let there = by_user(vec![absence(7, 1, 0, 10, None)]);
        let own = Absence { deputy: Some(UserId(Guid([1; 16]))), ..absence(0, 1, 20, 30, None) };
        let list = vec![
            absence(0, 1, 5, 12, None),
            absence(0, 1, 40, 40, None),
            own,
            absence(0, 2, 0, 10, None),
            absence(0, 2, 9, 12, None),
            absence(0, 3, 0, 10, Some("a")),
            absence(0, 3, 0, 10, Some("b")),
        ];
        let errors = plan(&there, wanted(list)).unwrap_err().errors;
        let said: Vec<(u64, bool)> =
            errors.iter().map(|e| (e.line, e.problem.contains("overlaps"))).collect();
        assert_eq!(said, [(2, true), (3, false), (4, false), (6, true), (8, false)]);
        assert!(errors[0].problem.contains("absence 7"), "{}", errors[0]);
        assert!(errors[4].problem.contains("otherwise"), "{}", errors[4]);
    }

    #[test]
    fn another_note_is_a_change_and_the_same_is_none() {
        let there = by_user(vec![absence(7, 1, 0, 10, None), absence(8, 1, 10, 20, None)]);
        let list = vec![
            absence(0, 1, 0, 10, Some("leave")),
            absence(0, 1, 10, 20, None),
            absence(0, 1, 20, 30, None),
        ];
        let plan = plan(&there, wanted(list)).unwrap();
        assert_eq!(plan.changed, [(absence(7, 1, 0, 10, None), absence(7, 1, 0, 10, Some("leave")))]);
        assert_eq!((plan.unchanged, plan.added.len()), (1, 1));
    }

    #[test]
    fn what_a_source_says_is_no_concern_of_a_list() {
        let from = Absence { origin: Origin::Source("asa".into()), ..absence(7, 1, 0, 10, None) };
        let plan = plan(&by_user(vec![from]), wanted(vec![absence(0, 1, 5, 10, None)])).unwrap();
        assert_eq!(plan.added.len(), 1);
    }

    proptest! {
        /// What there is afterwards is what the source says, each period once; what stays keeps its number. What is over stays, too, where
        /// nothing else is said.
        #[test]
        fn a_source_is_taken_at_its_word(
            before in prop::collection::btree_set((1u8..4, 0i64..6, 1i64..3), 0..8),
            now in prop::collection::vec((1u8..4, 0i64..6, 1i64..3, prop::option::of("[ab]")), 0..8),
            at in 0i64..8,
        ) {
            let of = |id, (user, from, long): (u8, i64, i64), note: Option<&str>| absence(id, user, from, from + long, note);
            let before: Vec<Absence> = (1..).zip(before).map(|(id, a)| of(id, a, None)).collect();
            let now: Vec<Absence> = now.iter().map(|(u, f, l, note)| of(0, (*u, *f, *l), note.as_deref())).collect();
            let at = absence(0, 1, at, at, None).from;
            let done = replace(&before, now.clone(), at);
            let changed: Vec<AbsenceId> = done.put.iter().chain(&done.removed).map(|a| a.id).collect();
            let kept: Vec<&Absence> = before.iter().filter(|a| !changed.contains(&a.id)).collect();
            let same = |a: &Absence, b: &Absence| (b.user, b.from, b.until) == (a.user, a.from, a.until);
            let clash = |a: &Absence, b: &Absence| a.user == b.user && a.from < b.until && b.from < a.until;
            for a in kept.iter().copied().chain(&done.put) {
                let Some(wanted) = now.iter().find(|b| same(a, b)) else {
                    prop_assert!(a.until <= at && !now.iter().any(|b| clash(a, b)));
                    continue;
                };
                prop_assert_eq!(&a.note, &wanted.note);
                prop_assert_eq!(a.id, before.iter().find(|b| same(a, b)).map_or(AbsenceId(0), |b| b.id));
            }
            for wanted in &now {
                prop_assert_eq!(kept.iter().copied().chain(&done.put).filter(|a| same(a, wanted)).count(), 1);
            }
            for gone in &done.removed {
                prop_assert!(at < gone.until || now.iter().any(|b| clash(gone, b)));
            }
        }

        /// Against each line compared with all others, one by one.
        #[test]
        fn a_list_is_taken_when_no_two_overlap_and_once_only(
            there in prop::collection::vec((1u8..4, 0i64..20, 1i64..5), 0..6),
            list in prop::collection::vec((1u8..4, 0i64..20, 1i64..5), 0..8),
        ) {
            let mut kept: Vec<Absence> = Vec::new();
            for (id, (user, from, long)) in (1..).zip(there) {
                let one = absence(id, user, from, from + long, None);
                if one.check(&kept).is_ok() { kept.push(one); }
            }
            let list: Vec<Absence> = list.into_iter().map(|(user, from, long)| absence(0, user, from, from + long, None)).collect();
            let same = |a: &Absence, b: &Absence| (a.user, a.from, a.until) == (b.user, b.from, b.until);
            let clash = |a: &Absence, b: &Absence| a.user == b.user && a.from < b.until && b.from < a.until && !same(a, b);
            let all: Vec<&Absence> = list.iter().chain(&kept).collect();
            let fits = !list.iter().any(|a| all.iter().any(|b| clash(a, b)));
            let planned = plan(&by_user(kept.clone()), wanted(list.clone()));
            prop_assert_eq!(planned.is_ok(), fits);
            if let Ok(planned) = planned {
                let numbered = (100..).zip(planned.added).map(|(id, a)| Absence { id: AbsenceId(id), ..a });
                let after: Vec<Absence> = kept.into_iter().chain(numbered).collect();
                prop_assert!(list.iter().all(|a| after.iter().filter(|b| same(a, b)).count() == 1));
                let again = plan(&by_user(after), wanted(list)).unwrap();
                prop_assert!(again.added.is_empty() && again.changed.is_empty());
            }
        }
    }
}
