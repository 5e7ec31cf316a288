//! What several nodes on one PostgreSQL do and cost: `cargo bench --bench cluster [-- MESSAGES USERS]`, as root, with the Debian packages postfix and
//! postgresql-15. The server writes to the disk as it should (`fsync`). The nodes that send are in one process, those that die are processes of their own.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed benchmark may panic, and prints its result"
)]

#[path = "support/outbox.rs"]
mod outbox;
#[path = "../tests/local/store_samples.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod samples;
#[path = "../tests/local/postgres/server.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod server;
#[path = "support/sink.rs"]
mod sink;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use budkavle::domain::absence::{Absence, Origin};
use budkavle::domain::directory::Directory;
use budkavle::domain::ids::{AbsenceId, UserId};
use budkavle::domain::notice::MessageState;
use budkavle::flow::core::{Core, Settings};
use budkavle::store::{Change, PostgresServer, PostgresSettings, PostgresTls, State, Store};
use chrono::Utc;
use futures_util::future::join_all;

use samples::{at, event, guid, organisation, sync, user};
use server::{Place, Server};
use sink::Sink;

const CONNECTIONS: usize = 4;
const NODES: usize = 3;
const ROUNDS: usize = 3;
const BEHIND: u64 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(node) = arguments.iter().position(|argument| argument == "--node") {
        return runtime().block_on(be_a_node(arguments[node + 1].parse().unwrap()));
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    let mut sizes = arguments.iter().skip(1).filter_map(|a| a.parse::<u32>().ok());
    let (messages, users) = (sizes.next().unwrap_or(10_000) as usize, sizes.next().unwrap_or(100_000));
    let database = Server::start("bench", Place::default());
    database.psql("postgres", "ALTER SYSTEM SET fsync = on");
    database.psql("postgres", "SELECT pg_reload_conf()");
    sending(&database, messages);
    runtime().block_on(committing(&database, users));
    taking_over(&database);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

/// How a node reaches a database.
fn settings(port: u16, database: &str, node: &str) -> PostgresSettings {
    PostgresSettings {
        servers: vec![PostgresServer::Tcp("127.0.0.1".into(), port)],
        database: database.into(),
        user: "budkavle".into(),
        password: Some("secret".into()),
        tls: PostgresTls::Off,
        ca_file: None,
        cert_file: None,
        key_file: None,
        node: node.into(),
        connections: 8,
        statement: PostgresSettings::STATEMENT,
    }
}

async fn open(port: u16, database: &str, node: &str) -> Store {
    Store::open_postgres(settings(port, database, node), Arc::new(Utc::now)).await.unwrap().0
}

async fn embedded(folder: &tempfile::TempDir) -> Store {
    Store::open_sled(outbox::settings(folder.path()), Utc::now()).await.unwrap().0
}

// === sending ===

/// The rate of one, two and three nodes, in turns, and of the embedded store beside them.
fn sending(server: &Server, messages: usize) {
    let sink = Sink::start();
    println!(
        "{messages} messages, {CONNECTIONS} connections to smtp-sink for each node, {ROUNDS} rounds in turns"
    );
    let mut rates = vec![Vec::new(); NODES + 1];
    for round in 0..ROUNDS {
        for (nodes, rates) in rates.iter_mut().enumerate() {
            let rate = runtime().block_on(async {
                let folder = tempfile::tempdir().unwrap();
                let mut stores = Vec::new();
                let database = format!("sending_{round}_{nodes}");
                if nodes == 0 {
                    stores.push(embedded(&folder).await);
                } else {
                    server.psql("postgres", &format!("CREATE DATABASE {database} OWNER budkavle"));
                }
                for n in 0..nodes {
                    stores.push(open(server.port, &database, &format!("node{n}")).await);
                }
                rate(stores, sink.port, messages).await
            });
            rates.push(rate);
        }
    }
    for (nodes, rates) in rates.iter_mut().enumerate() {
        let what = if nodes == 0 { "embedded store".to_owned() } else { format!("{nodes} on PostgreSQL") };
        rates.sort_by(f64::total_cmp);
        let (least, most) = (rates[0], rates[ROUNDS - 1]);
        println!("{what:<24} {:>7.0}/s (rounds {least:.0}–{most:.0})", rates[ROUNDS / 2]);
    }
}

/// How many messages a second leave by nodes that share a store.
async fn rate(stores: Vec<Store>, port: u16, messages: usize) -> f64 {
    let mut nodes = Vec::new();
    for store in stores {
        nodes.push(Arc::new(Core::load(store, Settings::default(), Arc::new(Utc::now)).await.unwrap()));
    }
    outbox::tell(&nodes[0].store, 0, messages).await;
    let sender = || Arc::new(outbox::sender(port, CONNECTIONS));
    let senders: Vec<_> = nodes.iter().map(|_| sender()).collect();
    let start = Instant::now();
    let sent: usize = join_all(nodes.iter().zip(&senders).map(|(core, sender)| outbox::drain(core, sender)))
        .await
        .into_iter()
        .sum();
    let taken = start.elapsed().as_secs_f64();
    assert_eq!(sent, messages, "each was sent once");
    let counts = nodes[0].store.queue_counts().await.unwrap();
    assert_eq!(counts.get(&MessageState::Sent), Some(&(messages as u64)));
    join_all(nodes.iter().map(|core| core.store.close())).await;
    messages as f64 / taken
}

// === committing and following ===

/// Large commits, embedded and in a database, and what they cost the nodes that follow.
async fn committing(server: &Server, users: u32) {
    println!("{users} users in 50 units");
    let whole = organisation(users);
    let mut changed = whole.clone();
    let step = users / 1_000;
    changed.users.extend((0..1_000).map(|n| (UserId(guid(1, n * step)), user(n * step, "+46 8 999").into())));
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("committing_{round}");
        server.psql("postgres", &format!("CREATE DATABASE {database} OWNER budkavle"));
        let one = open(server.port, &database, "one").await;
        for (what, store) in [("embedded", embedded(&folder).await), ("PostgreSQL", one.clone())] {
            for (size, id, before, after) in
                [("all of them", 1, &Directory::default(), &whole), ("1,000 changed", 2, &whole, &changed)]
            {
                let (delta, record, cursor) = sync(id, before, after);
                let start = Instant::now();
                store.commit_sync(delta, record, cursor).await.unwrap();
                told(&format!("commit of {size}, {what}"), start);
            }
            let start = Instant::now();
            assert_eq!(store.load().await.unwrap().directory.users.len(), users as usize);
            told(&format!("read at the start, {what}"), start);
            if what == "embedded" {
                store.close().await;
            }
        }
        if round == 0 {
            following(server, &database, &one, &changed, &whole).await;
        }
        one.close().await;
    }
}

