//! Any of the nodes dies, is suspended or is cut off from the database at any moment: every notice arrives, every sync is whole.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{Cluster, NODES, Node, now};
use crate::servers::{PATIENCE, wait_until};
use crate::site::get;
use crate::world::Organisation;

const ROUNDS: usize = 50;

/// What happens to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Dies,
    Sleeps,
    IsCutOff,
}

impl Fate {
    const ALL: [Fate; 3] = [Fate::Dies, Fate::Sleeps, Fate::IsCutOff];
}

#[test]
fn fifty_rounds_of_dying_sleeping_and_being_cut_off_lose_nothing() {
    let (mut cluster, _) = Cluster::synced(Organisation::generate(300, 30), false);
    let contacts = cluster.told();
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
        let (wait, fate) = (Duration::from_millis(random(512)), Fate::ALL[random(3) as usize]);
        // In some rounds the leader is away for so long that it is taken for dead, and then it comes back.
        let long = round % 12 == 0;
        let fate = if long { Fate::ALL[1 + round / 12 % 2] } else { fate };
        let victim = if long { leader } else { victim };
        let titles: Vec<String> = (0..3).map(|n| format!("Round {round} outage {n}")).collect();
        let (nodes, database, cables) = (&cluster.nodes, &cluster.database, &cluster.cables);
        thread::scope(|scope| {
            let openers: Vec<_> = titles
                .iter()
                .enumerate()
                .map(|(n, title)| {
                    // Whoever asks one that sleeps, or hears nothing of the database, would wait for it.
                    let node = &nodes[(victim + 1 + n % (NODES - 1)) % NODES];
                    let node = if n == 2 && (fate == Fate::Dies || long) { &nodes[victim] } else { node };
                    scope.spawn(move || {
                        (node.budkavle.run(&["outage", "open", title]).code == Some(0)).then(|| title.clone())
                    })
                })
                .collect();
            scope.spawn(move || nodes[leader].budkavle.run(&["sync"]));
            // Any moment will do: this is not waiting for something, it is the point at which the power goes.
            thread::sleep(wait);
            let daemon = nodes[victim].daemon.as_ref().unwrap();
            let life = || {
                database.psql(
                    "budkavle",
                    &format!("SELECT max(id) FROM budkavle.nodes WHERE name = 'node{victim}' AND NOT ended"),
                )
            };
            let (epoch, lives) = ("SELECT holder || ' ' || epoch FROM budkavle.lease", life());
            let (before, struck) = (database.psql("budkavle", epoch), now());
            match fate {
                Fate::Dies => daemon.signal("KILL"),
                Fate::Sleeps => daemon.signal("STOP"),
                Fate::IsCutOff => cables.connect(victim, false),
            }
            if victim == leader && (long || round % 5 == 0) {
                wait_until("another node takes over", PATIENCE, || {
                    (database.psql("budkavle", epoch) != before).then_some(())
                });
                takeovers.push(struck.elapsed());
            }
            if long {
                wait_until("the others take it for dead", PATIENCE, || (life() != lives).then_some(()));
                // Should what it had begun be written when it wakes, it overlaps this one.
                let holder =
                    "SELECT right(name, 1) FROM budkavle.nodes n JOIN budkavle.lease l ON l.holder = n.id";
                let holder: usize = database.psql("budkavle", holder).parse().unwrap();
                nodes[holder].budkavle.run(&["sync", "--full"]).success();
            } else if fate != Fate::Dies {
                thread::sleep(wait);
            }
            match fate {
                Fate::Dies => {}
                Fate::Sleeps => daemon.signal("CONT"),
                Fate::IsCutOff => cables.connect(victim, true),
            }
            accepted.extend(openers.into_iter().filter_map(|opener| opener.join().unwrap()));
        });
        if fate == Fate::Dies {
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
    cluster.site.post.delivered();
    let repeated: usize =
        contacts.iter().map(|contact| cluster.site.post.told_of_each(contact, &accepted)).sum();
    // What came twice was on its way when somebody died or fell silent.
    let on_their_way =
        "SELECT count(*) FROM attempts WHERE answer LIKE 'the daemon ended while it was being sent%'";
    let on_their_way: usize = cluster.sql(on_their_way).parse().unwrap();
    assert!(repeated <= on_their_way, "{repeated} mails came twice, and {on_their_way} were on their way");
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
        "{} outages accepted in {ROUNDS} rounds, {repeated} of {on_their_way} mails that were on their way came twice, takeovers: {takeovers:?}",
        accepted.len()
    );
}
