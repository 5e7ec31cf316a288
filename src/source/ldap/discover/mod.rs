//! Finds the domain controllers of a domain by DNS, those of this machine's own site first, as Active Directory's locator does
//! ([MS-ADTS] 6.3.6).

mod dns;
mod netlogon;
mod ping;
mod srv;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use self::dns::Dns;
use self::netlogon::Netlogon;
use super::server::{Security, Server};
use crate::source::SourceError;
pub(super) use dns::locate;
pub use netlogon::is_site;

/// A domain whose controllers are found by DNS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Domain {
    /// Its name in DNS: `ad.example.org`.
    pub name: Box<str>,
    /// The site whose controllers come first. None: the one that the controllers say this machine is in.
    pub site: Option<Box<str>>,
    /// Who is asked, in place of this machine's own DNS servers.
    pub dns_server: Option<SocketAddr>,
    /// How the controllers are spoken to: [`Security::Ldaps`] on port 636, the others on the port that DNS gives.
    pub security: Security,
}

/// What DNS knows of a domain's controllers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Discovery {
    /// The site whose controllers come first.
    pub site: OwnSite,
    /// In the order in which they are tried. At least one.
    pub controllers: Vec<Controller>,
    /// Hosts that DNS names, too, and that are not used: their names are outside the domain.
    pub outside: Vec<Box<str>>,
}

/// A controller that DNS names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Controller {
    /// Which.
    pub server: Server,
    /// Whether DNS has it among those of the own site.
    pub near: bool,
    /// The site that it says it is in; only [`Ldap::probe`](super::Ldap::probe) asks.
    pub site: Option<Box<str>>,
    /// Where it answers pings.
    port: u16,
}

/// Where this machine is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OwnSite {
    /// In this site, by the configuration.
    Configured(Box<str>),
    /// In this one, a controller said.
    Told(Box<str>),
    /// In none: no subnet of the directory holds its address.
    NoSubnet,
    /// That isn't known: no controller answered.
    NoAnswer,
}

/// So many controllers are asked for the own site at once.
const ASKED: usize = 5;
/// None of them is waited for any longer.
const ASKED_FOR: Duration = Duration::from_secs(2);
/// A domain has hardly more; those beyond are left out.
const MAX_CONTROLLERS: usize = 256;

impl OwnSite {
    /// Its name, when there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            OwnSite::Configured(name) | OwnSite::Told(name) => Some(name),
            OwnSite::NoSubnet | OwnSite::NoAnswer => None,
        }
    }
}

impl Domain {
    /// Asks DNS, each question being waited for within `limit`, and for the own site, when it isn't configured, the controllers.
    pub(super) async fn find(&self, limit: Duration) -> Result<Discovery, SourceError> {
        self.ask(limit)
            .await
            .map_err(|reason| SourceError::NoController { domain: self.name.to_string(), reason })
    }

    async fn ask(&self, limit: Duration) -> Result<Discovery, String> {
        let dns = Dns::new(self.dns_server)?;
        let (mut controllers, mut outside) = self.look_up(&dns, None, limit).await?;
        let site = match &self.site {
            Some(site) => OwnSite::Configured(site.clone()),
            None => self.own_site(&controllers).await,
        };
        if let Some(site) = site.name() {
            let (near, strangers) = self.look_up(&dns, Some(site), limit).await.unwrap_or_else(|error| {
                tracing::warn!(site, error, "the controllers of the own site can't be looked up");
                Default::default()
            });
            outside.extend(strangers);
            controllers.retain(|other| near.iter().all(|n| n.server != other.server));
            controllers.splice(0..0, near);
        }
        outside.sort_unstable();
        outside.dedup();
        controllers.truncate(MAX_CONTROLLERS);
        match (controllers.is_empty(), outside.first()) {
            (false, _) => Ok(Discovery { site, controllers, outside }),
            (true, None) => Err(format!("there is no record {}", self.records(None))),
            (true, Some(host)) => Err(format!(
                "the hosts that it names, such as {host}, are outside the domain, and so not to be trusted"
            )),
        }
    }

    /// The controllers of a site, or all, in the order in which they are tried; and the names that aren't within the domain.
    ///
    /// DNS can be forged, and a certificate only proves a name: whoever could name any host would be handed the password.
    async fn look_up(
        &self,
        dns: &Dns,
        site: Option<&str>,
        limit: Duration,
    ) -> Result<(Vec<Controller>, Vec<Box<str>>), String> {
        let (mut controllers, mut outside) = (Vec::new(), Vec::new());
        let records = timeout(limit, dns.srv(&self.records(site))).await;
        let records =
            records.map_err(|_| format!("DNS did not answer within {} s", limit.as_secs_f32()))??;
        for record in srv::order(records, rand::random) {
            let port = if self.security == Security::Ldaps { 636 } else { record.port };
            let server = Server::new(&record.target, port, self.security);
            match server.filter(|server| self.holds(server.host()) && record.port > 0) {
                Some(server) => {
                    controllers.push(Controller {
                        server,
                        near: site.is_some(),
                        site: None,
                        port: record.port,
                    });
                }
                None => outside.push(crate::domain::decode::clean(&record.target, 255).into()),
            }
        }
        Ok((controllers, outside))
    }

    /// The name of the SRV records ([MS-ADTS] 6.3.2.3).
    fn records(&self, site: Option<&str>) -> String {
        let site = site.map_or_else(String::new, |site| format!("{site}._sites."));
        format!("_ldap._tcp.{site}dc._msdcs.{}", self.name)
    }

    fn holds(&self, host: &str) -> bool {
        let Some(at) = host.len().checked_sub(self.name.len()).filter(|at| *at > 1) else {
            return false;
        };
        let (head, tail) = (host.get(..at), host.get(at..));
        head.is_some_and(|head| head.ends_with('.'))
            && tail.is_some_and(|t| t.eq_ignore_ascii_case(&self.name))
    }

    async fn own_site(&self, controllers: &[Controller]) -> OwnSite {
        let mut asked: FuturesUnordered<_> =
            controllers.iter().take(ASKED).map(|controller| self.ping(controller)).collect();
        let first = async {
            while let Some(answer) = asked.next().await {
                if let Some(netlogon) = answer {
                    return netlogon.client_site.map_or(OwnSite::NoSubnet, |site| OwnSite::Told(site.into()));
                }
            }
            OwnSite::NoAnswer
        };
        timeout(ASKED_FOR, first).await.unwrap_or(OwnSite::NoAnswer)
    }

    /// Asks each controller for its site.
    pub(super) async fn ask_sites(&self, controllers: &mut [&mut Controller]) {
        for controllers in controllers.chunks_mut(ASKED) {
            let asked: FuturesUnordered<_> = controllers
                .iter_mut()
                .map(|controller| async {
                    let answer = timeout(ASKED_FOR, self.ping(controller)).await.ok().flatten();
                    controller.site = answer.and_then(|netlogon| netlogon.site).map(Into::into);
                })
                .collect();
            asked.collect::<()>().await;
        }
    }

    async fn ping(&self, controller: &Controller) -> Option<Netlogon> {
        let addresses = locate(controller.server.host(), controller.port, self.dns_server).await.ok()?;
        let mut asked: FuturesUnordered<_> =
            addresses.into_iter().take(2).map(|address| ping::ping(address, &self.name)).collect();
        while let Some(answer) = asked.next().await {
            if answer.is_some() {
                return answer;
            }
        }
        None
    }
}
