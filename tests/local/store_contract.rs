//! What every store must do. The suite is a list of functions over "open the store": a second backend runs it unchanged.

mod bounces;
mod intake;
pub mod outbox;
mod policy;
mod replicated;
mod runs;
mod together;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use budkavle::domain::absence::{Absence, Origin};
use budkavle::domain::audit::Actor;
use budkavle::domain::delta::apply;
use budkavle::domain::directory::{Directory, Quarantined};
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::ids::{AbsenceId, AssignmentId, ChannelName, MessageId, OutageId, RunId, UserId};
use budkavle::domain::notice::MessageState;
use budkavle::domain::outage::State as OutageState;
use budkavle::domain::roles::{Assignment, Holder, Place};
use budkavle::domain::run::{HeldRun, Outcome};
use budkavle::domain::subject::Subject;
use budkavle::store::{
    Change, Event, MessageFilter, Pruned, Retention, RunRecord, Sequence, Store, StoreError,
};
use chrono::TimeDelta;

use self::bounces::*;
use self::intake::*;
use self::outbox::*;
use self::policy::*;
use self::runs::*;
use self::together::*;
use crate::postgres::Database;
use crate::store_samples::*;

/// Opens the store of a test, again and again the same one.
type Open<'a> = &'a dyn Fn() -> Pin<Box<dyn Future<Output = Store> + 'a>>;

/// A test of the suite.
type Test = for<'a> fn(Open<'a>) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! suite {
    ($($test:ident),+ $(,)?) => {
        mod sled {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    let folder = tempfile::tempdir().unwrap();
                    let open = || Store::open_sled(settings(folder.path()), at(0));
                    super::$test(&|| Box::pin(async { open().await.unwrap().0 })).await;
                }
            )+
        }
        mod postgres {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    let database = Database::new().await;
                    super::$test(&|| Box::pin(async { database.open("one").await })).await;
                }
            )+
        }
        const ALL: &[(&str, Test)] = &[$((stringify!($test), |open| Box::pin($test(open)))),+];
    };
}

suite! {
    a_new_store_is_empty,
    a_sync_is_there_as_a_whole_and_stays,
    a_large_sync_and_a_large_event_are_whole,
    a_sync_that_starts_from_other_data_is_refused,
    any_syncs_come_to_what_the_model_says,
    a_run_can_be_undone_until_its_objects_are_pruned,
    what_is_gone_is_kept_until_it_is_forgotten,
    a_veto_stays_until_a_run_comes_without_it,
    a_held_run_waits_for_one_word,
    an_outage_has_one_next_version,
    what_people_maintain_comes_and_goes,
    subjects_and_many_assignments_come_and_go,
    what_others_tell_is_kept_with_the_outage_that_it_makes,
    a_refused_event_leaves_nothing,
    an_event_is_told_once_and_to_each_address_once,
    a_message_is_claimed_by_one_at_a_time,
    the_urgent_goes_first_and_channels_do_not_mix,
    many_claimers_share_without_overlap,
    an_attempt_counts_for_who_holds_the_claim,
    what_was_being_sent_at_the_end_is_free_at_the_start,
    what_expires_is_not_sent,
    an_operator_can_retry_and_cancel,
    messages_are_listed_by_state_and_notice,
    a_message_that_comes_back_fails_and_its_address_is_marked,
    numbers_are_never_handed_out_twice,
    history_is_listed_newest_first,
    old_history_goes_and_the_rest_stays,
    a_thread_asks_once_to_be_taken_on_and_no_more_once_somebody_has_it,
    what_is_held_leaves_later_and_the_next_word_takes_its_place,
    what_waits_for_the_same_recipient_leaves_together_and_stays_together,
    those_that_leave_together_have_one_turn,
    a_later_word_leaves_with_what_the_earlier_would_have_left_with,
    a_turn_is_free_when_nothing_is_left_of_the_mail,
    what_is_refused_together_is_tried_by_itself,
    what_was_taken_out_of_a_mail_leaves_by_itself_whatever_becomes_of_the_rest,
    what_expires_of_a_mail_does_so_once_and_the_rest_leaves,
    what_waits_of_a_thread_is_replaced_whatever_it_is_called_and_is_forgotten_with_it,
    no_more_than_the_limit_go_to_a_recipient_within_an_hour_and_what_is_replaced_frees_its_turn,
    whoever_is_told_of_the_cause_is_not_told_of_what_waits_but_goes_on_with_what_they_heard,
    silences_subscribers_and_who_is_not_told_come_and_go,
}

async fn reopen(store: Store, open: Open<'_>) -> Store {
    store.close().await;
    open().await
}

