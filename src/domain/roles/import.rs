//! Many assignments at once: what a list of them changes in those that there are.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Assignment, Holder, Place, RoleName};
use crate::domain::ids::{AssignmentId, UserId};
use crate::domain::table::{LineError, LineErrors};

/// An assignment as a line of a list wants it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// The line.
    pub line: u64,
    /// The assignment; its number doesn't count.
    pub assignment: Assignment,
}

/// What a list comes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Those that are new, still without a number, in the order of the list.
    pub added: Vec<Wanted>,
    /// Those of which something else is said: as they are, and as they will be.
    pub changed: Vec<(Assignment, Wanted)>,
    /// Those that aren't on a list that takes the place of all.
    pub ended: Vec<Assignment>,
    /// How many are there already, just so.
    pub unchanged: usize,
}

/// Who holds what where.
type Held = (RoleName, Person, Place);
/// From when until when.
type Period = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Person {
    User(UserId),
    Outside(String),
}

fn held(a: &Assignment) -> Held {
    let person = match &a.holder {
        Holder::User(id) => Person::User(*id),
        Holder::Outside { mail, .. } => Person::Outside(mail.key()),
    };
    (a.role.clone(), person, a.place.clone())
}

fn period(a: &Assignment) -> Period {
    (a.from, a.until)
}

/// The part of a period that is still to come; None when nothing is.
pub fn to_come(a: &Assignment, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (from, until) = (a.from.unwrap_or(now).max(now), a.until.unwrap_or(DateTime::<Utc>::MAX_UTC));
    (from < until).then_some((from, until))
}

/// Whether both are the same person's in the same role at the same place, at the same time from `now` on.
pub fn meet(one: &Assignment, other: &Assignment, now: DateTime<Utc>) -> bool {
    let (Some(a), Some(b)) = (to_come(one, now), to_come(other, now)) else { return false };
    a.0 < b.1 && b.0 < a.1 && held(one) == held(other)
}

/// Compares a list with what there is. The same role, person, place and period is the same assignment. A list takes nothing away, unless it is
/// to `replace` all that there is.
///
/// # Errors
/// Every line that ends before it starts, says otherwise than another line, or gives a person what the person has at that time anyway.
pub fn plan(
    there: &BTreeMap<AssignmentId, Assignment>,
    wanted: Vec<Wanted>,
    replace: bool,
    now: DateTime<Utc>,
) -> Result<Plan, LineErrors> {
    let mut known: HashMap<(Held, Period), &Assignment> = HashMap::new();
    for assignment in there.values() {
        known.entry((held(assignment), period(assignment))).or_insert(assignment);
    }
    let (mut plan, mut errors) = (Plan::default(), LineErrors::default());
    let (mut lines, mut kept) = (HashMap::<(Held, Period), Wanted>::new(), HashSet::new());
    let mut times: HashMap<Held, Vec<Counted>> = HashMap::new();
    for one in wanted {
        let assignment = &one.assignment;
        if let (Some(from), Some(until)) = period(assignment)
            && until <= from
        {
            let what = format!("it ends ({until}) before it starts ({from})");
            errors.push(LineError::of_line(one.line, what));
            continue;
        }
        let key = (held(assignment), period(assignment));
        if let Some(earlier) = lines.get(&key) {
            if !says_the_same(&earlier.assignment, assignment) {
                let what = format!(
                    "says otherwise of the same assignment than line {}; keep one of them",
                    earlier.line
                );
                errors.push(LineError::of_line(one.line, what));
            }
            continue;
        }
        lines.insert(key.clone(), one.clone());
        times.entry(key.0.clone()).or_default().extend(Counted::of(assignment, Some(one.line), now));
        match known.get(&key) {
            Some(same) => {
                kept.insert(same.id);
                if says_the_same(same, assignment) {
                    plan.unchanged += 1;
                } else {
                    plan.changed.push(((*same).clone(), one));
                }
            }
            None => plan.added.push(one),
        }
    }
    let others = there.values().filter(|assignment| !kept.contains(&assignment.id));
    if replace {
        plan.ended = others.cloned().collect();
    } else {
        for other in others {
            if let Some(times) = times.get_mut(&held(other)) {
                times.extend(Counted::of(other, None, now));
            }
        }
    }
    times.into_values().for_each(|times| clashes(times, &mut errors));
    errors.or(plan)
}

/// Whether two are the same but for their numbers.
fn says_the_same(one: &Assignment, other: &Assignment) -> bool {
    Assignment { id: one.id, ..other.clone() } == *one
}

/// When somebody holds something.
struct Counted {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    /// The line of the list; None for one that is there.
    line: Option<u64>,
    id: AssignmentId,
}

impl Counted {
    fn of(a: &Assignment, line: Option<u64>, now: DateTime<Utc>) -> Option<Counted> {
        to_come(a, now).map(|(from, until)| Counted { from, until, line, id: a.id })
    }
}

