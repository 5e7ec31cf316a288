//! Runs that read only what changed end where a run that reads everything ends.

use crate::servers::ldif::Record;
use crate::servers::samba::rights::Right;
use crate::site::{Site, outcome};
use crate::world::{BASE, Organisation, ROOT_UNIT};

#[test]
fn what_changed_is_all_that_is_read_and_all_that_there_is() {
    let site = Site::new(Organisation::generate(300, 40));
    let _daemon = site.start();
    let (world, dc) = (&site.world, &site.dc);
    let first = &site.get("/v1/runs")[0];
    assert_eq!((&first["mode"], &first["mode_reason"]), (&"full".into(), &"first".into()));

    // Nothing changed: by the numbers first, then by the cookie.
    assert_eq!(followed(&site), [""; 0]);
    assert_eq!(followed(&site), [""; 0]);

    let unit = |n: usize| world.unit_dn(n);
    let person = |n: usize| world.dn(&world.people[n]);
    dc.set(&person(10), "telephoneNumber", "+46 8 999 000 11");
    assert_eq!(followed(&site).len(), 1);
    dc.clear(&person(10), "telephoneNumber");
    dc.clear(&person(11), "displayName");
    dc.set(&person(12), "manager", &person(13));
    // Without a displayName the name is the RDN's, which reads the same here: that is nothing to tell.
    assert_eq!(followed(&site).len(), 2);

    let renamed = dc.rename(&person(14), "Annan, Någon <ny>");
    let moved = dc.move_to(&renamed, &unit(5));
    assert_eq!(followed(&site).len(), 1);

    dc.disable(&moved);
    assert_eq!(followed(&site).len(), 1);

    // The deleted are members and managers no longer.
    dc.delete([person(13).as_str()]);
    let changes = followed(&site);
    assert!(changes.len() >= 2, "{changes:?}");

    // A container with somebody in it, which moves as a whole, out of the base and back.
    let folder = format!("CN=Mapp,{}", unit(6));
    dc.change(&[Record::add(&folder, "container")]);
    let inside = format!("CN=I mappen,{folder}");
    dc.change(&[user(&inside, "i.mappen")]);
    assert_eq!(followed(&site), ["user added I mappen"]);
    let folder = dc.move_to(&folder, &unit(7));
    assert_eq!(followed(&site), ["user changed I mappen"]);
    let folder = dc.rename(&folder, "Mappen");
    assert_eq!(followed(&site), [""; 0]);
    let folder = dc.move_to(&folder, BASE);
    assert_eq!(followed(&site), ["user removed I mappen"]);
    dc.move_to(&folder, ROOT_UNIT);
    assert_eq!(followed(&site), ["user came_back I mappen"]);

    // Units: new with somebody in it, renamed, moved, out of the base and back with all that is below.
    let new = format!("OU=Nybildad,{}", unit(3));
    dc.change(&[Record::add(&new, "organizationalUnit")]);
    dc.change(&[user(&format!("CN=Nyanställd,{new}"), "nyanstalld")]);
    assert_eq!(followed(&site), ["unit added Nybildad", "user added Nyanställd"]);
    let new = dc.rename(&new, "Ombildad");
    assert_eq!(followed(&site), ["unit changed Ombildad"]);
    let new = dc.move_to(&new, &unit(2));
    assert_eq!(followed(&site), ["unit changed Ombildad"]);
    let new = dc.move_to(&new, BASE);
    assert_eq!(followed(&site), ["unit removed Ombildad", "user removed Nyanställd"]);
    let new = dc.move_to(&new, &unit(1));
    assert_eq!(followed(&site), ["unit came_back Ombildad", "user came_back Nyanställd"]);

    // Groups: members come and go, one of them another group.
    let groups = [format!("CN=Vänner,{new}"), format!("CN=Bekanta,{new}")];
    for (n, group) in groups.iter().enumerate() {
        dc.change(&[Record::add(group, "group").value("sAMAccountName", &format!("grupp-{n}"))]);
    }
    for member in [&person(20), &person(21), &groups[1]] {
        dc.add_member(&groups[0], member);
    }
    assert_eq!(followed(&site), ["group added Bekanta", "group added Vänner"]);
    dc.remove_member(&groups[0], &person(20));
    dc.add_member(&groups[0], &person(22));
    assert_eq!(followed(&site), ["group changed Vänner"]);
    dc.delete([groups[1].as_str()]);
    assert_eq!(followed(&site), ["group changed Vänner", "group removed Bekanta"]);

    // Deleted and back, under the same identity.
    let back = person(30);
    let before = id_of(&site, &world.people[30].account);
    let guid = dc.read(&back).unwrap().bytes("objectGUID").unwrap().to_vec();
    dc.delete([back.as_str()]);
    followed(&site);
    dc.undelete(&guid, &back);
    let changes = followed(&site);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(id_of(&site, &world.people[30].account), before);
}

#[test]
fn deletions_that_can_not_be_seen_are_left_to_a_whole_read() {
    let site = Site::new(Organisation::generate(80, 20));
    let check = || site.budkavle.run(&["check", "--online"]).success().stdout;
    assert!(!check().contains("dsacls"));
    site.dc.revoke(Right::ReadDeletions);
    let said = check().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("dsacls \"CN=Deleted Objects,{BASE}\" /g")), "{said}");
    let _daemon = site.start();
    let gone = site.world.dn(&site.world.people[10]);
    site.dc.delete([gone.as_str()]);
    let report = site.sync(0);
    assert_eq!((&report["run"]["mode"], outcome(&report["run"])), (&"dir_sync".into(), "unchanged"));
    // Once the right is granted, what happened before is looked for, too.
    site.dc.grant(Right::ReadDeletions);
    let report = site.sync(0);
    assert_eq!(
        (&report["run"]["mode"], &report["run"]["mode_reason"]),
        (&"full".into(), &"sees_deletions".into())
    );
    assert_eq!(report["run"]["counts"]["users"]["removed"], 1);
    assert_eq!(followed(&site), [""; 0]);
}

/// Syncs by DirSync; gives what changed.
pub(super) fn followed(site: &Site) -> Vec<String> {
    site.budkavle.followed("dir_sync")
}

pub(super) fn user(dn: &str, account: &str) -> Record {
    Record::add(dn, "user").value("sAMAccountName", account).value("userAccountControl", "544")
}

fn id_of(site: &Site, account: &str) -> String {
    let users = site.get("/v1/users?limit=10000");
    let users = users["items"].as_array().unwrap();
    users.iter().find(|u| u["account"] == account).unwrap()["id"].as_str().unwrap().to_owned()
}
