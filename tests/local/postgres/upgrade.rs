//! A node of another version of the program on the same tables beside one of today: each goes on, knows of the other and keeps to the lease. What it does is the SQL of
//! that program. And tables of before, which are brought forward.

use budkavle::domain::ids::{ChannelName, Generation};
use budkavle::domain::run::Outcome;
use budkavle::store::{Change, State, StoreError};

use super::Database;
use super::nodes::hears;
use crate::store_samples::*;

/// Where the tables of an older version are to be, made by a program that knows no others.
const BEFORE: &str = "CREATE SCHEMA budkavle AUTHORIZATION budkavle; SET ROLE budkavle; SET search_path = budkavle; \
    CREATE TABLE budkavle_meta (one boolean PRIMARY KEY DEFAULT true CHECK (one), program text NOT NULL, schema integer NOT NULL, \
    oldest integer NOT NULL, instance bigint NOT NULL); INSERT INTO budkavle_meta (program, schema, oldest, instance) VALUES ('budkavle', VERSION, VERSION, 4711);";
const STEPS: [&str; 4] = [
    include_str!("../../../src/store/postgres/schema/1.sql"),
    include_str!("../../../src/store/postgres/schema/2.sql"),
    include_str!("../../../src/store/postgres/schema/3.sql"),
    include_str!("../../../src/store/postgres/schema/4.sql"),
];
const NUMBERS: &str =
    "INSERT INTO numbers (which, name, last) SELECT n, 'number ' || n, 0 FROM generate_series(0, 9) AS n;";
const ENTERS: &str = "INSERT INTO nodes (name, version, schema, clock_ahead_ms, sessions) VALUES ('old', '0.0.9', 4, 0, 'budkavle old 1');";
const BEATS: &str = "SET search_path = budkavle; \
    UPDATE nodes SET seen = clock_timestamp(), generation = 0, clock_ahead_ms = 0 WHERE name = 'old' AND NOT ended; \
    UPDATE lease SET epoch = CASE WHEN holder = n.id THEN epoch ELSE epoch + 1 END, holder = n.id, \
    expires = clock_timestamp() + make_interval(secs => 6) FROM nodes n WHERE n.name = 'old' AND NOT n.ended \
    AND (holder = n.id OR expires < clock_timestamp());";
/// The outages are there no longer.
const COMMITS: &str = "SET search_path = budkavle; BEGIN; SELECT 1 FROM numbers ORDER BY which FOR UPDATE; \
    UPDATE numbers SET last = last + 1 WHERE which = 8; \
    INSERT INTO removed (key, generation) SELECT key, (SELECT last FROM numbers WHERE which = 8) FROM outages; DELETE FROM outages; \
    INSERT INTO commits (token, generation) SELECT 4711, last FROM numbers WHERE which = 8; COMMIT;";

/// Makes the tables as they were in a version.
async fn make(database: &Database, version: usize) {
    let (before, steps) = (BEFORE.replace("VERSION", &version.to_string()), STEPS[..version].join(" "));
    database.psql(&format!("{before} {steps} {NUMBERS}")).await;
}

#[tokio::test]
async fn tables_of_before_are_brought_forward_by_two_at_once() {
    let database = Database::new().await;
    make(&database, 3).await;
    let (one, two) = tokio::join!(database.open("one"), database.open("two"));
    assert_eq!((one.instance(), two.instance()), (4711, 4711));
    // A program that knows only those of before can't read today's records, and stays out.
    let versions = "SELECT schema || ' ' || oldest FROM budkavle.budkavle_meta";
    assert_eq!(database.psql(versions).await, "4 4");
    assert_eq!(one.standing().unwrap().nodes.iter().filter(|node| node.leads).count(), 1);
}

#[tokio::test]
async fn a_node_of_a_neighbouring_version_works_beside_one_of_today() {
    let database = Database::new().await;
    make(&database, 4).await;
    database.psql(&format!("SET search_path = budkavle; {ENTERS}")).await;
    database.psql(BEATS).await;
    let beats = async {
        loop {
            database.psql(BEATS).await;
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        }
    };
    let works = async {
        // The other one has the lease and keeps it.
        let store = database.open("new").await;
        assert_eq!(store.instance(), 4711);
        let standing = store.standing().unwrap();
        let old = standing.nodes.iter().find(|node| &*node.name == "old").unwrap();
        assert!(old.alive && old.leads && &*old.version == "0.0.9" && !store.leads(), "{standing:?}");
        let refused = store.commit_run(record(run(1, "main", Outcome::Unchanged)), None).await;
        assert!(
            matches!(&refused, Err(StoreError::NotLeading { holder }) if holder.contains("old")),
            "{refused:?}"
        );
        // Each commits, and today's follows what the other has committed.
        let told = vec![notice("outage/1", 2)];
        store.commit_event(event(1, Change::Outage(outage(1)), told)).await.unwrap();
        let known = store.load().await.unwrap();
        assert_eq!(known.generation, Some(Generation(1)));
        database.psql(COMMITS).await;
        hears(&store, "what the other has committed", |tidings| tidings.generation == 2).await;
        assert!(store.is_behind(Generation(1), None).await.unwrap());
        let caught = store.catch_up(known).await.unwrap().state;
        assert_eq!((caught.generation, caught.open_outages.len()), (Some(Generation(2)), 0));
        store.commit_event(event(3, Change::Outage(outage(2)), vec![])).await.unwrap();
        assert_eq!(store.claim_due(&ChannelName::mail(), at(2), at(9), 9).await.unwrap().len(), 2);
        assert_eq!(store.catch_up(State::default()).await.unwrap().state.generation, Some(Generation(3)));
        store
    };
    let store = tokio::select! {
        store = works => store,
        _ = beats => unreachable!(),
    };
    // It is stopped, and not upgraded yet: today's takes over.
    database.psql("SET search_path = budkavle; UPDATE nodes SET ended = true WHERE name = 'old'").await;
    hears(&store, "the lease", |tidings| tidings.leads).await;
    store.load().await.unwrap();
    store.commit_run(record(run(1, "main", Outcome::Unchanged)), None).await.unwrap();
}
