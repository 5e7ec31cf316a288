//! What is signed in with, as it stands in its files now.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{Password, SignIn};
use crate::domain::secret;
use crate::kerberos::keytab;
use crate::source::SourceError;
use crate::tls::{CertificateSummary, Identity};

/// No password is longer; what is longer is another file.
const LONGEST_PASSWORD: u64 = 16 * 1024;

/// What a connection is signed in with.
pub(in crate::source::ldap) enum Credentials {
    Simple { account: String, password: SecretString },
    External { identity: Identity },
    Gssapi { keytab: PathBuf, principal: String, digest: [u8; 32] },
}

impl SignIn {
    /// Reads what to sign in with.
    ///
    /// # Errors
    /// When a file can't be read or holds something else.
    pub(in crate::source::ldap) fn load(&self) -> Result<Credentials, SourceError> {
        match self {
            SignIn::Simple { bind_dn, password } => {
                let password = match password {
                    Password::Fixed(password) => password.clone(),
                    Password::File(file) => read_password(file)?,
                };
                Ok(Credentials::Simple { account: bind_dn.to_string(), password })
            }
            SignIn::External { certificate, key } => {
                let identity = Identity::read(certificate, key)
                    .map_err(|error| SourceError::Settings(error.to_string()))?;
                Ok(Credentials::External { identity })
            }
            SignIn::Gssapi { keytab, principal } => {
                let bytes = read(keytab, keytab::LARGEST)?;
                let held = keytab::principals(&bytes).ok_or_else(|| unfit(keytab, "is no keytab"))?;
                if !held.iter().any(|name| **name == **principal) {
                    let held = if held.is_empty() {
                        "no key at all".to_owned()
                    } else {
                        format!("those of {}", held.join(", "))
                    };
                    return Err(unfit(keytab, &format!("has no key of {principal}; it has {held}")));
                }
                let digest = Sha256::digest(&bytes).into();
                Ok(Credentials::Gssapi { keytab: keytab.clone(), principal: principal.to_string(), digest })
            }
        }
    }
}

impl Credentials {
    /// Who it is, in messages.
    pub(in crate::source::ldap) fn account(&self) -> String {
        match self {
            Credentials::Simple { account, .. } => account.clone(),
            Credentials::External { identity } => identity.certificate.subject.clone(),
            Credentials::Gssapi { principal, .. } => principal.clone(),
        }
    }

    /// Tells these from others, an account with a new password included. Doesn't give them away.
    pub(in crate::source::ldap) fn digest(&self) -> [u8; 32] {
        let hash = Sha256::new();
        let hash = match self {
            Credentials::Simple { account, password } => hash
                .chain_update(b"simple\0")
                .chain_update(account)
                .chain_update([0])
                .chain_update(password.expose_secret()),
            Credentials::External { identity } => {
                hash.chain_update(b"external\0").chain_update(identity.digest)
            }
            Credentials::Gssapi { principal, digest, .. } => {
                hash.chain_update(b"gssapi\0").chain_update(principal).chain_update([0]).chain_update(digest)
            }
        };
        hash.finalize().into()
    }

    /// The certificate that is shown.
    pub(in crate::source::ldap) fn certificate(&self) -> Option<&CertificateSummary> {
        match self {
            Credentials::External { identity } => Some(&identity.certificate),
            _ => None,
        }
    }

    /// The configuration of TLS with that certificate in it.
    pub(in crate::source::ldap) fn shown_by(&self, tls: &Arc<ClientConfig>) -> Arc<ClientConfig> {
        match self {
            Credentials::External { identity } => identity.shown_by(tls),
            _ => Arc::clone(tls),
        }
    }
}

fn read_password(file: &Path) -> Result<SecretString, SourceError> {
    let bytes = read(file, LONGEST_PASSWORD)?;
    let text = String::from_utf8(bytes).map_err(|_| unfit(file, "isn't UTF-8"))?;
    secret::in_text(&text).map(SecretString::from).map_err(|error| {
        unfit(file, &format!("{error}; nothing but the password must stand in it, on one line"))
    })
}

