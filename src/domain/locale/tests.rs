//! Who is written to how.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::domain::directory::UserFields;
use crate::domain::ids::ChannelName;
use crate::domain::testing::{directory_of, unit, user, user_id};

fn rule(unit: &str, language: Option<Language>, zone: Option<Tz>) -> Rule {
    Rule { name: "rule".into(), units: vec![unit.into()], language, zone }
}

fn speaks(n: u8, unit: u8, language: &str) -> UserFields {
    UserFields { language: Some(language.into()), ..user(n, unit) }
}

fn at(fields: UserFields, mail: &str) -> UserFields {
    UserFields { mail: Some(mail.into()), ..fields }
}

fn organisation(users: impl IntoIterator<Item = UserFields>) -> Organisation {
    let directory = directory_of(users, [unit(1, 0), unit(2, 1), unit(3, 0)], []);
    Organisation::new("Org", directory, crate::domain::roles::built_in(), BTreeMap::new(), [], Arc::default())
}

fn now() -> DateTime<Utc> {
    "2026-07-06T08:00:00Z".parse().unwrap()
}

fn by_mail(mail: &str) -> Recipient {
    Recipient::by_mail("Somebody", mail.parse().unwrap(), "outage")
}

fn danish(rules: Vec<Rule>) -> Locales {
    Locales { organisation: Locale::new(Language::Danish, Tz::UTC), rules }
}

#[test]
fn a_persons_language_comes_before_the_units_and_that_before_the_organisations() {
    let helsinki = chrono_tz::Europe::Helsinki;
    let oslo = chrono_tz::Europe::Oslo;
    let locales = danish(vec![
        rule("Unit 1", Some(Language::Finnish), Some(helsinki)),
        rule("Unit 1 / Unit 2", Some(Language::Bokmal), None),
        rule("Unit 1 / Unit 2", Some(Language::English), None),
        rule("Unit 3", None, Some(oslo)),
        rule("Unit 9", Some(Language::English), Some(oslo)),
    ]);
    let organisation = organisation([
        user(1, 1),
        user(2, 2),
        speaks(3, 2, "nn-NO"),
        speaks(4, 3, "de"),
        at(speaks(5, 2, "sv"), "desk@org.example"),
        at(speaks(6, 1, "sv-FI"), "desk@org.example"),
        user(7, 3),
    ]);
    let arranged = locales.arrange(&organisation);
    let of = |mail: &str| {
        let Locale { language, zone, days } = arranged.of(&organisation, &by_mail(mail), now());
        assert_eq!(days, Tz::UTC, "whole days are the organisation's for everybody");
        (language, zone)
    };
    assert_eq!(of("u1@org.example"), (Language::Finnish, helsinki));
    assert_eq!(of("U2@org.example"), (Language::Bokmal, helsinki), "of each the nearest");
    assert_eq!(of("u3@org.example"), (Language::Nynorsk, helsinki));
    assert_eq!(of("u4@org.example"), (Language::Danish, oslo), "German is no preference");
    assert_eq!(of("u7@org.example"), (Language::Danish, oslo));
    assert_eq!(of("desk@org.example"), (Language::Swedish, helsinki), "what all agree on");
    assert_eq!(of("outside@other.example"), (Language::Danish, Tz::UTC));
    let unknown = locales.unknown_units(&organisation);
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].starts_with("[[locale]] rule units: there is no unit \"Unit 9\""), "{unknown:?}");
}

#[test]
fn who_share_an_address_and_differ_are_written_to_as_anybody() {
    let oslo = chrono_tz::Europe::Oslo;
    let locales = danish(vec![rule("Unit 1 / Unit 2", Some(Language::Bokmal), Some(oslo))]);
    let organisation = organisation([
        at(speaks(1, 2, "sv"), "differ@org.example"),
        at(speaks(2, 1, "fi"), "differ@org.example"),
        at(speaks(3, 2, "fi"), "one@org.example"),
        at(user(4, 2), "one@org.example"),
    ]);
    let arranged = locales.arrange(&organisation);
    let of = |mail: &str| {
        let locale = arranged.of(&organisation, &by_mail(mail), now());
        (locale.language, locale.zone)
    };
    assert_eq!(of("differ@org.example"), (Language::Danish, Tz::UTC));
    assert_eq!(of("one@org.example"), (Language::Finnish, oslo), "who states nothing disagrees with nobody");
}

#[test]
fn accounts_that_nobody_uses_any_more_have_no_say() {
    let mine = |fields| at(fields, "asa@org.example");
    let former = UserFields { enabled: false, ..speaks(2, 1, "sv") };
    let expired = UserFields { expires: Some(now()), ..speaks(3, 1, "en") };
    let organisation = organisation([mine(speaks(1, 1, "fi")), mine(former), mine(expired)]);
    let arranged = danish(Vec::new()).arrange(&organisation);
    assert_eq!(arranged.of(&organisation, &by_mail("asa@org.example"), now()).language, Language::Finnish);
}

#[test]
fn whoever_is_known_is_written_to_in_their_language_at_a_number_and_at_an_address_of_the_role() {
    let helsinki = chrono_tz::Europe::Helsinki;
    let organisation = organisation([speaks(1, 2, "fi"), speaks(2, 1, "sv")]);
    let arranged = danish(vec![rule("Unit 1 / Unit 2", None, Some(helsinki))]).arrange(&organisation);
    let of = |recipient: Recipient| {
        let locale = arranged.of(&organisation, &recipient, now());
        (locale.language, locale.zone)
    };
    let asa = user_id(1);
    let role = Recipient { user: Some(asa), ..by_mail("on-call@org.example") };
    assert_eq!(of(role.clone()), (Language::Finnish, helsinki));
    let number = Recipient { mail: None, phone: Some("0701234567".into()), channel: "sms".into(), ..role };
    assert_eq!(of(number.clone()), (Language::Finnish, helsinki));
    // Without knowing who it is, and in a place: as the organisation.
    assert_eq!(of(Recipient { user: None, ..number }), (Language::Danish, Tz::UTC));
    assert_eq!(of(Recipient::place(ChannelName::from("team"))), (Language::Danish, Tz::UTC));
    // Who reads at the address counts, not for whom it is.
    let swedish = Recipient { user: Some(asa), ..by_mail("u2@org.example") };
    assert_eq!(of(swedish), (Language::Swedish, Tz::UTC));
}
