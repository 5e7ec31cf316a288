//! A database that says nothing: no connection ends, and no answer comes.

use std::io::Write;
use std::process::{Child, Command};
use std::time::Duration;

use budkavle::domain::ids::ChannelName;
use budkavle::store::{
    Change, MessageFilter, PostgresServer, PostgresSettings, PostgresTls, Store, StoreError,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::nodes::comes;
use super::{Database, SERVER, clock};
use crate::store_samples::*;

/// Whatever is asked has an answer within this.
const ANSWER: Duration = Duration::from_secs(60);

/// Stands between a node and the database, and can fall silent: then nothing comes through any more.
pub struct Middle {
    port: u16,
    silent: watch::Sender<bool>,
}

impl Middle {
    /// Before the server of these settings.
    pub async fn before(settings: &PostgresSettings) -> Middle {
        let [PostgresServer::Tcp(_, server)] = settings.servers[..] else { panic!() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = watch::Sender::new(false);
        let mut hears = silent.subscribe();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut falls = hears.clone();
                let was_silent = *hears.borrow_and_update();
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
                    if !was_silent {
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                            _ = falls.wait_for(|silent| *silent) => {}
                        }
                    }
                    std::future::pending::<()>().await;
                });
            }
        });
        Middle { port, silent }
    }

    /// As which server it is connected to.
    pub fn server(&self) -> PostgresServer {
        PostgresServer::Tcp("127.0.0.1".into(), self.port)
    }

    /// The same settings, by way of here.
    pub fn settings(&self, direct: PostgresSettings) -> PostgresSettings {
        let servers = vec![self.server()];
        let statement = Duration::from_secs(1);
        PostgresSettings { servers, tls: PostgresTls::Off, statement, ..direct }
    }

    /// From now on nothing comes through.
    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// What connects from now on is served; what was cut off stays so.
    pub fn speak(&self) {
        self.silent.send_replace(false);
    }
}

#[tokio::test]
async fn a_database_that_says_nothing_is_away() {
    let database = Database::new().await;
    let middle = Middle::before(&database.settings("one")).await;
    let store = Store::open_postgres(middle.settings(database.settings("one")), clock()).await.unwrap().0;
    store.commit_event(event(1, Change::Outage(outage(1)), vec![notice("a", 3)])).await.unwrap();
    let mail = ChannelName::mail();
    let filter = || MessageFilter { limit: 9, ..MessageFilter::default() };
    middle.fall_silent();
    // They ask before anybody knows.
    let all = async {
        tokio::join!(
            async { store.commit_event(event(1, Change::Outage(outage(2)), vec![])).await.map(drop) },
            async { store.claim_due(&mail, at(1), at(9), 9).await.map(drop) },
            async { store.messages(filter()).await.map(drop) },
            async { store.load().await.map(drop) },
            async { store.release_claims(at(1)).await.map(drop) },
        )
    };
    let (commit, claim, messages, load, release) =
        tokio::time::timeout(ANSWER * 3, all).await.expect("each has an answer");
    for refused in [commit, claim, messages, load, release] {
        assert!(matches!(refused, Err(StoreError::Away { .. } | StoreError::Unknown { .. })), "{refused:?}");
    }
    // Now that it is known, nobody waits.
    comes("the word that it is away", || store.standing().unwrap().trouble.is_some()).await;
    comes("the end of its lease", || !store.leads() && store.life().is_none()).await;
    let at_once = Duration::from_secs(2);
    for _ in 0..10 {
        let refused = store.commit_event(event(1, Change::Outage(outage(2)), vec![]));
        let refused = tokio::time::timeout(at_once, refused).await.expect("at once");
        assert!(matches!(refused, Err(StoreError::Away { .. })), "{refused:?}");
        let refused = tokio::time::timeout(at_once, store.messages(filter())).await.expect("at once");
        assert!(matches!(refused, Err(StoreError::Away { .. })), "{refused:?}");
    }
    middle.speak();
    comes("the database", || store.standing().unwrap().trouble.is_none()).await;
    store.commit_event(event(1, Change::Outage(outage(2)), vec![])).await.unwrap();
    assert_eq!(store.claim_due(&mail, at(1), at(9), 9).await.unwrap().len(), 3);
}

