//! In which language, and by whose clocks, somebody is written to.

use chrono_tz::Tz;

use super::language::Language;
use super::mailbox::Address;
use super::organisation::Organisation;
use super::tree::Index;

/// A language and the clocks that times are told by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Locale {
    /// The language.
    pub language: Language,
    /// The clocks.
    pub zone: Tz,
}

/// What holds for some units and what is below them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
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

impl Locales {
    /// How whoever reads at `mail` is written to: in the language that they prefer, else in that of the nearest unit that has one, else in the
    /// organisation's; by the clocks of the nearest unit that has some, else by the organisation's. Where several people read at the same
    /// address, only what they agree on counts.
    pub fn of(&self, organisation: &Organisation, mail: &Address) -> Locale {
        let readers = organisation.users_with_mail(mail.as_str());
        let mut locales = readers.iter().map(|user| {
            let place = organisation.place_of(user);
            let at = self.at(organisation, place);
            let own = user.language().and_then(Language::preferred);
            Locale { language: own.unwrap_or(at.language), ..at }
        });
        let Some(first) = locales.next() else { return self.organisation };
        locales.fold(first, |all, one| Locale {
            language: if all.language == one.language { all.language } else { self.organisation.language },
            zone: if all.zone == one.zone { all.zone } else { self.organisation.zone },
        })
    }

    /// How the people of a unit are written to.
    pub fn at(&self, organisation: &Organisation, place: Index) -> Locale {
        let tree = &organisation.tree;
        // Of two rules for the same unit the first holds.
        let nearest = |has: fn(&Rule) -> bool| {
            let rules = self.rules.iter().filter(|rule| has(rule));
            let tops = rules.flat_map(|rule| {
                let tops = rule.units.iter().filter_map(|unit| organisation.unit_at(unit));
                tops.map(move |top| (top, rule))
            });
            tops.filter(|(top, _)| tree.subtree(*top).contains(&place))
                .min_by_key(|(top, _)| std::cmp::Reverse(tree.depth(*top)))
                .map(|(_, rule)| rule)
        };
        let language = nearest(|rule| rule.language.is_some()).and_then(|rule| rule.language);
        let zone = nearest(|rule| rule.zone.is_some()).and_then(|rule| rule.zone);
        Locale {
            language: language.unwrap_or(self.organisation.language),
            zone: zone.unwrap_or(self.organisation.zone),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::domain::directory::UserFields;
    use crate::domain::testing::{directory_of, unit, user};

    fn rule(unit: &str, language: Option<Language>, zone: Option<Tz>) -> Rule {
        Rule { units: vec![unit.into()], language, zone }
    }

    fn organisation() -> Organisation {
        let speaks =
            |n, unit, language: &str| UserFields { language: Some(language.into()), ..user(n, unit) };
        let shared = |fields: UserFields| UserFields { mail: Some("desk@org.example".into()), ..fields };
        let users = [
            user(1, 1),
            user(2, 2),
            speaks(3, 2, "nn-NO"),
            speaks(4, 3, "de"),
            shared(speaks(5, 2, "sv")),
            shared(speaks(6, 1, "sv-FI")),
            user(7, 3),
        ];
        let directory = directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 0)], []);
        Organisation::new(
            "Org",
            directory,
            crate::domain::roles::built_in(),
            BTreeMap::new(),
            [],
            Arc::default(),
        )
    }

    #[test]
    fn a_persons_language_comes_before_the_units_and_that_before_the_organisations() {
        let helsinki = chrono_tz::Europe::Helsinki;
        let oslo = chrono_tz::Europe::Oslo;
        let locales = Locales {
            organisation: Locale { language: Language::Danish, zone: Tz::UTC },
            rules: vec![
                rule("Unit 1", Some(Language::Finnish), Some(helsinki)),
                rule("Unit 1 / Unit 2", Some(Language::Bokmal), None),
                rule("Unit 1 / Unit 2", Some(Language::English), None),
                rule("Unit 3", None, Some(oslo)),
                rule("Unit 9", Some(Language::English), Some(oslo)),
            ],
        };
        let organisation = organisation();
        let of = |mail: &str| {
            let Locale { language, zone } = locales.of(&organisation, &mail.parse().unwrap());
            (language, zone)
        };
        assert_eq!(of("u1@org.example"), (Language::Finnish, helsinki));
        assert_eq!(of("U2@org.example"), (Language::Bokmal, helsinki), "of each the nearest");
        assert_eq!(of("u3@org.example"), (Language::Nynorsk, helsinki));
        assert_eq!(of("u4@org.example"), (Language::Danish, oslo), "German is no preference");
        assert_eq!(of("u7@org.example"), (Language::Danish, oslo));
        assert_eq!(of("desk@org.example"), (Language::Swedish, helsinki), "what all agree on");
        assert_eq!(of("outside@other.example"), (Language::Danish, Tz::UTC));
    }

    #[test]
    fn who_share_an_address_and_agree_on_nothing_are_written_to_as_anybody() {
        let locales = Locales {
            organisation: Locale { language: Language::English, zone: Tz::UTC },
            rules: vec![rule("Unit 2", None, Some(chrono_tz::Europe::Oslo))],
        };
        let organisation = organisation();
        let locale = locales.of(&organisation, &"desk@org.example".parse().unwrap());
        assert_eq!(locale, Locale { language: Language::Swedish, zone: Tz::UTC });
    }
}
