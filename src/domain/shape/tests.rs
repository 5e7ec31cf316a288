use super::*;
use crate::domain::decode::{Mapping, decode};
use crate::domain::directory::{Objects, Update};
use crate::domain::entry::Entry;

const NAME: &str = "main";

fn by_path() -> UnitsFrom {
    UnitsFrom::Attribute { attribute: "department".into(), separator: Some("/".into()) }
}

fn by_code() -> UnitsFrom {
    let some = |text: &str| Some(text.into());
    UnitsFrom::Code { code: "code".into(), parent: some("above"), name: some("called") }
}

fn person(number: u8, said: &[(&str, &str)]) -> Entry {
    let mut entry = Entry::new(format!("CN=Person {number},DC=example,DC=org"));
    let account = format!("p{number}");
    let all = [("objectClass", "user"), ("sAMAccountName", &account), ("userAccountControl", "512")];
    entry.add("objectGUID", [&[number; 16][..]]).unwrap();
    all.iter().chain(said).for_each(|(name, value)| entry.add(name, [value.as_bytes()]).unwrap());
    entry
}

/// A whole read of these.
fn whole(from: &UnitsFrom, entries: &[Entry]) -> Objects {
    let mapping = Mapping { units: from.clone(), ..Mapping::default() };
    let directory = NAME.into();
    let mut found = Found::Whole(decode(entries, &mapping, &directory));
    let known = Directory::default();
    shape(&mut found, &Frame { known: &known, directory: &directory, from, same: false, below: None });
    match found {
        Found::Whole(objects) => objects,
        Found::Changes(_) => panic!("it was whole"),
    }
}

/// The units as they hang, and who is in them.
fn arranged(directory: &Directory) -> Vec<String> {
    let tree = UnitTree::build("", &directory.units);
    let path = |unit: UnitId| tree.index(unit).map_or_else(|| "?".to_owned(), |at| tree.path(at));
    let units = directory.units.keys().map(|id| path(*id));
    let users = directory.users.values().map(|user| format!("{}: {}", path(user.unit), user.account()));
    let mut lines: Vec<String> = units.chain(users).collect();
    lines.sort_unstable();
    lines
}

fn reasons(objects: &Objects) -> Vec<String> {
    objects.quarantined.iter().map(|q| format!("{}: {}", q.dn, q.reason)).collect()
}

#[test]
fn paths_make_a_tree_whatever_their_case_and_spaces() {
    let found = whole(
        &by_path(),
        &[
            person(1, &[("department", "Vård / Hemtjänst / Norr")]),
            person(2, &[("department", " VÅRD//hemtjänst/ ")]),
            person(3, &[("department", "It")]),
            person(4, &[("department", "IT\u{7}\u{1f}")]),
            person(5, &[("department", " / ")]),
            person(6, &[]),
        ],
    );
    let lines = arranged(&found.directory);
    assert_eq!(
        lines,
        [
            ": p5",
            ": p6",
            "It",
            "It: p3",
            "It: p4",
            "Vård",
            "Vård / Hemtjänst",
            "Vård / Hemtjänst / Norr",
            "Vård / Hemtjänst / Norr: p1",
            "Vård / Hemtjänst: p2"
        ]
    );
    assert_eq!(reasons(&found), [""; 0]);
}

#[test]
fn what_is_too_much_for_a_path_is_left_out_and_told() {
    let deep = vec!["x"; MAX_LEVELS].join("/");
    let deeper = format!("{deep}/x");
    let long = "y".repeat(10 << 20);
    let found = whole(
        &by_path(),
        &[
            person(1, &[("department", &deep)]),
            person(2, &[("department", &deeper)]),
            person(3, &[("department", &long)]),
        ],
    );
    assert_eq!(found.directory.units.len(), MAX_LEVELS);
    let unit = |n: u8| found.directory.users.get(&UserId(Guid([n; 16]))).unwrap().unit;
    assert!(unit(1) != UnitId::ROOT && unit(2) == UnitId::ROOT && unit(3) == UnitId::ROOT);
    let reasons = reasons(&found);
    assert!(reasons[0].contains("101 levels") && reasons[1].contains("10485760 bytes"), "{reasons:?}");
}

