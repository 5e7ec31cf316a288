//! A backup taken while the daemon runs is everything, and comes back as it was.

use std::fs;

use crate::servers::PATIENCE;
use crate::site::Site;
use crate::world::Organisation;

#[test]
fn what_was_backed_up_comes_back() {
    let site = Site::new(Organisation::generate(80, 20));
    let daemon = site.start();
    site.assign_contacts();
    site.budkavle.run(&["outage", "open", "Before the backup"]).success();
    let file = site.path().join("backup.bkv");
    let path = file.display().to_string();
    site.budkavle.run(&["backup", &path]).success();
    assert!(site.budkavle.run(&["backup", &path]).ended_with(2).stderr.contains("exists already"));
    let look = || {
        (
            site.get("/v1/users?limit=1000"),
            site.get("/v1/contacts"),
            site.get("/v1/outages"),
            site.get("/v1/audit"),
        )
    };
    let before = look();
    site.budkavle.run(&["outage", "open", "After the backup"]).success();
    site.budkavle.run(&["contacts", "revoke", "1"]).success();
    // The store is the daemon's as long as it runs.
    let held = site.budkavle.run(&["restore", &path, "--replace"]).ended_with(1);
    assert!(held.stderr.contains("another process"), "{}", held.stderr);
    assert!(daemon.terminate(PATIENCE).success());

    let full = site.budkavle.run(&["restore", &path]).ended_with(1);
    assert!(full.stderr.contains("replace"), "{}", full.stderr);
    let mut damaged = fs::read(&file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let bad = site.path().join("damaged.bkv");
    fs::write(&bad, damaged).unwrap();
    site.budkavle.run(&["restore", &bad.display().to_string(), "--replace"]).ended_with(1);

    site.budkavle.run(&["restore", &path, "--replace"]).success();
    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", PATIENCE);
    assert_eq!(look(), before);
}
