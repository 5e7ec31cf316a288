//! What waits for the same recipient and leaves as one mail.

use budkavle::domain::ids::MessageId;
use budkavle::domain::notice::{MessageState, NewNotice, Replaces};
use budkavle::store::{Attempt, Claimed, MessageOrder, Retention, Store};
use chrono::{DateTime, TimeDelta, Utc};

use super::policy::word;
use super::{Open, attempt, claim, ids, reopen};
use crate::store_samples::*;

/// A word on an outage of its own number, of which so many are told an hour.
fn limited(event: &str, outage: u64, per_hour: u32) -> NewNotice {
    NewNotice { per_hour: Some(per_hour), together: true, ..word(event, outage, 1, Replaces::Held) }
}

/// Opens so many outages, of which one is told at once and the others in an hour.
async fn open_first(store: &Store, outages: u64) {
    for outage in 1..=outages {
        let new = limited(&format!("outage/{outage}/0"), outage, 1);
        store.commit_event(tell(1, vec![new])).await.unwrap();
    }
}

/// Each message that was claimed, and those that leave with it.
fn mails(claimed: &[Claimed]) -> Vec<(u64, Vec<u64>)> {
    claimed.iter().map(|c| (c.message.id.0, ids(&c.with))).collect()
}

fn all_of(claimed: &[Claimed]) -> impl Iterator<Item = &Claimed> {
    claimed.iter().flat_map(|one| std::iter::once(one).chain(&one.with))
}

async fn due(store: &Store, id: u64) -> DateTime<Utc> {
    store.message(MessageId(id)).await.unwrap().message.due
}

/// With which others a message leaves, or left.
async fn with(store: &Store, id: u64) -> Vec<u64> {
    store.message(MessageId(id)).await.unwrap().with.into_iter().map(|id| id.0).collect()
}

pub async fn what_waits_for_the_same_recipient_leaves_together_and_stays_together(open: Open<'_>) {
    use MessageState::{Cancelled, Deferred, Queued, Sending, Sent};
    let store = open().await;
    let gathered = |event: &str, outage, minute| NewNotice {
        held: (0..3).map(|n| (recipient(n).key(), at(minute))).collect(),
        together: true,
        ..word(event, outage, 2, Replaces::Held)
    };
    let state = async |id| store.message(MessageId(id)).await.unwrap().message.state;
    store.commit_event(tell(1, vec![gathered("outage/1/0", 1, 60)])).await.unwrap();
    // What would wait longer leaves with the first; what waits less, what doesn't wait and what stands by itself doesn't.
    store.commit_event(tell(2, vec![gathered("outage/2/0", 2, 70)])).await.unwrap();
    store.commit_event(tell(3, vec![gathered("outage/3/0", 3, 50)])).await.unwrap();
    store.commit_event(tell(4, vec![gathered("outage/4/0", 4, 4)])).await.unwrap();
    let alone = NewNotice { together: false, ..gathered("outage/5/0", 5, 60) };
    store.commit_event(tell(5, vec![alone])).await.unwrap();
    assert_eq!(
        [due(&store, 3).await, due(&store, 5).await, due(&store, 7).await, due(&store, 9).await],
        [60, 50, 4, 60].map(at)
    );
    assert_eq!(mails(&claim(&store, 5, 6, 10).await), [(7, vec![]), (8, vec![])]);
    let at_once = claim(&store, 50, 51, 10).await;
    let ends = at_once.iter().map(|c| attempt(&c.message, 50, Sent)).collect();
    store.record_attempts(ends).await.unwrap();
    // A later word takes the place of the first, and leaves with the second.
    store.commit_event(tell(51, vec![gathered("outage/1/1", 1, 60)])).await.unwrap();
    assert_eq!([state(1).await, state(11).await], [Cancelled, Queued]);
    assert_eq!(due(&store, 11).await, at(60));
    let first = claim(&store, 60, 70, 1).await;
    assert_eq!(mails(&first), [(3, vec![11])]);
    assert_eq!([state(3).await, state(11).await, state(4).await], [Sending, Sending, Queued]);
    let store = reopen(store, open).await;
    let state = async |id| store.message(MessageId(id)).await.unwrap().message.state;
    store.release_claims(at(61)).await.unwrap();
    let rest = claim(&store, 61, 70, 10).await;
    assert_eq!(mails(&rest), [(4, vec![12]), (9, vec![]), (10, vec![]), (3, vec![11])]);
    let ends: Vec<_> = all_of(&rest).map(|c| attempt(&c.message, 62, Deferred)).collect();
    store.record_attempts(ends).await.unwrap();
    // Nothing joins what was tried.
    store.commit_event(tell(63, vec![gathered("outage/6/0", 6, 72)])).await.unwrap();
    store.order_message(MessageId(3), MessageOrder::Cancel, at(64), None).await.unwrap();
    let again = claim(&store, 72, 80, 10).await;
    assert_eq!(
        mails(&again),
        [(4, vec![12]), (9, vec![]), (10, vec![]), (11, vec![]), (13, vec![]), (14, vec![])]
    );
    store.record_attempts(all_of(&again).map(|c| attempt(&c.message, 73, Sent)).collect()).await.unwrap();
    assert_eq!([state(4).await, state(12).await, state(3).await], [Sent, Sent, Cancelled]);
    let hour = TimeDelta::minutes(60);
    let keep = Retention { runs: hour, messages: hour, steps: hour, past: hour };
    assert_eq!(store.prune(at(400), keep).await.unwrap().gatherings, 2);
}