async fn a_new_store_is_empty(open: Open<'_>) {
    let store = open().await;
    let state = store.load().await.unwrap();
    assert!(
        state.directory.users.is_empty() && state.directories.is_empty() && state.open_outages.is_empty()
    );
    assert_eq!(store.next_due(&ChannelName::mail()).await.unwrap(), None);
    assert_eq!(store.queue_counts().await.unwrap(), BTreeMap::new());
    assert!(store.runs(None, 10).await.unwrap().is_empty());
    assert!(store.audit(None, 10).await.unwrap().is_empty());
    assert!(matches!(store.run(RunId(1)).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.outage(OutageId(1)).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.message(MessageId(1)).await, Err(StoreError::NotFound(_))));
    let instance = store.instance();
    let store = reopen(store, open).await;
    assert_eq!(store.instance(), instance);
    store.close().await;
    assert!(store.load().await.is_err());
    assert!(store.allocate(Sequence::Run).await.is_err());
}

async fn a_sync_is_there_as_a_whole_and_stays(open: Open<'_>) {
    let store = open().await;
    let all = organisation(200);
    let (delta, mut record, cursor) = sync(1, &Directory::default(), &all);
    record.quarantined = vec![Quarantined { id: None, dn: "CN=?".into(), reason: "it has no name".into() }];
    record.notices = vec![notice("sync/main/1", 2)];
    let committed = store.commit_sync(delta, record.clone(), cursor.clone()).await.unwrap();
    let generation = committed.generation.unwrap();
    assert_eq!((committed.notices.len(), committed.messages), (1, 2));

    let store = reopen(store, open).await;
    for round in 0..2 {
        let state = store.load().await.unwrap();
        assert_eq!(state.directory, all, "round {round}");
        assert_eq!(state.generation, Some(generation));
        let main = &state.directories[&main_directory()];
        assert_eq!((main.cursor.as_ref(), main.health.as_ref()), (Some(&cursor), Some(&record.health)));
        let run = main.last_run.clone().unwrap();
        assert_eq!(run.outcome, Outcome::Committed { generation });
        let detail = store.run(RunId(1)).await.unwrap();
        assert_eq!(
            (&detail.run, &detail.changes, &detail.quarantined),
            (&run, &record.changes, &record.quarantined)
        );
    }
    // A run that fails changes neither the data nor the cursor.
    let failed = run(2, "main", Outcome::Failed { error: "the server is away".into() });
    let later = store.commit_run(crate::store_samples::record(failed.clone()), None).await.unwrap();
    assert!(later.generation > Some(generation));
    let state = reopen(store, open).await.load().await.unwrap();
    let main = &state.directories[&main_directory()];
    assert_eq!((&state.directory, &main.cursor, &main.last_run), (&all, &Some(cursor), &Some(failed)));
}

async fn a_large_sync_and_a_large_event_are_whole(open: Open<'_>) {
    let store = open().await;
    let (before, after) = (organisation(4000), organisation(1000));
    let (delta, record, cursor) = sync(1, &Directory::default(), &before);
    store.commit_sync(delta, record, cursor).await.unwrap();
    let told = store.commit_event(tell(1, vec![notice("outage/1/0", 3000)])).await.unwrap();
    assert_eq!(told.messages, 3000);
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().directory, before);
    assert_eq!(store.queue_counts().await.unwrap(), BTreeMap::from([(MessageState::Queued, 3000)]));
    let (delta, record, cursor) = sync(2, &before, &after);
    let lines = record.changes.len();
    store.commit_sync(delta, record, cursor).await.unwrap();
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().directory, after);
    assert_eq!(store.run(RunId(2)).await.unwrap().changes.len(), lines);
}

