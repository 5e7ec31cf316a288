mod changes;

use super::*;
use crate::domain::delta::{apply, diff};
use crate::domain::directory::{Directory, Unit, UserFields};
use crate::domain::ids::{GroupId, UnitId};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{LOCAL, OUTAGE, Place};
use crate::domain::testing::{
    DIRECTORIES, World, directory, directory_of, group, group_id, reading_of, unit, unit_id, user, user_id,
};
use crate::domain::undo::{reverse, steps};
use proptest::collection::btree_set;
use proptest::prelude::*;

/// A limit that lets everything pass but "all".
const OFF: Limit = Limit { count: u32::MAX, percent: 100, floor: 0 };
const NO_LIMITS: Limits = Limits::same(OFF);
/// The kinds that are asked about only when they are many.
const CHANGES: [Kind; 4] = [Kind::Mails, Kind::Phones, Kind::Moves, Kind::Absences];

/// One thing that is lost, told apart by what it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Lost {
    User(UserId),
    Unit(UnitId),
    Member(GroupId, Guid),
    Holder(UserId),
    /// Not limited, but counted when the scope changed.
    Group(GroupId),
    /// The kind, who, and the new value.
    Value(Kind, UserId, String),
}

/// What is held, what was read of the first directory, and who holds a role before and after.
#[derive(Clone, Debug)]
struct Case {
    old: Directory,
    read: Directory,
    holders: BTreeSet<UserId>,
    holders_after: BTreeSet<UserId>,
}

impl Case {
    /// Of the first directory only, without holders.
    fn new(old: Directory, read: Directory) -> Case {
        Case { old, read, holders: BTreeSet::new(), holders_after: BTreeSet::new() }
    }

    /// With the holders that two organisations have.
    fn between(before: &Organisation, after: &Organisation) -> Case {
        let (holders, holders_after) = (before.holding_users().clone(), after.holding_users().clone());
        Case { old: before.directory.clone(), read: after.directory.clone(), holders, holders_after }
    }

    fn delta(&self) -> Delta {
        diff(&self.old, &DIRECTORIES[0].into(), &self.read.clone().into())
    }

