use std::collections::BTreeMap;

use chrono::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;

use super::compare::who;
use super::*;
use crate::domain::changes::{Cause, ChangeAt, between};
use crate::domain::contacts::Answering;
use crate::domain::ids::{AssignmentId, UnitId};
use crate::domain::notice::NewsFacts;
use crate::domain::roles::{Holder, LOCAL, Pick, Place, Scope};
use crate::domain::testing::{World, directory_of, hour, unit, unit_id, user, user_id, world};

fn policy() -> Policy {
    let schedule = Schedule::parse("0 7 * * *", Tz::UTC).unwrap();
    let absences_from = TimeDelta::hours(24);
    Policy { mode: Mode::Daily(schedule), absences_from, summary_over: 1000, ..Policy::never() }
}

/// The assignment of user 1.
const OF_ALL: AssignmentId = AssignmentId(1);
/// The assignment of user 2.
const OF_UNIT_2: AssignmentId = AssignmentId(2);

/// Unit 1 with 2 and 3 below it: users 1 and 6 belong to 1, users 2 and 3 to 2, users 4 and 5 to 3. User 1 answers for all, user 2 for unit 2;
/// user 6 owns the system, user 5 is global contact.
fn municipality() -> World {
    let people = [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 1)];
    let people = people.map(|(n, unit)| user(n, unit));
    let mut world = World::new(directory_of(people, [unit(1, 0), unit(2, 1), unit(3, 1)], []));
    world.assign(LOCAL, 1, Place::Unit(unit_id(1)));
    world.assign(LOCAL, 2, Place::Unit(unit_id(2)));
    world.assign("system-owner", 6, Place::Unit(unit_id(1)));
    world.assign(GLOBAL, 5, Place::Organisation);
    world
}

/// An organisation as the days pass, and how far its changes were told.
struct Story {
    organisation: Organisation,
    at: DateTime<Utc>,
    notes: Vec<Note>,
    told: Told,
    policy: Policy,
}

impl Story {
    fn begin(world: &World, at: DateTime<Utc>, policy: Policy) -> Story {
        Story { organisation: world.organisation(), at, notes: Vec::new(), told: Told::up_to(0, at), policy }
    }

    /// The organisation is another one at a time.
    fn becomes(&mut self, world: &World, at: DateTime<Utc>) {
        let next = world.organisation();
        // Time passes first, then something is done.
        for (before, after) in [
            ((&self.organisation, self.at), (&self.organisation, at)),
            ((&self.organisation, at), (&next, at)),
        ] {
            for change in between(before, after, &[]) {
                let number = self.notes.len() as u64 + 1;
                self.notes.push(Note { number, change: ChangeAt { at, by: Cause::Edit, change } });
            }
        }
        (self.organisation, self.at) = (next, at);
    }

    fn tell(&mut self) -> Decision {
        let notes: Vec<Note> =
            self.notes.iter().filter(|note| note.number > self.told.note).cloned().collect();
        let decision = decide(&self.organisation, self.at, &self.policy, &self.told, &notes);
        self.told = decision.told.clone();
        decision
    }
}

/// What each person is told: part, role, units.
fn told(decision: &Decision) -> Vec<String> {
    let line = |letter: &Letter| {
        let news = letter.news.iter().map(|news| format!("{:?} {} {:?}", news.part, news.role, news.units));
        format!("{}: {}", letter.to.name, news.collect::<Vec<_>>().join(", "))
    };
    decision.letters.iter().map(line).collect()
}

#[test]
fn the_new_and_the_former_contact_and_the_owner_are_told_with_the_reason() {
    let mut world = municipality();
    let mut story = Story::begin(&world, hour(0), policy());
    world.assignments.get_mut(&OF_UNIT_2).unwrap().holder = Holder::User(user_id(3));
    story.becomes(&world, hour(1));
    let decision = story.tell();
    let expected = ["User 2: Former local [2]", "User 3: New local [2]", "User 6: Owner local [2]"];
    assert_eq!(told(&decision), expected);
    let [former, new, owner] = decision.letters.as_slice() else { panic!() };
    assert_eq!(new.to.why, "new local contact".into());
    assert_eq!((&*former.to.why, &*owner.to.why), ("former local contact", "system-owner"));
    let facts: NewsFacts = facts(&story.organisation, new, &Told::up_to(0, hour(0)), hour(1)).news.remove(0);
    assert_eq!((facts.all_units, facts.users, &*facts.units[0].path), (1, 2, "Unit 1 / Unit 2"));
    assert_eq!((facts.before, facts.after), (vec!["User 2".into()], vec![]));
    let (revoked, gained) = (Why::Revoked { name: "User 2".into() }, Why::Gained { name: "User 3".into() });
    assert_eq!(facts.why, [revoked, gained]);
    // It isn't told again.
    assert_eq!(told(&story.tell()), Vec::<String>::new());
}

