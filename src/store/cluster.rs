//! What several nodes that share a store know of each other, and how each reaches it.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::domain::delta::Delta;
use crate::domain::ids::Generation;

use super::postgres::{PostgresServer, PostgresTls};
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

/// How this node stands among those that share its store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
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
    pub(super) fn new(now: DateTime<Utc>) -> Standing {
        Standing { epoch: None, seen: None, until: now, since: now, trouble: None, nodes: Vec::new() }
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
