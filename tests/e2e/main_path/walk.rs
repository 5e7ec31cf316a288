//! A long random walk: whatever is done to a directory, runs that read only what changed end where one that reads everything ends.
//!
//! Each walk is made by a number, which a failure prints: `BUDKAVLE_WALK=NUMBER tests/run a_random_walk` takes the same way again.

mod steps;

use std::collections::BTreeMap;

use rand::Rng as _;
use serde_json::Value;

use super::sync::assert_same;
use crate::site::{Site, outcome};
use crate::world::{Organisation, ROOT_UNIT};
use steps::Walk;

/// The changes of the long walk.
const LONG: usize = 2_000;
/// Those of the others.
const SHORT: usize = 400;

#[test]
fn a_random_walk_ends_where_a_whole_read_ends() {
    // Not odd, nor one less than a multiple of three: neither filter nor second base, so at the end all is compared with the directory itself.
    let chosen = std::env::var("BUDKAVLE_WALK").ok();
    walk(chosen.map_or(4, |seed| seed.parse().expect("BUDKAVLE_WALK is a number")), LONG);
}

#[test]
fn a_random_walk_past_a_filter_ends_where_a_whole_read_ends() {
    walk(3, SHORT);
}

#[test]
fn a_random_walk_between_two_bases_ends_where_a_whole_read_ends() {
    walk(2, SHORT);
}

fn walk(seed: u64, changes: usize) {
    // Shown when the test fails.
    eprintln!("the walk is made by the number {seed}");
    let site = Site::new(Organisation::generate(300, 40));
    let wide = ["users", "units", "memberships", "holders", "mails", "phones", "moves"]
        .map(|kind| format!("guard.{kind} = {{ count = 100000, percent = 100, floor = 100000 }}\n"))
        .concat();
    // An odd walk has a filter that more than the class decides on.
    let filter = if seed % 2 == 1 {
        "user_filter = \"(&(objectCategory=person)(objectClass=user)(!(title=Hemlig)))\"\n"
    } else {
        ""
    };
    // One in three reads two units beside each other, between which everybody moves.
    let bases = if seed % 3 == 2 {
        ["Personal", "IT-avdelningen"].map(|name| site.world.unit_dn(site.world.unit(name))).to_vec()
    } else {
        vec![ROOT_UNIT.to_owned()]
    };
    site.configure(&|text| {
        *text = text.replace("[mail]", &format!("{wide}{filter}[mail]"));
        *text = text.replace(&format!("bases = [\"{ROOT_UNIT}\"]"), &format!("bases = {bases:?}"));
    });
    let _daemon = site.start();

    let mut walk = Walk::new(&site.dc, seed, &bases);
    let (mut runs, mut by_reason) = (0, BTreeMap::<String, u32>::new());
    while walk.changes() < changes {
        let batch = walk.random().random_range(10..=50);
        walk.go(&site.dc, batch);
        // Now and then a whole read comes between, and the numbers tell what changed since.
        let whole = walk.random().random_range(0..10) == 0;
        if whole {
            let run = site.budkavle.run(&["sync", "--json", "--full"]).ended_with(0).json()[0]["run"].clone();
            assert_eq!(run["mode"], "full");
            walk.go(&site.dc, 10);
        }
        let report = site.budkavle.run(&["sync", "--json"]).ended_with(0).json()[0].clone();
        let run = &report["run"];
        runs += 1;
        *by_reason.entry(format!("{} {}", run["mode"], run["mode_reason"])).or_default() += 1;
        assert!(["committed", "unchanged"].contains(&outcome(run)), "walk {seed}: {run}");
        let after =
            site.budkavle.run(&["sync", "--json", "--dry-run", "--full"]).ended_with(0).json()[0].clone();
        assert_eq!(after["run"]["mode"], "full");
        assert_eq!(
            after["changes"],
            Value::Array(Vec::new()),
            "walk {seed}, after {} changes: a whole read finds more after {report}\nthe last changes were:\n{}",
            walk.changes(),
            walk.last(),
        );
    }
    eprintln!("walk {seed}: {} changes in {runs} runs: {by_reason:?}; {:?}", walk.changes(), walk.kinds());
    let continued = by_reason.get("\"dir_sync\" \"continued\"").copied().unwrap_or(0);
    assert!(continued * 20 >= runs * 19, "of {runs} runs only {continued} read what changed: {by_reason:?}");
    let rare = walk.kinds().iter().filter(|(_, count)| **count < 5).collect::<Vec<_>>();
    assert!(rare.is_empty() || changes < LONG, "hardly ever done: {rare:?}");
    if filter.is_empty() && bases == [ROOT_UNIT] {
        assert_same(&site);
    }
}
