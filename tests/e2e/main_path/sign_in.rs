//! Signing in: another password without a restart, a certificate, Kerberos, and what is told before an account ends.

#[cfg(feature = "gssapi")]
use std::fs;
#[cfg(feature = "gssapi")]
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

#[cfg(feature = "gssapi")]
use crate::servers::budkavle::Budkavle;
use crate::servers::certs::{Authority, CertFiles};
#[cfg(feature = "gssapi")]
use crate::servers::middle::Middle;
#[cfg(feature = "gssapi")]
use crate::servers::openldap::HOST;
use crate::servers::openldap::OpenLdap;
use crate::servers::samba::READER_PASSWORD;
use crate::site::{Site, outcome};
use crate::world::{BASE, Organisation};

const READER_DN: &str = "CN=svc-budkavle,CN=Users";

#[test]
fn a_refused_password_is_told_of_and_the_right_one_taken_without_a_restart() {
    let site = Site::new(Organisation::generate(80, 20));
    site.set_password("Wr0ng.Password");
    let _daemon = site.start();
    let refused = site.get("/v1/runs")[0].clone();
    assert_eq!(outcome(&refused), "failed", "{refused}");
    assert!(refused.to_string().contains("the name or the password is wrong"), "{refused}");

    // Somebody who asks is heard at once, the same password or not.
    let again = site.sync(1);
    assert!(again.to_string().contains("the name or the password is wrong"), "{again}");
    site.set_password(READER_PASSWORD);
    let done = site.sync(0);
    assert_eq!(outcome(&done["run"]), "committed", "{done}");
}

#[test]
fn a_look_tells_when_the_password_ends() {
    let site = Site::new(Organisation::generate(80, 20));
    let check = || site.budkavle.run(&["check", "--online"]).success().stdout;
    assert!(!check().contains("the password of the account"), "{}", check());
    // An ordinary account in a domain where passwords last five days, in ticks of 100 ns.
    let reader = format!("{READER_DN},{BASE}");
    site.dc.set(&reader, "userAccountControl", "512");
    site.dc.set(BASE, "maxPwdAge", "-4320000000000");
    let told = check();
    assert!(told.contains(&format!("the password of the account {reader} ends in 4 days")), "{told}");
}

#[test]
fn a_certificate_signs_in_at_openldap() {
    let site = Site::new(Organisation::generate(80, 20));
    let openldap = OpenLdap::start(&site.world, 0);
    let check = |url: &str, client: &CertFiles, code: i32| {
        let keys = &["external", "client_certificate_file", "client_key_file"];
        let values = [&client.cert, &client.key].map(|file| file.display().to_string());
        sign_in_with(&site, &[url], openldap.ca_file(), keys, [&values[0], &values[1]]);
        site.budkavle.run(&["check", "--online"]).ended_with(code).stdout
    };
    for url in [openldap.ldaps_url(), openldap.ldap_url()] {
        let told = check(&url, openldap.client_certificate(), 0);
        assert!(told.contains("lets us in"), "{told}");
    }
    // One that somebody else's authority has signed.
    let stranger = Authority::new("Another CA").issue_client(&site.path().join("stranger"), "svc-budkavle");
    let told = check(&openldap.ldaps_url(), &stranger, 1);
    assert!(told.contains("CN=svc-budkavle"), "{told}");
}

