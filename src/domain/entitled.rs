//! The people who are entitled to something by a role, such as to the vendor's support: for the vendor, and what is different from what the vendor
//! was last given.

mod vcard;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::ids::UserId;
use super::mailbox::Address;
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

/// The people because of whom `newcomer` can't hold `role` in `period`: those who hold it at the first of its moments at which there would be
/// more than `quota` with them. Who holds it at that moment anyway is no one more. None: there is room.
pub fn in_the_way(
    organisation: &Organisation,
    (role, quota): (&RoleName, u16),
    newcomer: (&Holder, Option<&Address>),
    period: Period,
) -> Option<Vec<Entitled>> {
    let begin = organisation.holders(role).all().filter_map(|holding| holding.from);
    // Between two moments at which somebody begins, only fewer hold it.
    let mut moments: Vec<DateTime<Utc>> =
        begin.filter(|at| period.from < *at && *at < period.until).collect();
    moments.push(period.from);
    moments.sort_unstable();
    moments.dedup();
    let is_newcomer = |person: &Entitled| match newcomer {
        (Holder::User(id), _) => person.user == Some(*id),
        (Holder::Outside { mail, .. }, instead) => {
            let same =
                |text: &str| text.parse::<Address>().is_ok_and(|known| known == *instead.unwrap_or(mail));
            person.user.is_none() && person.mail.as_deref().is_some_and(same)
        }
    };
    moments.into_iter().find_map(|from| {
        let until = from.checked_add_signed(TimeDelta::nanoseconds(1)).unwrap_or(from);
        let people = entitled(organisation, std::slice::from_ref(role), Period { from, until });
        (people.len() >= usize::from(quota) && !people.iter().any(is_newcomer)).then_some(people)
    })
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
    use crate::domain::directory::UserFields;
    use crate::domain::roles::{GLOBAL, Place, SUPPORT};
    use crate::domain::testing::{World, directory_of, hour, unit, user, user_id};

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
    fn a_role_is_full_when_as_many_hold_it_at_one_moment() {
        let mut world = World::new(directory_of((1..6).map(|n| user(n, 0)), [], []));
        world.assign(SUPPORT, 1, Place::Organisation).until = Some(hour(6));
        world.assign(SUPPORT, 2, Place::Organisation).from = Some(hour(6));
        let organisation = world.organisation();
        let names = |quota, who: u8, from, until| {
            let period = Period { from: hour(from), until: hour(until) };
            let newcomer = Holder::User(user_id(who));
            let full = in_the_way(&organisation, (&SUPPORT.into(), quota), (&newcomer, None), period);
            full.map(|people| people.iter().map(|p| p.name.to_string()).collect::<Vec<_>>().join(" "))
        };
        // One after the other: never are there more than one, so that of two there is room for a third.
        assert_eq!(names(2, 3, 0, 24), None);
        assert_eq!(names(1, 3, 0, 24).as_deref(), Some("User 1"));
        // User 1 again, while user 2 has it; and user 2 also before.
        assert_eq!(names(1, 1, 0, 24).as_deref(), Some("User 2"));
        assert_eq!(names(1, 1, 2, 6), None);
        assert_eq!(names(1, 2, 6, 24), None);
        assert_eq!(names(1, 2, 5, 24).as_deref(), Some("User 1"));
        // Somebody outside is found by the address.
        world.list(SUPPORT, "Vera", "vera@vendor.example");
        let organisation = world.organisation();
        let outside = |mail: &str| {
            let newcomer = Holder::Outside { name: "V".into(), mail: mail.parse().unwrap() };
            let period = Period { from: hour(0), until: hour(24) };
            in_the_way(&organisation, (&SUPPORT.into(), 2), (&newcomer, None), period).is_none()
        };
        assert!(outside("Vera@vendor.example") && !outside("other@vendor.example"));
    }

    #[test]
    fn whoever_holds_it_at_any_time_of_the_period_is_entitled() {
        let users = [user(1, 1), user(2, 1), UserFields { enabled: false, ..user(3, 1) }, user(4, 1)];
        let mut world = World::new(directory_of(users, [unit(1, 0)], []));
        world.assign(SUPPORT, 1, Place::Organisation).until = Some(hour(6));
        world.assign(SUPPORT, 2, Place::Organisation).from = Some(hour(9));
        world.assign(SUPPORT, 3, Place::Organisation);
        world.assign(GLOBAL, 4, Place::Organisation);
        world.away(1, 0, 24, None);
        let organisation = world.organisation();
        let names = |from, until| {
            let period = Period { from: hour(from), until: hour(until) };
            let people = entitled(&organisation, &[SUPPORT.into()], period);
            people.iter().map(|p| p.name.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            [names(0, 24), names(0, 9), names(6, 9), names(6, 10)],
            ["User 1 User 2", "User 1", "", "User 2"]
        );
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
