//! Which store the configuration names: the folder of this machine, or the database that nodes share.

use std::sync::Arc;

use super::clock::Clock;
use super::wire;
use crate::config::{self, Config};
use crate::store::{Opening, PostgresServer, PostgresSettings, PostgresTls, Store, StoreError};

/// Opens the store that the configuration names.
pub async fn open_store(config: &Config, clock: &Clock) -> Result<(Store, Opening), StoreError> {
    match settings(config) {
        Some(settings) => {
            let clock = clock.clone();
            Store::open_postgres(settings, Arc::new(move || clock.now())).await
        }
        None => Store::open_sled(wire::store_settings(config), clock.now()).await,
    }
}

/// Which database is the store, if one is.
pub fn settings(config: &Config) -> Option<PostgresSettings> {
    let database = config.store.postgres.as_ref()?;
    let server = |server: &config::DatabaseServer| match server {
        config::DatabaseServer::Tcp(host, port) => PostgresServer::Tcp(host.as_str().into(), *port),
        config::DatabaseServer::Socket(folder, port) => PostgresServer::Socket(folder.clone(), *port),
    };
    let (cert_file, key_file) = database.certificate.clone().unzip();
    Some(PostgresSettings {
        servers: database.servers.iter().map(server).collect(),
        database: database.database.as_str().into(),
        user: database.user.as_str().into(),
        password: database.password.as_ref().map(|password| password.value().clone()),
        tls: if database.encrypted { PostgresTls::Verify } else { PostgresTls::Off },
        ca_file: database.ca_file.clone(),
        cert_file,
        key_file,
        node: database.node.as_str().into(),
        connections: database.connections,
        statement: PostgresSettings::STATEMENT,
    })
}
