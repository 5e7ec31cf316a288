use proptest::prelude::*;

use super::model::{ABSENCE, ATTRIBUTES, Class, DOMAIN, Model, UNIT_ATTRIBUTES, id};
use super::*;
use crate::domain::delta::{apply, diff};
use crate::domain::directory::Found;
use crate::domain::roles::AttributeGrant;
use crate::domain::shape::{Frame, UnitsFrom, as_read, shape};

const NAME: &str = "main";

/// One random change: what, and to which.
type Step = (u8, u16, u16, u8);

fn pick(of: &[u32], at: u16) -> Option<u32> {
    (!of.is_empty()).then(|| of[usize::from(at) % of.len()])
}

fn places(model: &Model) -> Vec<u32> {
    let mut places = model.of(|t| !t.deleted && matches!(t.class, Class::Unit | Class::Container));
    places.extend([DOMAIN, model.base]);
    places
}

/// Makes a change; some make none.
fn step(model: &mut Model, (what, a, b, c): Step) -> Option<()> {
    let places = places(model);
    let is = |class| move |t: &model::Thing| !t.deleted && t.class == class;
    let users = model.of(is(Class::User));
    let all = model.of(|t| !t.deleted);
    match what % 41 {
        0..=3 => drop(model.add(Class::User, pick(&places, a)?)),
        4 => drop(model.add(Class::Unit, pick(&places, a)?)),
        5 => drop(model.add(Class::Container, pick(&places, a)?)),
        6 => drop(model.add(Class::Group, pick(&places, a)?)),
        7 => drop(model.add(if c < 128 { Class::Computer } else { Class::Contact }, pick(&places, a)?)),
        8..=10 => {
            let name = ATTRIBUTES[usize::from(b) % ATTRIBUTES.len()];
            let value = match (name, c) {
                ("accountExpires", _) => (133_485_408_000_000_007 + i64::from(c)).to_string().into_bytes(),
                (_, 0..20) => b"\xff not text".to_vec(),
                (_, 20..40) => b" ".to_vec(),
                (_, 40..120) => b"secret".to_vec(),
                _ => format!("value {b}").into_bytes(),
            };
            model.set(pick(&users, a)?, name, Some(value));
        }
        11 => model.set(pick(&users, a)?, ATTRIBUTES[usize::from(b) % ATTRIBUTES.len()], None),
        12 => {
            let control = ["512", "514", "544", "66050", "4096", "512"][usize::from(c) % 6];
            model.set(pick(&users, a)?, "userAccountControl", Some(control.into()));
        }
        13 => model.set(pick(&all, a)?, "sAMAccountName", Some(format!("renamed{b}").into_bytes())),
        14..=16 => model.rename(pick(&all, a)?, None),
        17..=20 => {
            let (n, to) = (pick(&all, a)?, pick(&places, b)?);
            if !model.is_below(to, n) {
                model.rename(n, Some(to));
            }
        }
        21 | 22 => model.delete(pick(&all, a)?),
        23 => {
            let gone = model.of(|t| t.deleted);
            model.undelete(pick(&gone, a)?, pick(&places, b)?);
        }
        24..=27 => {
            let groups = model.of(is(Class::Group));
            model.link(pick(&groups, a)?, "member", pick(&all, b)?, c < 180);
        }
        28 | 29 => model.link(pick(&users, a)?, "manager", pick(&all, b)?, c < 200),
        32..=36 => {
            let said =
                ["IT", "it ", "Vård/Norr", "vård / norr / 1", "Vård", "/", "12", "13", "\u{1}IT\u{1f}13"];
            let name = UNIT_ATTRIBUTES[usize::from(b) % UNIT_ATTRIBUTES.len()];
            let value = (c < 230).then(|| said[usize::from(c) % said.len()].into());
            model.set(pick(&users, a)?, name, value);
        }
        38..=40 => {
            let said: [&[u8]; 5] = [
                b"2026-07-06..2026-07-31",
                b"2026-07-06..2026-07-31 deputy=renamed1, 2026-08-01..2026-08-02",
                b"2026-07-30..2026-07-31;soon;2026-07-06..2026-07-30",
                b"\xff",
                b"",
            ];
            let value = (c < 200).then(|| said[usize::from(b) % said.len()].into());
            model.set(pick(&users, a)?, ABSENCE, value);
        }
        30 => model.link(pick(&model.of(is(Class::Unit)), a)?, "managedBy", pick(&users, b)?, c < 200),
        _ => model.delete(pick(&users, a)?),
    }
    Some(())
}

