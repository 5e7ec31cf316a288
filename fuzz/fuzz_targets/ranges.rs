//! A list of members in any parts: what is missing of it is found out, whatever the parts are called and in which order they come.

#![no_main]

use budkavle::domain::entry::Entry;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// A part of the list.
#[derive(Arbitrary, Debug)]
enum Part<'a> {
    /// As a server writes it, with so many values.
    Range(u8, Option<u8>, u8),
    /// Called anything behind `member;`.
    Odd(&'a str, u8),
}

libfuzzer_sys::fuzz_target!(|parts: Vec<Part<'_>>| {
    let mut entry = Entry::new("CN=x");
    for part in &parts {
        let (name, values) = match part {
            Part::Range(first, last, values) => {
                let last = last.map_or("*".to_owned(), |last| last.to_string());
                (format!("member;range={first}-{last}"), values)
            }
            Part::Odd(option, values) => (format!("member;{option}"), values),
        };
        entry.add(&name, std::iter::repeat_n(&b"CN=y"[..], usize::from(*values))).expect("it is small");
    }
    let ranges: Vec<_> = entry.attributes().filter_map(|part| part.range()).collect();
    assert!(ranges.iter().all(|range| range.start < range.end));
    match entry.missing_from("member") {
        // What is missing is in no part, and all before it is in some.
        Some(from) => {
            assert!(ranges.iter().all(|range| !range.contains(&from)), "{from} of {ranges:?}");
            assert!(is_covered(&ranges, from), "{from} of {ranges:?}");
        }
        None => assert!(ranges.is_empty() || is_covered(&ranges, u32::MAX), "{ranges:?}"),
    }
    // A part that is asked for and comes is no longer missing.
    if let Some(from) = entry.missing_from("member") {
        entry.add(&format!("member;range={from}-*"), [&b"CN=z"[..]]).expect("it is small");
        assert_eq!(entry.missing_from("member"), None);
    }
});

fn is_covered(ranges: &[std::ops::Range<u32>], end: u32) -> bool {
    let mut next = 0;
    while next < end {
        let Some(further) = ranges.iter().filter(|r| r.contains(&next)).map(|r| r.end).max() else {
            return false;
        };
        next = further;
    }
    true
}
