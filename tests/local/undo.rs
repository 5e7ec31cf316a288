//! Runs, one after the other, from a file that changes: what is held, what is gone and comes back, and what is undone.

mod past;
mod units;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use budkavle::domain::alert::Policy;
use budkavle::domain::audit::Actor;
use budkavle::domain::contacts::{self, Asker};
use budkavle::domain::decode::Mapping;
use budkavle::domain::delta::What;
use budkavle::domain::guard::{HoldReason, Kind, Limit, Limits};
use budkavle::domain::ids::{AssignmentId, RunId, UserId};
use budkavle::domain::roles::{self, Assignment, Holder, Place};
use budkavle::domain::run::{Mode, ModeReason, Outcome, Position, Trigger, WholeReads};
use budkavle::domain::schedule::Schedule;
use budkavle::domain::undo::SkipReason;
use budkavle::flow::core::{Core, DirectorySettings, Settings};
use budkavle::flow::directories::{Directories, NotBegun, NotUndone};
use budkavle::flow::gone;
use budkavle::flow::sync::{self, Order, Report};
use budkavle::flow::undo::{UndoError, Undone};
use budkavle::source::Source;
use budkavle::source::ldap::{Ldap, Server};
use budkavle::source::ldif::Ldif;
use budkavle::store::{Change, Event, Store};
use chrono::{DateTime, TimeDelta, Utc};

use crate::store_samples::{at, main_directory, settings as store_settings};

/// A daemon's inside, with a file as its directory and a clock of its own.
struct World {
    folder: tempfile::TempDir,
    core: Core,
    directories: Directories,
    now: Arc<Mutex<DateTime<Utc>>>,
    /// Everybody: number, mail, phone.
    people: BTreeMap<u32, (String, String)>,
    /// Of whom a department is said.
    departments: BTreeMap<u32, &'static str>,
    /// The members of the group "helpers", which isn't there without any.
    helpers: Vec<u32>,
}

fn limits() -> Limits {
    let wide = Limit { count: u32::MAX, percent: 100, floor: 1_000 };
    let narrow = Limit { count: 1_000, percent: 20, floor: 3 };
    Limits { users: narrow, mails: narrow, phones: narrow, moves: narrow, ..Limits::same(wide) }
}

fn flow_settings() -> Settings {
    let schedule = Schedule::parse("30 3 * * *", chrono_tz::UTC).unwrap();
    let directory = DirectorySettings {
        limits: limits(),
        policy: Policy { stale_after: TimeDelta::days(30), ..Policy::default() },
        whole_reads: WholeReads { blind: schedule.clone(), seeing: schedule },
    };
    Settings {
        organisation: "Kommunen".into(),
        directories: BTreeMap::from([(main_directory(), directory)]),
        ..Settings::default()
    }
}

