//! `kill -9` at random points while it syncs and sends: the store opens, nothing accepted is lost, and what comes twice is the same mail.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use crate::servers::PATIENCE;
use crate::site::Site;
use crate::world::Organisation;

const ROUNDS: u64 = 50;

#[test]
fn fifty_kills_lose_nothing() {
    let site = Site::new(Organisation::generate(300, 30));
    let contacts = {
        let _daemon = site.start();
        site.outage_contacts()
    };
    let asa = site.world.dn(site.world.person("asa.oberg"));
    let mut accepted: BTreeSet<String> = BTreeSet::new();
    // A fixed sequence (a linear congruential generator): a failure can be looked at again.
    let mut chance: u64 = 20_260_706;
    for round in 0..ROUNDS {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        site.dc.set(&asa, "telephoneNumber", &format!("{round}"));
        let mut daemon = site.budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
        let site = &site;
        let titles: Vec<String> = (0..3).map(|n| format!("Round {round} outage {n}")).collect();
        thread::scope(|scope| {
            let opener = scope.spawn(|| {
                let opened =
                    titles.iter().filter(|t| site.budkavle.run(&["outage", "open", t]).code == Some(0));
                opened.cloned().collect::<Vec<_>>()
            });
            scope.spawn(|| site.budkavle.run(&["sync"]));
            // Any moment will do: this is not waiting for something, it is the point at which the power goes.
            thread::sleep(Duration::from_millis(chance >> 33 & 0x1ff));
            daemon.kill();
            accepted.extend(opener.join().unwrap());
        });
    }
    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", PATIENCE);
    assert!(
        accepted.len() as u64 > ROUNDS / 2,
        "only {} outages were accepted: the kills come too early",
        accepted.len()
    );
    contacts.iter().for_each(|contact| assert!(site.mails_when_quiet(contact) > 0, "{contact} got no mail"));
    let repeated: usize = contacts.iter().map(|contact| site.post.told_of_each(contact, &accepted)).sum();
    assert_eq!(site.get("/v1/status")["store_note"], serde_json::Value::Null, "a kill damages nothing");
    // The data is what the directory has.
    site.sync(0);
    assert_eq!(site.get("/v1/users/asa.oberg")["phone"], (ROUNDS - 1).to_string());
    eprintln!("{} outages accepted in {ROUNDS} rounds, {repeated} mails came twice", accepted.len());
}
