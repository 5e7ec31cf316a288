use super::*;
use crate::source::ldap::standard::sync::{INFO, STATE};
use crate::source::ldap::tests::responder::{control, intermediate, stated, tlv, user};

/// What is kept of these messages, which answer the question number 1.
fn found(expected: Expected, messages: impl Iterator<Item = Vec<u8>>) -> Result<Finds, Ended> {
    let found = Found::default();
    found.expect(expected);
    let asked = AtomicU64::new(1 << 8 | u64::from(SEARCH_REQUEST));
    for message in messages {
        check(&message, &asked, &found)?;
    }
    let bytes = found.bytes();
    let finds = found.take();
    assert!(finds.held <= bytes && found.lock().expected == Expected::All);
    Ok(finds)
}

fn told(size: usize) -> Vec<u8> {
    let state = tlv(0x30, &[tlv(10, &[1]), tlv(4, &[7; 16])].concat());
    stated(1, "cn=x", &[("description", vec![vec![b'x'; size]])], &control(STATE, &state))
}

fn info(value: &[u8]) -> Vec<u8> {
    intermediate(1, INFO, value)
}

#[test]
fn where_the_cookie_is_wanted_what_there_is_is_not_held() {
    let ids = tlv(0xa3, &tlv(0x31, &tlv(4, &[7; 16]).repeat(1_000)));
    let entries = (0..3_000).map(|_| told(1_000));
    let rest = std::iter::repeat_n(info(&ids), 100).chain([info(&tlv(0x80, b"cookie"))]);
    let finds = found(Expected::Cookie, entries.chain(rest)).unwrap();
    assert!(finds.cut && finds.held <= MAX_SEEN && finds.bytes > 3 * MAX_SEEN);
    assert!(finds.entries.len() > 500 && finds.entries.len() == finds.told.states.len());
    assert_eq!(finds.told.told(), (0, Some(&b"cookie"[..])), "the cookie counts wherever it comes");
}

#[test]
fn too_many_changes_are_known_to_be_too_many_and_end_nothing() {
    let mut finds = found(Expected::Changes, [told(10)].into_iter()).unwrap();
    assert!(!finds.cut && finds.entries.len() == 1);
    finds.expected = Expected::Changes;
    assert!(finds.has_room(MAX_FOUND - finds.held).unwrap() && !finds.cut);
    assert!(!finds.has_room(1).unwrap() && finds.cut);
    finds.expected = Expected::All;
    assert!(finds.has_room(1).is_err(), "elsewhere nothing may be left out");
}

#[test]
fn what_an_earlier_search_has_left_is_none_of_the_next() {
    let (found, asked) = (Found::default(), AtomicU64::new(1 << 8 | u64::from(SEARCH_REQUEST)));
    check(&user(1, 1), &asked, &found).unwrap();
    let request = crate::source::ldap::tests::responder::message(2, &tlv(0x63, b""));
    note(&request, &asked, &found).unwrap();
    check(&user(2, 2), &asked, &found).unwrap();
    let finds = found.take();
    assert_eq!(
        finds.entries.iter().map(|entry| entry.dn.as_str()).collect::<Vec<_>>(),
        ["CN=u2,DC=example,DC=org"]
    );
}
