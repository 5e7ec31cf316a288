//! 389 Directory Server: read whole, then by what changed, as it tells by RFC 4533 in its own way; or by the times of changes.

use super::openldap::{Place, human};
use crate::servers::budkavle::changes;
use crate::servers::ds389::Ds389;
use crate::servers::ldif::Record;
use crate::world::{BASE, Organisation, ROOT_UNIT};

#[test]
fn what_changed_at_389_directory_server_is_told_and_deletions_too() {
    let world = Organisation::generate(100, 30);
    let place = place(&world);
    place.configure("attributes.id = \"nsUniqueId\"");
    let told = place.budkavle.run(&["check", "--online"]).success().stdout;
    assert!(told.contains("RFC 4533"), "{told}");
    let _daemon = place.start();
    let first = &place.budkavle.json(&["sync", "history"])[0];
    assert_eq!(first["counts"]["users"]["added"], 100, "{first}");
    assert_eq!(first["counts"]["units"]["added"], 30, "{first}");
    let sync = || place.budkavle.followed("content_sync");
    assert_eq!(sync(), [""; 0]);
    let admin = place.server.administrator();
    let person = |n: usize| world.dn(&world.people[n]);
    admin.replace(&person(10), "title", &["Rektor"]);
    assert_eq!(sync().len(), 1);

    // Somebody new, in a group, by another name, in another place, locked, gone.
    let group = world.group_dn("outage-duty");
    let new = format!("CN=Nyanställd,{}", world.unit_dn(3));
    admin.change(&[], &[human(&new, "nyanstalld")]);
    admin.change_member("add", &group, &new);
    assert_eq!(sync(), ["group changed outage-duty", "user added Nyanställd"]);
    let new = admin.rename(&new, "Annan, Någon <ny>");
    assert_eq!(sync(), ["user changed Annan, Någon <ny>"]);
    let new = admin.move_to(&new, &world.unit_dn(5));
    assert_eq!(sync(), ["user changed Annan, Någon <ny>"]);
    admin.replace(&new, "nsAccountLock", &["true"]);
    assert_eq!(sync(), ["user changed Annan, Någon <ny>"]);
    admin.delete([new.as_str()]);
    assert_eq!(sync(), ["group changed outage-duty", "user removed Annan, Någon <ny>"]);

    // A unit with somebody below, of whom nothing is told.
    let unit = format!("OU=Nybildad,{}", world.unit_dn(3));
    admin.change(&[], &[Record::add(&unit, "organizationalUnit"), human(&format!("CN=Inne,{unit}"), "inne")]);
    assert_eq!(sync(), ["unit added Nybildad", "user added Inne"]);
    let unit = admin.rename(&unit, "Ombildad");
    assert_eq!(sync(), ["unit changed Ombildad"]);
    let unit = admin.move_to(&unit, BASE);
    assert_eq!(sync(), ["unit removed Ombildad", "user removed Inne"]);
    let unit = admin.move_to(&unit, &world.unit_dn(1));
    assert_eq!(sync(), ["unit came_back Ombildad", "user came_back Inne"]);

    // Of more than fifty who go at once it forgets some: then everything is read.
    let many: Vec<String> = (0..60).map(|n| format!("CN=Många {n},{unit}")).collect();
    let added: Vec<Record> = many.iter().enumerate().map(|(n, dn)| human(dn, &format!("m{n}"))).collect();
    admin.change(&[], &added);
    assert_eq!(sync().len(), 60);
    admin.delete(many.iter().map(String::as_str));
    let report = place.sync(&[]);
    assert_eq!((&report["run"]["mode"], &report["run"]["mode_reason"]), (&"full".into(), &"too_much".into()));
    assert_eq!(changes(&report).len(), 60, "{report}");
}

#[test]
fn by_its_entry_uuid_389_directory_server_is_followed_by_the_times_of_changes() {
    let world = Organisation::generate(50, 20);
    let place = place(&world);
    let _daemon = place.start();
    let admin = place.server.administrator();
    admin.replace(&world.dn(&world.people[10]), "title", &["Rektor"]);
    assert_eq!(place.budkavle.followed("modify_timestamp").len(), 1);
}

fn place(world: &Organisation) -> Place<Ds389> {
    let server = Ds389::start(world);
    let (url, ca) = (server.ldaps_url().to_owned(), server.ca_file().to_owned());
    Place::at(server, &url, &ca, "inetorgperson", ROOT_UNIT)
}
