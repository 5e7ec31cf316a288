//! `[[directory]]` with `source = "ldap"`: which domain controllers, and what is read. Who signs in is said in `sign_in`.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::domain::{self, LdapDomain};
use super::durations::{DAY, HOUR, MINUTE, SECOND, text};
use super::finding::Severity;
use super::reader::{Problem, Section};
use super::schema::Filters;
use super::sign_in::{self, LdapSignIn};
use super::trust;
use super::units;
use super::words::quoted;
use crate::domain::dn::{Dn, NotADn};
use crate::tls::TlsTrust;

/// The settings of an LDAP source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ldap {
    /// The domain controllers.
    pub servers: LdapServers,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// Who signs in, and with what.
    pub sign_in: LdapSignIn,
    /// How long refused credentials aren't tried again by themselves.
    pub sign_in_retry_after: Duration,
    /// The distinguished names below which is read. At least one, none within another.
    pub bases: Vec<String>,
    /// What is left out, with all that is below. Each is below a base, none within another.
    pub exclude: Vec<Dn>,
    /// Which objects are users, a filter (RFC 4515).
    pub user_filter: String,
    /// Which objects are groups.
    pub group_filter: String,
    /// Which objects are units.
    pub unit_filter: String,
    /// How many entries are asked for at a time.
    pub page_size: u16,
    /// Over how many connections everything is read; None: by how fast the server answers.
    pub connections: Option<u8>,
    /// For the name, the connection, TLS and the sign-in, together for each server.
    pub connect_timeout: Duration,
    /// For each answer.
    pub operation_timeout: Duration,
    /// Whether the server is asked to tell when something changes; then the least time between two runs that this makes.
    pub change_notification: Option<Duration>,
}

/// Which domain controllers there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LdapServers {
    /// These, in order of preference. At least one.
    Listed(Vec<LdapServer>),
    /// Those that DNS names.
    Domain(LdapDomain),
}

/// A server and how it is spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LdapServer {
    /// A name or an address; with TLS also the name in its certificate. An IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What protects the connection.
    pub security: LdapSecurity,
}

/// What protects a connection to an LDAP server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LdapSecurity {
    /// TLS from the first byte (`ldaps://`).
    Tls,
    /// TLS by StartTLS (RFC 4511 §4.14), or nothing is sent.
    StartTls,
    /// Nothing; allowed expressly, or to this machine alone.
    Plain,
}

impl fmt::Display for LdapServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.security == LdapSecurity::Tls { "ldaps" } else { "ldap" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{scheme}://{host}:{}", self.port)
    }
}

impl LdapServers {
    /// Who is spoken to in plain text, if anybody.
    pub(super) fn in_plain_text(&self) -> Option<String> {
        match self {
            LdapServers::Listed(servers) => {
                servers.iter().find(|s| s.security == LdapSecurity::Plain).map(ToString::to_string)
            }
            LdapServers::Domain(domain) => {
                (domain.security == LdapSecurity::Plain).then(|| format!("a controller of {}", domain.name))
            }
        }
    }
}

/// The keys that go with `source = "ldap"`.
pub(super) const KEYS: &[&str] = &[
    "urls",
    "domain",
    "site",
    "dns_server",
    "security",
    "allow_plain_text",
    "ca_file",
    "pinned_sha256",
    "sign_in",
    "sign_in_retry_after",
    "bind_dn",
    "bind_password_file",
    "bind_password_env",
    "bind_password_credential",
    "client_certificate_file",
    "client_key_file",
    "keytab_file",
    "principal",
    "bases",
    "exclude",
    "user_filter",
    "group_filter",
    "unit_filter",
    "page_size",
    "connections",
    "connect_timeout",
    "operation_timeout",
    "change_notification",
    "change_notification_pause",
];