    fn with<T>(
        &self,
        limits: &Limits,
        approved: &BTreeSet<Guid>,
        scope_changed: bool,
        f: impl Fn(&Circumstances<'_>) -> T,
    ) -> T {
        f(&Circumstances {
            directory: &DIRECTORIES[0].into(),
            before: &self.old.tallies().remove(&DIRECTORIES[0].into()).unwrap_or_default(),
            users: &self.old.users,
            limits,
            holders: &self.holders,
            holders_after: &self.holders_after,
            approved,
            scope_changed,
            vetoes: &[],
            lately: Lately::default(),
        })
    }

    fn judge(&self, limits: &Limits, approved: &BTreeSet<Guid>, scope_changed: bool) -> Verdict {
        self.with(limits, approved, scope_changed, |given| judge(self.delta(), given))
    }

    /// The reasons for holding it, with nothing approved and the scope as it was.
    fn reasons(&self, limits: &Limits) -> Vec<String> {
        match self.judge(limits, &BTreeSet::new(), false) {
            Verdict::Checked(_) => Vec::new(),
            Verdict::Held { reasons, .. } => reasons.iter().map(ToString::to_string).collect(),
        }
    }

    fn approval(&self) -> BTreeSet<Guid> {
        self.with(&NO_LIMITS, &BTreeSet::new(), false, |given| approval_of(&self.delta(), given))
    }

    /// What there is to lose, and whether it is lost: the slow and obvious way, one object after the other, without the delta.
    fn slowly(&self) -> Vec<(Lost, bool)> {
        let concerned = |directory: &str, read: bool| directory == DIRECTORIES[0] || read;
        let mut all = Vec::new();
        for (id, before) in &self.old.users {
            let after = self.read.users.get(id);
            if concerned(&before.directory.0, after.is_some()) {
                let lost = after.is_none_or(|after| {
                    let in_use = before.enabled;
                    let now_disabled = in_use && !after.enabled;
                    let now_mute = in_use && before.mail().is_some() && after.mail().is_none();
                    now_disabled || now_mute
                });
                all.push((Lost::User(*id), lost));
            }
        }
        for (id, before) in &self.old.users {
            let after = self.read.users.get(id);
            if !concerned(&before.directory.0, after.is_some()) {
                continue;
            }
            let value = |kind, change: Option<String>| match change {
                Some(to) => (Lost::Value(kind, *id, to), true),
                None => (Lost::Value(kind, *id, String::new()), false),
            };
            if before.mail().is_some() {
                let lower = |user: &User| user.mail().map(str::to_lowercase);
                let to = after.and_then(|a| lower(a)).filter(|to| Some(to) != lower(before).as_ref());
                all.push(value(Kind::Mails, to));
            }
            if before.phone().is_some() || before.mobile().is_some() {
                let differs = |after: &&Arc<User>| {
                    (before.phone().is_some() && before.phone() != after.phone())
                        || (before.mobile().is_some() && before.mobile() != after.mobile())
                };
                let to = after.filter(differs).map(|a| format!("{:?} {:?}", a.phone(), a.mobile()));
                all.push(value(Kind::Phones, to));
            }
            if before.unit != UnitId::ROOT {
                let to = after.filter(|a| a.unit != before.unit).map(|a| a.unit.to_string());
                all.push(value(Kind::Moves, to));
            }
            if before.away().is_some() {
                let to = after.filter(|a| a.away().is_none()).map(|_| "nothing".to_owned());
                all.push(value(Kind::Absences, to));
            }
        }
        for (id, before) in &self.old.units {
            let stays = self.read.units.contains_key(id);
            if concerned(&before.directory.0, stays) {
                all.push((Lost::Unit(*id), !stays));
            }
        }
        for (id, before) in &self.old.groups {
            let after = self.read.groups.get(id);
            if !concerned(&before.directory.0, after.is_some()) {
                continue;
            }
            all.push((Lost::Group(*id), after.is_none()));
            for member in &before.members {
                let user = self.old.users.get(&UserId(*member));
                let goes_along = user.is_some_and(|u| &*u.directory.0 == DIRECTORIES[0])
                    && !self.read.users.contains_key(&UserId(*member));
                let stays = after.is_some_and(|a| a.members.contains(member));
                all.push((Lost::Member(*id, *member), !stays && !goes_along));
            }
        }
        for id in &self.holders {
            let lost = !self.holders_after.contains(id);
            let user = self.old.users.get(id);
            if lost || user.is_some_and(|u| &*u.directory.0 == DIRECTORIES[0]) {
                all.push((Lost::Holder(*id), lost));
            }
        }
        all
    }

    fn lost(&self) -> BTreeSet<Lost> {
        self.slowly().into_iter().filter(|(_, lost)| *lost).map(|(what, _)| what).collect()
    }
}

fn is_of(kind: Kind, lost: &Lost) -> bool {
    match kind {
        Kind::Users => matches!(lost, Lost::User(_)),
        Kind::Units => matches!(lost, Lost::Unit(_)),
        Kind::Memberships => matches!(lost, Lost::Member(..)),
        Kind::Holders => matches!(lost, Lost::Holder(_)),
        Kind::Mails | Kind::Phones | Kind::Moves | Kind::Absences => {
            matches!(lost, Lost::Value(of, ..) if *of == kind)
        }
    }
}

fn limit() -> impl Strategy<Value = Limit> {
    (0_u32..6, 0_u8..=100, 0_u32..4).prop_map(|(count, percent, floor)| Limit { count, percent, floor })
}

fn limits() -> impl Strategy<Value = Limits> {
    let losses = (limit(), limit(), limit(), limit());
    (losses, limit(), limit(), limit(), limit()).prop_map(|(losses, mails, phones, moves, absences)| {
        let (users, units, memberships, holders) = losses;
        Limits { users, units, memberships, holders, mails, phones, moves, absences }
    })
}

/// A reading, and an earlier one that was held and approved.
fn case() -> impl Strategy<Value = (Case, Case)> {
    let people = || btree_set((1_u8..15).prop_map(user_id), 0..8);
    directory().prop_flat_map(move |old| {
        let readings = (reading_of(old.clone()), reading_of(old.clone()));
        (Just(old), readings, people(), people(), people()).prop_map(
            |(old, (read, earlier), holders, after, then)| {
                let case = |read, after| Case {
                    old: old.clone(),
                    read,
                    holders: holders.clone(),
                    holders_after: after,
                };
                (case(read, after), case(earlier, then))
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_over_a_limit_passes_and_nothing_else_is_held(
        (case, earlier) in case(), limits in limits(), approve in any::<bool>(), scope_changed in any::<bool>()
    ) {
        let (approved, known) = if approve { (earlier.approval(), earlier.lost()) } else { Default::default() };
        let all = case.slowly();
        let mut expected: Vec<(Option<Kind>, usize)> = Vec::new();
        for (kind, limit) in [
            (Kind::Users, limits.users), (Kind::Units, limits.units),
            (Kind::Memberships, limits.memberships), (Kind::Holders, limits.holders),
            (Kind::Mails, limits.mails), (Kind::Phones, limits.phones), (Kind::Moves, limits.moves),
            (Kind::Absences, limits.absences),
        ] {
            let of_kind: Vec<_> = all.iter().filter(|(what, _)| is_of(kind, what)).collect();
            let lost: Vec<_> = of_kind.iter().filter(|(_, lost)| *lost).collect();
            let fresh = lost.iter().filter(|(what, _)| !known.contains(what)).count();
            let within = fresh <= limit.count as usize
                && fresh as f64 / of_kind.len().max(1) as f64 <= f64::from(limit.percent) / 100.0;
            let everything = (lost.len() == of_kind.len()).then_some(of_kind.len());
            let reachable = |what: &Lost| match what {
                Lost::User(id) => case.old.users[id].enabled && case.old.users[id].mail().is_some(),
                _ => false,
            };
            let could = of_kind.iter().filter(|(what, _)| reachable(what)).count();
            let nobody = could == lost.iter().filter(|(what, _)| reachable(what)).count();
            let nobody = (could > 0 && nobody).then_some(could);
            let everything = everything.or(nobody).filter(|of| fresh > 0 && *of > 1);
            let wiped = everything.is_some() && (matches!(kind, Kind::Users | Kind::Units) || fresh > limit.floor as usize);
            if wiped || (fresh > limit.floor as usize && !within) {
                expected.push((Some(kind), everything.filter(|_| wiped).unwrap_or(fresh)));
            }
        }
        let goes = |(what, lost): &&(Lost, bool)| match what {
            Lost::User(id) => !case.read.users.contains_key(id),
            Lost::Unit(_) | Lost::Group(_) => *lost,
            Lost::Member(..) | Lost::Holder(_) | Lost::Value(..) => false,
        };
        let gone = all.iter().filter(goes).filter(|(what, _)| !known.contains(what)).count();
        if scope_changed && gone > 0 {
            expected.push((None, gone));
        }
        match case.judge(&limits, &approved, scope_changed) {
            Verdict::Checked(checked) => {
                prop_assert_eq!(expected, []);
                prop_assert_eq!(checked.delta(), &case.delta());
            }
            Verdict::Held { delta, reasons } => {
                let got: Vec<_> = reasons.iter().map(|reason| match *reason {
                    HoldReason::TooMany { kind, removed, .. } => (Some(kind), removed as usize),
                    HoldReason::All { kind, of } => (Some(kind), of as usize),
                    HoldReason::ScopeChanged { removed } => (None, removed as usize),
                    HoldReason::Undone { run, .. } => panic!("{run} was not undone"),
                    HoldReason::Gradually { before, .. } => panic!("{before} went before"),
                }).collect();
                prop_assert_eq!(got, expected);
                prop_assert_eq!(delta, case.delta());
            }
        }
    }

    #[test]
    fn what_was_approved_passes((case, _) in case(), limits in limits(), scope_changed in any::<bool>()) {
        let passes = matches!(case.judge(&limits, &case.approval(), scope_changed), Verdict::Checked(_));
        prop_assert!(passes);
    }

    #[test]
    fn a_first_sync_passes(read in directory(), limits in limits(), scope_changed in any::<bool>()) {
        let case = Case::new(Directory::default(), read.part(&DIRECTORIES[0].into()));
        prop_assert!(matches!(case.judge(&limits, &BTreeSet::new(), scope_changed), Verdict::Checked(_)));
    }
}

fn users(numbers: std::ops::Range<u8>) -> Directory {
    directory_of(numbers.map(|n| user(n, 0)), [], [])
}

fn of_users(limit: Limit) -> Limits {
    Limits { users: limit, ..NO_LIMITS }
}

#[test]
fn what_goes_a_few_at_a_time_is_held_when_it_comes_to_too_many_within_a_day() {
    let limits = of_users(Limit { count: 100, percent: 10, floor: 2 });
    let (case, none) = (Case::new(users(0..80), users(2..80)), BTreeSet::new());
    let judged = |before, approved: &BTreeSet<Guid>| {
        case.with(&limits, approved, false, |given| {
            let lately = Lately { users: before, units: 50 };
            match judge(case.delta(), &Circumstances { lately, ..*given }) {
                Verdict::Checked(_) => Vec::new(),
                Verdict::Held { reasons, .. } => reasons.iter().map(ToString::to_string).collect(),
            }
        })
    };
    // 80 and those before: 10 % of 86 are 8, of 87 too.
    assert_eq!(judged(6, &none), [""; 0]);
    assert_eq!(
        judged(7, &none),
        ["2 more users would be lost after 7 within a day, of 87; up to 100 and 10 % pass without approval"]
    );
    assert_eq!(judged(7, &case.approval()), [""; 0], "what was approved doesn't count");
    let nothing = Case::new(users(0..80), users(0..80));
    let passes = nothing.with(&limits, &none, false, |given| {
        let lately = Lately { users: 79, units: 50 };
        matches!(judge(nothing.delta(), &Circumstances { lately, ..*given }), Verdict::Checked(_))
    });
    assert!(passes, "nobody goes now");
}

#[test]
fn exactly_at_the_limit_passes_and_one_more_is_held() {
    let ten_percent = of_users(Limit { count: 100, percent: 10, floor: 0 });
    for (there, may_go) in [(30, 3), (66, 6), (9, 0), (10, 1)] {
        let losing = |n| Case::new(users(0..there), users(n..there)).reasons(&ten_percent);
        assert_eq!(losing(may_go), [""; 0], "{may_go} of {there}");
        assert_eq!(losing(may_go + 1).len(), 1, "{} of {there}", may_go + 1);
    }
    let five = of_users(Limit { count: 5, percent: 100, floor: 0 });
    assert_eq!(Case::new(users(0..100), users(5..100)).reasons(&five), [""; 0]);
    assert_eq!(
        Case::new(users(0..100), users(6..100)).reasons(&five),
        [
            "6 of 100 users would be lost (gone, disabled or without a mail address); up to 5 and 100 % pass without approval"
        ]
    );
}

#[test]
fn the_floor_lets_a_small_organisation_lose_somebody_but_not_everybody() {
    let limits = of_users(Limit { count: 0, percent: 0, floor: 2 });
    assert_eq!(Case::new(users(0..3), users(2..3)).reasons(&limits), [""; 0]);
    assert_eq!(Case::new(users(0..1), users(0..0)).reasons(&limits), [""; 0]);
    let all = Case::new(users(0..2), users(0..0)).reasons(&limits);
    assert_eq!(all, ["all 2 users would be lost (gone, disabled or without a mail address)"]);
}

#[test]
fn everybody_gone_is_held_whatever_the_limits() {
    assert_eq!(Case::new(users(0..100), users(0..0)).reasons(&NO_LIMITS).len(), 1);
    // All under new identities: nobody knows whether these are the same people.
    assert_eq!(Case::new(users(0..100), users(100..200)).reasons(&NO_LIMITS).len(), 1);
    let units = |n: u8| directory_of([], (1..=n).map(|n| unit(n, 0)), []);
    assert_eq!(Case::new(units(5), units(0)).reasons(&NO_LIMITS), ["all 5 units would be lost"]);
}

#[test]
fn everybody_disabled_or_without_an_address_is_as_bad() {
    let half = of_users(Limit { count: 100, percent: 40, floor: 3 });
    let but = |change: fn(&mut UserFields), how_many: u8| {
        let changed = (0..100_u8).map(|n| {
            let mut user = user(n, 0);
            if n < how_many {
                change(&mut user);
            }
            user
        });
        Case::new(users(0..100), directory_of(changed, [], []))
    };
    let disable: fn(&mut UserFields) = |u| u.enabled = false;
    let hide: fn(&mut UserFields) = |u| u.mail = None;
    for change in [disable, hide] {
        assert_eq!(but(change, 40).reasons(&half), [""; 0]);
        assert_eq!(but(change, 50).reasons(&half).len(), 1);
        assert_eq!(but(change, 100).reasons(&NO_LIMITS).len(), 1);
    }
    // What was disabled before isn't lost once more when its address goes.
    let after = |n: u8| UserFields { enabled: false, mail: None, ..user(n, 0) };
    let before = |n: u8| UserFields { enabled: false, ..user(n, 0) };
    let case = Case::new(directory_of((0..9).map(before), [], []), directory_of((0..9).map(after), [], []));
    assert_eq!(case.reasons(&of_users(Limit { count: 0, percent: 0, floor: 0 })), [""; 0]);
}

#[test]
fn a_group_read_as_empty_is_held_though_its_members_are_there() {
    let members: Vec<u8> = (1..=20).collect();
    let people = || (1..=20).map(|n| user(n, 0));
    let few = Limits { memberships: Limit { count: 10, percent: 50, floor: 5 }, ..NO_LIMITS };
    let old = directory_of(people(), [], [group(1, &members, &[2])]);
    let emptied = Case::new(old.clone(), directory_of(people(), [], [group(1, &[], &[])]));
    assert_eq!(emptied.reasons(&few), ["all 21 group memberships would be lost"]);
    let removed = Case::new(old.clone(), directory_of(people(), [], []));
    assert_eq!(removed.reasons(&few), ["all 21 group memberships would be lost"]);
    // Whoever goes leaves his groups: that is counted with the users, once.
    let gone = directory_of((1..=8).map(|n| user(n, 0)), [], [group(1, &members[..8], &[2])]);
    assert_eq!(Case::new(old, gone).reasons(&few), [""; 0]);
}

#[test]
fn what_is_taken_over_from_another_directory_can_be_lost_on_the_way() {
    let there = |n: u8| UserFields { directory: DIRECTORIES[1].into(), ..user(n, 0) };
    let members: Vec<u8> = (1..=20).collect();
    let their_group = Group { directory: DIRECTORIES[1].into(), ..group(1, &members, &[]) };
    let old = directory_of((1..=20).map(there), [], [their_group]);
    let moved =
        Case::new(old.clone(), directory_of((1..=20).map(|n| user(n, 0)), [], [group(1, &members, &[])]));
    let strict = Limit { count: 0, percent: 0, floor: 0 };
    let strict = Limits { users: strict, units: strict, memberships: strict, holders: strict, ..NO_LIMITS };
    assert_eq!(moved.reasons(&strict), [""; 0]);
    let broken =
        directory_of((1..=20).map(|n| UserFields { enabled: false, ..user(n, 0) }), [], [group(1, &[], &[])]);
    let reasons = Case::new(old, broken).reasons(&NO_LIMITS);
    assert_eq!(
        reasons,
        [
            "all 20 users would be lost (gone, disabled or without a mail address)",
            "all 20 group memberships would be lost"
        ]
    );
}

#[test]
fn what_comes_in_addition_to_what_was_approved_is_held() {
    let limits = Limit { count: 1, percent: 100, floor: 0 };
    let limits = Limits { users: limits, memberships: limits, ..NO_LIMITS };
    let members: Vec<u8> = (1..=20).collect();
    let people = || (1..=20).map(|n| user(n, 0));
    let old = directory_of(people(), [], [group(1, &members, &[])]);
    let with_members =
        |left: &[u8]| Case::new(old.clone(), directory_of(people(), [], [group(1, left, &[])]));
    let approved = with_members(&members[5..]).approval();
    let passes = |case: &Case| matches!(case.judge(&limits, &approved, false), Verdict::Checked(_));
    assert!(passes(&with_members(&members[5..])));
    assert!(passes(&with_members(&members[6..])), "one more is within the limit");
    assert!(
        !passes(&with_members(&members[7..])),
        "two more are not, though it is the group that was approved"
    );
    assert!(!passes(&Case::new(
        old.clone(),
        directory_of((4..=20).map(|n| user(n, 0)), [], [group(1, &members[3..], &[])])
    )));
}

#[test]
fn all_is_held_though_most_of_it_was_approved() {
    let approved = Case::new(users(0..100), users(99..100)).approval();
    let rest = Case::new(users(0..100), users(0..0)).judge(&NO_LIMITS, &approved, false);
    assert!(
        matches!(rest, Verdict::Held { reasons, .. } if reasons == [HoldReason::All { kind: Kind::Users, of: 100 }])
    );
}

#[test]
fn who_was_disabled_before_hides_from_nobody_that_all_others_are_now() {
    let with = |enabled: std::ops::Range<u8>| {
        let people = (0..8).map(|n| UserFields { enabled: enabled.contains(&n), ..user(n, 0) });
        directory_of(people, [], [])
    };
    let limits = of_users(Limit { count: 10, percent: 100, floor: 5 });
    let none_left = Case::new(with(0..5), with(0..0)).judge(&limits, &BTreeSet::new(), false);
    assert!(
        matches!(none_left, Verdict::Held { reasons, .. } if reasons == [HoldReason::All { kind: Kind::Users, of: 5 }])
    );
    assert_eq!(Case::new(with(0..5), with(0..1)).reasons(&limits), [""; 0]);
}

#[test]
fn a_changed_scope_is_held_if_anything_goes() {
    let old = || {
        directory_of(
            [user(1, 1), user(2, 1)],
            [unit(1, 0), unit(2, 0)],
            [group(1, &[], &[]), group(2, &[], &[])],
        )
    };
    let held = |read: Directory| {
        let case = Case::new(old(), read);
        let changed = case.judge(&NO_LIMITS, &BTreeSet::new(), true);
        assert_eq!(case.reasons(&NO_LIMITS), [""; 0], "held by nothing but the scope");
        matches!(changed, Verdict::Held { reasons, .. } if reasons == [HoldReason::ScopeChanged { removed: 1 }])
    };
    let mut read = [old(), old(), old(), old()];
    read[0].users.remove(&user_id(1));
    read[1].units.remove(&unit_id(2));
    read[2].groups.remove(&group_id(2));
    read[3].users.insert(user_id(3), Arc::new(user(3, 1).into()));
    assert_eq!(read.map(held), [true, true, true, false]);
}

#[test]
fn contacts_who_lose_their_role_are_counted_however_they_lose_it() {
    let people = |change: fn(&mut UserFields)| {
        (1..=4).map(move |n| {
            let mut user = user(n, 1);
            change(&mut user);
            user
        })
    };
    let managed = || [Unit { managed_by: Some(user_id(4)), ..unit(1, 0) }, unit(2, 0)];
    let world = |directory| {
        let mut world = World::new(directory);
        world.assign(LOCAL, 1, Place::Unit(unit_id(1)));
        world.assign(OUTAGE, 2, Place::Organisation);
        world.roles[0].grants.managed_by = true;
        world.roles[2].grants.groups = vec!["g1".into()];
        world.organisation()
    };
    let granted = || [group(1, &[3], &[])];
    let before = world(directory_of(people(|_| ()), managed(), granted()));
    assert_eq!(before.holding_users().len(), 4);
    let lost = |after: Directory| {
        let limits = Limits { holders: Limit { count: 0, percent: 0, floor: 0 }, ..NO_LIMITS };
        let case = Case::between(&before, &world(after));
        // All at once is held by other limits, too.
        case.reasons(&limits).into_iter().filter(|r| r.contains("contact role")).collect::<Vec<_>>()
    };
    let how = "would be lost (gone, disabled, without a mail address, or no longer in the role)";
    let one = [format!("1 of 4 holders of a contact role {how}; up to 0 and 0 % pass without approval")];
    assert_eq!(lost(directory_of(people(|_| ()), managed(), granted())), [""; 0]);
    let moved = people(|u| u.unit = if u.id == user_id(1) { unit_id(2) } else { u.unit });
    assert_eq!(lost(directory_of(moved, managed(), granted())), one, "moved away from the unit");
    let disabled = people(|u| u.enabled = u.id != user_id(2));
    assert_eq!(lost(directory_of(disabled, managed(), granted())), one, "disabled");
    assert_eq!(lost(directory_of(people(|_| ()), managed(), [group(1, &[], &[])])), one, "left the group");
    assert_eq!(
        lost(directory_of(people(|_| ()), [unit(1, 0), unit(2, 0)], granted())),
        one,
        "no longer managedBy"
    );
    assert_eq!(
        lost(apply(
            &before.directory,
            &diff(&before.directory, &DIRECTORIES[0].into(), &Directory::default().into())
        )),
        [format!("all 4 holders of a contact role {how}")]
    );
}

/// Changes many of a hundred users, each in unit 1 with a mail address, a phone and an absence.
fn changing(how_many: u8, change: impl Fn(&mut UserFields)) -> Case {
    let (phone, away) = (|n| Some(format!("+46 {n}").into()), Some("2026-07-06..2026-07-31".into()));
    let person = |n| UserFields { phone: phone(n), away: away.clone(), ..user(n, 1) };
    let old = directory_of((0..100).map(person), [unit(1, 0), unit(2, 0)], []);
    let after = (0..100).map(|n| {
        let mut user = person(n);
        if n < how_many {
            change(&mut user);
        }
        user
    });
    Case::new(old, directory_of(after, [unit(1, 0), unit(2, 0)], []))
}

#[test]
fn what_was_undone_is_held_until_it_is_approved() {
    let case = changing(3, |u| u.mail = Some(format!("{}@wrong.example", u.account).into()));
    let delta = case.delta();
    let wrong = apply(&case.old, &delta);
    let veto = Veto::against(RunId(7), &reverse(&steps(&delta), &wrong).delta);
    let judged = |wanted: &Case, approved: &BTreeSet<Guid>| {
        wanted.with(&NO_LIMITS, approved, false, |given| {
            let given = Circumstances { vetoes: std::slice::from_ref(&veto), ..*given };
            (judge(wanted.delta(), &given), approval_of(&wanted.delta(), &given))
        })
    };
    let (verdict, approval) = judged(&case, &BTreeSet::new());
    let Verdict::Held { reasons, .. } = verdict else { panic!("it is done again") };
    assert_eq!(reasons, [HoldReason::Undone { run: RunId(7), changes: 3 }]);
    assert_eq!(reasons[0].to_string(), "3 changes of run 7, which was undone, would be made again");
    assert!(matches!(judged(&case, &approval).0, Verdict::Checked(_)));
    // Something else is nobody's business.
    let other = changing(3, |u| u.mail = Some(format!("{}@right.example", u.account).into()));
    assert!(matches!(judged(&other, &BTreeSet::new()).0, Verdict::Checked(_)));
}
