//! What came back: noted with the message, and the address marked.

use budkavle::domain::audit::{Actor, Entry};
use budkavle::domain::bounce::{Bounce, Fate, Mark, ReturnKey};
use budkavle::domain::ids::MessageId;
use budkavle::domain::notice::MessageState;
use budkavle::store::{Attempt, Change, Event, StoreError};

use super::{Open, claim, reopen};
use crate::store_samples::*;

fn event(minute: i64, change: Change) -> Event {
    Event { at: at(minute), change, notices: Vec::new(), audit: None }
}

fn bounce(message: u64, fate: Fate, minute: i64, marks: bool) -> Change {
    let address = "soren0@kommun.example".parse().unwrap();
    let mark = Mark {
        address,
        since: at(minute),
        last: at(minute),
        times: 1,
        message: MessageId(message),
        status: "5.1.1".into(),
        answer: "550 no such user".into(),
    };
    let answer = format!("it came back in minute {minute}").into();
    Change::Bounce(Box::new(Bounce {
        message: MessageId(message),
        fate,
        answer,
        mark: marks.then_some(mark),
    }))
}

pub async fn a_message_that_comes_back_fails_and_its_address_is_marked(open: Open<'_>) {
    let store = open().await;
    store.commit_event(tell(1, vec![notice("a", 1), notice("b", 1)])).await.unwrap();
    for claimed in claim(&store, 2, 9, 10).await {
        let (message, number) = (claimed.message.id, claimed.message.attempts);
        let answer = "250 Ok".into();
        let attempt = Attempt {
            message,
            number,
            at: at(3),
            state: MessageState::Sent,
            answer,
            due: None,
            alone: false,
        };
        store.record_attempts(vec![attempt]).await.unwrap();
    }
    store.commit_event(event(4, bounce(1, Fate::Delayed, 4, false))).await.unwrap();
    let delayed = store.message(MessageId(1)).await.unwrap();
    assert_eq!(
        (delayed.message.state, delayed.message.changed, delayed.attempts.len()),
        (MessageState::Sent, at(3), 2)
    );
    assert_eq!(store.given_up(at(0), 9).await.unwrap().1, 0);
    let made = store.commit_event(event(5, bounce(1, Fate::Failed, 5, true))).await.unwrap();
    assert!(made.generation.is_some());
    store.commit_event(event(7, bounce(2, Fate::Failed, 7, true))).await.unwrap();

    let store = reopen(store, open).await;
    let failed = store.message(MessageId(1)).await.unwrap();
    assert_eq!((failed.message.state, failed.message.changed), (MessageState::Failed, at(5)));
    assert_eq!(failed.message.answer.as_deref(), Some("it came back in minute 5"));
    assert_eq!(
        failed.attempts.iter().map(|a| a.state).collect::<Vec<_>>(),
        [MessageState::Sent, MessageState::Sent, MessageState::Failed]
    );
    assert_eq!(store.given_up(at(5), 9).await.unwrap(), (vec![MessageId(2)], 1));
    let marks = store.load().await.unwrap().marks;
    let mark = marks.get(&"soren0@kommun.example".parse().unwrap()).unwrap();
    assert_eq!((mark.since, mark.last, mark.times, mark.message), (at(5), at(7), 2, MessageId(2)));

    let unknown = store.commit_event(event(8, bounce(99, Fate::Failed, 8, true))).await.unwrap_err();
    assert!(matches!(unknown, StoreError::NotFound(_)), "{unknown}");
    let address = || "SOREN0@kommun.example".parse().unwrap();
    let entry = Entry {
        at: at(9),
        by: Actor::System,
        action: "address cleared".into(),
        object: "soren0@kommun.example".into(),
        before: None,
        after: None,
        why: None,
    };
    let clear = Event { audit: Some(entry), ..event(9, Change::Unmark(address())) };
    store.commit_event(clear).await.unwrap();
    let again = store.commit_event(event(10, Change::Unmark(address()))).await.unwrap_err();
    assert!(matches!(again, StoreError::NotFound(_)), "{again}");
    let key = ReturnKey::new([7; 32]);
    store.commit_event(event(11, Change::ReturnKey(key.clone()))).await.unwrap();
    let store = reopen(store, open).await;
    let state = store.load().await.unwrap();
    assert_eq!((state.marks.len(), state.return_key), (0, Some(key)));
}