/// Reads the settings; None when something is missing.
pub(super) fn read(table: &Section, run_timeout: Duration, filters: &Filters) -> Option<Ldap> {
    if !table.is_set("domain") {
        table.require("urls", "urls = [\"ldaps://dc1.example.org\", \"ldaps://dc2.example.org\"], or domain = \"ad.example.org\"");
    }
    table.require("bases", "bases = [\"DC=example,DC=org\"]");
    let servers = servers(table);
    let trust = trust::read(table);
    let several = match &servers {
        Some(LdapServers::Listed(servers)) if servers.len() > 1 => Some("urls names"),
        Some(LdapServers::Domain(_)) => Some("domain stands for"),
        _ => None,
    };
    if let (TlsTrust::Pinned(_), Some(several)) = (&trust, several) {
        let problem = format!("fits one server, and {several} several: each has a certificate of its own");
        table.mistake(
            "pinned_sha256",
            Problem::new(problem)
                .hint("name the CA that signed them with ca_file, or one server alone with urls"),
        );
    }
    let bases = bases(table);
    let exclude = units::exclude(table, bases.as_deref().unwrap_or_default());
    let operation_timeout = table.duration("operation_timeout", SECOND..=MINUTE * 10, SECOND * 30);
    if operation_timeout > run_timeout {
        let problem = format!("is longer than the whole run may take (run_timeout is {})", text(run_timeout));
        table.mistake(
            "operation_timeout",
            Problem::new(problem).hint("make it shorter, or run_timeout longer"),
        );
    }
    let sign_in = sign_in::read(table, servers.as_ref());
    let sign_in_retry_after = table.duration("sign_in_retry_after", MINUTE..=DAY, MINUTE * 30);
    let filter = |key, default| filter(table, key, default);
    let (user_filter, group_filter, unit_filter) = (
        filter("user_filter", filters.users),
        filter("group_filter", filters.groups),
        filter("unit_filter", filters.units),
    );
    let page_size = table.number("page_size", 1..=1000, 1000);
    let connections = table.is_set("connections").then(|| table.number("connections", 1..=16, 4));
    let connect_timeout = table.duration("connect_timeout", SECOND..=HOUR, SECOND * 10);
    let notified = table.flag("change_notification", true);
    let pause = table.duration("change_notification_pause", SECOND..=HOUR, SECOND * 30);
    Some(Ldap {
        servers: servers?,
        trust,
        sign_in: sign_in?,
        sign_in_retry_after,
        bases: bases?,
        exclude: exclude?,
        user_filter,
        group_filter,
        unit_filter,
        page_size,
        connections,
        connect_timeout,
        operation_timeout,
        change_notification: notified.then_some(pause),
    })
}

fn servers(table: &Section) -> Option<LdapServers> {
    const SECURITY: [(&str, LdapSecurity); 3] =
        [("tls", LdapSecurity::Tls), ("starttls", LdapSecurity::StartTls), ("plain", LdapSecurity::Plain)];
    let security = table.choice("security", &SECURITY, Some("tls")).unwrap_or(LdapSecurity::Tls);
    let plain = security == LdapSecurity::Plain;
    let allowed = table.flag("allow_plain_text", false);
    if allowed && !plain {
        let problem = Problem::new("contradicts security: it allows what isn't asked for");
        table.mistake("allow_plain_text", problem.hint("take it out"));
    }
    if table.is_set("domain") {
        if table.is_set("urls") {
            let problem = Problem::new("contradicts urls: servers are either listed or found by DNS");
            table.mistake("domain", problem.hint("keep one of the two"));
        }
        table.know(&["urls"]);
        let domain = domain::read(table, security);
        if let Some(domain) = domain.as_ref().filter(|_| plain) {
            judge_plain_text(table, &format!("the controllers of {}", domain.name), "TLS", allowed);
        }
        return domain.map(LdapServers::Domain);
    }
    table.know(&["domain"]);
    table.refuse(&domain::KEYS, "domain");
    table.know(&domain::KEYS);
    if security == LdapSecurity::StartTls {
        let problem =
            Problem::new("can't be \"starttls\" with urls: each URL says how its server is spoken to");
        table.mistake("security", problem.hint("take it out, and write ldap:// for StartTLS"));
    }
    let servers = table.list("urls", |text| server(text, plain));
    if servers.as_ref().is_some_and(Vec::is_empty) {
        table.mistake(
            "urls",
            Problem::new("is empty").hint("for example: urls = [\"ldaps://dc1.example.org\"]"),
        );
    }
    let servers = servers?;
    let others =
        servers.iter().filter(|s| s.security == LdapSecurity::Plain && !trust::is_this_machine(&s.host));
    let others: Vec<&str> = others.map(|server| server.host.as_str()).collect();
    if !others.is_empty() {
        judge_plain_text(table, &others.join(", "), "StartTLS for ldap://", allowed);
    }
    Some(LdapServers::Listed(servers))
}

fn judge_plain_text(table: &Section, hosts: &str, instead: &str, allowed: bool) {
    let problem =
        Problem::new(format!("sends the password and all data in clear over the network to {hosts}"));
    if allowed {
        table.warn("security", problem.hint("use TLS: take the line out, and name the CA with ca_file"));
    } else {
        let hint = format!("take the line out ({instead} then protects it), or add allow_plain_text = true");
        table.mistake("security", problem.hint(hint));
    }
}

