//! Who is told when: what is held for the morning, what asks to be taken on, who isn't told of what.

use std::collections::BTreeMap;

use budkavle::domain::climb::{Climb, End, Ladder, Reached, Rung};
use budkavle::domain::ids::{ChannelName, MessageId, NoticeId, OutageId, SilenceId, SubscriberId};
use budkavle::domain::notice::{About, EventKey, Facts, Hush, MessageState, NewNotice, OutageWord, Replaces};
use budkavle::domain::outage::inhibit::Held;
use budkavle::domain::outage::{Severity, State};
use budkavle::domain::silence::{Matcher, Silence};
use budkavle::domain::subscriber::{Standing, Subscriber};
use budkavle::store::{Change, Event, Retention, Sequence, StoreError};
use chrono::TimeDelta;

use super::{Open, claim, ids, reopen};
use crate::store_samples::*;

fn climb(name: &str) -> Climb {
    let told = Reached { name: name.into(), mail: None, user: None, rung: Rung::First, at: at(1) };
    Climb {
        thread: EventKey("t".into()),
        notice: NoticeId(0),
        about: "x".into(),
        severity: Severity::Major,
        ladder: Ladder::Units,
        asked: at(1),
        last: at(1),
        told: vec![told],
        exhausted: false,
        end: None,
    }
}

fn asking(event: &str, name: &str) -> NewNotice {
    NewNotice { thread: EventKey("t".into()), climb: Some(Box::new(climb(name))), ..notice(event, 1) }
}

pub async fn a_thread_asks_once_to_be_taken_on_and_no_more_once_somebody_has_it(open: Open<'_>) {
    let store = open().await;
    store.commit_event(tell(1, vec![asking("a", "Åsa")])).await.unwrap();
    let second = store.commit_event(tell(2, vec![asking("b", "Bo"), asking("b", "Bo")])).await.unwrap();
    let merged = second.climbs.first().unwrap();
    let names: Vec<&str> = merged.told.iter().map(|told| &*told.name).collect();
    assert_eq!((names, merged.notice, second.climbs.len()), (vec!["Åsa", "Bo"], NoticeId(2), 1));
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().climbs.values().next(), Some(merged));
    let taken = merged.clone().ended(End::Taken { by: "Bo".into(), at: at(3) });
    let event = |climb: Climb| Event { change: Change::Climb(Box::new(climb)), ..tell(3, vec![]) };
    store.commit_event(event(taken.clone())).await.unwrap();
    let third = store.commit_event(tell(4, vec![asking("c", "Li")])).await.unwrap();
    assert!(third.climbs.is_empty() && third.messages == 1);
    assert!(store.load().await.unwrap().climbs.is_empty());
    assert_eq!(store.climb(&taken.thread).await.unwrap(), Some(taken.clone()));
    let other = Climb { thread: EventKey("u".into()), ..taken.clone() };
    assert!(matches!(store.commit_event(event(other)).await, Err(StoreError::NotFound(_))));
    let hour = TimeDelta::minutes(60);
    let keep = Retention { runs: hour, messages: hour, steps: hour, past: hour };
    assert_eq!(store.prune(at(50), keep).await.unwrap().climbs, 0);
    assert_eq!(store.prune(at(400), keep).await.unwrap().climbs, 1);
    assert_eq!(store.climb(&taken.thread).await.unwrap(), None);
}

/// A word on an outage.
pub fn word(event: &str, outage: u64, recipients: u32, replaces: Replaces) -> NewNotice {
    let word = OutageWord {
        id: OutageId(outage),
        title: "x".into(),
        severity: Severity::Major,
        state: State::Investigating,
        services: vec![],
        dependent: vec![],
        units: vec![],
        updates: vec![],
        earlier: 0,
        plan: None,
        about: About::Word,
    };
    let thread = EventKey(format!("outage/{outage}/0").into());
    let facts = Facts::OutageWord(Box::new(word));
    NewNotice { thread, replaces, facts, ..notice(event, recipients) }
}

