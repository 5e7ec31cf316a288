//! An [`Organisation`] in the schemas of other directories than Active Directory's. The distinguished names are the same.

use super::{READER, READER_PASSWORD};
use crate::servers::ldif::Record;
use crate::world::{BASE, CONTAINER, Organisation, Person, Unit};

/// Where the same people are as accounts of Unix (`posixAccount`, RFC 2307), called by their `uid`.
pub const POSIX_PEOPLE: &str = "OU=people,OU=posix,DC=ad,DC=kommun,DC=example";
/// Where the groups of Unix are (`posixGroup`): their members are named by `memberUid`, not by a distinguished name.
pub const POSIX_GROUPS: &str = "OU=groups,OU=posix,DC=ad,DC=kommun,DC=example";
/// The first number of a user and of a group.
const FIRST_ID: usize = 10_000;

/// Everything, in an order in which every link finds its target.
pub fn records(world: &Organisation) -> Vec<Record> {
    let mut records = vec![
        Record::add(BASE, "dcObject").values("objectClass", ["organization"]).value("o", "Kommunen"),
        Record::add(READER, "account")
            .values("objectClass", ["simpleSecurityObject"])
            .value("userPassword", READER_PASSWORD),
    ];
    records
        .extend((0..world.units.len()).map(|unit| Record::add(&world.unit_dn(unit), "organizationalUnit")));
    let staffing = world.unit_dn(world.unit("Bemanning"));
    records.push(Record::add(&format!("CN={CONTAINER},{staffing}"), "organizationalRole"));
    records.extend(world.people.iter().map(|person| human(world, person)));
    records.extend(world.groups.iter().map(|group| {
        let people = group.members.iter().map(|index| world.dn(&world.people[*index]));
        let groups = group.groups.iter().map(|name| world.group_dn(name));
        Record::add(&world.group_dn(group.name), "groupOfNames").values("member", people.chain(groups))
    }));
    records.extend(world.units.iter().enumerate().filter_map(|(unit, Unit { managed_by, .. })| {
        // The standard schemas have no `managedBy`.
        let head = world.dn(&world.people[(*managed_by)?]);
        Some(Record::modify(&world.unit_dn(unit), "replace", "seeAlso", [head]))
    }));
    records.extend(posix(world));
    records
}

fn human(world: &Organisation, person: &Person) -> Record {
    Record::add(&world.dn(person), "inetOrgPerson")
        .value("uid", &person.account)
        .value("sn", &person.surname)
        .value("givenName", &person.given_name)
        .value("displayName", &person.display_name)
        .value("departmentNumber", &world.units[person.unit].name)
        .values("mail", person.mail.clone())
        .values("telephoneNumber", person.phone.clone())
        .values("mobile", person.mobile.clone())
        .values("title", person.title.clone())
        .values("preferredLanguage", person.language.clone())
        .values("manager", person.manager.map(|index| world.dn(&world.people[index])))
}

fn posix(world: &Organisation) -> Vec<Record> {
    let (_, above) = POSIX_PEOPLE.split_once(',').unwrap();
    let mut records: Vec<Record> =
        [above, POSIX_PEOPLE, POSIX_GROUPS].map(|dn| Record::add(dn, "organizationalUnit")).to_vec();
    records.extend(world.people.iter().enumerate().map(|(index, person)| {
        Record::add(&format!("uid={},{POSIX_PEOPLE}", person.account), "inetOrgPerson")
            .values("objectClass", ["posixAccount", "shadowAccount"])
            .value("cn", person.display_name.trim())
            .value("sn", person.surname.trim())
            .values("mail", person.mail.clone())
            .value("departmentNumber", &world.units[person.unit].name)
            .value("uidNumber", &(FIRST_ID + index).to_string())
            .value("gidNumber", &FIRST_ID.to_string())
            .value("homeDirectory", &format!("/home/{}", person.account))
            // Days since 1970 (shadow(5)); 1 is long ago.
            .values("shadowExpire", person.disabled.then_some("1"))
    }));
    records.extend(world.groups.iter().enumerate().map(|(index, group)| {
        let members = group.members.iter().map(|index| &world.people[*index].account);
        Record::add(&format!("CN={},{POSIX_GROUPS}", group.name), "posixGroup")
            .value("gidNumber", &(FIRST_ID + 1 + index).to_string())
            .values("memberUid", members)
    }));
    records
}