fn read(file: &Path, longest: u64) -> Result<Vec<u8>, SourceError> {
    let cannot = |error: io::Error| {
        unfit(file, &format!("can't be read: {error}; it must be a file that this program's user can read"))
    };
    // A pipe would never end.
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err(unfit(file, "is no file"));
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > longest {
        return Err(unfit(file, "is too large"));
    }
    Ok(bytes)
}

fn unfit(file: &Path, what: &str) -> SourceError {
    SourceError::Settings(format!("{} {what}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kerberos::keytab::tests::keytab;
    use crate::tls::pki::Authority;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn refused(sign_in: &SignIn) -> String {
        match sign_in.load() {
            Err(error) => error.to_string(),
            Ok(_) => panic!("it was taken"),
        }
    }

    #[test]
    fn a_password_is_that_of_its_file_now() {
        let (_folder, path) = file(b"old\n");
        let sign_in = SignIn::Simple { bind_dn: "reader".into(), password: Password::File(path.clone()) };
        let old = sign_in.load().unwrap().digest();
        assert_eq!(sign_in.load().unwrap().digest(), old);
        std::fs::write(&path, "new\n").unwrap();
        let Credentials::Simple { account, password } = sign_in.load().unwrap() else { panic!() };
        assert_eq!((account.as_str(), password.expose_secret()), ("reader", "new"));
        assert_ne!(sign_in.load().unwrap().digest(), old);
        let other = SignIn::Simple { bind_dn: "other".into(), password: Password::Fixed("old".into()) };
        assert_ne!(other.load().unwrap().digest(), old);
        for (bytes, words) in [
            (&b""[..], "is empty"),
            (b"a\nb", "more than one line"),
            (b"\xff", "UTF-8"),
            (&[b'a'; 20_000], "too large"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert!(refused(&sign_in).contains(words), "{}", refused(&sign_in));
        }
        std::fs::remove_file(&path).unwrap();
        assert!(refused(&sign_in).contains("can't be read"));
    }

    #[test]
    fn a_keytab_must_have_the_principals_key() {
        let (_folder, path) = file(&keytab(&[(&["reader"], "EXAMPLE.ORG")]));
        let with = |principal: &str| SignIn::Gssapi { keytab: path.clone(), principal: principal.into() };
        let loaded = with("reader@EXAMPLE.ORG").load().unwrap();
        assert_eq!(loaded.account(), "reader@EXAMPLE.ORG");
        let words = refused(&with("other@EXAMPLE.ORG"));
        assert!(
            words.contains("has no key of other@EXAMPLE.ORG; it has those of reader@EXAMPLE.ORG"),
            "{words}"
        );
        std::fs::write(&path, keytab(&[(&["reader"], "EXAMPLE.ORG"), (&["new"], "EXAMPLE.ORG")])).unwrap();
        assert_ne!(with("reader@EXAMPLE.ORG").load().unwrap().digest(), loaded.digest());
        std::fs::write(&path, b"geheim").unwrap();
        assert!(refused(&with("reader@EXAMPLE.ORG")).contains("is no keytab"));
    }

    #[test]
    fn a_renewed_certificate_is_another_one() {
        let authority = Authority::new("Test CA");
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["own.pem", "own.key"].map(|name| folder.path().join(name));
        let renew = || {
            let (pem, key_pem) = authority.issue("budkavle").pem();
            std::fs::write(&certificate, pem).unwrap();
            std::fs::write(&key, key_pem).unwrap();
        };
        let sign_in = SignIn::External { certificate: certificate.clone(), key: key.clone() };
        renew();
        let first = sign_in.load().unwrap();
        assert_eq!(first.account(), "CN=budkavle");
        renew();
        assert_ne!(sign_in.load().unwrap().digest(), first.digest());
        std::fs::write(&key, "nothing").unwrap();
        assert!(refused(&sign_in).contains("no private key"));
    }
}
