//! What several nodes that share a store know of each other, and how each reaches it.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tokio::sync::watch;

use crate::domain::delta::Delta;
use crate::domain::ids::{ChannelName, Generation};

use super::Store;
use super::error::StoreError;
use super::postgres::{self, PostgresServer, PostgresTls};
use super::types::State;

/// Where a store in PostgreSQL is, and who we are there.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// Its servers; the first one that takes what we write is used. At least one.
    pub servers: Vec<PostgresServer>,
    /// The database, which Budkavle needn't share with anybody.
    pub database: Box<str>,
    /// The user.
    pub user: Box<str>,
    /// The user's password; None: the server asks for none, or for a certificate.
    pub password: Option<SecretString>,
    /// Encryption.
    pub tls: PostgresTls,
    /// The authority of the server's certificate; None: those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Our certificate …
    pub cert_file: Option<PathBuf>,
    /// … and its key.
    pub key_file: Option<PathBuf>,
    /// What this node is called among the others.
    pub node: Box<str>,
    /// So many connections at most, at least 2.
    pub connections: u32,
}

/// What a server of a database is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbedDatabase {
    /// Its version of PostgreSQL.
    pub version: Box<str>,
    /// Whether it is another server's copy, which takes nothing.
    pub standby: bool,
    /// The version of Budkavle's tables; None: there are none yet.
    pub tables: Option<i32>,
}

/// How this node stands among those that share its store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What it is called.
    pub name: Box<str>,
    /// The epoch of the lease, while this node has it: then it is the one that syncs.
    pub epoch: Option<i64>,
    /// When the database last answered.
    pub seen: Option<DateTime<Utc>>,
    /// So long the others count on this node, if it says nothing more.
    pub until: DateTime<Utc>,
    /// Since when they have without a break: what was claimed before isn't this node's any more.
    pub since: DateTime<Utc>,
    /// Why the database doesn't serve, if it doesn't.
    pub trouble: Option<String>,
    /// All nodes, as last seen, by name.
    pub nodes: Vec<NodeState>,
}

impl Standing {
    /// Nobody knows of it yet.
    pub(super) fn new(name: &str, now: DateTime<Utc>) -> Standing {
        let name = name.into();
        Standing { name, epoch: None, seen: None, until: now, since: now, trouble: None, nodes: Vec::new() }
    }

    /// A new life begins.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) {
        (self.since, self.epoch) = (now, None);
    }

    /// It takes no part any more.
    pub(super) fn leave(&mut self) {
        self.epoch = None;
        self.until = DateTime::<Utc>::MIN_UTC;
    }

    /// Who has the lease, in words.
    pub(super) fn holder(&self) -> String {
        let holder = self.nodes.iter().find(|node| node.leads);
        holder.map_or_else(|| "none just now".to_owned(), |node| format!("the node {}", node.name))
    }
}

/// A node, as its store knows it.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct NodeState {
    /// What it is called.
    pub name: Box<str>,
    /// The version of Budkavle that it runs.
    pub version: Box<str>,
    /// Since when it lives, by the clock of the database.
    pub started: DateTime<Utc>,
    /// When it last gave a sign of life, by the same.
    pub seen: DateTime<Utc>,
    /// What it answers from.
    pub generation: Generation,
    /// How far its clock is before that of the database, in milliseconds.
    pub clock_ahead_ms: i64,
    /// Whether it counts as alive.
    pub alive: bool,
    /// Whether it is the one that syncs.
    pub leads: bool,
}

/// What a node has heard of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tidings {
    /// Whether it is the one that syncs.
    pub leads: bool,
    /// The last generation that was committed.
    pub generation: u64,
    /// The number of the last message that was put into the outbox.
    pub messages: u64,
    /// How many messages of dead nodes were freed.
    pub freed: u64,
}

/// What others have committed, taken into what this node knew.
#[derive(Clone, Debug)]
pub struct CaughtUp {
    /// What is stored now.
    pub state: State,
    /// How its objects differ from those before; None: nobody knows, it was read as a whole.
    pub delta: Option<Delta>,
}

// === what the contract says of them ===

impl Store {
    /// Asks each server of a database what it is; changes nothing.
    pub async fn probe_postgres(
        settings: &PostgresSettings,
    ) -> Vec<(String, Result<ProbedDatabase, StoreError>)> {
        postgres::probe(settings).await
    }

    /// How this node stands among those that share its store; None: it shares it with nobody.
    pub fn standing(&self) -> Option<Standing> {
        match self {
            Store::Sled(_) => None,
            Store::Postgres(store) => Some(store.standing()),
        }
    }

    /// Whether this node is the one that syncs and tells what time brings. Who is alone always is.
    pub fn leads(&self) -> bool {
        self.standing().is_none_or(|standing| standing.epoch.is_some())
    }

    /// The same, as an error that says who is.
    ///
    /// # Errors
    /// [`StoreError::NotLeading`].
    pub fn check_leads(&self) -> Result<(), StoreError> {
        match self.standing() {
            Some(standing) if standing.epoch.is_none() => {
                Err(StoreError::NotLeading { holder: standing.holder() })
            }
            _ => Ok(()),
        }
    }

    /// Whether what was claimed at `claimed` is still this node's at `now`: the others haven't taken it for dead in between.
    pub fn holds_claims(&self, claimed: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.standing().is_none_or(|standing| standing.since <= claimed && now < standing.until)
    }

    /// What is heard of the others; None: there are none.
    pub fn tidings(&self) -> Option<watch::Receiver<Tidings>> {
        match self {
            Store::Sled(_) => None,
            Store::Postgres(store) => Some(store.tidings()),
        }
    }

    /// Whether others have committed something that isn't in a picture of this generation.
    pub async fn is_behind(
        &self,
        generation: Generation,
        contacts_seen: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        match self {
            Store::Sled(_) => Ok(false),
            Store::Postgres(store) => store.is_behind(generation.0, contacts_seen).await,
        }
    }

    /// What others have committed since `known`, taken into it.
    pub async fn catch_up(&self, known: State) -> Result<CaughtUp, StoreError> {
        match self {
            Store::Sled(_) => Ok(CaughtUp { state: known, delta: Some(Delta::default()) }),
            Store::Postgres(store) => store.catch_up(known).await,
        }
    }

    /// How many of `wanted` messages of a channel may be begun with now, so that all nodes together begin with at most `per_minute` within
    /// any minute. What is granted and not begun with is lost.
    pub async fn grant(
        &self,
        channel: &ChannelName,
        per_minute: Option<u32>,
        wanted: usize,
    ) -> Result<usize, StoreError> {
        match (self, per_minute) {
            (Store::Postgres(store), Some(per_minute)) if wanted > 0 => {
                store.grant(channel, per_minute, wanted).await
            }
            _ => Ok(wanted),
        }
    }

    /// The other nodes that are at work.
    pub fn other_nodes(&self) -> Vec<Box<str>> {
        match self {
            Store::Sled(_) => Vec::new(),
            Store::Postgres(store) => store.others(),
        }
    }
}
