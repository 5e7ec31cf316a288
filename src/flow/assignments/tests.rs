use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use std::sync::Arc;

use super::*;
use crate::domain::audit::Actor;
use crate::domain::directory::Directory;
use crate::domain::roles::{GLOBAL, Place, built_in};
use crate::domain::subject::Subject;
use crate::domain::testing::{directory_of, group, hour, unit, unit_id, user, user_id};
use crate::flow::absences;
use crate::flow::assign::{NewAbsence, add_absence, revoke};
use crate::flow::core::{View, all_absences};
use crate::flow::subjects;
use crate::store::{SledSettings, Store};

/// A daemon's inside over the store in a folder, as it stands there.
async fn open(folder: &std::path::Path, settings: Settings) -> Core {
    let store = SledSettings::small(folder);
    let (store, _) = Store::open_sled(store, hour(0)).await.unwrap();
    Core::load(store, settings, Arc::new(|| hour(0))).await.unwrap()
}

/// Shows a directory, as if it had been read.
async fn read(core: &Core, directory: Directory) {
    let event = Event { at: hour(0), change: Change::None, notices: Vec::new(), audit: None };
    let arrange = |view: &mut View, settings: &Settings, now| {
        let old = Arc::clone(&view.organisation);
        view.arrange(settings, directory, BTreeMap::clone(&old.assignments), all_absences(&old), now);
    };
    core.turn().await.commit(event, arrange).await.unwrap();
}

/// Unit 1 above units 2 and 3; a subject of unit 2; no more than three global contacts, of whom the group gives one.
async fn core(folder: &std::path::Path) -> Core {
    let mut roles = built_in();
    let global = roles.iter_mut().find(|role| &*role.name.0 == GLOBAL).unwrap();
    (global.quota, global.grants.groups) = (Some(3), vec!["g1".into()]);
    let core = open(folder, Settings { organisation: "Org".into(), roles, ..Settings::default() }).await;
    let mut users = [user(1, 1), user(2, 2), user(3, 3), user(4, 3), user(5, 2)];
    users[4].enabled = false;
    let units = [unit(1, 0), unit(2, 1), unit(3, 1)];
    read(&core, directory_of(users, units, [group(1, &[4], &[])])).await;
    let subject = Subject::new("Heroma", Some("Pay"), Some(unit_id(2))).unwrap();
    subjects::add(&core, subject, &Actor::System, None).await.unwrap();
    core
}

async fn take(core: &Core, text: &str, dry_run: bool, replace: bool) -> Result<Imported, String> {
    let format = if text.starts_with('[') { Format::Json } else { Format::Csv };
    let how = How { dry_run, replace };
    import(core, text.as_bytes().to_vec(), format, how, &Caller::system(), None)
        .await
        .map_err(|e| e.to_string())
}

fn assignments(core: &Core) -> Vec<Assignment> {
    core.view().organisation.assignments.values().cloned().collect()
}

