//! PostgreSQL itself dies: a standby that has everything is promoted, and the nodes go on with it by themselves.

use std::collections::BTreeSet;

use budkavle::domain::ids::ChannelName;
use budkavle::domain::notice::NewNotice;
use budkavle::domain::run::Outcome;
use budkavle::store::{
    Change, Event, MessageFilter, PostgresServer, PostgresSettings, PostgresTls, RunRecord, Store, StoreError,
};
use chrono::TimeDelta;

use super::clock;
use super::nodes::{comes, hears};
use super::server::{Place, Server};
use super::silence::Middle;
use crate::store_samples::*;

/// Two servers; the second one has whatever the first one says that it has committed.
pub struct Pair {
    primary: Server,
    standby: Server,
}

impl Pair {
    pub fn start() -> Pair {
        let primary = Server::start("primary", Place::default());
        let standby = primary.replicate("standby");
        Pair { primary, standby }
    }

    /// How a node reaches an empty database on them.
    pub fn database(&self, name: &str, node: &str) -> PostgresSettings {
        self.primary.psql("postgres", &format!("CREATE DATABASE {name} OWNER budkavle"));
        // The second one has it as soon as it is committed, and shows it a moment later.
        let shown = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
        let shows = || self.standby.psql("postgres", &shown) == "1";
        assert!((0..1_000).any(|_| shows()), "the standby doesn't show the database {name}");
        self.settings(name, node)
    }

    /// How a node reaches a database on them.
    pub fn settings(&self, database: &str, node: &str) -> PostgresSettings {
        let servers = [&self.primary, &self.standby].map(at).to_vec();
        // Either has a certificate of its own.
        PostgresSettings { servers, tls: PostgresTls::Off, ..self.primary.settings(database, node) }
    }

    /// The first one ends as by a power cut, and the second one takes its place.
    pub fn fail_over(&self) {
        self.primary.kill();
        self.standby.promote();
    }
}

fn at(server: &Server) -> PostgresServer {
    PostgresServer::Tcp("127.0.0.1".into(), server.port)
}

async fn open(settings: PostgresSettings) -> Store {
    Store::open_postgres(settings, clock()).await.unwrap().0
}

#[tokio::test]
async fn a_standby_that_is_promoted_takes_over() {
    let (pair, settings) = tokio::task::spawn_blocking(|| {
        let pair = Pair::start();
        let settings = pair.database("one", "two");
        (pair, settings)
    })
    .await
    .unwrap();
    let alone = PostgresSettings { servers: vec![at(&pair.standby)], ..settings.clone() };
    let alone = Store::open_postgres(alone, clock()).await.map(drop).unwrap_err().to_string();
    assert!(
        alone.contains("it is a standby, which takes nothing") && alone.contains("store.postgresql.servers"),
        "{alone}"
    );

    // One node leads and sends, by a network that is cut just before.
    let mut ways = Vec::new();
    for server in [&pair.primary, &pair.standby] {
        let there = PostgresSettings { servers: vec![at(server)], ..settings.clone() };
        ways.push(Middle::before(&there).await);
    }
    let servers = ways.iter().map(Middle::server).collect();
    let two = open(PostgresSettings { servers, ..settings }).await;
    let one = open(pair.settings("one", "one")).await;
    assert!(two.leads() && !one.leads());
    let lease = two.check_leads().unwrap();
    let mail = ChannelName::mail();
    let until = clock()() + TimeDelta::minutes(80);
    let lasting =
        |event: &str, to| NewNotice { expires: clock()() + TimeDelta::hours(1), ..notice(event, to) };
    let told = |notice| Event { at: clock()(), ..tell(0, vec![notice]) };
    two.commit_event(told(lasting("before", 3))).await.unwrap();
    let life = two.life().unwrap();
    assert_eq!(two.claim_due(&mail, clock()(), until, 3).await.unwrap().len(), 3);
    ways.iter().for_each(Middle::fall_silent);

    // Edits until it is over: what was accepted stays, and what wasn't may only be there if that isn't known.
    let mut failing = tokio::task::spawn_blocking(move || {
        pair.fail_over();
        pair
    });
    let (mut accepted, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    let (mut next, mut after) = (1, 0);
    let mut pair = None;
    while after < 20 {
        let opened = Event {
            notices: vec![lasting(&format!("outage/{next}"), 1)],
            ..event(next, Change::Outage(outage(next.cast_unsigned())), vec![])
        };
        match one.commit_event(Event { at: clock()(), ..opened }).await {
            Ok(_) => {
                accepted.insert(next.cast_unsigned());
                after += usize::from(pair.is_some());
            }
            Err(StoreError::Unknown { .. }) => drop(unknown.insert(next.cast_unsigned())),
            Err(StoreError::Away { .. }) => {
                let mut tidings = one.tidings().unwrap();
                let _ = tokio::time::timeout(std::time::Duration::from_millis(200), tidings.changed()).await;
            }
            Err(other) => panic!("{other}"),
        }
        next += 1;
        if pair.is_none() && failing.is_finished() {
            pair = Some((&mut failing).await.unwrap());
        }
    }
    let there: BTreeSet<u64> = one.load().await.unwrap().open_outages.keys().map(|id| id.0).collect();
    assert!(there.is_superset(&accepted), "lost: {:?}", accepted.difference(&there));
    assert!(there.difference(&accepted).all(|id| unknown.contains(id)), "{there:?} {accepted:?} {unknown:?}");
    let filter = MessageFilter { limit: 100_000, ..MessageFilter::default() };
    assert_eq!(one.messages(filter).await.unwrap().len(), there.len() + 3);

    // The other node is dead: its lease and what it was sending are this one's, whatever it says when it comes back.
    hears(&one, "the lease", |tidings| tidings.leads).await;
    hears(&one, "freed messages", |tidings| tidings.freed == 3).await;
    let claimed = one.claim_due(&mail, clock()(), until, 100_000).await.unwrap();
    let again = claimed.iter().filter(|claimed| &*claimed.notice.event.0 == "before");
    assert_eq!(again.map(|claimed| claimed.message.attempts).collect::<Vec<_>>(), [2, 2, 2]);
    ways.iter().for_each(Middle::speak);
    comes("another life", || two.life().is_some()).await;
    assert!(!two.holds_claims(life) && one.leads());
    two.load().await.unwrap();
    let unchanged = record(run(1, "main", Outcome::Unchanged));
    let late = two.commit_run(RunRecord { lease, ..unchanged.clone() }, None).await;
    assert!(matches!(late, Err(StoreError::NotLeading { .. })), "{late:?}");
    one.commit_run(unchanged, None).await.unwrap();
}
