//! 389 Directory Server: read whole, then by the times of changes, though it offers to tell them (RFC 4533).

use super::openldap::{Place, human};
use crate::servers::budkavle::changes;
use crate::servers::ds389::Ds389;
use crate::servers::ldif::Record;
use crate::world::{Organisation, ROOT_UNIT};

#[test]
fn what_changed_at_389_directory_server_is_found_by_its_times() {
    let world = Organisation::generate(100, 30);
    let place = place(&world);
    place.configure("attributes.id = \"nsUniqueId\"");
    let told = place.budkavle.run(&["check", "--online"]).success().stdout;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("389 Directory Server forgets some"), "{told}");
    let _daemon = place.start();
    let first = &place.budkavle.json(&["sync", "history"])[0];
    assert_eq!(first["counts"]["users"]["added"], 100, "{first}");
    assert_eq!(first["counts"]["units"]["added"], 30, "{first}");
    let sync = || place.budkavle.followed("modify_timestamp");
    assert_eq!(sync(), [""; 0]);
    let admin = place.server.administrator();
    admin.replace(&world.dn(&world.people[10]), "title", &["Rektor"]);
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
    let unit = format!("OU=Nybildad,{}", world.unit_dn(3));
    admin.change(&[], &[Record::add(&unit, "organizationalUnit")]);
    admin.change(&[], &[human(&format!("CN=Inne,{unit}"), "inne")]);
    assert_eq!(sync(), ["unit added Nybildad", "user added Inne"]);
    admin.rename(&unit, "Ombildad");
    assert_eq!(sync(), ["unit changed Ombildad"]);

    // What is deleted shows when everything is read.
    admin.delete([new.as_str()]);
    place.sync(&[]);
    let report = place.sync(&["--full"]);
    assert_eq!(changes(&report), ["user removed Annan, Någon <ny>"], "{report}");
    assert_eq!(sync(), [""; 0]);
}

#[test]
fn by_its_entry_uuid_389_directory_server_is_followed_the_same_way() {
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
