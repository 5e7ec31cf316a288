//! Users, units and groups as they were read: one immutable value, keyed by identity.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{DirectoryName, GroupId, UnitId, UserId};
use super::mailbox::Address;

/// A person with an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// `objectGUID`.
    pub id: UserId,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// The *main unit*: the nearest OU above the object, [`UnitId::ROOT`] when there is none.
    pub unit: UnitId,
    /// The value of the object's own relative distinguished name, unescaped (`Smith, John`).
    pub rdn: Box<str>,
    /// `sAMAccountName`: unique in its domain, compared without case.
    pub account: Box<str>,
    /// `userPrincipalName`.
    pub upn: Option<Box<str>>,
    /// `displayName`, else the RDN. Never empty.
    pub name: Box<str>,
    /// `mail`, as written in the directory; whether it can be mailed to is decided when it is used.
    pub mail: Option<Box<str>>,
    /// `telephoneNumber`.
    pub phone: Option<Box<str>>,
    /// `mobile`.
    pub mobile: Option<Box<str>>,
    /// `title`.
    pub title: Option<Box<str>>,
    /// Who `manager` names, when that user was read too.
    pub manager: Option<UserId>,
    /// `preferredLanguage`, a language tag (BCP 47).
    pub language: Option<Box<str>>,
    /// Bit 0x2 of `userAccountControl` is not set.
    pub enabled: bool,
    /// `accountExpires`: from then on the account can't sign in. None: never.
    pub expires: Option<DateTime<Utc>>,
}

impl User {
    /// Whether the account can be used at `now`: enabled and not expired.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.enabled && self.expires.is_none_or(|end| now < end)
    }

    /// The mail address, when there is one that can be mailed to.
    pub fn address(&self) -> Option<Address> {
        self.mail.as_deref()?.parse().ok()
    }
}

/// A unit of the organisation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Unit {
    /// `objectGUID` of the OU.
    pub id: UnitId,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// The nearest OU above, [`UnitId::ROOT`] for a topmost one.
    pub parent: UnitId,
    /// What people call it: the value of the RDN, unescaped.
    pub name: Box<str>,
    /// Who `managedBy` names, when that user was read too.
    pub managed_by: Option<UserId>,
}

/// A group, with those of its direct members that were read too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// `objectGUID`.
    pub id: GroupId,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// The value of the RDN, unescaped.
    pub name: Box<str>,
    /// `sAMAccountName`.
    pub account: Box<str>,
    /// Direct members that are users, in order of identity.
    pub users: Vec<UserId>,
    /// Direct members that are groups, in order of identity.
    pub groups: Vec<GroupId>,
}

impl Group {
    /// How many direct members it has, users and groups.
    pub fn members(&self) -> usize {
        self.users.len() + self.groups.len()
    }
}

/// Everything that is known of users, units and groups, of one directory or of several.
///
/// Objects are shared, not copied, between the old and the new value of a sync.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Directory {
    /// By identity.
    pub users: BTreeMap<UserId, Arc<User>>,
    /// By identity; the root is not among them.
    pub units: BTreeMap<UnitId, Arc<Unit>>,
    /// By identity.
    pub groups: BTreeMap<GroupId, Arc<Group>>,
}

impl Directory {
    /// Only what was read from the directory `name`.
    pub fn part(&self, name: &DirectoryName) -> Directory {
        Directory {
            users: keep(&self.users, |u| u.directory == *name),
            units: keep(&self.units, |u| u.directory == *name),
            groups: keep(&self.groups, |g| g.directory == *name),
        }
    }

    /// How many memberships the groups hold, of users and of groups.
    pub fn memberships(&self) -> usize {
        self.groups.values().map(|g| g.members()).sum()
    }
}

fn keep<K: Ord + Copy, V>(map: &BTreeMap<K, Arc<V>>, wanted: impl Fn(&V) -> bool) -> BTreeMap<K, Arc<V>> {
    map.iter().filter(|(_, v)| wanted(v)).map(|(k, v)| (*k, Arc::clone(v))).collect()
}

/// An object that could not be understood, set aside by itself so that it stops nobody else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quarantined {
    /// The distinguished name as far as it is known, at most 400 characters.
    pub dn: Box<str>,
    /// What is wrong with it, a full sentence for an administrator.
    pub reason: Box<str>,
}

/// What a source read of one directory, decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Objects {
    /// What was understood.
    pub directory: Directory,
    /// What was not.
    pub quarantined: Vec<Quarantined>,
}