pub async fn those_that_leave_together_have_one_turn(open: Open<'_>) {
    let store = open().await;
    for outage in 1..=30 {
        let new = limited(&format!("outage/{outage}/0"), outage, 2);
        store.commit_event(tell(1, vec![new])).await.unwrap();
    }
    let mut times = Vec::new();
    // A mail is to be read: the next one begins with the 26th that waits.
    for id in [1, 2, 3, 27, 28, 30] {
        times.push(due(&store, id).await);
    }
    assert_eq!(times, [1, 1, 61, 61, 61, 61].map(at));
    let claimed = claim(&store, 61, 70, 100).await;
    let sizes: Vec<(u64, usize)> = claimed.iter().map(|c| (c.message.id.0, c.with.len())).collect();
    assert_eq!(sizes, [(1, 0), (2, 0), (3, 24), (28, 2)]);
}

pub async fn a_later_word_leaves_with_what_the_earlier_would_have_left_with(open: Open<'_>) {
    let store = open().await;
    let commit = async |minute, event: &str, outage| {
        store.commit_event(tell(minute, vec![limited(event, outage, 1)])).await.unwrap();
    };
    // The first leaves at once, the others in an hour.
    for outage in 1..=3 {
        commit(1, &format!("outage/{outage}/0"), outage).await;
    }
    assert_eq!([due(&store, 1).await, due(&store, 2).await, due(&store, 3).await], [1, 61, 61].map(at));
    // However often it changes, it takes nobody's place in the mail, nor another turn.
    for version in 1..=40 {
        commit(2, &format!("outage/3/{version}"), 3).await;
        let id = 3 + version;
        assert_eq!((due(&store, id).await, with(&store, id).await), (at(61), vec![2]), "version {version}");
    }
    assert_eq!(with(&store, 3).await, [0_u64; 0], "it leaves with nobody");
    assert_eq!(mails(&claim(&store, 61, 70, 9).await), [(1, vec![]), (2, vec![43])]);
}

pub async fn a_turn_is_free_when_nothing_is_left_of_the_mail(open: Open<'_>) {
    let store = open().await;
    open_first(&store, 3).await;
    let store = reopen(store, open).await;
    for (id, next) in [(2, 121), (3, 61)] {
        store.order_message(MessageId(id), MessageOrder::Cancel, at(2), None).await.unwrap();
        let alone = NewNotice { together: false, ..limited(&format!("outage/{}/0", id + 10), id + 10, 1) };
        store.commit_event(tell(3, vec![alone])).await.unwrap();
        assert_eq!(due(&store, id + 2).await, at(next), "after {id} was called off");
    }
}

pub async fn what_is_refused_together_is_tried_by_itself(open: Open<'_>) {
    let store = open().await;
    open_first(&store, 4).await;
    let claimed = claim(&store, 61, 70, 9).await;
    assert_eq!(mails(&claimed), [(1, vec![]), (2, vec![3, 4])]);
    let alone = |c: &Claimed| Attempt { alone: true, ..attempt(&c.message, 62, MessageState::Deferred) };
    store.record_attempts(all_of(&claimed[1..]).map(alone).collect()).await.unwrap();
    let store = reopen(store, open).await;
    let again = claim(&store, 72, 80, 9).await;
    assert_eq!(mails(&again), [(1, vec![]), (2, vec![]), (3, vec![]), (4, vec![])]);
    let sent = again.iter().map(|c| attempt(&c.message, 73, MessageState::Sent)).collect();
    store.record_attempts(sent).await.unwrap();
    assert_eq!(with(&store, 3).await, [0_u64; 0]);
}

pub async fn what_expires_of_a_mail_does_so_once_and_the_rest_leaves(open: Open<'_>) {
    let store = open().await;
    for outage in 1..=4 {
        let expires = if outage == 3 { at(39) } else { at(1000) };
        let new = NewNotice { expires, ..limited(&format!("outage/{outage}/0"), outage, 1) };
        store.commit_event(tell(1, vec![new])).await.unwrap();
    }
    let first = claim(&store, 1, 200, 9).await;
    assert_eq!(mails(&first), [(1, vec![])]);
    // An hour longer than it would have been tried, since it waits that long for its turn.
    let claimed = claim(&store, 100, 120, 9).await;
    assert_eq!(mails(&claimed), [(2, vec![4])]);
    let expired = store.message(MessageId(3)).await.unwrap();
    assert_eq!((expired.message.state, expired.attempts.len()), (MessageState::Expired, 1));
    assert!(expired.with.is_empty());
    let sent = all_of(&claimed).map(|c| attempt(&c.message, 111, MessageState::Sent)).collect();
    store.record_attempts(sent).await.unwrap();
    assert_eq!((with(&store, 2).await, with(&store, 4).await), (vec![4], vec![2]));
}

pub async fn what_was_taken_out_of_a_mail_leaves_by_itself_whatever_becomes_of_the_rest(open: Open<'_>) {
    let store = open().await;
    open_first(&store, 4).await;
    let claimed = claim(&store, 61, 70, 9).await;
    assert_eq!(mails(&claimed), [(1, vec![]), (2, vec![3, 4])]);
    // The last of the mail wasn't tried with the others.
    let end = |c: &Claimed| match c.message.id.0 {
        4 => attempt(&c.message, 62, MessageState::Queued),
        _ => Attempt { alone: c.message.id.0 == 3, ..attempt(&c.message, 62, MessageState::Deferred) },
    };
    store.record_attempts(all_of(&claimed[1..]).map(end).collect()).await.unwrap();
    let store = reopen(store, open).await;
    let mut again = mails(&claim(&store, 72, 80, 9).await);
    again.sort();
    assert_eq!(again.iter().map(|(_, with)| with.len()).sum::<usize>(), 1, "{again:?}");
    assert!(again.contains(&(3, vec![])), "{again:?}");
}
