//! Users, units and groups from a directory server over LDAP.

mod active_directory;
mod ber;
mod connect;
mod discover;
mod health;
mod messages;
mod named;
mod notify;
mod pages;
mod place;
mod probe;
mod screen;
mod server;
mod servers;
mod session;
mod sign_in;
mod standard;
mod whole;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::SecretString;

use super::{Ask, Reading, SourceError, Tell, scope};
use crate::domain::decode::{Decoder, Mapping, extended};
use crate::domain::directory::Found;
use crate::domain::dn::Dn;
use crate::domain::entry::Entry;
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::run::{Cursor, Mode, ModeReason, Position};
use crate::domain::shape::shape;
use crate::tls::{self, TlsTrust};
#[cfg(fuzzing)]
pub(super) use active_directory::fuzz_dirsync;
pub use discover::{Controller, Discovery, Domain, OwnSite, is_site};
pub use notify::{Heard, WatchEnded};
pub use probe::{BaseReport, Follows, Glimpse, Probe, ProbeReport};
#[cfg(fuzzing)]
pub(super) use screen::{fuzz_entries, fuzz_sync};
pub use server::{NotAServer, Security, Server};
pub use servers::{Experience, Servers};
pub use session::RootDse;
use session::Session;
pub use sign_in::pause::Refusals;
pub use sign_in::{Password, SignIn};

/// How a directory is read.
#[derive(Clone, Debug)]
pub struct Ldap {
    /// Its servers; one of them is read.
    pub servers: Servers,
    /// What earlier reads have shown of them.
    pub experience: Experience,
    /// Which of them are believed.
    pub trust: TlsTrust,
    /// Who signs in, and with what.
    pub sign_in: SignIn,
    /// How long refused credentials aren't tried again, unless a person asks.
    pub sign_in_retry_after: Duration,
    /// Which were refused.
    pub refusals: Refusals,
    /// Below which names to look.
    pub bases: Vec<String>,
    /// What is a user (RFC 4515).
    pub user_filter: Box<str>,
    /// What is a unit.
    pub unit_filter: Box<str>,
    /// What is a group.
    pub group_filter: Box<str>,
    /// Which attribute means what.
    pub mapping: Mapping,
    /// How many entries to ask for at once. Active Directory gives at most 1,000.
    pub page_size: u16,
    /// Over how many connections everything is read; None: by how fast the server answers. Only domain controllers are read over several.
    pub connections: Option<u8>,
    /// How long connecting may take, name and TLS included, before the next server is tried.
    pub connect_timeout: Duration,
    /// How long to wait for each answer of the server.
    pub operation_timeout: Duration,
    /// How long a whole read may take.
    pub run_timeout: Duration,
}

impl Ldap {
    /// Settings for Active Directory, with a password.
    pub fn new(servers: Vec<Server>, bind_dn: &str, password: SecretString, bases: Vec<String>) -> Ldap {
        let sign_in = SignIn::Simple { bind_dn: bind_dn.into(), password: Password::Fixed(password) };
        Ldap::signing_in(servers, sign_in, bases)
    }

    /// Settings for Active Directory.
    pub fn signing_in(servers: Vec<Server>, sign_in: SignIn, bases: Vec<String>) -> Ldap {
        Ldap {
            servers: Servers::Listed(servers),
            experience: Experience::default(),
            trust: TlsTrust::SystemRoots,
            sign_in,
            sign_in_retry_after: Duration::from_secs(30 * 60),
            refusals: Refusals::default(),
            bases,
            user_filter: active_directory::USERS.into(),
            unit_filter: active_directory::UNITS.into(),
            group_filter: active_directory::GROUPS.into(),
            mapping: Mapping::default(),
            page_size: 1000,
            connections: None,
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(30),
            run_timeout: Duration::from_secs(30 * 60),
        }
    }

