//! `domain`, `site` and `dns_server` of a `[[directory]]`: domain controllers that are found by DNS instead of being listed.

use std::net::{IpAddr, SocketAddr};

use super::ldap::LdapSecurity;
use super::reader::{Problem, Section};
use super::words::quoted;

/// A domain whose controllers are found by DNS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LdapDomain {
    /// Its name: `ad.example.org`.
    pub name: String,
    /// The site whose controllers come first; None: the controllers are asked which one this machine is in.
    pub site: Option<String>,
    /// Who is asked, in place of this machine's DNS servers.
    pub dns_server: Option<SocketAddr>,
    /// What protects the connections.
    pub security: LdapSecurity,
}

/// The keys that go with `domain`.
pub(super) const KEYS: [&str; 2] = ["site", "dns_server"];

/// Reads them; None after a mistake.
pub(super) fn read(table: &Section, security: LdapSecurity) -> Option<LdapDomain> {
    let name = table.parsed("domain", domain);
    let site = table.parsed("site", site);
    let dns_server = table.parsed("dns_server", dns_server);
    Some(LdapDomain { name: name?, site, dns_server, security })
}

fn domain(text: &str) -> Result<String, Problem> {
    /// The names of the records that are looked up have up to 92 letters more, and may have 253 (RFC 1035 §2.3.4).
    const LONGEST: usize = 160;
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if name.len() <= LONGEST && name.split('.').all(is_label) && name.parse::<IpAddr>().is_err() {
        return Ok(name.to_ascii_lowercase());
    }
    let problem = Problem::new(format!("{} is no name of a domain in DNS", quoted(text)));
    let hint = if text.contains("://") || name.parse::<IpAddr>().is_ok() {
        "a single server is named with urls = [\"ldaps://dc1.example.org\"]"
    } else {
        "for example: domain = \"ad.example.org\""
    };
    Err(problem.hint(hint))
}

fn site(text: &str) -> Result<String, Problem> {
    let is_site = (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let problem = || {
        Problem::new(format!("{} is no name of a site", quoted(text)))
            .hint("as in Active Directory Sites and Services: letters, digits and hyphens, up to 63")
    };
    if is_site { Ok(text.to_owned()) } else { Err(problem()) }
}

fn dns_server(text: &str) -> Result<SocketAddr, Problem> {
    let alone = || text.parse::<IpAddr>().map(|address| (address, 53).into());
    let server: Option<SocketAddr> = text.parse().or_else(|_| alone()).ok();
    server.filter(|server| server.port() > 0).ok_or_else(|| {
        Problem::new(format!("{} is no address of a DNS server", quoted(text)))
            .hint("for example: \"10.0.0.1\", \"10.0.0.1:5353\" or \"[2001:db8::1]:53\"")
    })
}
