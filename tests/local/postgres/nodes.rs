//! Several nodes on one database: who leads, what each learns of the others, and what becomes of the one that dies.

use std::time::Duration;

use budkavle::domain::absence::{Absence, Origin};
use budkavle::domain::directory::Directory;
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::ids::{AbsenceId, ChannelName, Generation, RunId, UserId};
use budkavle::domain::notice::{MessageState, NewNotice};
use budkavle::domain::run::Outcome;
use budkavle::store::{Change, State, Store, StoreError, Tidings};
use futures_util::future::join_all;

use super::Database;
use crate::store_samples::*;

/// A node that is dead is noticed within this.
const TAKEOVER: Duration = Duration::from_secs(10);

async fn hears(store: &Store, what: &str, wanted: impl Fn(&Tidings) -> bool) {
    let mut tidings = store.tidings().unwrap();
    let heard = tokio::time::timeout(TAKEOVER, tidings.wait_for(wanted)).await;
    heard.unwrap_or_else(|_| panic!("within {TAKEOVER:?} not heard: {what}")).unwrap();
}

fn unchanged(id: u64) -> budkavle::store::RunRecord {
    record(run(id, "main", Outcome::Unchanged))
}

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let database = Database::new().await;
    let names: Vec<String> = (0..6).map(|n| format!("node{n}")).collect();
    let stores = join_all(names.iter().map(|name| database.open(name))).await;
    let instances: std::collections::BTreeSet<u64> = stores.iter().map(Store::instance).collect();
    assert_eq!(instances.len(), 1);
    assert_eq!(stores.iter().filter(|store| store.leads()).count(), 1);
    let standing = stores[0].standing().unwrap();
    assert!(
        standing.nodes.iter().all(|node| node.alive && node.clock_ahead_ms.abs() < 5_000),
        "{standing:?}"
    );
    join_all(stores.iter().map(Store::close)).await;
}

#[tokio::test]
async fn one_leads_and_another_takes_over_when_it_stops() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    assert!(one.leads() && !two.leads());
    let refused = two.commit_run(unchanged(1), None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "only one node syncs at a time, and that is the node one; ask that one, or wait until this node takes over"
    );
    one.commit_run(unchanged(1), None).await.unwrap();
    one.close().await;
    hears(&two, "the lease", |tidings| tidings.leads).await;
    two.load().await.unwrap();
    two.commit_run(unchanged(2), None).await.unwrap();
    assert_eq!(two.runs(None, 9).await.unwrap().len(), 2);
    two.close().await;
}

#[tokio::test]
async fn who_was_paused_cannot_commit() {
    let database = Database::new().await;
    let store = database.open("one").await;
    store.commit_run(unchanged(1), None).await.unwrap();
    // While it slept its lease ran out, and another has taken it.
    let epoch = store.standing().unwrap().epoch.unwrap();
    database
        .psql("UPDATE budkavle.lease SET holder = 999, epoch = epoch + 1, expires = clock_timestamp() + interval '1 minute'")
        .await;
    assert_eq!(store.standing().unwrap().epoch, Some(epoch), "it hasn't noticed yet");
    let (delta, record, cursor) = sync(2, &Directory::default(), &organisation(50));
    let refused = store.commit_sync(delta, record, cursor).await;
    assert!(matches!(refused, Err(StoreError::NotLeading { .. })), "{refused:?}");
    assert!(matches!(store.run(RunId(2)).await, Err(StoreError::NotFound(_))));
    assert!(store.load().await.unwrap().directory.users.is_empty());
    hears(&store, "that it leads no longer", |tidings| !tidings.leads).await;
    store.close().await;
}

#[tokio::test]
async fn what_was_decided_on_an_old_picture_is_refused() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    one.commit_event(event(1, Change::Outage(outage(1)), vec![])).await.unwrap();
    let late = || two.commit_event(event(2, Change::Outage(outage(2)), vec![notice("outage/2", 1)]));
    let refused = late().await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert!(two.is_behind(Generation(0), None).await.unwrap());
    assert_eq!(two.catch_up(State::default()).await.unwrap().state.open_outages.len(), 1);
    late().await.unwrap();
    let messages = one.queue_counts().await.unwrap();
    assert_eq!(messages.into_iter().collect::<Vec<_>>(), [(MessageState::Queued, 1)]);
}