/// Notes what the same person would hold twice at the same time.
fn clashes(mut times: Vec<Counted>, errors: &mut LineErrors) {
    times.sort_by_key(|time| (time.from, time.line, time.id));
    let mut longest: Option<&Counted> = None;
    for time in &times {
        if let Some(other) = longest.filter(|other| time.from < other.until) {
            let (told, as_well) = if time.line.is_some() { (time, other) } else { (other, time) };
            if let Some(line) = told.line {
                let what = match as_well.line {
                    Some(other) => {
                        format!("gives the same at the same time as line {other}; keep one of them")
                    }
                    None => format!(
                        "gives the same at the same time as assignment {}; end that one first, or give the list with --replace",
                        as_well.id
                    ),
                };
                errors.push(LineError::of_line(line, what));
            }
        }
        if longest.is_none_or(|other| other.until < time.until) {
            longest = Some(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::roles::LOCAL;
    use crate::domain::testing::{hour, unit_id, user_id};

    type Sketch = (u8, u8, Option<i64>, Option<i64>, u16);

    fn assignment(id: u64, (who, unit, from, until, rank): Sketch) -> Assignment {
        Assignment {
            id: AssignmentId(id),
            role: LOCAL.into(),
            holder: Holder::User(user_id(who)),
            place: Place::Unit(unit_id(unit)),
            rank,
            mail: None,
            phone: None,
            from: from.map(hour),
            until: until.map(hour),
            any_unit: false,
        }
    }

    fn list(sketches: &[Sketch]) -> Vec<Wanted> {
        (2..).zip(sketches).map(|(line, s)| Wanted { line, assignment: assignment(0, *s) }).collect()
    }

    fn there(sketches: &[Sketch]) -> BTreeMap<AssignmentId, Assignment> {
        (1..).zip(sketches).map(|(id, s)| (AssignmentId(id), assignment(id, *s))).collect()
    }

    #[test]
    fn what_is_wrong_is_said_of_each_line() {
        let there = there(&[(1, 1, None, None, 0), (2, 1, None, Some(-5), 0)]);
        let errors = plan(
            &there,
            list(&[
                (1, 1, Some(5), None, 0),
                (2, 1, None, Some(-5), 0),
                (2, 1, None, None, 0),
                (3, 1, Some(5), Some(5), 0),
                (4, 1, None, None, 0),
                (4, 1, None, None, 0),
                (4, 1, None, None, 1),
                (5, 1, None, Some(9), 0),
                (5, 1, Some(8), None, 0),
                (5, 2, Some(8), None, 0),
            ]),
            false,
            hour(0),
        );
        let said: Vec<(u64, String)> =
            errors.unwrap_err().errors.into_iter().map(|e| (e.line, e.problem)).collect();
        let lines: Vec<u64> = said.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 5, 8, 10], "{said:?}");
        assert!(said[0].1.contains("assignment 1") && said[3].1.contains("line 9"), "{said:?}");
    }

    #[test]
    fn a_list_takes_away_only_when_it_replaces_all() {
        let there = there(&[(1, 1, None, None, 0), (2, 1, None, None, 0)]);
        let plan = |replace| plan(&there, list(&[(1, 1, None, None, 7)]), replace, hour(0)).unwrap();
        assert_eq!(plan(false).ended, []);
        let replaced = plan(true);
        assert_eq!(replaced.ended, [there[&AssignmentId(2)].clone()]);
        assert_eq!((replaced.changed.len(), replaced.changed[0].1.assignment.rank), (1, 7));
    }

    fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
        let time = || prop::option::of(-4_i64..8);
        prop::collection::vec((1u8..4, 1u8..3, time(), time(), 0u16..2), 0..8)
    }

    proptest! {
        /// Against each line compared with all others, one by one; and what was taken is there, and is taken once only.
        #[test]
        fn a_list_is_taken_when_no_two_meet_and_once_only(old in sketches(), new in sketches(), replace: bool) {
            let now = hour(0);
            let forwards = |a: &Assignment| a.from.zip(a.until).is_none_or(|(from, until)| from < until);
            let mut kept: Vec<Assignment> = Vec::new();
            for (_, one) in there(&old) {
                let same = |other: &Assignment| held(other) == held(&one) && period(other) == period(&one);
                if forwards(&one) && !kept.iter().any(|other| same(other) || meet(&one, other, now)) { kept.push(one); }
            }
            let kept: BTreeMap<AssignmentId, Assignment> = kept.into_iter().map(|a| (a.id, a)).collect();
            let same = |a: &Assignment, b: &Assignment| held(a) == held(b) && period(a) == period(b);
            let wanted = list(&new);
            let all = |a: &Assignment, test: &dyn Fn(&Assignment) -> bool| {
                wanted.iter().map(|w| &w.assignment).chain(kept.values().filter(|_| !replace)).filter(|b| !same(a, b)).any(test)
            };
            let contradicts = |a: &Assignment| wanted.iter().any(|b| same(a, &b.assignment) && a.rank != b.assignment.rank);
            let fits = wanted.iter().all(|Wanted { assignment: a, .. }| {
                forwards(a) && !contradicts(a) && !all(a, &|b| meet(a, b, now))
            });
            let planned = plan(&kept, wanted.clone(), replace, now);
            prop_assert_eq!(planned.is_ok(), fits, "{:?}", planned);
            if let Ok(planned) = planned {
                let mut after = kept.clone();
                planned.ended.iter().for_each(|gone| drop(after.remove(&gone.id)));
                for (before, Wanted { assignment, .. }) in planned.changed {
                    after.insert(before.id, Assignment { id: before.id, ..assignment });
                }
                for (id, Wanted { assignment, .. }) in (100..).map(AssignmentId).zip(planned.added) {
                    after.insert(id, Assignment { id, ..assignment });
                }
                prop_assert!(wanted.iter().all(|w| after.values().filter(|a| says_the_same(a, &w.assignment)).count() == 1));
                prop_assert!(!replace || after.values().all(|a| wanted.iter().any(|w| says_the_same(a, &w.assignment))));
                let again = plan(&after, wanted, replace, now).unwrap();
                prop_assert!(again.added.is_empty() && again.changed.is_empty() && again.ended.is_empty());
            }
        }
    }
}
