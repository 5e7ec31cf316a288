//! What can go wrong with a mail server, and what it means for the message.

use std::fmt;
use std::time::Duration;

use super::super::{Outcome, TokenError};
use super::reply::Reply;

/// Why a mail server didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The name server knows no address.
    #[error(
        "the mail server's name {host} could not be resolved: {cause}; check the name and this machine's name servers"
    )]
    NameNotResolved {
        /// The configured name.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// Nobody answered at any of its addresses.
    #[error(
        "no connection to {server}: {cause}; check that the mail server runs and that no firewall is in between"
    )]
    NotReached {
        /// Host and port.
        server: String,
        /// What the operating system said.
        cause: String,
    },
    /// The link broke while TLS was being set up.
    #[error("the connection to {server} broke while TLS was being set up: {cause}")]
    TlsBroken {
        /// Host and port.
        server: String,
        /// What happened.
        cause: String,
    },
    /// TLS was refused, here (most often because of the certificate) or there.
    #[error("no TLS with {server}: {reason}")]
    TlsRefused {
        /// Host and port.
        server: String,
        /// What is wrong, in words.
        reason: String,
    },
    /// The server doesn't do StartTLS, or somebody in between hides that it does.
    #[error(
        "{server} does not offer STARTTLS, and without TLS nothing is sent; use implicit TLS (mostly port 465), or the server's port for submission (587)"
    )]
    StartTlsNotOffered {
        /// Host and port.
        server: String,
    },
    /// More in clear after the answer to STARTTLS (RFC 3207 §6, CVE-2011-0411).
    #[error(
        "{server} sent more in clear after its answer to STARTTLS; somebody between here and there may be tampering with the connection"
    )]
    SaidMoreInClear {
        /// Host and port.
        server: String,
    },
    /// No way to sign in that is known here.
    #[error(
        "{server} offers no way to sign in that is known here (PLAIN, LOGIN, or XOAUTH2 with a token) but {offered}; remove the user if the server takes mail from this machine without signing in"
    )]
    NoSignIn {
        /// Host and port.
        server: String,
        /// What it offers.
        offered: String,
    },
    /// There is no token to sign in with.
    #[error("no sign-in to {server}: {cause}")]
    NoToken {
        /// Host and port.
        server: String,
        /// Why.
        cause: TokenError,
    },
    /// The message is larger than the server takes (RFC 1870).
    #[error("the message has {size} bytes, and the mail server takes at most {limit}")]
    TooBig {
        /// The message's size in bytes.
        size: u64,
        /// The server's limit in bytes.
        limit: u64,
    },
    /// An address isn't ASCII before the @ (RFC 6531).
    #[error("the mail server does not take addresses outside ASCII before the @ (it lacks SMTPUTF8)")]
    NeedsSmtpUtf8,
    /// The message isn't ASCII (RFC 6152).
    #[error(
        "the message holds bytes outside ASCII, and the mail server does not take them (it lacks 8BITMIME)"
    )]
    Needs8BitMime,
    /// Each answer came in time, but all of them together didn't.
    #[error("{server} took longer than {limit:?} to agree to take the message")]
    TooSlow {
        /// Host and port.
        server: String,
        /// How long it may take.
        limit: Duration,
    },
    /// A clear no, for now (4xx) or for good (5xx).
    #[error("{server} answered {} with {reply}", .verb.in_words())]
    Said {
        /// Host and port.
        server: String,
        /// What it was asked.
        verb: Verb,
        /// What it said.
        reply: Reply,
    },
    /// No clear answer.
    #[error("{server} gave no usable answer to {}: {doubt}{}", .verb.in_words(), hint(*.verb, .doubt))]
    Doubt {
        /// Host and port.
        server: String,
        /// What it was asked.
        verb: Verb,
        /// What happened instead.
        doubt: Doubt,
        /// The end of the message was out: the server may have it.
        perhaps_sent: bool,
    },
}

/// What came instead of an answer.
#[derive(Debug)]
pub enum Doubt {
    /// The connection is gone.
    Gone(String),
    /// Nothing, for this long.
    Silence(Duration),
    /// Something that is no reply, or none that fits.
    Nonsense(String),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Gone(how) => f.write_str(how),
            Doubt::Silence(limit) => write!(f, "nothing came within {limit:?}"),
            Doubt::Nonsense(what) => f.write_str(what),
        }
    }
}

/// What a server is asked, in the order of the dialogue (RFC 5321 §4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Nothing yet: it speaks first.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS (RFC 3207).
    StartTls,
    /// A step of AUTH (RFC 4954) that isn't the last.
    AuthPrompt,
    /// AUTH, its last step.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The message, up to the line with the single dot.
    Message,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

