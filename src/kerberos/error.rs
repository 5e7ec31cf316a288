//! What Kerberos says, in words for the person who has to mend it.

use std::time::Duration;

/// Why there is no sign-in by Kerberos.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KerberosError {
    /// The library or a KDC said no.
    #[error("{0}")]
    Failed(#[from] Failure),
    /// It takes too long.
    #[error(
        "there was no answer within {} s; can the KDCs of the realm be reached (port 88)? krb5.conf or DNS names them",
        .0.as_secs_f32()
    )]
    Late(Duration),
    /// The helper process.
    #[error("the helper process of Kerberos failed: {0}")]
    Helper(String),
}

/// With whom it lies that there is no sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A KDC refused the account or its key: to try the same again can lock the account.
    Account,
    /// With the one server: the KDCs don't know it, its key isn't the one they have, or its clock is wrong. Another one may take the ticket.
    Server,
    /// With neither, or it can't be told.
    Other,
}

impl KerberosError {
    /// With whom it lies.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            KerberosError::Failed(failure) => failure.fault(),
            KerberosError::Late(_) | KerberosError::Helper(_) => Fault::Other,
        }
    }
}

/// What the library said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Its error code (`krb5.h`), 0 when it isn't of the library.
    pub code: i32,
    /// Its words.
    pub text: Box<str>,
}

/// Where the codes of Kerberos begin (`ERROR_TABLE_BASE_krb5`); those below 128 are a KDC's own (RFC 4120 §7.5.9).
const BASE: i32 = -1_765_328_384;

impl Failure {
    /// As the helper sends it: the code in 4 bytes, then the words.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.code.to_be_bytes()[..], self.text.as_bytes()].concat()
    }

    /// What the helper sent.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Failure {
        let (code, text) = bytes.split_first_chunk().unwrap_or((&[0; 4], bytes));
        let text: String =
            String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(400).collect();
        Failure { code: i32::from_be_bytes(*code), text: text.into() }
    }

    /// With whom it lies.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.number() {
            Some(1 | 6 | 18 | 23 | 24 | 31) => Fault::Account,
            Some(7 | 37 | 41 | 44) => Fault::Server,
            _ => Fault::Other,
        }
    }

    fn number(&self) -> Option<i32> {
        self.code.checked_sub(BASE).filter(|number| (0..256).contains(number))
    }

    /// What it means and what to do.
    fn meaning(&self) -> Option<&'static str> {
        Some(match self.number()? {
            1 => "the account has expired; extend it",
            6 => "the KDC knows no such account; check `principal`, its realm in capital letters",
            7 => {
                "the KDC knows no LDAP service of that server; name the server by its full name, as in its \
                 servicePrincipalName (setspn -L SERVER)"
            }
            12 => "the KDC's policy forbids it (logon hours, workstations)",
            14 => {
                "the KDC takes none of the kinds of keys in the keytab; make it anew with AES keys (and let the account have them)"
            }
            18 => "the account is disabled, locked or expired; enable, unlock or extend it",
            23 => "the account's password has expired; set a new one and make the keytab anew",
            24 | 31 => {
                "the key in the keytab is not the account's (any more): each new password makes a new key version; make the \
                 keytab anew"
            }
            37 | 148 => "the clocks differ by more than 5 minutes; set the clock of this machine (NTP)",
            41 | 44 => {
                "the server can't read its ticket: its key has changed, or another account has its service principal name; try \
                 again later, or look for duplicates (setspn -X)"
            }
            141 | 181 => "the keytab has no key for that principal; list them with klist -k FILE",
            154 => {
                "it isn't known where the realm's KDC is; name it in /etc/krb5.conf, or let DNS name it (_kerberos._udp.REALM)"
            }
            156 => "no KDC of the realm answers; does a firewall stand between (port 88, UDP and TCP)?",
            _ => return None,
        })
    }
}

impl std::error::Error for Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.meaning() {
            Some(meaning) => write!(f, "{meaning} (\"{}\")", self.text),
            None => write!(f, "\"{}\"", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fault::*;
    use super::*;

    #[test]
    fn a_failure_travels_and_its_code_gets_words() {
        // The number of each as krb5.h has it.
        for (code, words, fault) in [
            (-1_765_328_360, "make the keytab anew", Account),
            (-1_765_328_378, "knows no such account", Account),
            (-1_765_328_366, "disabled, locked or expired", Account),
            (-1_765_328_361, "password has expired", Account),
            (-1_765_328_347, "set the clock", Server),
            (-1_765_328_377, "full name", Server),
            (-1_765_328_243, "klist -k", Other),
            (-1_765_328_230, "krb5.conf", Other),
            (-1_765_328_228, "firewall", Other),
            (-1_765_328_343, "can't read its ticket", Server),
            (-1_765_328_340, "can't read its ticket", Server),
            (100, "said", Other),
        ] {
            let failure = Failure { code, text: "what it said".into() };
            assert_eq!(Failure::parse(&failure.to_bytes()), failure);
            assert!(failure.to_string().contains(words), "{failure}");
            assert!(failure.to_string().contains("\"what it said\""), "{failure}");
            assert_eq!(KerberosError::from(failure.clone()).fault(), fault, "{failure}");
        }
        assert_eq!(Failure::parse(b"ab"), Failure { code: 0, text: "ab".into() });
        assert_eq!(&*Failure::parse(b"\0\0\0\0a\x1b[2J\n").text, "a[2J");
    }
}
