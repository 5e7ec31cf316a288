//! The organisation that the tests put into the directory: a Nordic municipality with 2,000 people in 200 units.
//!
//! It is the same in every run (the generator is seeded), and has what real directories have: names that need
//! escaping, namesakes, disabled and expired accounts, people without mail, mailboxes that are shared, a
//! container that is no unit, and objects that a careless filter takes for people.
//! The people with something special are named in [`cast`].

mod cast;
mod generate;
mod ldif;
mod names;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::servers::ldif::escape_rdn;

/// The domain's naming context.
pub const BASE: &str = "DC=ad,DC=kommun,DC=example";
/// The topmost unit: everything the tests made hangs under it, and nothing else does.
pub const ROOT_UNIT: &str = "OU=Kommunen,DC=ad,DC=kommun,DC=example";
/// What every mail address of the organisation ends with.
pub const MAIL_DOMAIN: &str = "kommun.example";
/// The filter for people that the directory's administrator would give to Budkavle.
pub const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user))";
/// The filter for units.
pub const UNITS: &str = "(objectClass=organizationalUnit)";

/// People, units and groups, before they are in a directory.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Parents come before their children; the first is [`ROOT_UNIT`].
    pub units: Vec<Unit>,
    /// A manager comes before those managed.
    pub people: Vec<Person>,
    /// A nested group comes before the group it is in.
    pub groups: Vec<Group>,
    by_account: HashMap<String, usize>,
}

/// An organizational unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The value of its RDN, not escaped.
    pub name: String,
    /// Index of the unit above; `None` for the topmost.
    pub parent: Option<usize>,
    /// Index of the person in `managedBy`.
    pub managed_by: Option<usize>,
}

/// A user account of a person.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// `sAMAccountName`, unique in the domain.
    pub account: String,
    /// The value of the RDN, not escaped; unique in its unit only.
    pub cn: String,
    pub given_name: String,
    pub surname: String,
    pub display_name: String,
    /// Index of the nearest unit above.
    pub unit: usize,
    /// Whether the account lies in [`CONTAINER`] below its unit instead of in the unit itself.
    pub in_container: bool,
    pub mail: Option<String>,
    pub phone: Option<String>,
    pub mobile: Option<String>,
    pub title: Option<String>,
    /// `preferredLanguage`
    pub language: Option<String>,
    /// Index of the person in `manager`.
    pub manager: Option<usize>,
    pub disabled: bool,
    /// `accountExpires`; `None` is never.
    pub expires: Option<DateTime<Utc>>,
}

/// A security group, which lies in the unit "Grupper".
#[derive(Debug, Clone)]
pub struct Group {
    pub name: &'static str,
    /// Indices of people.
    pub members: Vec<usize>,
    /// Names of groups.
    pub groups: Vec<&'static str>,
}

/// A container (not a unit) in which some accounts of the unit "Bemanning" lie.
pub const CONTAINER: &str = "Vikarier";
/// The unit in which the groups lie and nobody works.
pub const GROUP_UNIT: &str = "Grupper";

impl Organisation {
    /// The organisation of the tests: 2,000 people in 200 units.
    pub fn kommun() -> Self {
        Self::generate(2_000, 200)
    }

    /// One of any size, with the [`cast`] in it.
    pub fn generate(people: usize, units: usize) -> Self {
        generate::organisation(people, units)
    }

    /// One person more.
    pub fn add(&mut self, person: Person) {
        self.by_account.insert(person.account.clone(), self.people.len());
        self.people.push(person);
    }

    /// The person with this `sAMAccountName`.
    pub fn person(&self, account: &str) -> &Person {
        let index = self.by_account.get(account);
        &self.people[*index.unwrap_or_else(|| panic!("nobody has the account {account}"))]
    }

    /// The index of the first unit with this name.
    pub fn unit(&self, name: &str) -> usize {
        let index = self.units.iter().position(|unit| unit.name == name);
        index.unwrap_or_else(|| panic!("no unit is called {name}"))
    }

    /// The distinguished name of a unit.
    pub fn unit_dn(&self, unit: usize) -> String {
        let Unit { name, parent, .. } = &self.units[unit];
        let above = parent.map_or_else(|| BASE.to_owned(), |parent| self.unit_dn(parent));
        format!("OU={},{above}", escape_rdn(name))
    }

    /// How many units there are from the topmost down to this one, both counted.
    pub fn depth(&self, unit: usize) -> usize {
        1 + self.units[unit].parent.map_or(0, |parent| self.depth(parent))
    }

    /// The distinguished name of a person.
    pub fn dn(&self, person: &Person) -> String {
        let unit = self.unit_dn(person.unit);
        let above = if person.in_container { format!("CN={CONTAINER},{unit}") } else { unit };
        format!("CN={},{above}", escape_rdn(&person.cn))
    }

    /// The distinguished name of a group.
    pub fn group_dn(&self, name: &str) -> String {
        format!("CN={name},{}", self.unit_dn(self.unit(GROUP_UNIT)))
    }

    /// Every mail address that somebody in the organisation has, each once, in lower case.
    pub fn mail_addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> =
            self.people.iter().filter_map(|person| person.mail.as_deref()).map(str::to_lowercase).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }
}
