//! Random organisations for the property tests: small, so that names, places and times meet, and as odd as directories are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::absence::{Absence, Origin};
use super::audit::Actor;
use super::directory::{Directory, Group, Unit, UserFields};
use super::ids::{
    AbsenceId, AssignmentId, DirectoryName, GroupId, Guid, OutageId, SubjectName, UnitId, UserId,
};
use super::lists::{ListName, ListedPerson, Listing, TakenList};
use super::map::Map;
use super::notice::OutageWord;
use super::organisation::Organisation;
use super::outage::said::PlainUpdate;
use super::outage::{Incident, Severity, State};
use super::roles::{self, Assignment, AttributeGrant, Holder, Pick, Place, Role, Scope};
use super::service::Service;
use super::subject::Subject;

/// What the organisation is called.
pub const NAME: &str = "Org";
/// The directories that objects come from.
pub const DIRECTORIES: [&str; 2] = ["main", "branch"];
/// A role of units besides the built-in ones, which falls back to `local`.
pub const HELPER: &str = "helper";

const USERS: u8 = 14;
const UNITS: u8 = 9;
const GROUPS: u8 = 5;
const HOURS: i64 = 24;

/// The user number `n`; the one past the last is never there.
pub fn user_id(n: u8) -> UserId {
    UserId(guid(1, n))
}

/// The unit number `n`; the root for 0.
pub fn unit_id(n: u8) -> UnitId {
    if n == 0 { UnitId::ROOT } else { UnitId(guid(2, n)) }
}

/// The group number `n`.
pub fn group_id(n: u8) -> GroupId {
    GroupId(guid(3, n))
}

fn guid(kind: u8, n: u8) -> Guid {
    let mut bytes = [kind; 16];
    bytes[7] = n;
    Guid(bytes)
}

/// So many hours after 6 July 2026, 00:00 UTC.
pub fn hour(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_783_296_000, 0).unwrap() + TimeDelta::hours(n)
}

/// A moment at which something may change, or just before.
pub fn now() -> impl Strategy<Value = DateTime<Utc>> {
    (0..HOURS, any::<bool>()).prop_map(|(n, before)| hour(n) - TimeDelta::seconds(before.into()))
}

/// A plain user, enabled, with an address.
pub fn user(n: u8, unit: u8) -> UserFields {
    let (name, account) = (format!("User {n}"), format!("u{n}"));
    UserFields {
        rdn: name.as_str().into(),
        name: name.into(),
        mail: Some(format!("{account}@org.example").into()),
        ..UserFields::bare(user_id(n), DIRECTORIES[0].into(), unit_id(unit), &account)
    }
}

/// A unit called `Unit 3` for number 3.
pub fn unit(n: u8, parent: u8) -> Unit {
    Unit {
        id: unit_id(n),
        directory: DIRECTORIES[0].into(),
        parent: unit_id(parent),
        above: unit_id(parent).0,
        name: format!("Unit {n}").into(),
        managed_by: None,
    }
}

/// A group with these users and groups as members.
pub fn group(n: u8, users: &[u8], groups: &[u8]) -> Group {
    Group {
        id: group_id(n),
        directory: DIRECTORIES[0].into(),
        name: format!("Group {n}").into(),
        account: format!("g{n}").into(),
        above: Guid::default(),
        members: members(users.iter().map(|n| user_id(*n)), groups.iter().map(|n| group_id(*n))),
    }
}

fn members(users: impl Iterator<Item = UserId>, groups: impl Iterator<Item = GroupId>) -> Box<[Guid]> {
    let all: BTreeSet<Guid> = users.map(|u| u.0).chain(groups.map(|g| g.0)).collect();
    all.into_iter().collect()
}

/// A directory of these objects.
pub fn directory_of(
    users: impl IntoIterator<Item = UserFields>,
    units: impl IntoIterator<Item = Unit>,
    groups: impl IntoIterator<Item = Group>,
) -> Directory {
    Directory {
        users: users.into_iter().map(|u| (u.id, Arc::new(u.into()))).collect(),
        units: units.into_iter().map(|u| (u.id, Arc::new(u))).collect(),
        groups: groups.into_iter().map(|g| (g.id, Arc::new(g))).collect(),
        containers: Map::new(),
    }
}

