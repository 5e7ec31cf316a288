//! Three daemons on one PostgreSQL: any of them dies or is suspended at any moment, and every notice arrives, every sync is whole.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::servers::budkavle::{Budkavle, Daemon};
use crate::servers::postgres::Server;
use crate::servers::{PATIENCE, wait_until};
use crate::site::{Site, get};
use crate::world::Organisation;

const NODES: usize = 3;
const ROUNDS: usize = 50;

/// A site whose store is a database, and the nodes on it.
struct Cluster {
    site: Site,
    database: Server,
    nodes: Vec<Node>,
}

struct Node {
    budkavle: Budkavle,
    socket: PathBuf,
    daemon: Option<Daemon>,
}

impl Cluster {
    fn new(world: Organisation) -> Cluster {
        let site = Site::new(world);
        let database = Server::start("e2e", None);
        database.psql("postgres", "CREATE DATABASE budkavle OWNER budkavle");
        let text = fs::read_to_string(site.path().join("budkavle.toml")).unwrap();
        let password = site.path().join("database_password");
        fs::write(&password, "secret\n").unwrap();
        fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let node = |n: usize| {
            let folder = site.path().join(format!("node{n}"));
            fs::create_dir(&folder).unwrap();
            let own = |name: &str| {
                (site.path().join(name).display().to_string(), folder.join(name).display().to_string())
            };
            let ((state, own_state), (socket, own_socket)) = (own("state"), own("socket"));
            let section = format!(
                "[store.postgresql]\nservers = [\"127.0.0.1:{}\"]\nca_file = \"{}\"\npassword_file = \"{}\"\nnode = \"node{n}\"\n\n[api]",
                database.port,
                database.ca().display(),
                password.display()
            );
            let text =
                text.replace(&state, &own_state).replace(&socket, &own_socket).replace("[api]", &section);
            fs::write(folder.join("budkavle.toml"), text).unwrap();
            let budkavle = Budkavle::new(&folder);
            Node { budkavle, socket: folder.join("socket"), daemon: None }
        };
        let nodes = (0..NODES).map(node).collect();
        Cluster { site, database, nodes }
    }

    /// Starts what doesn't run.
    fn all_up(&mut self) {
        for node in &mut self.nodes {
            node.start();
        }
    }

    /// Which node syncs, by its own word.
    fn leader(&self) -> Option<usize> {
        self.nodes.iter().position(|node| node.answers() && node.status()["cluster"]["leads"] == true)
    }

    fn wait_for_leader(&self) -> usize {
        wait_until("one of the nodes leads", PATIENCE, || self.leader())
    }

    fn sql(&self, sql: &str) -> String {
        self.database.psql("budkavle", &format!("SET search_path = budkavle; {sql}"))
    }
}

impl Node {
    fn start(&mut self) {
        if self.daemon.is_none() {
            let mut daemon = self.budkavle.start();
            daemon.wait_for_log("is ready", PATIENCE);
            self.daemon = Some(daemon);
        }
    }

    fn answers(&self) -> bool {
        self.daemon.is_some() && UnixStream::connect(&self.socket).is_ok()
    }

    fn status(&self) -> Value {
        get(&self.socket, "/v1/status")
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
    }
}

#[test]
fn one_syncs_all_answer_and_another_takes_over() {
    let mut cluster = Cluster::new(Organisation::generate(300, 30));
    cluster.all_up();
    let leader = cluster.wait_for_leader();
    let synced = |node: &Node| node.status()["users"].as_u64().is_some_and(|users| users > 200);
    for node in &cluster.nodes {
        wait_until("the node has what was synced", PATIENCE, || synced(node).then_some(()));
    }
    // An edit on one is an answer on the others.
    let other = (leader + 1) % NODES;
    cluster.nodes[other].budkavle.run(&["contacts", "assign", "global", "--user", "asa.oberg"]).success();
    for node in &cluster.nodes {
        let holds =
            || get(&node.socket, "/v1/contacts/of?role=global")["contacts"].as_array().unwrap().len() == 1;
        wait_until("the node has the assignment", PATIENCE, || holds().then_some(()));
        node.budkavle.run(&["contacts", "of", "anna.svensson"]).success();
    }
    let refused = cluster.nodes[other].budkavle.run(&["sync"]).ended_with(1);
    assert!(refused.stderr.contains(&format!("that is the node node{leader}")), "{}", refused.stderr);
    let status = cluster.nodes[other].budkavle.run(&["status"]).success().stdout;
    assert!(
        status.contains("syncs and serves") && status.contains(&format!("node{other} (this one)")),
        "{status}"
    );

    // A clean stop hands over at once.
    cluster.nodes[leader].daemon.take().unwrap().terminate(PATIENCE);
    let second = cluster.wait_for_leader();
    assert_ne!(second, leader);
    cluster.nodes[second].budkavle.run(&["sync"]).success();

    // Without the database it is answered all the same, and said how old that is.
    cluster.database.kill();
    let node = &cluster.nodes[other];
    wait_until("the node says that the database is away", PATIENCE, || {
        let warnings = node.status()["warnings"].to_string();
        warnings.contains("this node answers from what it knew").then_some(())
    });
    node.budkavle.run(&["contacts", "of", "anna.svensson"]).success();
    let refused = node.budkavle.run(&["outage", "open", "Not now"]).ended_with(1);
    assert!(refused.stderr.contains("is away"), "{}", refused.stderr);
}

