//! Who signs in to a directory's servers, and with what: `sign_in` and the keys that go with it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::ldap::{LdapServers, bind_name};
use super::reader::{Problem, Section};
use super::secret::{self, Secret};
use super::words::quoted;
use crate::kerberos::{self, keytab};
use crate::tls::{Identity, TlsError};

/// Who signs in, and with what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LdapSignIn {
    /// An account with its password.
    Simple {
        /// Who: a DN, a UPN (`reader@example.org`) or `DOMAIN\reader`.
        bind_dn: String,
        /// The password.
        bind_password: Secret,
    },
    /// Whoever the server takes a certificate for.
    External {
        /// The certificate, in PEM.
        certificate: PathBuf,
        /// Its key, in PEM.
        key: PathBuf,
    },
    /// A principal of Kerberos with its keytab.
    Gssapi {
        /// The keytab.
        keytab: PathBuf,
        /// The principal: `name@REALM`.
        principal: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Simple,
    External,
    Gssapi,
}

/// Each kind, as it is written and with its keys.
const KINDS: [(Kind, &str, &[&str]); 3] = [
    (
        Kind::Simple,
        "simple",
        &["bind_dn", "bind_password_file", "bind_password_env", "bind_password_credential"],
    ),
    (Kind::External, "external", &["client_certificate_file", "client_key_file"]),
    (Kind::Gssapi, "gssapi", &["keytab_file", "principal"]),
];

/// Reads it; None when something is missing.
pub(super) fn read(table: &Section, servers: Option<&LdapServers>) -> Option<LdapSignIn> {
    let choices = KINDS.map(|(kind, word, _)| (word, kind));
    let kind = table.choice("sign_in", &choices, Some("simple"));
    for (other, word, keys) in KINDS {
        match kind {
            None => table.know(keys),
            Some(kind) if kind != other => table.refuse(keys, &format!("sign_in = \"{word}\"")),
            Some(_) => {}
        }
    }
    if let Some(plain) = servers.and_then(LdapServers::in_plain_text)
        && matches!(kind, Some(Kind::External | Kind::Gssapi))
    {
        let problem = Problem::new(format!("needs TLS, and {plain} is spoken to in plain text"));
        table.mistake("sign_in", problem.hint("take out security = \"plain\""));
    }
    match kind? {
        Kind::Simple => simple(table),
        Kind::External => external(table),
        Kind::Gssapi => gssapi(table),
    }
}

fn simple(table: &Section) -> Option<LdapSignIn> {
    table.require("bind_dn", "bind_dn = \"CN=Budkavle,OU=Service accounts,DC=example,DC=org\"");
    let bind_dn = table.parsed("bind_dn", bind_name);
    let bind_password = secret::require(table, "bind_password");
    Some(LdapSignIn::Simple { bind_dn: bind_dn?, bind_password: bind_password? })
}

fn external(table: &Section) -> Option<LdapSignIn> {
    if !table.is_set("client_certificate_file") && !table.is_set("client_key_file") {
        table.require("client_certificate_file", "client_certificate_file = \"/etc/budkavle/client.pem\"");
        table.require("client_key_file", "client_key_file = \"/etc/budkavle/client.key\"");
    }
    let (certificate, key) = client_certificate(table)?;
    Some(LdapSignIn::External { certificate, key })
}

/// A certificate of our own and its key, if one is named.
pub(super) fn client_certificate(table: &Section) -> Option<(PathBuf, PathBuf)> {
    if table.is_set("client_certificate_file") || table.is_set("client_key_file") {
        table.require("client_certificate_file", "client_certificate_file = \"/etc/budkavle/client.pem\"");
        table.require("client_key_file", "client_key_file = \"/etc/budkavle/client.key\"");
    }
    let (certificate, key) = (table.path("client_certificate_file"), table.path("client_key_file"));
    let (certificate, key) = (certificate?, key?);
    warn_if_open(table, "client_key_file", &key);
    if let Err(error) = Identity::read(&certificate, &key) {
        let about_key = matches!(
            &error,
            TlsError::OwnFileUnreadable { file, .. } | TlsError::OwnFileUnusable { file, .. } if *file == key && key != certificate
        );
        let at = if about_key { "client_key_file" } else { "client_certificate_file" };
        let hint = "the certificate and, in a file of its own, its key, both in PEM, readable for budkavle";
        table.mistake(at, Problem::new(format!("names a file that is no use: {error}")).hint(hint));
    }
    Some((certificate, key))
}

fn gssapi(table: &Section) -> Option<LdapSignIn> {
    if !kerberos::is_built_in() {
        let problem = Problem::new("can't be \"gssapi\": this build of Budkavle has no Kerberos in it");
        table.mistake(
            "sign_in",
            problem.hint("build it with Kerberos in it: cargo install --path . --features gssapi"),
        );
    }
    table.require("keytab_file", "keytab_file = \"/etc/budkavle/budkavle.keytab\"");
    table.require("principal", "principal = \"budkavle@EXAMPLE.ORG\"");
    let keytab = table.path("keytab_file");
    let principal = table.parsed("principal", principal);
    let (keytab, principal) = (keytab?, principal?);
    warn_if_open(table, "keytab_file", &keytab);
    match held(&keytab) {
        Err(problem) => table.mistake("keytab_file", problem),
        Ok(held) if !held.contains(&principal) => {
            let named = keytab.display();
            let problem = Problem::new(format!("is {}, of which {named} has no key", quoted(&principal)));
            table.mistake("principal", problem.hint(format!("it has those of: {}", held.join(", "))));
        }
        Ok(_) => {}
    }
    Some(LdapSignIn::Gssapi { keytab, principal })
}

fn principal(text: &str) -> Result<String, Problem> {
    let fits = |(name, realm): (&str, &str)| !name.is_empty() && !realm.is_empty() && !realm.contains('@');
    if text.split_once('@').is_some_and(fits) {
        return Ok(text.to_owned());
    }
    let problem = Problem::new(format!("is {}, which is no principal of Kerberos", quoted(text)));
    Err(problem.hint("name and realm, in Active Directory in capital letters: \"budkavle@EXAMPLE.ORG\""))
}

/// Whose keys a keytab has.
fn held(file: &Path) -> Result<Vec<String>, Problem> {
    let hint = "make it with ktpass (Windows), samba-tool domain exportkeytab (Samba) or ktutil";
    let cannot = |error: std::io::Error| {
        Problem::new(format!("names {}, which can't be read: {error}", file.display())).hint(hint)
    };
    let metadata = file.metadata().map_err(cannot)?;
    let fits = metadata.is_file() && metadata.len() <= keytab::LARGEST;
    let bytes = if fits { std::fs::read(file).map_err(cannot)? } else { Vec::new() };
    keytab::principals(&bytes)
        .ok_or_else(|| Problem::new(format!("names {}, which is no keytab", file.display())).hint(hint))
}

/// Whoever has a key can sign in with it.
pub(super) fn warn_if_open(table: &Section, key: &str, file: &Path) {
    let Ok(metadata) = file.metadata() else { return };
    let mode = metadata.permissions().mode();
    if mode & 0o007 != 0 {
        table.warn(key, secret::read_by_everybody(file, mode));
    }
}
