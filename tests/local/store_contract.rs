//! What every store must do. The suite is a list of functions over "open the store": a second backend runs it unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use budkavle::domain::absence::Absence;
use budkavle::domain::audit::Actor;
use budkavle::domain::delta::apply;
use budkavle::domain::directory::{Directory, Quarantined};
use budkavle::domain::ids::{AbsenceId, AssignmentId, MessageId, NoticeId, OutageId, RunId, UserId};
use budkavle::domain::notice::{Message, MessageState};
use budkavle::domain::outage::State as OutageState;
use budkavle::domain::roles::{Assignment, Holder, Place};
use budkavle::domain::run::{HeldRun, Outcome};
use budkavle::store::{
    Attempt, Change, Claimed, Event, MessageFilter, MessageOrder, Pruned, Retention, RunRecord, Sequence,
    Store, StoreError,
};
use chrono::TimeDelta;

use crate::store_samples::*;

/// Opens the store of a test, again and again the same one.
type Open<'a> = &'a dyn Fn() -> Pin<Box<dyn Future<Output = Store> + 'a>>;

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
    };
}

suite! {
    a_new_store_is_empty,
    a_sync_is_there_as_a_whole_and_stays,
    a_large_sync_and_a_large_event_are_whole,
    a_sync_that_starts_from_other_data_is_refused,
    any_syncs_come_to_what_the_model_says,
    a_held_run_waits_for_one_word,
    an_outage_has_one_next_version,
    what_people_maintain_comes_and_goes,
    a_refused_event_leaves_nothing,
    an_event_is_told_once_and_to_each_address_once,
    a_message_is_claimed_by_one_at_a_time,
    many_claimers_share_without_overlap,
    an_attempt_counts_for_who_holds_the_claim,
    what_was_being_sent_at_the_end_is_free_at_the_start,
    what_expires_is_not_sent,
    an_operator_can_retry_and_cancel,
    messages_are_listed_by_state_and_notice,
    numbers_are_never_handed_out_twice,
    history_is_listed_newest_first,
    old_history_goes_and_the_rest_stays,
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
    assert_eq!(store.next_due(), None);
    assert_eq!(store.queue_counts(), BTreeMap::new());
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
    record.quarantined = vec![Quarantined { dn: "CN=?".into(), reason: "it has no name".into() }];
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
    assert_eq!(store.queue_counts(), BTreeMap::from([(MessageState::Queued, 3000)]));
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
    let (mut model, mut id) = (Directory::default(), 0);
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
            let (delta, record, cursor) = sync(id, &model, &next);
            assert_eq!(apply(&model, delta.delta()), next);
            store.commit_sync(delta, record, cursor).await.unwrap();
            model = next;
            if reopened {
                store = reopen(store, open).await;
            }
            assert_eq!(store.load().await.unwrap().directory, model, "after sync {id}");
        }
    }
}

fn held(run: u64) -> HeldRun {
    HeldRun {
        run: RunId(run),
        directory: main_directory(),
        since: at(1),
        reasons: vec![],
        objects: vec![guid(1, 1)],
        approved: None,
    }
}

async fn a_held_run_waits_for_one_word(open: Open<'_>) {
    let store = open().await;
    let held_run = run(1, "main", Outcome::Held { reasons: vec![], same_as: None });
    let record = RunRecord { held: Some(held(1)), ..record(held_run) };
    assert_eq!(record.health.held, Some(RunId(1)));
    store.commit_run(record, None).await.unwrap();
    let approved = HeldRun { approved: Some(Actor::System), ..held(1) };
    let word =
        |run, word| store.commit_event(event(2, Change::Held(main_directory(), RunId(run), word), vec![]));
    let refused = word(2, Some(approved.clone())).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    word(1, Some(approved.clone())).await.unwrap();
    assert_eq!(store.load().await.unwrap().directories[&main_directory()].held, Some(approved));
    word(1, None).await.unwrap();
    let state = store.load().await.unwrap();
    let main = &state.directories[&main_directory()];
    assert_eq!((&main.held, main.health.as_ref().unwrap().held), (&None, None));
    let refused = word(1, None).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
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
    assert_eq!((store.next_due(), store.queue_counts()), (None, BTreeMap::new()));
}

