//! Each server of a database, tried by itself: `budkavle check --online`.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection};

use super::super::cluster::{PostgresSettings, ProbedDatabase};
use super::super::error::StoreError;
use super::super::jobs::trouble::Fault;
use super::connect::{options, sessions};
use super::said;

/// A server that says nothing within this is away.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks each server what it is; changes nothing.
pub(in super::super) async fn probe(
    settings: &PostgresSettings,
) -> Vec<(String, Result<ProbedDatabase, StoreError>)> {
    let mut probed = Vec::new();
    for (at, server) in settings.servers.iter().enumerate() {
        let place = format!("{} at {server}", settings.database);
        let asked = tokio::time::timeout(PATIENCE, ask(settings, at)).await;
        let silent = || Err(sqlx::Error::PoolTimedOut);
        let answer = asked.unwrap_or_else(|_| silent());
        let said = answer.map_err(|error| Fault::Trouble(said::trouble(&place, error)).at_database(&place));
        probed.push((server.to_string(), said));
    }
    probed
}

async fn ask(settings: &PostgresSettings, at: usize) -> Result<ProbedDatabase, sqlx::Error> {
    let mut connection = options(settings, at, &sessions(&settings.node)).connect().await?;
    let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
    let standby: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut connection).await?;
    let made: bool = sqlx::query_scalar("SELECT to_regclass('budkavle.budkavle_meta') IS NOT NULL")
        .fetch_one(&mut connection)
        .await?;
    let tables: Option<i32> = match made {
        true => {
            Some(sqlx::query_scalar("SELECT schema FROM budkavle_meta").fetch_one(&mut connection).await?)
        }
        false => None,
    };
    connection.close().await?;
    Ok(ProbedDatabase { version: version.into(), standby, tables })
}
