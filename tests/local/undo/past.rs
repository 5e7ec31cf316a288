//! How it was: asked after restarts, after pruning, and after a backup was put back.

use budkavle::domain::authority::Caller;
use budkavle::domain::changes::Cause;
use budkavle::domain::organisation::Organisation;
use budkavle::domain::past::{Note, Reason, Told};
use budkavle::domain::roles::Holder;
use budkavle::flow::assign::{self, NewAbsence, NewAssignment};
use budkavle::flow::core::View;
use budkavle::flow::past::{self, PastError};
use budkavle::store::Retention;

use super::*;

impl World {
    /// Person `n` is the contact of their unit from now on.
    async fn with_contact(&self, n: u32) -> AssignmentId {
        self.pass(TimeDelta::minutes(1));
        let new = NewAssignment::new(roles::LOCAL, Holder::User(self.id(n)), Place::OwnUnit);
        assign::assign(&self.core, new, &Caller::system(), None).await.unwrap().id
    }

    async fn told(&self, at: DateTime<Utc>) -> Result<(Organisation, Told), Reason> {
        match past::at(&self.core, at).await {
            Ok(past) => Ok((past.organisation, past.told)),
            Err(PastError::Unknown(unknown)) => Err(unknown.reason),
            Err(other) => panic!("{other}"),
        }
    }

    async fn forget(&self, runs: TimeDelta, past: TimeDelta) {
        let day = TimeDelta::days(1);
        let keep = Retention { runs, messages: day, steps: TimeDelta::minutes(1), past };
        self.core.store.prune(self.core.now(), keep).await.unwrap();
    }

    /// Answers of everybody in the role, at a time: names and addresses.
    fn answers(organisation: &Organisation, at: DateTime<Utc>) -> Vec<(String, Vec<String>)> {
        let role = organisation.role(roles::LOCAL).unwrap();
        let of = |asker| {
            let answer = contacts::resolve(organisation, role, &Asker::User(asker), at);
            answer.contacts.iter().map(|c| format!("{} {} {:?}", c.name, c.mail, c.phone)).collect()
        };
        organisation.directory.users.values().map(|u| (u.account().to_owned(), of(u.id))).collect()
    }
}

fn other_settings() -> Settings {
    let mut settings = flow_settings();
    settings.roles[0].fallback = Some(roles::OUTAGE.into());
    settings
}

#[tokio::test]
async fn the_past_is_told_after_restarts_as_it_was_answered_then() {
    let mut world = World::new().await;
    let mut was: Vec<(DateTime<Utc>, Arc<View>)> = Vec::new();
    let mut note = |world: &World| was.push((world.core.now(), world.core.view()));
    note(&world);
    let first = world.with_contact(7).await;
    note(&world);
    world.people.get_mut(&7).unwrap().0 = "seven@kommun.example".into();
    world.people.insert(30, ("p30@kommun.example".into(), "+46 30".into()));
    let run = world.sync().await.run.id;
    note(&world);
    world.with_contact(8).await;
    world.pass(TimeDelta::minutes(1));
    let (from, until) = (world.core.now(), world.core.now() + TimeDelta::days(7));
    let away = NewAbsence { user: world.id(8), from, until, deputy: Some(world.id(9)), note: None };
    let away = assign::add_absence(&world.core, away, &Caller::system(), None).await.unwrap().id;
    note(&world);
    let mut world = world.restart().await;
    world.undo(run, false).await.unwrap();
    note(&world);
    world.pass(TimeDelta::minutes(1));
    world.core.reload(other_settings()).await;
    assign::revoke(&world.core, first, &Caller::system(), None).await.unwrap();
    note(&world);
    world.pass(TimeDelta::minutes(1));
    assign::remove_absence(&world.core, away, &Caller::system(), None).await.unwrap();
    world.people.get_mut(&7).unwrap().0 = "p7@kommun.example".into();
    world.people.remove(&8);
    world.people.remove(&30);
    world.sync().await;
    note(&world);
    // With the configuration that was there at first.
    world.pass(TimeDelta::minutes(1));
    let world = world.restart().await;
    note(&world);
    // The runs themselves may be forgotten.
    world.pass(TimeDelta::hours(1));
    world.forget(TimeDelta::minutes(1), TimeDelta::days(1)).await;

    let mut taken_back = Vec::new();
    for (at, view) in &was {
        let (then, told) = world.told(*at).await.unwrap();
        assert_eq!(World::answers(&then, *at), World::answers(&view.organisation, *at), "at {at}");
        assert_eq!(then.directory, view.organisation.directory, "at {at}");
        assert_eq!(
            (&then.roles, &then.assignments),
            (&view.organisation.roles, &view.organisation.assignments)
        );
        assert_eq!((told.as_of, &told.notes[..]), (*at, &[][..]));
        taken_back.push((told.runs, told.edits));
    }
    assert_eq!(taken_back, [(3, 7), (3, 6), (2, 6), (2, 4), (1, 4), (1, 2), (0, 1), (0, 0)]);
}

