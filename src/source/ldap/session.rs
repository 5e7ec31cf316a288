//! One conversation with a server: sign in, look, search. Every result that isn't success becomes an error that says what it means.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ldap3::controls::RawControl;
use ldap3::{LdapError, LdapResult, Scope, SearchResult};
use rustls::ClientConfig;

use super::connect::Connection;
use super::pages::PAGED_RESULTS;
use super::screen::{Expected, Finds, Listener};
use super::sign_in::{Credentials, sign_in};
use super::{Ldap, Server};
use crate::domain::dn::Dn;
use crate::domain::entry::Entry;
use crate::source::{Answer, Ask, SourceError};
use crate::tls::CertificateSummary;

/// A broken connection has this long to say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A connection to one server.
pub(super) struct Session<'a> {
    pub(super) settings: &'a Ldap,
    server: String,
    credentials: Credentials,
    tls: Arc<ClientConfig>,
    connection: Connection,
    /// Goes with every search.
    always: Vec<RawControl>,
    /// Whether the server can page; until it says that it can't, it is thought to.
    pub(super) pages: bool,
}

/// The way to more connections to the same address, on which the same controls go with every search.
pub(super) struct Door<'a> {
    settings: &'a Ldap,
    server: Server,
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    always: Vec<RawControl>,
}

/// What a server says of itself (RFC 4512 §5.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RootDse {
    /// The names under which it holds data.
    pub naming_contexts: Vec<String>,
    /// Its own name, as Active Directory gives it.
    pub host: Option<String>,
    /// `highestCommittedUSN` of Active Directory: rises with every change on this server.
    pub highest_usn: Option<u64>,
    /// Whether it says that it can page results (RFC 2696).
    pub pages: bool,
    /// Whether it says that it can tell what changed (RFC 4533).
    pub synchronizes: bool,
}

impl RootDse {
    /// The nearest naming context at or above a name, if it is known.
    pub(super) fn context_of(&self, dn: &Dn) -> Option<&str> {
        let contexts = self.naming_contexts.iter().filter_map(|text| Some((text, text.parse::<Dn>().ok()?)));
        let above = contexts.filter(|(_, context)| dn.is_within(context));
        above.max_by_key(|(_, context)| context.rdns().len()).map(|(text, _)| text.as_str())
    }
}

/// What is searched: where, for what, and which attributes are wanted.
pub(super) struct Search<'a> {
    pub base: &'a str,
    pub scope: Scope,
    pub filter: &'a str,
    pub attributes: Vec<&'a str>,
}

impl<'a> Door<'a> {
    /// One more, signed in.
    pub(super) async fn open(&self) -> Result<Session<'a>, SourceError> {
        let Door { settings, server, address, tls, always } = self;
        let credentials = settings.sign_in.load()?;
        let connection = Connection::at(server, *address, tls, settings.connect_timeout).await?;
        let (tls, always) = (Arc::clone(tls), always.clone());
        let server = server.to_string();
        let mut session = Session { settings, server, credentials, tls, connection, always, pages: true };
        session.bind().await?;
        Ok(session)
    }
}

