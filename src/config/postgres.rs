//! `[store.postgresql]`: the database that several nodes share. All of it needs a restart.

use std::path::PathBuf;

use super::reader::{Problem, Section};
use super::secret::{self, Secret};
use super::trust;
use super::words::quoted;

/// The port of PostgreSQL.
const PORT: u16 = 5432;

/// The database and this node in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Postgres {
    /// Its servers, the preferred one first.
    pub servers: Vec<DatabaseServer>,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: Option<Secret>,
    /// Whether connections are encrypted.
    pub encrypted: bool,
    /// The authority of its certificate.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// What this node is called.
    pub node: String,
    /// So many connections at most.
    pub connections: u32,
}

/// One of its servers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DatabaseServer {
    /// By name or address, and port.
    Tcp(String, u16),
    /// By the folder of its socket, and port.
    Socket(PathBuf, u16),
}

/// None when there is no such section: then the store is the embedded one.
pub(super) fn read(section: &Section) -> Option<Postgres> {
    let servers = section.list("servers", server).unwrap_or_default();
    let named = section.is_set("servers");
    if named && servers.is_empty() {
        section.mistake(
            "servers",
            Problem::new("names no server").hint("for example: servers = [\"db1.example.org\"]"),
        );
    }
    let encrypted =
        section.choice("tls", &[("verify", true), ("off", false)], Some("verify")).unwrap_or(true);
    let elsewhere = servers.iter().any(|server| match server {
        DatabaseServer::Tcp(host, _) => !trust::is_this_machine(host),
        DatabaseServer::Socket(..) => false,
    });
    if !encrypted && elsewhere {
        let problem = Problem::new("would send the password and everything else in clear over the network");
        section.mistake("tls", problem.hint("take it out: \"verify\" is the default"));
    }
    let ca_file = section.path("ca_file");
    let certificate = match (section.path("cert_file"), section.path("key_file")) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (Some(_), None) => {
            section.require("key_file", "key_file = \"/etc/budkavle/postgresql.key\"");
            None
        }
        (None, Some(_)) => {
            section.require("cert_file", "cert_file = \"/etc/budkavle/postgresql.crt\"");
            None
        }
        (None, None) => None,
    };
    let postgres = Postgres {
        servers,
        database: or_default(section, "database", "budkavle"),
        user: or_default(section, "user", "budkavle"),
        password: secret::read(section, "password"),
        encrypted,
        ca_file,
        certificate,
        node: or_default(section, "node", &host_name()),
        connections: section.number("connections", 2..=100, 8),
    };
    named.then_some(postgres)
}

fn or_default(section: &Section, key: &str, default: &str) -> String {
    let text = section.text(key);
    if !section.is_set(key) {
        section.set(key, default.into());
    }
    text.unwrap_or_else(|| default.to_owned())
}

/// `NAME`, `NAME:PORT`, `[ADDRESS]:PORT`, `/FOLDER` or `/FOLDER:PORT`.
fn server(text: &str) -> Result<DatabaseServer, Problem> {
    let problem = || {
        Problem::new(format!("{} is no server", quoted(text)))
            .hint("for example: \"db1.example.org\", \"db1.example.org:5432\", \"[2001:db8::1]:5432\" or \"/run/postgresql\"")
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok().filter(|port| *port > 0).ok_or_else(problem)?)
        }
        _ => (text, PORT),
    };
    if host.starts_with('/') {
        return Ok(DatabaseServer::Socket(host.into(), port));
    }
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if trust::is_host(host) { Ok(DatabaseServer::Tcp(host.to_owned(), port)) } else { Err(problem()) }
}

/// What this machine is called.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "node".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_many_spellings() {
        let tcp = |host: &str, port| Some(DatabaseServer::Tcp(host.to_owned(), port));
        for (text, expected) in [
            ("db1", tcp("db1", 5432)),
            ("db1.example.org:6432", tcp("db1.example.org", 6432)),
            ("192.0.2.1", tcp("192.0.2.1", 5432)),
            ("2001:db8::1", tcp("2001:db8::1", 5432)),
            ("[2001:db8::1]:6432", tcp("2001:db8::1", 6432)),
            ("/run/postgresql", Some(DatabaseServer::Socket("/run/postgresql".into(), 5432))),
            ("/run/postgresql:5433", Some(DatabaseServer::Socket("/run/postgresql".into(), 5433))),
            ("db1:0", None),
            ("db1:x", None),
            ("a b", None),
            ("postgres://db1", None),
        ] {
            assert_eq!(server(text).ok(), expected, "{text}");
        }
    }
}