fn directory_name() -> impl Strategy<Value = DirectoryName> {
    prop_oneof![3 => Just(DIRECTORIES[0]), 1 => Just(DIRECTORIES[1])].prop_map(DirectoryName::from)
}

fn text(choices: &'static [&'static str]) -> impl Strategy<Value = Option<Box<str>>> {
    option::of(select(choices).prop_map(Box::from))
}

fn any_user_id() -> impl Strategy<Value = UserId> {
    (1..=USERS + 1).prop_map(user_id)
}

fn any_user() -> impl Strategy<Value = UserFields> {
    let mail = prop_oneof![
        6 => Just(Some("own")),
        1 => Just(None),
        1 => Just(Some("shared@org.example")),
        1 => Just(Some("no address")),
    ];
    let where_to = (directory_name(), 0..=UNITS + 1, select(&["Åsa Öberg", "Bo Ek", "bo ek", "Li Ås"]), mail);
    let more =
        (text(&["1", "2"]), text(&["3"]), text(&["Nurse", "Cook"]), option::of(any_user_id()), text(&["sv"]));
    let marks = option::weighted(0.3, select(&["ext=a", "ext=b", "ext=a\u{1f}other=b"]));
    let life = (prop::bool::weighted(0.85), option::weighted(0.2, 0..HOURS), marks);
    (1..=USERS, where_to, more, life).prop_map(|(n, (directory, unit, name, mail), more, life)| {
        let (phone, mobile, title, manager, language) = more;
        let mail = mail.map(|m| if m == "own" { format!("u{n}@org.example").into() } else { Box::from(m) });
        let upn = (n % 2 == 0).then(|| format!("u{n}@upn.example").into());
        let (enabled, expires) = (life.0, life.1.map(hour));
        let (rdn, name) = (name.into(), name.into());
        let known = UserFields { directory, rdn, upn, name, mail, phone, mobile, ..user(n, unit) };
        let marks = life.2.map(Box::from);
        UserFields { title, manager, language, enabled, expires, marks, ..known }
    })
}

fn any_unit() -> impl Strategy<Value = Unit> {
    let names = select(&["Care", "Home care", "IT", "School"]);
    (1..=UNITS, directory_name(), 0..=UNITS + 1, names, option::of(any_user_id())).prop_map(
        |(n, directory, parent, name, managed_by)| Unit {
            directory,
            name: name.into(),
            managed_by,
            ..unit(n, parent)
        },
    )
}

fn any_group() -> impl Strategy<Value = Group> {
    let users = btree_set(any_user_id(), 0..6);
    let groups = btree_set((1..=GROUPS + 1).prop_map(group_id), 0..3);
    (1..=GROUPS, directory_name(), select(&["Contacts", "Night"]), users, groups).prop_map(
        |(n, directory, name, users, groups)| Group {
            directory,
            name: name.into(),
            members: members(users.into_iter(), groups.into_iter()),
            ..group(n, &[], &[])
        },
    )
}

/// A directory with objects of several sources, circles, dangling references and shared names.
pub fn directory() -> impl Strategy<Value = Directory> {
    let objects = (
        vec(any_user(), 0..usize::from(USERS)),
        vec(any_unit(), 0..usize::from(UNITS)),
        vec(any_group(), 0..6),
    );
    objects.prop_map(|(users, units, groups)| directory_of(users, units, groups))
}

/// What was read of the directory [`DIRECTORIES`]`[0]`: much of `old` as it was, the rest as in another random directory.
pub fn reading_of(old: Directory) -> impl Strategy<Value = Directory> {
    (directory(), any::<u64>())
        .prop_map(move |(other, keep)| reread(&old, &DIRECTORIES[0].into(), &other, Some(keep)))
}