pub async fn what_waits_of_a_thread_is_replaced_whatever_it_is_called_and_is_forgotten_with_it(
    open: Open<'_>,
) {
    let store = open().await;
    let waits = |event: &str, replaces| NewNotice {
        held: BTreeMap::from([(recipient(0).key(), at(60))]),
        ..word(event, 1, 1, replaces)
    };
    let state = async |id| store.message(MessageId(id)).await.unwrap().message.state;
    store.commit_event(tell(1, vec![waits("outage/1/0", Replaces::Held)])).await.unwrap();
    store.commit_event(tell(2, vec![waits("outage/1/3/released/9", Replaces::Held)])).await.unwrap();
    assert_eq!([state(1).await, state(2).await], [MessageState::Cancelled, MessageState::Queued]);
    store.commit_event(tell(3, vec![waits("outage/1/1", Replaces::Nothing)])).await.unwrap();
    store.commit_event(tell(4, vec![word("outage/1/4", 1, 1, Replaces::Waiting)])).await.unwrap();
    let cancelled = [MessageState::Cancelled; 2];
    assert_eq!([state(2).await, state(3).await], cancelled);
    assert_eq!(state(4).await, MessageState::Queued);
    let thread = EventKey("outage/1/0".into());
    assert_eq!(store.thread(&thread).await.unwrap(), [1, 2, 3, 4].map(NoticeId));
    assert!(store.thread(&EventKey("outage/1".into())).await.unwrap().is_empty());
    let hour = TimeDelta::minutes(60);
    let keep = Retention { runs: hour, messages: hour, steps: hour, past: hour };
    store.prune(at(500), keep).await.unwrap();
    assert_eq!(store.thread(&thread).await.unwrap(), [NoticeId(4)], "it still waits");
}

pub async fn no_more_than_the_limit_go_to_a_recipient_within_an_hour_and_what_is_replaced_frees_its_turn(
    open: Open<'_>,
) {
    let store = open().await;
    let limited =
        |event: &str, outage| NewNotice { per_hour: Some(2), ..word(event, outage, 2, Replaces::Held) };
    let due = async |id| store.message(MessageId(id)).await.unwrap().message.due;
    for outage in 1..=4 {
        let event = format!("outage/{outage}/0");
        store.commit_event(tell(1, vec![limited(&event, outage)])).await.unwrap();
    }
    assert_eq!([due(1).await, due(3).await, due(5).await, due(7).await], [at(1), at(1), at(61), at(61)]);
    let store = reopen(store, open).await;
    let due = async |id| store.message(MessageId(id)).await.unwrap().message.due;
    store.commit_event(tell(2, vec![limited("outage/5/0", 5)])).await.unwrap();
    assert_eq!(due(9).await, at(121));
    // A later word on the third has the turn of the first.
    store.commit_event(tell(3, vec![limited("outage/3/1", 3)])).await.unwrap();
    assert_eq!(due(11).await, at(61));
    let critical = word("outage/6/0", 6, 2, Replaces::Held);
    store.commit_event(tell(4, vec![critical])).await.unwrap();
    assert_eq!(due(13).await, at(4));
    let hour = TimeDelta::minutes(60);
    let keep = Retention { runs: hour, messages: hour, steps: hour, past: hour };
    assert_eq!(store.prune(at(180), keep).await.unwrap().paces, 0);
    assert_eq!(store.prune(at(182), keep).await.unwrap().paces, 2);
}

pub async fn whoever_is_told_of_the_cause_is_not_told_of_what_waits_but_goes_on_with_what_they_heard(
    open: Open<'_>,
) {
    let store = open().await;
    let held = [(recipient(0).key(), at(60)), (recipient(2).key(), at(60))];
    let asks = Climb { thread: EventKey("outage/2/0".into()), ..climb("place") };
    let symptom = NewNotice {
        held: held.into(),
        climb: Some(Box::new(asks)),
        ..word("outage/2/0", 2, 4, Replaces::Held)
    };
    store.commit_event(tell(1, vec![symptom])).await.unwrap();
    // The second has heard of it; the fourth isn't told of the cause.
    assert_eq!(ids(&claim(&store, 2, 20, 1).await), [2]);
    let people = (0..3).map(|n| (recipient(n).mail.unwrap().key(), None)).collect();
    let thread = EventKey("outage/2/0".into());
    let hush = Hush { outage: OutageId(2), thread, by: OutageId(1), people };
    let cause = NewNotice { hushes: vec![hush], ..word("outage/1/0", 1, 3, Replaces::Nothing) };
    let committed = store.commit_event(tell(3, vec![cause])).await.unwrap();
    let state = async |id| store.message(MessageId(id)).await.unwrap().message.state;
    let states = [state(1).await, state(2).await, state(3).await, state(4).await];
    use MessageState::{Cancelled, Queued, Sending};
    assert_eq!(states, [Cancelled, Sending, Cancelled, Queued]);
    let mailboxes = [0, 2].map(|n| recipient(n).mail.unwrap().key()).into();
    let untold = Held { by: OutageId(1), mailboxes };
    assert_eq!(committed.inhibited, [(OutageId(2), Some(untold.clone()))]);
    let store = reopen(store, open).await;
    assert_eq!(store.load().await.unwrap().inhibited.get(&OutageId(2)), Some(&untold));
}

