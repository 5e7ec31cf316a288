//! `[mail]` with `transport = "smtp"`: which mail server, and how it is treated.

use std::path::PathBuf;
use std::time::Duration;

use super::channel::{self, TokenSource};
use super::durations::{HOUR, MINUTE, SECOND};
use super::reader::{Problem, Section};
use super::secret::{self, Secret};
use super::sign_in;
use super::trust;
use super::words::quoted;
use crate::tls::TlsTrust;

/// A mail server and how it is treated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Smtp {
    /// A name or an address; with TLS also the name in its certificate.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What protects the connection.
    pub security: SmtpSecurity,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// Who signs in, if anybody.
    pub sign_in: Option<SignIn>,
    /// A certificate with its key that is shown to the server, if it asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Who signs the mails (DKIM), if nobody does behind us.
    pub dkim: Option<Dkim>,
    /// What this machine calls itself in EHLO; None for its host name.
    pub hello_name: Option<String>,
    /// After so many mails a connection is closed and another opened.
    pub mails_per_connection: u32,
    /// A connection idle for longer is closed.
    pub idle_timeout: Duration,
    /// For the name, the connection and TLS, each.
    pub connect_timeout: Duration,
    /// For the answer to a command.
    pub reply_timeout: Duration,
    /// For the message and the answer to it.
    pub message_timeout: Duration,
}

/// Who signs the mails (DKIM).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dkim {
    /// The domain.
    pub domain: String,
    /// Which of its keys.
    pub selector: String,
    /// The file with the private key.
    pub key: PathBuf,
}

/// What protects the connection to a mail server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpSecurity {
    /// TLS by STARTTLS (RFC 3207), or nothing is sent.
    StartTls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Tls,
    /// Nothing; allowed expressly, or to this machine alone. A password may go over it all the same.
    Plain,
}

/// An account on the mail server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SignIn {
    /// By a password.
    Password {
        /// Its name.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// By an access token (XOAUTH2).
    Token {
        /// Its name: the mailbox.
        username: String,
        /// Where the tokens are from.
        tokens: TokenSource,
    },
}

/// The keys that go with `transport = "smtp"`, besides those of its tokens ([`channel::TOKEN_KEYS`]).
pub(super) const KEYS: [&str; 22] = [
    "host",
    "port",
    "security",
    "allow_plain_text",
    "ca_file",
    "pinned_sha256",
    "username",
    "password_file",
    "password_env",
    "password_credential",
    "xoauth2",
    "client_certificate_file",
    "client_key_file",
    "dkim_domain",
    "dkim_selector",
    "dkim_key_file",
    "hello_name",
    "mails_per_connection",
    "idle_timeout",
    "connect_timeout",
    "reply_timeout",
    "message_timeout",
];

const SECURITY: [(&str, SmtpSecurity); 3] =
    [("starttls", SmtpSecurity::StartTls), ("tls", SmtpSecurity::Tls), ("plain", SmtpSecurity::Plain)];

/// Reads it; None when something is missing.
pub(super) fn read(table: &Section) -> Option<Smtp> {
    table.require("host", "host = \"mail.example.org\"");
    let host = table.parsed("host", host_name);
    let security = table.choice("security", &SECURITY, Some("starttls"));
    let port = table.number("port", 1..=u16::MAX, usual_port(security.unwrap_or(SmtpSecurity::StartTls)));
    let sign_in = account(table);
    judge_plain_text(table, host.as_deref(), security, sign_in.is_some());
    let trust = trust::read(table);
    let certificate = sign_in::client_certificate(table);
    if security == Some(SmtpSecurity::Plain) && table.is_set("client_certificate_file") {
        let problem = Problem::new("needs TLS, and security is \"plain\"");
        table.mistake("client_certificate_file", problem.hint("take one of the two out"));
    }
    let dkim = dkim(table);
    let hello_name = table.parsed("hello_name", host_name);
    let mails_per_connection = table.number("mails_per_connection", 1..=100_000, 500);
    let idle_timeout = table.duration("idle_timeout", SECOND..=MINUTE * 10, SECOND * 30);
    let connect_timeout = table.duration("connect_timeout", SECOND..=MINUTE * 5, SECOND * 15);
    let reply_timeout = table.duration("reply_timeout", SECOND..=MINUTE * 10, MINUTE * 2);
    let message_timeout = table.duration("message_timeout", SECOND * 10..=HOUR, MINUTE * 10);
    // Only now: every key must have been asked for, else it would be unknown.
    Some(Smtp {
        host: host?,
        port,
        security: security?,
        trust,
        sign_in,
        certificate,
        dkim,
        hello_name,
        mails_per_connection,
        idle_timeout,
        connect_timeout,
        reply_timeout,
        message_timeout,
    })
}