/// A directory with a base, something outside of it, and somebody in it.
fn beginning(base: u8) -> Model {
    let mut model = Model::new();
    let outside = model.add(Class::Unit, DOMAIN);
    let within = model.add(if base % 3 == 1 { Class::Container } else { Class::Unit }, DOMAIN);
    if !base.is_multiple_of(3) {
        model.base = within;
    }
    let unit = model.add(Class::Unit, within);
    for place in [outside, within, unit, unit] {
        model.add(Class::User, place);
    }
    let group = model.add(Class::Group, unit);
    model.units_below = unit;
    model.link(group, "member", 6, true);
    model
}

fn follow<'a>(
    model: &Model,
    known: &'a Directory,
    name: &'a DirectoryName,
    mapping: &'a Mapping,
) -> Follow<'a> {
    let base: Dn = model.base_dn().parse().unwrap();
    let afresh = Afresh { users: model.hidden.is_some(), ..Afresh::default() };
    let excluded = model.excluded.map(|n| (id(n), model.dn(n).parse().unwrap()));
    let bases = BTreeMap::from([(id(model.base), base)]);
    Follow::new(known, name, mapping, bases, excluded.into_iter().collect(), afresh)
}

fn units_from(number: u8) -> UnitsFrom {
    let [department, code, above]: [Box<str>; 3] = UNIT_ATTRIBUTES.map(Box::from);
    let attribute = |separator: Option<&str>| UnitsFrom::Attribute {
        attribute: department.clone(),
        separator: separator.map(Box::from),
    };
    match number {
        0 => UnitsFrom::Ous,
        1 => attribute(None),
        2 => attribute(Some("/")),
        3 => UnitsFrom::Code { code, parent: Some(above), name: Some(department) },
        4 => UnitsFrom::Groups { below: None, named: Some("*, *".into()) },
        _ => UnitsFrom::Groups { below: Some("OU=whatever".parse().unwrap()), named: None },
    }
}

fn frame<'a>(
    model: &Model,
    mapping: &'a Mapping,
    directory: &'a DirectoryName,
    known: &'a Directory,
) -> Frame<'a> {
    // What bears the name is looked up by the source.
    let groups_below = matches!(mapping.units, UnitsFrom::Groups { below: Some(_), .. });
    let below = groups_below.then(|| id(model.units_below));
    Frame { known, directory, from: &mapping.units, same: true, below }
}

fn whole(model: &Model, mapping: &Mapping, name: &DirectoryName, known: &Directory) -> Found {
    let mut found = Found::Whole(model.whole(mapping, name, known));
    shape(&mut found, &frame(model, mapping, name, known));
    found
}