/// What was read of the directory `name`: of `old` what the bits of `keep` say, the rest as in `other`. Without bits: all of both.
pub fn reread(old: &Directory, name: &DirectoryName, other: &Directory, keep: Option<u64>) -> Directory {
    let mut new = old.part(name);
    mix(&mut new.users, &other.users, keep, |u| UserFields { directory: name.clone(), ..u.fields() }.into());
    mix(&mut new.units, &other.units, keep, |u| Unit { directory: name.clone(), ..u.clone() });
    mix(&mut new.groups, &other.groups, keep, |g| Group { directory: name.clone(), ..g.clone() });
    new
}

/// One of several readings in a row.
#[derive(Clone, Debug)]
pub struct Step {
    /// Of which directory.
    pub name: DirectoryName,
    /// Where the changes are taken from.
    pub other: Directory,
    /// Which objects stay.
    pub keep: Option<u64>,
    /// Whether somebody asks before.
    pub ask: bool,
}

/// A few readings in a row. Many change the users alone, or a single one of them.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let other = prop_oneof![
        2 => directory(),
        3 => directory().prop_map(|d| Directory { users: d.users, ..Directory::default() }),
        2 => any_user().prop_map(|user| directory_of([user], [], [])),
        1 => any_unit().prop_map(|unit| directory_of([], [unit], [])),
        1 => any_group().prop_map(|group| directory_of([], [], [group])),
    ];
    let all_but = |n: usize| !(1 << (n % 32) | 1 << (n % 29 + 32));
    let keep = prop_oneof![1 => any::<u64>().prop_map(Some), 1 => (1_usize..15).prop_map(all_but).prop_map(Some), 3 => Just(None)];
    let step = (directory_name(), other, keep, any::<bool>());
    vec(step.prop_map(|(name, other, keep, ask)| Step { name, other, keep, ask }), 1..6)
}

fn mix<K: Ord + Copy, V>(
    kept: &mut Map<K, Arc<V>>,
    other: &Map<K, Arc<V>>,
    keep: Option<u64>,
    ours: impl Fn(&V) -> V,
) {
    // Each bit decides for one object of each kind: three of four stay what they were.
    let stays = |bits: u64, n: usize| (bits >> (n % 32)) & 1 == 1 || (bits >> (n % 29 + 32)) & 1 == 1;
    let mut n = 0;
    kept.retain(|_, _| {
        n += 1;
        keep.is_none_or(|bits| stays(bits, n))
    });
    for (id, value) in other {
        n += 1;
        if keep.is_none_or(|bits| !stays(bits, n)) {
            kept.insert(*id, Arc::new(ours(value)));
        }
    }
}

/// All that an organisation is made of, before it is arranged.
#[derive(Clone, Debug)]
pub struct World {
    pub directory: Directory,
    pub roles: Vec<Role>,
    pub assignments: BTreeMap<AssignmentId, Assignment>,
    pub absences: Vec<Absence>,
    pub listed: Vec<(ListName, ListedPerson)>,
    pub subjects: BTreeMap<SubjectName, Subject>,
}

impl World {
    /// The built-in roles, [`HELPER`], and nobody who holds any.
    pub fn new(directory: Directory) -> World {
        let mut roles = roles::built_in();
        let helper = Role { name: HELPER.into(), title: "helper".into(), ..roles[0].clone() };
        roles.push(Role { fallback: Some(roles::LOCAL.into()), ..helper });
        assert!(
            roles[0].scope == Scope::Unit && roles[0].pick == Pick::Nearest,
            "roles[0] is the local contact"
        );
        World {
            directory,
            roles,
            assignments: BTreeMap::new(),
            absences: Vec::new(),
            listed: Vec::new(),
            subjects: BTreeMap::new(),
        }
    }

    /// Arranged for answering.
    pub fn organisation(&self) -> Organisation {
        let (roles, assignments) = (self.roles.clone(), self.assignments.clone());
        let (directory, absences) = (self.directory.clone(), self.absences.clone());
        let listed = Arc::new(self.listed.clone());
        let mut organisation = Organisation::new(NAME, directory, roles, assignments, absences, listed);
        organisation.subjects = Arc::new(self.subjects.clone());
        organisation
    }