#[tokio::test]
async fn what_the_configuration_changes_is_noted_also_when_it_did_so_while_the_daemon_was_stopped() {
    let mut world = World::new().await;
    world.helpers = vec![7];
    world.sync().await;
    let noted_by = async |world: &World, by: Cause| -> Vec<usize> {
        let noted = world.core.store.contact_changes(None, 100).await.unwrap();
        let noted = noted.iter().filter(|noted| noted.by == by);
        noted.map(|noted| noted.change.after.people.len()).collect()
    };
    let noted = async |world: &World| noted_by(world, Cause::Configuration).await;
    world.core.reload(flow_settings()).await;
    assert_eq!(noted(&world).await, [0; 0], "nothing is otherwise");
    let mut by_group = flow_settings();
    by_group.roles[0].grants.groups = vec!["helpers".into()];
    world.core.reload(by_group.clone()).await;
    assert_eq!(noted(&world).await, [1]);
    world.pass(TimeDelta::minutes(1));
    let world = world.restart().await;
    assert_eq!(noted(&world).await, [0, 1], "the configuration is as it was");
    world.pass(TimeDelta::minutes(1));
    world.core.reload(by_group).await;
    let from = world.core.now() + TimeDelta::minutes(5);
    let until = from + TimeDelta::days(7);
    let away = NewAbsence { user: world.id(7), from, until, deputy: None, note: None };
    assign::add_absence(&world.core, away, &Caller::system(), None).await.unwrap();
    world.pass(TimeDelta::hours(1));
    let world = world.restart().await;
    assert_eq!(noted_by(&world, Cause::Time).await, [0], "nobody was left to be lost by the configuration");
    assert_eq!(noted(&world).await, [1, 0, 1]);
}

#[tokio::test]
async fn what_is_not_known_of_the_past_is_an_error() {
    let mut world = World::new().await;
    let read = world.core.now();
    assert_eq!(world.told(read - TimeDelta::seconds(1)).await.unwrap_err(), Reason::Unread);
    assert_eq!(world.told(at(-1)).await.unwrap_err(), Reason::Unread, "though the store is no older");
    world.with_contact(7).await;
    world.people.get_mut(&4).unwrap().1 = "+46 0".into();
    world.sync().await;
    let changed = world.core.now();
    world.pass(TimeDelta::hours(2));
    world.with_contact(8).await;
    assert_eq!(world.told(changed - TimeDelta::seconds(1)).await.unwrap().1.runs, 1);
    // Only what is older than that goes.
    world.forget(TimeDelta::days(90), TimeDelta::hours(1)).await;
    world.forget(TimeDelta::days(90), TimeDelta::hours(1)).await;
    let world = world.restart().await;
    assert_eq!(world.told(changed - TimeDelta::seconds(1)).await.unwrap_err(), Reason::Forgotten);
    assert_eq!(world.told(changed).await.unwrap().1.edits, 1);
    assert_eq!(world.core.store.steps(RunId(2)).await.unwrap().len(), 0, "nothing needs them any more");
}

#[tokio::test]
async fn a_store_from_before_says_since_when_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(Mutex::new(at(5)));
    let core = load(folder.path(), &now).await;
    let asked = past::at(&core, at(4)).await.unwrap_err();
    let PastError::Unknown(unknown) = asked else { panic!("{asked}") };
    assert_eq!((unknown.reason, unknown.until), (Reason::Begun, at(5)));
    assert_eq!(past::at(&core, at(5)).await.unwrap().told.edits, 0);
}

#[tokio::test]
async fn what_a_backup_did_not_hold_is_not_made_up() {
    let mut world = World::new().await;
    world.with_contact(7).await;
    let kept = world.core.now();
    let file = world.folder.path().join("backup");
    world.pass(TimeDelta::minutes(5));
    world.core.store.backup(file.clone(), world.core.now()).await.unwrap();
    world.people.get_mut(&4).unwrap().1 = "+46 0".into();
    world.sync().await;
    let lost = world.core.now();
    world.pass(TimeDelta::minutes(5));
    world.core.store.close().await;
    let restored = world.core.now();
    Store::restore_sled(store_settings(world.folder.path()), file, true, restored).await.unwrap();
    let core = load(world.folder.path(), &world.now).await;
    let mut world = World { core, ..world };
    world.pass(TimeDelta::minutes(1));
    world.sync().await;
    for at in [lost, restored - TimeDelta::seconds(1), kept + TimeDelta::seconds(1)] {
        assert_eq!(world.told(at).await.unwrap_err(), Reason::Lost { since: kept }, "{at}");
    }
    for at in [kept, restored] {
        let (then, told) = world.told(at).await.unwrap();
        assert_eq!((then.user(world.id(4)).unwrap().phone(), told.runs), (Some("+46 4"), 1), "{at}");
    }
}

#[tokio::test]
async fn a_second_directory_has_no_past_of_its_own_before_it_was_read() {
    let mut world = World::new().await;
    let before = world.core.now();
    let name: budkavle::domain::ids::DirectoryName = "branch".into();
    let file = world.folder.path().join("branch.ldif");
    let text = "version: 1\n\ndn: CN=Bo,DC=y\nobjectClass: user\nobjectCategory: person\ncn: Bo\nsAMAccountName: bo\n\
                userAccountControl: 512\nobjectGUID: b000000000000001\n";
    std::fs::write(&file, text).unwrap();
    let source = Arc::new(Source::Ldif(Ldif::new(file, Mapping::default())));
    world.directories.replace(BTreeMap::from([(name.clone(), source)]));
    let mut settings = flow_settings();
    let directory = settings.directories[&main_directory()].clone();
    settings.directories.insert(name.clone(), directory);
    world.core.reload(settings).await;
    world.pass(TimeDelta::minutes(1));
    let order = Order { trigger: Trigger::Schedule, full: false, dry_run: false };
    let report = world.directories.sync(&world.core, &name, order, |_| ()).await.unwrap();
    assert!(committed(&report), "{report:?}");
    assert!(world.core.view().organisation.find_user("bo").is_ok());
    let (then, told) = world.told(before).await.unwrap();
    assert!(then.find_user("bo").is_err() && then.find_user("p7").is_ok());
    assert_eq!(told.notes, [Note::Unread { directory: name, until: report.run.ended }]);
    world.people.clear();
}