async fn a_sync_that_starts_from_other_data_is_refused(open: Open<'_>) {
    let store = open().await;
    let (old, new) = (organisation(20), organisation(30));
    let (delta, record, cursor) = sync(1, &Directory::default(), &old);
    store.commit_sync(delta, record, cursor).await.unwrap();
    let mut other = old.clone();
    other.users.insert(UserId(guid(1, 3)), user(3, "changed behind its back").into());
    let mut wanted = other.clone();
    wanted.users.insert(UserId(guid(1, 3)), user(3, "another").into());
    for (before, after) in [(&Directory::default(), &old), (&other, &wanted), (&new, &old)] {
        let (delta, record, cursor) = sync(2, before, after);
        let refused = store.commit_sync(delta, record, cursor).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(store.load().await.unwrap().directory, old);
    assert!(matches!(store.run(RunId(2)).await, Err(StoreError::NotFound(_))));
}

async fn any_syncs_come_to_what_the_model_says(open: Open<'_>) {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    // Few identities, so that they come, change and go again and again.
    let users = prop::collection::btree_map(0..40_u32, 0..3_u8, 0..40);
    let groups = prop::collection::btree_map(0..4_u32, 0..400_u32, 0..4);
    let directories = prop::collection::vec((users, groups, any::<bool>()), 1..6);
    let mut runner = TestRunner::deterministic();
    let mut store = open().await;
    let (mut model, mut gone, mut id) = (Directory::default(), AllGone::new(), 0);
    for _ in 0..12 {
        for (users, groups, reopened) in directories.new_tree(&mut runner).unwrap().current() {
            let next = Directory {
                users: users
                    .iter()
                    .map(|(n, v)| (UserId(guid(1, *n)), user(*n, &v.to_string()).into()))
                    .collect(),
                groups: groups.iter().map(|(n, m)| (group(*n, *m).id, group(*n, *m).into())).collect(),
                ..Directory::default()
            };
            id += 1;
            let (delta, record, cursor) = sync_with_gone(id, &model, &next, &gone);
            gone = gone::apply(&gone, &record.gone);
            assert_eq!(apply(&model, delta.delta()), next);
            store.commit_sync(delta, record, cursor).await.unwrap();
            model = next;
            if reopened {
                store = reopen(store, open).await;
            }
            let state = store.load().await.unwrap();
            assert_eq!((&state.directory, &state.gone), (&model, &gone), "after sync {id}");
        }
    }
}

async fn an_outage_has_one_next_version(open: Open<'_>) {
    let store = open().await;
    let commit = |outage| store.commit_event(event(1, Change::Outage(outage), vec![]));
    let opened = outage(1);
    let known = opened.update("A disk.", Some(OutageState::Identified), Actor::System, at(1)).unwrap();
    let over = known.update("", Some(OutageState::Resolved), Actor::System, at(2)).unwrap();
    for (early, late) in [
        (&known, None),
        (&opened, Some(())),
        (&opened, None),
        (&over, None),
        (&known, Some(())),
        (&known, None),
    ] {
        let result = commit(early.clone()).await;
        match late {
            Some(()) => assert!(result.is_ok(), "{result:?}"),
            None => assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}"),
        }
    }
    assert_eq!(store.load().await.unwrap().open_outages, BTreeMap::from([(OutageId(1), known)]));
    commit(over.clone()).await.unwrap();
    let store = reopen(store, open).await;
    assert!(store.load().await.unwrap().open_outages.is_empty());
    assert_eq!(store.outage(OutageId(1)).await.unwrap(), over);
}

async fn what_people_maintain_comes_and_goes(open: Open<'_>) {
    let store = open().await;
    let assignment = |rank| Assignment {
        id: AssignmentId(1),
        role: "local".into(),
        holder: Holder::User(UserId(guid(1, 1))),
        place: Place::OwnUnit,
        rank,
        mail: None,
        phone: None,
        from: None,
        until: Some(at(5)),
        any_unit: false,
    };
    let absence = Absence {
        id: AbsenceId(4),
        user: UserId(guid(1, 1)),
        from: at(0),
        until: at(9),
        deputy: None,
        note: Some("leave".into()),
        origin: Origin::ByHand,
    };
    let health = record(run(1, "main", Outcome::Unchanged)).health;
    for change in [
        Change::Assign(assignment(1)),
        Change::Assign(assignment(2)),
        Change::Absence(absence.clone()),
        Change::Health(main_directory(), health.clone()),
    ] {
        store.commit_event(event(1, change, vec![])).await.unwrap();
    }
    let store = reopen(store, open).await;
    let state = store.load().await.unwrap();
    assert_eq!(state.assignments, BTreeMap::from([(AssignmentId(1), assignment(2))]));
    assert_eq!(state.absences, BTreeMap::from([(AbsenceId(4), absence)]));
    assert_eq!(state.directories[&main_directory()].health, Some(health));
    for change in [Change::Revoke(AssignmentId(1)), Change::RemoveAbsence(AbsenceId(4))] {
        store.commit_event(event(2, change.clone(), vec![])).await.unwrap();
        let again = store.commit_event(event(2, change, vec![])).await;
        assert!(matches!(again, Err(StoreError::NotFound(_))), "{again:?}");
    }
    let state = store.load().await.unwrap();
    assert!(state.assignments.is_empty() && state.absences.is_empty());
    let first = store.allocate_many(Sequence::Absence, 300).await.unwrap();
    assert!(store.allocate(Sequence::Absence).await.unwrap() >= first + 300);
    let many = (first..first + 300).map(|n| {
        let (user, note) = (UserId(guid(1, 1)), None);
        let absence = Absence {
            id: AbsenceId(n),
            user,
            from: at(0),
            until: at(9),
            deputy: None,
            note,
            origin: Origin::ByHand,
        };
        (absence, audit_entry(3, &format!("absence {n}")))
    });
    let (audited, all) = (store.audit(None, 1_000).await.unwrap().len(), Change::Absences(many.collect()));
    store.commit_event(event(3, all, vec![])).await.unwrap();
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().absences.len(), 300);
    assert!(store.audit(None, 1_000).await.unwrap().len() >= audited + 300);
}

