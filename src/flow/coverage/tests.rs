use std::sync::Mutex;

use super::super::core::DirectorySettings;
use super::super::testing::appoint;
use super::*;
use crate::domain::alert::{self, Health};
use crate::domain::climb;
use crate::domain::coverage::watch::MonthDay;
use crate::domain::directory::UserFields;
use crate::domain::guard::Limits;
use crate::domain::ids::DirectoryName;
use crate::domain::notice::{GapPlace, NoticeKind};
use crate::domain::outage::Severity;
use crate::domain::roles::{AD_SYNC, LOCAL, Place, built_in};
use crate::domain::run::WholeReads;
use crate::domain::schedule::Schedule;
use crate::domain::testing::{DIRECTORIES, World, directory_of, hour, unit, unit_id, user, user_id};
use crate::store::{DirectoryState, SledSettings, Store};

/// Unit 1 above units 2 and 3. User 1 is the global contact, user 2 the system owner of unit 1 and below, user 5 of unit 3. User 3 is the local
/// contact of unit 2, user 4 of the organisation.
fn world() -> World {
    let users = [user(1, 0), user(2, 1), user(3, 2), user(4, 0), user(5, 3), user(6, 2)];
    let mut world = World::new(directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 1)], []));
    world.roles = built_in();
    world.assign(GLOBAL, 1, Place::Organisation);
    world.assign(SYSTEM_OWNER, 2, Place::Unit(unit_id(1)));
    world.assign(SYSTEM_OWNER, 5, Place::Unit(unit_id(3)));
    world.assign(LOCAL, 3, Place::Unit(unit_id(2)));
    world.assign(LOCAL, 4, Place::Unit(unit_id(0)));
    world
}

fn settings() -> Settings {
    Settings {
        organisation: "Org".into(),
        zone: chrono_tz::Europe::Stockholm,
        mail_domain: "org.example".into(),
        ..Settings::default()
    }
}

/// What is told of a week in July, eight weeks ahead or at last: to whom, and where it isn't covered.
fn told(world: &World, is_last: bool) -> Vec<(Vec<String>, Vec<String>)> {
    let day = |day| MonthDay { month: 7, day };
    let (roles, weeks_ahead) = (vec![LOCAL.into()], vec![8]);
    let watched = Watched { name: "summer".into(), from: day(6), to: day(10), roles, weeks_ahead };
    let first = hour(0).date_naive();
    let when = (Told { first, weeks: 8 }, first + TimeDelta::days(4), is_last);
    let organisation = world.organisation();
    let notices = notices(&organisation, &settings(), &watched, when, hour(-8 * 7 * 24)).unwrap();
    let notice = |notice: NewNotice| {
        let Facts::Coverage(facts) = notice.facts else { panic!("it is about coverage") };
        let to = notice.recipients.iter().map(ToString::to_string).collect();
        let gap = |gap: &Gap| {
            let who: Vec<&str> = gap.could.iter().map(|(account, _)| &**account).collect();
            format!("{}+{} {}", gap.unit.as_deref().unwrap_or("all"), gap.below, who.join(","))
        };
        (to, facts.gaps.iter().map(gap).collect())
    };
    notices.into_iter().map(notice).collect()
}

fn told_to(to: &str, gaps: &[&str]) -> (Vec<String>, Vec<String>) {
    (vec![format!("{to}@org.example")], gaps.iter().map(|gap| (*gap).to_owned()).collect())
}

#[test]
fn each_is_told_what_concerns_their_units_and_the_global_contact_everything() {
    let mut world = world();
    world.away(4, -24, 240, None);
    // Units 1 and 3 turn to the organisation's contact: one gap for the global contact, one for each owner.
    let whole = told_to("u1", &["Org+2 u1"]);
    let (of_u2, of_u5) = (told_to("u2", &["Unit 1+1 u2"]), told_to("u5", &["Unit 1 / Unit 3+0 u5"]));
    assert_eq!(told(&world, false), [whole, of_u2, of_u5.clone()]);
    world.away(3, 24, 48, None);
    let whole = told_to("u1", &["Org+2 u1", "Unit 1 / Unit 2+0 u6"]);
    let of_u2 = told_to("u2", &["Unit 1+1 u2", "Unit 1 / Unit 2+0 u6"]);
    assert_eq!(told(&world, false), [whole, of_u2, of_u5]);
}

#[test]
fn of_a_role_of_directories_each_is_told_by_itself() {
    let mut world = world();
    let branch = UserFields { directory: DIRECTORIES[1].into(), ..user(7, 0) };
    world.directory.users.insert(user_id(7), Arc::new(branch.into()));
    world.assign(AD_SYNC, 2, Place::Directory(DIRECTORIES[0].into()));
    let first = hour(0).date_naive();
    let when = (Told { first, weeks: 8 }, first + TimeDelta::days(4), false);
    let day = |day| MonthDay { month: 7, day };
    let (roles, weeks_ahead) = (vec![AD_SYNC.into()], vec![8]);
    let watched = Watched { name: "summer".into(), from: day(6), to: day(10), roles, weeks_ahead };
    let notices = notices(&world.organisation(), &settings(), &watched, when, hour(-8 * 7 * 24)).unwrap();
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    let Facts::Coverage(facts) = &notice.facts else { panic!("it is about coverage") };
    let [gap] = facts.gaps.as_slice() else { panic!("{facts:?}") };
    assert_eq!((gap.place(), gap.minimum), (GapPlace::Directory(DIRECTORIES[1]), 1));
}

#[test]
fn when_all_is_covered_the_last_warning_says_so_and_no_other_says_a_word() {
    assert_eq!(told(&world(), false), []);
    assert_eq!(told(&world(), true), [told_to("u1", &[])]);
}

