//! The organisation has what it promises.

use std::collections::HashSet;

use crate::servers::ldif::{decode_dn, escape_rdn};
use crate::world::{MAIL_DOMAIN, Organisation};

#[test]
fn is_the_same_every_time() {
    assert_eq!(Organisation::kommun().to_ldif(), Organisation::kommun().to_ldif());
}

#[test]
fn has_what_real_directories_have() {
    let world = Organisation::kommun();
    assert_eq!((world.people.len(), world.units.len()), (2_000, 200));

    let depths: HashSet<usize> = (0..world.units.len()).map(|unit| world.depth(unit)).collect();
    assert_eq!(depths, HashSet::from([1, 2, 3, 4, 5]));
    let names: HashSet<String> = world.people.iter().map(|person| world.dn(person).to_lowercase()).collect();
    assert_eq!(names.len(), 2_000, "every DN is unique");
    let accounts: HashSet<String> = world.people.iter().map(|person| person.account.to_lowercase()).collect();
    assert_eq!(accounts.len(), 2_000, "every account is unique");
    assert!(world.people.iter().all(|person| person.account.len() <= 20 && person.cn.chars().count() <= 64));

    let (anna, other_anna) = (world.person("anna.svensson"), world.person("anna.svensson2"));
    assert_eq!(anna.display_name, other_anna.display_name);
    assert_ne!(anna.unit, other_anna.unit);
    assert_eq!(world.person("vakt.ett").mail, world.person("vakt.tva").mail);
    assert_eq!(
        world.dn(world.person("john.smith")),
        "CN=Smith\\, John,OU=Ekonomi,OU=Kommunen,DC=ad,DC=kommun,DC=example"
    );

    assert!(world.people.iter().filter(|person| person.disabled).count() > 90);
    assert!(world.people.iter().filter(|person| person.expires.is_some()).count() > 40);
    assert!(world.people.iter().filter(|person| person.mail.is_none()).count() > 70);
    assert!(world.people.iter().filter(|person| person.in_container).count() > 2);
    assert!(world.people.iter().filter(|person| person.manager.is_some()).count() > 1_900);
    assert!(world.groups.iter().any(|group| group.members.len() > 1_500));
    assert!(world.mail_addresses().iter().all(|address| address.ends_with(&format!("@{MAIL_DOMAIN}"))));
}

#[test]
fn names_survive_escaping() {
    for person in &Organisation::kommun().people {
        let dn = format!("CN={},OU=x", escape_rdn(&person.cn));
        assert_eq!(decode_dn(&dn), [("CN".to_owned(), person.cn.clone()), ("OU".to_owned(), "x".to_owned())]);
    }
    let parts = decode_dn(r"cn=A\2C\+b\c3\a5\\,ou=\ x\ ");
    assert_eq!(parts, [("CN".to_owned(), "A,+bå\\".to_owned()), ("OU".to_owned(), " x ".to_owned())]);
}
