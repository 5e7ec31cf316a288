//! What others tell of incidents, as every store keeps it.

use budkavle::domain::intake::heartbeat::Beat;
use budkavle::domain::intake::{Changes, Followed, Over, Pace, TakenFeed, Teller};
use budkavle::domain::outage::Severity;

use super::*;

fn followed(key: &str) -> Followed {
    Followed {
        teller: Teller::Feed("cloud".into()),
        key: key.into(),
        outage: Some(OutageId(1)),
        said: u64::MAX,
        severity: Some(Severity::Major),
        missing: None,
        misses: 0,
        pace: Pace::default(),
        over: None,
    }
}

pub async fn what_others_tell_is_kept_with_the_outage_that_it_makes(open: Open<'_>) {
    let store = open().await;
    let told = Changes::following(followed("a"));
    let opened = Change::OutageTold(outage(1), Box::new(told.clone()));
    let done = store.commit_event(event(1, opened.clone(), vec![notice("outage/1/0", 2)])).await.unwrap();
    assert_eq!((done.messages, done.generation.is_some()), (2, true));
    // What is refused leaves nothing of what was told, either.
    let other = Change::OutageTold(outage(1), Box::new(Changes::following(followed("b"))));
    let refused = store.commit_event(event(2, other, vec![])).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let twice = Change::OutageTold(outage(2), Box::new(told.clone()));
    let refused = store.commit_event(event(2, twice, vec![])).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "another node has opened it: {refused:?}");

    let feed = TakenFeed {
        name: "cloud".into(),
        taken: at(2),
        terms: 7,
        etag: Some("\"1\"".into()),
        modified: None,
        entries: 2,
    };
    let ended = Followed { over: Some(Over::Told), teller: Teller::Alertmanager, ..followed("a") };
    let beat = Beat { name: "backup".into(), since: at(1), last: None, outage: None, spared: Some(at(3)) };
    let more = Changes {
        feeds: vec![(feed.name.clone(), Some(feed.clone()))],
        followed: vec![(Teller::Alertmanager, "a".into(), Some(ended.clone()))],
        beats: vec![(beat.name.clone(), Some(beat.clone()))],
    };
    let noted = store.commit_event(event(3, Change::Intake(Box::new(more.clone())), vec![])).await.unwrap();
    assert!(noted.generation > done.generation, "the other nodes hear of it");
    let store = reopen(store, open).await;
    let state = store.load().await.unwrap();
    let mut expected = budkavle::domain::intake::Intake::default();
    expected.apply(told);
    expected.apply(more);
    assert_eq!((&state.intake, state.open_outages.len()), (&expected, 1));

    let gone = Changes {
        feeds: vec![("cloud".into(), None)],
        followed: vec![
            (Teller::Feed("cloud".into()), "a".into(), None),
            (Teller::Alertmanager, "a".into(), None),
        ],
        beats: vec![("backup".into(), None), ("never".into(), None)],
    };
    store.commit_event(event(4, Change::Intake(Box::new(gone)), vec![])).await.unwrap();
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().intake, Default::default());
}
