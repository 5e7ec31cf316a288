//! Which mail server, how it is spoken to, and what of that can't be.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};

use super::super::Tokens;
use super::dkim::{DkimError, DkimSettings, Signer};
use crate::tls::{self, Identity, TlsError, TlsTrust};

/// A server is waited for no longer than this where its answer hardly matters: QUIT, RSET.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

/// Which mail server, and how to treat it.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Its name, or its address; with TLS also the name its certificate must carry.
    pub host: String,
    /// Mostly 465 (implicit TLS), 587 (submission) or 25.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// Who signs in, if anybody.
    pub sign_in: Option<SignIn>,
    /// Who signs in by an access token, if anybody; instead of `sign_in`.
    pub bearer: Option<Bearer>,
    /// A certificate with its key, both in PEM, that is shown to a server that asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Who signs the mails (DKIM), if nobody does behind us.
    pub dkim: Option<DkimSettings>,
    /// What this machine calls itself in EHLO; `None` for its host name.
    pub hello: Option<String>,
    /// The most connections at a time, at least 1.
    pub connections: usize,
    /// After so many messages a connection is closed and another opened; some servers want that. At least 1.
    pub messages_per_connection: u32,
    /// A connection idle for longer than this is closed, within half as much again.
    pub idle: Duration,
    /// How long the server may take.
    pub limits: TimeLimits,
}

impl SmtpSettings {
    /// The defaults for this server: StartTLS, the system's roots, no sign-in, 4 connections of 500 messages, 30 s idle.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> SmtpSettings {
        SmtpSettings {
            host: host.into(),
            port,
            security: Security::StartTls,
            trust: TlsTrust::SystemRoots,
            sign_in: None,
            bearer: None,
            certificate: None,
            dkim: None,
            hello: None,
            connections: 4,
            messages_per_connection: 500,
            idle: Duration::from_secs(30),
            limits: TimeLimits::default(),
        }
    }
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314 §3.3).
    ImplicitTls,
    /// TLS by STARTTLS (RFC 3207), or nothing is sent.
    StartTls,
    /// None. Whether that is acceptable for this server is judged where the configuration is read.
    PlainText {
        /// Whether the password may go over it too.
        sign_in: bool,
    },
}

/// An account on the mail server. Signing in is by AUTH PLAIN (RFC 4616) or LOGIN, whichever is offered.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Its name.
    pub user: String,
    /// Its password; never shown.
    pub password: SecretString,
}

/// An account that signs in by XOAUTH2 (<https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>), which Exchange Online wants.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// Its name: the mailbox.
    pub user: String,
    /// Where its tokens are from.
    pub tokens: Arc<Tokens>,
}

/// How long the server may take. RFC 5321 §4.5.3.2 asks for 5 minutes at most commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// For the name look-up, for each address, for the TLS handshake.
    pub connect: Duration,
    /// For the answer to a command (for the first two, greeting and EHLO, together).
    pub reply: Duration,
    /// For all that comes before the message, from the name look-up to the answer to DATA, a second connection included.
    pub before_message: Duration,
    /// For the message and the answer to it. Giving up early makes second copies (RFC 1047): the RFC's 10 minutes.
    pub message: Duration,
}

impl TimeLimits {
    /// No message is under way for longer than this, once it has one of the connections to itself.
    #[must_use]
    pub fn longest_try(&self) -> Duration {
        self.before_message + self.message + GOODBYE
    }
}

impl Default for TimeLimits {
    fn default() -> TimeLimits {
        TimeLimits {
            connect: Duration::from_secs(15),
            reply: Duration::from_secs(120),
            before_message: Duration::from_secs(240),
            message: Duration::from_secs(600),
        }
    }
}

/// Why these settings make no channel.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The server can't be named so in TLS.
    #[error("{0:?} is no host name or address of a mail server")]
    Host(String),
    /// The server can't be greeted with that.
    #[error("{0:?} is no name for EHLO: letters, digits, hyphens and dots")]
    Hello(String),
    /// The password would cross the network for everybody to read.
    #[error(
        "signing in to {0} without TLS would show the password to everybody in between; use TLS, or allow it expressly"
    )]
    PasswordInClear(String),
    /// RFC 4616 separates them with NUL.
    #[error("the user name or the password for {0} contains a NUL character")]
    NulInSignIn(String),
    /// No TLS configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No signatures.
    #[error(transparent)]
    Dkim(#[from] DkimError),
}

/// The settings, resolved: what a session needs.
pub(super) struct Server {
    /// Host and port, for people.
    pub name: String,
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub tls: Arc<ClientConfig>,
    pub tls_name: ServerName<'static>,
    pub sign_in: Option<SignIn>,
    pub bearer: Option<Bearer>,
    pub signer: Option<Box<Signer>>,
    pub hello: Option<ClientId>,
    pub limits: TimeLimits,
}

impl Server {
    /// Reads the CA file, and sees to it that nothing contradicts itself.
    pub(super) fn resolve(settings: SmtpSettings) -> Result<Server, SetupError> {
        let SmtpSettings { host, port, security, sign_in, bearer, limits, .. } = settings;
        let name = format!("{host}:{port}");
        let Ok(tls_name) = ServerName::try_from(host.clone()) else { return Err(SetupError::Host(host)) };
        if let Some(SignIn { user, password }) = &sign_in {
            if security == (Security::PlainText { sign_in: false }) {
                return Err(SetupError::PasswordInClear(name));
            }
            if user.contains('\0') || password.expose_secret().contains('\0') {
                return Err(SetupError::NulInSignIn(name));
            }
        }
        if let Some(Bearer { user, .. }) = &bearer {
            if security == (Security::PlainText { sign_in: false }) {
                return Err(SetupError::PasswordInClear(name));
            }
            if user.chars().any(char::is_control) {
                return Err(SetupError::NulInSignIn(name));
            }
        }
        let hello = match settings.hello {
            Some(hello) if !is_host_name(&hello) => return Err(SetupError::Hello(hello)),
            hello => hello.map(ClientId::Domain),
        };
        let mut tls = tls::client_config(&settings.trust)?;
        if let Some((certificate, key)) = &settings.certificate {
            tls = Identity::read(certificate, key)?.shown_by(&tls);
        }
        let signer = settings.dkim.as_ref().map(Signer::read).transpose()?.map(Box::new);
        Ok(Server { name, host, port, security, tls, tls_name, sign_in, bearer, signer, hello, limits })
    }
}

/// Letters, digits, hyphens and dots: safe in EHLO.
pub(super) fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}