fn lines(core: &Core) -> Vec<String> {
    let text = String::from_utf8(export(core, Format::Csv)).unwrap();
    let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A line of a file: mostly one that can be.
fn any_line() -> impl Strategy<Value = String> {
    let role = prop::sample::select(vec!["local", "local", "global", "report", "outage", "locale"]);
    let who = prop::sample::select(vec!["u1", "User 2", "u3@org.example", "u4", "u5", "u9", ""]);
    let weights = prop::bool::weighted;
    let times = (prop::option::weighted(0.3, -2_i64..5), prop::option::weighted(0.3, 1_i64..9));
    (role, who, 1_u8..4, 0_u8..3, times, weights(0.9), weights(0.8)).prop_map(
        |(role, who, at, rank, (from, until), fits, any_unit)| {
            let unit = if (role == "local") == fits { format!("Unit {at}") } else { String::new() };
            let subject = if (role == "report") == fits { "heroma" } else { "" };
            let mail = if who.is_empty() { "desk@org.example" } else { "" };
            let time = |at: Option<i64>| at.map(|n| hour(n * 24).to_rfc3339()).unwrap_or_default();
            let any_unit = if any_unit { "yes" } else { "no" };
            let (from, until) = (time(from), time(until));
            format!("{role},{who},{mail},{unit},{subject},{rank},{from},{until},{any_unit}\n")
        },
    )
}

#[tokio::test]
async fn a_dry_run_says_what_then_happens_and_a_list_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    let files = (prop::collection::vec(any_line(), 0..5), prop::bool::weighted(0.3));
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..250 {
        let (file, replace) = files.new_tree(&mut runner).unwrap().current();
        let text = format!("role,user,mail,unit,subject,rank,from,until,any_unit\n{}", file.concat());
        let (before, lines_before) = (assignments(&core), lines(&core));
        let told = take(&core, &text, true, replace).await;
        assert_eq!(assignments(&core), before, "a dry run does nothing");
        let done = take(&core, &text, false, replace).await;
        assert_eq!(done, told, "{text}");
        let Ok(done) = done else {
            refused += 1;
            assert_eq!(assignments(&core), before, "all or nothing: {text}");
            continue;
        };
        taken += 1;
        // What was told is what is different.
        let row = |line: &Line| written(std::slice::from_ref(line), Format::Csv);
        let row = |line: &Line| String::from_utf8(row(line)).unwrap().lines().nth(1).unwrap().to_owned();
        let gone = done.ended.iter().chain(done.changed.iter().map(|c| &c.before)).map(row);
        let new = done.added.iter().chain(done.changed.iter().map(|c| &c.after)).map(row);
        let mut expected = lines_before;
        for line in gone {
            expected.remove(expected.iter().position(|l| *l == line).unwrap());
        }
        expected.extend(new);
        expected.sort();
        assert_eq!(lines(&core), expected, "{text}");
        assert!(!replace || done.unchanged + done.added.len() + done.changed.len() == expected.len());
        let again = take(&core, &text, false, replace).await.unwrap();
        assert_eq!(again, Imported { unchanged: again.unchanged, ..Imported::default() }, "{text}");
    }
    assert!(taken > 50 && refused > 50, "{taken} taken, {refused} refused: the test says too little");

    // What is exported is taken where there is nothing, and where it is from it changes nothing.
    assert!(!lines(&core).is_empty());
    let other = tempfile::tempdir().unwrap();
    let fresh = self::core(other.path()).await;
    for format in [Format::Csv, Format::Json] {
        let text = String::from_utf8(export(&core, format)).unwrap();
        let same = take(&core, &text, false, true).await.unwrap();
        assert_eq!(same, Imported { unchanged: assignments(&core).len(), ..Imported::default() });
        take(&fresh, &text, false, false).await.unwrap();
        assert_eq!(lines(&fresh), lines(&core));
        assert_eq!(export(&fresh, Format::Json).len(), export(&core, Format::Json).len());
    }
    // And after a restart, too.
    fresh.store.close().await;
    drop(fresh);
    let again = open(other.path(), Settings::clone(&core.settings())).await;
    read(&again, core.view().organisation.directory.clone()).await;
    assert_eq!(lines(&again), lines(&core));
}

#[tokio::test]
async fn a_quota_holds_for_a_list_as_a_whole_and_a_list_of_nobody_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    let text = |users: &[&str]| {
        let lines: Vec<String> = users.iter().map(|user| format!("global,{user}")).collect();
        format!("role,user\n{}\n", lines.join("\n"))
    };
    // One is global by the group: two more fit, and the one of the group is no one more.
    let refused = take(&core, &text(&["u1", "u2", "u3"]), true, false).await.unwrap_err();
    assert!(
        refused.contains("line 2") && refused.contains("no more than 3") && refused.contains("4 would"),
        "{refused}"
    );
    assert_eq!(take(&core, &text(&["u1", "u2", "u4"]), false, false).await.unwrap().added.len(), 3);
    let refused = take(&core, &text(&["u3"]), false, false).await.unwrap_err();
    assert!(refused.contains("no more than 3"), "{refused}");
    assert_eq!(take(&core, &text(&["u3"]), false, true).await.unwrap().ended.len(), 3);
    for nobody in ["role,user\n", "[]"] {
        let refused = take(&core, nobody, false, true).await.unwrap_err();
        assert!(refused.contains("every assignment"), "{refused}");
    }
    let last = core.store.audit(None, 4).await.unwrap();
    let said = |entry: &audit::Entry| (entry.action.to_string(), entry.why.as_deref() == Some("imported"));
    assert!(last.iter().map(said).any(|said| said == ("role revoked".to_owned(), true)), "{last:?}");
}

