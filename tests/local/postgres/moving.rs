//! Everything from the embedded store to a database, and back.

use budkavle::domain::directory::Directory;
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::ids::{ChannelName, MessageId};
use budkavle::domain::notice::MessageState;
use budkavle::store::{Attempt, Change, MessageFilter, Store, StoreError};
use chrono::{DateTime, Utc};

use super::{Database, clock};
use crate::store_samples::*;

/// What can be seen of a store.
async fn seen(store: &Store) -> String {
    let state = store.load().await.unwrap();
    let filter = MessageFilter { limit: 1_000, ..MessageFilter::default() };
    let messages = store.messages(filter).await.unwrap();
    let detail = store.message(MessageId(1)).await.unwrap();
    let runs = store.runs(None, 1_000).await.unwrap();
    let steps = store.steps(runs[0].id).await.unwrap();
    let past = store.past(DateTime::<Utc>::UNIX_EPOCH, state.generation.unwrap()).await.unwrap();
    let audit = store.audit(None, 1_000).await.unwrap();
    let counts = store.channel_counts().await.unwrap();
    format!(
        "{state:#?}{messages:?}{detail:?}{runs:?}{steps:?}{past:?}{audit:?}{counts:?}{}",
        store.instance()
    )
}

#[tokio::test]
async fn everything_moves_to_a_database_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let (sled, _) = Store::open_sled(settings(folder.path()), at(0)).await.unwrap();
    let (mut model, mut gone) = (Directory::default(), AllGone::new());
    for (id, size) in [(1, 6_000), (2, 5_500), (3, 5_600)] {
        let next = organisation(size);
        let (delta, record, cursor) = sync_with_gone(id, &model, &next, &gone);
        gone = gone::apply(&gone, &record.gone);
        sled.commit_sync(delta, record, cursor).await.unwrap();
        model = next;
    }
    sled.commit_event(event(4, Change::Outage(outage(1)), vec![notice("outage/1", 1_500)])).await.unwrap();
    let claimed = sled.claim_due(&ChannelName::mail(), at(5), at(90), 40).await.unwrap();
    let attempts = claimed.iter().map(|claimed| Attempt {
        message: claimed.message.id,
        number: 1,
        at: at(6),
        state: MessageState::Sent,
        answer: "250 2.0.0 \\ok\tthen\n\0".into(),
        due: None,
        alone: false,
    });
    sled.record_attempts(attempts.collect()).await.unwrap();
    let before = seen(&sled).await;
    let file = folder.path().join("everything.bkv");
    sled.backup(file.clone(), at(7)).await.unwrap();
    sled.close().await;

    let database = Database::new().await;
    let store = database.open("moving").await;
    let info = store.fill(file.clone()).await.unwrap();
    assert_eq!((info.counts["users"], info.counts["messages"]), (5_600, 1_500));
    store.close().await;
    let store = database.open("one").await;
    assert_eq!(seen(&store).await, before);
    // Once more is the same; something else isn't let in.
    store.fill(file).await.unwrap();
    let back = folder.path().join("back.bkv");
    assert!(!store.is_backup(back.clone()).await.unwrap());
    store.backup(back.clone(), at(8)).await.unwrap();
    assert!(store.is_backup(back.clone()).await.unwrap(), "it needn't be read again");
    store.commit_event(event(9, Change::Outage(outage(2)), vec![])).await.unwrap();
    assert!(!store.is_backup(back.clone()).await.unwrap());
    let refused = store.fill(back.clone()).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty { .. })), "{refused:?}");
    store.close().await;

    let other = tempfile::tempdir().unwrap();
    Store::restore_sled(settings(other.path()), back, false, at(9)).await.unwrap();
    let (sled, _) = Store::open_sled(settings(other.path()), at(9)).await.unwrap();
    let state = sled.load().await.unwrap();
    assert_eq!((&state.directory, &state.gone), (&model, &gone));
    assert_eq!(sled.message(MessageId(1)).await.unwrap().message.state, MessageState::Sent);
    assert!(!sled.steps(budkavle::domain::ids::RunId(2)).await.unwrap().is_empty());
}

