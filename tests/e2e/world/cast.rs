//! The people with something special, whom tests call by account.

use super::{MAIL_DOMAIN, Person};

/// Where, who. Everyone here is enabled and has the address ACCOUNT@kommun.example unless changed below.
pub fn people() -> Vec<(&'static str, Person)> {
    vec![
        ("IT-avdelningen", person("asa.oberg", "Åsa", "Öberg")),
        ("Drift, jour", person("soren.odegard", "Søren", "Ødegård")),
        ("IT-avdelningen", Person { mail: address("liam.o'brien"), ..person("obrien", "Liam", "O'Brien") }),
        ("Ekonomi", Person { cn: "Smith, John".into(), ..person("john.smith", "John", "Smith") }),
        ("Socialförvaltningen", person("thora.jonsdottir", "Þóra", "Jónsdóttir")),
        ("Forskning + utveckling", person("lukasz.wisniewski", "Łukasz", "Wiśniewski")),
        // one name, two people
        ("Ekonomi", person("anna.svensson", "Anna", "Svensson")),
        ("Personal", person("anna.svensson2", "Anna", "Svensson")),
        // every character that RFC 4514 wants escaped
        ("IT-avdelningen", special("drift.jour", "Drift + Jour")),
        ("Bemanning", special("vikarie1", "#1 Vikarie")),
        ("Personal", special("pelle.ek", "Per \"Pelle\" Ek")),
        ("Personal", special("backslash", "Kalle\\Anka")),
        ("Personal", special("angle", "Karin <Kajsa> Ek; tf = chef")),
        ("Personal", special("space.before", " Inledande Blank")),
        ("Personal", special("space.after", "Avslutande Blank ")),
        ("Personal", special("longest", "Wilhelmina Charlotta Fredrika Amalia von Essen-Gyllenstierna III")),
        ("Köket #2", special("slash", "Nils/Olof Æther ☃")),
        // a mailbox that two people read
        (
            "Tekniska förvaltningen",
            Person { mail: address("vaktmastare"), ..person("vakt.ett", "Vilgot", "Vakt") },
        ),
        (
            "Tekniska förvaltningen",
            Person { mail: address("vaktmastare"), ..person("vakt.tva", "Vera", "Vakt") },
        ),
        // an address as somebody typed it
        (
            "Ekonomi",
            Person {
                mail: Some("Versal.Versalsson@Kommun.Example".into()),
                ..person("versal", "Versal", "Versalsson")
            },
        ),
        ("Ekonomi", Person { mail: None, ..person("no.mail", "Utan", "Brevlåda") }),
        ("Ekonomi", Person { disabled: true, ..person("disabled", "Stängd", "Konto") }),
        (
            "Ekonomi",
            Person {
                expires: "2024-06-30T22:00:00Z".parse().ok(), ..person("expired", "Utgången", "Konto")
            },
        ),
        (
            "Ekonomi",
            Person {
                expires: "2099-12-31T23:00:00Z".parse().ok(),
                ..person("expires.later", "Tillfällig", "Konto")
            },
        ),
    ]
}

fn person(account: &str, given: &str, surname: &str) -> Person {
    Person {
        account: account.into(),
        cn: format!("{given} {surname}"),
        given_name: given.into(),
        surname: surname.into(),
        display_name: format!("{given} {surname}"),
        mail: address(account),
        title: Some("Systemförvaltare".into()),
        phone: Some("+46 8 123 456 00".into()),
        ..Person::default()
    }
}

fn special(account: &str, cn: &str) -> Person {
    Person { cn: cn.into(), display_name: cn.trim().into(), ..person(account, cn.trim(), "Särfall") }
}

fn address(local: &str) -> Option<String> {
    Some(format!("{local}@{MAIL_DOMAIN}"))
}
