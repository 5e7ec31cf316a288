//! The catalogues against each other, and what the domain says in English against what is understood of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Europe::{Helsinki, Stockholm};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};

use super::*;
use crate::domain::contacts::{Skip, Skipped};
use crate::domain::ids::AbsenceId;
use crate::domain::outage::{Severity, State};
use crate::domain::roles;

fn words(language: Language) -> Words {
    Words::new(Locale { language, zone: Stockholm })
}

/// The variables of each message, and for each selection the forms that are told apart.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let resource = fluent_syntax::parser::parse(source(language)).unwrap_or_else(|(_, errors)| {
        panic!("{language}: {errors:?}");
    });
    let mut messages = BTreeMap::new();
    for entry in resource.body {
        match entry {
            Entry::Message(message) => {
                let mut variables = BTreeSet::new();
                collect(message.value.as_ref().unwrap(), &mut variables);
                assert!(message.attributes.is_empty(), "{language}: {}", message.id.name);
                let old = messages.insert(message.id.name.to_owned(), variables);
                assert!(old.is_none(), "{language}: {} is there twice", message.id.name);
            }
            Entry::Term(_) | Entry::Junk { .. } => panic!("{language}: {entry:?}"),
            _ => {}
        }
    }
    messages
}

fn collect(pattern: &Pattern<&str>, variables: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        match expression {
            Expression::Inline(inline) => variable(inline, variables),
            Expression::Select { selector, variants } => {
                variable(selector, variables);
                for variant in variants {
                    // A form that the language's plural rules never choose would be a slip.
                    if let VariantKey::Identifier { name } = variant.key {
                        assert!(["one", "other"].contains(&name), "{name}");
                    }
                    collect(&variant.value, variables);
                }
            }
        }
    }
}

fn variable(inline: &InlineExpression<&str>, variables: &mut BTreeSet<String>) {
    let InlineExpression::VariableReference { id } = inline else { panic!("{inline:?}") };
    variables.insert(id.name.to_owned());
}

#[test]
fn every_language_has_every_message_with_the_same_variables() {
    let english = messages(Language::English);
    assert!(english.len() > 200);
    for language in Language::ALL {
        let other = messages(language);
        for (id, variables) in &english {
            assert_eq!(other.get(id), Some(variables), "{language}: {id}");
        }
        let more: Vec<_> = other.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(more.is_empty(), "{language}: {more:?}");
    }
}

#[test]
fn no_language_says_it_in_english() {
    let texts = |language| {
        let resource = fluent_syntax::parser::parse(source(language)).unwrap();
        let messages = resource.body.into_iter().filter_map(|entry| match entry {
            Entry::Message(m) => Some((m.id.name, format!("{:?}", m.value))),
            _ => None,
        });
        messages.collect::<BTreeMap<_, _>>()
    };
    // What is the same word, or no word at all.
    let alike = [
        "label-test",
        "duty-place",
        "duty-units",
        "summary-role",
        "skip-deputy",
        "count-people",
        "label-alert",
    ];
    let english = texts(Language::English);
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let other = texts(language);
        let same: Vec<_> =
            english.iter().filter(|(id, text)| other.get(*id) == Some(text) && !alike.contains(id)).collect();
        assert!(same.is_empty(), "{language}: {same:?}");
        // Two languages that are near each other aren't the same.
        for near in Language::ALL.into_iter().filter(|near| *near != language && *near != Language::English) {
            let near_texts = texts(near);
            let same = other.iter().filter(|(id, text)| near_texts.get(*id) == Some(text)).count();
            assert!(same * 2 < other.len(), "{language} and {near} share {same} of {} messages", other.len());
        }
    }
}

#[test]
fn every_role_state_and_severity_has_its_words() {
    let english = words(Language::English);
    for role in roles::built_in() {
        let title = english.say(&format!("title-{}", role.name), &[]);
        assert_eq!(title, *role.title, "as config/roles.toml has it");
        for language in Language::ALL {
            let words = words(language);
            assert!(words.knows(&format!("role-{}", role.name)), "{language}: {}", role.name);
            assert!(!words.role_title(&role.name.0, &role.title).is_empty());
        }
    }
    let finnish = words(Language::Finnish);
    assert_eq!(finnish.role_title("local", "our own title"), "our own title");
    for language in Language::ALL {
        let words = words(language);
        for state in [State::Investigating, State::Identified, State::Monitoring, State::Resolved] {
            assert!(!words.state(state).is_empty());
            assert_ne!(words.update(&format!("Now {state}.")), words.update("x"));
        }
        for severity in [Severity::Minor, Severity::Major, Severity::Critical] {
            assert!(!words.severity(severity).is_empty());
        }
        assert_eq!(words.update("Now we look at it."), "Now we look at it.");
        let moved = "It has been moved; before, it was 24 Oct 2026 23:00 CEST to 25 Oct 2026 01:00 CET.";
        let said = words.update(moved);
        assert_eq!(said == moved, language == Language::English, "{said}");
        assert!(said.contains(" CEST") && said.contains(" CET."), "{said}");
        let own = "It has been moved; before, it was Bo's turn to move it.";
        assert_eq!(words.update(own), own);
    }
}

