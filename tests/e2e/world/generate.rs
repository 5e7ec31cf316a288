//! Makes an [`Organisation`] of a wanted size, the same one every time.

use std::collections::{HashMap, HashSet};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::names::{ACTIVITIES, DEPARTMENTS, GIVEN, PLACES, SURNAMES, TITLES};
use super::{GROUP_UNIT, Group, MAIL_DOMAIN, Organisation, Person, Unit, cast};

/// Units that the cast works in or that need escaping, and the unit each is in.
const SPECIAL_UNITS: &[(&str, &str)] = &[
    ("Drift, jour", "IT-avdelningen"),
    ("Forskning + utveckling", "IT-avdelningen"),
    ("Bemanning", "Personal"),
    ("Köket #2", "Tekniska förvaltningen"),
    ("Nätverk", "Drift, jour"),
    ("Fiber", "Nätverk"),
];
const DEEPEST: usize = 5;

pub fn organisation(people: usize, units: usize) -> Organisation {
    let mut random = StdRng::seed_from_u64(1397);
    let mut organisation = Organisation {
        units: make_units(units, &mut random),
        people: Vec::with_capacity(people),
        groups: Vec::new(),
        by_account: HashMap::new(),
    };
    organisation.people = make_people(&organisation, people, &mut random);
    organisation.by_account = organisation
        .people
        .iter()
        .enumerate()
        .map(|(index, person)| (person.account.clone(), index))
        .collect();
    name_managers(&mut organisation);
    organisation.groups = make_groups(&organisation);
    organisation
}

fn make_units(count: usize, random: &mut StdRng) -> Vec<Unit> {
    let mut units = vec![unit("Kommunen", None)];
    let mut depths = vec![1];
    units.extend(DEPARTMENTS.iter().chain(&[GROUP_UNIT]).map(|name| unit(name, Some(0))));
    depths.resize(units.len(), 2);
    for (name, above) in SPECIAL_UNITS {
        let parent = units.iter().position(|unit| unit.name == *above).unwrap();
        units.push(unit(name, Some(parent)));
        depths.push(depths[parent] + 1);
    }
    assert!(count >= units.len(), "an organisation has at least {} units", units.len());

    let mut taken: HashSet<(usize, String)> = HashSet::new();
    while units.len() < count {
        let parent = random.random_range(1..units.len());
        let name = format!("{} {}", ACTIVITIES.choose(random).unwrap(), PLACES.choose(random).unwrap());
        let usable = units[parent].name != GROUP_UNIT && depths[parent] < DEEPEST;
        if usable && taken.insert((parent, name.clone())) {
            units.push(unit(&name, Some(parent)));
            depths.push(depths[parent] + 1);
        }
    }
    units
}

fn unit(name: &str, parent: Option<usize>) -> Unit {
    Unit { name: name.to_owned(), parent, managed_by: None }
}