#[test]
fn codes_make_a_tree_with_what_others_name_above_theirs() {
    let found = whole(
        &by_code(),
        &[
            person(1, &[("code", "10"), ("above", "10"), ("called", "Kommunen")]),
            person(2, &[("code", "a1"), ("above", "10"), ("called", "Vård")]),
            person(3, &[("code", "A1"), ("above", "10"), ("called", "Omsorg")]),
            person(4, &[("code", "b2"), ("above", "a1")]),
            person(5, &[("code", "c3"), ("above", "z9"), ("called", "Skola")]),
            person(6, &[("above", "10"), ("called", "Ingen")]),
        ],
    );
    let lines = arranged(&found.directory);
    assert_eq!(
        lines,
        [
            ": p6",
            "Kommunen",
            "Kommunen / Vård",
            "Kommunen / Vård / b2",
            "Kommunen / Vård / b2: p4",
            "Kommunen / Vård: p2",
            "Kommunen / Vård: p3",
            "Kommunen: p1",
            "Z9",
            "Z9 / Skola",
            "Z9 / Skola: p5"
        ]
    );
    let mut reasons = reasons(&found);
    reasons.sort_unstable();
    assert!(reasons[0].starts_with("Vård: Its users say different things"), "{reasons:?}");
    assert!(reasons[1].starts_with("Z9: Nobody bears this code"), "{reasons:?}");
    assert_eq!(reasons.len(), 2);
}

#[test]
fn a_code_that_is_called_otherwise_stays_the_same_unit() {
    let one = |name: &str| whole(&by_code(), &[person(1, &[("code", "7"), ("called", name)])]).directory;
    let (before, after) = (one("Drift"), one("IT-drift"));
    let (before, after) = (before.units.values().next().unwrap(), after.units.values().next().unwrap());
    assert_eq!((before.id, &*before.name, &*after.name), (after.id, "Drift", "IT-drift"));
    // It must stay so from version to version, or all that is assigned to units is lost. The first 8 of the third part is the version (RFC 9562 §5.8).
    assert_eq!(before.id.to_string(), "8c544e2f-338f-8d9c-ba6c-2a8214b0edf9");
}

#[test]
fn codes_in_a_circle_hang_under_the_root_and_are_told() {
    let found = whole(
        &by_code(),
        &[person(1, &[("code", "1"), ("above", "2")]), person(2, &[("code", "2"), ("above", "1")])],
    );
    let lines = arranged(&found.directory);
    assert!(
        lines == ["1", "1 / 2", "1 / 2: p2", "1: p1"] || lines == ["2", "2 / 1", "2 / 1: p1", "2: p2"],
        "{lines:?}"
    );
    let reasons = reasons(&found);
    assert!(reasons.len() == 1 && reasons[0].contains("a unit below itself"), "{reasons:?}");
}

#[test]
fn who_is_not_understood_keeps_the_unit_alive() {
    let directory: DirectoryName = NAME.into();
    let from = by_path();
    let known =
        whole(&from, &[person(1, &[("department", "A/B")]), person(2, &[("department", "C")])]).directory;
    let gone = Quarantined { id: Some(Guid([1; 16])), dn: "".into(), reason: "Broken.".into() };
    let read = whole(&from, &[person(2, &[("department", "C")])]).directory;
    let read = Directory { units: Map::new(), ..read };
    let mut found = Found::Whole(Objects { directory: read, quarantined: vec![gone], ..Objects::default() });
    shape(&mut found, &Frame { known: &known, directory: &directory, from: &from, same: true, below: None });
    assert!(diff(&known, &directory, &found).is_empty());
}

#[test]
fn a_change_that_is_about_no_unit_touches_none() {
    let directory: DirectoryName = NAME.into();
    let from = by_path();
    let known =
        whole(&from, &[person(1, &[("department", "A/B")]), person(2, &[("department", "A/b")])]).directory;
    let written = whole(&from, &[person(2, &[("department", "a/b"), ("mail", "x@example.org")])]).directory;
    let written = Directory { units: Map::new(), ..written };
    let mut found = Found::Changes(Update { written, ..Update::default() });
    shape(&mut found, &Frame { known: &known, directory: &directory, from: &from, same: true, below: None });
    let delta = diff(&known, &directory, &found);
    assert_eq!((delta.units.len(), delta.users.changed.len()), (0, 1));
}