async fn an_event_is_told_once_and_to_each_address_once(open: Open<'_>) {
    let store = open().await;
    let mut twice = notice("outage/1/0", 3);
    twice.recipients.push(recipient(1));
    twice.recipients.push(budkavle::domain::notice::Recipient {
        mail: "SOREN2@kommun.example".parse().unwrap(),
        ..recipient(2)
    });
    let first =
        store.commit_event(tell(1, vec![twice.clone(), twice.clone(), notice("nobody", 0)])).await.unwrap();
    assert_eq!((first.generation, first.notices.len(), first.messages), (None, 2, 3));
    let store = reopen(store, open).await;
    let again = store.commit_event(tell(2, vec![twice, notice("outage/1/1", 1)])).await.unwrap();
    assert_eq!((again.notices.len(), again.messages), (1, 1));
    let listed = store.messages(MessageFilter { limit: 10, ..MessageFilter::default() }).await.unwrap();
    let addresses: Vec<_> =
        listed.iter().map(|l| (&*l.notice.event.0, l.message.recipient.mail.as_str())).collect();
    assert_eq!(
        addresses,
        [
            ("outage/1/1", "soren0@kommun.example"),
            ("outage/1/0", "soren2@kommun.example"),
            ("outage/1/0", "soren1@kommun.example"),
            ("outage/1/0", "soren0@kommun.example"),
        ]
    );
    let ids: BTreeSet<MessageId> = listed.iter().map(|l| l.message.id).collect();
    assert_eq!(ids.len(), 4);
}

async fn claim(store: &Store, now: i64, until: i64, max: usize) -> Vec<Claimed> {
    store.claim_due(at(now), at(until), max).await.unwrap()
}

fn ids(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|c| c.message.id.0).collect()
}

async fn a_message_is_claimed_by_one_at_a_time(open: Open<'_>) {
    let store = open().await;
    store.commit_event(tell(5, vec![notice("b", 2)])).await.unwrap();
    store.commit_event(tell(3, vec![notice("a", 2)])).await.unwrap();
    assert_eq!(store.next_due(), Some(at(3)));
    assert!(claim(&store, 2, 9, 10).await.is_empty());
    // The longest due first.
    let first = claim(&store, 6, 20, 3).await;
    assert_eq!(ids(&first), [3, 4, 1]);
    assert!(first.iter().all(|c| c.message.state == MessageState::Sending
        && c.message.attempts == 1
        && c.message.due == at(20)));
    assert_eq!(&*first[0].notice.event.0, "a");
    assert_eq!(ids(&claim(&store, 6, 21, 10).await), [2]);
    assert!(claim(&store, 19, 30, 10).await.is_empty());
    let store = reopen(store, open).await;
    assert!(claim(&store, 19, 30, 10).await.is_empty());
    assert_eq!(store.next_due(), Some(at(20)));
    // Whoever claimed the first three has died: at 20 they are free again.
    let again = claim(&store, 20, 40, 10).await;
    assert_eq!(ids(&again), [1, 3, 4]);
    assert!(again.iter().all(|c| c.message.attempts == 2));
    assert_eq!(store.queue_counts(), BTreeMap::from([(MessageState::Sending, 4)]));
}

async fn many_claimers_share_without_overlap(open: Open<'_>) {
    let store = open().await;
    store.commit_event(tell(0, vec![notice("many", 600)])).await.unwrap();
    let claimers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = claim(&store, 1, 30, 25).await;
                if claimed.is_empty() {
                    return mine;
                }
                let sent = claimed.iter().map(|c| attempt(&c.message, 2, MessageState::Sent)).collect();
                store.record_attempts(sent).await.unwrap();
                mine.extend(ids(&claimed));
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        all.extend(claimer.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, (1..=600).collect::<Vec<_>>());
    assert_eq!(reopen(store, open).await.queue_counts(), BTreeMap::from([(MessageState::Sent, 600)]));
}

fn attempt(message: &Message, minute: i64, state: MessageState) -> Attempt {
    let due = (state == MessageState::Deferred).then(|| at(minute + 10));
    let answer = format!("250 {state} at {minute}").into();
    Attempt { message: message.id, number: message.attempts, at: at(minute), state, answer, due }
}

