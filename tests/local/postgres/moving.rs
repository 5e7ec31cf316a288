//! Everything from the embedded store to a database, and back.

use budkavle::domain::directory::Directory;
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::ids::{ChannelName, MessageId};
use budkavle::domain::notice::MessageState;
use budkavle::store::{Attempt, Change, MessageFilter, Store, StoreError};
use chrono::{DateTime, Utc};

use super::Database;
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
    store.backup(back.clone(), at(8)).await.unwrap();
    store.commit_event(event(9, Change::Outage(outage(2)), vec![])).await.unwrap();
    let refused = store.fill(back.clone()).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty { .. })), "{refused:?}");
    store.close().await;

    let other = tempfile::tempdir().unwrap();
    Store::restore_sled(settings(other.path()), back, false, at(9)).await.unwrap();
    let (sled, _) = Store::open_sled(settings(other.path()), at(9)).await.unwrap();
    let state = sled.load().await.unwrap();
    assert_eq!((&state.directory, &state.gone), (&model, &gone));
    assert_eq!(sled.message(MessageId(1)).await.unwrap().message.state, MessageState::Sent);
    assert_eq!(sled.steps(budkavle::domain::ids::RunId(2)).await.unwrap().is_empty(), false);
}
