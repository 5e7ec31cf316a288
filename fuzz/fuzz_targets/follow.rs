//! Any changes of a small directory, and any answers to what is asked of them: an end, and a sound directory.

#![no_main]

use std::collections::BTreeMap;

use budkavle::domain::decode::{Decoder, Mapping};
use budkavle::domain::delta::{apply, diff};
use budkavle::domain::directory::{Directory, Found};
use budkavle::domain::entry::Entry;
use budkavle::domain::follow::{Afresh, Follow, Need};
use budkavle::domain::ids::{DirectoryName, Guid};
use budkavle::source::fuzz::sound;
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// The base has this number; others up to 12 are known, the rest are not.
const BASE: u8 = 1;

/// What a server tells of an object.
#[derive(Arbitrary, Debug)]
struct Told<'a> {
    who: u8,
    /// Below which others it stands, by its name.
    path: &'a [u8],
    values: Vec<(Name<'a>, Vec<Value<'a>>)>,
}

#[derive(Arbitrary, Debug)]
enum Name<'a> {
    Class,
    Id,
    Name,
    Parent,
    Deleted,
    Account,
    Control,
    Expires,
    Display,
    Mail,
    Manager,
    Member,
    Added,
    Removed,
    Part(u8, u8),
    ManagedBy,
    Odd(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    /// Somebody's name with the identity.
    Of(u8),
    /// The identity alone.
    Id(u8),
    /// A class.
    Class(u8),
    Number(i64),
    True,
    Text(&'a str),
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    base_is_unit: bool,
    afresh: (bool, bool, bool),
    changes: Vec<(bool, Told<'a>)>,
    /// To each question in turn.
    answers: Vec<Vec<(bool, Told<'a>)>>,
}

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let (name, mapping) = (DirectoryName::from("main"), Mapping::default());
    let known = known(input.base_is_unit, &mapping, &name);
    let bases = BTreeMap::from([(id(BASE), "OU=n1".parse().expect("a name"))]);
    let (users, units, groups) = input.afresh;
    let mut follow = Follow::new(&known, &name, &mapping, bases, BTreeMap::new(), Afresh { users, units, groups });
    assert!(follow.knows_the_bases());
    for (told_only, told) in &input.changes {
        if *told_only { follow.touch(&entry(told)) } else { follow.change(&entry(told)) }
    }
    let mut answers = input.answers.iter();
    let mut asked = 0;
    while let Ok(need) = follow.need() {
        asked += 1;
        assert!(asked < 10_000, "it asks without end");
        let answer = answers.next().map_or(&[][..], |answer| &answer[..]);
        for (matches, told) in answer {
            match &need {
                Need::Objects(_) if *matches => follow.found(&entry(told)),
                Need::Objects(_) => follow.other(&entry(told)),
                Need::Below(_) => follow.found(&entry(told)),
                Need::Referrers(_) => follow.refers(&entry(told)),
                Need::Nothing => {}
            }
        }
        if need != Need::Nothing {
            continue;
        }
        if let Ok(update) = follow.finish() {
            sound(&apply(&known, &diff(&known, &name, &Found::Changes(update))));
        }
        return;
    }
});

fn id(number: u8) -> Guid {
    Guid([number; 16])
}

/// A name with the identity, right below the base.
fn names(number: u8) -> String {
    let above = if number == BASE { "" } else { ",OU=n1" };
    format!("<GUID={}>;CN=n{number}{above}", id(number))
}

fn class(number: u8) -> &'static [&'static str] {
    match number % 7 {
        0 => &["top", "group"],
        1 => &["top", "organizationalUnit"],
        2 => &["top", "container"],
        3 => &["top", "person", "contact"],
        4 => &["top", "person", "user", "computer"],
        _ => &["top", "person", "user"],
    }
}

/// A base; below it a unit with a container in it, people, and groups that hold them.
fn known(base_is_unit: bool, mapping: &Mapping, name: &DirectoryName) -> Directory {
    let of = |number: u8, class: &[&str], above: &[u8]| {
        let path: String = above.iter().map(|above| format!(",OU=n{above}")).collect();
        let mut entry = Entry::new(format!("<GUID={}>;OU=n{number}{path}", id(number)));
        let account = format!("account{number}");
        let mut add = |name: &str, values: &[&[u8]]| entry.add(name, values.iter().copied()).expect("small");
        add("objectClass", &class.iter().map(|class| class.as_bytes()).collect::<Vec<_>>());
        add("objectGUID", &[&id(number).0]);
        if !class.contains(&"organizationalUnit") {
            add("sAMAccountName", &[account.as_bytes()]);
        }
        match number {
            2 => add("managedBy", &[names(6).as_bytes()]),
            7 => add("manager", &[names(6).as_bytes()]),
            9 => add("member", &[names(6).as_bytes(), names(10).as_bytes(), names(99).as_bytes()]),
            10 => add("member", &[names(7).as_bytes(), names(8).as_bytes()]),
            _ => {}
        }
        entry
    };
    let base = of(BASE, if base_is_unit { &["organizationalUnit"] } else { &["container"] }, &[]);
    let mut decoder = Decoder::new(mapping, name);
    decoder.push(&base);
    for (number, class, above) in [
        (2, "organizationalUnit", &[1][..]),
        (3, "container", &[2, 1]),
        (4, "organizationalUnit", &[3, 2, 1]),
        (5, "user", &[1]),
        (6, "user", &[2, 1]),
        (7, "user", &[3, 2, 1]),
        (8, "user", &[4, 3, 2, 1]),
        (9, "group", &[2, 1]),
        (10, "group", &[3, 2, 1]),
    ] {
        decoder.push(&of(number, &[class], above));
    }
    decoder.push_base(&base);
    decoder.finish().directory
}

fn entry(told: &Told<'_>) -> Entry {
    let path: String = told.path.iter().take(8).map(|above| format!(",OU=n{above}")).collect();
    let mut entry = Entry::new(format!("<GUID={}>;CN=n{}{path}", id(told.who), told.who));
    for (name, values) in &told.values {
        let name = match name {
            Name::Class => "objectClass",
            Name::Id => "objectGUID",
            Name::Name => "name",
            Name::Parent => "parentGUID",
            Name::Deleted => "isDeleted",
            Name::Account => "sAMAccountName",
            Name::Control => "userAccountControl",
            Name::Expires => "accountExpires",
            Name::Display => "displayName",
            Name::Mail => "mail",
            Name::Manager => "manager",
            Name::Member => "member",
            Name::Added => "member;range=1-1",
            Name::Removed => "member;range=0-0",
            Name::Part(from, to) => &format!("member;range={from}-{to}"),
            Name::ManagedBy => "managedBy",
            Name::Odd(name) => name,
        };
        let values: Vec<Vec<u8>> = values.iter().flat_map(value).collect();
        entry.add(name, values.iter().map(|value| &value[..])).expect("it is small");
    }
    entry
}

fn value(value: &Value<'_>) -> Vec<Vec<u8>> {
    let one = match value {
        Value::Of(number) => names(*number).into_bytes(),
        Value::Id(number) => id(*number).0.to_vec(),
        Value::Class(number) => return class(*number).iter().map(|class| class.as_bytes().to_vec()).collect(),
        Value::Number(number) => number.to_string().into_bytes(),
        Value::True => b"TRUE".to_vec(),
        Value::Text(text) => text.as_bytes().to_vec(),
        Value::Bytes(bytes) => bytes.to_vec(),
    };
    vec![one]
}
