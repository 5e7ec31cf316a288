//! The domain controller answers, changes, stops and starts like the real thing that it is.

use std::net::TcpStream;
use std::process::Command;

use crate::servers::certs::{AUTHORITY, Authority, Validity};
use crate::servers::ldif::{Entry, decode_dn};
use crate::servers::samba::{READER, READER_PASSWORD, Samba};
use crate::world::{BASE, Organisation, PEOPLE, ROOT_UNIT, UNITS};

#[test]
fn holds_the_whole_organisation() {
    let world = Organisation::kommun();
    let dc = Samba::start(&world);

    let found = dc.search(
        ROOT_UNIT,
        PEOPLE,
        &[
            "sAMAccountName",
            "displayName",
            "mail",
            "mobile",
            "telephoneNumber",
            "title",
            "manager",
            "userAccountControl",
            "accountExpires",
            "preferredLanguage",
            "objectGUID",
        ],
    );
    assert_eq!(found.len(), 2_000);
    for person in &world.people {
        let dn = world.dn(person);
        let entry = found
            .iter()
            .find(|entry| entry.text("sAMAccountName").as_ref() == Some(&person.account))
            .unwrap();
        assert_eq!(decode_dn(&entry.dn), decode_dn(&dn));
        assert_eq!(entry.text("displayName").unwrap(), person.display_name);
        assert_eq!(entry.text("mail"), person.mail);
        assert_eq!(entry.text("mobile"), person.mobile);
        assert_eq!(entry.text("telephoneNumber"), person.phone);
        assert_eq!(entry.text("title"), person.title);
        assert_eq!(entry.text("preferredLanguage"), person.language);
        let manager = person.manager.map(|manager| decode_dn(&world.dn(&world.people[manager])));
        assert_eq!(entry.text("manager").map(|dn| decode_dn(&dn)), manager);
        assert_eq!(entry.text("userAccountControl").unwrap(), if person.disabled { "514" } else { "512" });
        assert_eq!(entry.text("accountExpires").unwrap() == "9223372036854775807", person.expires.is_none());
        assert_eq!(entry.bytes("objectGUID").unwrap().len(), 16);
    }

    let mut units: Vec<_> =
        dc.search(ROOT_UNIT, UNITS, &["ou"]).iter().map(|unit| decode_dn(&unit.dn)).collect();
    let mut expected: Vec<_> = (0..world.units.len()).map(|unit| decode_dn(&world.unit_dn(unit))).collect();
    units.sort();
    expected.sort();
    assert!(units == expected, "the units are those of the organisation");
    let everyone = dc.search(&world.group_dn("all-staff"), "(objectClass=group)", &["member"]);
    assert_eq!(everyone[0].texts("member").len(), 1_600);

    // What a careless filter takes along, and the accounts that every domain has.
    assert_eq!(dc.search(ROOT_UNIT, "(objectClass=user)", &["cn"]).len(), 2_001, "a computer is a user");
    assert_eq!(
        dc.search(ROOT_UNIT, "(objectCategory=person)", &["cn"]).len(),
        2_001,
        "a contact is a person"
    );
    assert!(dc.search(BASE, PEOPLE, &["cn"]).len() > 2_002);
}