async fn an_attempt_counts_for_who_holds_the_claim(open: Open<'_>) {
    use MessageState::{Deferred, Failed, Sending, Sent};
    let store = open().await;
    store.commit_event(tell(0, vec![notice("a", 1)])).await.unwrap();
    let record = |attempts| store.record_attempts(attempts);
    let state = async || store.message(MessageId(1)).await.unwrap().message.state;
    let claim_at = async |minute| claim(&store, minute, minute + 5, 1).await[0].message.clone();
    // Deferred: not due before its time.
    let first = claim_at(1).await;
    record(vec![attempt(&first, 2, Deferred)]).await.unwrap();
    assert_eq!((state().await, store.next_due()), (Deferred, Some(at(12))));
    assert!(claim(&store, 11, 20, 1).await.is_empty());
    // The claim of the second runs out, a third takes over: what the second says but "sent" doesn't count.
    let second = claim_at(12).await;
    let third = claim_at(17).await;
    record(vec![attempt(&second, 18, Deferred)]).await.unwrap();
    record(vec![attempt(&second, 18, Failed)]).await.unwrap();
    assert_eq!((state().await, store.next_due()), (Sending, Some(at(22))));
    record(vec![attempt(&second, 19, Sent)]).await.unwrap();
    assert_eq!((state().await, store.next_due()), (Sent, None));
    // What is at an end stays so, whoever says otherwise.
    for other in [Deferred, Failed] {
        record(vec![attempt(&third, 20, other)]).await.unwrap();
        assert_eq!(state().await, Sent);
    }
    record(vec![Attempt { message: MessageId(77), ..attempt(&third, 20, Sent) }]).await.unwrap();
    let detail = store.message(MessageId(1)).await.unwrap();
    assert_eq!((detail.message.answer.as_deref(), detail.message.attempts), (Some("250 sent at 19"), 3));
    let log: Vec<_> = detail.attempts.iter().map(|a| (a.state, a.at)).collect();
    assert_eq!(
        log,
        [
            (Deferred, at(2)),
            (Deferred, at(18)),
            (Failed, at(18)),
            (Sent, at(19)),
            (Deferred, at(20)),
            (Failed, at(20)),
        ]
    );
    assert_eq!([first, second, third].map(|m| m.attempts), [1, 2, 3]);
}

async fn what_was_being_sent_at_the_end_is_free_at_the_start(open: Open<'_>) {
    let store = open().await;
    store.commit_event(tell(0, vec![notice("a", 4)])).await.unwrap();
    let claimed = claim(&store, 1, 100, 3).await;
    store.record_attempts(vec![attempt(&claimed[0].message, 2, MessageState::Sent)]).await.unwrap();
    let store = reopen(store, open).await;
    assert_eq!(store.release_claims(at(5)).await.unwrap(), 2);
    assert_eq!(
        ids(&claim(&store, 5, 9, 10).await),
        [4, 2, 3],
        "the one that was never claimed is due the longest"
    );
    assert_eq!(store.release_claims(at(4)).await.unwrap(), 3);
    let detail = store.message(MessageId(2)).await.unwrap();
    assert_eq!(
        (detail.message.state, detail.message.due, detail.attempts.len()),
        (MessageState::Deferred, at(4), 2)
    );
    // Who was sending it all the while may still say that it arrived.
    store.record_attempts(vec![attempt(&claimed[1].message, 6, MessageState::Sent)]).await.unwrap();
    assert_eq!(store.message(MessageId(2)).await.unwrap().message.state, MessageState::Sent);
}

async fn what_expires_is_not_sent(open: Open<'_>) {
    let store = open().await;
    let brief = budkavle::domain::notice::NewNotice { expires: at(10), ..notice("brief", 2) };
    store.commit_event(tell(0, vec![brief, notice("long", 1)])).await.unwrap();
    assert_eq!(ids(&claim(&store, 9, 12, 1).await), [1]);
    // Of the two that have expired one was being sent: its claim has run out, too.
    assert_eq!(ids(&claim(&store, 12, 20, 10).await), [3]);
    let counts = BTreeMap::from([(MessageState::Sending, 1), (MessageState::Expired, 2)]);
    assert_eq!(store.queue_counts(), counts);
    let store = reopen(store, open).await;
    assert_eq!(store.queue_counts(), counts);
    let detail = store.message(MessageId(2)).await.unwrap();
    assert_eq!((detail.message.attempts, detail.attempts.len()), (0, 1));
    assert!(detail.message.answer.unwrap().contains("not accepted by 2026-07-06 08:10"));
}