impl<'a> Session<'a> {
    /// Connects to `server`.
    pub(super) async fn open(
        settings: &'a Ldap,
        server: &Server,
        tls: &Arc<ClientConfig>,
    ) -> Result<Session<'a>, SourceError> {
        let credentials = settings.sign_in.load()?;
        let (tls, dns_server) = (credentials.shown_by(tls), settings.servers.dns_server());
        let connection = Connection::open(server, &tls, dns_server, settings.connect_timeout).await?;
        Ok(Session {
            settings,
            server: server.to_string(),
            credentials,
            tls,
            connection,
            always: Vec::new(),
            pages: true,
        })
    }

    /// The way to more connections like this one.
    pub(super) fn door(&self) -> Door<'a> {
        Door {
            settings: self.settings,
            server: self.connection.server.clone(),
            address: self.connection.address,
            tls: Arc::clone(&self.tls),
            always: self.always.clone(),
        }
    }

    /// Lets this control go with every search from now on.
    pub(super) fn always(&mut self, control: RawControl) {
        self.always.push(control);
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn certificate(&self) -> Option<&CertificateSummary> {
        self.connection.certificate.as_ref()
    }

    /// The certificate that we showed.
    pub(super) fn own_certificate(&self) -> Option<&CertificateSummary> {
        self.credentials.certificate()
    }

    /// Signs in. Only then can anything be asked.
    pub(super) async fn bind(&mut self) -> Result<(), SourceError> {
        sign_in(&mut self.connection, &self.credentials, self.settings.operation_timeout).await
    }

    /// The same, unless these credentials were refused a short while ago, whoever tried them.
    pub(super) async fn bind_unless_refused(&mut self, ask: &Ask<'_>) -> Result<(), SourceError> {
        let Session { settings, connection, credentials, .. } = self;
        let pause = TimeDelta::from_std(settings.sign_in_retry_after).unwrap_or(TimeDelta::MAX);
        let signing_in = sign_in(connection, credentials, settings.operation_timeout);
        settings.refusals.heed(ask, credentials, pause, signing_in).await
    }

    /// What the server says of itself; nothing, when it doesn't let the account see that.
    pub(super) async fn root_dse(&mut self) -> Result<RootDse, SourceError> {
        const ATTRIBUTES: [&str; 4] =
            ["namingContexts", "dnsHostName", "highestCommittedUSN", "supportedControl"];
        let found = match self.look("", ATTRIBUTES.to_vec()).await {
            Ok(found) => found.unwrap_or_default(),
            Err(SourceError::BaseNotFound { .. }) => Entry::default(),
            Err(SourceError::Refused { answer, .. }) if answer.code == 50 => Entry::default(),
            Err(error) => return Err(error),
        };
        let texts =
            |name| found.values(name).filter_map(|v| String::from_utf8(v.to_vec()).ok()).collect::<Vec<_>>();
        let controls = texts("supportedControl");
        let has = |oid: &str| controls.iter().any(|control| control == oid);
        // One that names no controls at all doesn't let the account see them.
        self.pages = controls.is_empty() || has(PAGED_RESULTS);
        Ok(RootDse {
            naming_contexts: texts("namingContexts"),
            host: texts("dnsHostName").pop(),
            highest_usn: texts("highestCommittedUSN").first().and_then(|usn| usn.parse().ok()),
            pages: has(PAGED_RESULTS),
            synchronizes: has(super::standard::sync::REQUEST),
        })
    }

    /// Whether the base is there and the account can see it.
    pub(super) async fn check_base(&mut self, base: &str, root: &RootDse) -> Result<(), SourceError> {
        match self.look(base, vec!["1.1"]).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(SourceError::BaseNotVisible {
                server: self.server.clone(),
                base: base.to_owned(),
                account: self.credentials.account(),
            }),
            Err(SourceError::BaseNotFound { server, base, answer, .. }) => Err(SourceError::BaseNotFound {
                server,
                base,
                answer,
                contexts: root.naming_contexts.clone(),
            }),
            Err(error) => Err(error),
        }
    }

    /// The entry `dn` itself, if it can be seen.
    pub(super) async fn look(
        &mut self,
        dn: &str,
        attributes: Vec<&str>,
    ) -> Result<Option<Entry>, SourceError> {
        let search = Search { base: dn, scope: Scope::Base, filter: "(objectClass=*)", attributes };
        let (found, result) = self.run(&search, Vec::new()).await?;
        self.judge(&search, &result)?;
        Ok(found.entries.into_iter().next())
    }

    /// Says goodbye.
    pub(super) async fn close(self) {
        self.connection.close(LAST_WORDS.min(self.settings.operation_timeout)).await;
    }

    pub(super) fn incomplete(&self, base: &str, reason: impl Into<String>) -> SourceError {
        SourceError::Incomplete { server: self.server.clone(), base: base.to_owned(), reason: reason.into() }
    }

    /// Everything that one search gives, and its result, unjudged.
    pub(super) async fn run(
        &mut self,
        search: &Search<'_>,
        mut controls: Vec<RawControl>,
    ) -> Result<(Finds, LdapResult), SourceError> {
        controls.extend(self.always.iter().cloned());
        let ldap = self.connection.ldap.with_timeout(self.settings.operation_timeout);
        let ldap = if controls.is_empty() { ldap } else { ldap.with_controls(controls) };
        match ldap.search(search.base, search.scope, search.filter, &search.attributes).await {
            // Entries don't go through ldap3; all of them came before the result.
            Ok(SearchResult(_, result)) => Ok((self.connection.found.take(), result)),
            Err(error) => {
                let base = search.base;
                let doing =
                    if base.is_empty() { "describe itself".to_owned() } else { format!("search \"{base}\"") };
                Err(self.failed(&doing, error).await)
            }
        }
    }

    /// Asks for what the server answers with every object that changes from now on, for as long as it likes ([MS-ADTS]
    /// 3.1.1.3.4.1.9), and shows each to `listener`. Returns what it ends with, unjudged.
    pub(super) async fn be_told(
        &mut self,
        search: &Search<'_>,
        controls: Vec<RawControl>,
        listener: Listener,
    ) -> Result<Answer, SourceError> {
        self.connection.found.show_to(listener);
        let asked = self
            .connection
            .ldap
            .with_controls(controls)
            .search(search.base, search.scope, search.filter, &search.attributes)
            .await;
        match asked {
            Ok(SearchResult(_, result)) => Ok(spoken(&result)),
            Err(error) => Err(self.failed("tell of changes", error).await),
        }
    }

    /// As [`run`](Session::run), for a search that also tells what changed, in one go: it may take as long as there is progress.
    pub(super) async fn synchronize(
        &mut self,
        search: &Search<'_>,
        control: RawControl,
        expected: Expected,
    ) -> Result<(Finds, LdapResult), SourceError> {
        let (tick, most) = (self.settings.operation_timeout, self.settings.run_timeout);
        self.connection.found.expect(expected);
        let found = Arc::clone(&self.connection.found);
        let mut handle = self.connection.ldap.clone();
        let controls: Vec<_> = self.always.iter().cloned().chain([control]).collect();
        let ldap = handle.with_timeout(most).with_controls(controls);
        let asked = ldap.search(search.base, search.scope, search.filter, &search.attributes);
        tokio::pin!(asked);
        let mut before = 0;
        let outcome = loop {
            match tokio::time::timeout(tick, &mut asked).await {
                Ok(outcome) => break outcome,
                Err(elapsed) => match found.bytes() {
                    now if now == before => break Err(LdapError::Timeout { elapsed }),
                    now => before = now,
                },
            }
        };
        let finds = found.take();
        match outcome {
            Ok(SearchResult(_, result)) => Ok((finds, result)),
            Err(error) => {
                Err(self.failed(&format!("tell what changed below \"{}\"", search.base), error).await)
            }
        }
    }

    /// Makes an error of any result but success.
    pub(super) fn judge(&self, search: &Search<'_>, result: &LdapResult) -> Result<(), SourceError> {
        let (server, base, answer) = (self.server.clone(), search.base.to_owned(), spoken(result));
        match answer.code {
            0 => Ok(()),
            3 | 4 | 11 => Err(SourceError::LimitExceeded { server, base, answer }),
            10 => {
                let to = result.refs.first().map_or("another server", |to| to);
                Err(SourceError::Referral { server, base, to: crate::domain::decode::clean(to, 200) })
            }
            32 => Err(SourceError::BaseNotFound { server, base, answer, contexts: Vec::new() }),
            _ => Err(self.refused(&format!("search \"{base}\""), answer)),
        }
    }

    fn refused(&self, doing: &str, answer: Answer) -> SourceError {
        SourceError::Refused { server: self.server.clone(), doing: doing.to_owned(), answer }
    }

    /// Why an operation got no result.
    async fn failed(&mut self, doing: &str, error: LdapError) -> SourceError {
        let (server, doing, limit) = (self.server.clone(), doing.to_owned(), self.settings.operation_timeout);
        match error {
            LdapError::Timeout { .. } => SourceError::Timeout { server, doing, limit },
            LdapError::FilterParsing => SourceError::Settings("a filter can't be read".to_owned()),
            _ => self.connection.why_ended(LAST_WORDS).await.into_error(&server, &doing),
        }
    }
}

fn spoken(result: &LdapResult) -> Answer {
    Answer::new(result.rc, &result.matched, &result.text)
}
