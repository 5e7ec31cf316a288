//! What is delegated, through the flows that commit it: what is refused leaves no trace, what is done is in the audit log with its reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use budkavle::domain::alert::Policy;
use budkavle::domain::audit::{Actor, Entry};
use budkavle::domain::authority::{Caller, Given, Grant, Level, Over, Refusal};
use budkavle::domain::decode::Mapping;
use budkavle::domain::guard::{Limit, Limits};
use budkavle::domain::ids::{UnitId, UserId};
use budkavle::domain::roles::{Assignment, GLOBAL, Holder, LOCAL, Place};
use budkavle::domain::run::{Outcome, Trigger, WholeReads};
use budkavle::domain::schedule::Schedule;
use budkavle::domain::table::Format;
use budkavle::flow::absences::{self, ImportError, Imported};
use budkavle::flow::assign::{self, AssignError, NewAbsence, NewAssignment};
use budkavle::flow::core::{Core, DirectorySettings, Settings};
use budkavle::flow::directories::Directories;
use budkavle::flow::sync::Order;
use budkavle::source::Source;
use budkavle::source::ldif::Ldif;
use budkavle::store::Store;

use crate::store_samples::{at, main_directory, settings as store_settings};

/// Care with home care below it, and school beside; who belongs where is in a file.
struct World {
    folder: tempfile::TempDir,
    core: Core,
    directories: Directories,
    /// Everybody: account, and distinguished name of the unit.
    people: BTreeMap<&'static str, &'static str>,
}

const CARE: &str = "OU=Care,DC=x";
const HOME: &str = "OU=Home care,OU=Care,DC=x";
const SCHOOL: &str = "OU=School,DC=x";

impl World {
    async fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let wide = Limit { count: u32::MAX, percent: 100, floor: 1_000 };
        let schedule = Schedule::parse("30 3 * * *", chrono_tz::UTC).unwrap();
        let directory = DirectorySettings {
            limits: Limits::same(wide),
            policy: Policy::default(),
            whole_reads: WholeReads { blind: schedule.clone(), seeing: schedule },
        };
        let directories = BTreeMap::from([(main_directory(), directory)]);
        let settings = Settings { organisation: "Kommunen".into(), directories, ..Settings::default() };
        let (store, _) = Store::open_sled(store_settings(folder.path()), at(0)).await.unwrap();
        let core = Core::load(store, settings, Arc::new(|| at(0))).await.unwrap();
        let file = folder.path().join("people.ldif");
        let source = Source::Ldif(Ldif::new(file, Mapping::default()));
        let directories = Directories::new(BTreeMap::from([(main_directory(), Arc::new(source))]));
        let people = [("asa", CARE), ("bo", HOME), ("cilla", SCHOOL), ("dag", SCHOOL)].into();
        let world = World { folder, core, directories, people };
        world.sync().await;
        world
    }

    async fn sync(&self) {
        let mut text = String::from("version: 1\n\n");
        for (n, dn) in (1..).zip([CARE, HOME, SCHOOL]) {
            writeln!(text, "dn: {dn}\nobjectClass: organizationalUnit\nobjectGUID: u{n:015}\n").unwrap();
        }
        for (account, unit) in &self.people {
            writeln!(
                text,
                "dn: CN={account},{unit}\nobjectClass: user\nobjectCategory: person\nsAMAccountName: {account}\n\
                 displayName: {account} of all\nmail: {account}@kommun.example\nuserAccountControl: 512\n\
                 objectGUID: {account:p<16}\n"
            )
            .unwrap();
        }
        std::fs::write(self.folder.path().join("people.ldif"), text).unwrap();
        let order = Order { trigger: Trigger::Schedule, full: false, dry_run: false };
        let report = self.directories.sync(&self.core, &main_directory(), order, |_| ()).await.unwrap();
        assert!(matches!(report.run.outcome, Outcome::Committed { .. }), "{:?}", report.run);
    }

    fn user(&self, account: &str) -> UserId {
        self.core.view().organisation.find_user(account).unwrap().id
    }

    fn unit(&self, path: &str) -> UnitId {
        let organisation = &self.core.view().organisation;
        organisation.tree.id(organisation.find_unit(path).unwrap())
    }

    async fn assign(&self, role: &str, account: &str, place: Place) -> Result<Assignment, AssignError> {
        let new = NewAssignment::new(role, Holder::User(self.user(account)), place);
        assign::assign(&self.core, new, &of_care(), Some("she asked for it")).await
    }

    fn absence(&self, account: &str, deputy: Option<&str>) -> NewAbsence {
        let deputy = deputy.map(|deputy| self.user(deputy));
        NewAbsence { user: self.user(account), from: at(10), until: at(20), deputy, note: None }
    }

    async fn import(&self, rows: &str) -> Result<Imported, ImportError> {
        let bytes = format!("user,from,until,deputy\n{rows}").into_bytes();
        absences::import_table(&self.core, bytes, Format::Csv, false, &of_care(), Some("the list of July"))
            .await
    }

    /// What was done last, and how much was done in all.
    async fn audit(&self) -> (Option<Entry>, usize) {
        let all = self.core.store.audit(None, 1_000).await.unwrap();
        (all.first().cloned(), all.len())
    }

    /// Everything that an administrator may change.
    fn edits(&self) -> (usize, usize) {
        let organisation = &self.core.view().organisation;
        (organisation.assignments.len(), organisation.absences.values().map(Vec::len).sum())
    }
}

