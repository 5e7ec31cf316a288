//! Which of a directory's servers is read: the one that was read last as long as it works, else the next that does.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;

use super::discover::Domain;
use super::health::ServerHealth;
use super::session::Session;
use super::{Ldap, Security, Server};
use crate::kerberos::Fault;
use crate::source::{Ask, BindProblem, SourceError};

/// The servers that a directory can be read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Servers {
    /// These, in order of preference.
    Listed(Vec<Server>),
    /// The controllers of a domain, by DNS.
    Domain(Domain),
}

/// What the reads so far have shown of the servers. Kept in memory; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Experience(Arc<Mutex<Known>>);

#[derive(Clone, Debug, Default)]
struct Known {
    health: ServerHealth,
    /// What DNS said last.
    found: Vec<Server>,
    /// Where, and of which scope, ranges of numbers were shown to give everything.
    ranges_give_all: BTreeSet<(Box<str>, u64)>,
    /// Which don't tell their changes by DirSync, as far as is known since they were read whole.
    no_dirsync: BTreeSet<Box<str>>,
}

impl Servers {
    /// Whether each is spoken to over TLS.
    pub(super) fn are_protected(&self) -> bool {
        match self {
            Servers::Listed(servers) => servers.iter().all(|s| s.security() != Security::PlainText),
            Servers::Domain(domain) => domain.security != Security::PlainText,
        }
    }

    /// Whom to ask for addresses, in place of this machine's own resolver.
    pub(super) fn dns_server(&self) -> Option<SocketAddr> {
        match self {
            Servers::Listed(_) => None,
            Servers::Domain(domain) => domain.dns_server,
        }
    }
}

impl fmt::Display for Servers {
    /// The URLs, or the domain.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Servers::Listed(servers) => {
                let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
                f.write_str(&servers.join(", "))
            }
            Servers::Domain(domain) => write!(f, "a controller of {}", domain.name),
        }
    }
}

impl Experience {
    /// Whether it was shown that ranges of the server's numbers give everything of a scope.
    pub(super) fn ranges_give_all(&self, server: &str, scope: u64) -> bool {
        self.with(|known| known.ranges_give_all.contains(&(server.into(), scope)))
    }

    /// Takes note of whether they do.
    pub(super) fn note_ranges(&self, server: &str, scope: u64, give_all: bool) {
        let key = (server.into(), scope);
        self.with(|known| match give_all {
            true => known.ranges_give_all.insert(key),
            false => known.ranges_give_all.remove(&key),
        });
    }

    /// Whether a server refused to tell its changes by DirSync.
    pub(super) fn refuses_dirsync(&self, server: &str) -> bool {
        self.with(|known| known.no_dirsync.contains(server))
    }

    /// Takes note that it does.
    pub(super) fn note_no_dirsync(&self, server: &str) {
        self.with(|known| known.no_dirsync.insert(server.into()));
    }

    /// It is asked for them again: it may have been given the right since.
    pub(super) fn asks_dirsync_again(&self, server: &str) {
        self.with(|known| known.no_dirsync.remove(server));
    }