fn make_people(organisation: &Organisation, count: usize, random: &mut StdRng) -> Vec<Person> {
    let mut people: Vec<Person> = cast::people()
        .into_iter()
        .map(|(unit, person)| Person { unit: organisation.unit(unit), ..person })
        .collect();
    assert!(count >= people.len(), "the cast alone is {} people", people.len());

    let staffing = organisation.unit("Bemanning");
    let nobody_works_in = organisation.unit(GROUP_UNIT);
    let mut accounts: HashSet<String> = people.iter().map(|person| person.account.clone()).collect();
    let mut names: HashSet<(usize, String)> =
        people.iter().map(|person| (person.unit, person.cn.clone())).collect();
    for index in people.len()..count {
        let given = (*GIVEN.choose(random).unwrap()).to_owned();
        let surname = (*SURNAMES.choose(random).unwrap()).to_owned();
        let mut unit = random.random_range(0..organisation.units.len());
        if unit == nobody_works_in {
            unit = staffing;
        }
        let display_name = format!("{given} {surname}");
        let cn = numbered(&display_name, " ", |name| names.insert((unit, name.to_owned())));
        // sAMAccountName has at most 20 characters (MS-SAMR 3.1.1.8.4); one is left for a number of up to four digits.
        let short: String = ascii(&format!("{given}.{surname}")).chars().take(16).collect();
        let account = numbered(&short, "", |name| accounts.insert(name.to_owned()));
        people.push(Person {
            mail: (index % 25 != 0).then(|| format!("{account}@{MAIL_DOMAIN}")),
            phone: (index % 3 != 0)
                .then(|| format!("+46 8 123 {:03} {:02}", index / 100 % 1000, index % 100)),
            mobile: (index % 2 == 0).then(|| format!("070-{:07}", index * 37 % 10_000_000)),
            title: (index % 5 != 0).then(|| (*TITLES.choose(random).unwrap()).to_owned()),
            language: ["sv-SE", "nb-NO", "en"].get(index % 7).map(|language| (*language).to_owned()),
            disabled: index % 20 == 7,
            expires: (index % 40 == 11).then(|| "2025-01-31T23:00:00Z".parse().unwrap()),
            in_container: unit == staffing && index % 2 == 0,
            manager: None,
            account,
            cn,
            given_name: given,
            surname,
            display_name,
            unit,
        });
    }
    people
}

/// The name, or the name with the first number from 2 on that makes it `free`.
fn numbered(name: &str, separator: &str, mut free: impl FnMut(&str) -> bool) -> String {
    if free(name) {
        return name.to_owned();
    }
    (2..).map(|number| format!("{name}{separator}{number}")).find(|candidate| free(candidate)).unwrap()
}

/// Lower case without diacritics, as accounts and addresses are made of names.
fn ascii(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|letter| match letter {
            'å' | 'ä' | 'á' | 'æ' => 'a',
            'ö' | 'ø' | 'ó' => 'o',
            'é' | 'ę' => 'e',
            'í' | 'ı' => 'i',
            'ú' | 'ü' => 'u',
            'ý' => 'y',
            'ð' => 'd',
            'ż' => 'z',
            'ł' => 'l',
            other if other.is_ascii() => other,
            _ => 'x',
        })
        .filter(|letter| *letter != ' ')
        .collect()
}

/// The first who works in a unit is its head: manager of the others there, and of the heads of the units below.
/// Every third unit names its head in `managedBy` too.
fn name_managers(organisation: &mut Organisation) {
    let mut heads: HashMap<usize, usize> = HashMap::new();
    for (index, person) in organisation.people.iter().enumerate() {
        heads.entry(person.unit).or_insert(index);
    }
    for (index, person) in organisation.people.iter_mut().enumerate() {
        let above = organisation.units[person.unit].parent;
        let manager = match heads[&person.unit] {
            head if head == index => above.and_then(|unit| heads.get(&unit).copied()),
            head => Some(head),
        };
        // A link needs its target: only someone who is added earlier can be named.
        person.manager = manager.filter(|manager| *manager < index);
    }
    for (index, unit) in organisation.units.iter_mut().enumerate().step_by(3) {
        unit.managed_by = heads.get(&index).copied();
    }
}

fn make_groups(organisation: &Organisation) -> Vec<Group> {
    let index = |account: &str| organisation.by_account[account];
    let everybody = organisation.people.len();
    vec![
        Group {
            name: "outage-duty",
            members: ["drift.jour", "vikarie1", "pelle.ek"].map(index).to_vec(),
            groups: vec![],
        },
        Group {
            name: "outage-contacts",
            members: ["asa.oberg", "soren.odegard", "obrien", "thora.jonsdottir", "disabled"]
                .map(index)
                .to_vec(),
            groups: vec!["outage-duty"],
        },
        // Over 1,500 members: Active Directory gives them in ranges only.
        Group {
            name: "all-staff",
            members: (0..everybody).take(everybody.min(2_000) * 4 / 5).collect(),
            groups: vec![],
        },
    ]
}