async fn subjects_and_many_assignments_come_and_go(open: Open<'_>) {
    let store = open().await;
    let subject = |title: &str| Subject { name: "Heroma".into(), title: title.into(), owner: None };
    for title in ["Pay", "Pay and staff"] {
        store.commit_event(event(1, Change::Subject(subject(title)), vec![])).await.unwrap();
    }
    let numbered = |n, rank| Assignment {
        id: AssignmentId(n),
        role: "report".into(),
        holder: Holder::User(UserId(guid(1, 1))),
        place: Place::Subject("Heroma".into()),
        rank,
        mail: None,
        phone: None,
        from: None,
        until: None,
        any_unit: false,
    };
    let entry = |n| audit_entry(2, &format!("assignment {n}"));
    let put = |numbers: std::ops::Range<u64>, rank| {
        numbers.map(|n| (numbered(n, rank), entry(n))).collect::<Vec<_>>()
    };
    let many = Change::Assignments { put: put(1..301, 0), end: Vec::new() };
    store.commit_event(event(2, many, vec![])).await.unwrap();
    assert_eq!(store.audit(None, 1_000).await.unwrap().len(), 300);
    let change =
        |end| Change::Assignments { put: put(300..302, 7), end: vec![(AssignmentId(end), entry(end))] };
    // One that isn't there, and nothing of it happens.
    let refused = store.commit_event(event(3, change(900), vec![])).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().assignments.len(), 300);
    store.commit_event(event(3, change(1), vec![])).await.unwrap();
    let store = reopen(store, open).await;
    let state = store.load().await.unwrap();
    assert_eq!(state.subjects.into_values().collect::<Vec<_>>(), [subject("Pay and staff")]);
    let expected = (2..300).map(|n| numbered(n, 0)).chain([numbered(300, 7), numbered(301, 7)]);
    assert_eq!(state.assignments.into_values().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let remove = || event(4, Change::RemoveSubject("Heroma".into()), vec![]);
    store.commit_event(remove()).await.unwrap();
    assert!(matches!(store.commit_event(remove()).await, Err(StoreError::NotFound(_))));
    assert!(store.load().await.unwrap().subjects.is_empty());
}

async fn a_refused_event_leaves_nothing(open: Open<'_>) {
    let store = open().await;
    let generation = store.load().await.unwrap().generation;
    let refused = Event {
        at: at(1),
        change: Change::Revoke(AssignmentId(9)),
        notices: vec![notice("revoked/9", 3)],
        audit: Some(audit_entry(1, "assignment 9")),
    };
    assert!(matches!(store.commit_event(refused).await, Err(StoreError::NotFound(_))));
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().generation, generation);
    assert!(store.audit(None, 10).await.unwrap().is_empty());
    assert!(
        store.messages(MessageFilter { limit: 10, ..MessageFilter::default() }).await.unwrap().is_empty()
    );
    assert_eq!(
        (store.next_due(&ChannelName::mail()).await.unwrap(), store.queue_counts().await.unwrap()),
        (None, BTreeMap::new())
    );
}

async fn numbers_are_never_handed_out_twice(open: Open<'_>) {
    let mut store = open().await;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let tasks = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.allocate(Sequence::Outage).await.unwrap() })
        });
        for task in tasks.collect::<Vec<_>>() {
            let number = task.await.unwrap();
            assert!(number > 0 && seen.insert(number), "{number} came twice");
        }
        assert!(store.allocate(Sequence::Run).await.unwrap() <= 3, "each sequence by itself");
        store = reopen(store, open).await;
    }
    let told = async |minute| {
        store.commit_event(tell(minute, vec![notice(&minute.to_string(), 1)])).await.unwrap().notices[0]
    };
    assert!(told(1).await < told(2).await);
}

