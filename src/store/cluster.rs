//! What several nodes that share a store know of each other, and how each reaches it.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
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
    /// So many connections at most, half of them for those who only look; and one more by which the node says that it lives.
    pub connections: u32,
    /// How long a statement may take; by default [`PostgresSettings::STATEMENT`].
    pub statement: Duration,
}

impl PostgresSettings {
    /// How long a statement may take.
    pub const STATEMENT: Duration = Duration::from_secs(30);
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
    pub(super) until: Moment,
    /// The same by the clock on the wall, which goes on while a machine is suspended.
    pub(super) until_wall: DateTime<Utc>,
    /// Which of its lives this is: what was claimed in an earlier one isn't this node's any more.
    pub(super) life: Life,
    /// How far its clock is before that of the database.
    pub(super) ahead: TimeDelta,
    /// When its keeper last turned round.
    pub(super) turned: Moment,
    /// Why the database doesn't serve, if it doesn't; or why this node takes no part.
    pub trouble: Option<String>,
    /// The same, for whoever asks for something.
    pub(super) refusal: Option<StoreError>,
    /// All nodes, as last seen, by name.
    pub nodes: Vec<NodeState>,
    /// What the others are told of this one's channels.
    pub(super) broken: Vec<BrokenChannel>,
}

impl Standing {
    /// Nobody knows of it yet.
    pub(super) fn new(name: &str, now: DateTime<Utc>) -> Standing {
        Standing {
            name: name.into(),
            epoch: None,
            seen: None,
            until: moment(),
            until_wall: now,
            life: Life(0),
            ahead: TimeDelta::zero(),
            turned: moment(),
            trouble: None,
            refusal: None,
            nodes: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// A new life begins.
    pub(super) fn begin(&mut self, life: i64) {
        (self.life, self.epoch) = (Life(life), None);
    }

    /// The database has answered.
    pub(super) fn heard(&mut self, now: DateTime<Utc>, until: Moment, ahead: TimeDelta) {
        let left = TimeDelta::from_std(until.saturating_duration_since(moment())).unwrap_or_default();
        (self.seen, self.until, self.until_wall) = (Some(now), until, now + left);
        (self.ahead, self.trouble, self.refusal) = (ahead, None, None);
    }

    /// The database has not, or doesn't let it take part.
    pub(super) fn refuse(&mut self, error: StoreError) {
        (self.trouble, self.refusal) = (Some(error.to_string()), Some(error));
    }

    /// It takes no part any more.
    pub(super) fn leave(&mut self) {
        (self.epoch, self.until) = (None, moment());
    }

    /// Whether the others count on it now.
    pub fn counts(&self) -> bool {
        moment() < self.until
    }

    /// In which life it is, if the others count on it at `now`.
    pub(super) fn life_at(&self, now: DateTime<Utc>) -> Option<Life> {
        (self.counts() && now < self.until_wall).then_some(self.life)
    }

    /// Whether it is the one that syncs.
    pub fn leads(&self) -> bool {
        self.epoch.is_some() && self.counts()
    }

    /// The other nodes that live.
    pub fn others(&self) -> impl Iterator<Item = &NodeState> {
        self.nodes.iter().filter(|node| node.alive && node.name != self.name)
    }

    /// Who has the lease, in words.
    pub(super) fn holder(&self) -> String {
        let holder = self.nodes.iter().find(|node| node.leads);
        holder.map_or_else(|| "none just now".to_owned(), |node| format!("the node {}", node.name))
    }
}

/// A life of a node among others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life(i64);

/// The right to sync, as a node had it at some time: under a later one it may not write what it has read under this one. By default it is
/// whichever it has when it writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lease(pub(super) Option<i64>);

/// A moment by a clock that nobody sets.
pub(super) type Moment = std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "it tells how long others count on us, whatever our clocks show"
)]
pub(super) fn moment() -> Moment {
    Moment::now()
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
    /// The channels that work for nobody from there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<BrokenChannel>,
}

/// A channel that works for nobody.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct BrokenChannel {
    /// Which.
    pub channel: ChannelName,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What is wrong with it.
    pub reason: Box<str>,
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

    /// Tells the other nodes which channels work for nobody from here.
    pub fn say_broken(&self, broken: Vec<BrokenChannel>) {
        if let Store::Postgres(store) = self {
            store.say_broken(broken);
        }
    }

    /// The other nodes that live.
    pub fn others(&self) -> Vec<NodeState> {
        self.standing().map_or_else(Vec::new, |standing| standing.others().cloned().collect())
    }

    /// Whether this node is the one that syncs and tells what time brings. Who is alone always is.
    pub fn leads(&self) -> bool {
        self.standing().is_none_or(|standing| standing.leads())
    }

    /// The lease by which this node is; an error, that says who is, when it isn't.
    ///
    /// # Errors
    /// [`StoreError::NotLeading`].
    pub fn check_leads(&self) -> Result<Lease, StoreError> {
        match self.standing() {
            Some(standing) if !standing.leads() => Err(StoreError::NotLeading { holder: standing.holder() }),
            standing => Ok(Lease(standing.and_then(|standing| standing.epoch))),
        }
    }

    /// In which of its lives this node is; None: the others don't count on it now, and what it claimed wouldn't be its own for long.
    pub fn life(&self) -> Option<Life> {
        match self {
            Store::Sled(_) => Some(Life(0)),
            Store::Postgres(store) => store.life(),
        }
    }

    /// Whether what was claimed in a life is still this node's: the others haven't taken it for dead in between.
    pub fn holds_claims(&self, claimed: Life) -> bool {
        self.life() == Some(claimed)
    }

    /// Whether this node still says to the others that it lives; false: what does it hangs.
    ///
    /// # Errors
    /// [`StoreError::Database`]: what does it has ended, by a defect.
    pub fn is_kept(&self) -> Result<bool, StoreError> {
        match self {
            Store::Sled(_) => Ok(true),
            Store::Postgres(store) => store.is_kept(),
        }
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
}