    /// Takes over what another one has seen, as after a reload of the configuration; what DNS said only if the servers are the `same`. With new
    /// credentials DirSync may be had.
    pub(in crate::source) fn inherit(&self, other: &Experience, same: bool) {
        if !Arc::ptr_eq(&self.0, &other.0) {
            let mut seen = other.with(|known| known.clone());
            seen.no_dirsync.clear();
            if !same {
                seen.found = Vec::new();
            }
            self.with(|known| *known = seen);
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        // Whoever panicked with it in hand left it whole: each change is one step.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ldap {
    /// Runs `read` on a server, signed in: the one that the cursor is of, as long as it works. When a server can't be reached,
    /// breaks off or has no time, `read` begins anew on the next one, at most once on each, all within the time of one run. Where there is only
    /// one, it begins anew there when the connection has dropped.
    ///
    /// A server that refuses what is asked ends it: a wrong password tried on each would lock the account. A ticket that one server doesn't
    /// take is shown to the next.
    ///
    /// # Errors
    /// The server's; of several servers, all their errors.
    pub(super) async fn on_a_server<'a, T, F: Future<Output = Result<T, SourceError>>>(
        &'a self,
        ask: &Ask<'_>,
        read: impl Fn(Session<'a>) -> F,
    ) -> Result<T, SourceError> {
        let tls = self.tls()?;
        let limit = self.run_timeout;
        let end = tokio::time::sleep(limit);
        let began = end.deadline().checked_sub(limit);
        let elapsed =
            || began.and_then(|began| TimeDelta::from_std(began.elapsed()).ok()).unwrap_or_default();
        tokio::pin!(end);
        let late = |server| SourceError::RunTimeout { server, limit };
        let servers = tokio::select! {
            servers = self.candidates(ask) => servers?,
            () = &mut end => return Err(late(self.servers.to_string())),
        };
        let mut errors = Vec::new();
        let mut again = if servers.len() == 1 { servers.clone() } else { Vec::new() };
        let mut servers = servers.into_iter();
        while let Some(server) = servers.next() {
            let name = server.to_string();
            let attempt = async {
                let mut session = Session::open(self, &server, &tls).await?;
                session.bind_unless_refused(ask).await?;
                read(session).await
            };
            let error = tokio::select! {
                outcome = attempt => match outcome {
                    Ok(done) => {
                        self.experience.with(|known| known.health.worked(&name));
                        return Ok(done);
                    }
                    Err(error) => error,
                },
                () = &mut end => late(name.clone()),
            };
            if !lies_with_the_server(&error) {
                return Err(error);
            }
            let now = ask.now + elapsed();
            let until = self.experience.with(|known| known.health.failed(&name, now, rand::random()));
            tracing::warn!(server = name, %until, %error, "a directory server failed, and is left alone for a while");
            if matches!(error, SourceError::RunTimeout { .. }) {
                return Err(error);
            }
            if matches!(error, SourceError::Disconnected { .. }) && !again.is_empty() {
                // What the second try says is what counts.
                servers = std::mem::take(&mut again).into_iter();
                continue;
            }
            errors.push(error);
        }
        Err(match (errors.pop(), errors.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                errors.push(last);
                SourceError::NoServer(errors)
            }
            (None, _) => SourceError::Settings("no server is named".to_owned()),
        })
    }

    /// The servers in the order in which they are tried. When DNS fails, those that it named the last time.
    pub(super) async fn candidates(&self, ask: &Ask<'_>) -> Result<Vec<Server>, SourceError> {
        let servers = match &self.servers {
            Servers::Listed(servers) => servers.clone(),
            Servers::Domain(domain) => match domain.find(self.connect_timeout).await {
                Ok(found) => {
                    let servers: Vec<Server> = found.controllers.into_iter().map(|c| c.server).collect();
                    self.experience.with(|known| known.found.clone_from(&servers));
                    servers
                }
                Err(error) => {
                    let known = self.experience.with(|known| known.found.clone());
                    if known.is_empty() {
                        return Err(error);
                    }
                    tracing::warn!(%error, "the domain controllers that were found earlier are tried");
                    known
                }
            },
        };
        let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
        let last = ask.cursor.map(|cursor| &*cursor.server);
        Ok(self.experience.with(|known| {
            known.health.keep(names.iter().map(String::as_str));
            known.health.order(servers, last, ask.now)
        }))
    }
}

/// Whether another server might do better: this one isn't there, is slow, broke off, says that it can't now, or can't do with a ticket.
fn lies_with_the_server(error: &SourceError) -> bool {
    match error {
        SourceError::ConnectFailed { .. }
        | SourceError::Tls { .. }
        | SourceError::Timeout { .. }
        | SourceError::RunTimeout { .. }
        | SourceError::Disconnected { .. }
        | SourceError::Protocol { .. } => true,
        SourceError::Bind { problem, .. } => *problem == BindProblem::Ticket,
        SourceError::Kerberos { fault, .. } => *fault == Fault::Server,
        // busy, unavailable, other
        SourceError::Refused { answer, .. } => matches!(answer.code, 51 | 52 | 80),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Answer;

    #[test]
    fn a_reload_forgets_nothing_but_what_dns_said_of_another_domain() {
        let old = Experience::default();
        old.note_ranges("ldaps://dc1", 7, true);
        old.note_no_dirsync("ldaps://dc1");
        let found: Server = "ldaps://dc1".parse().unwrap();
        old.with(|known| {
            known.health.failed("ldaps://dc1", chrono::DateTime::UNIX_EPOCH, 0.5);
            known.found.push(found.clone());
        });
        for (same, expected) in [(true, vec![found]), (false, vec![])] {
            let new = Experience::default();
            new.inherit(&old, same);
            new.inherit(&new.clone(), same);
            assert!(new.ranges_give_all("ldaps://dc1", 7) && !new.refuses_dirsync("ldaps://dc1"));
            assert_eq!(new.with(|known| known.found.clone()), expected);
            assert_eq!(new.with(|known| known.health.clone()), old.with(|known| known.health.clone()));
        }
    }

    #[test]
    fn only_what_lies_with_a_server_leads_to_the_next_and_no_refused_account_does() {
        let text = || "x".to_owned();
        let kerberos =
            |fault| SourceError::Kerberos { server: text(), account: text(), reason: text(), fault };
        let bind = |problem| SourceError::Bind {
            server: text(),
            account: text(),
            problem,
            answer: Answer::new(49, "", ""),
        };
        for (error, next, refuses) in [
            (kerberos(Fault::Server), true, false),
            (kerberos(Fault::Account), false, true),
            (kerberos(Fault::Other), false, false),
            (bind(BindProblem::Ticket), true, false),
            (bind(BindProblem::WrongPassword), false, true),
            (bind(BindProblem::Locked), false, true),
            (bind(BindProblem::ChannelBinding), false, false),
        ] {
            assert_eq!(
                (lies_with_the_server(&error), error.refuses_credentials()),
                (next, refuses),
                "{error}"
            );
        }
    }
}
