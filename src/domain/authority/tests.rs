use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::domain::absence::Origin;
use crate::domain::ids::{AbsenceId, AssignmentId, UnitId};
use crate::domain::roles::{Assignment, GLOBAL, LOCAL, SYSTEM_OWNER};
use crate::domain::testing::{
    HELPER, World, any_absence, any_assignment, directory_of, hour, unit, unit_id, user, user_id, world,
};

fn asa() -> Actor {
    Actor::Local { uid: 1000, name: "asa".into() }
}

fn administrator(grants: Vec<Grant>) -> Caller {
    Caller { actor: asa(), level: Level::Administrator(grants.into_iter().map(Arc::new).collect()) }
}

fn on(units: &[&str], roles: &[&str]) -> Grant {
    Grant {
        name: "test".into(),
        roles: Given::These(roles.iter().map(|role| (*role).into()).collect()),
        over: Over::Units(units.iter().map(|unit| (*unit).into()).collect()),
        absences: true,
    }
}

/// Unit 1 above unit 2, and unit 3 beside; a user of the same number in each, user 4 at the root.
fn small() -> World {
    let users = [user(1, 1), user(2, 2), user(3, 3), user(4, 0), user(5, 2)];
    World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 0)], []))
}

fn give(world: &World, caller: &Caller, role: &str, who: u8, place: Place) -> Result<(), String> {
    let holder = Holder::User(user_id(who));
    let organisation = world.organisation();
    caller.over(&organisation).may_give(&role.into(), &holder, &place).map_err(|r| r.to_string())
}

fn absence(who: u8, from: i64, until: i64, deputy: Option<u8>) -> Absence {
    let (user, deputy) = (user_id(who), deputy.map(user_id));
    Absence {
        id: AbsenceId(0),
        user,
        from: hour(from),
        until: hour(until),
        deputy,
        note: None,
        origin: Origin::ByHand,
    }
}

fn note(world: &World, caller: &Caller, before: Option<Absence>, after: Absence) -> Result<(), String> {
    let organisation = world.organisation();
    let may = caller.over(&organisation).may_change(before.as_ref(), Some(&after));
    may.map_err(|refusal| refusal.to_string())
}

#[test]
fn a_role_is_given_at_the_unit_and_below_but_not_above_or_beside() {
    let (world, caller) = (small(), administrator(vec![on(&["Unit 1"], &[LOCAL])]));
    let at = |unit| give(&world, &caller, LOCAL, 1, Place::Unit(unit_id(unit)));
    assert_eq!((at(1), at(2)), (Ok(()), Ok(())));
    assert_eq!(at(3).unwrap_err(), "local on Unit 3: you administer Unit 1 only");
    assert_eq!(at(0).unwrap_err(), "local on Org: you administer Unit 1 only");
    assert_eq!(at(8).unwrap_err(), "local on a unit that is gone: you administer Unit 1 only");

    let below = administrator(vec![on(&["unit 1/unit 2"], &[LOCAL])]);
    let above = give(&world, &below, LOCAL, 2, Place::Unit(unit_id(1)));
    assert_eq!(above.unwrap_err(), "local on Unit 1: you administer Unit 1 / Unit 2 only");
}

#[test]
fn a_flag_is_judged_by_where_its_holder_belongs_now() {
    let (mut world, caller) = (small(), administrator(vec![on(&["Unit 1"], &[LOCAL])]));
    let flag = |world: &World, who| give(world, &caller, LOCAL, who, Place::OwnUnit);
    assert_eq!((flag(&world, 1), flag(&world, 2)), (Ok(()), Ok(())));
    assert!(flag(&world, 3).unwrap_err().contains("local on Unit 3"));
    assert!(flag(&world, 9).unwrap_err().contains("somebody who is gone"));
    // User 2 moves away.
    world.directory = directory_of([user(2, 3)], [unit(1, 0), unit(2, 1), unit(3, 0)], []);
    assert!(flag(&world, 2).is_err());
}

