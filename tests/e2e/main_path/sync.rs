//! What is in the directory is what Budkavle holds, attribute by attribute, after every kind of change.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::servers::ldif::{Entry, decode_dn};
use crate::servers::samba::Samba;
use crate::site::{Site, outcome};
use crate::world::{Organisation, PEOPLE, ROOT_UNIT, UNITS};

/// What both sides say of a person, by GUID.
type People = BTreeMap<String, BTreeMap<&'static str, Option<String>>>;

#[test]
fn every_change_is_followed_as_the_directory_has_it() {
    let site = Site::new(Organisation::kommun());
    let _daemon = site.start();
    let first = site.wait_for_runs(1);
    assert_eq!(outcome(&first), "committed");
    assert_eq!(
        (&first["counts"]["users"]["added"], &first["counts"]["units"]["added"]),
        (&2_000.into(), &200.into())
    );
    assert_same(&site);
    assert_eq!(outcome(&site.sync(0)["run"]), "unchanged");

    let world = &site.world;
    let dc = &site.dc;
    let changes = |report: &Value| -> Vec<(String, String, String)> {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let changes = report["changes"].as_array().unwrap();
        changes.iter().map(|c| (text(&c["kind"]), text(&c["what"]), text(&c["name"]))).collect()
    };
    let one = |kind: &str, what: &str, name: &str| vec![(kind.to_owned(), what.to_owned(), name.to_owned())];

    let asa = world.dn(world.person("asa.oberg"));
    dc.set(&asa, "telephoneNumber", "+46 8 999 000 11");
    let report = site.sync(0);
    assert_eq!(changes(&report), one("user", "changed", "Åsa Öberg"));
    assert_eq!(report["changes"][0]["fields"][0]["after"], "+46 8 999 000 11");
    assert_same(&site);

    dc.clear(&asa, "telephoneNumber");
    assert_eq!(site.sync(0)["changes"][0]["fields"][0]["after"], Value::Null);

    // A renamed user keeps the identity: a change, neither a delete nor an insert.
    let john = dc.rename(&world.dn(world.person("john.smith")), "Smith-Öberg, John");
    assert_eq!(changes(&site.sync(0)), one("user", "changed", "John Smith"));
    assert_same(&site);

    let other = world.unit_dn(world.unit("Personal"));
    let john = dc.move_to(&john, &other);
    let report = site.sync(0);
    assert_eq!(changes(&report), one("user", "changed", "John Smith"));
    let fields = report["changes"][0]["fields"].as_array().unwrap();
    let personal =
        site.get("/v1/units").as_array().unwrap().iter().find(|u| u["name"] == "Personal").unwrap()["id"]
            .clone();
    let after = format!("Personal ({})", personal.as_str().unwrap());
    assert!(fields.iter().any(|f| f["field"] == "unit" && f["after"] == after), "{fields:?}");
    assert!(shown(&site, &report).contains("→ Personal"), "{}", shown(&site, &report));
    assert_same(&site);

    // The rename of a unit changes the unit alone, whoever is below it.
    let unit = dc.rename(&world.unit_dn(world.unit("Ekonomi")), "Ekonomi & finans");
    assert_eq!(changes(&site.sync(0)), one("unit", "changed", "Ekonomi & finans"));
    assert_same(&site);

    let above = world.unit_dn(world.unit("IT-avdelningen"));
    dc.move_to(&unit, &above);
    assert_eq!(changes(&site.sync(0)), one("unit", "changed", "Ekonomi & finans"));
    assert_same(&site);

    dc.disable(&john);
    let report = site.sync(0);
    assert_eq!(report["changes"][0]["fields"][0]["field"], "enabled");
    assert_same(&site);

    // Whose manager or member he was changes, too, and nobody else.
    dc.delete([john.as_str()]);
    let report = site.sync(0);
    assert_eq!(changes(&report)[..1], one("user", "removed", "John Smith"));
    let had = report["changes"][0]["fields"].as_array().unwrap();
    assert!(
        had.iter().any(|f| f["field"] == "account" && f["before"] == "john.smith" && f["after"].is_null()),
        "{had:?}"
    );
    let id = report["run"]["id"].to_string();
    let only = |more: &[&str]| site.budkavle.json(&[&["sync", "show", &id], more].concat());
    let users = only(&["--kind", "user", "--what", "removed"]);
    assert_eq!((changes(&users), &users["matching"]), (one("user", "removed", "John Smith"), &1.into()));
    assert_eq!(only(&["--limit", "0"])["matching"], report["changes"].as_array().unwrap().len());
    assert_eq!(
        only(&["--limit", "9", "--offset", "1"])["changes"],
        Value::Array(report["changes"].as_array().unwrap().iter().skip(1).take(9).cloned().collect())
    );
    for change in &report["changes"].as_array().unwrap()[1..] {
        let fields = change["fields"].as_array().unwrap();
        let his = |field: &str| field == "manager" || field.starts_with("member");
        assert!(fields.iter().all(|f| his(f["field"].as_str().unwrap())), "{change}");
    }
    assert_same(&site);

    // Whoever is new is new, and a dry run only says so.
    let new = format!("CN=Ny Medarbetare,{other}");
    dc.change(&[crate::servers::ldif::Record::add(&new, "user")
        .value("sAMAccountName", "ny.medarbetare")
        .value("userAccountControl", "544")]);
    let dry = site.budkavle.run(&["sync", "--dry-run", "--json"]).success().json();
    assert_eq!(changes(&dry[0]), one("user", "added", "Ny Medarbetare"));
    assert_eq!(site.get("/v1/users?limit=10000")["items"].as_array().unwrap().len(), 1_999);
    assert_eq!(changes(&site.sync(0)), one("user", "added", "Ny Medarbetare"));
    assert_same(&site);
}