/// A backup of an embedded store with so many users, made again and again.
async fn filled(folder: &std::path::Path, users: u32) -> (Store, std::path::PathBuf) {
    let (sled, _) = Store::open_sled(settings(folder), at(0)).await.unwrap();
    let (delta, record, cursor) = sync(1, &Directory::default(), &organisation(users));
    sled.commit_sync(delta, record, cursor).await.unwrap();
    let event = event(4, Change::Outage(outage(1)), vec![notice("outage/1", 12_000)]);
    sled.commit_event(event).await.unwrap();
    // The process that was sending ended: nobody may take these from one that moves everything.
    assert_eq!(sled.claim_due(&ChannelName::mail(), at(5), at(90), 3).await.unwrap().len(), 3);
    let file = folder.join("everything.bkv");
    sled.backup(file.clone(), at(7)).await.unwrap();
    (sled, file)
}

#[tokio::test]
async fn a_move_that_was_interrupted_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (sled, file) = filled(folder.path(), 6_000).await;
    let database = Database::new().await;
    let to_fill = async |settings| Store::open_postgres_to_fill(settings, clock()).await.unwrap();
    let store = to_fill(database.settings("moving")).await;
    let cut = tokio::spawn({
        let (store, file) = (store.clone(), file.clone());
        async move { store.fill(file).await }
    });
    let done = "SELECT coalesce(sum(done), 0) FROM budkavle.moving";
    while database.psql(done).await == "0" && !cut.is_finished() {}
    let ends = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}' AND usename = 'budkavle'",
        database.name
    );
    while !cut.is_finished() {
        database.psql(&ends).await;
    }
    let cut = cut.await.unwrap();
    assert!(cut.is_err(), "it was over before it was interrupted: {cut:?}");
    store.close().await;

    // Half of it is nothing to work with.
    let refused = Store::open_postgres(database.settings("one"), clock()).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("budkavle store migrate --from sled --to postgresql"), "{refused}");
    // What is there is not written again.
    let mark =
        "WITH m AS (UPDATE budkavle.users SET title = 'before' RETURNING 1) SELECT count(*) > 0 FROM m";
    assert_eq!(database.psql(mark).await, "t");
    let marked = "SELECT count(*) > 0 FROM budkavle.users WHERE title = 'before'";
    let store = to_fill(database.settings("moving")).await;
    let again = folder.path().join("again.bkv");
    sled.backup(again.clone(), at(8)).await.unwrap();
    assert_eq!(store.fill(again).await.unwrap().counts["messages"], 12_000);
    assert_eq!(database.psql(marked).await, "t");
    store.close().await;
    let store = database.open("one").await;
    assert_eq!(store.load().await.unwrap().directory, organisation(6_000));
    let counts = "SELECT sum(messages) FROM budkavle.message_counts";
    assert_eq!(database.psql(counts).await, "12000");
    sled.close().await;
}

#[tokio::test]
async fn a_move_of_something_else_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (sled, file) = filled(folder.path(), 50).await;
    let database = Database::new().await;
    let store = Store::open_postgres_to_fill(database.settings("moving"), clock()).await.unwrap();
    // As one leaves it that was interrupted.
    database
        .psql(
            "UPDATE budkavle.budkavle_meta SET program = 'budkavle, being filled'; \
             INSERT INTO budkavle.moving (source, done) VALUES ('another', 1); \
             INSERT INTO budkavle.users (key, record, generation) VALUES ('x', 'y', 0)",
        )
        .await;
    store.fill(file).await.unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM budkavle.users").await, "50");
    assert_eq!(database.psql("SELECT count(*) FROM budkavle.moving").await, "0");
    store.close().await;
    assert_eq!(database.open("one").await.load().await.unwrap().directory, organisation(50));
    sled.close().await;
}
