//! PostgreSQL as a store: a server that all tests share and is asked over TLS; each test has a database in it.

pub mod failover;
mod moving;
mod nodes;
mod server;
mod silence;
mod trouble;
mod upgrade;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use budkavle::store::{Clock, PostgresServer, PostgresSettings, PostgresTls, Store};

use self::server::Server;

/// The server that all tests share.
static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start("main", server::Place::default()));
static DATABASES: AtomicU32 = AtomicU32::new(0);

impl Server {
    /// How a node reaches a database here.
    pub fn settings(&self, database: &str, node: &str) -> PostgresSettings {
        PostgresSettings {
            servers: vec![PostgresServer::Tcp("127.0.0.1".into(), self.port)],
            database: database.into(),
            user: "budkavle".into(),
            password: Some("secret".into()),
            tls: PostgresTls::Verify,
            ca_file: Some(self.ca()),
            cert_file: None,
            key_file: None,
            node: node.into(),
            connections: 6,
            statement: PostgresSettings::STATEMENT,
        }
    }
}

/// A database of one test.
pub struct Database {
    pub name: String,
}

impl Database {
    /// An empty one.
    pub async fn new() -> Database {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let made = name.clone();
        let make = move || SERVER.psql("postgres", &format!("CREATE DATABASE {made} OWNER budkavle"));
        tokio::task::spawn_blocking(make).await.unwrap();
        Database { name }
    }

    /// How a node reaches it.
    pub fn settings(&self, node: &str) -> PostgresSettings {
        SERVER.settings(&self.name, node)
    }

    /// Opens it as a node.
    pub async fn open(&self, node: &str) -> Store {
        Store::open_postgres(self.settings(node), clock()).await.unwrap().0
    }

    /// Runs SQL in it as the superuser.
    pub async fn psql(&self, sql: &str) -> String {
        let (name, sql) = (self.name.clone(), sql.to_owned());
        tokio::task::spawn_blocking(move || SERVER.psql(&name, &sql)).await.unwrap()
    }
}

/// The real time: a node lives by it.
#[expect(clippy::disallowed_methods, reason = "a node's life is told to others by real clocks")]
pub fn clock() -> Clock {
    Arc::new(chrono::Utc::now)
}
