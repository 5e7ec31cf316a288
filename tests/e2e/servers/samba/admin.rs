//! What an administrator does to the directory, by `ldapmodify`.

use super::Samba;
use super::provision::unicode_password;
use crate::servers::ldif::{self, Entry, Record};
use crate::world::BASE;

const NORMAL_ACCOUNT: &str = "512";
const NORMAL_ACCOUNT_DISABLED: &str = "514";
/// The control that lets a request see what is deleted (MS-ADTS 3.1.1.3.4.1.14).
const SHOW_DELETED: &str = "!1.2.840.113556.1.4.417";

impl Samba {
    /// Makes any changes, one after the other.
    pub fn change(&self, records: &[Record]) {
        self.administrator().change(&[], records);
    }

    /// Gives an attribute one value instead of all it has.
    pub fn set(&self, dn: &str, attribute: &str, value: &str) {
        self.administrator().replace(dn, attribute, &[value]);
    }

    /// Removes an attribute.
    pub fn clear(&self, dn: &str, attribute: &str) {
        self.administrator().replace(dn, attribute, &[]);
    }

    /// Gives a person or a unit another name; returns the new distinguished name.
    pub fn rename(&self, dn: &str, name: &str) -> String {
        self.administrator().rename(dn, name)
    }

    /// Moves a person or a unit below another unit; returns the new distinguished name.
    pub fn move_to(&self, dn: &str, parent: &str) -> String {
        self.administrator().move_to(dn, parent)
    }

    /// Disables an account.
    pub fn disable(&self, dn: &str) {
        self.set(dn, "userAccountControl", NORMAL_ACCOUNT_DISABLED);
    }

    /// Enables an account.
    pub fn enable(&self, dn: &str) {
        self.set(dn, "userAccountControl", NORMAL_ACCOUNT);
    }

    /// Deletes objects that have nothing below them.
    pub fn delete<'a>(&self, dns: impl IntoIterator<Item = &'a str>) {
        self.administrator().delete(dns);
    }

    /// What a deleted object has left, by its `objectGUID`.
    pub fn tombstone(&self, guid: &[u8]) -> Option<Entry> {
        let escaped: String = guid.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let mut search = self.administrator().tool("ldapsearch");
        search.args(["-LLL", "-o", "ldif-wrap=no", "-e", SHOW_DELETED, "-b"]);
        search
            .arg(format!("CN=Deleted Objects,{BASE}"))
            .arg(format!("(&(isDeleted=TRUE)(objectGUID={escaped}))"));
        let found = search.output().unwrap();
        ldif::parse(std::str::from_utf8(&found.stdout).unwrap()).pop()
    }

    /// Brings a deleted object back as `dn`, with the same `objectGUID` and account. The rest of what it had, its groups
    /// included, stays lost, as in a domain without a recycle bin (MS-ADTS 3.1.1.5.3.7.3).
    pub fn undelete(&self, guid: &[u8], dn: &str) {
        let tombstone = self.tombstone(guid).unwrap_or_else(|| panic!("nothing is deleted that was {dn}"));
        let record = Record::modify(&tombstone.dn, "delete", "isDeleted", [""; 0]);
        self.administrator()
            .change(&["-e", SHOW_DELETED], &[record.and("replace", "distinguishedName", [dn])]);
    }

    /// Resets the password of an account.
    pub fn set_password(&self, dn: &str, password: &str) {
        self.change(&[Record::modify(dn, "replace", "unicodePwd", [unicode_password(password)])]);
    }

    /// Puts somebody into a group.
    pub fn add_member(&self, group: &str, member: &str) {
        self.administrator().change_member("add", group, member);
    }

    /// Takes somebody out of a group.
    pub fn remove_member(&self, group: &str, member: &str) {
        self.administrator().change_member("delete", group, member);
    }
}