/// What the domain says in English of each reason, which is stored, is understood.
#[test]
fn reasons_are_said_in_every_language() {
    let at: DateTime<Utc> = "2026-07-25T10:00:00Z".parse().unwrap();
    let deputy = Skipped { name: "Bo Ek".into(), user: None, reason: Skip::Disabled };
    let away = |deputy| Skip::Away { absence: AbsenceId(1), until: at, deputy };
    let reasons = [
        Skip::Disabled,
        Skip::Expired { at },
        Skip::Gone,
        Skip::NoAddress,
        away(None),
        away(Some(Box::new(deputy))),
        Skip::IsAsker,
        Skip::Moved { to: "IT".into() },
        Skip::NotYet { from: at },
        Skip::Ended { until: at },
        Skip::OtherDirectory,
        Skip::OtherSubject,
    ];
    for reason in reasons {
        let said = reason.in_zone(Stockholm);
        assert_eq!(words(Language::English).skip(&said), said);
        for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
            assert_ne!(words(language).skip(&said), said, "{language}");
        }
    }
    let swedish = words(Language::Swedish);
    assert_eq!(swedish.missing("Åsa Öberg: away until 25 Jul 2026"), "Åsa Öberg: borta till 25 juli 2026");
    assert_eq!(swedish.missing("Åsa Öberg: on Mars"), "Åsa Öberg: on Mars");
    for (why, said) in [
        ("outage", "avbrottskontakt"),
        ("outage (deputy for Åsa)", "avbrottskontakt (ersätter Åsa)"),
        ("new local contact", "ny lokal kontakt"),
        ("former superuser contact", "tidigare superanvändare"),
        ("global (there is no system owner)", "övergripande kontakt (systemägare saknas)"),
        ("jour", "kontakt för jour"),
        ("contact in several roles", "kontakt i flera roller"),
        ("outage contact for mail", "avbrottskontakt för mail"),
        (
            "outage contact for journal (outage of db, on which journal depends; deputy for Åsa)",
            "avbrottskontakt för journal (beror av db) (ersätter Åsa)",
        ),
        ("contact of IT, which owns mail", "kontakt för IT (ägare av mail)"),
        (
            "outage, in place of IT, which owns mail (deputy for Åsa)",
            "avbrottskontakt i stället för IT (ägare av mail) (ersätter Åsa)",
        ),
        ("whoever opened the outage", "den som anmälde avbrottet"),
        ("whatever else there is", "whatever else there is"),
        ("", "mottagare"),
    ] {
        assert_eq!(swedish.why(why), said, "{why}");
    }
}

#[test]
fn times_days_and_numbers_are_as_each_language_writes_them() {
    let at: DateTime<Utc> = "2026-07-06T05:05:00Z".parse().unwrap();
    let later: DateTime<Utc> = "2026-07-07T22:00:00Z".parse().unwrap();
    for (language, time, days, window, number) in [
        (
            Language::English,
            "6 Jul 2026 08:05 EEST",
            "6 Jul to 8 Jul 2026",
            "Monday 6 Jul 2026 08:05 EEST to 09:05 EEST",
            "1,234 people",
        ),
        (
            Language::Swedish,
            "6 juli 2026 kl. 08:05 EEST",
            "6 juli till 8 juli 2026",
            "måndag 6 juli 2026 kl. 08:05 EEST till kl. 09:05 EEST",
            "1234 personer",
        ),
        (
            Language::Bokmal,
            "6. juli 2026 kl. 08:05 EEST",
            "6. juli til 8. juli 2026",
            "mandag 6. juli 2026 kl. 08:05 EEST til kl. 09:05 EEST",
            "1234 personer",
        ),
        (
            Language::Nynorsk,
            "6. juli 2026 kl. 08:05 EEST",
            "6. juli til 8. juli 2026",
            "måndag 6. juli 2026 kl. 08:05 EEST til kl. 09:05 EEST",
            "1234 personar",
        ),
        (
            Language::Danish,
            "6. juli 2026 kl. 08.05 EEST",
            "6. juli til 8. juli 2026",
            "mandag 6. juli 2026 kl. 08.05 EEST til kl. 09.05 EEST",
            "1.234 personer",
        ),
        (
            Language::Finnish,
            "6.7.2026 klo 8.05 EEST",
            "6.7.–8.7.2026",
            "maanantai 6.7.2026 klo 8.05 EEST–klo 9.05 EEST",
            "1234 henkilöä",
        ),
    ] {
        let words = Words::new(Locale { language, zone: Helsinki });
        assert_eq!(words.time(at), time);
        assert_eq!(words.days_between(at, later), days);
        assert_eq!(words.window(at, at + chrono::TimeDelta::hours(1)), window);
        assert_eq!(words.people(1234), number);
    }
    assert_eq!(words(Language::Swedish).people(1_234_567), "1\u{a0}234\u{a0}567 personer");
    assert_eq!(words(Language::English).people(1_234_567), "1,234,567 people");
    assert_eq!(words(Language::English).people(1), "1 person");
}