#[test]
fn only_the_roles_that_were_delegated_are_given_and_none_of_everybody() {
    let world = small();
    let caller = administrator(vec![on(&["Unit 1"], &[LOCAL]), on(&["Unit 3"], &[LOCAL, HELPER])]);
    let refused = give(&world, &caller, SYSTEM_OWNER, 1, Place::Unit(unit_id(1))).unwrap_err();
    assert_eq!(refused, "the role system-owner isn't yours to give or to end; you give local, helper");
    let refused = give(&world, &caller, HELPER, 1, Place::Unit(unit_id(1))).unwrap_err();
    assert_eq!(refused, "helper on Unit 1: you administer Unit 3 only");
    assert_eq!(give(&world, &caller, HELPER, 3, Place::Unit(unit_id(3))), Ok(()));

    let all = Grant { roles: Given::All, ..on(&["Unit 1"], &[]) };
    let everywhere = Grant { over: Over::Organisation, ..all.clone() };
    let global =
        |grant: &Grant| give(&world, &administrator(vec![grant.clone()]), GLOBAL, 1, Place::Organisation);
    assert_eq!(global(&all).unwrap_err(), "global for the whole organisation: you administer Unit 1 only");
    assert_eq!(global(&everywhere), Ok(()));
}

#[test]
fn what_is_not_there_or_could_be_two_units_delegates_nothing() {
    let mut world = small();
    let named = administrator(vec![on(&["Unit 9", "Unit 2"], &[LOCAL])]);
    // "Unit 2" is no whole path.
    let refused = give(&world, &named, LOCAL, 2, Place::Unit(unit_id(2))).unwrap_err();
    let nothing = "you administer \"Unit 9\" (which isn't there), \"Unit 2\" (which isn't there) only";
    assert!(refused.ends_with(nothing), "{refused}");
    let by_path = administrator(vec![on(&["Unit 1"], &[LOCAL])]);
    let by_identity = administrator(vec![on(&[&unit_id(1).to_string()], &[LOCAL])]);
    let local = |world: &World, caller| give(world, caller, LOCAL, 1, Place::Unit(unit_id(1)));
    assert_eq!((local(&world, &by_path), local(&world, &by_identity)), (Ok(()), Ok(())));
    // Somebody makes another unit of that name.
    let twin = crate::domain::directory::Unit { name: "Unit 1".into(), ..unit(4, 0) };
    world.directory.units.insert(twin.id, Arc::new(twin));
    assert!(local(&world, &by_path).is_err());
    assert_eq!(local(&world, &by_identity), Ok(()));
}

#[test]
fn absences_are_of_those_who_belong_there_now() {
    let (mut world, caller) = (small(), administrator(vec![on(&["Unit 1"], &[])]));
    assert_eq!(note(&world, &caller, None, absence(2, 0, 9, None)), Ok(()));
    let refused = note(&world, &caller, None, absence(3, 0, 9, Some(2))).unwrap_err();
    assert_eq!(refused, "the absence of User 3 of Unit 3: you administer Unit 1 only");
    let refused = note(&world, &caller, None, absence(9, 0, 9, None)).unwrap_err();
    assert!(refused.contains("who is gone"), "{refused}");
    // User 2 moves away, with an absence that was noted before; user 3 moves in.
    world.directory = directory_of([user(2, 3), user(3, 1)], [unit(1, 0), unit(2, 1), unit(3, 0)], []);
    let (before, after) = (absence(2, 0, 9, None), absence(2, 0, 5, None));
    assert!(note(&world, &caller, Some(before), after).is_err());
    assert_eq!(note(&world, &caller, None, absence(3, 0, 9, None)), Ok(()));

    let without = administrator(vec![Grant { absences: false, ..on(&["Unit 1"], &[LOCAL]) }]);
    assert!(note(&world, &without, None, absence(3, 0, 9, None)).unwrap_err().contains("`absences`"));
}