#[test]
fn who_comes_to_a_role_of_the_whole_organisation_and_who_goes_are_told() {
    let mut world = municipality();
    let mut story = Story::begin(&world, hour(0), policy());
    world.assign("remote-access", 3, Place::Organisation);
    story.becomes(&world, hour(1));
    let decision = story.tell();
    // Of the whole organisation nobody owns the system: the global contact is told in place of the owner.
    assert_eq!(told(&decision), ["User 3: New remote-access [0]", "User 5: Owner remote-access [0]"]);
    let facts = facts(&story.organisation, &decision.letters[0], &Told::up_to(0, hour(0)), hour(1));
    assert_eq!((facts.news[0].users, &*facts.news[0].units[0].path), (6, "Org"));
    world.assignments.retain(|_, assignment| &*assignment.role.0 != "remote-access");
    story.becomes(&world, hour(30));
    let gone = ["User 3: Former remote-access [0]", "User 5: Owner remote-access [0]"];
    assert_eq!(told(&story.tell()), gone);
}

#[test]
fn of_a_large_group_nobody_is_told_that_others_are_in_it() {
    let mut world = municipality();
    let outside = |n: usize| Holder::Outside {
        name: format!("P{n:02}").into(),
        mail: format!("p{n}@org.example").parse().unwrap(),
    };
    for n in 1..=20 {
        world.assign("remote-access", 1, Place::Organisation).holder = outside(n);
    }
    let mut story = Story::begin(&world, hour(0), policy());
    // The first in order is another one: of the first twenty the last is not the last any more.
    world.assign("remote-access", 1, Place::Organisation).holder = outside(0);
    story.becomes(&world, hour(1));
    assert_eq!(story.notes.len(), 1);
    assert_eq!(told(&story.tell()), Vec::<String>::new());
}

#[test]
fn an_address_of_the_assignment_goes_before_the_own_one() {
    let mut world = municipality();
    let mut story = Story::begin(&world, hour(0), policy());
    let desk: Address = "desk@org.example".parse().unwrap();
    let of_unit_2 = world.assignments.get_mut(&OF_UNIT_2).unwrap();
    (of_unit_2.holder, of_unit_2.mail) = (Holder::User(user_id(3)), Some(desk));
    story.becomes(&world, hour(1));
    let to: Vec<String> = story.tell().letters.iter().map(|letter| letter.to.to_string()).collect();
    assert_eq!(to, ["u2@org.example", "desk@org.example", "u6@org.example"]);
}

#[test]
fn what_leads_back_is_told_to_nobody_and_what_leads_on_only_as_a_whole() {
    let world = municipality();
    let mut story = Story::begin(&world, hour(0), policy());
    let (mut others, mut third) = (world.clone(), world.clone());
    others.assignments.remove(&OF_UNIT_2);
    third.assignments.get_mut(&OF_UNIT_2).unwrap().holder = Holder::User(user_id(3));
    for (n, next) in (1..).zip([&others, &third, &world]) {
        story.becomes(next, hour(n));
    }
    assert_eq!(story.notes.len(), 3);
    let decision = story.tell();
    assert_eq!((told(&decision), &decision.told.open[..]), (vec![], &[][..]));
    story.becomes(&others, hour(5));
    story.becomes(&third, hour(6));
    let told = told(&story.tell());
    assert_eq!(told, ["User 2: Former local [2]", "User 3: New local [2]", "User 6: Owner local [2]"]);
}

