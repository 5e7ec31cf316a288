//! Connections: where to, as whom, how encrypted, and that it is a server that takes what we write.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use super::super::cluster::PostgresSettings;
use super::super::error::StoreError;
use super::line::Line;

/// The schema that all tables are in.
pub(super) const SCHEMA: &str = "budkavle";
/// No answer to an attempt to connect within this, and it has failed.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Connections that nobody has used for so long are closed.
const IDLE: Duration = Duration::from_secs(300);

/// What holds for every session. Who falls silent in a transaction is thrown out, and what it holds is free: a node that is suspended in the
/// middle of a commit must not hold up the others.
const SESSION: [(&str, &str); 8] = [
    ("search_path", SCHEMA),
    // Whatever the role is given otherwise: what the locks mean, and what is durable, rests on these.
    ("default_transaction_isolation", "read committed"),
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15s"),
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

/// The connections, and to which of the servers they go. Who changes something and who only looks have each their own: many that look must not
/// keep it from being noted what was sent.
pub(super) struct Connections {
    pools: ArcSwap<Pools>,
    settings: PostgresSettings,
    at: AtomicUsize,
    closed: AtomicBool,
    sessions: String,
}

impl Connections {
    /// A pool that connects when somebody wants something.
    pub(super) fn new(settings: PostgresSettings) -> Connections {
        let sessions = sessions(&settings.node);
        let pools = ArcSwap::from_pointee(Pools::new(&settings, 0, &sessions));
        let (at, closed) = (AtomicUsize::new(0), AtomicBool::new(false));
        Connections { pools, settings, at, closed, sessions }
    }

    /// What the sessions of this run of the node are called.
    pub(super) fn sessions(&self) -> &str {
        &self.sessions
    }

    /// The connections of those who change something.
    pub(super) fn pool(&self) -> PgPool {
        self.pools.load().changing.clone()
    }

    /// The connections of those who look.
    pub(super) fn looking(&self) -> PgPool {
        self.pools.load().looking.clone()
    }

    /// A connection that is in no pool.
    pub(super) async fn own(&self) -> Result<PgConnection, sqlx::Error> {
        options(&self.settings, self.at.load(Ordering::Relaxed), &self.sessions).connect().await
    }

    /// A connection of its own that hears what other nodes call. It is lost with the server that it was made to.
    pub(super) async fn listener(&self) -> Result<PgListener, sqlx::Error> {
        let options = options(&self.settings, self.at.load(Ordering::Relaxed), &self.sessions);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_WITHIN);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(options)).await?;
        listener.eager_reconnect(false);
        Ok(listener)
    }

    /// How the database is spoken with.
    pub(super) fn line(&self) -> Line {
        Line::new(self.place(), self.settings.statement)
    }

    /// Where the database is, for what is said to people.
    pub(super) fn place(&self) -> String {
        let at = self.at.load(Ordering::Relaxed);
        let server = self.settings.servers.get(at).map(ToString::to_string).unwrap_or_default();
        format!("{} at {server}", self.settings.database)
    }

    /// This server is away or takes nothing: the next one is used from now on. When there is no other, it is with new connections.
    pub(super) fn turn_away(&self) {
        if self.is_closed() {
            return;
        }
        let at = (self.at.load(Ordering::Relaxed) + 1) % self.settings.servers.len().max(1);
        self.at.store(at, Ordering::Relaxed);
        let before = self.pools.swap(Arc::new(Pools::new(&self.settings, at, &self.sessions)));
        // A server that is gone takes no leave.
        tokio::spawn(async move { tokio::time::timeout(IDLE, before.close()).await });
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
        self.pools.load_full().close().await;
    }
}

struct Pools {
    changing: PgPool,
    looking: PgPool,
}

impl Pools {
    fn new(settings: &PostgresSettings, at: usize, sessions: &str) -> Pools {
        let looking = (settings.connections / 2).max(1);
        let changing = settings.connections.saturating_sub(looking).max(1);
        let pool = |connections| pool(options(settings, at, sessions), connections);
        Pools { changing: pool(changing), looking: pool(looking) }
    }

    async fn close(&self) {
        tokio::join!(self.changing.close(), self.looking.close());
    }
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT_WITHIN)
        .acquire_slow_threshold(IDLE)
        .idle_timeout(IDLE)
        // Who comes back without having heard the answer would be waited for without a limit.
        .after_release(|connection, _| {
            Box::pin(async {
                let silent = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
                tokio::time::timeout(CONNECT_WITHIN, connection.ping()).await.map_err(silent)?.map(|()| true)
            })
        })
        .connect_lazy_with(options)
}

/// A name for the sessions of one run of a node; the database keeps 63 characters of ASCII of it.
pub(super) fn sessions(node: &str) -> String {
    let node: String = node.chars().filter(char::is_ascii_graphic).take(40).collect();
    format!("budkavle {node} {:08x}", rand::random::<u32>())
}

pub(super) fn options(settings: &PostgresSettings, at: usize, sessions: &str) -> PgConnectOptions {
    let PostgresSettings { database, user, password, tls, ca_file, cert_file, key_file, .. } = settings;
    let millis = |limit: Duration| limit.as_millis().to_string();
    // Not what happens to lie in the environment or the home of whoever runs us.
    let mut options = PgConnectOptions::new_without_pgpass()
        .database(database)
        .username(user)
        .application_name(sessions)
        .options(SESSION)
        .options([
            ("statement_timeout", millis(settings.statement)),
            ("lock_timeout", millis(settings.statement * 2 / 3)),
        ])
        .disable_statement_logging();
    options = match settings.servers.get(at) {
        Some(PostgresServer::Tcp(host, port)) => options.host(host).port(*port),
        Some(PostgresServer::Socket(folder, port)) => options.socket(folder).port(*port),
        None => options,
    };
    // A socket is never left: PostgreSQL encrypts nothing there.
    let here = matches!(settings.servers.get(at), Some(PostgresServer::Socket(..)));
    options = match tls {
        PostgresTls::Verify if !here => options.ssl_mode(PgSslMode::VerifyFull),
        PostgresTls::Verify | PostgresTls::Off => options.ssl_mode(PgSslMode::Disable),
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
