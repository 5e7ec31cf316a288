//! Several nodes on one database: who leads, what each learns of the others, and what becomes of the one that dies.

use std::io::Write;
use std::time::Duration;

use budkavle::domain::absence::{Absence, Origin};
use budkavle::domain::alert::Health;
use budkavle::domain::audit::Actor;
use budkavle::domain::directory::Directory;
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::ids::{AbsenceId, ChannelName, Generation, RunId, UserId};
use budkavle::domain::notice::{MessageState, NewNotice};
use budkavle::domain::run::Outcome;
use budkavle::store::{BrokenChannel, Change, RunRecord, State, Store, StoreError, Tidings};
use futures_util::future::join_all;

use super::silence::Middle;
use super::{Database, SERVER};
use crate::store_samples::*;

/// A node that is dead is noticed within this, with what it takes a young one to believe it.
const TAKEOVER: Duration = Duration::from_secs(30);

/// Looks again and again until something is so.
pub async fn comes(what: &str, is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(TAKEOVER, looking).await;
    came.unwrap_or_else(|_| panic!("within {TAKEOVER:?} it didn't come to {what}"));
}

/// Waits until a node hears something.
pub async fn hears(store: &Store, what: &str, wanted: impl Fn(&Tidings) -> bool) {
    let mut tidings = store.tidings().unwrap();
    let heard = tokio::time::timeout(TAKEOVER, tidings.wait_for(wanted)).await;
    heard.unwrap_or_else(|_| panic!("within {TAKEOVER:?} not heard: {what}")).unwrap();
}

fn unchanged(id: u64) -> RunRecord {
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
async fn what_was_read_under_a_lease_is_written_under_no_other() {
    let database = Database::new().await;
    let store = database.open("one").await;
    let lease = store.check_leads().unwrap();
    // While it read, another node led, and died: then it has the lease again.
    database.psql("UPDATE budkavle.lease SET epoch = epoch + 2").await;
    comes("the other lease", || store.check_leads().is_ok_and(|now| now != lease)).await;
    let read = |id, lease| RunRecord { lease, ..unchanged(id) };
    let refused = store.commit_run(read(1, lease), None).await;
    assert!(matches!(refused, Err(StoreError::NotLeading { .. })), "{refused:?}");
    store.commit_run(read(2, store.check_leads().unwrap()), None).await.unwrap();
}

#[tokio::test]
async fn who_knew_more_than_a_promoted_standby_forgets_it() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    one.commit_event(event(1, Change::Outage(outage(1)), vec![])).await.unwrap();
    let before = two.load().await.unwrap();
    one.commit_event(event(2, Change::Outage(outage(2)), vec![])).await.unwrap();
    let picture = two.catch_up(before).await.unwrap().state;
    assert_eq!(picture.open_outages.len(), 2);
    // The standby hadn't got the second one; as many others follow there.
    database
        .psql(
            "DELETE FROM budkavle.outages WHERE generation = 2; DELETE FROM budkavle.commits WHERE generation = 2; \
             UPDATE budkavle.numbers SET last = 1 WHERE name = 'generations'",
        )
        .await;
    let other = database.open("three").await;
    other.load().await.unwrap();
    other.commit_event(event(3, Change::Outage(outage(3)), vec![])).await.unwrap();
    let seen = async |picture: &State| {
        two.is_behind(picture.generation.unwrap(), picture.contacts_seen).await.unwrap()
    };
    assert!(seen(&picture).await, "though the number is the same");
    other.commit_event(event(4, Change::Outage(outage(4)), vec![])).await.unwrap();
    let caught = two.catch_up(picture).await.unwrap();
    assert!(caught.delta.is_none());
    assert_eq!(caught.state.open_outages.keys().map(|id| id.0).collect::<Vec<_>>(), [1, 3, 4]);
    assert!(!seen(&caught.state).await);
}

#[tokio::test]
async fn edits_on_two_nodes_come_one_after_the_other() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let opened = outage(1);
    let first = one.commit_event(event(1, Change::Outage(opened.clone()), vec![])).await.unwrap();
    assert_eq!(first.generation, Some(Generation(1)));
    // The other one hasn't seen that. What it does is something else, and so is done; but it stays behind until it has looked.
    let second =
        two.commit_event(event(2, Change::Outage(outage(2)), vec![notice("outage/2", 1)])).await.unwrap();
    assert_eq!((second.generation, second.messages), (None, 1));
    assert!(two.is_behind(Generation(0), None).await.unwrap());
    // The same outage is another matter.
    let known = opened.update("A disk.", None, Actor::System, at(1)).unwrap();
    one.commit_event(event(3, Change::Outage(known.clone()), vec![])).await.unwrap();
    let refused = two.commit_event(event(3, Change::Outage(known), vec![notice("outage/1/1", 1)])).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let caught = two.catch_up(State::default()).await.unwrap().state;
    assert_eq!((caught.open_outages.len(), caught.generation), (2, Some(Generation(3))));
    let third = two.commit_event(event(4, Change::Outage(outage(3)), vec![])).await.unwrap();
    assert_eq!(third.generation, Some(Generation(4)));
    let messages = one.queue_counts().await.unwrap();
    assert_eq!(messages.into_iter().collect::<Vec<_>>(), [(MessageState::Queued, 1)]);
}

