//! A domain controller that is put back to an earlier state shows it as a real one does.

use crate::servers::samba::Samba;
use crate::world::Organisation;

#[test]
fn a_restored_controller_counts_lower() {
    let world = Organisation::kommun();
    let mut dc = Samba::start(&world);
    let dn = world.dn(world.person("obrien"));
    let title = |dc: &Samba| dc.read(&dn).unwrap().text("title").unwrap();
    let (at_first, usn, id) = (title(&dc), dc.usn(), dc.invocation_id());
    let backup = dc.backup();

    for change in ["one", "two", "three"] {
        dc.set(&dn, "title", change);
    }
    let later = dc.usn();
    assert!(later >= usn + 3);
    let (_, cookie) = dc.dirsync(None, "(objectClass=user)", &["title"]);

    dc.roll_back(&backup);
    assert_eq!((title(&dc), dc.invocation_id()), (at_first.clone(), id.clone()));
    assert!(dc.usn() < later);
    let (seen, _) = dc.dirsync(Some(&cookie), "(objectClass=user)", &["title"]);
    assert!(seen.is_empty(), "no word of what has been undone: that is the danger");

    dc.restore(&backup);
    assert_eq!(title(&dc), at_first);
    assert_ne!(dc.invocation_id(), id);
    assert!(dc.usn() < later);
    dc.set(&dn, "title", "four");
    assert_eq!(title(&dc), "four");
}
