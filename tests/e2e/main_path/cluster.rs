//! Three daemons on one PostgreSQL, each with a cable of its own to it.

mod failover;
mod rounds;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;

use crate::servers::budkavle::{Budkavle, Daemon};
use crate::servers::network::cables::Cables;
use crate::servers::postgres::{Place, Server};
use crate::servers::{PATIENCE, wait_until};
use crate::site::{Site, get};
use crate::world::Organisation;

const NODES: usize = 3;

/// A site whose store is a database, and the nodes on it.
struct Cluster {
    site: Site,
    /// The server, and a standby of it where there is one. They are on one machine.
    database: Server,
    standby: Option<Server>,
    cables: Cables,
    nodes: Vec<Node>,
}

struct Node {
    budkavle: Budkavle,
    socket: PathBuf,
    daemon: Option<Daemon>,
}

impl Cluster {
    fn new(world: Organisation, replicated: bool) -> Cluster {
        let site = Site::new(world);
        let cables = Cables::new(NODES);
        let within = [vec!["nsenter".to_owned()], cables.machine().arguments().to_vec()].concat();
        let database = Server::start("e2e", Place { within, addresses: cables.addresses().to_vec() });
        let standby = replicated.then(|| database.replicate("e2e-standby"));
        let servers: Vec<&Server> = [&database].into_iter().chain(&standby).collect();
        // Each has an authority of its own.
        let ca = site.path().join("database_ca.pem");
        let authorities = servers.iter().map(|server| fs::read_to_string(server.ca()).unwrap());
        fs::write(&ca, authorities.collect::<String>()).unwrap();
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
            let servers: Vec<String> =
                servers.iter().map(|server| format!("{}:{}", cables.addresses()[n], server.port)).collect();
            let section = format!(
                "[store.postgresql]\nservers = {servers:?}\nca_file = \"{}\"\npassword_file = \"{}\"\nnode = \"node{n}\"\n\n[api]",
                ca.display(),
                password.display()
            );
            let text =
                text.replace(&state, &own_state).replace(&socket, &own_socket).replace("[api]", &section);
            fs::write(folder.join("budkavle.toml"), text).unwrap();
            let budkavle = Budkavle::new(&folder);
            Node { budkavle, socket: folder.join("socket"), daemon: None }
        };
        let nodes = (0..NODES).map(node).collect();
        Cluster { site, database, standby, cables, nodes }
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

    /// All of it up, with what the first sync has read; the node that synced.
    fn synced(world: Organisation, replicated: bool) -> (Cluster, usize) {
        let mut cluster = Cluster::new(world, replicated);
        cluster.all_up();
        let leader = cluster.wait_for_leader();
        wait_until("the first sync is there", PATIENCE, || {
            (cluster.nodes[leader].status()["users"].as_u64() > Some(200)).then_some(())
        });
        (cluster, leader)
    }

    fn wait_for_leader(&self) -> usize {
        wait_until("one of the nodes leads", PATIENCE, || self.leader())
    }

    fn sql(&self, sql: &str) -> String {
        self.database.psql("budkavle", &format!("SET search_path = budkavle; {sql}"))
    }

    /// The addresses of those who are told of outages.
    fn told(&self) -> Vec<String> {
        let answer = get(&self.nodes[self.wait_for_leader()].socket, "/v1/contacts/of?role=outage");
        let mail = |contact: &Value| contact["mail"].as_str().unwrap().to_lowercase();
        let contacts: Vec<String> = answer["contacts"].as_array().unwrap().iter().map(mail).collect();
        assert!(!contacts.is_empty(), "{answer}");
        contacts
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

    fn stop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.terminate(PATIENCE);
        }
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
    }
}

#[test]
fn one_syncs_all_answer_and_another_takes_over() {
    let mut cluster = Cluster::new(Organisation::generate(300, 30), false);
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
    let lease = cluster.sql("SELECT epoch FROM lease");
    cluster.nodes[leader].daemon.take().unwrap().terminate(PATIENCE);
    let given_up = format!("SELECT epoch > {lease} OR expires < clock_timestamp() FROM lease");
    assert_eq!(cluster.sql(&given_up), "t", "nobody has to wait until it runs out");
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
    let answered = node.budkavle.run(&["contacts", "of", "anna.svensson"]).success();
    assert!(
        answered.stderr.contains("the database is away; this is what the daemon knew at 2"),
        "{answered:?}"
    );
    let mut raw = UnixStream::connect(&node.socket).unwrap();
    write!(raw, "GET /v1/users/anna.svensson HTTP/1.0\r\nHost: budkavle\r\n\r\n").unwrap();
    let mut answer = String::new();
    raw.read_to_string(&mut answer).unwrap();
    let seen = node.status()["cluster"]["seen"].as_str().unwrap().to_owned();
    let as_of = answer.lines().find_map(|line| line.strip_prefix("budkavle-as-of: ")).expect(&answer);
    assert_eq!(as_of[..19], seen[..19]);
    let status = node.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("This node answers from what it knew"), "{status}");
    let refused = node.budkavle.run(&["outage", "open", "Not now"]).ended_with(1);
    assert!(refused.stderr.contains("is away"), "{}", refused.stderr);
}

#[test]
fn a_node_waits_for_its_database() {
    let cluster = Cluster::new(Organisation::generate(100, 16), false);
    let node = &cluster.nodes[0];
    cluster.cables.connect(0, false);
    let mut daemon = node.budkavle.start();
    let asked = wait_until("the node says what it waits for", PATIENCE, || {
        let asked = node.budkavle.run(&["status"]);
        asked.stderr.contains("this node waits for its database: ").then_some(asked)
    });
    assert_eq!(asked.code, Some(1), "{asked:?}");
    cluster.cables.connect(0, true);
    daemon.wait_for_log("is ready", PATIENCE);
    node.budkavle.run(&["status"]).success();
    daemon.terminate(PATIENCE);

    // Who is told to stop while it waits does.
    cluster.cables.connect(0, false);
    let mut daemon = node.budkavle.start();
    daemon.wait_for_log("is away", PATIENCE);
    daemon.terminate(PATIENCE);
}

#[expect(clippy::disallowed_methods, reason = "how long other processes take")]
fn now() -> Instant {
    Instant::now()
}
