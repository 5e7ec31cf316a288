//! In which language, and by whose clocks, somebody is written to.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::language::Language;
use super::notice::Recipient;
use super::organisation::Organisation;
use super::parts::{self, Parts};
use super::tree::Index;
use super::user::User;

/// A language and the clocks that times are told by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Locale {
    /// The language.
    pub language: Language,
    /// The clocks that times are told by.
    pub zone: Tz,
    /// The clocks that whole days are meant by: the organisation's. Somebody away until the 25th is so wherever it is read.
    pub days: Tz,
}

impl Locale {
    /// In a language, by the clocks of an organisation.
    pub fn new(language: Language, zone: Tz) -> Locale {
        Locale { language, zone, days: zone }
    }
}

/// What holds for some units and what is below them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// What it is called.
    pub name: Box<str>,
    /// The units, each as people write it: a path, or an identity. One that isn't there has no effect.
    pub units: Vec<Box<str>>,
    /// Their language. None: as above them.
    pub language: Option<Language>,
    /// Their clocks. None: as above them.
    pub zone: Option<Tz>,
}

/// How everybody is written to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Locales {
    /// How whoever nothing else is known of is.
    pub organisation: Locale,
    /// What holds for parts of the tree.
    pub rules: Vec<Rule>,
}

/// The same for one tree of units, so that each message costs as little as there are units with rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arranged {
    organisation: Locale,
    /// The language and the clocks of the units with a rule.
    parts: Parts<(Option<Language>, Option<Tz>)>,
}

impl Locales {
    /// Finds the units of the rules.
    pub fn arrange(&self, organisation: &Organisation) -> Arranged {
        let rules = self.rules.iter();
        let named =
            rules.flat_map(|rule| rule.units.iter().map(|unit| (&**unit, (rule.language, rule.zone))));
        Arranged { organisation: self.organisation, parts: Parts::find(organisation, named) }
    }

    /// What of the units that rules name isn't there, a sentence for each. Before the first sync none is, and nothing is said.
    pub fn unknown_units(&self, organisation: &Organisation) -> Vec<String> {
        let named = self.rules.iter().map(|rule| (format!("[[locale]] {}", rule.name), &*rule.units));
        parts::unknown(organisation, named)
    }
}

impl Arranged {
    /// How a recipient is written to: in the language that they prefer, else in that of the nearest unit that has one, else in the organisation's; by the
    /// clocks of the nearest unit that has some, else by the organisation's. Where several people read at the same address, only what they agree on
    /// counts. Whoever is known, and written to at an address that isn't their own, or at a number, is so all the same. A place, which many
    /// read, is written to as the organisation is.
    pub fn of(&self, organisation: &Organisation, recipient: &Recipient, now: DateTime<Utc>) -> Locale {
        self.agreed(organisation, readers(organisation, recipient, now).into_iter())
    }

    /// What all of them agree on. Whoever states no language disagrees with nobody.
    fn agreed<'a>(&self, organisation: &Organisation, readers: impl Iterator<Item = &'a User>) -> Locale {
        let (mut stated, mut places) = (Agreed::Nothing, (Agreed::Nothing, Agreed::Nothing));
        for user in readers {
            let at = self.at(organisation.place_of(user));
            if let Some(own) = user.language().and_then(Language::preferred) {
                stated.add(own);
            }
            places.0.add(at.language);
            places.1.add(at.zone);
        }
        let all = self.organisation;
        let language = match stated {
            Agreed::Nothing => places.0.or(all.language),
            stated => stated.or(all.language),
        };
        Locale { language, zone: places.1.or(all.zone), ..all }
    }

    /// How the people of a unit are written to.
    pub fn at(&self, place: Index) -> Locale {
        let here = || self.parts.at(place);
        Locale {
            language: here().find_map(|(language, _)| *language).unwrap_or(self.organisation.language),
            zone: here().find_map(|(_, zone)| *zone).unwrap_or(self.organisation.zone),
            ..self.organisation
        }
    }
}

/// Who reads what a recipient gets, as far as they are known.
pub(super) fn readers<'o>(
    organisation: &'o Organisation,
    recipient: &Recipient,
    now: DateTime<Utc>,
) -> Vec<&'o User> {
    let mail = recipient.mail.as_ref();
    let mut readers = mail.map(|mail| organisation.users_with_mail(mail.as_str())).unwrap_or_default();
    // Accounts that nobody uses any more, such as the one that somebody had before, read nothing.
    if readers.iter().any(|user| user.is_active(now)) {
        readers.retain(|user| user.is_active(now));
    }
    if readers.is_empty() {
        readers.extend(recipient.user.and_then(|id| organisation.user(id)));
    }
    readers.into_iter().map(|user| &**user).collect()
}

/// What some agree on.
enum Agreed<T> {
    /// Nobody has said anything.
    Nothing,
    On(T),
    Differ,
}

impl<T: Copy + PartialEq> Agreed<T> {
    fn add(&mut self, one: T) {
        *self = match *self {
            Agreed::Nothing => Agreed::On(one),
            Agreed::On(all) if all == one => Agreed::On(all),
            Agreed::On(_) | Agreed::Differ => Agreed::Differ,
        };
    }

    fn or(&self, other: T) -> T {
        match *self {
            Agreed::On(all) => all,
            Agreed::Nothing | Agreed::Differ => other,
        }
    }
}

#[cfg(test)]
mod tests;
