//! The contact roles: what each is for, where it applies and who may hold it. Roles are data.

pub mod import;
pub mod sheet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Serialize};

pub use super::ids::RoleName;
use super::ids::{AssignmentId, DirectoryName, SubjectName, UnitId, UserId};
use super::mailbox::Address;

/// What a holding of the role applies to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A unit and what is below it.
    Unit,
    /// The whole organisation.
    Organisation,
    /// A directory that is synced.
    Directory,
    /// A report, a system, or whatever else somebody answers for.
    Subject,
}

/// Who of the holders is the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Those of the nearest unit where anybody counts.
    Nearest,
    /// Everybody who counts.
    All,
}

/// A role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// What it is, a short phrase for people.
    pub title: Box<str>,
    /// What a holding applies to.
    pub scope: Scope,
    /// Who of the holders is the answer.
    pub pick: Pick,
    /// So many should count at any time.
    pub minimum: u16,
    /// They should be there at night, at weekends and on holidays, too; else while the organisation works.
    pub always: bool,
    /// No more than so many people may hold it. None: any number.
    pub quota: Option<u16>,
    /// Who is asked when nobody of this role counts.
    pub fallback: Option<RoleName>,
    /// How it may be had.
    pub grants: Grants,
}

impl Role {
    /// Whether a holding may be limited to a unit and what is below it, or to a service: that of outages may, since who is told
    /// depends on what is concerned (decision 21).
    pub fn is_narrowed(&self) -> bool {
        &*self.name.0 == OUTAGE && self.scope == Scope::Organisation
    }
}

/// How a role may be had.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grants {
    /// An administrator may give it.
    pub assign: bool,
    /// Members of these groups (by `sAMAccountName` or name, nested ones too) hold it: at their main unit when the scope is a unit.
    pub groups: Vec<Box<str>>,
    /// `managedBy` of a unit names a holder at that unit.
    pub managed_by: bool,
    /// Users with a value of an attribute hold it: at their main unit when the scope is a unit.
    #[serde(default)]
    pub attribute: Option<AttributeGrant>,
}

/// Which values of which attribute of a user grant a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttributeGrant {
    /// The attribute, compared without case.
    pub attribute: Box<str>,
    /// The values, compared without case. At least one.
    pub values: Vec<Box<str>>,
}

impl AttributeGrant {
    /// Whether a value of an attribute is one of those.
    pub fn is_granted_by(&self, attribute: &str, value: &str) -> bool {
        self.attribute.eq_ignore_ascii_case(attribute) && self.values.iter().any(|v| same_text(v, value))
    }
}

/// Every attribute that some role is granted by, with its values, each once and in order: what must be read of users.
pub fn granting_attributes(roles: &[Role]) -> Vec<AttributeGrant> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for grant in roles.iter().filter_map(|role| role.grants.attribute.as_ref()) {
        let values = all.entry(grant.attribute.to_ascii_lowercase()).or_default();
        values.extend(grant.values.iter().map(|value| value.to_lowercase()));
    }
    let grant = |(attribute, values): (String, BTreeSet<String>)| AttributeGrant {
        attribute: attribute.into(),
        values: values.into_iter().map(String::into_boxed_str).collect(),
    };
    all.into_iter().map(grant).collect()
}

fn same_text(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}

/// A role as `config/roles.toml` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shipped {
    title: Box<str>,
    scope: Scope,
    pick: Pick,
    #[serde(default)]
    minimum: u16,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    quota: u16,
    #[serde(default)]
    fallback: Option<RoleName>,
    #[serde(default = "yes")]
    assign: bool,
    #[serde(default)]
    groups: Vec<Box<str>>,
    #[serde(default)]
    managed_by: bool,
}

fn yes() -> bool {
    true
}

/// The roles that Budkavle brings along, in the order they are shown.
pub fn built_in() -> Vec<Role> {
    static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
        let roles = shipped(include_str!("../../config/roles.toml"));
        // The file is a part of the program, and a test reads it.
        roles.unwrap_or_else(|error| unreachable!("config/roles.toml: {error}"))
    });
    ROLES.clone()
}

fn shipped(text: &str) -> Result<Vec<Role>, toml_edit::de::Error> {
    let document: toml_edit::DocumentMut = text.parse().map_err(toml_edit::de::Error::from)?;
    let roles = document.get("roles").and_then(toml_edit::Item::as_table);
    roles
        .into_iter()
        .flat_map(toml_edit::Table::iter)
        .map(|(name, role)| {
            let role = role.clone().into_value().unwrap_or_else(|_| toml_edit::InlineTable::new().into());
            let Shipped { title, scope, pick, minimum, always, quota, fallback, assign, groups, managed_by } =
                Shipped::deserialize(role.into_deserializer())?;
            let quota = Some(quota).filter(|quota| *quota > 0);
            let grants = Grants { assign, groups, managed_by, attribute: None };
            Ok(Role { name: name.into(), title, scope, pick, minimum, always, quota, fallback, grants })
        })
        .collect()
}

/// The role of local contacts.
pub const LOCAL: &str = "local";
/// The role of global contacts.
pub const GLOBAL: &str = "global";
/// The role of those who are told of outages.
pub const OUTAGE: &str = "outage";
/// The role of those who have the responsibility for the system.
pub const SYSTEM_OWNER: &str = "system-owner";
/// The role of those who are told when a directory's sync fails.
pub const AD_SYNC: &str = "ad-sync";