#[test]
fn a_short_absence_is_not_told_and_a_long_one_is() {
    let mut world = municipality();
    let mut story = Story::begin(&world, hour(0), policy());
    world.away(2, 10, 20, Some(3));
    story.becomes(&world, hour(11));
    let decision = story.tell();
    assert_eq!((told(&decision), decision.told.open.len()), (vec![], 1));
    // It is made longer meanwhile, which changes nobody's contacts.
    let mut longer = world.clone();
    longer.absences[0].until = hour(50);
    story.becomes(&longer, hour(12));
    let decision = story.tell();
    let names = ["User 2: Former local [2]", "User 3: New local [2]", "User 6: Owner local [2]"];
    assert_eq!((told(&decision), decision.told.open.len()), (names.map(String::from).to_vec(), 0));
    let new = &decision.letters[1];
    let facts = facts(&story.organisation, new, &Told::up_to(0, hour(0)), hour(12));
    assert_eq!(facts.news[0].deputy_for.as_deref(), Some("User 2"));
    let away = Why::Lost { name: "User 2".into(), reason: super::super::Loss::Away { until: hour(20) } };
    assert!(facts.news[0].why.contains(&away), "{:?}", facts.news[0].why);
    // Back again: told the other way round.
    story.becomes(&longer, hour(51));
    let back = ["User 2: New local [2]", "User 3: Former local [2]", "User 6: Owner local [2]"];
    assert_eq!(told(&story.tell()), back);

    // Two short ones in a row are a long one.
    let mut story = Story::begin(&municipality(), hour(0), policy());
    world.away(2, 20, 40, Some(3));
    story.becomes(&world, hour(11));
    assert_eq!(told(&story.tell()), names);
    // Of a short one that ends, no word at all.
    let mut short = municipality();
    short.away(2, 10, 20, None);
    let mut story = Story::begin(&short, hour(0), policy());
    for at in [11, 21] {
        story.becomes(&short, hour(at));
        assert_eq!(told(&story.tell()), Vec::<String>::new(), "{at}");
    }
    assert_eq!(story.told.open, []);
    assert_eq!(story.notes.len(), 2);
}

#[test]
fn who_can_not_be_written_to_is_named_with_the_reason() {
    let mut world = municipality();
    let mut story = Story::begin(&world, hour(0), policy());
    world.directory.users.remove(&user_id(2));
    let mut silent = user(6, 1);
    silent.mail = None;
    world.directory.users.insert(user_id(6), std::sync::Arc::new(silent.into()));
    story.becomes(&world, hour(1));
    let decision = story.tell();
    // Without an address, nobody is owner any more: the global contact is told as such.
    assert_eq!(
        told(&decision),
        ["User 1: New local [2]", "User 5: Owner local [2], Owner system-owner [1, 2, 3]"]
    );
    assert_eq!(&*decision.letters[1].to.why, "global (there is no system owner)");
    let unreached: Vec<_> = decision.unreached.iter().map(|(name, why)| (&**name, *why)).collect();
    assert_eq!(unreached, [("User 2", Unreached::Gone), ("User 6", Unreached::NoAddress)]);
}

#[test]
fn no_more_mails_than_allowed_go_to_one_person_a_day_and_the_rest_comes_later() {
    let world = municipality();
    let mut other = world.clone();
    other.assignments.remove(&OF_UNIT_2);
    let mut story = Story::begin(&world, hour(0), policy());
    story.becomes(&other, hour(1));
    assert_eq!(story.tell().letters.len(), 3);
    let mut of_unit_3 = world.assignments[&OF_UNIT_2].clone();
    (of_unit_3.holder, of_unit_3.place) = (Holder::User(user_id(4)), Place::Unit(unit_id(3)));
    other.assignments.insert(OF_UNIT_2, of_unit_3);
    story.becomes(&other, hour(2));
    let decision = story.tell();
    // Users 1 and 6 have had their mail of the day.
    assert_eq!(told(&decision), ["User 4: New local [3]"]);
    let only: Vec<_> = decision.told.open.iter().map(|open| open.only.clone().unwrap()).collect();
    assert_eq!(only, [Who::User(user_id(1)), Who::User(user_id(6))]);
    let later = ["User 1: Former local [3]", "User 6: Owner local [3]"];
    story.becomes(&other, hour(25));
    assert_eq!(told(&story.tell()), later);
    assert_eq!(story.told.open, []);
}

