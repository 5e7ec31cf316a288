//! Questions to DNS, with limits of their own: the machine's resolver knows no SRV records, and may not know the domain.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::{Resolver, TokioResolver};

use super::srv::Record;

/// For one answer of one server.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often each server is asked.
const TRIES: usize = 2;
/// No more addresses of one name are tried.
const MAX_ADDRESSES: usize = 16;

/// Whom to ask.
pub(super) struct Dns(TokioResolver);

impl Dns {
    /// The server given, or those of this machine (`/etc/resolv.conf`).
    pub(super) fn new(server: Option<SocketAddr>) -> Result<Dns, String> {
        let mut builder = match server {
            None => Resolver::builder_tokio()
                .map_err(|error| format!("this machine's resolver settings can't be read: {error}"))?,
            Some(server) => {
                let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
                connections.iter_mut().for_each(|connection| connection.port = server.port());
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = TRIES;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = if server.is_some() { ResolveHosts::Never } else { ResolveHosts::Auto };
        builder.build().map(Dns).map_err(|error| error.to_string())
    }

    /// The SRV records of a name; none, when there are none.
    pub(super) async fn srv(&self, name: &str) -> Result<Vec<Record>, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{name} can't be looked up: {error}");
        let found = match self.0.srv_lookup(absolute(name).map_err(|e| failed(&e))?).await {
            Ok(found) => found,
            Err(error) if is_none(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let records = found.answers().iter().filter_map(|record| match &record.data {
            // A lone dot says that there is no such service (RFC 2782, "Target").
            RData::SRV(srv) if !srv.target.is_root() => Some(Record {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: srv.target.to_ascii().trim_end_matches('.').to_lowercase().into(),
            }),
            _ => None,
        });
        Ok(records.collect())
    }

    /// The addresses of a host.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let name = absolute(host).map_err(|error| error.to_string())?;
        match self.0.lookup_ip(name).await {
            Ok(found) => Ok(found.iter().take(MAX_ADDRESSES).collect()),
            Err(error) if is_none(&error) => Ok(Vec::new()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The name itself, whatever domains this machine would add to it.
fn absolute(name: &str) -> Result<Name, hickory_resolver::proto::ProtoError> {
    let mut name = Name::from_ascii(name)?;
    name.set_fqdn(true);
    Ok(name)
}

fn is_none(error: &NetError) -> bool {
    error.is_nx_domain() || error.is_no_records_found()
}

/// Where `host` is: by the DNS server given, or as this machine does it. Each address once.
pub(in super::super) async fn locate(
    host: &str,
    port: u16,
    dns_server: Option<SocketAddr>,
) -> Result<Vec<SocketAddr>, String> {
    let mut addresses: Vec<SocketAddr> = match (host.parse::<IpAddr>(), dns_server) {
        (Ok(address), _) => vec![(address, port).into()],
        (Err(_), Some(server)) => {
            let found = Dns::new(Some(server))?.addresses(host).await?;
            found.into_iter().map(|address| (address, port).into()).collect()
        }
        (Err(_), None) => {
            let found = tokio::net::lookup_host((host, port)).await.map_err(|error| error.to_string())?;
            found.take(MAX_ADDRESSES).collect()
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    addresses.retain(|address| seen.insert(*address));
    if addresses.is_empty() { Err("DNS has no address for it".to_owned()) } else { Ok(addresses) }
}
