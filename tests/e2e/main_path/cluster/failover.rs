//! PostgreSQL itself fails over beneath the running daemons, in a burst of mail.

use std::collections::BTreeSet;
use std::thread;

use super::{Cluster, NODES, Node};
use crate::servers::{PATIENCE, wait_until};
use crate::site::get;
use crate::world::Organisation;

/// Who opens outages side by side, and how many each before and after the failover.
const OPENERS: usize = 3;
const EACH: usize = 8;

#[test]
fn the_database_fails_over_in_a_burst_of_mail() {
    let (mut cluster, _) = Cluster::synced(Organisation::generate(300, 30), true);
    let contacts = cluster.told();
    let (nodes, database) = (&cluster.nodes, &cluster.database);
    let standby = cluster.standby.as_ref().unwrap();
    let open = |opener: usize, when: &str| -> BTreeSet<String> {
        let titles = (0..EACH).map(|n| format!("Opener {opener} {when} {n}"));
        let node = &nodes[opener % NODES].budkavle;
        titles.filter(|title| node.run(&["outage", "open", title]).code == Some(0)).collect()
    };
    let burst = |when: &'static str, meanwhile: &dyn Fn()| -> BTreeSet<String> {
        thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS).map(|n| scope.spawn(move || open(n, when))).collect();
            meanwhile();
            openers.into_iter().flat_map(|opener| opener.join().unwrap()).collect()
        })
    };
    let fails_over = || {
        // Mails are on their way, and more is coming.
        wait_until("the first mails are sent", PATIENCE, || {
            let sent = "SELECT count(*) FROM budkavle.messages WHERE state = 'sent'";
            (database.psql("budkavle", sent) != "0").then_some(())
        });
        database.kill();
        standby.promote();
    };
    let mut accepted = burst("before", &fails_over);
    let came = standby.psql("budkavle", "SELECT clock_timestamp()");
    let found = format!("SELECT count(*) FROM budkavle.nodes WHERE NOT ended AND seen > '{came}'");
    wait_until("every node has found the other server", PATIENCE, || {
        (standby.psql("budkavle", &found) == NODES.to_string()).then_some(())
    });
    let lives = |n: usize| nodes[n].status()["cluster"]["trouble"].is_null();
    wait_until("every node says so", PATIENCE, || (0..NODES).all(lives).then_some(()));
    let after = burst("after", &|| {});
    assert_eq!(after.len(), OPENERS * EACH, "{after:?}");
    accepted.extend(after);

    let sql = |sql: &str| standby.psql("budkavle", &format!("SET search_path = budkavle; {sql}"));
    wait_until("the outbox is empty", PATIENCE, || {
        let waiting = "SELECT count(*) FROM messages WHERE state IN ('queued', 'deferred', 'sending')";
        (sql(waiting) == "0").then_some(())
    });
    cluster.site.post.delivered();
    let repeated: usize =
        contacts.iter().map(|contact| cluster.site.post.told_of_each(contact, &accepted)).sum();
    // Nobody died: whoever was sending went on, and noted it on the other server.
    let freed = "SELECT count(*) FROM attempts WHERE answer LIKE 'the daemon ended while it was being sent%'";
    let freed: usize = sql(freed).parse().unwrap();
    assert!(repeated <= freed, "{repeated} mails came twice, and {freed} were on their way");
    assert_eq!(sql("SELECT count(*) FROM nodes WHERE NOT ended"), NODES.to_string());

    // It syncs on, and everybody hears of it.
    let asa = cluster.site.world.dn(cluster.site.world.person("asa.oberg"));
    cluster.site.dc.set(&asa, "telephoneNumber", "4711");
    let leader = cluster.wait_for_leader();
    nodes[leader].budkavle.run(&["sync"]).success();
    for node in nodes {
        let has = || get(&node.socket, "/v1/users/asa.oberg")["phone"] == "4711";
        wait_until("the node has the change", PATIENCE, || has().then_some(()));
    }

    // Back to one machine. The nodes must be down, and what is there is not overwritten.
    let migrate = ["store", "migrate", "--from", "postgresql", "--to", "sled"];
    let running = nodes[0].budkavle.run(&migrate).ended_with(1).stderr;
    assert!(running.contains("node0, node1, node2 are running on the database"), "{running}");
    cluster.nodes.iter_mut().for_each(Node::stop);
    let node = &cluster.nodes[0].budkavle;
    let moved = node.run(&migrate).success().stdout;
    assert!(moved.starts_with("Moved and compared: ") && moved.contains(" users"), "{moved}");
    let again = node.run(&migrate).ended_with(1).stderr;
    assert!(again.contains("isn't empty; say --replace"), "{again}");
    node.run(&[&migrate[..], &["--replace"]].concat()).success();
    eprintln!("{} outages accepted, {repeated} mails came twice, {freed} were freed", accepted.len());
}