/// Who gives local contacts in care, and keeps its absences.
fn of_care() -> Caller {
    let grant = Grant {
        name: "care".into(),
        roles: Given::These(vec![LOCAL.into()]),
        over: Over::Units(vec!["Care".into()]),
        absences: true,
    };
    let actor = Actor::Local { uid: 1000, name: "asa".into() };
    Caller { actor, level: Level::Administrator(vec![Arc::new(grant)]) }
}

#[tokio::test]
async fn what_is_delegated_is_done_and_logged_and_the_rest_leaves_no_trace() {
    let world = World::new().await;
    let (care, home, school) = (world.unit("Care"), world.unit("Care / Home care"), world.unit("School"));
    world.assign(LOCAL, "asa", Place::Unit(care)).await.unwrap();
    let below = world.assign(LOCAL, "bo", Place::Unit(home)).await.unwrap();
    let (entry, count) = world.audit().await;
    let entry = entry.unwrap();
    assert_eq!((&*entry.action, entry.by.to_string().as_str()), ("role assigned", "asa"));
    assert_eq!(entry.why.as_deref(), Some("she asked for it"));
    assert!(entry.before.is_none() && entry.after.unwrap().contains("local"));

    // A flag of one's own people; none of others.
    world.assign(LOCAL, "asa", Place::OwnUnit).await.unwrap();
    for (role, who, place) in [
        (LOCAL, "cilla", Place::Unit(school)),
        (LOCAL, "cilla", Place::OwnUnit),
        (LOCAL, "asa", Place::Unit(UnitId::ROOT)),
        (GLOBAL, "asa", Place::Organisation),
    ] {
        let refused = world.assign(role, who, place.clone()).await;
        assert!(matches!(refused, Err(AssignError::Refused(_))), "{role} {who} {place:?}: {refused:?}");
    }
    assert_eq!((world.audit().await.1, world.edits()), (count + 1, (3, 0)));

    // What an operator gave elsewhere stays.
    let global = NewAssignment { role: GLOBAL.into(), ..like(&below) };
    let global = NewAssignment { place: Place::Organisation, ..global };
    let global = assign::assign(&world.core, global, &Caller::system(), None).await.unwrap();
    let refused = assign::revoke(&world.core, global.id, &of_care(), None).await.unwrap_err();
    assert!(matches!(refused, AssignError::Refused(Refusal::Role { .. })), "{refused}");
    assign::revoke(&world.core, below.id, &of_care(), Some("moved on")).await.unwrap();
    let entry = world.audit().await.0.unwrap();
    assert_eq!((&*entry.action, entry.why.as_deref()), ("role revoked", Some("moved on")));
    assert!(entry.before.is_some() && entry.after.is_none());
}

fn like(assignment: &Assignment) -> NewAssignment {
    let Assignment { role, holder, place, rank, any_unit, .. } = assignment.clone();
    NewAssignment { role, holder, place, rank, mail: None, phone: None, from: None, until: None, any_unit }
}

