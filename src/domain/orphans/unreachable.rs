//! Who holds a role, and has an address to which mails come back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::bounce::Marks;
use super::super::ids::UnitId;
use super::super::mailbox::Address;
use super::super::organisation::{Holding, Organisation};
use super::super::roles::{Holder, Place, Role, RoleName, Scope};

/// Somebody who holds a role, and has an address to which mails come back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Unreachable {
    /// Which role.
    pub role: RoleName,
    /// The unit where it counts, for a role of units.
    pub unit: Option<UnitId>,
    /// Where, in words.
    pub path: String,
    /// Who.
    pub name: Box<str>,
    /// The address.
    pub address: Address,
    /// Since when mails to it come back.
    pub since: DateTime<Utc>,
    /// Why.
    pub answer: Box<str>,
}

/// Those whose address is among `marks`.
pub fn unreachable(organisation: &Organisation, marks: &Marks) -> Vec<Unreachable> {
    if marks.is_empty() {
        return Vec::new();
    }
    let of = |role: &Role, holding: &Holding| {
        let mark = marks.get(&address(organisation, holding)?)?;
        Some(Unreachable {
            role: role.name.clone(),
            unit: (role.scope == Scope::Unit).then(|| organisation.tree.id(holding.at)),
            path: match &holding.place {
                Place::Subject(subject) => subject.to_string(),
                _ => organisation.tree.path(holding.at),
            },
            name: organisation.holder_name(&holding.holder),
            address: mark.address.clone(),
            since: mark.since,
            answer: mark.answer.clone(),
        })
    };
    let mut found = Vec::new();
    for role in &organisation.roles {
        found.extend(organisation.holders(&role.name).all().filter_map(|holding| of(role, holding)));
    }
    found
}

fn address(organisation: &Organisation, holding: &Holding) -> Option<Address> {
    match (&holding.mail, &holding.holder) {
        (Some(mail), _) | (None, Holder::Outside { mail, .. }) => Some(mail.clone()),
        (None, Holder::User(id)) => organisation.user(*id)?.address(),
    }
}