#[tokio::test]
async fn who_is_gone_or_elsewhere_stays_on_the_list_and_is_no_longer_given_anything() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    take(&core, "role,user,unit\nlocal,u3,Unit 3\nlocal,u2,Unit 2\n", false, false).await.unwrap();
    // User 3 is gone, and so is unit 2 with user 2.
    read(&core, directory_of([user(1, 1)], [unit(1, 0), unit(3, 1)], [])).await;
    let text = String::from_utf8(export(&core, Format::Csv)).unwrap();
    assert!(text.contains(&unit_id(2).to_string()), "{text}");
    let same = take(&core, &text, false, true).await.unwrap();
    assert_eq!(same, Imported { unchanged: 2, ..Imported::default() });
    let refused = take(&core, &text.replace("local", "superuser"), false, false).await.unwrap_err();
    assert!(refused.contains("line 2: there is no user") && refused.contains("line 3"), "{refused}");
}

#[tokio::test]
async fn absences_come_back_from_either_table() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    let away = |n: u8, from, until, note: Option<&str>| NewAbsence {
        user: user_id(n),
        from: hour(from),
        until: hour(until),
        deputy: (n == 1).then(|| user_id(2)),
        note: note.map(Box::from),
    };
    for new in [away(1, 0, 48, Some("a;b \"c\", d")), away(1, 48, 50, None), away(2, 24, 72, Some("=1"))] {
        add_absence(&core, new, &Caller::system(), None).await.unwrap();
    }
    let table = |core: &Core, format| {
        let organisation = Arc::clone(&core.view().organisation);
        let mut all = all_absences(&organisation);
        all.sort_by_key(|a| (a.from, a.user));
        absences::export_table(&organisation, &all, format, core.settings().zone)
    };
    for format in [Format::Csv, Format::Json] {
        let folder = tempfile::tempdir().unwrap();
        let fresh = self::core(folder.path()).await;
        let text = table(&core, format);
        let by = Caller::system();
        let taken = absences::import_table(&fresh, text.clone(), format, false, &by, None).await.unwrap();
        assert_eq!((taken.added.len(), taken.changed.len()), (3, 0));
        assert_eq!(table(&fresh, format), text);
        let again = absences::import_table(&fresh, text, format, false, &by, None).await.unwrap();
        assert_eq!((again.added.len(), again.changed.len(), again.unchanged), (0, 0, 3));
    }
}

#[tokio::test]
async fn a_subject_that_somebody_answers_for_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let core = core(folder.path()).await;
    let by = Actor::System;
    let other = Subject::new("HEROMA", None, None).unwrap();
    assert!(matches!(subjects::add(&core, other, &by, None).await, Err(subjects::SubjectError::Taken(_))));
    let nowhere = Subject::new("x", None, Some(unit_id(9))).unwrap();
    assert!(matches!(subjects::add(&core, nowhere, &by, None).await, Err(subjects::SubjectError::NoUnit(_))));
    take(&core, "role,user,subject\nreport,u1,Heroma\n", false, false).await.unwrap();
    let held = subjects::remove(&core, "heroma", &by, None).await.unwrap_err().to_string();
    assert!(held.contains("User 1 (assignment 1)"), "{held}");
    let missing = subjects::remove(&core, "herma", &by, None).await.unwrap_err().to_string();
    assert!(missing.contains("did you mean Heroma?"), "{missing}");
    let refused = take(&core, "role,user,subject\nreport,u2,Herma\n", false, false).await.unwrap_err();
    assert!(refused.contains("did you mean Heroma?"), "{refused}");
    let new = subjects::NewSubject { owner: Some(None), ..Default::default() };
    assert_eq!(subjects::change(&core, "HEROMA", new, &by, Some("sold")).await.unwrap().owner, None);
    let entry = core.store.audit(None, 1).await.unwrap().remove(0);
    assert_eq!((&*entry.action, entry.why.as_deref()), ("subject changed", Some("sold")));
    let place = Place::Subject("Heroma".into());
    let number = assignments(&core).iter().find(|a| a.place == place).unwrap().id;
    revoke(&core, number, &Caller::system(), None).await.unwrap();
    subjects::remove(&core, "heroma", &by, Some("replaced")).await.unwrap();
    assert!(core.view().organisation.subjects.is_empty());
}
