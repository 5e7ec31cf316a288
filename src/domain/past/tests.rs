//! Whatever happens, the answer for any time in the past is the one that was given then; or it is said that it isn't known.

use super::*;
use crate::domain::absence::Origin;
use crate::domain::contacts::{Answer, Asker, Skip, Skipped, resolve};
use crate::domain::delta::diff;
use crate::domain::gone;
use crate::domain::lists::ListedPerson;
use crate::domain::organisation::LookupError;
use crate::domain::roles;
use crate::domain::testing::{
    self, DIRECTORIES, HELPER, NAME, World, any_absence, any_assignment, directory_of, hour, reread, unit,
    unit_id, user, user_id, world,
};
use crate::domain::tree;
use crate::domain::undo::Kept;
use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Read(testing::Step),
    Assign(u64, Option<Assignment>),
    Away(u64, Option<Absence>),
    /// The subject's owner, by number; None: there is no such subject any more.
    Subject(Option<u8>),
    /// Who is on the vendor's list, by number; None: there is no list any more.
    List(Option<u8>),
    /// The roles are configured anew: whether the helpers fall back to others, who grants them.
    Arrange(bool, bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => testing::steps().prop_map(|mut steps| Event::Read(steps.remove(0))),
        3 => (1_u64..12, option::weighted(0.7, any_assignment())).prop_map(|(n, a)| Event::Assign(n, a)),
        2 => (1_u64..8, option::weighted(0.7, any_absence())).prop_map(|(n, a)| Event::Away(n, a)),
        1 => option::of(0_u8..4).prop_map(Event::Subject),
        1 => option::of(0_u8..4).prop_map(Event::List),
        1 => any::<(bool, bool)>().prop_map(|(falls, grants)| Event::Arrange(falls, grants)),
    ]
}

/// What was, is, and is written down of it.
struct History {
    organisation: Organisation,
    lists: BTreeMap<ListName, Arc<TakenList>>,
    arrangement: Arrangement,
    /// The directories that were read once.
    read: BTreeSet<DirectoryName>,
    /// The oldest first, each with the steps of its run.
    entries: Vec<(Entry, Vec<Step>)>,
    /// What was from a time on.
    was: Vec<(DateTime<Utc>, Organisation)>,
}

const VENDOR: &str = "vendor";
const SUBJECT: &str = "pay";
/// The roles that anybody holds here.
const HELD: [&str; 6] = [roles::LOCAL, HELPER, roles::GLOBAL, roles::OUTAGE, roles::AD_SYNC, roles::SUPPORT];

impl History {
    /// Of the world, but that nobody's list is in force yet.
    fn new(mut world: World, now: DateTime<Utc>) -> History {
        world.listed.clear();
        let organisation = world.organisation();
        let lists = BTreeMap::from([(VENDOR.into(), vec![roles::GLOBAL.into(), roles::SUPPORT.into()])]);
        let arrangement = Arrangement { roles: world.roles, lists };
        let was = vec![(now, organisation.clone())];
        let some = |name: &DirectoryName| organisation.tally(name) != Default::default();
        let read = DIRECTORIES.map(DirectoryName::from).into_iter().filter(some).collect();
        History { organisation, lists: BTreeMap::new(), arrangement, read, entries: Vec::new(), was }
    }