    /// Gives a role to a user, by number, and returns the assignment to change it.
    pub fn assign(&mut self, role: &str, holder: u8, place: Place) -> &mut Assignment {
        let id = AssignmentId(self.assignments.len() as u64 + 1);
        let holder = Holder::User(user_id(holder));
        let assignment = Assignment {
            id,
            role: role.into(),
            holder,
            place,
            rank: 100,
            mail: None,
            phone: None,
            from: None,
            until: None,
            any_unit: false,
        };
        self.assignments.entry(id).or_insert(assignment)
    }

    /// Gives a role to somebody on a list.
    pub fn list(&mut self, role: &str, name: &str, mail: &str) -> &mut ListedPerson {
        self.listed.push(("vendor".into(), listed_person(role, name, mail)));
        &mut self.listed.last_mut().unwrap().1
    }

    /// A user is away for the given hours.
    pub fn away(&mut self, who: u8, from: i64, until: i64, deputy: Option<u8>) {
        self.absences.push(Absence {
            id: AbsenceId(self.absences.len() as u64 + 1),
            user: user_id(who),
            from: hour(from),
            until: hour(until),
            deputy: deputy.map(user_id),
            note: None,
            origin: Origin::ByHand,
        });
    }
}

/// Somebody on a list, for good.
pub fn listed_person(role: &str, name: &str, mail: &str) -> ListedPerson {
    let mail = mail.parse().unwrap();
    let (role, name) = (role.into(), name.into());
    ListedPerson {
        role,
        name,
        mail,
        phone: None,
        title: None,
        about: None,
        note: None,
        from: None,
        until: None,
    }
}

/// A service that is called so, and needs these; it is nobody's, and everybody's.
pub fn service(name: &str, on: &[&str]) -> Service {
    let depends_on = on.iter().map(|name| (*name).into()).collect();
    Service { name: name.into(), title: name.into(), depends_on, owner: None, units: vec![] }
}

/// What is told of an outage of the mail with this number that was just opened.
pub fn outage_word(id: u64, title: &str, text: &str, severity: Severity, at: DateTime<Utc>) -> OutageWord {
    let opened = PlainUpdate { at, by: Actor::System, state: State::Investigating, text: text.into() };
    let incident = Incident {
        id: OutageId(id),
        title: title.into(),
        severity,
        services: vec!["mail".into()],
        units: Vec::new(),
        updates: vec![opened],
    };
    OutageWord::from((&incident, 0, &[][..]))
}

/// The vendor's list with these people, as it was taken.
pub fn taken_list(people: Vec<ListedPerson>) -> TakenList {
    TakenList {
        name: "vendor".into(),
        listing: Listing { issued: None, people },
        taken: hour(0),
        from: "x".into(),
        sha256: [0; 32],
        terms: 0,
        etag: None,
        modified: None,
    }
}

fn any_listed() -> impl Strategy<Value = (ListName, ListedPerson)> {
    // A list can't give a role of units.
    let role = select(&[roles::GLOBAL, roles::OUTAGE, roles::LOCAL]);
    let who = select(&[("Vera", "vera@vendor.example"), ("desk", "shared@org.example")]);
    let times = (option::weighted(0.2, 0..HOURS), option::weighted(0.2, 0..HOURS));
    (role, who, times).prop_map(|(role, (name, mail), (from, until))| {
        let person = listed_person(role, name, mail);
        ("vendor".into(), ListedPerson { from: from.map(hour), until: until.map(hour), ..person })
    })
}

fn any_holder() -> impl Strategy<Value = Holder> {
    let outside = select(&["desk@vendor.example", "shared@org.example"]);
    prop_oneof![
        5 => any_user_id().prop_map(Holder::User),
        1 => outside.prop_map(|mail| Holder::Outside { name: "Desk".into(), mail: mail.parse().unwrap() }),
    ]
}

fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        3 => (0..=UNITS + 1).prop_map(|n| Place::Unit(unit_id(n))),
        2 => Just(Place::OwnUnit),
        2 => Just(Place::Organisation),
        1 => directory_name().prop_map(Place::Directory),
        1 => any_subject().prop_map(Place::Subject),
    ]
}

