//! The contact roles: what each is for, where it applies and who may hold it. Roles are data.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{AssignmentId, DirectoryName, UnitId, UserId};
use super::mailbox::Address;

/// The name of a role, such as `local` or `ad-sync`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleName(pub Box<str>);

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for RoleName {
    fn from(name: &str) -> Self {
        RoleName(name.into())
    }
}

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
    /// Who is asked when nobody of this role counts.
    pub fallback: Option<RoleName>,
    /// Members of these groups (by `sAMAccountName` or name, nested ones too) hold the role: at their main unit when the scope is a unit.
    pub groups: Vec<Box<str>>,
    /// Whether `managedBy` of a unit names a holder at that unit.
    pub managed_by: bool,
}

/// The roles that Budkavle brings along, in the order they are shown.
pub fn built_in() -> Vec<Role> {
    let role = |name: &str, title: &str, scope, pick, fallback: Option<&str>| Role {
        name: name.into(),
        title: title.into(),
        scope,
        pick,
        fallback: fallback.map(RoleName::from),
        groups: Vec::new(),
        managed_by: false,
    };
    vec![
        role(LOCAL, "local contact: whom a user turns to first", Scope::Unit, Pick::Nearest, Some(GLOBAL)),
        role(
            GLOBAL,
            "global contact: responsible for the whole organisation",
            Scope::Organisation,
            Pick::All,
            None,
        ),
        role(OUTAGE, "outage contact: is told of outages", Scope::Organisation, Pick::All, Some(GLOBAL)),
        role(
            AD_SYNC,
            "AD-sync contact: is told when a directory's sync fails",
            Scope::Directory,
            Pick::All,
            Some(GLOBAL),
        ),
    ]
}

/// The role of local contacts.
pub const LOCAL: &str = "local";
/// The role of global contacts.
pub const GLOBAL: &str = "global";
/// The role of those who are told of outages.
pub const OUTAGE: &str = "outage";
/// The role of those who are told when a directory's sync fails.
pub const AD_SYNC: &str = "ad-sync";

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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
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
    /// An outside holder has no main unit.
    #[error("somebody outside has no unit of their own; name one with --unit")]
    OutsideHasNoUnit,
}

/// Whether an assignment of `role` to `holder` at `place` makes sense.
pub fn check_place(role: &Role, holder: &Holder, place: &Place) -> Result<(), Misplacement> {
    let name = || role.name.clone();
    match (role.scope, place) {
        (Scope::Unit, Place::OwnUnit) if matches!(holder, Holder::Outside { .. }) => {
            Err(Misplacement::OutsideHasNoUnit)
        }
        (Scope::Unit, Place::Unit(_) | Place::OwnUnit)
        | (Scope::Organisation, Place::Organisation)
        | (Scope::Directory, Place::Organisation | Place::Directory(_)) => Ok(()),
        (Scope::Unit, Place::Organisation) => Err(Misplacement::NeedsUnit(name())),
        (_, Place::Unit(_) | Place::OwnUnit) => Err(Misplacement::NotPerUnit(name())),
        (_, Place::Directory(_)) => Err(Misplacement::NotPerDirectory(name())),
    }
}