#[tokio::test]
async fn what_another_has_changed_unseen_is_not_overwritten() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let away = |id, until| {
        Change::Absence(Absence {
            id: AbsenceId(id),
            user: UserId(guid(1, 1)),
            from: at(0),
            until: at(until),
            deputy: None,
            note: None,
            origin: Origin::ByHand,
        })
    };
    one.commit_event(event(1, away(1, 10), vec![])).await.unwrap();
    one.commit_event(event(1, away(2, 10), vec![])).await.unwrap();
    two.load().await.unwrap();
    one.commit_event(event(2, away(1, 20), vec![])).await.unwrap();
    one.commit_event(event(2, Change::RemoveAbsence(AbsenceId(2)), vec![])).await.unwrap();
    for stale in [away(1, 30), away(2, 30), Change::RemoveAbsence(AbsenceId(1))] {
        let refused = two.commit_event(event(3, stale, vec![notice("stale", 1)])).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert!(two.queue_counts().await.unwrap().is_empty(), "nor is anybody told of it");
    two.commit_event(event(3, away(3, 30), vec![])).await.unwrap();
    let seen = two.load().await.unwrap();
    assert_eq!(
        seen.absences.values().map(|a| (a.id.0, a.until)).collect::<Vec<_>>(),
        [(1, at(20)), (3, at(30))]
    );
    two.commit_event(event(4, away(1, 30), vec![])).await.unwrap();
}

#[tokio::test]
async fn a_sync_does_not_overwrite_what_another_has_decided_unseen() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let (first, second) = (organisation(3), organisation(4));
    let (delta, record, cursor) = sync_with_gone(1, &Directory::default(), &first, &AllGone::new());
    one.commit_sync(delta, record, cursor).await.unwrap();
    two.load().await.unwrap();
    // The other one notes something of the same directory while this one reads.
    let told = Change::Health("main".into(), Health { failures: 7, ..Health::new(at(2)) });
    two.commit_event(event(2, told, vec![])).await.unwrap();
    let read = || sync_with_gone(2, &first, &second, &AllGone::new());
    let (delta, record, cursor) = read();
    let refused = one.commit_sync(delta, record, cursor).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let seen = one.load().await.unwrap();
    assert_eq!(seen.directories[&"main".into()].health.as_ref().unwrap().failures, 7);
    assert_eq!(seen.directory.users.len(), first.users.len());
    let (delta, record, cursor) = read();
    one.commit_sync(delta, record, cursor).await.unwrap();
}

#[tokio::test]
async fn a_dead_nodes_messages_are_sent_by_another() {
    let database = Database::new().await;
    let middle = Middle::before(&database.settings("one")).await;
    let one =
        Store::open_postgres(middle.settings(database.settings("one")), super::clock()).await.unwrap().0;
    let two = database.open("two").await;
    let (mail, clock) = (ChannelName::mail(), super::clock());
    let lasting = NewNotice { expires: clock() + chrono::TimeDelta::hours(1), ..notice("a", 4) };
    one.commit_event(tell(0, vec![lasting])).await.unwrap();
    let life = one.life().unwrap();
    let until = clock() + chrono::TimeDelta::minutes(80);
    assert_eq!(one.claim_due(&mail, clock(), until, 3).await.unwrap().len(), 3);
    assert!(one.holds_claims(life));
    assert_eq!(two.claim_due(&mail, clock(), until, 9).await.unwrap().len(), 1);
    // It stays silent: a cut network. The other one takes it for dead, and finds the three by itself.
    middle.fall_silent();
    hears(&two, "freed messages", |tidings| tidings.freed == 3).await;
    let again = two.claim_due(&mail, clock(), until, 9).await.unwrap();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|claimed| claimed.message.attempts == 2));
    // Long before that it knew itself that nobody counts on it; back again, it has another life.
    assert_eq!(one.life(), None);
    middle.speak();
    comes("another life", || one.life().is_some()).await;
    assert!(!one.holds_claims(life) && two.life().is_some());
}