#[tokio::test]
async fn a_dead_nodes_messages_are_sent_by_another() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let (mail, clock) = (ChannelName::mail(), super::clock());
    let lasting = NewNotice { expires: clock() + chrono::TimeDelta::hours(1), ..notice("a", 4) };
    one.commit_event(tell(0, vec![lasting])).await.unwrap();
    let claimed = clock();
    let until = claimed + chrono::TimeDelta::minutes(80);
    assert_eq!(one.claim_due(&mail, claimed, until, 3).await.unwrap().len(), 3);
    assert!(one.holds_claims(claimed, clock()));
    assert_eq!(two.claim_due(&mail, claimed, until, 9).await.unwrap().len(), 1);
    // It stays silent: a suspended machine, a cut network.
    database.psql("UPDATE budkavle.nodes SET seen = seen - interval '1 minute' WHERE name = 'one'").await;
    // The other one finds the three by itself once it isn't young any more.
    hears(&two, "freed messages", |tidings| tidings.freed == 3).await;
    let again = two.claim_due(&mail, clock(), until, 9).await.unwrap();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|claimed| claimed.message.attempts == 2));
    // Back from its sleep, it knows that what it has in hand isn't its own any more.
    let mut tidings = one.tidings().unwrap();
    while one.holds_claims(claimed, clock()) {
        let _ = tokio::time::timeout(Duration::from_millis(100), tidings.changed()).await;
    }
    assert!(two.holds_claims(clock(), clock()));
}

#[tokio::test]
async fn a_node_learns_what_others_commit_at_the_cost_of_what_changed() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let mut picture = two.load().await.unwrap();
    let (mut model, mut gone) = (Directory::default(), AllGone::new());
    for (id, size) in [(1, 300), (2, 250), (3, 400), (4, 1), (5, 300)] {
        let next = organisation(size);
        let (delta, record, cursor) = sync_with_gone(id, &model, &next, &gone);
        gone = gone::apply(&gone, &record.gone);
        let changed = delta.delta().clone();
        one.commit_sync(delta, record, cursor).await.unwrap();
        let away = Absence {
            id: AbsenceId(id % 3),
            user: UserId(guid(1, 1)),
            from: at(0),
            until: at(i64::try_from(id).unwrap()),
            deputy: None,
            note: None,
            origin: Origin::ByHand,
        };
        one.commit_event(event(1, Change::Absence(away), vec![])).await.unwrap();
        if id == 4 {
            one.commit_event(event(1, Change::RemoveAbsence(AbsenceId(0)), vec![])).await.unwrap();
        }
        let caught = two.catch_up(picture).await.unwrap();
        let sizes = |delta: &budkavle::domain::delta::Delta| {
            [&delta.users.added.len(), &delta.users.changed.len(), &delta.users.removed.len()].map(|n| *n)
        };
        assert_eq!(sizes(&caught.delta.unwrap()), sizes(&changed), "sync {id}");
        picture = caught.state;
        let whole = one.load().await.unwrap();
        assert_eq!(format!("{picture:#?}"), format!("{whole:#?}"), "sync {id}");
        assert!(!two.is_behind(picture.generation.unwrap(), picture.contacts_seen).await.unwrap());
        model = next;
    }
    // When it isn't known any more what was removed, everything is read.
    database.psql("UPDATE budkavle.removed_known SET since = 3; DELETE FROM budkavle.removed").await;
    let caught = two.catch_up(State { generation: Some(Generation(2)), ..State::default() }).await.unwrap();
    assert!(caught.delta.is_none());
    assert_eq!(format!("{:?}", caught.state), format!("{picture:?}"));
}

#[tokio::test]
async fn nodes_keep_a_limit_together() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let mail = ChannelName::mail();
    let asked = (0..10).flat_map(|_| [one.grant(&mail, Some(30), 7), two.grant(&mail, Some(30), 7)]);
    let granted: usize = join_all(asked).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(granted, 30);
    database.psql("UPDATE budkavle.begun SET at = at - interval '61 seconds'").await;
    assert_eq!(two.grant(&mail, Some(30), 7).await.unwrap(), 7);
    assert_eq!(two.grant(&mail, None, 1_000).await.unwrap(), 1_000);
}

#[tokio::test]
async fn the_tables_can_be_read_by_people() {
    let database = Database::new().await;
    let store = database.open("one").await;
    let (delta, record, cursor) = sync(1, &Directory::default(), &organisation(20));
    store.commit_sync(delta, record, cursor).await.unwrap();
    store.commit_event(event(1, Change::Outage(outage(1)), vec![notice("outage/1", 3)])).await.unwrap();
    store.claim_due(&ChannelName::mail(), at(1), at(9), 1).await.unwrap();
    for (sql, expected) in [
        ("SELECT count(*) FROM users u JOIN units n ON n.id = u.unit WHERE u.directory = 'main'", "20"),
        ("SELECT outcome || ' ' || (ended > started) FROM runs", "committed true"),
        (
            "SELECT state || ' ' || count(*) FROM messages GROUP BY state ORDER BY state",
            "queued 2\nsending 1",
        ),
        ("SELECT n.name FROM messages m JOIN nodes n ON n.id = m.node", "one"),
        (
            "SELECT severity || ' ' || state || ' ' || (ended IS NULL) FROM outages",
            "major investigating true",
        ),
        ("SELECT name || ' ' || failures FROM directories", "main 0"),
        ("SELECT name FROM nodes JOIN lease ON holder = id", "one"),
    ] {
        assert_eq!(database.psql(&format!("SET search_path = budkavle; {sql}")).await, expected, "{sql}");
    }
}