#[test]
fn shows_what_the_administrator_changes() {
    let world = Organisation::kommun();
    let dc = Samba::start(&world);
    let dn = world.dn(world.person("asa.oberg"));
    let guid = |entry: Option<Entry>| entry.unwrap().bytes("objectGUID").unwrap().to_vec();
    let asa = guid(dc.read(&dn));

    dc.set(&dn, "telephoneNumber", "+46 8 999 99 99");
    assert_eq!(dc.read(&dn).unwrap().text("telephoneNumber").unwrap(), "+46 8 999 99 99");
    dc.clear(&dn, "telephoneNumber");
    assert_eq!(dc.read(&dn).unwrap().text("telephoneNumber"), None);

    let renamed = dc.rename(&dn, "Öberg-Strand, Åsa");
    assert_eq!(dc.read(&dn), None);
    assert_eq!(guid(dc.read(&renamed)), asa);
    let moved = dc.move_to(&renamed, &world.unit_dn(world.unit("Ekonomi")));
    assert_eq!(moved, "CN=Öberg-Strand\\, Åsa,OU=Ekonomi,OU=Kommunen,DC=ad,DC=kommun,DC=example");
    assert_eq!(guid(dc.read(&moved)), asa);

    let unit = dc.rename(&world.unit_dn(world.unit("Ekonomi")), "Ekonomi + inköp");
    let below = dc.search(&unit, "(sAMAccountName=asa.oberg)", &["objectGUID"]);
    assert_eq!(guid(below.first().cloned()), asa, "the rename of a unit takes along what is below it");
    let asa = &below[0].dn;

    dc.disable(asa);
    assert_eq!(dc.read(asa).unwrap().text("userAccountControl").unwrap(), "514");
    dc.enable(asa);
    assert_eq!(dc.read(asa).unwrap().text("userAccountControl").unwrap(), "512");

    let group = world.group_dn("outage-contacts");
    let members = || dc.read(&group).unwrap().texts("member");
    assert_eq!(members().len(), 6, "five people and a group");
    dc.remove_member(&group, asa);
    assert!(!members().contains(asa));
    dc.add_member(&group, asa);
    assert!(members().contains(asa));

    let leavers: Vec<String> = world.people.iter().rev().take(100).map(|person| world.dn(person)).collect();
    let leavers: Vec<&str> =
        leavers.iter().map(String::as_str).filter(|dn| !dn.contains("OU=Ekonomi")).collect();
    dc.delete(leavers.iter().copied());
    assert_eq!(dc.search(ROOT_UNIT, PEOPLE, &["cn"]).len(), 2_000 - leavers.len());
}

#[test]
fn changes_passwords() {
    let dc = Samba::start(&Organisation::kommun());
    assert!(dc.accepts(READER, READER_PASSWORD));
    assert!(!dc.accepts(READER, "wrong"));
    dc.set_password(&format!("CN=svc-budkavle,CN=Users,{BASE}"), "An0ther.Password");
    assert!(dc.accepts(READER, "An0ther.Password"));
}

#[test]
fn stops_and_starts_with_its_data() {
    let world = Organisation::kommun();
    let mut dc = Samba::start(&world);
    let dn = world.dn(world.person("obrien"));
    dc.set(&dn, "title", "Vaktmästare");
    for _ in 0..3 {
        dc.stop();
        assert!(TcpStream::connect((dc.address(), 636)).is_err());
        dc.resume();
        assert_eq!(dc.read(&dn).unwrap().text("title").unwrap(), "Vaktmästare");
    }
    assert!(dc.log().contains("samba version"));
}

#[test]
fn is_alone_in_its_folder_and_on_its_address() {
    let world = Organisation::kommun();
    let (one, other) = (Samba::start(&world), Samba::start(&world));
    let dn = world.dn(world.person("obrien"));
    one.delete([dn.as_str()]);
    assert!(one.read(&dn).is_none());
    assert!(other.read(&dn).is_some());
}

#[test]
fn proves_who_it_is() {
    let mut dc = Samba::start(&Organisation::kommun());
    let (ldap, ldaps) = (dc.ldap_url(), dc.ldaps_url());
    let trusted = dc.ca_file().with_file_name("trusted.pem");
    std::fs::copy(dc.ca_file(), &trusted).unwrap();
    let lets_in = |url: &[&str]| {
        let mut search = Command::new("ldapsearch");
        search.args(["-x", "-D", READER, "-w", READER_PASSWORD, "-s", "base", "-b", BASE, "-H"]).args(url);
        search.env("LDAPTLS_CACERT", &trusted).env("LDAPTLS_REQCERT", "demand");
        search.output().unwrap().status.success()
    };
    assert!(lets_in(&[&ldaps]));
    assert!(lets_in(&[&ldap, "-ZZ"]), "StartTLS");
    assert!(!lets_in(&[&ldap]), "a password in clear is refused");

    dc.use_certificate_of(&Authority::new("Somebody Else"), Validity::Now);
    assert!(!lets_in(&[&ldaps]), "signed by somebody whom nobody knows");
    assert!(dc.accepts(READER, READER_PASSWORD), "but good for who trusts that authority");

    dc.use_certificate_of(&AUTHORITY, Validity::Expired);
    assert!(!dc.accepts(READER, READER_PASSWORD), "expired");
}
