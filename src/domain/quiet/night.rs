//! The nights of some people, and of those in some units.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::domain::calendar::OpeningHours;
use crate::domain::locale::readers;
use crate::domain::mailbox::Address;
use crate::domain::notice::Recipient;
use crate::domain::organisation::Organisation;
use crate::domain::parts::{self, Parts};

/// A night that is another than that of all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Night {
    /// What it is called.
    pub name: Box<str>,
    /// Of those with these addresses: it goes before that of a unit.
    pub contacts: Vec<Address>,
    /// Of those in these units and below: each as people write it. One that isn't there has no effect.
    pub units: Vec<Box<str>>,
    /// When they may be told. None: always.
    pub awake: Option<OpeningHours>,
}

/// The nights for one tree of units, each by its place among them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arranged {
    people: HashMap<String, usize>,
    parts: Parts<usize>,
}

impl Arranged {
    /// Finds the people and units of the nights.
    pub fn new(nights: &[Night], organisation: &Organisation) -> Arranged {
        let mut people = HashMap::new();
        for (n, night) in nights.iter().enumerate() {
            for contact in &night.contacts {
                people.entry(contact.key()).or_insert(n);
            }
        }
        let named = nights.iter().enumerate();
        let named = named.flat_map(|(n, night)| night.units.iter().map(move |unit| (&**unit, n)));
        Arranged { people, parts: Parts::find(organisation, named) }
    }

    /// Which night is a recipient's: their own, else that of the nearest unit that has one. Where several people read at the same address, only what
    /// they agree on counts.
    pub fn of(&self, organisation: &Organisation, to: &Recipient, now: DateTime<Utc>) -> Option<usize> {
        if self.people.is_empty() && self.parts.is_empty() {
            return None;
        }
        let own = |mail: String| self.people.get(&mail).copied();
        if let Some(night) = to.mail.as_ref().and_then(|mail| own(mail.key())) {
            return Some(night);
        }
        let readers = readers(organisation, to, now);
        let mut nights = readers.iter().map(|user| {
            let named = user.address().and_then(|mail| own(mail.key()));
            named.or_else(|| self.parts.at(organisation.place_of(user)).next().copied())
        });
        let first = nights.next().flatten();
        first.filter(|first| nights.all(|night| night == Some(*first)))
    }
}

/// What of the units that nights name isn't there, a sentence for each. Before the first sync none is, and nothing is said.
pub fn unknown_units(nights: &[Night], organisation: &Organisation) -> Vec<String> {
    let named = nights.iter().map(|night| (format!("[[night]] {}", night.name), &*night.units));
    parts::unknown(organisation, named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{World, directory_of, hour, unit, user};

    fn night(name: &str, contacts: &[&str], units: &[&str]) -> Night {
        Night {
            name: name.into(),
            contacts: contacts.iter().map(|mail| mail.parse().unwrap()).collect(),
            units: units.iter().map(|unit| Box::from(*unit)).collect(),
            awake: None,
        }
    }

    #[test]
    fn ones_own_goes_before_that_of_the_nearest_unit() {
        let world = World::new(directory_of(
            [user(1, 1), user(2, 2), user(3, 3)],
            [unit(1, 0), unit(2, 1), unit(3, 0)],
            [],
        ));
        let organisation = world.organisation();
        let user = |n: u8| organisation.find_user(&format!("u{n}")).unwrap();
        let mail = |n: u8| user(n).address().unwrap();
        let of_two = mail(2).to_string();
        let nights = [
            night("whole", &[], &["Unit 1"]),
            night("lower", &[], &["Unit 1 / Unit 2", "Nowhere"]),
            night("own", &[&of_two], &[]),
        ];
        let find = |nights: &[Night], n: u8| {
            let to = Recipient::by_mail("x", mail(n), "outage");
            Arranged::new(nights, &organisation).of(&organisation, &to, hour(1))
        };
        assert_eq!([1, 2, 3].map(|n| find(&nights, n)), [Some(0), Some(2), None]);
        assert_eq!(find(&nights[..2], 2), Some(1));
        // A text message has a number only, and is somebody's all the same.
        let sms =
            Recipient { phone: Some("070".into()), user: Some(user(2).id), ..Recipient::place("sms".into()) };
        assert_eq!(Arranged::new(&nights, &organisation).of(&organisation, &sms, hour(1)), Some(2));
        assert_eq!(
            Arranged::new(&nights, &organisation).of(
                &organisation,
                &Recipient::place("team".into()),
                hour(1)
            ),
            None
        );
        assert_eq!(unknown_units(&nights, &organisation).len(), 1);
    }
}