#[test]
fn fifty_rounds_of_dying_and_sleeping_lose_nothing() {
    let mut cluster = Cluster::new(Organisation::generate(300, 30));
    cluster.all_up();
    let leader = cluster.wait_for_leader();
    wait_until("the first sync is there", PATIENCE, || {
        (cluster.nodes[leader].status()["users"].as_u64() > Some(200)).then_some(())
    });
    let answer = get(&cluster.nodes[leader].socket, "/v1/contacts/of?role=outage");
    let contacts: Vec<String> = answer["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| contact["mail"].as_str().unwrap().to_lowercase())
        .collect();
    assert!(!contacts.is_empty());
    let asa = cluster.site.world.dn(cluster.site.world.person("asa.oberg"));
    let (mut accepted, mut takeovers): (BTreeSet<String>, Vec<Duration>) = Default::default();
    // A fixed sequence (a linear congruential generator): a failure can be looked at again.
    let mut chance: u64 = 20_261_128;
    let mut random = move |below: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    for round in 0..ROUNDS {
        cluster.site.dc.set(&asa, "telephoneNumber", &format!("{round}"));
        let leader = cluster.wait_for_leader();
        let victim = if round % 5 == 0 { leader } else { random(NODES as u64) as usize };
        let (wait, sleeps) = (Duration::from_millis(random(512)), random(2) == 0);
        let titles: Vec<String> = (0..3).map(|n| format!("Round {round} outage {n}")).collect();
        let (nodes, database) = (&cluster.nodes, &cluster.database);
        thread::scope(|scope| {
            let openers: Vec<_> = titles
                .iter()
                .enumerate()
                .map(|(n, title)| {
                    // Whoever asks one that sleeps would wait for it.
                    let node = &nodes[(victim + 1 + n % (NODES - 1)) % NODES];
                    let node = if n == 2 && !sleeps { &nodes[victim] } else { node };
                    scope.spawn(move || {
                        (node.budkavle.run(&["outage", "open", title]).code == Some(0)).then(|| title.clone())
                    })
                })
                .collect();
            scope.spawn(move || nodes[leader].budkavle.run(&["sync"]));
            // Any moment will do: this is not waiting for something, it is the point at which the power goes.
            thread::sleep(wait);
            let daemon = nodes[victim].daemon.as_ref().unwrap();
            daemon.signal(if sleeps { "STOP" } else { "KILL" });
            if round % 5 == 0 {
                let epoch = "SELECT holder || ' ' || epoch FROM budkavle.lease";
                let before = database.psql("budkavle", epoch);
                let died = now();
                wait_until("another node takes over", PATIENCE, || {
                    (database.psql("budkavle", epoch) != before).then_some(())
                });
                takeovers.push(died.elapsed());
            }
            if sleeps {
                thread::sleep(wait);
                daemon.signal("CONT");
            }
            accepted.extend(openers.into_iter().filter_map(|opener| opener.join().unwrap()));
        });
        if !sleeps {
            cluster.nodes[victim].kill();
        }
        cluster.all_up();
    }
    assert!(accepted.len() > ROUNDS * 2, "only {} of {} outages were accepted", accepted.len(), ROUNDS * 3);
    let slowest = takeovers.iter().max().unwrap();
    assert!(*slowest < Duration::from_secs(10), "{takeovers:?}");

    wait_until("the outbox is empty", PATIENCE, || {
        let waiting =
            cluster.sql("SELECT count(*) FROM messages WHERE state IN ('queued', 'deferred', 'sending')");
        (waiting == "0").then_some(())
    });
    let repeated: usize =
        contacts.iter().map(|contact| cluster.site.post.told_of_each(contact, &accepted)).sum();
    // Nobody committed a sync that was read while another's was, and the data is what the directory has.
    let overlapping = "SELECT count(*) FROM runs a JOIN runs b ON a.id < b.id AND b.started < a.ended";
    assert_eq!(cluster.sql(overlapping), "0");
    let runs: usize = cluster.sql("SELECT count(*) FROM runs WHERE outcome = 'committed'").parse().unwrap();
    assert!(runs > ROUNDS / 2, "only {runs} syncs were committed");
    let leader = cluster.wait_for_leader();
    cluster.nodes[leader].budkavle.run(&["sync"]).success();
    let phones = || -> BTreeSet<String> {
        let phone =
            |node: &Node| get(&node.socket, "/v1/users/asa.oberg")["phone"].as_str().unwrap().to_owned();
        cluster.nodes.iter().map(phone).collect()
    };
    let last = BTreeSet::from([(ROUNDS - 1).to_string()]);
    wait_until("all nodes have the last change", PATIENCE, || (phones() == last).then_some(()));
    let again = cluster.nodes[leader].budkavle.json(&["sync", "--dry-run", "--full"]);
    assert_eq!(again[0]["changes"], Value::Array(Vec::new()));
    eprintln!(
        "{} outages accepted in {ROUNDS} rounds, {repeated} mails came twice, takeovers: {takeovers:?}",
        accepted.len()
    );
}

#[expect(clippy::disallowed_methods, reason = "how long other processes take")]
fn now() -> Instant {
    Instant::now()
}