#[tokio::test]
async fn absences_follow_the_main_unit_and_each_change_says_what_was_before() {
    let mut world = World::new().await;
    let noted = world.absence("asa", Some("bo"));
    let noted = assign::add_absence(&world.core, noted, &of_care(), Some("leave")).await.unwrap();
    let later = |_: &_| NewAbsence { until: at(30), ..world.absence("asa", Some("bo")) };
    absences::change(&world.core, noted.id, &of_care(), Some("longer"), later).await.unwrap();
    let entry = world.audit().await.0.unwrap();
    assert_eq!((&*entry.action, entry.why.as_deref()), ("absence changed", Some("longer")));
    assert!(entry.before.unwrap().contains("08:20:00") && entry.after.unwrap().contains("08:30:00"));
    let refused = assign::add_absence(&world.core, world.absence("cilla", None), &of_care(), None).await;
    let refused = refused.unwrap_err().to_string();
    assert_eq!(refused, "the absence of cilla of all of School: you administer Care only");

    // Åsa moves to the school: hers is no longer care's to keep; Cilla's becomes so.
    world.people.insert("asa", SCHOOL);
    world.people.insert("cilla", HOME);
    world.sync().await;
    let later = |_: &_| world.absence("asa", None);
    let refused = absences::change(&world.core, noted.id, &of_care(), None, later).await;
    assert!(matches!(refused, Err(AssignError::Refused(Refusal::Elsewhere { .. }))), "{refused:?}");
    let refused = assign::remove_absence(&world.core, noted.id, &of_care(), None).await;
    assert!(matches!(refused, Err(AssignError::Refused(_))), "{refused:?}");
    let added =
        assign::add_absence(&world.core, world.absence("cilla", None), &of_care(), None).await.unwrap();
    assert_eq!(world.edits(), (0, 2));
    assign::remove_absence(&world.core, added.id, &of_care(), Some("a mistake")).await.unwrap();
    let entry = world.audit().await.0.unwrap();
    assert_eq!((&*entry.action, entry.why.as_deref()), ("absence removed", Some("a mistake")));
    assert!(entry.before.is_some());
}

#[tokio::test]
async fn a_list_with_a_line_of_elsewhere_is_refused_as_a_whole() {
    let world = World::new().await;
    let ours = "asa,2031-07-01,2031-07-05,bo\nbo,2031-07-07,2031-07-09,\n";
    let more = format!("{ours}cilla,2031-07-01,2031-07-05,\ndag,2031-07-01,2031-07-05,asa\n");
    let ImportError::Lines(lines) = world.import(&more).await.unwrap_err() else {
        panic!("it is about lines")
    };
    let said: Vec<String> = lines.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 4: the absence of cilla of all of School: you administer Care only",
            "line 5: the absence of dag of all of School: you administer Care only",
        ]
    );
    assert_eq!((world.edits(), world.audit().await.1), ((0, 0), 0));
    assert_eq!(world.import(ours).await.unwrap().added.len(), 2);
    let entry = world.audit().await.0.unwrap();
    assert_eq!((entry.by.to_string().as_str(), entry.why.as_deref()), ("asa", Some("the list of July")));

    // An operator makes Åsa a global contact: her deputy could be noted by nobody else from now on, and what is noted stays.
    let new = NewAssignment { role: GLOBAL.into(), place: Place::Organisation, ..of("asa", &world) };
    assign::assign(&world.core, new, &Caller::system(), None).await.unwrap();
    assert_eq!(world.import(ours).await.unwrap().unchanged, 2);
    let refused = world.import("asa,2031-08-01,2031-08-05,bo\n").await.unwrap_err().to_string();
    assert!(refused.contains("line 2: bo of all would stand in for asa of all as global"), "{refused}");
}

fn of(account: &str, world: &World) -> NewAssignment {
    NewAssignment::new(LOCAL, Holder::User(world.user(account)), Place::OwnUnit)
}

#[tokio::test]
async fn who_is_gone_is_named_with_the_run_that_took_them() {
    let mut world = World::new().await;
    let id = world.user("dag");
    world.people.remove("dag");
    world.sync().await;
    let organisation = &world.core.view().organisation;
    for text in ["dag", "Dag@kommun.example", "dag of all", &id.to_string()] {
        let error = organisation.find_user(text).unwrap_err().to_string();
        let says = format!(
            "there is no user \"{text}\" any more: dag (dag of all, School) {id} is gone since 2026-07-06 08:00 UTC, by run 2"
        );
        assert_eq!(error, says);
    }
}
