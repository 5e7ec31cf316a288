//! A whole read over several connections gives what one gives, and what `ldapsearch` gives.

use serde_json::Value;

use super::sync::assert_same;
use crate::servers::PATIENCE;
use crate::site::{Site, outcome};
use crate::world::Organisation;

#[test]
fn over_four_connections_the_same_is_read_as_over_one() {
    let mut site = Site::new(Organisation::kommun());
    site.dc = site.dc.with_a_process_each();
    let over = |connections: u8| {
        let keys = format!("page_size = 100\nconnections = {connections}\nschedule");
        site.configure(&|text| *text = text.replacen("schedule", &keys, 1));
    };
    over(4);
    let daemon = site.start();
    let first = &site.get("/v1/runs")[0];
    assert_eq!((outcome(first), &first["mode"]), ("committed", &"full".into()));
    assert_eq!(first["counts"]["users"]["added"], 2_000);
    assert_same(&site);
    // The first read has shown that the ranges give everything; from then on they are read alone.
    assert_eq!(read_everything(&site), ("unchanged".to_owned(), 2_000.into()));
    let asa = site.world.dn(site.world.person("asa.oberg"));
    site.dc.set(&asa, "telephoneNumber", "+46 8 999 000 11");
    assert_eq!(read_everything(&site).0, "committed");
    assert_same(&site);
    daemon.terminate(PATIENCE);

    over(1);
    let _daemon = site.start();
    assert_eq!(read_everything(&site), ("unchanged".to_owned(), 2_000.into()));
}

fn read_everything(site: &Site) -> (String, Value) {
    let run = site.budkavle.run(&["sync", "--full", "--json"]).success().json()[0]["run"].clone();
    assert_eq!((&run["mode"], &run["mode_reason"]), (&"full".into(), &"asked".into()));
    (outcome(&run).to_owned(), run["counts"]["users"]["read"].clone())
}