#[test]
fn when_it_is_too_much_the_global_contact_gets_a_summary() {
    let mut world = municipality();
    let mut story = Story::begin(&world, hour(0), Policy { summary_over: 2, ..policy() });
    world.assignments.remove(&OF_ALL);
    world.assignments.get_mut(&OF_UNIT_2).unwrap().holder = Holder::User(user_id(3));
    story.becomes(&world, hour(1));
    let decision = story.tell();
    assert_eq!(decision.letters, []);
    let (summary, to) = decision.summary.unwrap();
    assert_eq!((&*to[0].name, to.len()), ("User 5", 1));
    assert_eq!((summary.people, summary.units, summary.users), (4, 3, 6));
    let sum = RoleSum { role: LOCAL.into(), units: 3, users: 6, without: 2 };
    assert_eq!(summary.roles, [sum]);
    let noted = SummaryTold { at: hour(1), since: hour(0), people: 4, units: 3 };
    assert_eq!((decision.told.summary, decision.told.open), (Some(noted), vec![]));
    // Once more on that day, the global contact has had the mail of the day: all of it waits.
    story.becomes(&municipality(), hour(2));
    let decision = story.tell();
    assert_eq!((decision.letters.len(), decision.summary, decision.told.open.is_empty()), (0, None, false));
    story.becomes(&municipality(), hour(24));
    assert_eq!(story.tell().summary.unwrap().0.people, 4);
    assert_eq!(story.told.open, []);
}

#[test]
fn it_is_due_when_the_schedule_says_so_once_also_after_a_pause() {
    let policy = policy();
    let at = |day: u32, hour| Utc.with_ymd_and_hms(2026, 7, day, hour, 0, 0).unwrap();
    let told = Told::up_to(0, at(6, 7));
    assert_eq!(due(&policy, &told, true, at(7, 6)), Due::Later);
    assert_eq!(due(&policy, &told, false, at(7, 7)), Due::Now);
    assert_eq!(due(&policy, &told, false, at(9, 12)), Due::Now);
    assert_eq!(due(&policy, &Told::up_to(0, at(9, 12)), true, at(9, 13)), Due::Later);
    let off = Policy { mode: Mode::Off, ..policy.clone() };
    assert_eq!(due(&off, &told, true, at(9, 12)), Due::Off);
    let at_once = Policy { mode: Mode::AtOnce, ..policy };
    assert_eq!(due(&at_once, &told, true, at(6, 7)), Due::Now);
    assert_eq!(due(&at_once, &told, false, at(9, 12)), Due::Nothing);
}

/// Who answers for each unit in each of the roles that are told.
type Picture = BTreeMap<(RoleName, UnitId), BTreeSet<Who>>;

fn picture(organisation: &Organisation, now: DateTime<Utc>) -> Picture {
    let mut picture = Picture::new();
    for role in organisation.roles.iter().filter(|role| role.scope != Scope::Subject) {
        let side = Answering::new(organisation, role, now);
        let root = crate::domain::tree::ROOT;
        let all = if role.pick == Pick::Nearest { organisation.tree.indices() } else { root..root + 1 };
        for place in all {
            picture
                .insert((role.name.clone(), organisation.tree.id(place)), who(side.at(side.of_unit(place))));
        }
    }
    picture
}

fn reachable(organisation: &Organisation, who: &Who, at: DateTime<Utc>) -> bool {
    match who {
        Who::User(id) => {
            organisation.user(*id).is_some_and(|user| user.is_active(at) && user.address().is_some())
        }
        Who::Outside(_) => true,
    }
}

