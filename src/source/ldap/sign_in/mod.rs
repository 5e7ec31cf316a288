//! How Budkavle signs in to a directory: with a password, with a certificate, or by Kerberos.
//!
//! What it signs in with is read from its files for each connection, so that a new one is taken without a restart. The sign-in is made on
//! the connection before ldap3 gets it, which can neither bind Kerberos to our TLS nor do with an answer in several steps.

pub mod account;
mod credentials;
pub(super) mod exchange;
pub mod pause;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

pub(super) use credentials::Credentials;
use exchange::{Auth, Bound, Exchange};

use super::connect::Connection;
use super::screen::Ended;
use super::server::Security;
use crate::kerberos::{Initiator, KerberosError, Order};
use crate::source::{Answer, BindProblem, SourceError};

/// The code of an answer after which the sign-in goes on (RFC 4511 §4.2.2).
const IN_PROGRESS: u32 = 14;
/// Kerberos takes three steps; more than this many lead nowhere.
const MAX_STEPS: usize = 8;

/// Who signs in, and with what.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// With a name and a password (RFC 4513 §5.1.3).
    Simple {
        /// Who: a distinguished name, or in Active Directory a user principal name.
        bind_dn: Box<str>,
        /// The password to that. An empty one is refused.
        password: Password,
    },
    /// With a certificate shown in the TLS handshake (SASL EXTERNAL, RFC 4513 §5.2.3).
    External {
        /// The certificate in PEM, those that signed it behind it.
        certificate: PathBuf,
        /// Its key in PEM.
        key: PathBuf,
    },
    /// By Kerberos with a keytab (SASL GSSAPI, RFC 4752), bound to the TLS connection. Only in a build with the feature `gssapi`.
    Gssapi {
        /// The file with the keys.
        keytab: PathBuf,
        /// Whose: `name@REALM`.
        principal: Box<str>,
    },
}

/// A password, or where it is.
#[derive(Clone, Debug)]
pub enum Password {
    /// This one.
    Fixed(SecretString),
    /// What stands in this file, less the last line break, at each sign-in.
    File(PathBuf),
}

impl SignIn {
    /// Who it is, in messages.
    #[must_use]
    pub fn account(&self) -> String {
        match self {
            SignIn::Simple { bind_dn, .. } => bind_dn.to_string(),
            SignIn::External { certificate, .. } => {
                format!("the owner of the certificate {}", certificate.display())
            }
            SignIn::Gssapi { principal, .. } => principal.to_string(),
        }
    }

    /// What is wrong whatever a server says, if anything; `protected` tells whether all connections are to be.
    pub(super) fn check(&self, protected: bool) -> Result<(), String> {
        match self {
            // A bind with a name and no password succeeds without proving anything (RFC 4513 §5.1.2).
            SignIn::Simple { bind_dn, password } => {
                let empty = matches!(password, Password::Fixed(text) if text.expose_secret().is_empty());
                if bind_dn.trim().is_empty() || empty {
                    return Err("the account's name or password is empty".to_owned());
                }
            }
            SignIn::External { .. } | SignIn::Gssapi { .. } if !protected => {
                return Err("signing in with a certificate or by Kerberos needs TLS".to_owned());
            }
            SignIn::External { .. } => {}
            SignIn::Gssapi { .. } => {
                if !crate::kerberos::is_built_in() {
                    return Err("this build of Budkavle can't do Kerberos (cargo feature gssapi)".to_owned());
                }
            }
        }
        Ok(())
    }
}

/// Signs in on a new connection and hands it to ldap3. Each answer may take `limit`.
pub(super) async fn sign_in(
    connection: &mut Connection,
    credentials: &Credentials,
    limit: Duration,
) -> Result<(), SourceError> {
    let server = connection.server.clone();
    let binding = connection.binding.clone();
    let Some(stream) = connection.stream() else {
        return Err(SourceError::Disconnected {
            server: server.to_string(),
            doing: "sign in".to_owned(),
            reason: Ended::Before.to_string(),
        });
    };
    let mut talk = Talk { exchange: Exchange::on(stream), server: server.to_string(), limit };
    let answer = match credentials {
        Credentials::Simple { account, password, .. } => {
            talk.bind(account, Auth::Simple(password.expose_secret())).await?.answer
        }
        Credentials::External { identity, .. } => {
            let bound = talk.bind("", Auth::Sasl("EXTERNAL", Some(b""))).await;
            bound.map_err(|error| not_taken(error, &identity.certificate.subject))?.answer
        }
        Credentials::Gssapi { keytab, principal, .. } => {
            let host = match service_host(server.host()) {
                Some(host) => host.to_owned(),
                None => talk.host_name().await?,
            };
            let binding = binding.as_deref().filter(|_| server.security() != Security::PlainText);
            talk.kerberos(&Order { keytab, principal, host: &host, binding }).await?
        }
    };
    match answer.code {
        0 => {
            connection.start();
            Ok(())
        }
        51 | 52 => {
            Err(SourceError::Refused { server: server.to_string(), doing: "sign in".to_owned(), answer })
        }
        _ => Err(SourceError::Bind {
            server: server.to_string(),
            account: credentials.account(),
            problem: credentials.problem(&answer),
            answer,
        }),
    }
}