#[test]
#[cfg(feature = "gssapi")]
fn kerberos_signs_in_with_a_keytab_over_ldaps_and_starttls() {
    let mut site = Site::new(Organisation::generate(80, 20));
    let kerberos = site.dc.kerberos();
    fs::set_permissions(&kerberos.keytab, fs::Permissions::from_mode(0o600)).unwrap();
    let openldap = OpenLdap::start(&site.world, 0);
    let hosts = site.path().join("hosts");
    fs::write(&hosts, format!("{} {}\n", openldap.address(), HOST)).unwrap();
    site.budkavle = with_kerberos(&site, &kerberos.config, &hosts);
    let with = |site: &Site, urls: &[&str]| {
        let keys = &["gssapi", "keytab_file", "principal"];
        let values = [kerberos.keytab.display().to_string(), kerberos.principal.clone()];
        sign_in_with(site, urls, site.dc.ca_file(), keys, [&values[0], &values[1]]);
    };
    with(&site, &[&site.dc.ldap_url()]);
    let told = site.budkavle.run(&["check", "--online"]).success().stdout;
    assert!(told.contains("dc1.ad.kommun.example lets us in"), "{told}");

    // Of a server that the KDC doesn't know there is no ticket: that is no refusal, and the next one is read.
    let stranger = format!("ldaps://{HOST}");
    with(&site, &[&stranger]);
    let told = site.budkavle.run(&["check", "--online"]).ended_with(1).stdout;
    assert!(told.contains("the KDC knows no LDAP service of that server"), "{told}");
    with(&site, &[&stranger, &site.dc.ldaps_url()]);
    let _daemon = site.start();
    let first = site.get("/v1/runs")[0].clone();
    assert_eq!((outcome(&first), &first["server"]), ("committed", &site.dc.ldaps_url().into()), "{first}");

    // A new password makes the keys useless; new ones are taken without a restart.
    site.dc.set_password(&format!("{READER_DN},{BASE}"), "An0ther.Password");
    let refused = site.sync(1);
    assert!(refused.to_string().contains("make the keytab anew"), "{refused}");
    site.dc.kerberos();
    let done = site.sync(0);
    assert_eq!(outcome(&done["run"]), "unchanged", "{done}");
}

#[test]
#[cfg(feature = "gssapi")]
fn kerberos_is_bound_to_the_connection_it_is_made_on() {
    let mut site = Site::new(Organisation::generate(80, 20));
    let demanded = site.dc.demand_binding();
    let kerberos = site.dc.kerberos();
    fs::set_permissions(&kerberos.keytab, fs::Permissions::from_mode(0o600)).unwrap();
    site.budkavle = with_kerberos(&site, &kerberos.config, Path::new("/etc/hosts"));
    let check = |url: &str, code: i32| {
        let keys = &["gssapi", "keytab_file", "principal"];
        let values = [kerberos.keytab.display().to_string(), kerberos.principal.clone()];
        sign_in_with(&site, &[url], site.dc.ca_file(), keys, [&values[0], &values[1]]);
        site.budkavle.run(&["check", "--online"]).ended_with(code).stdout
    };
    for url in [site.dc.ldaps_url(), site.dc.ldap_url()] {
        let told = check(&url, 0);
        assert!(told.contains("lets us in"), "{told}");
    }
    // Who ends TLS in the middle gets a ticket for the server, bound to the wrong certificate. Debian's Samba (4.17) doesn't look.
    let middle = Middle::before(site.dc.address(), site.dc.host());
    let told = check(&middle.ldaps_url(), i32::from(demanded));
    let (fits, refused) = (told.contains("lets us in"), told.contains("the channel binding does not fit"));
    assert_eq!((fits, refused), (!demanded, demanded), "{told}");
}

/// Lets the site's directory be on these servers, signed in to as the first word says, with these two keys.
fn sign_in_with(site: &Site, urls: &[&str], ca: &Path, [kind, first, second]: &[&str; 3], values: [&str; 2]) {
    site.configure(&|text| {
        let is_of_password = |line: &&str| !line.starts_with("bind_") && !line.starts_with("ca_file");
        let (before, mail) = text.split_once("[mail]").unwrap();
        let lines: Vec<&str> = before.lines().filter(is_of_password).collect();
        let keys = format!(
            "sign_in = \"{kind}\"\n{first} = \"{}\"\n{second} = \"{}\"\nca_file = \"{}\"",
            values[0],
            values[1],
            ca.display()
        );
        let before = lines
            .join("\n")
            .replace(&format!("urls = [\"{}\"]", site.dc.ldaps_url()), &format!("urls = {urls:?}"));
        *text = format!("{before}\n{keys}\n[mail]{mail}");
    });
}

/// The site's program with this configuration of Kerberos, and these names of machines besides what name servers know.
#[cfg(feature = "gssapi")]
fn with_kerberos(site: &Site, config: &Path, hosts: &Path) -> Budkavle {
    let program = site.path().join("budkavle");
    let (config, hosts, installed) = (config.display(), hosts.display(), Budkavle::installed());
    let installed = installed.display();
    let inside = format!("mount --bind {hosts} /etc/hosts && KRB5_CONFIG={config} exec {installed} \"$@\"");
    fs::write(&program, format!("#!/bin/sh\nexec unshare --mount sh -c '{inside}' budkavle \"$@\"\n"))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Budkavle::of_program(&program, site.path())
}