/// Worlds with the same units, in whatever places, and no short absences.
fn worlds() -> impl Strategy<Value = Vec<(World, i64, bool)>> {
    vec((world(), 1..30_i64, any::<bool>()), 2..7).prop_map(|mut worlds| {
        let first = worlds[0].0.directory.units.clone();
        for (world, _, _) in &mut worlds {
            let mut units = first.clone();
            for (id, other) in &world.directory.units {
                if units.contains_key(id) {
                    units.insert(*id, std::sync::Arc::clone(other));
                }
            }
            world.directory.units = units;
        }
        worlds
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens, and whenever it is told: who answers and didn't, or the other way round, learns of it, and nobody else but owners.
    #[test]
    fn every_net_change_is_told_to_exactly_those_concerned(worlds in worlds()) {
        let every = Policy { mails_per_day: u16::MAX, absences_from: TimeDelta::zero(), ..policy() };
        let mut at = hour(0);
        let mut story = Story::begin(&worlds[0].0, at, every);
        let mut before = picture(&story.organisation, at);
        for (world, hours, tell) in &worlds[1..] {
            at += TimeDelta::hours(*hours);
            story.becomes(world, at);
            if !tell {
                continue;
            }
            let decision = story.tell();
            let now = picture(&story.organisation, at);
            let mut expected = BTreeSet::new();
            let mut changed = BTreeSet::new();
            for (key, is) in &now {
                let was = &before[key];
                if was != is {
                    changed.insert(key.clone());
                }
                expected.extend(is.difference(was).map(|who| (who.clone(), Part::New, key.clone())));
                expected.extend(was.difference(is).map(|who| (who.clone(), Part::Former, key.clone())));
            }
            let tree = &story.organisation.tree;
            let mut found = BTreeSet::new();
            for letter in &decision.letters {
                for news in &letter.news {
                    for unit in &news.units {
                        let key = (news.role.clone(), tree.id(*unit));
                        prop_assert!(changed.contains(&key), "{:?} didn't change", key);
                        let is_new = found.insert((letter.who.clone(), news.part, key));
                        prop_assert!(is_new, "told twice");
                    }
                }
            }
            // Those are told who can be. Without an address of their own, they have one in a role that they come to.
            let letters: BTreeSet<&Who> = decision.letters.iter().map(|letter| &letter.who).collect();
            expected.retain(|(who, part, _)| {
                reachable(&story.organisation, who, at) || *part == Part::New || letters.contains(who)
            });
            let told: BTreeSet<_> = found.iter().filter(|(_, part, _)| *part != Part::Owner).cloned().collect();
            prop_assert_eq!(told, expected);
            prop_assert_eq!(letters.len(), decision.letters.len(), "each person gets one letter");
            prop_assert_eq!(&decision.told.open, &[]);
            before = now;
        }
    }

    /// With one mail a day, nobody gets two; and in the end everybody has been told what is, in letters or, when there were too many, in a summary.
    #[test]
    fn nobody_is_told_twice_a_day_and_in_the_end_everybody_knows(worlds in worlds(), summary_over in 0..12_u32) {
        let one_a_day = Policy { mails_per_day: 1, absences_from: TimeDelta::hours(3), summary_over, ..policy() };
        let mut at = hour(0);
        let mut story = Story::begin(&worlds[0].0, at, one_a_day);
        let mut known = picture(&story.organisation, at);
        let mut mails: BTreeMap<(NaiveDate, Who), u16> = BTreeMap::new();
        let last = worlds.last().unwrap();
        // A few days more in which nothing is done, but for whoever was left out.
        let mut quiet = last.0.clone();
        quiet.absences.clear();
        let rest = (0..8).map(|_| (quiet.clone(), 24, true));
        for (world, hours, tell) in worlds[1..].iter().cloned().chain(rest) {
            at += TimeDelta::hours(hours);
            story.becomes(&world, at);
            if !tell {
                continue;
            }
            let decision = story.tell();
            for letter in &decision.letters {
                let n = mails.entry((at.date_naive(), letter.who.clone())).or_default();
                *n += 1;
                prop_assert_eq!(*n, 1, "{:?}", letter.who);
                for news in &letter.news {
                    for unit in &news.units {
                        let answerers = known.get_mut(&(news.role.clone(), story.organisation.tree.id(*unit))).unwrap();
                        match news.part {
                            Part::New => {
                                answerers.insert(letter.who.clone());
                            }
                            Part::Former => {
                                answerers.remove(&letter.who);
                            }
                            Part::Owner => {}
                        }
                    }
                }
            }
            let quiet = picture(&without_short_absences(&story.organisation, story.policy.absences_from), at);
            if decision.summary.is_some() {
                prop_assert!(decision.letters.is_empty());
                known = quiet;
                continue;
            }
            // Who can't be written to is not told, and that is all.
            for (key, is) in &quiet {
                let answerers = known.get_mut(key).unwrap();
                let unreached = |who: &&Who| !reachable(&story.organisation, who, at);
                let all: Vec<Who> = answerers.union(is).filter(unreached).cloned().collect();
                for who in all {
                    if is.contains(&who) { answerers.insert(who); } else { answerers.remove(&who); }
                }
            }
        }
        prop_assert_eq!(&story.told.open, &[]);
        for (key, is) in picture(&story.organisation, at) {
            let those = |all: &BTreeSet<Who>| -> BTreeSet<Who> {
                all.iter().filter(|who| reachable(&story.organisation, who, at)).cloned().collect()
            };
            prop_assert_eq!(those(&known[&key]), those(&is), "{:?}", key);
        }
    }
}