#[test]
fn nobody_is_raised_by_a_deputy() {
    let (mut world, caller) = (small(), administrator(vec![on(&["Unit 1"], &[LOCAL])]));
    world.assign(LOCAL, 1, Place::OwnUnit);
    assert_eq!(note(&world, &caller, None, absence(1, 0, 9, Some(2))), Ok(()), "a local contact of the unit");
    world.assign(GLOBAL, 1, Place::Organisation);
    let refused = note(&world, &caller, None, absence(1, 0, 9, Some(2))).unwrap_err();
    assert!(
        refused.starts_with("User 2 would stand in for User 1 as global for the whole organisation, too"),
        "{refused}"
    );
    assert_eq!(note(&world, &caller, None, absence(1, 0, 9, None)), Ok(()), "without a deputy");
    // What an operator noted may be made shorter, and not longer.
    let noted = || Some(absence(1, 0, 9, Some(2)));
    assert_eq!(note(&world, &caller, noted(), absence(1, 1, 8, Some(2))), Ok(()));
    assert!(note(&world, &caller, noted(), absence(1, 0, 10, Some(2))).is_err());
    assert!(note(&world, &caller, noted(), absence(1, 0, 9, Some(5))).is_err());
    // Who is global contact as well is raised by nothing.
    world.assign(GLOBAL, 2, Place::Organisation);
    assert_eq!(note(&world, &caller, None, absence(1, 0, 9, Some(2))), Ok(()));
    // What is over by then doesn't matter.
    world.assignments.values_mut().find(|a| a.role == GLOBAL.into()).unwrap().until = Some(hour(3));
    assert_eq!(note(&world, &caller, None, absence(1, 3, 9, Some(5))), Ok(()));
    assert!(note(&world, &caller, None, absence(1, 2, 9, Some(5))).is_err());
    // Nor does what doesn't count since the holder has moved.
    world.assign(LOCAL, 1, Place::Unit(unit_id(3)));
    assert_eq!(note(&world, &caller, None, absence(1, 3, 9, Some(5))), Ok(()));
    world.assign(LOCAL, 1, Place::Unit(unit_id(3))).any_unit = true;
    assert!(note(&world, &caller, None, absence(1, 3, 9, Some(5))).unwrap_err().contains("local on Unit 3"));
}

#[test]
fn who_is_no_administrator_changes_nothing_and_an_operator_everything() {
    let world = small();
    for level in [Level::Stranger, Level::Reader, Level::Administrator(Vec::new())] {
        let caller = Caller { actor: asa(), level };
        let refused = give(&world, &caller, LOCAL, 1, Place::OwnUnit).unwrap_err();
        assert!(refused.starts_with("asa may change nothing"), "{refused}");
        assert_eq!(note(&world, &caller, None, absence(1, 0, 9, None)).unwrap_err(), refused);
    }
    assert_eq!(give(&world, &Caller::system(), "no-such-role", 9, Place::Organisation), Ok(()));
    assert_eq!(note(&world, &Caller::operator(asa()), None, absence(9, 0, 9, Some(1))), Ok(()));
}

#[test]
fn what_somebody_may_do_is_said_in_words() {
    let organisation = small().organisation();
    let words = |caller: &Caller| caller.over(&organisation).in_words();
    let everywhere = Grant { over: Over::Organisation, roles: Given::All, ..on(&[], &[]) };
    let keeper = Grant { name: "keeper".into(), ..on(&["Unit 3", "Unit 7"], &[]) };
    assert_eq!(
        words(&administrator(vec![on(&["Unit 1"], &[LOCAL, HELPER]), keeper, everywhere])),
        [
            "look things up",
            "give and end local, helper on Unit 1 and below",
            "change the absences of everybody who belongs to Unit 1 or below",
            "change the absences of everybody who belongs to Unit 3, \"Unit 7\" (which isn't there) or below",
            "give and end all roles everywhere",
            "change the absences of everybody",
        ]
    );
    assert_eq!(words(&Caller::system()), ["look things up", "change everything"]);
    assert_eq!(words(&Caller { actor: asa(), level: Level::Stranger }), ["nothing"]);
}

/// Something that is changed. The numbers choose among what there is.
#[derive(Clone, Debug)]
enum Edit {
    Give(Assignment),
    End(Index),
    Note(Absence),
    Change(Index, Absence),
    TakeBack(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => any_assignment().prop_map(Edit::Give),
        2 => any::<Index>().prop_map(Edit::End),
        3 => any_absence().prop_map(Edit::Note),
        2 => (any::<Index>(), any_absence()).prop_map(|(n, absence)| Edit::Change(n, absence)),
        1 => any::<Index>().prop_map(Edit::TakeBack),
    ]
}

/// A grant, and in a form that is easy to think about: its roles (None: all) and units (None: the organisation).
#[derive(Clone, Debug)]
struct Plain {
    roles: Option<BTreeSet<&'static str>>,
    units: Option<BTreeSet<u8>>,
    absences: bool,
}

fn plain() -> impl Strategy<Value = Plain> {
    let roles = btree_set(select(&[LOCAL, HELPER, GLOBAL, SYSTEM_OWNER, "ad-sync"]), 0..4);
    let roles = prop_oneof![2 => roles.prop_map(Some), 1 => Just(None)];
    let units = prop_oneof![9 => btree_set(0_u8..11, 1..3).prop_map(Some), 1 => Just(None)];
    (roles, units, prop::bool::weighted(0.8)).prop_map(|(roles, units, absences)| Plain {
        roles,
        units,
        absences,
    })
}