async fn history_is_listed_newest_first(open: Open<'_>) {
    let store = open().await;
    // "main" begins like "main2", and has more runs.
    for (id, directory) in [(1, "main"), (2, "main2"), (3, "main"), (4, "other"), (5, "main")] {
        store.commit_run(record(run(id, directory, Outcome::Unchanged)), Some(cursor(id))).await.unwrap();
    }
    for id in 1..4 {
        store
            .commit_event(Event {
                audit: Some(audit_entry(10 - id, &format!("{id}"))),
                ..event(1, Change::Outage(outage(id as u64)), vec![])
            })
            .await
            .unwrap();
    }
    let over = outage(2).update("", Some(OutageState::Resolved), Actor::System, at(3)).unwrap();
    store.commit_event(event(3, Change::Outage(over), vec![])).await.unwrap();
    let store = reopen(store, open).await;
    let runs = async |directory: Option<&str>, limit| {
        let runs = store.runs(directory.map(Into::into), limit).await.unwrap();
        runs.iter().map(|r| r.id.0).collect::<Vec<_>>()
    };
    assert_eq!(runs(None, 10).await, [5, 4, 3, 2, 1]);
    assert_eq!(runs(None, 2).await, [5, 4]);
    assert_eq!(runs(Some("main"), 10).await, [5, 3, 1]);
    assert_eq!(runs(Some("main"), 2).await, [5, 3]);
    assert_eq!(runs(Some("main2"), 10).await, [2]);
    assert!(runs(Some("ma"), 10).await.is_empty());
    let outages = async |open_only, limit| {
        store.outages(limit, open_only).await.unwrap().iter().map(|o| o.id.0).collect::<Vec<_>>()
    };
    assert_eq!(
        (outages(false, 10).await, outages(true, 10).await, outages(true, 1).await),
        (vec![3, 2, 1], vec![3, 1], vec![3])
    );
    let audit = async |since: Option<i64>, limit| {
        store
            .audit(since.map(at), limit)
            .await
            .unwrap()
            .iter()
            .map(|e| e.object.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(audit(None, 10).await, ["1", "2", "3"]);
    assert_eq!(audit(None, 2).await, ["1", "2"]);
    assert_eq!(audit(Some(8), 10).await, ["1", "2"]);
}

async fn old_history_goes_and_the_rest_stays(open: Open<'_>) {
    let store = open().await;
    for id in 1..=250 {
        store
            .commit_run(record(run(id, if id == 7 { "quiet" } else { "main" }, Outcome::Unchanged)), None)
            .await
            .unwrap();
    }
    let waits = HeldRun { directory: "quiet".into(), ..held(7) };
    let still = RunRecord { held: Some(waits), ..record(run(300, "quiet", Outcome::Unchanged)) };
    store.commit_run(still, None).await.unwrap();
    store
        .commit_event(Event {
            audit: Some(audit_entry(0, "old")),
            ..tell(0, vec![notice("old", 150), notice("half", 2)])
        })
        .await
        .unwrap();
    let claimed = claim(&store, 1, 2, 151).await;
    store
        .record_attempts(claimed.iter().map(|c| attempt(&c.message, 2, MessageState::Sent)).collect())
        .await
        .unwrap();
    let hour = TimeDelta::minutes(60);
    let keep = Retention { runs: hour, messages: hour, steps: hour, past: hour };
    assert_eq!(store.prune(at(30), keep).await.unwrap(), Pruned::default());
    // Runs 1 to 250 ended within 251 minutes; the last of each directory stays, and the held one.
    let pruned = store.prune(at(400), keep).await.unwrap();
    assert_eq!(
        pruned,
        Pruned {
            runs: 248,
            messages: 151,
            notices: 1,
            undoable: 0,
            contact_changes: 0,
            past: 0,
            climbs: 0,
            paces: 0,
            gatherings: 0
        }
    );
    let store = reopen(store, open).await;
    let runs: Vec<_> = store.runs(None, 1000).await.unwrap().iter().map(|r| r.id.0).collect();
    assert_eq!(runs, [300, 250, 7]);
    let left: Vec<_> =
        store.messages(MessageFilter { limit: 1000, ..MessageFilter::default() }).await.unwrap();
    assert_eq!(
        left.iter().map(|l| (l.message.id.0, &*l.notice.event.0)).collect::<Vec<_>>(),
        [(152, "half")]
    );
    assert_eq!(store.audit(None, 10).await.unwrap().len(), 1);
    assert_eq!(store.prune(at(400), keep).await.unwrap(), Pruned::default());
    // The event was forgotten with its notice; the other one is still known.
    let again = store.commit_event(tell(401, vec![notice("old", 1), notice("half", 1)])).await.unwrap();
    assert_eq!(again.messages, 1);
}