    /// What is wrong with the settings whatever a server says, if anything.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), SourceError> {
        let wrong = |what: String| Err(SourceError::Settings(what));
        if matches!(&self.servers, Servers::Listed(servers) if servers.is_empty()) {
            return wrong("no server is named".to_owned());
        }
        if self.bases.is_empty() {
            return wrong("no base DN is named".to_owned());
        }
        let protected = self.servers.are_protected();
        self.sign_in.check(protected).or_else(wrong)?;
        for base in &self.bases {
            if let Err(error) = base.parse::<Dn>() {
                return wrong(error.to_string());
            }
        }
        for filter in [&self.user_filter, &self.unit_filter, &self.group_filter] {
            if !is_filter(filter) {
                return wrong(format!("\"{filter}\" is no filter such as (objectClass=user)"));
            }
        }
        if self.page_size == 0
            || self.connect_timeout.is_zero()
            || self.operation_timeout.is_zero()
            || self.run_timeout.is_zero()
        {
            return wrong("page size and time limits must be more than zero".to_owned());
        }
        Ok(())
    }

    /// How it will be read, and why.
    pub fn plan(&self, ask: &Ask<'_>) -> (Mode, ModeReason) {
        match (ask.whole_because(self.scope()), ask.cursor.map(|cursor| &cursor.position)) {
            (Some(reason), _) => (Mode::Full, reason),
            (None, Some(Position::Usn(_) | Position::DirSync { .. })) => {
                (Mode::DirSync, ModeReason::Continued)
            }
            (None, Some(Position::ContentSync { .. })) => (Mode::ContentSync, ModeReason::Continued),
            (None, Some(Position::ModifyTimestamp { .. })) => (Mode::ModifyTimestamp, ModeReason::Continued),
            (None, _) => (Mode::Full, ModeReason::OnlyFull),
        }
    }

    /// Reads what is asked.
    ///
    /// # Errors
    /// When the directory can't be read, or not for certain whole.
    pub async fn read(
        &self,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        self.check()?;
        let credentials = self.sign_in.load()?;
        self.refusals.may_try(ask, &credentials)?;
        self.on_a_server(ask, |session| self.read_all(session, directory, ask, tell)).await
    }

    async fn read_all(
        &self,
        mut session: Session<'_>,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        let warnings = sign_in::account::warnings(&mut session).await;
        let root = session.root_dse().await?;
        if let Some(reading) = self.read_active_directory(&mut session, &root, directory, ask, tell).await? {
            session.close().await;
            return Ok(Reading { warnings, ..reading });
        }
        if !self.mapping.has_bytes_for_id() {
            let reading = self.read_standard(&mut session, &root, directory, ask, tell).await?;
            session.close().await;
            return Ok(Reading { warnings, ..reading });
        }
        let was_controller =
            ask.cursor.is_some_and(|c| matches!(c.position, Position::Usn(_) | Position::DirSync { .. }));
        let only = if was_controller { ModeReason::NoController } else { ModeReason::OnlyFull };
        let reason = ask.whole_because(self.scope()).unwrap_or(only);
        let named = self.named(&mut session).await?;
        let mut decoder = Decoder::new(&self.mapping, directory).with_known(ask.known);
        for base in &self.bases {
            session.check_base(base, &root).await?;
        }
        let bases: Vec<&str> = self.bases.iter().map(String::as_str).collect();
        self.read_in_one_go(&mut session, &bases, directory, ask, &mut decoder, tell).await?;
        self.names_still_there(&mut session, &named).await?;
        let server: Box<str> = session.server().into();
        session.close().await;
        let mut found = Found::Whole(decoder.finish());
        shape(&mut found, &ask.frame(directory, &self.mapping, self.scope(), named.units_below));
        let cursor = Cursor {
            scope: self.scope(),
            server: server.clone(),
            position: Position::None,
            read_at: Some(ask.now),
            whole_at: Some(ask.now),
            sees_deletions: false,
        };
        Ok(Reading { found, mode: Mode::Full, reason, cursor, server, warnings })
    }

    /// Looks up what stands between the objects that were read and the bases, and wasn't read itself.
    async fn look_above(
        &self,
        session: &mut Session<'_>,
        decoder: &mut Decoder<'_>,
    ) -> Result<(), SourceError> {
        for dn in decoder.unknown_parents() {
            match session.look(&dn, vec!["objectClass", &self.mapping.id]).await {
                Ok(Some(entry)) => decoder.push_parent(&dn, &entry),
                // Renamed since, which the next changes tell; or not to be seen.
                Ok(None) | Err(SourceError::BaseNotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What finds everything that is read.
    fn filter(&self) -> String {
        format!("(|{}{}{})", self.user_filter, self.unit_filter, self.group_filter)
    }

    /// What finds these objects, and nothing else.
    fn one_of(&self, ids: &[Guid]) -> String {
        if ids.is_empty() {
            return "(!(objectClass=*))".to_owned();
        }
        let mut filter = "(|".to_owned();
        for id in ids {
            let _ = write!(filter, "({}={})", self.mapping.id, self.mapping.assertion(*id));
        }
        filter.push(')');
        filter
    }

    /// Fetches what is missing of a group's members ([MS-ADTS] 3.1.1.3.1.3.3).
    async fn complete(&self, session: &mut Session<'_>, entry: &mut Entry) -> Result<(), SourceError> {
        let member = &*self.mapping.member;
        while let Some(from) = entry.missing_from(member) {
            let wanted = format!("{member};range={from}-*");
            // By identity, when that is known: it may have been renamed since.
            let dn = match extended::split(&entry.dn) {
                (Some(id), _) => format!("<GUID={id}>"),
                (None, dn) => dn.to_owned(),
            };
            let found = match session.look(&dn, vec![&wanted]).await {
                Ok(found) => found.unwrap_or_default(),
                Err(SourceError::BaseNotFound { .. }) => Entry::default(),
                Err(error) => return Err(error),
            };
            for part in found.attributes() {
                if part.base().eq_ignore_ascii_case(member) && part.range().is_some() {
                    let added = entry.add(part.name(), part.values());
                    added.map_err(|error| session.incomplete(&entry.dn, error.to_string()))?;
                }
            }
            if entry.missing_from(member) == Some(from) {
                let reason = format!(
                    "the members from number {from} on were not given; was the group changed meanwhile?"
                );
                return Err(session.incomplete(&entry.dn, reason));
            }
        }
        Ok(())
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, SourceError> {
        tls::client_config(&self.trust)
            .map_err(|e| SourceError::Tls { server: self.servers.to_string(), reason: e.to_string() })
    }

    fn scope(&self) -> u64 {
        let mut bases: Vec<String> = self
            .bases
            .iter()
            .map(|base| base.parse::<Dn>().unwrap_or_default().to_string().to_lowercase())
            .collect();
        bases.sort_unstable();
        let filters = [&*self.user_filter, &*self.unit_filter, &*self.group_filter];
        let (mapping, shape) = (self.mapping.words(), self.mapping.shape_words());
        let words =
            ["ldap"].into_iter().chain(bases.iter().map(String::as_str)).chain(filters).chain(mapping);
        scope(words.chain(shape.iter().map(String::as_str)))
    }
}

/// Whether a text is a search filter (RFC 4515).
pub fn is_filter(text: &str) -> bool {
    text.starts_with('(') && ldap3::parse_filter(text).is_ok()
}