/// What is told of a change where only a search for what changed tells it.
fn found_by_a_search(change: &Entry) -> Entry {
    let mut entry = Entry::new(&*change.dn);
    for attribute in change.attributes().filter(|a| a.base() != "isDeleted" || a.values().count() > 0) {
        entry.add(attribute.name(), attribute.values()).unwrap();
    }
    entry
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 400, ..ProptestConfig::default() })]
    #[test]
    fn changes_lead_where_a_whole_read_leads(
        steps in prop::collection::vec(any::<Step>(), 20..120),
        batch in 1..12_usize,
        base in 0..3_u8,
        (units, marks, exclude) in (0..6_u8, 0..4_u8, any::<bool>()),
        (recycle_bin, hidden, told_only, twice) in any::<(bool, bool, bool, bool)>(),
    ) {
        let name = DirectoryName::from(NAME);
        // One with values that units are made of, too, and one with values of something else.
        let mark = |attribute: &str, values: [&str; 2]| AttributeGrant {
            attribute: attribute.into(),
            values: values.map(Box::from).into(),
        };
        let marks = match marks {
            0 => Vec::new(),
            1 => vec![mark("extensionattribute1", ["12", "it"])],
            2 => vec![mark("department", ["12", "it"])],
            _ => vec![mark("department", ["12", "it"]), mark("title", ["secret", "value 8"])],
        };
        let absence = ABSENCE.into();
        let mut mapping = Mapping { units: units_from(units), marks, absence, ..Mapping::default() };
        let mut model = beginning(base);
        (model.recycle_bin, model.hidden) = (recycle_bin, hidden.then_some("secret"));
        if exclude {
            let out = model.add(Class::Unit, model.base);
            let below = model.add(Class::Unit, out);
            model.add(Class::User, below);
            model.excluded = Some(out);
        }
        let mut known = Directory::default();
        for first in [true, false] {
            mapping.exclude = model.excluded.map(|n| model.dn(n).parse().unwrap()).into_iter().collect();
            let whole = whole(&model, &mapping, &name, &known);
            prop_assert!(first || *whole.directory() == known.part(&name));
            known = whole.directory().clone();
        }
        let (mut before, mut since) = (model.now, model.now);
        for steps in steps.chunks(batch) {
            for one in steps {
                step(&mut model, *one);
            }
            if model.excluded.is_some_and(|out| !model.is_there(out)) {
                // Its name means nothing any more: the source gives an error.
                break;
            }
            mapping.exclude = model.excluded.map(|n| model.dn(n).parse().unwrap()).into_iter().collect();
            let was_read = as_read(&known, &mapping.units);
            let mut follow = follow(&model, &was_read, &name, &mapping);
            prop_assert!(follow.knows_the_bases());
            // Another controller may tell what was told before.
            let changes = model.changes(if twice { before } else { since });
            for entry in &changes {
                if told_only {
                    // A search tells what is there, not that the mark of a deletion went.
                    follow.touch(&found_by_a_search(entry));
                } else {
                    follow.change(entry);
                }
            }
            let update = model.answer(follow);
            prop_assert!(update.is_ok(), "{:?}", update);
            let whole = whole(&model, &mapping, &name, &known);
            let wanted = apply(&known, &diff(&known, &name, &whole));
            let mut update = Found::Changes(update.unwrap());
            shape(&mut update, &frame(&model, &mapping, &name, &known));
            let delta = diff(&known, &name, &update);
            let got = apply(&known, &delta);
            let gap = diff(&got, &name, &Found::from(wanted.clone()));
            prop_assert!(gap.is_empty(), "{:#?}\nof {:#?}\n{:#?}", gap, model.things, changes);
            prop_assert!(got == wanted);
            known = got;
            (before, since) = (since, model.now);
        }
    }
}

#[test]
fn a_name_that_is_left_out_and_means_something_else_now_takes_that_away() {
    let name = DirectoryName::from(NAME);
    let mut model = beginning(0);
    let known = model.whole(&Mapping::default(), &name, &Directory::default()).directory;
    let unit = model.of(|t| t.class == Class::Unit)[2];
    model.excluded = Some(unit);
    let mapping = Mapping { exclude: vec![model.dn(unit).parse().unwrap()], ..Mapping::default() };
    // Nothing is told of it, nor of what stands below.
    let update = model.answer(follow(&model, &known, &name, &mapping)).unwrap();
    let got = apply(&known, &diff(&known, &name, &Found::Changes(update)));
    assert_eq!(got, model.whole(&mapping, &name, &known).directory);
    assert_eq!((known.units.len() - got.units.len(), known.users.len() - got.users.len()), (1, 2));
}