#[test]
fn without_a_global_contact_the_owners_are_told_all_the_same() {
    let mut world = world();
    world.assignments.retain(|_, assignment| assignment.role != GLOBAL.into());
    world.away(3, 0, 240, None);
    world.away(4, 0, 240, None);
    assert_eq!(told(&world, true).len(), 2);
}

/// The organisation of a daemon that watches a summer in which nobody has remote access, with a clock that is moved.
async fn watching(
    folder: &std::path::Path,
    now: &Arc<Mutex<DateTime<Utc>>>,
    directories: BTreeMap<DirectoryName, DirectorySettings>,
) -> Core {
    let store = SledSettings::small(folder);
    let clock = Arc::clone(now);
    let day = |month, day| MonthDay { month, day };
    let (roles, weeks_ahead) = (vec!["remote-access".into()], vec![8, 1]);
    let summer = Watched { name: "summer".into(), from: day(6, 22), to: day(8, 16), roles, weeks_ahead };
    let settings = Settings { watched: vec![summer], directories, ..settings() };
    let (store, _) = Store::open_sled(store, DateTime::UNIX_EPOCH).await.unwrap();
    Core::load(store, settings, Arc::new(move || *clock.lock().unwrap())).await.unwrap()
}

async fn messages(core: &Core) -> u64 {
    core.store.queue_counts().await.unwrap().values().sum()
}

async fn assign_global(core: &Core) {
    appoint(core, GLOBAL, "it", Place::Organisation).await;
}

#[tokio::test]
async fn a_warning_waits_for_somebody_to_be_told_and_is_looked_at_hourly_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(Mutex::new("2026-04-27T05:00:00Z".parse().unwrap()));
    let core = watching(folder.path(), &now, BTreeMap::new()).await;
    tick(&core).await.unwrap();
    assert!(core.view().coverage_told.is_empty(), "nobody was told");
    assign_global(&core).await;
    for (time, expected) in [("2026-04-27T05:59:00Z", 0), ("2026-04-27T06:00:00Z", 1)] {
        *now.lock().unwrap() = time.parse().unwrap();
        tick(&core).await.unwrap();
        assert_eq!(messages(&core).await, expected, "{time}");
    }
}

#[tokio::test]
async fn a_warning_waits_for_the_first_read_of_each_directory() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(Mutex::new("2026-04-27T05:00:00Z".parse().unwrap()));
    let schedule = Schedule::parse("0 3 * * *", chrono_tz::UTC).unwrap();
    let whole_reads = WholeReads { blind: schedule.clone(), seeing: schedule };
    let (limits, policy) = (Limits::default(), alert::Policy::default());
    let main = DirectorySettings { limits, policy, whole_reads };
    let core = watching(folder.path(), &now, [(DIRECTORIES[0].into(), main)].into()).await;
    assign_global(&core).await;
    let was_read = async |last_good| {
        let mut health = Health::new(hour(0));
        health.last_good = last_good;
        let event = Event { at: core.now(), change: Change::None, notices: Vec::new(), audit: None };
        let state = DirectoryState { health: Some(health), ..DirectoryState::default() };
        let note = |view: &mut super::super::core::View, _: &Settings, _| {
            view.directories.insert(DIRECTORIES[0].into(), state);
        };
        core.turn().await.commit(event, note).await.unwrap();
    };
    was_read(None).await;
    tick(&core).await.unwrap();
    assert!(core.view().coverage_told.is_empty() && messages(&core).await == 0, "its first run failed");
    was_read(Some(core.now())).await;
    tick(&core).await.unwrap();
    assert_eq!(messages(&core).await, 1);
}

#[tokio::test]
async fn a_warning_goes_once_on_its_day_in_the_morning_also_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(Mutex::new(DateTime::<Utc>::UNIX_EPOCH));
    let at = |text: &str| *now.lock().unwrap() = text.parse().unwrap();
    let start = || watching(folder.path(), &now, BTreeMap::new());
    let core = start().await;
    assign_global(&core).await;
    // Eight weeks ahead, at 06:59 and at 07:00 in Stockholm.
    for (time, expected) in
        [("2026-04-27T04:59:00Z", 0), ("2026-04-27T05:00:00Z", 1), ("2026-04-28T05:00:00Z", 1)]
    {
        at(time);
        tick(&core).await.unwrap();
        assert_eq!(messages(&core).await, expected, "{time}");
    }
    core.store.close().await;
    drop(core);
    let core = start().await;
    tick(&core).await.unwrap();
    assert_eq!(messages(&core).await, 1, "a restart tells nothing twice");
    at("2026-06-15T05:00:00Z");
    tick(&core).await.unwrap();
    assert_eq!(messages(&core).await, 2);
}

#[tokio::test]
async fn what_is_covered_by_the_next_warning_waits_for_nobody_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(Mutex::new("2026-04-27T05:00:00Z".parse().unwrap()));
    let core = watching(folder.path(), &now, BTreeMap::new()).await;
    let asks = climb::Policy {
        kinds: [NoticeKind::Coverage].into(),
        severity: Severity::Minor,
        ..climb::Policy::default()
    };
    core.reload(Settings { climbing: Arc::new(asks), ..Settings::clone(&core.settings()) }).await;
    assign_global(&core).await;
    tick(&core).await.unwrap();
    let waiting = || core.view().climbs.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(waiting(), ["coverage/summer/2026-06-22/all"]);
    for name in ["asa", "bo"] {
        appoint(&core, "remote-access", name, Place::Organisation).await;
    }
    *now.lock().unwrap() = "2026-06-15T05:00:00Z".parse().unwrap();
    tick(&core).await.unwrap();
    assert_eq!(messages(&core).await, 2, "that it is covered is told");
    assert_eq!(waiting(), [""; 0]);
}