    fn happens(&mut self, event: Event, at: DateTime<Utc>) {
        let mut assignments = BTreeMap::clone(&self.organisation.assignments);
        let mut absences: BTreeMap<AbsenceId, Absence> =
            self.organisation.absences.values().flatten().map(|a| (a.id, a.clone())).collect();
        let mut subjects = BTreeMap::clone(&self.organisation.subjects);
        let was = match event {
            Event::Read(step) => return self.reads(&step, at),
            Event::Assign(n, after) => {
                let id = AssignmentId(n);
                let before = assignments.remove(&id);
                assignments.extend(after.map(|a| (id, Assignment { id, ..a })));
                Was::Assignment(id, before)
            }
            Event::Away(n, after) => {
                let id = AbsenceId(n);
                let before = absences.remove(&id);
                absences.extend(after.map(|a| (id, Absence { id, ..a })));
                Was::Absence(id, before)
            }
            Event::Subject(owner) => {
                let before = subjects.remove(&SubjectName::from(SUBJECT));
                let subject =
                    |n| Subject { name: SUBJECT.into(), title: "Pay".into(), owner: Some(unit_id(n)) };
                subjects.extend(owner.map(|n| (SUBJECT.into(), subject(n))));
                Was::Subject(SUBJECT.into(), before)
            }
            Event::List(after) => {
                let before = self.lists.remove(&ListName::from(VENDOR));
                self.lists.extend(after.map(|n| (VENDOR.into(), Arc::new(list(n)))));
                Was::List(VENDOR.into(), before)
            }
            Event::Arrange(falls, grants) => {
                let before = self.arrangement.to_text();
                for role in self.arrangement.roles.iter_mut().filter(|role| &*role.name.0 == HELPER) {
                    role.fallback = falls.then(|| roles::LOCAL.into());
                    role.grants.groups = if grants { vec!["g1".into()] } else { Vec::new() };
                }
                Was::Arranged(before)
            }
        };
        self.entries.push((Entry { at, was }, Vec::new()));
        let listed = listed(&self.lists, &self.arrangement.lists);
        let (directory, roles) = (self.organisation.directory.clone(), self.arrangement.roles.clone());
        let mut after =
            Organisation::new(NAME, directory, roles, assignments, absences.into_values(), listed);
        after.subjects = Arc::new(subjects);
        self.becomes(after, at);
    }

    fn reads(&mut self, step: &testing::Step, at: DateTime<Utc>) {
        let before = self.organisation.clone();
        let found = reread(&before.directory, &step.name, &step.other, step.keep);
        let delta = diff(&before.directory, &step.name, &found.into());
        let run = RunId(self.entries.len() as u64 + 1);
        let (was, steps) = match Kept::of(&delta, self.read.insert(step.name.clone())) {
            Kept::Steps(steps) => (Was::Run(run), steps),
            Kept::Empty => (Was::Empty(step.name.clone()), Vec::new()),
            Kept::Nothing => (Was::Unknown(Reason::TooMany(run)), Vec::new()),
        };
        if !(matches!(was, Was::Run(_)) && steps.is_empty()) {
            self.entries.push((Entry { at, was }, steps));
        }
        let gone = gone::changes(&before.gone, &delta, run, at, |_| "".into());
        let mut after = before.updated(&delta);
        after.gone = Arc::new(gone::apply(&before.gone, &gone));
        self.becomes(after, at);
    }

    fn becomes(&mut self, mut after: Organisation, at: DateTime<Utc>) {
        if after.gone.is_empty() {
            after.gone = Arc::clone(&self.organisation.gone);
        }
        self.was.push((at, after.clone()));
        self.organisation = after;
    }

    /// What it was, by the way back.
    fn back_to(&self, as_of: DateTime<Utc>) -> Result<Past, Unknown> {
        let present = Arc::new(self.organisation.clone());
        let mut rewind = Rewind::new(present, self.lists.clone(), self.arrangement.clone(), as_of);
        let since = self.entries.iter().rev().take_while(|(entry, _)| entry.at > as_of);
        since.cloned().try_for_each(|(entry, steps)| rewind.take_back(entry, &steps))?;
        rewind.end()
    }

    fn then(&self, as_of: DateTime<Utc>) -> &Organisation {
        let (_, organisation) = self.was.iter().rev().find(|(at, _)| *at <= as_of).unwrap();
        organisation
    }
}

fn list(n: u8) -> TakenList {
    let person = |n: u8| ListedPerson {
        until: (n > 2).then(|| hour(12)),
        ..testing::listed_person(
            [roles::GLOBAL, roles::SUPPORT][usize::from(n % 2)],
            &format!("Eva {n}"),
            &format!("eva{n}@vendor.example"),
        )
    };
    testing::taken_list((0..n).map(person).collect())
}

/// Who wasn't in any directory then is perhaps known by another name now.
fn without_names_of_the_gone(mut answer: Answer, then: &Organisation) -> Answer {
    let forget = |skipped: &mut Skipped| {
        if skipped.user.is_some_and(|id| then.user(id).is_none()) {
            skipped.name = "".into();
        }
    };
    for skipped in answer.trail.iter_mut().flat_map(|step| &mut step.skipped) {
        forget(skipped);
        if let Skip::Away { deputy: Some(deputy), .. } = &mut skipped.reason {
            forget(deputy);
        }
    }
    answer
}

