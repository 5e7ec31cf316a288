//! What an LDAP server answers, and what its answer to a sign-in means.

use std::fmt;

use serde::Serialize;

use crate::domain::decode::clean;

/// What an LDAP server answered (RFC 4511 §4.1.9), made fit to be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The result code.
    pub code: u32,
    /// The matched DN, empty when there is none.
    pub matched: Box<str>,
    /// The diagnostic message, empty when there is none.
    pub text: Box<str>,
}

/// Why the account could not sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BindProblem {
    /// Wrong password, or (other servers than Active Directory don't tell these apart) no such account.
    WrongPassword,
    /// There is no such account.
    UnknownAccount,
    /// Not at this time of day.
    LogonHours,
    /// Not from this machine.
    Workstation,
    /// The password has expired.
    PasswordExpired,
    /// The account is disabled.
    Disabled,
    /// The account has expired.
    AccountExpired,
    /// The password must be changed first.
    MustChangePassword,
    /// The account is locked.
    Locked,
    /// The certificate is taken for no account.
    Certificate,
    /// The ticket of Kerberos isn't taken.
    Ticket,
    /// The server doesn't offer this way to sign in.
    Mechanism,
    /// The sign-in is bound to another TLS connection than the server's.
    ChannelBinding,
    /// The server wants Kerberos to protect the connection, though TLS does.
    SecurityLayer,
    /// The server wants an encrypted connection first.
    TlsRequired,
    /// Something else; the answer tells.
    Other,
}

impl Answer {
    /// An answer with its texts made fit to be shown.
    pub fn new(code: u32, matched: &str, text: &str) -> Answer {
        Answer { code, matched: clean(matched, 400).into(), text: clean(text, 400).into() }
    }

    /// What RFC 4511 calls its code.
    pub fn name(&self) -> &'static str {
        match self.code {
            0 => "success",
            1 => "operationsError",
            2 => "protocolError",
            3 => "timeLimitExceeded",
            4 => "sizeLimitExceeded",
            7 => "authMethodNotSupported",
            8 => "strongerAuthRequired",
            10 => "referral",
            11 => "adminLimitExceeded",
            12 => "unavailableCriticalExtension",
            13 => "confidentialityRequired",
            18 => "inappropriateMatching",
            32 => "noSuchObject",
            34 => "invalidDNSyntax",
            48 => "inappropriateAuthentication",
            49 => "invalidCredentials",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            80 => "other",
            _ => "a code of its own",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "result {} ({})", self.code, self.name())?;
        if !self.matched.is_empty() {
            write!(f, ", the nearest it has is \"{}\"", self.matched)?;
        }
        if !self.text.is_empty() {
            write!(f, ", \"{}\"", self.text)?;
        }
        Ok(())
    }
}

/// `SEC_E_BAD_BINDINGS`: begins the diagnostic message. Behind `data` Active Directory has it again, Samba another code.
const BAD_BINDINGS: &str = "80090346";

impl BindProblem {
    /// Reads the answer to a bind. Active Directory puts its reason behind `data` into the diagnostic message, as a
    /// Win32 error code in hexadecimal.
    pub fn of(answer: &Answer) -> BindProblem {
        let data = answer.text.split_once("data ").map(|(_, rest)| {
            rest.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or_default().to_ascii_lowercase()
        });
        match (answer.code, data.as_deref()) {
            (49, _) if answer.text.contains(BAD_BINDINGS) => BindProblem::ChannelBinding,
            (49, Some("525")) => BindProblem::UnknownAccount,
            (49, Some("530")) => BindProblem::LogonHours,
            (49, Some("531")) => BindProblem::Workstation,
            (49, Some("532")) => BindProblem::PasswordExpired,
            (49, Some("533")) => BindProblem::Disabled,
            (49, Some("701")) => BindProblem::AccountExpired,
            (49, Some("773")) => BindProblem::MustChangePassword,
            (49, Some("775")) => BindProblem::Locked,
            (49, Some("52e") | None) => BindProblem::WrongPassword,
            (8 | 13, _) => BindProblem::TlsRequired,
            _ => BindProblem::Other,
        }
    }
}

impl fmt::Display for BindProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BindProblem::WrongPassword => "the name or the password is wrong; check both",
            BindProblem::UnknownAccount => "there is no such account; check the name",
            BindProblem::LogonHours => "the account may not sign in at this time; widen its logon hours",
            BindProblem::Workstation => {
                "the account may not sign in from this machine; let it, in its list of workstations"
            }
            BindProblem::PasswordExpired => {
                "its password has expired; set a new one, best one that doesn't expire"
            }
            BindProblem::Disabled => "the account is disabled; enable it",
            BindProblem::AccountExpired => "the account has expired; extend it",
            BindProblem::MustChangePassword => "its password must be changed first; set a new one",
            BindProblem::Locked => {
                "the account is locked after too many wrong passwords; unlock it and see who uses it"
            }
            BindProblem::Certificate => {
                "it takes the certificate for no account; map its subject to one, and let the server trust who signed it"
            }
            BindProblem::Ticket => {
                "there was a ticket, but the server does not take it: is the server's own keytab or machine password current, does \
                 something between here and it end TLS and begin it anew (channel binding), is the principal mapped to an account?"
            }
            BindProblem::Mechanism => {
                "it does not offer this way to sign in (supportedSASLMechanisms of its root DSE); set it up there, or use another one"
            }
            BindProblem::ChannelBinding => {
                "the channel binding does not fit: does something between here and the server end TLS and begin it anew?"
            }
            BindProblem::SecurityLayer => {
                "it refuses Kerberos inside TLS without a second layer; Samba before 4.21 takes it with \"ldap server require strong \
                 auth = allow_sasl_over_tls\""
            }
            BindProblem::TlsRequired => {
                "it takes passwords over an encrypted connection only; use ldaps:// or StartTLS"
            }
            BindProblem::Other => "see its answer",
        })
    }
}
