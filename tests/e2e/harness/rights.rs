//! What Budkavle's account sees of deletions follows the rights that it is given; what was deleted can come back.

use crate::servers::samba::Samba;
use crate::servers::samba::rights::Right;
use crate::world::{Organisation, PEOPLE, ROOT_UNIT, UNITS};

/// The attributes without which a move or a deletion can't be seen.
const TRACES: &[&str] = &["name", "isDeleted", "lastKnownParent"];

#[test]
fn deletions_are_seen_with_the_right_to() {
    let world = Organisation::kommun();
    let dc = Samba::start(&world);
    let [obrien, smith] = ["obrien", "john.smith"].map(|account| world.dn(world.person(account)));
    let (_, before) = dc.dirsync(None, "(objectClass=user)", TRACES);

    dc.delete([obrien.as_str()]);
    dc.grant(Right::GetChanges);
    let (seen, _) = dc.dirsync(Some(&before), "(objectClass=user)", TRACES);
    assert!(seen.is_empty(), "the right to get changes isn't enough: {seen:?}");

    dc.revoke(Right::GetChanges);
    dc.grant(Right::ReadDeletions);
    dc.delete([smith.as_str()]);
    let (seen, after) = dc.dirsync(Some(&before), "(objectClass=user)", TRACES);
    let deleted: Vec<String> = seen.iter().filter_map(|entry| entry.text("isDeleted")).collect();
    assert_eq!(deleted, ["TRUE", "TRUE"]);

    dc.revoke(Right::ReadDeletions);
    let (seen, _) = dc.dirsync(Some(&before), "(objectClass=user)", TRACES);
    assert!(seen.is_empty(), "nor are they without the right: {seen:?}");
    let (seen, _) = dc.dirsync(Some(&after), "(objectClass=user)", TRACES);
    assert!(seen.is_empty());
}

#[test]
fn what_was_deleted_comes_back() {
    let world = Organisation::kommun();
    let dc = Samba::start(&world);
    let dn = world.dn(world.person("soren.odegard"));
    let person = dc.read(&dn).unwrap();
    let guid = person.bytes("objectGUID").unwrap();
    assert!(dc.tombstone(guid).is_none());

    dc.delete([dn.as_str()]);
    assert_eq!(dc.read(&dn), None);
    assert_eq!(dc.tombstone(guid).unwrap().text("isDeleted").unwrap(), "TRUE");

    dc.undelete(guid, &dn);
    let back = dc.read(&dn).unwrap();
    assert_eq!(back.bytes("objectGUID"), Some(guid));
    assert_eq!(back.text("sAMAccountName"), person.text("sAMAccountName"));
    assert!(person.text("mail").is_some() && back.text("mail").is_none(), "there is no recycle bin");
    assert!(dc.tombstone(guid).is_none());
}

#[test]
fn units_move_with_all_that_is_below() {
    let world = Organisation::kommun();
    let dc = Samba::start(&world);
    let below = dc.search(&world.unit_dn(world.unit("Drift, jour")), PEOPLE, &["cn"]).len();
    let (_, before) = dc.dirsync(None, UNITS, TRACES);

    let moved = dc.move_to(&world.unit_dn(world.unit("Drift, jour")), &world.unit_dn(world.unit("Ekonomi")));
    let renamed = dc.rename(&moved, "Drift");
    assert!(below > 0);
    assert_eq!(dc.search(&renamed, PEOPLE, &["cn"]).len(), below);
    assert_eq!(dc.search(ROOT_UNIT, PEOPLE, &["cn"]).len(), 2_000);

    let (seen, _) = dc.dirsync(Some(&before), "(objectClass=*)", TRACES);
    let names: Vec<String> = seen.iter().filter_map(|entry| entry.text("name")).collect();
    assert_eq!(names, ["Drift"], "DirSync tells of the unit alone");
    assert!(seen[0].bytes("parentGUID").is_some());
}