#[test]
fn starttls_reads_the_same() {
    let site = Site::new(Organisation::generate(80, 20));
    let (ldaps, ldap) = (site.dc.ldaps_url(), site.dc.ldap_url());
    site.configure(&|text| *text = text.replace(&ldaps, &ldap));
    let _daemon = site.start();
    assert_eq!(site.get("/v1/runs")[0]["server"].as_str(), Some(ldap.as_str()));
    assert_same(&site);
}

#[test]
fn what_is_stored_is_there_again_without_the_directory() {
    let mut site = Site::new(Organisation::generate(80, 20));
    let daemon = site.start();
    let before = site.get("/v1/users?limit=10000");
    assert_eq!(before["items"].as_array().unwrap().len(), site.world.people.len());
    assert!(daemon.terminate(crate::servers::PATIENCE).success());
    site.dc.stop();
    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", crate::servers::PATIENCE);
    assert_eq!(site.get("/v1/users?limit=10000"), before);
}

/// What `sync show` says of a run, in words.
fn shown(site: &Site, report: &Value) -> String {
    site.budkavle.run(&["sync", "show", &report["run"]["id"].to_string()]).success().stdout
}

/// Fails unless Budkavle's people and units are those of the directory, in every attribute.
pub(super) fn assert_same(site: &Site) {
    let (ours, theirs) = (held(site), in_directory(&site.dc));
    for (id, person) in &theirs {
        assert_eq!(ours.get(id), Some(person), "{id}");
    }
    assert_eq!(ours.len(), theirs.len(), "Budkavle holds people whom the directory doesn't have");
    let units = site.get("/v1/units").as_array().unwrap().len() - 1;
    assert_eq!(units, site.dc.search(ROOT_UNIT, UNITS, &["dn"]).len());
}

fn held(site: &Site) -> People {
    let users = site.get("/v1/users?limit=10000");
    let person = |u: &Value| {
        let text = |key: &str| u[key].as_str().map(str::to_owned);
        let fields = [
            ("account", text("account")),
            ("upn", text("upn")),
            ("name", text("name")),
            ("mail", text("mail")),
            ("phone", text("phone")),
            ("mobile", text("mobile")),
            ("title", text("title")),
            ("language", text("language")),
            ("unit", text("unit_path")),
            ("enabled", Some(u["enabled"].to_string())),
            ("expires", text("expires").map(|t| t.parse::<DateTime<Utc>>().unwrap().to_string())),
        ];
        (text("id").unwrap(), BTreeMap::from(fields))
    };
    users["items"].as_array().unwrap().iter().map(person).collect()
}

fn in_directory(dc: &Samba) -> People {
    let person = |entry: &Entry| {
        let text = |name: &str| entry.text(name).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let dn = decode_dn(&entry.dn);
        let mut units: Vec<&str> =
            dn.iter().filter(|(kind, _)| kind.eq_ignore_ascii_case("OU")).map(|(_, v)| v.as_str()).collect();
        units.reverse();
        let control: u32 = text("userAccountControl").unwrap().parse().unwrap();
        let fields = [
            ("account", text("sAMAccountName")),
            ("upn", text("userPrincipalName")),
            ("name", text("displayName").or_else(|| Some(dn[0].1.trim().to_owned()))),
            ("mail", text("mail")),
            ("phone", text("telephoneNumber")),
            ("mobile", text("mobile")),
            ("title", text("title")),
            // A single letter is no language (RFC 5646 §2.1).
            ("language", text("preferredLanguage").filter(|tag| tag.len() > 1)),
            ("unit", Some(units.join(" / "))),
            ("enabled", Some((control & 2 == 0).to_string())),
            ("expires", expires(&text("accountExpires").unwrap_or_default()).map(|t| t.to_string())),
        ];
        (guid(entry.bytes("objectGUID").unwrap()), BTreeMap::from(fields))
    };
    dc.search(ROOT_UNIT, PEOPLE, &["*"]).iter().map(person).collect()
}

/// A FILETIME: 100 ns since 1601.
fn expires(text: &str) -> Option<DateTime<Utc>> {
    let ticks: i64 = text.parse().ok().filter(|t| *t != 0 && *t != i64::MAX)?;
    let begin: DateTime<Utc> = "1601-01-01T00:00:00Z".parse().unwrap();
    Some(begin + TimeDelta::microseconds(ticks / 10) + TimeDelta::nanoseconds(ticks % 10 * 100))
}

/// As Microsoft writes it, by hand: the first three fields are little-endian.
pub(super) fn guid(b: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let turned = |bytes: &[u8]| hex(&bytes.iter().rev().copied().collect::<Vec<_>>());
    [turned(&b[..4]), turned(&b[4..6]), turned(&b[6..8]), hex(&b[8..10]), hex(&b[10..])].join("-")
}
