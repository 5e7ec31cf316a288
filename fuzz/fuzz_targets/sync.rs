//! Any bytes as what a server tells of its changes (RFC 4533): entries with their states, what comes in between, and the end.

#![no_main]

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
    /// An entry with its own identity, if any, and a state of somebody.
    Entry(Option<u8>, u8, u8),
    /// These are there, or gone.
    Ids(bool, &'a [u8]),
    /// Sync Info with any value.
    Info(&'a [u8]),
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
            let cookie = cookie.map_or(Vec::new(), |cookie| tlv(4, cookie));
            tlv(0x30, &[cookie, tlv(1, &[u8::from(only_deleted)])].concat())
        }
    };
    budkavle::source::fuzz::sync(&messages, &end, input.cookie, input.of_389);
});

fn message(message: &Message<'_>, of_389: bool) -> Vec<u8> {
    match message {
        Message::Any(bytes) => bytes.to_vec(),
        Message::Entry(own, state, who) => {
            let name = if of_389 { "nsUniqueId" } else { "entryUUID" };
            let own = own.map_or(Vec::new(), |own| {
                let digits = format!("{own:02x}").repeat(16);
                let groups = if of_389 { [8, 8, 8, 8, 0] } else { [8, 4, 4, 4, 12] };
                let mut at = 0;
                let parts: Vec<&str> = groups
                    .iter()
                    .filter(|size| **size > 0)
                    .map(|size| {
                        at += size;
                        &digits[at - size..at]
                    })
                    .collect();
                let values = tlv(0x31, &tlv(4, parts.join("-").as_bytes()));
                tlv(0x30, &[tlv(4, name.as_bytes()), values].concat())
            });
            let value = tlv(0x30, &[tlv(10, &[*state]), tlv(4, &[*who; 16])].concat());
            let control = tlv(0x30, &[tlv(4, b"1.3.6.1.4.1.4203.1.9.1.2"), tlv(4, &value)].concat());
            let entry = tlv(0x64, &[tlv(4, b"cn=x"), tlv(0x30, &own)].concat());
            tlv(0x30, &[tlv(2, &[1]), entry, tlv(0xa0, &control)].concat())
        }
        Message::Ids(gone, who) => {
            let ids: Vec<u8> = who.iter().flat_map(|who| tlv(4, &[*who; 16])).collect();
            info(&tlv(0xa3, &[tlv(1, &[u8::from(*gone)]), tlv(0x31, &ids)].concat()))
        }
        Message::Info(bytes) => info(bytes),
    }
}

fn info(value: &[u8]) -> Vec<u8> {
    let inside = [tlv(0x80, b"1.3.6.1.4.1.4203.1.9.1.4"), tlv(0x81, value)].concat();
    tlv(0x30, &[tlv(2, &[1]), tlv(0x79, &inside)].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x84], &(content.len() as u32).to_be_bytes()[..], content].concat()
}
