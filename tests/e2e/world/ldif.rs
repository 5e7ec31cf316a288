//! The organisation as LDIF (RFC 2849), in an order in which every link finds its target.

use super::{CONTAINER, GROUP_UNIT, Organisation, Person};
use crate::servers::ldif::Record;

/// Ticks of 100 ns between 1601, from when `accountExpires` counts, and 1970 (MS-ADTS 2.3.1).
const TICKS_TO_1970: i64 = 116_444_736_000_000_000;
const NORMAL_ACCOUNT: u32 = 0x200;
const ACCOUNT_DISABLED: u32 = 0x2;
const WORKSTATION: u32 = 0x1000;

impl Organisation {
    /// Everything to add, then the links that units have to people.
    pub fn to_ldif(&self) -> String {
        let mut ldif = String::new();
        for unit in 0..self.units.len() {
            let record = Record::add(&self.unit_dn(unit), "organizationalUnit");
            ldif.push_str(&record.to_ldif());
        }
        ldif.push_str(&self.odd_objects());
        for person in &self.people {
            ldif.push_str(&self.person_record(person).to_ldif());
        }
        for group in &self.groups {
            let people = group.members.iter().map(|index| self.dn(&self.people[*index]));
            let groups = group.groups.iter().map(|name| self.group_dn(name));
            let record = Record::add(&self.group_dn(group.name), "group")
                .value("sAMAccountName", group.name)
                .values("member", people.chain(groups));
            ldif.push_str(&record.to_ldif());
        }
        for (index, unit) in self.units.iter().enumerate() {
            if let Some(head) = unit.managed_by {
                let record = Record::modify(
                    &self.unit_dn(index),
                    "replace",
                    "managedBy",
                    [self.dn(&self.people[head])],
                );
                ldif.push_str(&record.to_ldif());
            }
        }
        ldif
    }

    fn person_record(&self, person: &Person) -> Record {
        let account_control = NORMAL_ACCOUNT | if person.disabled { ACCOUNT_DISABLED } else { 0 };
        let expires = person.expires.map(|at| (at.timestamp() * 10_000_000 + TICKS_TO_1970).to_string());
        Record::add(&self.dn(person), "user")
            .value("sAMAccountName", &person.account)
            .value("userPrincipalName", &format!("{}@kommun.example", person.account))
            .value("givenName", &person.given_name)
            .value("sn", &person.surname)
            .value("displayName", &person.display_name)
            .value("department", &self.units[person.unit].name)
            .value("userAccountControl", &account_control.to_string())
            .values("accountExpires", expires)
            .values("mail", person.mail.clone())
            .values("telephoneNumber", person.phone.clone())
            .values("mobile", person.mobile.clone())
            .values("title", person.title.clone())
            .values("preferredLanguage", person.language.clone())
            .values("manager", person.manager.map(|index| self.dn(&self.people[index])))
    }

    /// A container that is no unit, and two objects that are no people though they look like it: a computer has the
    /// object class `user`, a contact the object category `person`.
    fn odd_objects(&self) -> String {
        let staffing = self.unit_dn(self.unit("Bemanning"));
        let groups = self.unit_dn(self.unit(GROUP_UNIT));
        let container = Record::add(&format!("CN={CONTAINER},{staffing}"), "container");
        let computer = Record::add(&format!("CN=PC-1001,{staffing}"), "computer")
            .value("sAMAccountName", "PC-1001$")
            .value("userAccountControl", &WORKSTATION.to_string());
        let contact = Record::add(&format!("CN=Leverantören,{groups}"), "contact")
            .value("displayName", "Leverantören")
            .value("mail", "jour@vendor.example");
        [container, computer, contact].map(|record| record.to_ldif()).concat()
    }
}