/// One conversation, with its time limit and its errors in words.
struct Talk<'a, S> {
    exchange: Exchange<'a, S>,
    server: String,
    limit: Duration,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Talk<'_, S> {
    async fn bind(&mut self, name: &str, auth: Auth<'_>) -> Result<Bound, SourceError> {
        match timeout(self.limit, self.exchange.bind(name, auth)).await {
            Ok(done) => done.map_err(|ended| self.ended(ended)),
            Err(_) => Err(self.late()),
        }
    }

    /// The server's own name, which it told over TLS after it had shown its certificate.
    async fn host_name(&mut self) -> Result<String, SourceError> {
        let told = match timeout(self.limit, self.exchange.host_name()).await {
            Ok(done) => done.map_err(|ended| self.ended(ended))?,
            Err(_) => return Err(self.late()),
        };
        told.filter(|name| service_host(name).is_some()).ok_or_else(|| {
            SourceError::Settings(format!(
                "Kerberos needs the name of {}, and it does not tell its own (dnsHostName); name it in urls in place of its \
                 address",
                self.server
            ))
        })
    }

    async fn kerberos(&mut self, order: &Order<'_>) -> Result<Answer, SourceError> {
        let failed = |error: KerberosError, server: &str| SourceError::Kerberos {
            server: server.to_owned(),
            account: order.principal.to_owned(),
            fault: error.fault(),
            reason: error.to_string(),
        };
        let (mut initiator, mut token) =
            Initiator::start(order, self.limit).await.map_err(|error| failed(error, &self.server))?;
        for _ in 0..MAX_STEPS {
            let bound = self.bind("", Auth::Sasl("GSSAPI", Some(&token))).await?;
            if bound.answer.code != IN_PROGRESS {
                return Ok(bound.answer);
            }
            let challenge = bound.credentials.unwrap_or_default();
            token = initiator.step(&challenge).await.map_err(|error| failed(error, &self.server))?;
        }
        Err(self.ended(Ended::Nonsense("it wants to go on for ever")))
    }

    fn ended(&self, ended: Ended) -> SourceError {
        ended.into_error(&self.server, "sign in")
    }

    fn late(&self) -> SourceError {
        SourceError::Timeout { server: self.server.clone(), doing: "sign in".to_owned(), limit: self.limit }
    }
}

/// A name that a service principal can have: no address.
fn service_host(host: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let is_name = !host.is_empty() && host.len() <= 253 && host.chars().all(plain);
    Some(host).filter(|_| is_name && host.parse::<std::net::IpAddr>().is_err())
}

/// With TLS 1.3 a server looks at our certificate only after the handshake, and then ends the connection.
fn not_taken(error: SourceError, subject: &str) -> SourceError {
    match error {
        SourceError::Disconnected { server, reason, .. } => SourceError::Tls {
            reason: format!(
                "{server} ended the connection when it was shown Budkavle's certificate ({subject}): {reason}; does the server \
                 trust the authority that signed it?"
            ),
            server,
        },
        other => other,
    }
}

impl Credentials {
    fn problem(&self, answer: &Answer) -> BindProblem {
        match (self, answer.code) {
            (Credentials::External { .. }, 48 | 49) => BindProblem::Certificate,
            (Credentials::External { .. } | Credentials::Gssapi { .. }, 7) => BindProblem::Mechanism,
            (Credentials::Gssapi { .. }, 8) => BindProblem::SecurityLayer,
            (Credentials::Gssapi { .. }, 49) if BindProblem::of(answer) == BindProblem::WrongPassword => {
                BindProblem::Ticket
            }
            _ => BindProblem::of(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_means_depends_on_what_was_shown() {
        let kerberos = Credentials::Gssapi {
            keytab: PathBuf::new(),
            principal: "reader@EXAMPLE.ORG".to_owned(),
            digest: [0; 32],
        };
        let password = Credentials::Simple { account: "reader".to_owned(), password: "secret".into() };
        for (code, text, with_ticket, with_password) in [
            (49, "", BindProblem::Ticket, BindProblem::WrongPassword),
            (49, "x, data 775, v1", BindProblem::Locked, BindProblem::Locked),
            (49, "x, data 80090346, v1", BindProblem::ChannelBinding, BindProblem::ChannelBinding),
            (49, "80090346: x, data 35b, v1", BindProblem::ChannelBinding, BindProblem::ChannelBinding),
            (7, "", BindProblem::Mechanism, BindProblem::Other),
            (8, "", BindProblem::SecurityLayer, BindProblem::TlsRequired),
            (53, "", BindProblem::Other, BindProblem::Other),
        ] {
            let answer = Answer::new(code, "", text);
            assert_eq!(kerberos.problem(&answer), with_ticket, "{answer}");
            assert_eq!(password.problem(&answer), with_password, "{answer}");
        }
    }

    #[test]
    fn kerberos_takes_names_and_no_addresses() {
        for (host, is_name) in [
            ("dc1.example.org", true),
            ("dc1", true),
            ("10.1.2.3", false),
            ("2001:db8::1", false),
            ("dc1/x@EVIL", false),
            ("", false),
        ] {
            assert_eq!(service_host(host).is_some(), is_name, "{host}");
        }
    }
}
