//! What the fuzz targets (`fuzz/`) call. Not in any build but theirs.

use std::collections::BTreeSet;

use chrono::DateTime;

use super::feed::FeedFormat;
use super::ldap::{fuzz_dirsync, fuzz_entries, fuzz_sync};
use super::ldif::fuzz_entries as ldif_entries;
use crate::domain::bounce::{self, ReturnKey};
use crate::domain::decode::{Mapping, Schema, decode};
use crate::domain::directory::Directory;
use crate::domain::entry::Entry;
use crate::domain::ids::{Guid, UnitId};
use crate::domain::intake::mapped::Mapping as Mapped;
use crate::domain::intake::{Report, SAID_MAX, alertmanager};
use crate::domain::outage::TITLE_MAX;

/// Reads the bytes as LDIF, whole and in pieces of `size`: both give the same.
pub fn ldif(bytes: &[u8], size: usize) {
    let whole = ldif_entries(bytes, usize::MAX);
    assert_eq!(whole, ldif_entries(bytes, size), "in pieces of {size} it reads otherwise");
    if let Some(entries) = whole {
        objects(&entries);
    }
}

/// Reads the bytes as a mail that may be a delivery report.
pub fn bounce(bytes: &[u8]) {
    if let Ok(report) = bounce::read(bytes) {
        assert!(!report.returned.is_empty() && report.returned.len() <= 20);
        let own = ReturnKey::new([7; 32]);
        assert_eq!(own.find(report.signs.iter().map(|sign| &**sign)), None, "a sign was forged");
    }
}

/// Reads the bytes as a vendor's status page in each form, and as what Alertmanager posts: what is made of them is short, and the same again.
pub fn feed(bytes: &[u8]) {
    let mapping = Mapped {
        entries: "/incidents".into(),
        id: "/id".into(),
        title: "/name".into(),
        text: Some("/impact".into()),
        state: Some("/status".into()),
        severity: Some("/impact".into()),
        at: Some("/updated_at".into()),
        components: Some("/components".into()),
        link: Some("/shortlink".into()),
        over: vec!["gone".into()],
        severities: Vec::new(),
    };
    for format in [FeedFormat::Statuspage, FeedFormat::Syndication, FeedFormat::Json(Box::new(mapping))] {
        let read = format.parse(bytes);
        assert_eq!(read, format.parse(bytes), "read again it is another one");
        read.iter().flat_map(|listed| &listed.reports).for_each(short);
    }
    alertmanager::parse(bytes, None, DateTime::UNIX_EPOCH).iter().for_each(short);
}

fn short(report: &Report) {
    assert!(!report.key.is_empty() && report.key.chars().count() <= 120 && !report.key.contains('\0'));
    assert!(!report.title.is_empty() && report.title.chars().count() <= TITLE_MAX);
    assert!(report.text.chars().count() <= SAID_MAX && report.components.len() <= 200);
    assert!(!report.title.chars().any(char::is_control));
}

/// Reads the bytes as the answers to a search.
pub fn messages(bytes: &[u8]) {
    objects(&fuzz_entries(bytes));
}

/// Reads the bytes as a server's DirSync control, and sends the cookie of it back.
pub fn dirsync(bytes: &[u8]) {
    fuzz_dirsync(bytes);
}

/// Reads the bytes as what a server tells of its changes (RFC 4533) since `cookie`, and `end` as the control at the end; the identity is
/// that of 389 Directory Server or everybody else's. None: nothing can be made of it.
pub fn sync(bytes: &[u8], end: &[u8], cookie: Option<&[u8]>, of_389: bool) -> Option<Synchronized> {
    let mut mapping = Schema::InetOrgPerson.mapping();
    if of_389 {
        mapping.id = "nsUniqueId".into();
    }
    fuzz_sync(bytes, end, &mapping, cookie)
}

/// What was made of what a server tells of its changes, identities in the order of their bytes in the store.
#[derive(PartialEq, Eq, Debug)]
pub struct Synchronized {
    /// Who changed, in the order told.
    pub changed: Vec<[u8; 16]>,
    /// Who was said to be deleted.
    pub deleted: BTreeSet<[u8; 16]>,
    /// All that there are, when they were named.
    pub present: Option<BTreeSet<[u8; 16]>>,
    /// Where the next read goes on.
    pub cookie: Vec<u8>,
}

/// Whatever is read makes a sound directory.
fn objects(entries: &[Entry]) {
    sound(&decode(entries, &Mapping::default(), &"main".into()).directory);
}

/// Panics unless every unit hangs at the root in the end, every identity is one object, and every user is in a unit that is there.
pub fn sound(Directory { users, units, groups, containers }: &Directory) {
    for unit in units.values() {
        let mut at = unit.parent;
        for _ in 0..=units.len() {
            at = units.get(&at).map_or(at, |above| above.parent);
        }
        assert_eq!(at, UnitId::ROOT, "a unit hangs nowhere");
    }
    let ids: Vec<Guid> = users
        .keys()
        .map(|id| id.0)
        .chain(units.keys().map(|id| id.0))
        .chain(groups.keys().map(|id| id.0))
        .chain(containers.keys().copied())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "one identity is two objects");
    assert!(users.values().all(|user| user.unit == UnitId::ROOT || units.contains_key(&user.unit)));
    assert!(users.values().all(|user| !user.name().is_empty() && !user.account().is_empty()));
}
