//! Somebody who reads or changes a directory by OpenLDAP's tools, which know nothing of Budkavle's own client.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ldif::{self, Entry, Record, escape_rdn, split_rdn};

/// An account at one server, over LDAPS with the server's certificate verified.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    pub url: &'a str,
    /// The certificate of the authority that signed the server's.
    pub ca: &'a Path,
    /// A distinguished name, or for Active Directory a user principal name.
    pub name: &'a str,
    pub password: &'a str,
}

impl Account<'_> {
    /// Whether the directory lets it in: the smallest search there is.
    pub fn is_let_in(&self, base: &str) -> bool {
        let mut search = self.tool("ldapsearch");
        search.args(["-b", base, "-s", "base", "dn"]).stdout(Stdio::null()).stderr(Stdio::null());
        search.status().unwrap().success()
    }

    /// What it can read below `base` (itself included), page by page.
    pub fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> Vec<Entry> {
        let mut search = self.tool("ldapsearch");
        search.args(["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", base, filter]);
        let found = search.args(attributes).output().unwrap();
        let complaint = String::from_utf8_lossy(&found.stderr);
        assert!(found.status.success(), "ldapsearch below {base} for {filter}: {complaint}");
        ldif::parse(std::str::from_utf8(&found.stdout).unwrap())
    }

    /// One object by its distinguished name; `None` when there is none. The rootDSE has the empty name.
    pub fn read(&self, dn: &str, attributes: &[&str]) -> Option<Entry> {
        let mut search = self.tool("ldapsearch");
        search.args(["-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn]).args(attributes);
        ldif::parse(std::str::from_utf8(&search.output().unwrap().stdout).unwrap()).pop()
    }

    /// Makes any changes, one after the other. `options` are `ldapmodify`'s.
    pub fn change(&self, options: &[&str], records: &[Record]) {
        let ldif: String = records.iter().map(Record::to_ldif).collect();
        let mut modify = self.tool("ldapmodify");
        modify.args(options).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut modify = modify.spawn().expect("ldapmodify is installed");
        modify.stdin.take().unwrap().write_all(ldif.as_bytes()).unwrap();
        let done = modify.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "ldapmodify: {complaint}\nthe changes were:\n{ldif}");
    }

    /// Gives an attribute these values instead of all it has; none removes it.
    pub fn replace(&self, dn: &str, attribute: &str, values: &[&str]) {
        self.change(&[], &[Record::modify(dn, "replace", attribute, values)]);
    }

    /// Gives an object another name; returns the new distinguished name.
    pub fn rename(&self, dn: &str, name: &str) -> String {
        let (rdn, parent) = split_rdn(dn);
        let (kind, _) = rdn.split_once('=').unwrap();
        let rdn = format!("{kind}={}", escape_rdn(name));
        self.change(&[], &[Record::rename(dn, &rdn, parent)]);
        format!("{rdn},{parent}")
    }

    /// Moves an object below another; returns the new distinguished name.
    pub fn move_to(&self, dn: &str, parent: &str) -> String {
        let (rdn, _) = split_rdn(dn);
        self.change(&[], &[Record::rename(dn, rdn, parent)]);
        format!("{rdn},{parent}")
    }

    /// Deletes objects that have nothing below them.
    pub fn delete<'a>(&self, dns: impl IntoIterator<Item = &'a str>) {
        self.change(&[], &dns.into_iter().map(Record::delete).collect::<Vec<_>>());
    }

    /// Puts somebody into a group (`how` is `add`) or takes somebody out (`delete`).
    pub fn change_member(&self, how: &str, group: &str, member: &str) {
        self.change(&[], &[Record::modify(group, how, "member", [member])]);
    }

    /// One of OpenLDAP's tools.
    pub fn tool(&self, tool: &str) -> Command {
        let mut command = Command::new(tool);
        command.args(["-x", "-H", self.url, "-D", self.name, "-w", self.password]);
        command.env("LDAPTLS_CACERT", self.ca).env("LDAPTLS_REQCERT", "demand");
        command
    }
}