/// What it takes a node that is behind.
async fn following(server: &Server, database: &str, one: &Store, changed: &Directory, whole: &Directory) {
    let two = open(server.port, database, "two").await;
    let picture = two.load().await.unwrap();
    let start = Instant::now();
    for n in 1..=BEHIND {
        let away = Absence {
            id: AbsenceId(n),
            user: UserId(guid(1, u32::try_from(n).unwrap())),
            from: at(0),
            until: at(60),
            deputy: None,
            note: None,
            origin: Origin::ByHand,
        };
        one.commit_event(event(1, Change::Absence(away), vec![])).await.unwrap();
    }
    told(&format!("{BEHIND} edits, one after the other"), start);
    let picture = catch_up(&two, picture, &format!("catching up with these {BEHIND}")).await;
    let (delta, record, cursor) = sync(3, changed, whole);
    one.commit_sync(delta, record, cursor).await.unwrap();
    let picture = catch_up(&two, picture, "catching up with 1,000 users of one sync").await;
    catch_up(&two, picture, "finding that there is nothing").await;
    // From the answer to an edit to what another node has heard.
    let mut tidings = two.tidings().unwrap();
    let mut waited = Vec::new();
    for n in 1..=50 {
        let gone = Change::RemoveAbsence(AbsenceId(n));
        let made = one.commit_event(event(2, gone, vec![])).await.unwrap().generation.unwrap();
        let start = Instant::now();
        tidings.wait_for(|tidings| tidings.generation >= made.0).await.unwrap();
        waited.push(start.elapsed());
    }
    waited.sort();
    println!(
        "heard on another node after {:?}, at most {:?}",
        waited[waited.len() / 2],
        waited[waited.len() - 1]
    );
    two.close().await;
}

async fn catch_up(store: &Store, picture: State, what: &str) -> State {
    let start = Instant::now();
    let caught = store.catch_up(picture).await.unwrap();
    told(what, start);
    assert!(caught.delta.is_some(), "it read everything");
    caught.state
}

fn told(what: &str, start: Instant) {
    println!("{what:<44} {:>9.0} ms", start.elapsed().as_secs_f64() * 1_000.0);
}

// === taking over ===

/// From the death of the node that syncs, or its stop, to another one's lease.
fn taking_over(server: &Server) {
    server.psql("postgres", "CREATE DATABASE taking_over OWNER budkavle");
    for (what, dies) in [("kill -9", true), ("a clean stop", false)] {
        let mut taken = Vec::new();
        for _ in 0..5 {
            let mut victim = Victim::start(server.port);
            let waited = runtime().block_on(async {
                let other = open(server.port, "taking_over", "other").await;
                assert!(!other.leads());
                let mut tidings = other.tidings().unwrap();
                let start = Instant::now();
                victim.end(dies);
                tidings.wait_for(|tidings| tidings.leads).await.unwrap();
                let waited = start.elapsed();
                other.close().await;
                waited
            });
            taken.push(waited);
        }
        taken.sort();
        println!("taken over after {what:<14} {:.1?}, at most {:.1?}", taken[2], taken[4]);
    }
}

/// A node that is a process of its own, and has the lease.
struct Victim {
    process: Child,
}

impl Victim {
    fn start(port: u16) -> Victim {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--node", &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "leads\n");
        Victim { process }
    }

    fn end(&mut self, dies: bool) {
        if dies {
            self.process.kill().unwrap();
        } else {
            drop(self.process.stdin.take());
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Leads until its standard input ends.
async fn be_a_node(port: u16) {
    let store = open(port, "taking_over", "victim").await;
    let mut tidings = store.tidings().unwrap();
    let led = tokio::time::timeout(Duration::from_secs(30), tidings.wait_for(|tidings| tidings.leads)).await;
    assert!(led.is_ok());
    println!("leads");
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    let _ = ended.await;
    store.close().await;
}
