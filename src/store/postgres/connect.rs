//! Connections: where to, as whom, how encrypted, and that it is a server that takes what we write.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, PgPool};

use super::super::cluster::PostgresSettings;
use super::super::error::StoreError;

/// The schema that all tables are in.
pub(super) const SCHEMA: &str = "budkavle";
/// No answer to an attempt to connect within this, and it has failed.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Connections that nobody has used for so long are closed.
const IDLE: Duration = Duration::from_secs(300);

/// What holds for every session. Who falls silent in a transaction is thrown out, and what it holds is free: a node that is suspended in the
/// middle of a commit must not hold up the others.
const SESSION: [(&str, &str); 7] = [
    ("search_path", SCHEMA),
    ("idle_in_transaction_session_timeout", "5s"),
    ("lock_timeout", "20s"),
    ("statement_timeout", "30s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
];

/// Encryption of the connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PostgresTls {
    /// Encrypted, and the server's certificate is of a known authority and has its name.
    Verify,
    /// Not encrypted: only for a server on this machine.
    Off,
}

/// A server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PostgresServer {
    /// By name or address, and port.
    Tcp(Box<str>, u16),
    /// By the folder of its Unix socket, and port.
    Socket(PathBuf, u16),
}

impl std::fmt::Display for PostgresServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PostgresServer::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            PostgresServer::Tcp(host, port) => write!(f, "{host}:{port}"),
            PostgresServer::Socket(folder, port) => write!(f, "{}:{port}", folder.display()),
        }
    }
}

/// The pool, and which of the servers it connects to.
pub(super) struct Connections {
    pool: ArcSwap<PgPool>,
    settings: PostgresSettings,
    at: AtomicUsize,
    closed: AtomicBool,
}

impl Connections {
    /// A pool that connects when somebody wants something.
    pub(super) fn new(settings: PostgresSettings) -> Connections {
        let pool = ArcSwap::from_pointee(pool(&settings, 0));
        Connections { pool, settings, at: AtomicUsize::new(0), closed: AtomicBool::new(false) }
    }

    /// The connections in use.
    pub(super) fn pool(&self) -> PgPool {
        PgPool::clone(&self.pool.load())
    }

    /// Where the database is, for what is said to people.
    pub(super) fn place(&self) -> String {
        let at = self.at.load(Ordering::Relaxed);
        let server = self.settings.servers.get(at).map(ToString::to_string).unwrap_or_default();
        format!("{} at {server}", self.settings.database)
    }

    /// This server is away or takes nothing: the next one is used from now on.
    pub(super) fn turn_away(&self) {
        let servers = self.settings.servers.len();
        if servers < 2 || self.is_closed() {
            return;
        }
        let at = (self.at.load(Ordering::Relaxed) + 1) % servers;
        self.at.store(at, Ordering::Relaxed);
        let before = self.pool.swap(Arc::new(pool(&self.settings, at)));
        tokio::spawn(async move { before.close().await });
    }

    /// The name of this node.
    pub(super) fn node(&self) -> &str {
        &self.settings.node
    }

    /// Whether there is an end to it.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.pool().close().await;
    }
}

fn pool(settings: &PostgresSettings, at: usize) -> PgPool {
    PgPoolOptions::new()
        .max_connections(settings.connections.max(2))
        .acquire_timeout(CONNECT_WITHIN)
        .idle_timeout(IDLE)
        .connect_lazy_with(options(settings, at))
}

pub(super) fn options(settings: &PostgresSettings, at: usize) -> PgConnectOptions {
    let PostgresSettings { database, user, password, tls, ca_file, cert_file, key_file, node, .. } = settings;
    // Not what happens to lie in the environment or the home of whoever runs us.
    let mut options = PgConnectOptions::new_without_pgpass()
        .database(database)
        .username(user)
        .application_name(&format!("budkavle {node}"))
        .options(SESSION)
        .disable_statement_logging();
    options = match settings.servers.get(at) {
        Some(PostgresServer::Tcp(host, port)) => options.host(host).port(*port),
        Some(PostgresServer::Socket(folder, port)) => options.socket(folder).port(*port),
        None => options,
    };
    options = match tls {
        PostgresTls::Verify => options.ssl_mode(PgSslMode::VerifyFull),
        PostgresTls::Off => options.ssl_mode(PgSslMode::Disable),
    };
    if let Some(password) = password {
        use secrecy::ExposeSecret;
        options = options.password(password.expose_secret());
    }
    if let Some(file) = ca_file {
        options = options.ssl_root_cert(file);
    }
    if let (Some(cert), Some(key)) = (cert_file, key_file) {
        options = options.ssl_client_cert(cert).ssl_client_key(key);
    }
    options
}

/// A database that was found to be another's.
pub(super) fn foreign(place: &str, what: &str) -> StoreError {
    StoreError::Database { place: place.to_owned(), what: what.to_owned() }
}
