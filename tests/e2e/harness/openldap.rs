//! OpenLDAP answers, changes and lets in like the real thing that it is.

use std::net::TcpStream;
use std::process::{Command, Output};

use crate::servers::ldif::decode_dn;
use crate::servers::openldap::content::{POSIX_GROUPS, POSIX_PEOPLE};
use crate::servers::openldap::{OpenLdap, READER, READER_PASSWORD};
use crate::world::{BASE, Organisation, ROOT_UNIT};

fn world() -> Organisation {
    Organisation::generate(100, 30)
}

#[test]
fn holds_the_organisation_and_changes_it() {
    let world = world();
    let mut server = OpenLdap::start(&world, 1_000);
    let people = server.search(ROOT_UNIT, "(objectClass=inetOrgPerson)", &["*", "entryUUID", "memberOf"]);
    assert_eq!(people.len(), 100);
    for person in &world.people {
        let entry = people.iter().find(|entry| entry.text("uid").as_ref() == Some(&person.account)).unwrap();
        assert_eq!(decode_dn(&entry.dn), decode_dn(&world.dn(person)));
        assert_eq!(entry.text("mail"), person.mail);
        assert_eq!(entry.text("entryUUID").unwrap().len(), 36);
        let manager = person.manager.map(|manager| decode_dn(&world.dn(&world.people[manager])));
        assert_eq!(entry.text("manager").map(|dn| decode_dn(&dn)), manager);
    }
    assert_eq!(server.search(ROOT_UNIT, "(objectClass=organizationalUnit)", &["ou"]).len(), 30);
    assert_eq!(server.search(POSIX_PEOPLE, "(objectClass=posixAccount)", &["uid"]).len(), 100);
    let groups = server.search(POSIX_GROUPS, "(cn=all-staff)", &["memberUid"]);
    assert_eq!(groups[0].texts("memberUid").len(), 80);

    let (reader, administrator) = (server.reader(), server.administrator());
    let dn = world.dn(world.person("obrien"));
    let member_of = |dn: &str| reader.read(dn, &["memberOf"]).unwrap().texts("memberOf").len();
    assert_eq!(member_of(&dn), 2);
    administrator.replace(&dn, "title", &["Vaktmästare"]);
    assert_eq!(reader.read(&dn, &["title"]).unwrap().text("title").unwrap(), "Vaktmästare");
    administrator.replace(&dn, "title", &[]);
    assert_eq!(reader.read(&dn, &["title"]).unwrap().text("title"), None);

    let renamed = administrator.rename(&dn, "O'Brien, Liam");
    let moved = administrator.move_to(&renamed, &world.unit_dn(world.unit("Personal")));
    let unit = administrator.rename(&world.unit_dn(world.unit("Personal")), "Personal + lön");
    let found = server.search(&unit, "(uid=obrien)", &["memberOf"]);
    assert_eq!(found.len(), 1);
    assert!(moved.starts_with("CN=O'Brien\\, Liam,OU=Personal,"));
    let dn = &found[0].dn;

    let group = world.group_dn("outage-duty");
    let members = || reader.read(&group, &["member"]).unwrap().texts("member").len();
    administrator.change_member("add", &group, dn);
    assert_eq!(members(), 4);
    administrator.delete([dn.as_str()]);
    assert_eq!(members(), 3, "references follow");

    server.stop();
    assert!(TcpStream::connect((server.address(), 636)).is_err());
    server.resume();
    assert_eq!(server.search(ROOT_UNIT, "(objectClass=inetOrgPerson)", &["uid"]).len(), 99);
}

#[test]
fn lets_in_who_proves_it() {
    let server = OpenLdap::start(&world(), 0);
    let who = |url: &str, options: &[&str]| -> Output {
        let mut ask = Command::new("ldapwhoami");
        ask.args(["-H", url]).args(options);
        ask.env("LDAPTLS_CACERT", server.ca_file()).env("LDAPTLS_REQCERT", "demand");
        if options.contains(&"EXTERNAL") {
            let client = server.client_certificate();
            ask.env("LDAPTLS_CERT", &client.cert).env("LDAPTLS_KEY", &client.key);
        }
        ask.output().unwrap()
    };
    let name = |answer: Output| String::from_utf8(answer.stdout).unwrap().trim().to_lowercase();
    let reader = format!("dn:{}", READER.to_lowercase());
    let simple = ["-x", "-D", READER, "-w", READER_PASSWORD];
    assert_eq!(name(who(&server.ldaps_url(), &simple)), reader);
    assert_eq!(name(who(&server.ldap_url(), &[&simple[..], &["-ZZ"]].concat())), reader);
    assert!(!who(&server.ldap_url(), &simple).status.success(), "a password in clear is refused");
    assert!(!who(&server.ldaps_url(), &["-x", "-D", READER, "-w", "wrong"]).status.success());

    assert_eq!(name(who(&server.ldaps_url(), &["-Q", "-Y", "EXTERNAL"])), reader);
    assert_eq!(name(who(&server.ldap_url(), &["-ZZ", "-Q", "-Y", "EXTERNAL"])), reader);
    let unknown = who(&server.ldap_url(), &["-x"]);
    assert_eq!(name(unknown), "anonymous");
}

#[test]
fn tells_what_is_new_since_a_cookie() {
    let world = world();
    for remembered in [0, 1_000] {
        let server = OpenLdap::start(&world, remembered);
        let sync = |cookie: &str| {
            let mut search = server.reader().tool("ldapsearch");
            let extension =
                format!("!sync=ro{}", if cookie.is_empty() { "" } else { "/" }.to_owned() + cookie);
            search.args([
                "-o",
                "ldif-wrap=no",
                "-E",
                &extension,
                "-b",
                BASE,
                "(objectClass=inetOrgPerson)",
                "uid",
            ]);
            let answer = String::from_utf8(search.output().unwrap().stdout).unwrap();
            let cookie = answer.lines().find_map(|line| line.strip_prefix("# cookie: "));
            let cookie = cookie.unwrap_or_else(|| panic!("no cookie in:\n{answer}")).to_owned();
            (answer.lines().filter(|line| line.starts_with("uid:")).count(), cookie, answer)
        };
        let (everybody, cookie, _) = sync("");
        assert_eq!(everybody, 200, "people of both schemas");
        server.administrator().replace(&world.dn(world.person("obrien")), "title", &["Rektor"]);
        server.administrator().delete([world.dn(world.person("versal")).as_str()]);
        let (changed, _, answer) = sync(&cookie);
        assert_eq!(changed, 1, "with {remembered} changes remembered:\n{answer}");
    }
}
