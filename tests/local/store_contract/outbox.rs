//! The outbox: what is enqueued, claimed, recorded, ordered about and listed.

use std::collections::{BTreeMap, BTreeSet};

use budkavle::domain::ids::{ChannelName, MessageId, NoticeId};
use budkavle::domain::notice::{ContactSummary, Facts, Message, MessageState, NewNotice, Recipient};
use budkavle::store::{Attempt, Claimed, Listed, MessageFilter, MessageOrder, Store, StoreError};
use chrono::TimeDelta;

use super::{Open, reopen};
use crate::store_samples::*;

pub async fn an_event_is_told_once_and_to_each_address_once(open: Open<'_>) {
    let store = open().await;
    let mut twice = notice("outage/1/0", 3);
    twice.recipients.push(recipient(1));
    twice.recipients.push(Recipient { mail: "SOREN2@kommun.example".parse().ok(), ..recipient(2) });
    let first =
        store.commit_event(tell(1, vec![twice.clone(), twice.clone(), notice("nobody", 0)])).await.unwrap();
    assert_eq!((first.generation, first.notices.len(), first.messages), (None, 2, 3));
    let store = reopen(store, open).await;
    let again = store.commit_event(tell(2, vec![twice, notice("outage/1/1", 1)])).await.unwrap();
    assert_eq!((again.notices.len(), again.messages), (1, 1));
    let listed = store.messages(MessageFilter { limit: 10, ..MessageFilter::default() }).await.unwrap();
    let address = |l: &Listed| (l.notice.event.0.to_string(), l.message.recipient.to_string());
    let addresses: Vec<_> = listed.iter().map(address).collect();
    let addresses: Vec<_> = addresses.iter().map(|(event, to)| (&**event, &**to)).collect();
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

pub async fn claim(store: &Store, now: i64, until: i64, max: usize) -> Vec<Claimed> {
    store.claim_due(&ChannelName::mail(), at(now), at(until), max).await.unwrap()
}

pub fn ids(claimed: &[Claimed]) -> Vec<u64> {
    claimed.iter().map(|c| c.message.id.0).collect()
}

pub async fn a_message_is_claimed_by_one_at_a_time(open: Open<'_>) {
    let store = open().await;
    store.commit_event(tell(5, vec![notice("b", 2)])).await.unwrap();
    store.commit_event(tell(3, vec![notice("a", 2)])).await.unwrap();
    assert_eq!(store.next_due(&ChannelName::mail()).await.unwrap(), Some(at(3)));
    let store = reopen(store, open).await;
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
    assert_eq!(store.next_due(&ChannelName::mail()).await.unwrap(), Some(at(20)));
    // Whoever claimed the first three was too slow: at 20 they are free again.
    let again = claim(&store, 20, 40, 10).await;
    assert_eq!(ids(&again), [1, 3, 4]);
    assert!(again.iter().all(|c| c.message.attempts == 2));
    assert_eq!(store.queue_counts().await.unwrap(), BTreeMap::from([(MessageState::Sending, 4)]));
}

pub async fn the_urgent_goes_first_and_channels_do_not_mix(open: Open<'_>) {
    let store = open().await;
    let duties = |event: &str| {
        let summary = ContactSummary { since: at(0), people: 1, units: 1, users: 1, roles: vec![] };
        NewNotice { facts: Facts::ContactSummary(summary), ..notice(event, 2) }
    };
    let critical = || {
        let damage = "a page".into();
        let facts = Facts::StoreRebuilt { damage, export_from: None, aside: "/x".into() };
        NewNotice { facts, ..notice("critical", 2) }
    };
    let by = |channel: &str, mut notice: NewNotice| {
        let channel = ChannelName::from(channel);
        notice.recipients.iter_mut().for_each(|recipient| recipient.channel = channel.clone());
        notice
    };
    // The same event for the same people, by two channels.
    let mut both = critical();
    both.recipients.extend(by("sms", critical()).recipients);
    store.commit_event(tell(1, vec![duties("low"), notice("normal", 1)])).await.unwrap();
    store.commit_event(tell(2, vec![both, by("sms", duties("low-sms"))])).await.unwrap();
    let store = reopen(store, open).await;
    let sms = ChannelName::from("sms");
    assert_eq!(
        (store.next_due(&ChannelName::mail()).await.unwrap(), store.next_due(&sms).await.unwrap()),
        (Some(at(1)), Some(at(2)))
    );
    let counts = store.channel_counts().await.unwrap();
    assert_eq!(counts[&sms], BTreeMap::from([(MessageState::Queued, 4)]));
    assert_eq!(counts[&ChannelName::mail()], BTreeMap::from([(MessageState::Queued, 5)]));
    assert_eq!(ids(&claim(&store, 3, 9, 3).await), [4, 5, 3]);
    let urgent = async |max| ids(&store.claim_urgent(&sms, at(3), at(9), max, None).await.unwrap());
    assert_eq!((urgent(1).await, urgent(10).await, urgent(10).await), (vec![6], vec![7], vec![]));
    assert_eq!(ids(&store.claim_due(&sms, at(3), at(9), 10).await.unwrap()), [8, 9]);
    assert_eq!(ids(&claim(&store, 3, 9, 10).await), [1, 2]);
    assert_eq!(store.claim_due(&"gone".into(), at(3), at(9), 10).await.unwrap(), []);
    let filter = MessageFilter { channel: Some(sms.clone()), limit: 10, ..MessageFilter::default() };
    assert_eq!(store.messages(filter).await.unwrap().len(), 4);
    // Nobody sends by a channel that is gone; what waits for it expires all the same.
    assert_eq!(store.claim_due(&sms, at(2000), at(2001), 0).await.unwrap(), []);
    assert_eq!(store.channel_counts().await.unwrap()[&sms], BTreeMap::from([(MessageState::Expired, 4)]));
    assert_eq!(store.given_up(at(1999), 3).await.unwrap(), ([6, 7, 8].map(MessageId).to_vec(), 4));
    assert_eq!(store.given_up(at(2000), 3).await.unwrap().1, 0);
}

pub async fn many_claimers_share_without_overlap(open: Open<'_>) {
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
    assert_eq!(
        reopen(store, open).await.queue_counts().await.unwrap(),
        BTreeMap::from([(MessageState::Sent, 600)])
    );
}

pub fn attempt(message: &Message, minute: i64, state: MessageState) -> Attempt {
    let due = (state == MessageState::Deferred).then(|| at(minute + 10));
    let answer = format!("250 {state} at {minute}").into();
    Attempt {
        message: message.id,
        number: message.attempts,
        at: at(minute),
        state,
        answer,
        due,
        alone: false,
    }
}

pub async fn an_attempt_counts_for_who_holds_the_claim(open: Open<'_>) {
    use MessageState::{Deferred, Failed, Queued, Sending, Sent};
    let store = open().await;
    store.commit_event(tell(0, vec![notice("a", 1)])).await.unwrap();
    let record = |attempts| store.record_attempts(attempts);
    let state = async || store.message(MessageId(1)).await.unwrap().message.state;
    let claim_at = async |minute| claim(&store, minute, minute + 5, 1).await[0].message.clone();
    // Claimed and not tried: as if it hadn't been.
    let untried = claim_at(0).await;
    record(vec![attempt(&untried, 0, Queued)]).await.unwrap();
    let detail = store.message(MessageId(1)).await.unwrap();
    assert_eq!((detail.message.state, detail.message.attempts, detail.attempts.len()), (Queued, 0, 0));
    // Deferred: not due before its time.
    let first = claim_at(1).await;
    record(vec![attempt(&first, 2, Deferred)]).await.unwrap();
    assert_eq!(
        (state().await, store.next_due(&ChannelName::mail()).await.unwrap()),
        (Deferred, Some(at(12)))
    );
    assert!(claim(&store, 11, 20, 1).await.is_empty());
    // The claim of the second runs out, a third takes over: what the second says but "sent" doesn't count.
    let second = claim_at(12).await;
    let third = claim_at(17).await;
    record(vec![attempt(&second, 18, Deferred)]).await.unwrap();
    record(vec![attempt(&second, 18, Failed)]).await.unwrap();
    assert_eq!((state().await, store.next_due(&ChannelName::mail()).await.unwrap()), (Sending, Some(at(22))));
    record(vec![attempt(&second, 19, Sent)]).await.unwrap();
    assert_eq!((state().await, store.next_due(&ChannelName::mail()).await.unwrap()), (Sent, None));
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

pub async fn what_was_being_sent_at_the_end_is_free_at_the_start(open: Open<'_>) {
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

pub async fn what_expires_is_not_sent(open: Open<'_>) {
    let store = open().await;
    let brief = NewNotice { expires: at(10), ..notice("brief", 2) };
    store.commit_event(tell(0, vec![brief, notice("long", 1)])).await.unwrap();
    assert_eq!(ids(&claim(&store, 9, 12, 1).await), [1]);
    // Of the two that have expired one was being sent: its claim has run out, too.
    assert_eq!(ids(&claim(&store, 12, 20, 10).await), [3]);
    let counts = BTreeMap::from([(MessageState::Sending, 1), (MessageState::Expired, 2)]);
    assert_eq!(store.queue_counts().await.unwrap(), counts);
    let store = reopen(store, open).await;
    assert_eq!(store.queue_counts().await.unwrap()[&MessageState::Expired], 2);
    let detail = store.message(MessageId(2)).await.unwrap();
    assert_eq!((detail.message.attempts, detail.attempts.len()), (0, 1));
    assert!(detail.message.answer.unwrap().contains("not accepted by 2026-07-06 08:10"));
}

pub async fn an_operator_can_retry_and_cancel(open: Open<'_>) {
    let store = open().await;
    let lives = TimeDelta::minutes(30);
    let brief = NewNotice { expires: at(10), ..notice("brief", 3) };
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

pub async fn messages_are_listed_by_state_and_notice(open: Open<'_>) {
    use MessageState::{Queued, Sending, Sent};
    let store = open().await;
    let told = store.commit_event(tell(0, vec![notice("a", 3), notice("b", 2)])).await.unwrap();
    let claimed = claim(&store, 1, 9, 2).await;
    store.record_attempts(vec![attempt(&claimed[0].message, 2, Sent)]).await.unwrap();
    let list = async |states: &[MessageState], notice: Option<NoticeId>, limit| {
        let listed = store
            .messages(MessageFilter { states: states.to_vec(), notice, limit, ..MessageFilter::default() })
            .await
            .unwrap();
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
    let to = async |to: &str| {
        let filter = MessageFilter { to: Some(to.into()), limit: 10, ..MessageFilter::default() };
        store.messages(filter).await.unwrap().iter().map(|l| l.message.id.0).collect::<Vec<_>>()
    };
    let (first, mail) = (recipient(0), recipient(0).mail.unwrap().to_string().to_uppercase());
    assert_eq!((to(&mail).await, to(&first.name.to_uppercase()).await), (vec![4, 1], vec![4, 1]));
    assert!(to("nobody@x.example").await.is_empty());
}
