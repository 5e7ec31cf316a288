//! Who signs in: certificates and keytabs, which are looked into.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::{LdapSignIn, Source};
use crate::kerberos;
use crate::kerberos::keytab::tests::keytab;
use crate::tls::pki::Authority;

/// A folder whose directory signs in as these lines say.
fn folder(lines: &str, files: &[(&str, &[u8])]) -> Folder {
    let password = "bind_dn = \"reader@example.org\"\nbind_password_env = \"BIND_PASSWORD\"\n";
    assert!(LEAST.contains(password));
    let folder = Folder::with(&[("budkavle.toml", &LEAST.replace(password, lines))]);
    for (name, bytes) in files {
        std::fs::write(folder.path(name), bytes).unwrap();
        std::fs::set_permissions(folder.path(name), PermissionsExt::from_mode(0o640)).unwrap();
    }
    folder
}

fn sign_in(config: &Config) -> &LdapSignIn {
    let Source::Ldap(ldap) = &config.directories[0].source else { panic!("not LDAP") };
    &ldap.sign_in
}

const EXTERNAL: &str =
    "sign_in = \"external\"\nclient_certificate_file = \"own.pem\"\nclient_key_file = \"own.key\"\n";

#[test]
fn a_certificate_signs_in_with_its_key() {
    let authority = Authority::new("Test CA");
    let (certificate, key) = authority.issue("budkavle").pem();
    let folder = folder(EXTERNAL, &[("own.pem", certificate.as_bytes()), ("own.key", key.as_bytes())]);
    let (config, warnings) = folder.load(&[]).unwrap();
    assert_eq!(warnings.render(Look::Plain), "");
    let files = LdapSignIn::External { certificate: folder.path("own.pem"), key: folder.path("own.key") };
    assert_eq!(*sign_in(&config), files);

    std::fs::set_permissions(folder.path("own.key"), PermissionsExt::from_mode(0o644)).unwrap();
    let report = folder.report(&[]);
    assert!(report.contains("warning: directory.main.client_key_file: "), "{report}");
    assert!(report.contains("own.key can be read by everybody (mode 0644)"), "{report}");

    std::fs::write(folder.path("own.key"), authority.issue("other").pem().1).unwrap();
    let report = folder.report(&[]);
    assert!(report.contains("budkavle.toml:11:19: error: directory.main.client_key_file: "), "{report}");
    assert!(report.contains("not the key of the certificate"), "{report}");
}

const GSSAPI: &str = "sign_in = \"gssapi\"\nkeytab_file = \"keytab\"\nprincipal = \"budkavle@EXAMPLE.ORG\"\n";

#[test]
fn a_keytab_signs_in_where_the_build_can() {
    let keys = keytab(&[(&["budkavle"], "EXAMPLE.ORG")]);
    let folder = folder(GSSAPI, &[("keytab", &keys)]);
    match folder.load(&[]) {
        Ok((config, warnings)) => {
            assert!(kerberos::is_built_in());
            assert_eq!(warnings.render(Look::Plain), "");
            let principal = "budkavle@EXAMPLE.ORG".to_owned();
            assert_eq!(*sign_in(&config), LdapSignIn::Gssapi { keytab: folder.path("keytab"), principal });
        }
        Err(findings) => {
            assert!(!kerberos::is_built_in());
            assert_eq!(findings.errors(), 1);
            let report = findings.render(Look::Plain);
            assert!(report.contains("this build of Budkavle has no Kerberos in it"), "{report}");
            assert!(report.contains("--features gssapi"), "{report}");
        }
    }
}

#[test]
fn a_keytab_is_looked_into() {
    let keys = keytab(&[(&["budkavle"], "EXAMPLE.ORG"), (&["host", "a"], "EXAMPLE.ORG")]);
    for (principal, bytes, words) in [
        ("budkavle", &keys[..], "which is no principal of Kerberos"),
        ("@EXAMPLE.ORG", &keys, "which is no principal of Kerberos"),
        ("budkavle@example.org", &keys, "it has those of: budkavle@EXAMPLE.ORG, host/a@EXAMPLE.ORG"),
        ("budkavle@EXAMPLE.ORG", b"geheim", "keytab, which is no keytab"),
    ] {
        let lines = GSSAPI.replace("budkavle@EXAMPLE.ORG", principal);
        let report = folder(&lines, &[("keytab", bytes)]).report(&[]);
        assert!(report.contains(words), "{principal}: {report}");
    }
    let report = folder(GSSAPI, &[]).report(&[]);
    assert!(report.contains("keytab, which can't be read: No such file"), "{report}");
    let report = folder("sign_in = \"gssapi\"\n", &[]).report(&[]);
    assert!(
        report.contains("keytab_file: is missing") && report.contains("principal: is missing"),
        "{report}"
    );
}