fn askers(organisation: &Organisation) -> Vec<Asker> {
    let subjects = organisation.subjects.keys().cloned().map(Asker::Subject);
    let users = organisation.directory.users.keys().map(|id| Asker::User(*id));
    let units = organisation.directory.units.keys().map(|id| Asker::Unit(*id));
    let directories = DIRECTORIES.map(|name| Asker::Directory(name.into()));
    users.chain(units).chain([Asker::Organisation]).chain(directories).chain(subjects).collect()
}

fn check(history: &History, as_of: DateTime<Utc>) -> Result<(), TestCaseError> {
    let then = history.then(as_of);
    let past = match history.back_to(as_of) {
        Ok(past) => past,
        Err(unknown) => {
            let is_empty = then.directory.users.is_empty() && then.directory.units.is_empty();
            let expected = match unknown.reason {
                Reason::Unread => is_empty && then.directory.groups.is_empty(),
                Reason::TooMany(run) => {
                    history.entries.iter().any(|(e, _)| e.was == Was::Unknown(Reason::TooMany(run)))
                }
                _ => false,
            };
            prop_assert!(expected && unknown.until > as_of, "{:?}", unknown);
            return Ok(());
        }
    };
    let now = &past.organisation;
    prop_assert_eq!(past.told.as_of, as_of);
    prop_assert_eq!(&now.roles, &then.roles);
    prop_assert_eq!(&now.assignments, &then.assignments);
    prop_assert_eq!(&now.absences, &then.absences);
    prop_assert_eq!(&now.subjects, &then.subjects);
    prop_assert_eq!(now.holding_users(), then.holding_users());
    prop_assert_eq!(now.count_users(tree::ROOT, true), then.count_users(tree::ROOT, true));
    for name in DIRECTORIES {
        prop_assert_eq!(now.tally(&name.into()), then.tally(&name.into()));
    }
    for (id, user) in &then.directory.users {
        prop_assert_eq!(now.user(*id), Some(user));
        prop_assert_eq!(now.find_user(&id.to_string()).map(|u| u.id), Ok(*id));
        prop_assert_eq!(
            now.find_user(user.account()).map(|u| u.id),
            then.find_user(user.account()).map(|u| u.id)
        );
    }
    for role in then.roles.iter().filter(|role| HELD.contains(&&*role.name.0)) {
        for asker in askers(then) {
            let answers =
                [now, then].map(|o| without_names_of_the_gone(resolve(o, role, &asker, as_of), then));
            prop_assert_eq!(&answers[0], &answers[1], "{} for {:?} at {}", role.name, asker, as_of);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn the_answer_for_any_time_is_the_one_that_was_given_then(
        world in world(),
        events in vec((event(), 0_i64..4), 1..9),
    ) {
        let mut history = History::new(world, hour(0));
        let mut now = 0;
        for (event, pause) in events {
            now += pause;
            history.happens(event, hour(now));
        }
        let changes: BTreeSet<DateTime<Utc>> = history.was.iter().map(|(at, _)| *at).collect();
        for at in changes {
            check(&history, at)?;
            if at > hour(0) {
                check(&history, at - TimeDelta::seconds(1))?;
            }
        }
    }
}

fn small() -> History {
    let users = [user(1, 1), user(2, 1), user(3, 1)];
    let mut world = World::new(directory_of(users, [unit(1, 0)], []));
    world.assign(roles::LOCAL, 1, roles::Place::Unit(unit_id(1)));
    History::new(world, hour(0))
}

fn local_of(organisation: &Organisation, who: u8, at: DateTime<Utc>) -> Vec<String> {
    let role = organisation.role(roles::LOCAL).unwrap();
    let answer = resolve(organisation, role, &Asker::User(user_id(who)), at);
    answer.contacts.iter().map(|contact| contact.name.to_string()).collect()
}

#[test]
fn an_absence_that_was_noted_afterwards_was_not_known_then() {
    let mut history = small();
    let absence = Absence {
        id: AbsenceId(1),
        user: user_id(1),
        from: hour(0),
        until: hour(20),
        deputy: Some(user_id(2)),
        note: None,
        origin: Origin::ByHand,
    };
    history.happens(Event::Away(1, Some(absence)), hour(5));
    history.happens(Event::Assign(1, None), hour(10));
    let told = |at| {
        let past = history.back_to(at).unwrap();
        (local_of(&past.organisation, 3, at), past.told.runs, past.told.edits)
    };
    assert_eq!(told(hour(4)), (vec!["User 1".to_owned()], 0, 2));
    assert_eq!(told(hour(5)), (vec!["User 2".to_owned()], 0, 1), "from the moment on at which it was noted");
    assert_eq!(told(hour(10)), (vec![], 0, 0));
}

/// Takes back one entry, of the hour 5, on the way to another hour.
fn takes_back(as_of: i64, was: Was, steps: &[Step]) -> Result<Past, Unknown> {
    let history = small();
    let present = Arc::new(history.organisation.clone());
    let mut rewind = Rewind::new(present, BTreeMap::new(), history.arrangement, hour(as_of));
    rewind.take_back(Entry { at: hour(5), was }, steps)?;
    rewind.end()
}

#[test]
fn what_is_not_known_is_said_so() {
    let refused = |was, steps: &[Step]| {
        let unknown = takes_back(4, was, steps).unwrap_err();
        assert_eq!(unknown.until, hour(5));
        (unknown.reason, unknown.in_zone(chrono_tz::Europe::Stockholm))
    };
    let (reason, words) = refused(Was::Run(RunId(7)), &[]);
    assert_eq!(reason, Reason::Misfit(RunId(7)));
    assert!(
        words.contains("run 7") && words.ends_with("ask for a time from 2026-07-06 07:00:00 CEST on"),
        "{words}"
    );
    // Somebody who was removed by the run, and is there all the same.
    let step = Step {
        kind: delta::ObjectKind::User,
        id: user_id(1).0,
        before: Some(Object::User(Arc::new(user(1, 1).into()))),
        after: None,
        joined: Vec::new(),
        left: Vec::new(),
    };
    assert_eq!(refused(Was::Run(RunId(7)), &[step]).0, Reason::Misfit(RunId(7)));
    assert_eq!(refused(Was::Empty(DIRECTORIES[0].into()), &[]).0, Reason::Unread);
    let (reason, words) = refused(Was::Unknown(Reason::Forgotten), &[]);
    assert_eq!(reason, Reason::Forgotten);
    assert!(words.contains("store.keep_past"), "{words}");
}

#[test]
fn what_was_lost_is_not_made_up_but_what_was_before_is_known() {
    let lost = || Was::Lost { since: hour(2) };
    for hour in [3, 4] {
        assert!(matches!(takes_back(hour, lost(), &[]).unwrap_err().reason, Reason::Lost { .. }), "{hour}");
    }
    for hour in [1, 2] {
        let past = takes_back(hour, lost(), &[]).unwrap();
        assert_eq!(local_of(&past.organisation, 3, past.told.as_of), ["User 1"]);
    }
}

#[test]
fn roles_that_are_not_understood_any_more_are_said_not_to_be_those_of_then() {
    let past = takes_back(4, Was::Arranged("{\"roles\": 7}".into()), &[]).unwrap();
    assert_eq!(past.told.notes, [Note::Roles { until: hour(5) }]);
    assert!(past.told.notes[0].in_zone(chrono_tz::UTC).contains("6 Jul 2026"));
}

#[test]
fn a_directory_that_was_read_later_is_named() {
    let mut history = small();
    let other = directory_of([user(9, 0)], [], []);
    history.happens(
        Event::Read(testing::Step { name: DIRECTORIES[1].into(), other, keep: None, ask: false }),
        hour(3),
    );
    let past = history.back_to(hour(1)).unwrap();
    let asked = past.organisation.find_user(&user_id(9).to_string());
    assert!(matches!(asked, Err(LookupError::NotFound { .. })), "not that they are gone: {asked:?}");
    assert!(past.organisation.user(user_id(9)).is_none() && past.organisation.user(user_id(1)).is_some());
    let note = Note::Unread { directory: DIRECTORIES[1].into(), until: hour(3) };
    assert_eq!(past.told.notes, [note]);
}
