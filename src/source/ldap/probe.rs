//! A look at the directory without reading it, for `check --online`.

use ldap3::Scope;
use tokio::time::timeout;

use super::active_directory::controller::{self, Controller};
use super::discover::{self, Discovery};
use super::session::{RootDse, Search, Session};
use super::{Ldap, Server, Servers, sign_in};
use crate::domain::decode::Decoder;
use crate::domain::directory::Quarantined;
use crate::domain::ids::Guid;
use crate::domain::shape::UnitsFrom;
use crate::domain::warning::Warning;
use crate::source::SourceError;
use crate::tls::CertificateSummary;

/// What a look at the directory shows.
#[derive(Debug)]
pub struct Probe {
    /// What DNS says; None when the servers are listed.
    pub discovery: Option<Result<Discovery, SourceError>>,
    /// One report or error for each server that was tried, in the order in which they would be read.
    pub servers: Vec<(Server, Result<ProbeReport, SourceError>)>,
    /// Those that weren't tried, since there are many.
    pub untried: Vec<Server>,
}

/// No more controllers that DNS names are tried.
const MAX_TRIED: usize = 8;
/// No more of them are asked for their sites.
const MAX_ASKED: usize = 50;

/// What a server lets one see.
#[derive(Debug)]
pub struct ProbeReport {
    /// Which.
    pub server: Server,
    /// The certificate it showed; None without protection.
    pub certificate: Option<CertificateSummary>,
    /// What ends one day: the account, its password, the certificates.
    pub warnings: Vec<Warning>,
    /// What it says of itself.
    pub root: RootDse,
    /// The naming contexts of a domain controller in which the account can't see what was deleted.
    pub hides_deletions: Vec<String>,
    /// How it tells what changed; None for Active Directory.
    pub follows: Option<Follows>,
    /// What it holds, base by base; or why that can't be seen.
    pub bases: Vec<(String, Result<BaseReport, SourceError>)>,
    /// Whether OUs are units.
    pub units_are_ous: bool,
    /// Other names in the settings, and what bears each.
    pub names: Vec<(String, Result<Guid, SourceError>)>,
}

/// How a server that isn't Active Directory tells what changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Follows {
    /// By content synchronization (RFC 4533), deletions included.
    ContentSync,
    /// By the time of the last change only, for this reason.
    ModifyTimestamp(String),
    /// Not at all: everything is read each time.
    Not,
}

/// What the first page of each search gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BaseReport {
    /// Users.
    pub users: Glimpse,
    /// Units.
    pub units: Glimpse,
    /// Groups.
    pub groups: Glimpse,
    /// What of them could not be understood.
    pub quarantined: Vec<Quarantined>,
}

/// How many there are, as far as the first page tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Glimpse {
    /// How many the first page had.
    pub seen: usize,
    /// Whether there are more.
    pub more: bool,
    /// How many there are in all, when the server says so.
    pub estimate: Option<u32>,
}

impl Ldap {
    /// Connects to each server, signs in, and looks at each base. After a server has refused the credentials the next ones aren't asked:
    /// each try counts against the account.
    pub async fn probe(&self) -> Probe {
        let (discovery, servers) = match &self.servers {
            Servers::Listed(servers) => (None, servers.clone()),
            Servers::Domain(domain) => {
                let mut discovery = domain.find(self.connect_timeout).await;
                if let Ok(discovery) = &mut discovery {
                    let first = discovery.controllers.iter_mut().take(MAX_ASKED);
                    domain.ask_sites(&mut first.collect::<Vec<_>>()).await;
                }
                let controllers: &[discover::Controller] = discovery.as_ref().map_or(&[], |d| &d.controllers);
                let servers = controllers.iter().map(|c| c.server.clone()).collect();
                (Some(discovery), servers)
            }
        };
        let most = if discovery.is_some() { MAX_TRIED } else { usize::MAX };
        let mut reports: Vec<(Server, Result<ProbeReport, SourceError>)> = Vec::new();
        let mut servers = servers.into_iter();
        for server in servers.by_ref().take(most) {
            let refused = reports.iter().find_map(|(at, report)| {
                report.as_ref().err().filter(|error| error.refuses_credentials()).map(|_| at.to_string())
            });
            if let Some(refused) = refused {
                let error = SourceError::NotTried { server: server.to_string(), refused };
                reports.push((server, Err(error)));
                continue;
            }
            let limit = self.run_timeout;
            let report = match timeout(limit, self.probe_server(&server)).await {
                Ok(report) => report,
                Err(_) => Err(SourceError::RunTimeout { server: server.to_string(), limit }),
            };
            reports.push((server, report));
        }
        Probe { discovery, servers: reports, untried: servers.collect() }
    }

    async fn probe_server(&self, server: &Server) -> Result<ProbeReport, SourceError> {
        self.check()?;
        let mut session = Session::open(self, server, &self.tls()?).await?;
        session.bind().await?;
        let certificate = session.certificate().cloned();
        let warnings = sign_in::account::warnings(&mut session).await;
        let root = session.root_dse().await?;
        let hides_deletions = self.hides_deletions(&mut session, &root).await?;
        let follows = self.probe_changes(&mut session, &root).await;
        let mut bases = Vec::new();
        for base in &self.bases {
            bases.push((base.clone(), self.probe_base(&mut session, base, &root).await));
        }
        let mut names = Vec::new();
        for dn in &self.mapping.exclude {
            names.push((dn.to_string(), self.name(&mut session, "exclude", dn).await));
        }
        if let UnitsFrom::Groups { below: Some(below), .. } = &self.mapping.units {
            names.push((below.to_string(), self.name(&mut session, "units.base", below).await));
        }
        session.close().await;
        let units_are_ous = self.mapping.units.are_ous();
        Ok(ProbeReport {
            server: server.clone(),
            certificate,
            warnings,
            root,
            hides_deletions,
            follows,
            bases,
            units_are_ous,
            names,
        })
    }

    async fn hides_deletions(
        &self,
        session: &mut Session<'_>,
        root: &RootDse,
    ) -> Result<Vec<String>, SourceError> {
        let mut contexts = self.contexts(root);
        if Controller::find(session).await?.is_none() {
            contexts.clear();
        }
        let mut hidden = Vec::new();
        for context in contexts {
            if !controller::sees_deletions(session, &context).await? {
                hidden.push(context);
            }
        }
        Ok(hidden)
    }

    async fn probe_base(
        &self,
        session: &mut Session<'_>,
        base: &str,
        root: &RootDse,
    ) -> Result<BaseReport, SourceError> {
        session.check_base(base, root).await?;
        let directory = "probe".into();
        let mut decoder = Decoder::new(&self.mapping, &directory);
        let mut found = [Glimpse::default(); 3];
        for (found, filter) in
            found.iter_mut().zip([&self.user_filter, &self.unit_filter, &self.group_filter])
        {
            let mut attributes = self.mapping.attributes();
            attributes.retain(|attribute| *attribute != &*self.mapping.member);
            let search = Search { base, scope: Scope::Subtree, filter, attributes };
            let page = session.page(&search, Vec::new()).await?;
            page.entries.iter().for_each(|entry| decoder.push(entry));
            *found = Glimpse {
                seen: page.entries.len(),
                more: !page.cookie.is_empty(),
                estimate: (page.estimate > 0).then_some(page.estimate),
            };
        }
        let [users, units, groups] = found;
        Ok(BaseReport { users, units, groups, quarantined: decoder.finish().quarantined })
    }
}