#[tokio::test]
async fn nodes_know_which_channels_work_for_nobody_from_others() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let broken = BrokenChannel { channel: ChannelName::mail(), since: at(1), reason: "535 5.7.8 no".into() };
    two.say_broken(vec![broken.clone()]);
    comes("what is broken", || one.others().iter().any(|node| node.broken == [broken.clone()])).await;
    assert!(two.others().iter().all(|node| &*node.name == "one" && node.broken.is_empty()));
    two.say_broken(Vec::new());
    comes("what works again", || one.others().iter().all(|node| node.broken.is_empty())).await;
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
        // Who knows nothing yet reads everything.
        let expected = (id > 1).then(|| sizes(&changed));
        assert_eq!(caught.delta.as_ref().map(sizes), expected, "sync {id}");
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
    let claim = async |store: &Store, max| {
        let claimed = store.claim_within(&mail, at(1), at(90), max, Some(30)).await;
        claimed.map(|(claimed, more_in)| (claimed.len(), more_in)).unwrap()
    };
    // Who finds nothing uses nothing up.
    for _ in 0..5 {
        assert_eq!(claim(&one, 7).await, (0, None));
    }
    one.commit_event(tell(0, vec![notice("many", 60)])).await.unwrap();
    assert_eq!(claim(&two, 4).await, (4, None));
    let asked = (0..10).flat_map(|_| [claim(&one, 7), claim(&two, 7)]);
    let claimed: usize = join_all(asked).await.into_iter().map(|(claimed, _)| claimed).sum();
    assert_eq!(claimed, 26);
    let (none, more_in) = claim(&one, 7).await;
    let more_in = more_in.unwrap().num_seconds();
    assert!(none == 0 && (1..60).contains(&more_in), "{more_in}");
    database.psql("UPDATE budkavle.begun SET at = at - interval '61 seconds'").await;
    assert_eq!(claim(&two, 7).await, (7, None));
    assert_eq!(two.claim_within(&mail, at(1), at(90), 1_000, None).await.unwrap().0.len(), 23);
}

#[tokio::test]
async fn an_outage_of_the_database_is_nobodys_death() {
    let database = Database::new().await;
    let one = database.open("one").await;
    let mail = ChannelName::mail();
    one.commit_event(tell(0, vec![notice("a", 2)])).await.unwrap();
    let life = one.life().unwrap();
    assert_eq!(one.claim_due(&mail, at(1), at(90), 2).await.unwrap().len(), 2);
    // All were silent for a minute, as no one was heard; then each says first that it lives.
    database.psql("UPDATE budkavle.nodes SET seen = seen - interval '1 minute'").await;
    let fresh = "SELECT count(*) FROM budkavle.nodes WHERE seen > clock_timestamp() - interval '5 s'";
    while database.psql(fresh).await == "0" {}
    assert!(one.holds_claims(life));
    assert_eq!(database.psql("SELECT count(*) FROM budkavle.nodes").await, "1");
    // Another one that starts has no claim to what this one sends, nor to what somebody dead does.
    let two = database.open("two").await;
    assert_eq!(two.release_claims(at(2)).await.unwrap(), 0);
    database.psql("UPDATE budkavle.nodes SET ended = true WHERE name = 'one'").await;
    assert_eq!(database.open("three").await.release_claims(at(2)).await.unwrap(), 0);
}

#[tokio::test]
async fn every_node_goes_by_the_clock_of_the_database() {
    let database = Database::new().await;
    let clock = super::clock();
    let days = |days| {
        let clock = super::clock();
        std::sync::Arc::new(move || clock() + chrono::TimeDelta::days(days)) as budkavle::store::Clock
    };
    let right = database.open("right").await;
    let ahead = Store::open_postgres(database.settings("ahead"), days(2)).await.unwrap().0;
    let behind = Store::open_postgres(database.settings("behind"), days(-2)).await.unwrap().0;
    let (mail, hour) = (ChannelName::mail(), chrono::TimeDelta::hours(1));
    let lasting = |event: &str, now| NewNotice { expires: now + hour, ..notice(event, 1) };
    let told = |at, event: &str| budkavle::store::Event { at, ..tell(0, vec![lasting(event, at)]) };
    right.commit_event(told(clock(), "right")).await.unwrap();
    right.commit_event(told(clock() + hour, "later")).await.unwrap();
    // What it takes for two days old, or for not due yet, is neither.
    let two_days_on = days(2)() + chrono::TimeDelta::minutes(1);
    let claimed = ahead.claim_due(&mail, two_days_on, two_days_on + hour, 9).await.unwrap();
    assert_eq!(claimed.iter().map(|c| &*c.notice.event.0).collect::<Vec<_>>(), ["right"]);
    assert!(right.claim_due(&mail, clock(), clock() + hour, 9).await.unwrap().is_empty());
    ahead.commit_event(told(days(2)(), "ahead")).await.unwrap();
    behind.commit_event(told(days(-2)(), "behind")).await.unwrap();
    // How far a clock is wrong is known to a few milliseconds.
    let soon = clock() + chrono::TimeDelta::minutes(1);
    let claimed = right.claim_due(&mail, soon, soon + hour, 9).await.unwrap();
    let mut events: Vec<_> = claimed.iter().map(|c| &*c.notice.event.0).collect();
    events.sort_unstable();
    assert_eq!(events, ["ahead", "behind"]);
    let due = ahead.next_due(&mail).await.unwrap().unwrap();
    assert!((due - days(2)() - hour).abs() < chrono::TimeDelta::minutes(1), "{due}");
    let states: Vec<_> = right.queue_counts().await.unwrap().into_iter().collect();
    assert_eq!(states, [(MessageState::Queued, 1), (MessageState::Sending, 3)]);
}