/// The role of those who are entitled to the vendor's support.
pub const SUPPORT: &str = "support";
/// The role of those who answer for a report or a system.
pub const REPORT: &str = "report";
/// The role of those who help with trouble signing in.
pub const LOGIN: &str = "login";

/// The role of those who read what nobody read.
pub const MESSAGE_READER: &str = "message-reader";

/// Who holds a role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A user of a directory.
    User(UserId),
    /// Somebody outside, or a shared mailbox.
    Outside {
        /// What to call them.
        name: Box<str>,
        /// Where to write to.
        mail: Address,
    },
}

impl Holder {
    /// The user; None for somebody outside.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Holder::User(id) => Some(*id),
            Holder::Outside { .. } => None,
        }
    }
}

/// Where a holding applies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Everywhere. For a role with the scope of directories: for every directory.
    Organisation,
    /// At one unit and below. The holder must have it as main unit, else the holding is suspended.
    Unit(UnitId),
    /// At the holder's main unit, whichever that is: a flag that moves with the person.
    OwnUnit,
    /// For one directory.
    Directory(DirectoryName),
    /// For one subject.
    Subject(SubjectName),
}

/// An assignment made by an administrator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// Its number.
    pub id: AssignmentId,
    /// Which role.
    pub role: RoleName,
    /// Who holds it.
    pub holder: Holder,
    /// Where.
    pub place: Place,
    /// The order among the holders of one place, the lowest first; equal ranks by name.
    pub rank: u16,
    /// An address that is used in place of the person's own.
    pub mail: Option<Address>,
    /// A phone number that is used in place of the person's own.
    pub phone: Option<Box<str>>,
    /// From when on it counts. None: since ever.
    pub from: Option<DateTime<Utc>>,
    /// Until when it counts. None: for good.
    pub until: Option<DateTime<Utc>>,
    /// A holder whose main unit is another one counts all the same.
    pub any_unit: bool,
}

/// Why a role can't be held at a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misplacement {
    /// A role of the organisation or of directories was to be bound to a unit.
    #[error("the role {0} applies to the whole organisation; leave out --unit")]
    NotPerUnit(RoleName),
    /// A role of units needs one.
    #[error("the role {0} belongs to units; name one with --unit, or a user, whose own unit it is then")]
    NeedsUnit(RoleName),
    /// Only a role with the scope of directories can name one.
    #[error("the role {0} doesn't apply to directories; leave out --directory")]
    NotPerDirectory(RoleName),
    /// A role of subjects needs one.
    #[error("the role {0} is about a report or system; name it with --subject")]
    NeedsSubject(RoleName),
    /// Only a role with the scope of subjects can name one.
    #[error("the role {0} isn't about a report or system; leave out --subject")]
    NotPerSubject(RoleName),
    /// An outside holder has no main unit.
    #[error("somebody outside has no unit of their own; name one with --unit")]
    OutsideHasNoUnit,
}

/// Whether an assignment of `role` to `holder` at `place` makes sense. A service is a subject here.
pub fn check_place(role: &Role, holder: &Holder, place: &Place) -> Result<(), Misplacement> {
    let name = || role.name.clone();
    match (role.scope, place) {
        (Scope::Unit, Place::OwnUnit) if matches!(holder, Holder::Outside { .. }) => {
            Err(Misplacement::OutsideHasNoUnit)
        }
        (Scope::Unit, Place::Unit(_) | Place::OwnUnit)
        | (Scope::Organisation, Place::Organisation)
        | (Scope::Directory, Place::Organisation | Place::Directory(_))
        | (Scope::Subject, Place::Subject(_)) => Ok(()),
        (_, Place::Unit(_) | Place::Subject(_)) if role.is_narrowed() => Ok(()),
        (Scope::Subject, _) => Err(Misplacement::NeedsSubject(name())),
        (_, Place::Subject(_)) => Err(Misplacement::NotPerSubject(name())),
        (Scope::Unit, Place::Organisation) => Err(Misplacement::NeedsUnit(name())),
        (_, Place::Unit(_) | Place::OwnUnit) => Err(Misplacement::NotPerUnit(name())),
        (_, Place::Directory(_)) => Err(Misplacement::NotPerDirectory(name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_brought_along_make_sense() {
        let roles = shipped(include_str!("../../config/roles.toml")).unwrap();
        let named = |name: &RoleName| roles.iter().find(|role| role.name == *name);
        assert_eq!(roles.len(), 13);
        for role in &roles {
            // A fallback leads on and ends.
            let chain = std::iter::successors(Some(role), |role| {
                role.fallback.as_ref().map(|name| named(name).unwrap())
            });
            assert_eq!(&*chain.take(roles.len()).last().unwrap().name.0, GLOBAL, "{}", role.name);
            assert!(role.pick == Pick::All || role.scope == Scope::Unit, "{}", role.name);
        }
        assert_eq!([LOCAL, GLOBAL, OUTAGE, AD_SYNC], [0, 1, 2, 3].map(|n: usize| &*roles[n].name.0));
    }

    #[test]
    fn a_key_that_is_misspelt_is_noticed() {
        assert!(shipped("[roles.x]\ntitle = \"x\"\nscope = \"unit\"\npick = \"all\"\nminimun = 1").is_err());
        assert!(shipped("roles.x = 1").is_err());
    }
}
