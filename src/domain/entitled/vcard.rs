//! vCard 4.0 (RFC 6350).

use super::Entitled;
use crate::domain::content_lines::{escaped, fold};

/// A card for each of `people`, of `organisation`.
pub fn vcards(people: &[Entitled], organisation: &str) -> String {
    people.iter().map(|person| card(person, organisation)).collect()
}

fn card(person: &Entitled, organisation: &str) -> String {
    let mut card = String::new();
    let mut line = |name: &str, value: String| fold(&mut card, &format!("{name}:{value}"));
    line("BEGIN", "VCARD".into());
    line("VERSION", "4.0".into());
    line("KIND", "individual".into());
    if let Some(user) = person.user {
        line("UID", format!("urn:uuid:{user}"));
    }
    line("FN", escaped(&person.name));
    let unit = person.unit.as_deref().map(|unit| format!("{};{}", escaped(organisation), escaped(unit)));
    for (name, value) in [
        ("ORG", unit),
        ("TITLE", person.title.as_deref().map(escaped)),
        ("EMAIL", person.mail.as_deref().map(escaped)),
        // A text, as it is the default (§6.4.1): not every number that people write is a URI.
        ("TEL", person.phone.as_deref().map(escaped)),
    ] {
        value.into_iter().for_each(|value| line(name, value));
    }
    let roles: Vec<String> = person.roles.iter().map(|role| escaped(&role.0)).collect();
    line("CATEGORIES", roles.join(","));
    line("END", "VCARD".into());
    card
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{Guid, UserId};

    #[test]
    fn a_card_is_escaped_and_folded() {
        let person = Entitled {
            user: Some(UserId(Guid([7; 16]))),
            roles: vec!["support".into(), "remote-access".into()],
            name: "Öberg, Åsa; \"\\\"".into(),
            title: Some(
                "Systemförvaltare för verksamhetssystem, ekonomi och personal i förvaltningen".into(),
            ),
            unit: Some("Vård / Hemtjänst".into()),
            mail: Some("asa@kommun.example".into()),
            phone: Some("+46 8 123\r\nX-EVIL:1".into()),
        };
        insta::assert_snapshot!(vcards(&[person], "Kommunen").replace('\r', "␍"), @r#"
        BEGIN:VCARD␍
        VERSION:4.0␍
        KIND:individual␍
        UID:urn:uuid:07070707-0707-0707-0707-070707070707␍
        FN:Öberg\, Åsa\; "\\"␍
        ORG:Kommunen;Vård / Hemtjänst␍
        TITLE:Systemförvaltare för verksamhetssystem\, ekonomi och personal i fö␍
         rvaltningen␍
        EMAIL:asa@kommun.example␍
        TEL:+46 8 123\nX-EVIL:1␍
        CATEGORIES:support,remote-access␍
        END:VCARD␍
        "#);
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_unfolding_gives_the_line_back(text in any::<String>()) {
            let text = escaped(&text);
            let mut folded = String::new();
            fold(&mut folded, &text);
            prop_assert!(folded.split("\r\n").all(|line| line.len() <= crate::domain::content_lines::LINE));
            let unfolded = folded.replace("\r\n ", "");
            prop_assert_eq!(unfolded.trim_end_matches("\r\n"), text);
        }
    }
}