#[tokio::test]
async fn what_somebody_else_has_in_hand_is_not_waited_for_and_no_mail_is_torn_apart() {
    let database = Database::new().await;
    let store = database.open("one").await;
    let (mail, hour) = (ChannelName::mail(), chrono::TimeDelta::hours(1));
    let waits = |event: &str| NewNotice {
        held: (0..2).map(|n| (recipient(n).key(), at(60))).collect(),
        together: true,
        ..notice(event, 2)
    };
    for event in ["a", "b"] {
        store.commit_event(tell(1, vec![waits(event)])).await.unwrap();
    }
    // Another node has the second message to the first recipient in hand.
    let sessions = "budkavle elsewhere";
    let mut psql = SERVER.session(&database.name, sessions);
    psql.stdin
        .as_mut()
        .unwrap()
        .write_all(b"BEGIN; SELECT 1 FROM budkavle.messages WHERE id = 3 FOR UPDATE;\n")
        .unwrap();
    let holds = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{sessions}' AND state = 'idle in transaction' AND query LIKE 'SELECT 1 FROM budkavle%'"
    );
    let until = async |holding: &str| {
        let looking = async { while database.psql(&holds).await != holding {} };
        tokio::time::timeout(TAKEOVER, looking).await.expect("the other session does what it is told");
    };
    until("1").await;
    let claim = store.claim_due(&mail, at(60), at(60) + hour, 9);
    let claimed = tokio::time::timeout(Duration::from_secs(20), claim).await;
    let _ = psql.kill();
    let _ = psql.wait();
    let all = |claimed: Vec<budkavle::store::Claimed>| {
        claimed
            .iter()
            .map(|c| (c.message.id.0, c.with.iter().map(|c| c.message.id.0).collect()))
            .collect::<Vec<_>>()
    };
    let claimed = all(claimed.expect("it waits for nobody").unwrap());
    assert_eq!(claimed, [(2, vec![4])]);
    until("0").await;
    let rest = all(store.claim_due(&mail, at(60), at(60) + hour, 9).await.unwrap());
    assert_eq!(rest, [(1, vec![3])]);
}

#[tokio::test]
async fn who_lost_its_name_takes_no_part() {
    let database = Database::new().await;
    let first = database.open("one").await;
    let second = database.open("one").await;
    comes("the first one's leave", || first.life().is_none()).await;
    let mail = ChannelName::mail();
    for refused in [
        first.commit_event(event(1, Change::Outage(outage(1)), vec![])).await.map(drop),
        first.claim_due(&mail, at(1), at(9), 9).await.map(drop),
        first.allocate(budkavle::store::Sequence::Run).await.map(drop),
    ] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("another node has the name one"), "{refused}");
    }
    assert!(second.life().is_some() && second.leads() && !first.leads());
    second.commit_event(event(1, Change::Outage(outage(1)), vec![])).await.unwrap();
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

#[tokio::test]
async fn others_hear_of_a_commit_before_they_look() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let listening = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND query LIKE 'LISTEN%'",
        database.name
    );
    while database.psql(&listening).await != "2" {}
    let commits = async |numbers: std::ops::RangeInclusive<u64>| {
        for n in numbers {
            one.commit_event(event(1, Change::Outage(outage(n)), vec![])).await.unwrap();
            hears(&two, "the commit", |tidings| tidings.generation == n).await;
        }
    };
    // By looking alone, each would take one and a half second.
    let heard = tokio::time::timeout(TAKEOVER, commits(1..=60)).await;
    heard.expect("it is heard of at once");
    // Where nobody can be told, they look all the same.
    database.psql("REVOKE EXECUTE ON FUNCTION pg_notify FROM PUBLIC").await;
    commits(61..=62).await;
}