impl Plain {
    fn grant(&self) -> Grant {
        let roles = |roles: &BTreeSet<&str>| Given::These(roles.iter().map(|role| (*role).into()).collect());
        let units = |units: &BTreeSet<u8>| {
            Over::Units(units.iter().map(|n| unit_id(*n).to_string().into()).collect())
        };
        Grant {
            name: "random".into(),
            roles: self.roles.as_ref().map_or(Given::All, roles),
            over: self.units.as_ref().map_or(Over::Organisation, units),
            absences: self.absences,
        }
    }

    /// From the unit upwards, step by step: whether one of its units is met. None: no unit that there is.
    fn has(&self, organisation: &Organisation, unit: Option<UnitId>) -> bool {
        let Some(units) = &self.units else { return true };
        let at = unit.and_then(|unit| organisation.tree.index(unit));
        let mut way = at.into_iter().flat_map(|at| organisation.tree.upwards(at));
        way.any(|place| units.iter().any(|n| unit_id(*n) == organisation.tree.id(place)))
    }

    fn gives(&self, organisation: &Organisation, role: &RoleName, holder: &Holder, place: &Place) -> bool {
        self.roles.as_ref().is_none_or(|roles| roles.contains(&*role.0))
            && match place {
                Place::Unit(unit) => self.has(organisation, Some(*unit)),
                Place::OwnUnit => self.has(organisation, holder.user().and_then(|id| home(organisation, id))),
                _ => self.units.is_none(),
            }
    }
}

/// Where somebody belongs; None for nobody.
fn home(organisation: &Organisation, id: UserId) -> Option<UnitId> {
    let user = organisation.user(id)?;
    let known = user.unit == UnitId::ROOT || organisation.unit(user.unit).is_some();
    Some(if known { user.unit } else { UnitId::ROOT })
}

/// Who acts in a role at a place in an hour, and for whom: themselves or somebody whose deputy they are.
type Acting = BTreeSet<(RoleName, tree::Index, String, i64, UserId, UserId)>;

/// Of what isn't the caller's to give.
fn acting_beyond(organisation: &Organisation, grants: &[Plain]) -> Acting {
    let mut all = Acting::new();
    for role in &organisation.roles {
        for holding in organisation.holders(&role.name).all() {
            let ours = |grant: &Plain| grant.gives(organisation, &role.name, &holding.holder, &holding.place);
            let Some(holder) = holding.holder.user().filter(|_| !grants.iter().any(ours)) else { continue };
            if organisation.is_suspended(holding) {
                continue;
            }
            for n in 0..40 {
                let counts = holding.from.is_none_or(|from| from <= hour(n))
                    && holding.until.is_none_or(|until| hour(n) < until);
                let absences = organisation.absences.get(&holder).into_iter().flatten();
                let away: Vec<&Absence> = absences.filter(|a| a.covers(hour(n))).collect();
                let deputies = away.iter().filter_map(|absence| absence.deputy);
                let actors = deputies.chain(away.is_empty().then_some(holder));
                let place = format!("{:?}", holding.place);
                let row = |actor| (role.name.clone(), holding.at, place.clone(), n, actor, holder);
                all.extend(actors.filter(|_| counts).map(row));
            }
        }
    }
    all
}

/// Who holds what, of what isn't the caller's to give.
fn held_beyond(organisation: &Organisation, grants: &[Plain]) -> BTreeSet<String> {
    let row = |role: &RoleName, h: &Holding| {
        let ours = grants.iter().any(|grant| grant.gives(organisation, role, &h.holder, &h.place));
        (!ours).then(|| format!("{role} {h:?}"))
    };
    let roles = organisation.roles.iter();
    roles.flat_map(|r| organisation.holders(&r.name).all().filter_map(|h| row(&r.name, h))).collect()
}

/// The absences of those who belong elsewhere.
fn absences_beyond(organisation: &Organisation, grants: &[Plain]) -> BTreeSet<String> {
    let ours =
        |a: &&Absence| grants.iter().any(|g| g.absences && g.has(organisation, home(organisation, a.user)));
    organisation.absences.values().flatten().filter(|a| !ours(a)).map(|a| format!("{a:?}")).collect()
}