pub async fn what_is_held_leaves_later_and_the_next_word_takes_its_place(open: Open<'_>) {
    let store = open().await;
    let held = |event: &str| NewNotice {
        held: BTreeMap::from([(recipient(0).key(), at(60))]),
        ..word(event, 1, 2, Replaces::Held)
    };
    store.commit_event(tell(1, vec![held("outage/1/0")])).await.unwrap();
    let store = reopen(store, open).await;
    assert_eq!(ids(&claim(&store, 2, 20, 10).await), [2], "one of them sleeps");
    assert_eq!(store.next_due(&ChannelName::mail()).await.unwrap(), Some(at(20)));
    store.commit_event(tell(3, vec![held("outage/1/1")])).await.unwrap();
    let state = async |id| store.message(MessageId(id)).await.unwrap().message.state;
    assert_eq!(state(1).await, MessageState::Cancelled);
    // What is due, or was tried, isn't called off.
    assert_eq!(state(2).await, MessageState::Sending);
    assert_eq!(ids(&claim(&store, 4, 20, 10).await), [4]);
    assert_eq!(ids(&claim(&store, 60, 70, 10).await), [2, 4, 3]);
}

pub async fn silences_subscribers_and_who_is_not_told_come_and_go(open: Open<'_>) {
    let store = open().await;
    let event = |change| Event { change, ..tell(1, vec![]) };
    let by = budkavle::domain::audit::Actor::System;
    let id = SilenceId(store.allocate(Sequence::Silence).await.unwrap());
    let matcher = Matcher::default();
    let silence = Silence { id, matcher, from: at(1), until: at(2), why: "x".into(), by };
    let subscriber = Subscriber {
        id: SubscriberId(store.allocate(Sequence::Subscriber).await.unwrap()),
        mail: "out@x.example".parse().unwrap(),
        services: ["mail".into()].into(),
        severity: Severity::Minor,
        standing: Standing::Asked { at: at(1) },
    };
    let held = Held { by: OutageId(1), mailboxes: ["a@x.example".to_owned()].into() };
    store.commit_event(event(Change::Silence(Box::new(silence.clone())))).await.unwrap();
    store.commit_event(event(Change::Subscriber(Box::new(subscriber.clone())))).await.unwrap();
    let told = NewNotice { inhibited: Some((OutageId(2), Some(held.clone()))), ..notice("outage/2/0", 0) };
    let committed = store.commit_event(tell(2, vec![told])).await.unwrap();
    assert_eq!(committed.inhibited, [(OutageId(2), Some(held.clone()))]);
    let store = reopen(store, open).await;
    let state = store.load().await.unwrap();
    assert_eq!(state.silences.get(&id), Some(&silence));
    assert_eq!(state.subscribers.get(&subscriber.id), Some(&subscriber));
    assert_eq!(state.inhibited.get(&OutageId(2)), Some(&held));
    store.commit_event(event(Change::RemoveSilence(id))).await.unwrap();
    store.commit_event(event(Change::RemoveSubscriber(subscriber.id))).await.unwrap();
    store.commit_event(event(Change::Inhibited(OutageId(2), None))).await.unwrap();
    for gone in [Change::RemoveSilence(id), Change::RemoveSubscriber(subscriber.id)] {
        assert!(matches!(store.commit_event(event(gone)).await, Err(StoreError::NotFound(_))));
    }
    let state = store.load().await.unwrap();
    assert!(state.silences.is_empty() && state.subscribers.is_empty() && state.inhibited.is_empty());
}
