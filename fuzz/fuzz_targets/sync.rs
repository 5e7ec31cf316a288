//! Any bytes as what a server tells of its changes (RFC 4533): entries with their states, what comes in between, and the end. What is made of messages
//! that make sense is compared with what RFC 4533 §3.3.2 says of them, told by a second, plain reading of the same messages.

#![no_main]

use std::collections::BTreeSet;

use budkavle::source::fuzz::Synchronized;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    of_389: bool,
    cookie: Option<&'a [u8]>,
    /// Each is a message, or what makes one sensible.
    messages: Vec<Message<'a>>,
    end: End<'a>,
}

#[derive(Arbitrary, Debug)]
enum Message<'a> {
    Any(&'a [u8]),
    /// An entry that says itself who it is, or doesn't, with a state of somebody.
    Entry(Own, u8, Who),
    /// Sync Info.
    Info(Info<'a>),
    AnyInfo(&'a [u8]),
}

/// Few, so that one is often spoken of twice.
#[derive(Arbitrary, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Who {
    A = 0x1a,
    B = 0x2b,
    C = 0x3c,
    D = 0x4d,
}

#[derive(Arbitrary, Debug)]
enum Own {
    TheSame,
    Other(Who),
    None,
}

#[derive(Arbitrary, Debug)]
enum Info<'a> {
    NewCookie(&'a [u8]),
    /// The phase that names the present (else the deleted) ends, and perhaps all of it.
    Phase(bool, Option<&'a [u8]>, Option<bool>),
    /// These are gone (else there).
    Ids(bool, Option<&'a [u8]>, Vec<Who>),
}

#[derive(Arbitrary, Debug)]
enum End<'a> {
    Any(&'a [u8]),
    Done(Option<&'a [u8]>, bool),
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let messages: Vec<u8> = input.messages.iter().flat_map(|m| message(m, input.of_389)).collect();
    let end = match input.end {
        End::Any(bytes) => bytes.to_vec(),
        End::Done(cookie, only_deleted) => {
            tlv(0x30, &[optional(cookie), tlv(1, &[u8::from(only_deleted)])].concat())
        }
    };
    let read = budkavle::source::fuzz::sync(&messages, &end, input.cookie, input.of_389);
    if let Some(expected) = expected(&input) {
        assert_eq!(read, expected);
    }
});

/// What is to be made of it; None where it can't be told, since some of it is any bytes.
fn expected(input: &Input<'_>) -> Option<Option<Synchronized>> {
    let End::Done(last, only_deleted) = input.end else { return None };
    let (mut changed, mut deleted, mut present) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut cookie, mut all_present_named, mut misnamed) = (None, !only_deleted, false);
    for message in &input.messages {
        match message {
            Message::Any(_) | Message::AnyInfo(_) => return None,
            Message::Entry(_, 4.., _) => break, // no state: the connection ends here
            Message::Entry(own, state, who) => {
                match state {
                    0 => drop(present.insert(*who)),
                    3 => drop(deleted.insert(*who)),
                    _ => {
                        misnamed |= !matches!(own, Own::TheSame) && !matches!(own, Own::Other(o) if o == who);
                        present.insert(*who);
                        changed.push(*who);
                    }
                };
            }
            Message::Info(info) => {
                let new = match info {
                    Info::NewCookie(new) => Some(*new),
                    Info::Phase(of_present, new, _) => {
                        all_present_named |= of_present;
                        *new
                    }
                    Info::Ids(gone, new, who) => {
                        if *gone { &mut deleted } else { &mut present }.extend(who);
                        *new
                    }
                };
                cookie = new.or(cookie);
            }
        }
    }
    let next = last.or(cookie).filter(|cookie| !cookie.is_empty()).or(input.cookie);
    let Some(next) = next.filter(|_| !misnamed) else { return Some(None) };
    let bytes = |who: BTreeSet<Who>| who.into_iter().map(|who| [who as u8; 16]).collect();
    Some(Some(Synchronized {
        changed: changed.into_iter().map(|who| [who as u8; 16]).collect(),
        deleted: bytes(deleted),
        present: all_present_named.then(|| bytes(present)),
        cookie: next.to_vec(),
    }))
}

fn message(message: &Message<'_>, of_389: bool) -> Vec<u8> {
    match message {
        Message::Any(bytes) => bytes.to_vec(),
        Message::Entry(own, state, who) => {
            let own = match own {
                Own::TheSame => identity(*who, of_389),
                Own::Other(other) => identity(*other, of_389),
                Own::None => Vec::new(),
            };
            let value = tlv(0x30, &[tlv(10, &[*state]), tlv(4, &[*who as u8; 16])].concat());
            let control = tlv(0x30, &[tlv(4, b"1.3.6.1.4.1.4203.1.9.1.2"), tlv(4, &value)].concat());
            let entry = tlv(0x64, &[tlv(4, b"cn=x"), tlv(0x30, &own)].concat());
            tlv(0x30, &[tlv(2, &[1]), entry, tlv(0xa0, &control)].concat())
        }
        Message::Info(Info::NewCookie(cookie)) => info(&tlv(0x80, cookie)),
        Message::Info(Info::Phase(of_present, cookie, done)) => {
            let done = done.map_or(Vec::new(), |done| tlv(1, &[u8::from(done)]));
            info(&tlv(if *of_present { 0xa2 } else { 0xa1 }, &[optional(*cookie), done].concat()))
        }
        Message::Info(Info::Ids(gone, cookie, who)) => {
            let ids: Vec<u8> = who.iter().flat_map(|who| tlv(4, &[*who as u8; 16])).collect();
            info(&tlv(0xa3, &[optional(*cookie), tlv(1, &[u8::from(*gone)]), tlv(0x31, &ids)].concat()))
        }
        Message::AnyInfo(bytes) => info(bytes),
    }
}

/// The attribute in which an entry says itself who it is.
fn identity(who: Who, of_389: bool) -> Vec<u8> {
    let (name, groups): (_, &[usize]) =
        if of_389 { ("nsUniqueId", &[4, 4, 4, 4]) } else { ("entryUUID", &[4, 2, 2, 2, 6]) };
    let parts: Vec<String> = groups.iter().map(|bytes| format!("{:02x}", who as u8).repeat(*bytes)).collect();
    let values = tlv(0x31, &tlv(4, parts.join("-").as_bytes()));
    tlv(0x30, &[tlv(4, name.as_bytes()), values].concat())
}

fn info(value: &[u8]) -> Vec<u8> {
    let inside = [tlv(0x80, b"1.3.6.1.4.1.4203.1.9.1.4"), tlv(0x81, value)].concat();
    tlv(0x30, &[tlv(2, &[1]), tlv(0x79, &inside)].concat())
}

fn optional(cookie: Option<&[u8]>) -> Vec<u8> {
    cookie.map_or(Vec::new(), |cookie| tlv(4, cookie))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x84], &(content.len() as u32).to_be_bytes()[..], content].concat()
}