/// Makes the edit, if the caller may; else it says why not.
fn make(world: &World, caller: &Caller, edit: &Edit) -> Option<Result<World, Refusal>> {
    let (mut after, organisation) = (world.clone(), world.organisation());
    let authority = caller.over(&organisation);
    let may_give = |a: &Assignment| authority.may_give(&a.role, &a.holder, &a.place);
    let of = |n: &Index| (!world.absences.is_empty()).then(|| n.index(world.absences.len()));
    let judged = match edit {
        Edit::Give(assignment) => {
            let id = AssignmentId(1_000);
            after.assignments.insert(id, Assignment { id, ..assignment.clone() });
            may_give(assignment)
        }
        Edit::End(n) => {
            let ids: Vec<AssignmentId> = world.assignments.keys().copied().collect();
            let id = (!ids.is_empty()).then(|| *n.get(&ids))?;
            may_give(&after.assignments.remove(&id)?)
        }
        Edit::Note(absence) => {
            after.absences.push(Absence { id: AbsenceId(1_000), ..absence.clone() });
            authority.may_change(None, Some(absence))
        }
        Edit::Change(n, wanted) => {
            let at = of(n)?;
            let before = world.absences.get(at)?;
            let changed = Absence { id: before.id, user: before.user, ..wanted.clone() };
            *after.absences.get_mut(at)? = changed.clone();
            authority.may_change(Some(before), Some(&changed))
        }
        Edit::TakeBack(n) => authority.may_change(Some(&after.absences.remove(of(n)?)), None),
    };
    Some(judged.map(|()| after))
}

proptest! {
    /// A role is given where the slow computation says so, and nowhere else.
    #[test]
    fn what_may_be_given_is_what_going_up_step_by_step_says(
        world in world(),
        grants in vec(plain(), 0..3),
        assignments in vec(any_assignment(), 1..12),
    ) {
        let organisation = world.organisation();
        let caller = administrator(grants.iter().map(Plain::grant).collect());
        let authority = caller.over(&organisation);
        for Assignment { role, holder, place, .. } in assignments.iter().chain(world.assignments.values()) {
            let slow = grants.iter().any(|grant| grant.gives(&organisation, role, holder, place));
            prop_assert_eq!(authority.may_give(role, holder, place).is_ok(), slow, "{} {:?} {:?}", role, holder, place);
        }
        for absence in &world.absences {
            let slow = grants.iter().any(|g| g.absences && g.has(&organisation, home(&organisation, absence.user)));
            prop_assert_eq!(authority.may_change(Some(absence), None).is_ok(), slow, "{:?}", absence);
        }
    }

    /// However many edits are tried: what isn't delegated stays as it is, and nobody comes to act in a role beyond.
    #[test]
    fn an_administrator_changes_nothing_beyond_what_is_theirs(
        world in world(),
        grants in vec(plain(), 0..3),
        edits in vec(edit(), 1..8),
    ) {
        let caller = administrator(grants.iter().map(Plain::grant).collect());
        let mut world = world;
        for edit in edits {
            let Some(Ok(after)) = make(&world, &caller, &edit) else { continue };
            let (old, new) = (world.organisation(), after.organisation());
            prop_assert_eq!(held_beyond(&old, &grants), held_beyond(&new, &grants), "{:?}", edit);
            prop_assert_eq!(absences_beyond(&old, &grants), absences_beyond(&new, &grants), "{:?}", edit);
            let before = acting_beyond(&old, &grants);
            for row in acting_beyond(&new, &grants).difference(&before) {
                let (role, at, place, n, actor, holder) = row.clone();
                // They are back themselves, or hold the same: for their place, or for all of its kind.
                let own = |held: &(RoleName, tree::Index, String, i64, UserId, UserId)| {
                    let unit = |place: &str| place.starts_with("Unit") || place == "OwnUnit";
                    let same = held.2 == place || held.2 == "Organisation" || (unit(&held.2) && unit(&place));
                    (&held.0, held.1, held.3, held.5) == (&role, at, n, actor) && same
                };
                prop_assert!(
                    actor == holder || holders(&new, &grants).iter().any(own),
                    "{} acts for {} as {} at {} {} in hour {} by {:?}", actor, holder, role, at, place, n, edit
                );
            }
            world = after;
        }
    }
}

/// Who holds what in which hour, there or away, of what isn't the caller's to give.
fn holders(organisation: &Organisation, grants: &[Plain]) -> Acting {
    let mut present = organisation.clone();
    present.absences = Arc::default();
    acting_beyond(&present, grants)
}