async fn an_operator_can_retry_and_cancel(open: Open<'_>) {
    let store = open().await;
    let lives = TimeDelta::minutes(30);
    let brief = budkavle::domain::notice::NewNotice { expires: at(10), ..notice("brief", 3) };
    store.commit_event(tell(0, vec![brief])).await.unwrap();
    let claimed = claim(&store, 1, 5, 1).await;
    let order = |id, order, minute| {
        store.order_message(
            MessageId(id),
            order,
            at(minute),
            Some(audit_entry(minute, &format!("message {id}"))),
        )
    };
    let retry = MessageOrder::Retry { lives };
    assert!(matches!(order(1, retry, 2).await, Err(StoreError::NotNow(_))), "it is being sent");
    store.record_attempts(vec![attempt(&claimed[0].message, 2, MessageState::Sent)]).await.unwrap();
    let refused = order(1, retry, 3).await.unwrap_err().to_string();
    assert!(refused.contains("message 1 is sent since 2026-07-06 08:02"), "{refused}");
    assert!(matches!(order(1, MessageOrder::Cancel, 3).await, Err(StoreError::NotNow(_))));
    assert!(matches!(order(9, retry, 3).await, Err(StoreError::NotFound(_))));
    assert_eq!(order(2, MessageOrder::Cancel, 3).await.unwrap().state, MessageState::Cancelled);
    assert!(claim(&store, 12, 15, 10).await.is_empty(), "number 3 has expired");
    assert_eq!(order(3, retry, 20).await.unwrap().state, MessageState::Queued);
    assert_eq!(order(2, retry, 21).await.unwrap().due, at(21));
    let store = reopen(store, open).await;
    assert_eq!(ids(&claim(&store, 50, 60, 10).await), [3, 2], "they live until 51");
    let objects: Vec<_> = store.audit(None, 10).await.unwrap().into_iter().map(|e| e.object).collect();
    assert_eq!(
        objects.iter().map(|o| &**o).collect::<Vec<_>>(),
        ["message 2", "message 3", "message 2"],
        "refusals leave no entry"
    );
}

async fn messages_are_listed_by_state_and_notice(open: Open<'_>) {
    use MessageState::{Queued, Sending, Sent};
    let store = open().await;
    let told = store.commit_event(tell(0, vec![notice("a", 3), notice("b", 2)])).await.unwrap();
    let claimed = claim(&store, 1, 9, 2).await;
    store.record_attempts(vec![attempt(&claimed[0].message, 2, Sent)]).await.unwrap();
    let list = async |states: &[MessageState], notice: Option<NoticeId>, limit| {
        let listed = store.messages(MessageFilter { states: states.to_vec(), notice, limit }).await.unwrap();
        listed.iter().map(|l| l.message.id.0).collect::<Vec<_>>()
    };
    assert_eq!(list(&[], None, 10).await, [5, 4, 3, 2, 1]);
    assert_eq!(list(&[], None, 2).await, [5, 4]);
    assert_eq!(list(&[Queued], None, 2).await, [5, 4]);
    assert_eq!(list(&[Sending, Sent], None, 10).await, [2, 1]);
    assert_eq!(list(&[Sending], None, 10).await, [2]);
    assert_eq!(list(&[], Some(told.notices[0]), 10).await, [3, 2, 1]);
    assert_eq!(list(&[Queued], Some(told.notices[0]), 10).await, [3]);
    assert!(list(&[], Some(NoticeId(99)), 10).await.is_empty());
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
    let keep = Retention { runs: TimeDelta::minutes(60), messages: TimeDelta::minutes(60) };
    assert_eq!(store.prune(at(30), keep).await.unwrap(), Pruned::default());
    // Runs 1 to 250 ended within 251 minutes; the last of each directory stays, and the held one.
    let pruned = store.prune(at(400), keep).await.unwrap();
    assert_eq!(pruned, Pruned { runs: 248, messages: 151, notices: 1 });
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