fn server(text: &str, plain: bool) -> Result<LdapServer, Problem> {
    let example = "for example: \"ldaps://dc1.example.org\", or \"ldap://dc1.example.org\" for StartTLS";
    let problem = |what: &str| Problem::new(what.to_owned()).hint(example);
    let url = Url::parse(text).map_err(|_| problem(&format!("{} is no URL", quoted(text))))?;
    let security = match (url.scheme(), plain) {
        ("ldaps", false) => LdapSecurity::Tls,
        ("ldap", false) => LdapSecurity::StartTls,
        ("ldap", true) => LdapSecurity::Plain,
        ("ldaps", true) => {
            return Err(
                Problem::new("contradicts security = \"plain\": ldaps:// is TLS").hint("take out security")
            );
        }
        _ => return Err(problem(&format!("{} begins with neither ldaps:// nor ldap://", quoted(text)))),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("must not hold a user or a password")
            .hint("bind_dn and bind_password_file say who signs in"));
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(problem(&format!("{} has something after the server", quoted(text)))
            .hint("what is read is said by bases and the filters"));
    }
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if !trust::is_host(host) {
        return Err(problem(&format!("{} names no server", quoted(text))));
    }
    let port = url.port().unwrap_or(if security == LdapSecurity::Tls { 636 } else { 389 });
    Ok(LdapServer { host: host.to_owned(), port, security })
}

fn bases(table: &Section) -> Option<Vec<String>> {
    let bases = table.list("bases", |text| dn(text).map(|name| (text.to_owned(), name)))?;
    if bases.is_empty() {
        table.mistake("bases", Problem::new("is empty").hint("for example: bases = [\"DC=example,DC=org\"]"));
    }
    for (n, (text, name)) in bases.iter().enumerate() {
        let mut others =
            bases.iter().enumerate().filter(|(m, (_, other))| *m != n && (other != name || *m < n));
        if let Some((_, (other, _))) = others.find(|(_, (_, other))| name.is_within(other)) {
            let problem = format!("{} is within {}, which is read whole", quoted(text), quoted(other));
            table.note_element(
                "bases",
                n,
                Severity::Error,
                Problem::new(problem).hint("keep one of the two"),
            );
        }
    }
    Some(bases.into_iter().map(|(text, _)| text).collect())
}

/// A distinguished name that isn't the empty one.
pub(super) fn dn(text: &str) -> Result<Dn, Problem> {
    let problem = |reason: &str| {
        Problem::new(format!("{} is no distinguished name: {reason}", quoted(text)))
            .hint("for example: \"OU=People,DC=example,DC=org\"")
    };
    let name: Dn = text.parse().map_err(|error: NotADn| problem(error.reason()))?;
    if name.rdns().is_empty() {
        return Err(problem("it is empty"));
    }
    // The grammar has them; no directory does.
    let nothing = name.rdns().iter().any(|rdn| rdn.value().trim().is_empty());
    if nothing { Err(problem("nothing stands behind an =")) } else { Ok(name) }
}

/// A name that can sign in with a password.
pub(super) fn bind_name(text: &str) -> Result<String, Problem> {
    if text.contains(['@', '\\']) && !text.contains('=') {
        return Ok(text.to_owned());
    }
    let problem = |_| {
        Problem::new(format!("{} is no name that can sign in", quoted(text))).hint(
            "give the account's DN (\"CN=Budkavle,OU=Service accounts,DC=example,DC=org\") or its user principal \
             name (\"budkavle@example.org\")",
        )
    };
    dn(text).map(|_| text.to_owned()).map_err(problem)
}

fn filter(table: &Section, key: &str, default: &str) -> String {
    if !table.is_set(key) {
        table.set(key, default.into());
        return default.to_owned();
    }
    let filter = table.parsed(key, |text| {
        let (open, close) = (text.matches('(').count(), text.matches(')').count());
        if ldap3::parse_filter(text).is_ok() {
            return Ok(text.to_owned());
        }
        let why = if open == close { String::new() } else { format!(": it has {open} ( and {close} )") };
        let problem = Problem::new(format!("{} is no LDAP filter{why}", quoted(text)));
        Err(problem.hint(format!("for example: \"{default}\" (RFC 4515)")))
    });
    filter.unwrap_or_default()
}
