//! The people who are entitled to something by a role, such as to the vendor's support: for the vendor, and what is different from what the vendor
//! was last given.

mod vcard;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::ids::UserId;
use super::organisation::{Holding, Organisation};
use super::roles::{Holder, RoleName};
pub use vcard::vcards;

/// Somebody who is entitled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entitled {
    /// The user; None for somebody outside.
    pub user: Option<UserId>,
    /// By which roles.
    pub roles: Vec<RoleName>,
    /// Name.
    pub name: Box<str>,
    /// Title.
    pub title: Option<Box<str>>,
    /// The names from the top unit down to the main unit; None for somebody outside.
    pub unit: Option<Box<str>>,
    /// Where to write to.
    pub mail: Option<Box<str>>,
    /// Where to call.
    pub phone: Option<Box<str>>,
}

impl Entitled {
    /// What makes two of them the same person.
    fn key(&self) -> (Option<UserId>, String) {
        let outside = || self.mail.as_deref().unwrap_or(&self.name).to_lowercase();
        (self.user, self.user.map_or_else(outside, |_| String::new()))
    }
}

/// A period; without a beginning since ever, without an end for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Period {
    /// Its first moment.
    pub from: DateTime<Utc>,
    /// The first moment after it.
    pub until: DateTime<Utc>,
}

/// What was given out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GivenOut {
    /// For which roles; with them one is found again.
    pub roles: Vec<RoleName>,
    /// For which time.
    pub period: Period,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: Actor,
    /// Who was on it.
    pub people: Vec<Entitled>,
}

impl GivenOut {
    /// What it is kept under.
    pub fn key(roles: &[RoleName]) -> String {
        let names: Vec<&str> = roles.iter().map(|role| &*role.0).collect();
        names.join(",")
    }
}

/// Somebody of whom something else is said than before.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangedPerson {
    /// What was said.
    pub before: Entitled,
    /// What is said.
    pub after: Entitled,
}

/// What is different from what was last given out.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Difference {
    /// Who is new.
    pub added: Vec<Entitled>,
    /// Who is no longer on it.
    pub gone: Vec<Entitled>,
    /// Of whom something else is said.
    pub changed: Vec<ChangedPerson>,
}

/// Who holds any of `roles` at any time of `period`: granted or assigned, whoever is away meanwhile; without those whose account is disabled, gone or
/// over by then. In order of names.
pub fn entitled(organisation: &Organisation, roles: &[RoleName], period: Period) -> Vec<Entitled> {
    let mut found: BTreeMap<(Option<UserId>, String), Entitled> = BTreeMap::new();
    for role in roles {
        for holding in organisation.holders(role).all() {
            let Some(person) = person(organisation, role, holding, period) else { continue };
            let known = found.entry(person.key()).or_insert_with(|| person.clone());
            if !known.roles.contains(role) {
                known.roles.push(role.clone());
            }
        }
    }
    let mut people: Vec<Entitled> = found.into_values().collect();
    people.sort_by_cached_key(|person| (person.name.to_lowercase(), person.key()));
    people
}

fn person(
    organisation: &Organisation,
    role: &RoleName,
    holding: &Holding,
    period: Period,
) -> Option<Entitled> {
    let in_time = holding.from.is_none_or(|from| from < period.until)
        && holding.until.is_none_or(|until| period.from < until);
    if !in_time || organisation.is_suspended(holding) {
        return None;
    }
    let mail = holding.mail.as_ref().map(|mail| mail.as_str().into());
    let phone = holding.phone.clone();
    let roles = vec![role.clone()];
    let id = match &holding.holder {
        Holder::User(id) => *id,
        Holder::Outside { name, mail: own } => {
            return Some(Entitled {
                user: None,
                roles,
                name: name.clone(),
                title: holding.title.clone(),
                unit: None,
                mail: mail.or_else(|| Some(own.as_str().into())),
                phone,
            });
        }
    };
    let user = organisation.user(id)?;
    let usable = user.enabled && user.expires.is_none_or(|at| period.from < at);
    usable.then(|| Entitled {
        user: Some(id),
        roles,
        name: user.name().into(),
        title: user.title().map(Box::from),
        unit: Some(organisation.tree.path(organisation.place_of(user)).into()),
        mail: mail.or_else(|| user.mail().map(Box::from)),
        phone: phone.or_else(|| user.phone().or(user.mobile()).map(Box::from)),
    })
}

/// What is different in `now` from `before`.
pub fn difference(before: &[Entitled], now: &[Entitled]) -> Difference {
    let known: BTreeMap<_, &Entitled> = before.iter().map(|person| (person.key(), person)).collect();
    let mut difference = Difference::default();
    for person in now {
        match known.get(&person.key()) {
            None => difference.added.push(person.clone()),
            Some(before) if *before != person => {
                difference.changed.push(ChangedPerson { before: (*before).clone(), after: person.clone() });
            }
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|before| !now.iter().any(|person| person.key() == before.key()));
    difference.gone = gone.cloned().collect();
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, phone: Option<&str>) -> Entitled {
        Entitled {
            user: None,
            roles: vec!["support".into()],
            name: name.into(),
            title: None,
            unit: None,
            mail: Some(format!("{name}@x.example").into()),
            phone: phone.map(Box::from),
        }
    }

    #[test]
    fn what_is_different_is_told_by_person_and_not_by_line() {
        let before = [person("asa", None), person("per", None), person("eva", None)];
        let now = [person("eva", Some("1")), person("ola", None), person("asa", None)];
        let difference = difference(&before, &now);
        assert_eq!(difference.added, [person("ola", None)]);
        assert_eq!(difference.gone, [person("per", None)]);
        let [ChangedPerson { before, after }] = &difference.changed[..] else { panic!("{difference:?}") };
        assert_eq!((before.phone.as_deref(), after.phone.as_deref()), (None, Some("1")));
        assert_eq!(super::difference(&now, &now), Difference::default());
    }
}