/// Stops the sessions of a node that answer to a condition, as a hung server would.
async fn signal(database: &Database, signal: &'static str, whose: &str) -> usize {
    let sql =
        format!("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'budkavle %' AND {whose}");
    let pids = database.psql(&sql).await;
    for pid in pids.lines() {
        assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
    }
    pids.lines().count()
}

#[tokio::test]
async fn a_sign_of_life_takes_another_connection_when_its_own_hangs() {
    let database = Database::new().await;
    let store = database.open("one").await;
    let epoch = store.standing().unwrap().epoch;
    let mine = format!("datname = '{}' AND query LIKE '%numbers WHERE which IN%'", database.name);
    assert_eq!(signal(&database, "-STOP", &mine).await, 1);
    let stopped = database.psql("SELECT clock_timestamp()").await;
    let seen =
        format!("SELECT count(*) FROM budkavle.nodes WHERE seen > '{stopped}'::timestamptz + interval '2 s'");
    let beats = async { while database.psql(&seen).await == "0" {} };
    let beaten = tokio::time::timeout(ANSWER, beats).await;
    signal(&database, "-CONT", &format!("datname = '{}'", database.name)).await;
    beaten.expect("it is heard again");
    assert_eq!((store.standing().unwrap().epoch, store.leads()), (epoch, true));
    assert_eq!(store.standing().unwrap().trouble, None);
}

#[tokio::test]
async fn a_busy_node_lives() {
    let database = Database::new().await;
    let (one, two) = (database.open("one").await, database.open("two").await);
    let life = one.life();
    // Somebody holds what all the others want, for longer than the lease lasts without a word.
    let held = database.psql("BEGIN; LOCK TABLE budkavle.messages; SELECT pg_sleep(9); COMMIT");
    let asks = (0..20).map(|n| {
        let one = one.clone();
        tokio::spawn(async move {
            match n % 2 {
                0 => drop(one.messages(MessageFilter { limit: 9, ..MessageFilter::default() }).await),
                _ => drop(one.claim_due(&ChannelName::mail(), at(1), at(9), 9).await),
            }
        })
    });
    let asks: Vec<_> = asks.collect();
    held.await;
    assert!(one.leads() && one.life() == life && !two.leads());
    assert_eq!(one.standing().unwrap().trouble, None);
    for ask in asks {
        ask.await.unwrap();
    }
}

/// A session that is stopped while it copies something, with all decisions in its hands.
fn copying(database: &str, sessions: &str) -> Child {
    let mut psql = SERVER.session(database, sessions);
    let input = psql.stdin.as_mut().unwrap();
    input.write_all(b"BEGIN; SELECT 1 FROM budkavle.numbers FOR UPDATE; COPY budkavle.removed (key, generation) FROM STDIN;\n").unwrap();
    input.flush().unwrap();
    psql
}

#[tokio::test]
async fn who_is_stopped_in_the_middle_of_a_commit_holds_nobody_up() {
    let database = Database::new().await;
    let store = database.open("one").await;
    let sessions = "budkavle asleep 0123abcd";
    let asleep = format!(
        "INSERT INTO budkavle.nodes (name, version, schema, seen, sessions) VALUES ('asleep', '1', 1, clock_timestamp() - interval '7 s', '{sessions}')"
    );
    database.psql(&asleep).await;
    let name = database.name.clone();
    let mut psql = tokio::task::spawn_blocking(move || copying(&name, sessions)).await.unwrap();
    let copies = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{sessions}' AND query LIKE 'COPY%'"
    );
    while database.psql(&copies).await == "0" {}
    let edit = store.commit_event(event(1, Change::Outage(outage(1)), vec![]));
    let edited = tokio::time::timeout(Duration::from_secs(18), edit).await;
    let _ = psql.kill();
    let _ = psql.wait();
    edited.expect("it doesn't wait until the other one wakes").unwrap();
}