async fn load(folder: &std::path::Path, now: &Arc<Mutex<DateTime<Utc>>>) -> Core {
    let (store, _) = Store::open_sled(store_settings(folder), at(0)).await.unwrap();
    let clock = Arc::clone(now);
    Core::load(store, flow_settings(), Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

impl World {
    /// Twenty people, read for the first time.
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(Mutex::new(at(0)));
        let core = load(folder.path(), &now).await;
        let file = folder.path().join("people.ldif");
        let source = Source::Ldif(Ldif::new(file, Mapping::default()));
        let directories = Directories::new(BTreeMap::from([(main_directory(), Arc::new(source))]));
        let people = (1..=20).map(|n| (n, (format!("p{n}@kommun.example"), format!("+46 {n}")))).collect();
        let mut world = World {
            folder,
            core,
            directories,
            now,
            people,
            departments: BTreeMap::new(),
            helpers: Vec::new(),
        };
        let first = world.sync().await;
        assert_eq!((first.run.counts.users.added, first.changes.len()), (20, 0), "a first read isn't listed");
        assert!(sync::first_read(&first.run, &first.changes));
        world
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("people.ldif")
    }

    fn write(&self) {
        let mut text = String::from("version: 1\n\n");
        let guid = |kind: char, n: u32| format!("objectGUID: {kind}{n:015}\n");
        writeln!(text, "dn: OU=Vård,DC=x\nobjectClass: organizationalUnit\nou: Vård\n{}", guid('u', 1))
            .unwrap();
        for (n, (mail, phone)) in &self.people {
            let department = self.departments.get(n).map(|name| format!("department: {name}\n"));
            writeln!(
                text,
                "dn: CN=Person {n},OU=Vård,DC=x\nobjectClass: user\nobjectCategory: person\ncn: Person {n}\n\
                 sAMAccountName: p{n}\ndisplayName: Person {n}\nmail: {mail}\ntelephoneNumber: {phone}\n\
                 userAccountControl: 512\n{}{}",
                department.unwrap_or_default(),
                guid('p', *n)
            )
            .unwrap();
        }
        if !self.helpers.is_empty() {
            text += "dn: CN=Helpers,OU=Vård,DC=x\nobjectClass: group\ncn: Helpers\nsAMAccountName: helpers\n";
            self.helpers.iter().for_each(|n| writeln!(text, "member: CN=Person {n},OU=Vård,DC=x").unwrap());
            text += &guid('g', 1);
        }
        std::fs::write(self.file(), text).unwrap();
    }

    async fn sync(&mut self) -> Report {
        self.run(Trigger::Schedule, false).await
    }

    async fn run(&mut self, trigger: Trigger, full: bool) -> Report {
        self.write();
        self.pass(TimeDelta::minutes(1));
        let order = Order { trigger, full, dry_run: false };
        self.directories.sync(&self.core, &main_directory(), order, |_| ()).await.unwrap()
    }

    async fn approve(&mut self, run: RunId) -> Report {
        sync::approve(&self.core, run, &Actor::System, None).await.unwrap();
        self.run(Trigger::Approval(run), true).await
    }

    async fn undo(&self, run: RunId, dry_run: bool) -> Result<Undone, NotUndone> {
        self.pass(TimeDelta::minutes(1));
        self.directories.undo(&self.core, run, &Actor::System, Some("it was wrong"), dry_run).await
    }

    fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    /// What is held in memory is what the store gives back.
    async fn restart(self) -> World {
        let before = self.core.view();
        self.core.store.close().await;
        let core = load(self.folder.path(), &self.now).await;
        let after = core.view();
        assert_eq!(after.organisation.directory, before.organisation.directory);
        assert_eq!(after.organisation.gone, before.organisation.gone);
        assert_eq!(after.directories, before.directories);
        World { core, ..self }
    }

    /// Person 7 holds this role there.
    async fn with_seven_as(self, role: &str, place: Place) -> World {
        let assignment = Assignment {
            id: AssignmentId(1),
            role: role.into(),
            holder: Holder::User(self.id(7)),
            place,
            rank: 100,
            mail: None,
            phone: None,
            from: None,
            until: None,
            any_unit: false,
        };
        let event = Event { at: at(1), change: Change::Assign(assignment), notices: vec![], audit: None };
        self.core.store.commit_event(event).await.unwrap();
        self.restart_with_changes().await
    }

    fn id(&self, n: u32) -> UserId {
        let text = format!("p{n:015}");
        let bytes: [u8; 16] = text.as_bytes().try_into().unwrap();
        UserId(budkavle::domain::ids::Guid(bytes))
    }

    fn mail(&self, n: u32) -> Option<String> {
        let view = self.core.view();
        let user = view.organisation.user(self.id(n));
        user.and_then(|user| user.mail().map(str::to_owned))
    }

    /// All but every third person.
    fn without_some(&mut self) -> Vec<u32> {
        let gone: Vec<u32> = self.people.keys().copied().filter(|n| n % 3 == 0).collect();
        self.people.retain(|n, _| n % 3 != 0);
        gone
    }
}

fn reasons(report: &Report) -> &[HoldReason] {
    match &report.run.outcome {
        Outcome::Held { reasons, .. } => reasons,
        other => panic!("not held: {other:?}"),
    }
}

fn committed(report: &Report) -> bool {
    matches!(report.run.outcome, Outcome::Committed { .. })
}

#[tokio::test]
async fn a_long_list_of_what_a_run_is_held_for_is_written_once() {
    let mut world = World::new().await;
    let all = (1..=1_600).map(|n| (n, (format!("p{n}@kommun.example"), format!("+46 {n}"))));
    world.people = all.collect();
    assert!(committed(&world.sync().await));
    world.people.retain(|n, _| *n <= 200);
    let (first, second) = (world.sync().await, world.sync().await);
    assert!(matches!(&second.run.outcome, Outcome::Held { same_as: Some(id), .. } if *id == first.run.id));
    assert_eq!(
        (first.changes.len(), second.changes.len()),
        (1_400, 1_400),
        "whoever asked is told all of it"
    );
    let listed = async |report: &Report| world.core.store.run(report.run.id).await.unwrap().changes.len();
    assert_eq!((listed(&first).await, listed(&second).await), (1_400, 0));
    assert!(sync::repeats(&second.run) && !sync::repeats(&first.run));
    assert!(!sync::first_read(&second.run, &[]), "it isn't taken for a first read");
}

#[tokio::test]
async fn a_held_run_expires_when_a_later_one_no_longer_wants_it() {
    let mut world = World::new().await;
    let all = world.people.clone();
    world.without_some();
    let held = world.sync().await;
    assert!(matches!(reasons(&held), [HoldReason::TooMany { kind: Kind::Users, removed: 6, .. }]));
    let waits = |world: &World| world.core.view().directories[&main_directory()].held.clone();
    assert_eq!(waits(&world).unwrap().run, held.run.id);
    // The permission is back, and with it everybody.
    world.people = all;
    assert_eq!(world.sync().await.run.outcome, Outcome::Unchanged);
    assert_eq!(waits(&world), None);
    let late = sync::approve(&world.core, held.run.id, &Actor::System, None).await;
    assert!(late.unwrap_err().to_string().contains("doesn't wait"));
    world.restart().await;
}

#[tokio::test]
async fn mass_changes_are_held_and_pass_when_approved() {
    let mut world = World::new().await;
    for (mail, _) in world.people.values_mut() {
        *mail = mail.replace("kommun", "wrong");
    }
    let held = world.sync().await;
    assert_eq!(reasons(&held), [HoldReason::All { kind: Kind::Mails, of: 20 }]);
    // Other values than those that were listed are another thing.
    for (mail, _) in world.people.values_mut() {
        *mail = mail.replace("wrong", "worse");
    }
    let other = world.approve(held.run.id).await;
    assert_eq!(reasons(&other), [HoldReason::All { kind: Kind::Mails, of: 20 }]);
    assert!(committed(&world.approve(other.run.id).await));
    assert_eq!(world.mail(4).as_deref(), Some("p4@worse.example"));
}

#[tokio::test]
async fn who_is_gone_is_remembered_and_counts_again_when_they_come_back() {
    let world = World::new().await;
    let mut world = world.with_seven_as(roles::GLOBAL, Place::Organisation).await;
    let answer = |world: &World| {
        let view = world.core.view();
        let role = view.organisation.role(roles::GLOBAL).unwrap();
        contacts::resolve(&view.organisation, role, &Asker::Organisation, world.core.now())
    };
    assert_eq!(answer(&world).contacts.len(), 1);
    let seven = world.people.remove(&7).unwrap();
    let removed = world.sync().await;
    assert!(committed(&removed));
    let now = answer(&world);
    assert!(now.contacts.is_empty());
    let holder = Holder::User(world.id(7));
    assert_eq!(&*world.core.view().organisation.holder_name(&holder), "Person 7", "not as deleted user");
    let mut world = world.restart().await;
    let gone = world.core.view().organisation.gone[&world.id(7).0].clone();
    assert_eq!(
        (gone.name(), gone.account(), gone.mail()),
        ("Person 7", Some("p7"), Some("p7@kommun.example"))
    );
    assert_eq!((&*gone.unit, gone.run), ("Vård", removed.run.id));
    // It is restored.
    world.people.insert(7, seven);
    let back = world.sync().await;
    assert_eq!(back.changes.iter().map(|c| c.what).collect::<Vec<_>>(), [What::CameBack]);
    assert_eq!(answer(&world).contacts.len(), 1, "the assignment counts again");
    assert!(world.core.view().organisation.gone.is_empty());
    let world = world.restart().await;
    assert_eq!(answer(&world).contacts.len(), 1);
}

#[tokio::test]
async fn what_is_gone_is_forgotten_after_its_time() {
    let mut world = World::new().await;
    world.people.remove(&1);
    world.sync().await;
    world.pass(TimeDelta::days(1));
    world.people.remove(&2);
    world.sync().await;
    let limit = world.core.now() - TimeDelta::hours(1);
    assert_eq!(gone::forget(&world.core, limit).await.unwrap(), 1);
    assert_eq!(gone::forget(&world.core, limit).await.unwrap(), 0);
    let mut world = world.restart().await;
    let left: Vec<String> = world.core.view().organisation.gone.values().map(|g| g.name().into()).collect();
    assert_eq!(left, ["Person 2"]);
    // Who was forgotten is new.
    world.people.insert(1, ("p1@kommun.example".into(), "+46 1".into()));
    assert_eq!(world.sync().await.changes[0].what, What::Added);
}

#[tokio::test]
async fn an_undone_run_is_put_back_and_not_done_again_unasked() {
    let mut world = World::new().await;
    let right = world.people.clone();
    world.people.get_mut(&4).unwrap().0 = "wrong@kommun.example".into();
    world.people.get_mut(&5).unwrap().0 = "wrong5@kommun.example".into();
    world.people.remove(&6);
    world.people.insert(30, ("p30@kommun.example".into(), "+46 30".into()));
    let wrong = world.sync().await;
    assert!(committed(&wrong));
    // A later run goes on with one of them.
    world.people.get_mut(&5).unwrap().1 = "+46 555".into();
    world.sync().await;

    let dry = world.undo(wrong.run.id, true).await.unwrap();
    assert_eq!((dry.report.run.id, dry.report.changes.len(), dry.skipped.len()), (RunId(0), 3, 1));
    assert_eq!(world.mail(4).as_deref(), Some("wrong@kommun.example"), "a dry run changes nothing");

    let done = world.undo(wrong.run.id, false).await.unwrap();
    assert!(committed(&done.report) && done.report.run.mode == Mode::Nothing);
    let skipped = &done.skipped[0];
    assert_eq!((skipped.id, skipped.reason), (world.id(5).0, SkipReason::ChangedSince));
    assert_eq!(world.mail(4).as_deref(), Some("p4@kommun.example"));
    assert_eq!(world.mail(6).as_deref(), Some("p6@kommun.example"));
    assert_eq!((world.mail(30), world.mail(5)), (None, Some("wrong5@kommun.example".into())));
    let mut world = world.restart().await;
    let audit = world.core.store.audit(None, 10).await.unwrap();
    assert_eq!((&*audit[0].action, audit[0].why.as_deref()), ("run undone", Some("it was wrong")));
    let state = world.core.view().directory_state(&main_directory());
    assert_eq!(state.cursor.as_ref().map(|c| &c.position), Some(&Position::None));
    assert_eq!(state.last_run.as_ref(), Some(&done.report.run));
    let last_good = state.health.unwrap().last_good.unwrap();
    assert!(last_good < done.report.run.ended, "an undo reads nothing: the data gets no younger by it");

    // The file says the same as before: that is held, whatever the limits.
    let again = world.sync().await;
    assert_eq!(again.run.mode_reason, ModeReason::Undone);
    assert_eq!(reasons(&again), [HoldReason::Undone { run: wrong.run.id, changes: 3 }]);
    assert_eq!(world.mail(4).as_deref(), Some("p4@kommun.example"));
    let mut world = world.restart().await;
    assert!(
        matches!(world.sync().await.run.outcome, Outcome::Held { same_as: Some(run), .. } if run == again.run.id)
    );

    // One way out: the directory is mended. Then there is nothing to hold, and no veto left.
    let (wrong_people, five) = (world.people.clone(), world.people[&5].clone());
    world.people = right;
    world.people.insert(5, five);
    let mended = world.sync().await;
    assert_eq!((mended.run.outcome, mended.run.mode_reason), (Outcome::Unchanged, ModeReason::Undone));
    assert!(world.core.view().directory_state(&main_directory()).vetoes.is_empty());
    world.people = wrong_people;
    assert!(committed(&world.sync().await), "later it is a change like any other");
    world.restart().await;
}

#[tokio::test]
async fn an_undone_run_can_be_approved_after_all_and_an_undo_undone() {
    let mut world = World::new().await;
    world.people.get_mut(&4).unwrap().0 = "new@kommun.example".into();
    let run = world.sync().await.run.id;
    world.undo(run, false).await.unwrap();
    let held = world.sync().await;
    assert!(committed(&world.approve(held.run.id).await));
    assert_eq!(world.mail(4).as_deref(), Some("new@kommun.example"));
    assert_eq!(world.sync().await.run.outcome, Outcome::Unchanged);

    world.people.get_mut(&4).unwrap().0 = "newer@kommun.example".into();
    let run = world.sync().await.run.id;
    let undo = world.undo(run, false).await.unwrap().report.run.id;
    let redo = world.undo(undo, false).await.unwrap();
    assert_eq!((redo.report.changes.len(), world.mail(4).as_deref()), (1, Some("newer@kommun.example")));
    // The directory agrees: nothing is held.
    assert_eq!(world.sync().await.run.outcome, Outcome::Unchanged);
    assert!(world.core.view().directory_state(&main_directory()).vetoes.is_empty());
}

#[tokio::test]
async fn what_cannot_be_undone_says_why() {
    let mut world = World::new().await;
    let first = world.core.store.runs(None, 1).await.unwrap()[0].id;
    let refused = async |world: &World, run| match world.undo(run, false).await {
        Err(NotUndone::Undo(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(&world, first).await, UndoError::First(_)));
    let unchanged = world.sync().await.run.id;
    assert!(matches!(refused(&world, unchanged).await, UndoError::ChangedNothing(_)));
    assert!(matches!(refused(&world, RunId(99)).await, UndoError::Store(_)));
    world.people.get_mut(&4).unwrap().1 = "+46 0".into();
    let changed = world.sync().await.run.id;
    world.people.get_mut(&4).unwrap().1 = "+46 00".into();
    world.sync().await;
    assert!(matches!(refused(&world, changed).await, UndoError::NothingLeft(_, 1)));
    // The objects as they were are kept for a while only.
    let keep = budkavle::store::Retention {
        runs: TimeDelta::days(90),
        messages: TimeDelta::days(90),
        steps: TimeDelta::hours(1),
        past: TimeDelta::hours(1),
    };
    world.pass(TimeDelta::hours(2));
    assert_eq!(world.core.store.prune(world.core.now(), keep).await.unwrap().undoable, 2);
    assert!(matches!(refused(&world, changed).await, UndoError::NotKept(_)));
}

#[tokio::test]
async fn a_whole_read_has_a_schedule_of_its_own() {
    let mut world = World::new().await;
    assert_eq!(world.sync().await.run.mode_reason, ModeReason::OnlyFull);
    // It is 08:01; the schedule fires at half past three.
    world.pass(TimeDelta::hours(20));
    assert_eq!(world.sync().await.run.mode_reason, ModeReason::Due);
    assert_eq!(world.sync().await.run.mode_reason, ModeReason::OnlyFull);
    assert_eq!(world.run(Trigger::Schedule, true).await.run.mode_reason, ModeReason::Asked);
}

#[tokio::test]
async fn a_backup_holds_what_is_gone_and_what_was_undone() {
    let mut world = World::new().await;
    world.people.remove(&1);
    world.people.get_mut(&4).unwrap().0 = "wrong@kommun.example".into();
    world.sync().await;
    world.people.get_mut(&5).unwrap().0 = "wrong5@kommun.example".into();
    let run = world.sync().await.run.id;
    world.undo(run, false).await.unwrap();
    let (file, other) = (world.folder.path().join("backup"), tempfile::tempdir().unwrap());
    world.core.store.backup(file.clone(), world.core.now()).await.unwrap();
    let (steps, view) = (world.core.store.steps(run).await.unwrap(), world.core.view());
    Store::restore_sled(store_settings(other.path()), file, false, world.core.now()).await.unwrap();
    let restored = load(other.path(), &world.now).await;
    assert_eq!(restored.store.steps(run).await.unwrap(), steps);
    assert_eq!(restored.view().organisation.gone, view.organisation.gone);
    assert_eq!(view.organisation.gone.len(), 1);
    assert_eq!(restored.view().directories[&main_directory()].vetoes.len(), 1);
    restored.store.close().await;
}

#[tokio::test]
async fn nothing_is_undone_while_the_directory_is_read() {
    let mut world = World::new().await;
    world.people.get_mut(&4).unwrap().0 = "wrong@kommun.example".into();
    let run = world.sync().await.run.id;
    // A read that doesn't get on: of a server that never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server: Server = format!("ldap://{}", silent.local_addr().unwrap()).parse().unwrap();
    let ldap =
        Ldap::new(vec![server.in_plain_text()], "cn=reader", "secret".into(), vec!["dc=org".to_owned()]);
    world.directories.replace(BTreeMap::from([(main_directory(), Arc::new(Source::Ldap(ldap)))]));
    let order = Order { trigger: Trigger::Schedule, full: false, dry_run: false };
    let name = main_directory();
    let reading = world.directories.sync(&world.core, &name, order, |_| ());
    let undo = async {
        let refused = world.undo(run, false).await;
        assert!(matches!(refused, Err(NotUndone::NotBegun(NotBegun::Running(_)))), "{refused:?}");
        // It is gone: the run fails, and the directory is free again.
        drop(silent);
    };
    let (report, ()) = tokio::join!(biased; reading, undo);
    assert!(matches!(report.unwrap().run.outcome, Outcome::Failed { .. }));
    world.undo(run, false).await.unwrap();
}

impl World {
    /// After a change that the store made by itself.
    async fn restart_with_changes(self) -> World {
        self.core.store.close().await;
        let core = load(self.folder.path(), &self.now).await;
        World { core, ..self }
    }
}