impl Verb {
    /// Whether this code is the one that lets the dialogue go on (RFC 5321 §4.3.2).
    pub(super) fn goes_on_with(self, code: u16) -> bool {
        match self {
            Verb::Data => code == 354,
            Verb::AuthPrompt => code == 334,
            _ => code / 100 == 2,
        }
    }

    /// Whether nothing has been said yet of any message: others would fare no better.
    pub(super) fn comes_before_messages(self) -> bool {
        matches!(self, Verb::Greeting | Verb::Ehlo | Verb::StartTls | Verb::AuthPrompt | Verb::Auth)
    }

    /// Whether nobody has been named yet who gets the message. A server that doesn't go on then would for no other, either.
    fn comes_before_recipients(self) -> bool {
        self.comes_before_messages() || self == Verb::Mail
    }

    fn in_words(self) -> &'static str {
        match self {
            Verb::Greeting => "the connection",
            Verb::Ehlo => "EHLO",
            Verb::StartTls => "STARTTLS",
            Verb::AuthPrompt | Verb::Auth => "the sign-in (AUTH)",
            Verb::Mail => "the sender (MAIL FROM)",
            Verb::Rcpt => "the recipient (RCPT TO)",
            Verb::Data => "DATA",
            Verb::Message => "the message",
            Verb::Rset => "RSET",
            Verb::Quit => "QUIT",
        }
    }
}

impl SmtpError {
    /// What it means for the message in hand.
    pub(super) fn outcome(&self) -> Outcome {
        let reason = self.to_string();
        let deferred = |reason, perhaps_sent, whole| Outcome::Deferred {
            reason,
            perhaps_sent,
            whole,
            retry_after: None,
        };
        match self {
            SmtpError::NameNotResolved { .. }
            | SmtpError::NotReached { .. }
            | SmtpError::TlsBroken { .. } => deferred(reason, false, true),
            SmtpError::NoToken { cause: TokenError::NotNow(_), .. } => deferred(reason, false, true),
            SmtpError::TooSlow { .. } => deferred(reason, false, true),
            SmtpError::Doubt { perhaps_sent, verb, .. } => {
                deferred(reason, *perhaps_sent, verb.comes_before_recipients())
            }
            SmtpError::Said { reply, verb, .. } if !reply.is_permanent() => {
                deferred(reason, false, verb.comes_before_recipients())
            }
            SmtpError::Said { verb, reply, .. } if concerns_message(*verb, reply) => {
                let (answer, recipient) = (reply.to_string(), *verb == Verb::Rcpt);
                if reply.may_mean_us() {
                    return Outcome::RefusesUs { answer, recipient };
                }
                Outcome::Refused { answer, recipient }
            }
            SmtpError::TooBig { .. } | SmtpError::Needs8BitMime => {
                Outcome::Refused { answer: reason, recipient: false }
            }
            SmtpError::NeedsSmtpUtf8 => Outcome::Refused { answer: reason, recipient: true },
            SmtpError::Said { .. }
            | SmtpError::TlsRefused { .. }
            | SmtpError::StartTlsNotOffered { .. }
            | SmtpError::SaidMoreInClear { .. }
            | SmtpError::NoToken { .. }
            | SmtpError::NoSignIn { .. } => Outcome::ChannelBroken { reason },
        }
    }

    /// Whether an idle connection may simply have been closed by the server, so that asking over a fresh one is worth it at once.
    pub(super) fn is_stale(&self) -> bool {
        match self {
            SmtpError::Doubt { doubt: Doubt::Gone(_), .. } => true,
            SmtpError::Said { reply, .. } => reply.code == 421,
            _ => false,
        }
    }

    /// Whether the dialogue is still in step: the answer was clear, and the server didn't announce to hang up.
    pub(super) fn is_in_step(&self) -> bool {
        matches!(self, SmtpError::Said { reply, .. } if reply.code != 421)
    }
}

/// A server that waits for TLS and one that waits to speak are silent at each other.
fn hint(verb: Verb, doubt: &Doubt) -> &'static str {
    match (verb, doubt) {
        (Verb::Greeting, Doubt::Silence(_)) => "; perhaps this port wants implicit TLS, as 465 mostly does",
        _ => "",
    }
}

/// Whether this permanent no is about this recipient or message alone. Not when the server wants something else first: 503
/// (bad sequence), 530 (sign in, or TLS, first; RFC 4954 §6). At MAIL only the size can be the message's fault (RFC 1870 §6.1).
fn concerns_message(verb: Verb, reply: &Reply) -> bool {
    match verb {
        Verb::Rcpt | Verb::Data | Verb::Message => !matches!(reply.code, 503 | 530),
        Verb::Mail => reply.code == 552,
        _ => false,
    }
}