/// One of the subjects of a [`world`], or one that isn't there.
fn any_subject() -> impl Strategy<Value = SubjectName> {
    select(&["pay", "Heroma", "gone"]).prop_map(SubjectName::from)
}

/// An assignment without a number, of a role that may not be there.
pub fn any_assignment() -> impl Strategy<Value = Assignment> {
    let role = select(&[
        roles::LOCAL,
        roles::LOCAL,
        HELPER,
        roles::GLOBAL,
        roles::OUTAGE,
        roles::AD_SYNC,
        roles::REPORT,
        roles::REPORT,
        "unknown",
    ]);
    let mail = option::weighted(0.15, select(&["Duty@org.example", "shared@org.example"]));
    let times = (option::weighted(0.2, 0..HOURS), option::weighted(0.2, 0..HOURS));
    (role, any_holder(), any_place(), 0_u16..3, mail, times, any::<bool>()).prop_map(
        |(role, holder, place, rank, mail, (from, until), any_unit)| Assignment {
            id: AssignmentId(0),
            role: role.into(),
            holder,
            place,
            rank,
            mail: mail.map(|m| m.parse().unwrap()),
            phone: None,
            from: from.map(hour),
            until: until.map(hour),
            any_unit,
        },
    )
}

/// An absence without a number, of somebody who may not be there.
pub fn any_absence() -> impl Strategy<Value = Absence> {
    (any_user_id(), 0..HOURS, 0..12_i64, option::of(any_user_id())).prop_map(
        |(user, from, length, deputy)| Absence {
            id: AbsenceId(0),
            user,
            from: hour(from),
            until: hour(from + length),
            deputy,
            note: None,
            origin: Origin::ByHand,
        },
    )
}

/// An organisation with holders from every origin, absences and deputies.
pub fn world() -> impl Strategy<Value = World> {
    let granted = || btree_set(select(&["g1", "G2", "g3", "Contacts", "night", "nobody"]), 0..3);
    let attribute = |(attribute, value): (&str, &str)| AttributeGrant {
        attribute: attribute.into(),
        values: vec!["z".into(), value.into()],
    };
    let by = select(&[("Ext", "a"), ("ext", "B"), ("other", "b"), ("else", "a")]).prop_map(attribute);
    let grants = vec((granted(), any::<bool>(), option::weighted(0.3, by)), 5);
    let assignments = vec(any_assignment(), 0..24);
    let circle = prop::bool::weighted(0.2);
    let owners = [option::of((0..=UNITS + 1).prop_map(unit_id)), option::of((0..=UNITS).prop_map(unit_id))];
    let (absences, listed) = (vec(any_absence(), 0..10), vec(any_listed(), 0..4));
    (directory(), grants, assignments, absences, listed, circle, owners).prop_map(
        |(directory, grants, assignments, absences, listed, circle, owners)| {
            let mut world = World { listed, ..World::new(directory) };
            for (role, (groups, managed_by, attribute)) in world.roles.iter_mut().zip(grants) {
                role.grants.groups = groups.into_iter().map(Box::from).collect();
                (role.grants.managed_by, role.grants.attribute) = (managed_by, attribute);
                if circle && &*role.name.0 == roles::GLOBAL {
                    role.fallback = Some(HELPER.into());
                }
            }
            let numbered = (1..).map(AssignmentId).zip(assignments);
            world.assignments = numbered.map(|(id, a)| (id, Assignment { id, ..a })).collect();
            let numbered = (1..).map(AbsenceId).zip(absences);
            world.absences = numbered.map(|(id, a)| Absence { id, ..a }).collect();
            let named = ["pay", "Heroma"].map(SubjectName::from).into_iter().zip(owners);
            let subject = |(name, owner): (SubjectName, _)| {
                (name.clone(), Subject { name, title: "System".into(), owner })
            };
            world.subjects = named.map(subject).collect();
            world
        },
    )
}