/// RFC 8314 §7.3 for TLS, RFC 6409 for StartTLS, RFC 5321 for the rest.
fn usual_port(security: SmtpSecurity) -> u16 {
    match security {
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::Plain => 25,
    }
}

fn host_name(text: &str) -> Result<String, Problem> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if trust::is_host(bare) {
        return Ok(bare.to_owned());
    }
    let problem = Problem::new(format!("{} is no name or address of a server", quoted(text)));
    let with_port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Err(problem.hint(match with_port {
        true => "the port has a key of its own: port = 587",
        false => "for example: \"mail.example.org\", without smtp:// and without the port",
    }))
}

/// Who signs in, if anybody.
pub(super) fn account(table: &Section) -> Option<SignIn> {
    let username = table.text("username");
    let by_token = table.flag("xoauth2", false);
    if by_token {
        table.refuse(&["password_file", "password_env", "password_credential"], "a sign-in by password");
        secret::is_named(table, "password");
        table.require("username", "username = \"budkavle@example.org\", since xoauth2 is set");
        let tokens = channel::token_source(table, "https://outlook.office365.com/.default");
        return Some(SignIn::Token { username: username?, tokens: tokens? });
    }
    table.refuse(&channel::TOKEN_KEYS, "xoauth2 = true");
    let named = secret::is_named(table, "password");
    if named && !table.is_set("username") {
        table.require("username", "username = \"budkavle@example.org\", since a password is named");
    }
    let password = if table.is_set("username") {
        secret::require(table, "password")
    } else {
        secret::read(table, "password")
    };
    Some(SignIn::Password { username: username?, password: password? })
}

/// The keys go together; the domain is mostly the sender's.
fn dkim(table: &Section) -> Option<Dkim> {
    const KEYS: [&str; 3] = ["dkim_domain", "dkim_selector", "dkim_key_file"];
    if KEYS.into_iter().filter(|key| table.is_set(key)).count() > 0 {
        let examples = ["\"example.org\"", "\"budkavle\"", "\"/etc/budkavle/dkim.key\""];
        KEYS.iter()
            .zip(examples)
            .for_each(|(key, example)| table.require(key, &format!("{key} = {example}")));
    }
    let domain = table.parsed("dkim_domain", host_name);
    let selector = table.parsed("dkim_selector", host_name);
    let key = table.path("dkim_key_file");
    if let Some(key) = &key {
        sign_in::warn_if_open(table, "dkim_key_file", key);
    }
    Some(Dkim { domain: domain?, selector: selector?, key: key? })
}

fn judge_plain_text(table: &Section, host: Option<&str>, security: Option<SmtpSecurity>, signs_in: bool) {
    let allowed = table.flag("allow_plain_text", false);
    let (Some(host), Some(security)) = (host, security) else { return };
    if security != SmtpSecurity::Plain {
        if allowed {
            let problem = Problem::new("contradicts security: it allows what isn't asked for");
            table.mistake("allow_plain_text", problem.hint("take it out"));
        }
        return;
    }
    if trust::is_this_machine(host) {
        return;
    }
    let what = if signs_in { "the password and all mails" } else { "all mails" };
    let problem = Problem::new(format!("sends {what} in clear over the network to {host}"));
    if allowed {
        table.warn("security", problem.hint("use \"starttls\" or \"tls\", if the server can"));
    } else {
        table
            .mistake("security", problem.hint("use \"starttls\" or \"tls\", or add allow_plain_text = true"));
    }
}
