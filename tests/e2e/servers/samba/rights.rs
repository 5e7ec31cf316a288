//! Gives Budkavle's account the rights that an administrator may give it beside reading, and takes them away again.
//!
//! The database is changed as a file: the container of the deleted belongs to the system, whose access list not even an
//! administrator may change before he has taken it over.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{READER, Samba};
use crate::servers::ldif::{self, Record};
use crate::world::BASE;

/// A right of the account that Budkavle reads with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// DS-Replication-Get-Changes on the domain (MS-ADTS 5.1.3.2.1): DirSync without flag 1. It shows no deletions.
    GetChanges,
    /// To list and read in `CN=Deleted Objects`: to see what has been deleted, by DirSync or by the control for it.
    ReadDeletions,
}

impl Right {
    fn on(self) -> String {
        match self {
            Self::GetChanges => BASE.to_owned(),
            Self::ReadDeletions => format!("CN=Deleted Objects,{BASE}"),
        }
    }

    /// The entry of the access list, in SDDL (MS-DTYP 2.5.1).
    fn entry(self, account: &str) -> String {
        match self {
            Self::GetChanges => format!("(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{account})"),
            Self::ReadDeletions => format!("(A;;RPLC;;;{account})"),
        }
    }
}

impl Samba {
    /// Gives the reader a right. It holds from the next request on.
    pub fn grant(&self, right: Right) {
        let (list, entry) = (self.access_list(right), right.entry(&self.reader_sid()));
        // After the flags of the list that says who may: owner, group, D:flags(first entry)…
        let start = list.find("D:").unwrap();
        let first = start + list[start..].find('(').unwrap();
        self.set_access_list(right, &format!("{}{entry}{}", &list[..first], &list[first..]));
    }

    /// Takes it away again.
    pub fn revoke(&self, right: Right) {
        let (list, entry) = (self.access_list(right), right.entry(&self.reader_sid()));
        assert!(list.contains(&entry), "the reader doesn't have the right {right:?}");
        self.set_access_list(right, &list.replace(&entry, ""));
    }

    fn reader_sid(&self) -> String {
        let account = READER.split('@').next().unwrap();
        self.look_up(BASE, "sub", &format!("(sAMAccountName={account})"), "objectSid")
    }

    fn access_list(&self, right: Right) -> String {
        self.look_up(&right.on(), "base", "(objectClass=*)", "nTSecurityDescriptor")
    }

    fn set_access_list(&self, right: Right, list: &str) {
        self.change_offline(&Record::modify(&right.on(), "replace", "nTSecurityDescriptor", [list]));
    }

    /// The first value of an attribute of the first object, as `ldbsearch` writes it: a security descriptor as SDDL.
    fn look_up(&self, base: &str, scope: &str, filter: &str, attribute: &str) -> String {
        let mut search = Command::new("ldbsearch");
        search.arg("-H").arg(self.database()).args([
            "--show-deleted",
            "-b",
            base,
            "-s",
            scope,
            filter,
            attribute,
        ]);
        let found = search.output().expect("ldb-tools are installed");
        let text = String::from_utf8(found.stdout).unwrap().replace("\n ", "");
        let entry =
            ldif::parse(&text).into_iter().next().unwrap_or_else(|| panic!("no {filter} below {base}"));
        entry.text(attribute).unwrap_or_else(|| panic!("{base} has no {attribute}"))
    }

    /// Changes the database as a file, whether the server runs or not.
    pub(super) fn change_offline(&self, record: &Record) {
        let mut modify = Command::new("ldbmodify");
        modify.arg("-H").arg(self.database()).args(["--controls=show_deleted:1", "--relax", "--nosync"]);
        let mut modify =
            modify.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        modify.stdin.take().unwrap().write_all(record.to_ldif().as_bytes()).unwrap();
        let done = modify.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "ldbmodify: {complaint}\nthe change was:\n{}", record.to_ldif());
    }
}
