//! What a store keeps of the runs of a directory: what it takes to undo them, what is gone, what waits for a word.

use budkavle::domain::audit::Actor;
use budkavle::domain::delta::apply;
use budkavle::domain::directory::Directory;
use budkavle::domain::gone::{self, AllGone};
use budkavle::domain::ids::RunId;
use budkavle::domain::run::{HeldRun, Outcome};
use budkavle::domain::undo::{Veto, reverse};
use budkavle::store::{Change, Pruned, Retention, RunRecord, Store, StoreError};
use chrono::TimeDelta;

use super::{Open, reopen};
use crate::store_samples::*;

pub async fn a_run_can_be_undone_until_its_objects_are_pruned(open: Open<'_>) {
    let store = open().await;
    // More than go into one record.
    let states = [organisation(500), organisation(700), organisation(650), organisation(649)];
    let mut before = Directory::default();
    for (id, after) in (1..).zip(&states) {
        let (delta, record, cursor) = sync(id, &before, after);
        store.commit_sync(delta, record, cursor).await.unwrap();
        before = after.clone();
    }
    let store = reopen(store, open).await;
    for (id, pair) in (2..).zip(states.windows(2)) {
        let steps = store.steps(RunId(id)).await.unwrap();
        let back = reverse(&steps, &pair[1]);
        assert_eq!((apply(&pair[1], &back.delta), back.skipped.len()), (pair[0].clone(), 0), "run {id}");
    }
    assert!(store.steps(RunId(99)).await.unwrap().is_empty());
    let (day, minute) = (TimeDelta::days(1), TimeDelta::minutes(1));
    let keep = Retention { runs: day, messages: day, steps: minute, past: minute };
    // Runs end 20 seconds after the minute of their number.
    assert_eq!(store.prune(at(3), keep).await.unwrap(), Pruned { undoable: 1, past: 1, ..Pruned::default() });
    let lengths = async |store: &Store| {
        let mut lengths = Vec::new();
        for id in 1..=4 {
            lengths.push(store.steps(RunId(id)).await.unwrap().len());
        }
        lengths
    };
    assert_eq!(lengths(&store).await, [0, 202, 52, 3]);
    // With the run its steps go, too.
    let keep = Retention { runs: minute, messages: day, steps: day, past: minute };
    assert_eq!(
        store.prune(at(60), keep).await.unwrap(),
        Pruned { runs: 3, undoable: 2, past: 3, ..Pruned::default() }
    );
    let store = reopen(store, open).await;
    assert_eq!(lengths(&store).await, [0, 0, 0, 3], "the last run stays");
}

pub async fn what_is_gone_is_kept_until_it_is_forgotten(open: Open<'_>) {
    let store = open().await;
    let (all, fewer) = (organisation(300), organisation(100));
    let mut gone = AllGone::new();
    for (id, before, after) in [(1, &Directory::default(), &all), (2, &all, &fewer)] {
        let (delta, record, cursor) = sync_with_gone(id, before, after, &gone);
        gone = gone::apply(&gone, &record.gone);
        store.commit_sync(delta, record, cursor).await.unwrap();
    }
    assert_eq!(gone.len(), 200);
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().gone, gone);
    // A run that starts from something else that is gone is refused as a whole.
    let (delta, record, cursor) = sync_with_gone(3, &fewer, &all, &AllGone::new());
    let wrong = RunRecord { gone: gone::expired(&gone, at(9)), ..record.clone() };
    store.commit_sync(delta, record, cursor).await.unwrap();
    store.commit_event(event(4, Change::Forget(wrong.gone.clone()), vec![])).await.unwrap();
    let again = store.commit_event(event(4, Change::Forget(wrong.gone), vec![])).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let store = reopen(store, open).await;
    let state = store.load().await.unwrap();
    assert_eq!((state.directory, state.gone.len()), (all, 0));
}

pub async fn a_veto_stays_until_a_run_comes_without_it(open: Open<'_>) {
    let store = open().await;
    let vetoes = vec![Veto { run: RunId(1), wishes: (0..2000).map(|n| guid(9, n)).collect() }];
    let audit = Some(audit_entry(1, "run 1"));
    let undo = RunRecord { vetoes: vetoes.clone(), audit, ..record(run(2, "main", Outcome::Unchanged)) };
    store.commit_run(undo, None).await.unwrap();
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().directories[&main_directory()].vetoes, vetoes);
    assert_eq!(&*store.audit(None, 10).await.unwrap()[0].object, "run 1");
    store.commit_run(record(run(3, "other", Outcome::Unchanged)), None).await.unwrap();
    assert_eq!(store.load().await.unwrap().directories[&main_directory()].vetoes, vetoes);
    store.commit_run(record(run(4, "main", Outcome::Unchanged)), None).await.unwrap();
    let store = reopen(store, open).await;
    assert!(store.load().await.unwrap().directories[&main_directory()].vetoes.is_empty());
}

pub fn held(run: u64) -> HeldRun {
    HeldRun {
        run: RunId(run),
        directory: main_directory(),
        since: at(1),
        reasons: vec![],
        objects: vec![guid(1, 1)],
        approved: None,
    }
}

pub async fn a_held_run_waits_for_one_word(open: Open<'_>) {
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
