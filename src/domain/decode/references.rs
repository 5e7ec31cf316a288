//! Who is meant by names that are no plain distinguished names, and who is locked out.

use std::collections::HashMap;

use super::{Decoder, Mapping, text};
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;

/// An account's name, so that two ways to write it are the same: `uid` is compared without case (RFC 4519 §2.39).
pub fn account_key(account: &str) -> Box<str> {
    account.trim().to_lowercase().into()
}

/// A name with an optional UID (RFC 4517 §3.3.21) without that: `CN=x,O=y#'0101'B` means `CN=x,O=y`.
pub fn without_bits(value: &[u8]) -> &[u8] {
    let bits = |bits: &[u8]| bits.iter().all(|bit| matches!(bit, b'0' | b'1'));
    let Some(before) = value.strip_suffix(b"'B") else {
        return value;
    };
    let Some(hash) = before.iter().rposition(|byte| *byte == b'#') else {
        return value;
    };
    match before.get(hash + 1..).and_then(|rest| rest.strip_prefix(b"'")) {
        Some(rest) if bits(rest) => before.get(..hash).unwrap_or(value),
        _ => value,
    }
}

/// Whether an account is locked for good ([`Mapping::locks`]).
pub fn is_locked(entry: &Entry, mapping: &Mapping) -> bool {
    const FOR_GOOD: &[u8] = b"000001010000Z";
    let says_so = |value: &[u8]| value.eq_ignore_ascii_case(b"TRUE") || value == FOR_GOOD;
    mapping.locks.iter().any(|name| entry.first(name).is_some_and(|value| says_so(value.trim_ascii())))
}

impl Decoder<'_> {
    /// The accounts that a group names as its members.
    pub(super) fn member_accounts(&mut self, entry: &Entry) -> Vec<Box<str>> {
        let attribute = &*self.mapping.member_account;
        let mut accounts = Vec::new();
        for value in entry.values(attribute) {
            match str::from_utf8(value) {
                Ok(account) => accounts.extend(text::value(account).map(|account| account_key(&account))),
                Err(_) => self.leave_out(&entry.dn, attribute, "is not text in UTF-8"),
            }
        }
        accounts
    }

    /// Who bears an account's name, when any group names its members so. Where several do, all are meant: nothing tells them apart.
    pub(super) fn bearers(&self) -> HashMap<Box<str>, Vec<Guid>> {
        let mut bearers: HashMap<Box<str>, Vec<Guid>> = HashMap::new();
        if self.groups.iter().any(|group| !group.accounts.is_empty()) {
            for pending in &self.users {
                bearers.entry(account_key(pending.user.account())).or_default().push(pending.user.id.0);
            }
        }
        bearers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::decode::{Schema, decode};
    use crate::domain::directory::Objects;

    fn entry(dn: &str, number: u8, attributes: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::new(format!("{dn},dc=example,dc=org"));
        let id = Guid::from_uuid([number; 16]).to_string();
        entry.add("entryUUID", [id.as_bytes()]).unwrap();
        for (name, value) in attributes {
            entry.add(name, [value.as_bytes()]).unwrap();
        }
        entry
    }

    fn members(objects: &Objects) -> Vec<u8> {
        assert_eq!(objects.quarantined, []);
        let group = objects.directory.groups.values().next().unwrap();
        group.members.iter().map(|id| id.0[0]).collect()
    }

    #[test]
    fn members_are_named_in_three_ways() {
        let user = |n: u8, uid: &str| {
            entry(
                &format!("uid={uid}"),
                n,
                &[("objectClass", "posixAccount"), ("objectClass", "inetOrgPerson"), ("uid", uid)],
            )
        };
        let unix = [
            // Before whom it names, as the server likes it.
            entry(
                "cn=g",
                9,
                &[
                    ("objectClass", "posixGroup"),
                    ("cn", "g"),
                    ("memberUid", "ANNA"),
                    ("memberUid", "nobody"),
                    ("member", "uid=bo,dc=example,dc=org"),
                ],
            ),
            user(1, "anna"),
            user(2, "bo"),
        ];
        assert_eq!(members(&decode(&unix, &Schema::Rfc2307.mapping(), &"main".into())), [1, 2]);
        let unique = [
            user(1, "anna"),
            user(2, "bo"),
            entry(
                "cn=g",
                9,
                &[
                    ("objectClass", "groupOfUniqueNames"),
                    ("cn", "g"),
                    ("uniqueMember", "uid=anna,dc=example,dc=org#'0101'B"),
                    ("uniqueMember", "UID=Bo, DC=example, DC=org"),
                    ("memberUid", "nobody"),
                ],
            ),
        ];
        assert_eq!(members(&decode(&unique, &Schema::InetOrgPerson.mapping(), &"main".into())), [1, 2]);
    }

    #[test]
    fn accounts_are_disabled_and_end_as_their_schema_has_it() {
        let of = |name: &str, value: &str| {
            let person = [("objectClass", "posixAccount"), ("uid", "anna"), (name, value)];
            let objects =
                decode(&[entry("uid=anna", 1, &person)], &Schema::Rfc2307.mapping(), &"main".into());
            let user = objects.directory.users.values().next().unwrap().clone();
            (user.enabled, user.expires.map(|time| time.to_rfc3339()), objects.quarantined.len())
        };
        let on = |text: &str| Some(text.to_owned());
        for (name, value, expected) in [
            ("nsAccountLock", "true", (false, None, 0)),
            ("nsAccountLock", "FALSE", (true, None, 0)),
            ("pwdAccountLockedTime", "000001010000Z", (false, None, 0)),
            // After wrong passwords, for a while.
            ("pwdAccountLockedTime", "20261122230000Z", (true, None, 0)),
            ("shadowExpire", "1", (true, on("1970-01-02T00:00:00+00:00"), 0)),
            ("shadowExpire", "0", (true, on("1970-01-01T00:00:00+00:00"), 0)),
            ("shadowExpire", "-1", (true, None, 0)),
            ("shadowExpire", "20780", (true, on("2026-11-23T00:00:00+00:00"), 0)),
            ("shadowExpire", "9223372036854775807", (true, None, 0)),
            ("shadowExpire", "20261122230000Z", (true, on("2026-11-22T23:00:00+00:00"), 0)),
            ("shadowExpire", "soon", (true, None, 1)),
        ] {
            assert_eq!(of(name, value), expected, "{name} {value}");
        }
    }

    #[test]
    fn who_has_no_identity_as_text_is_set_aside() {
        let mut broken = Entry::new("uid=x,dc=example,dc=org");
        broken.add("objectClass", [&b"inetOrgPerson"[..]]).unwrap();
        broken.add("entryUUID", [&[7; 16][..]]).unwrap();
        let objects = decode(&[broken], &Schema::InetOrgPerson.mapping(), &"main".into());
        assert!(
            objects.quarantined[0].reason.contains("entryUUID is no identity"),
            "{:?}",
            objects.quarantined
        );
    }

    #[test]
    fn bits_behind_a_name_are_not_part_of_it() {
        for (value, name) in [
            ("cn=x,o=y#'0101'B", "cn=x,o=y"),
            ("cn=x,o=y#''B", "cn=x,o=y"),
            ("cn=a#b,o=y", "cn=a#b,o=y"),
            ("cn=x,o=y#'012'B", "cn=x,o=y#'012'B"),
            ("cn=x,o=y'B", "cn=x,o=y'B"),
            ("#'1'B", ""),
            ("", ""),
        ] {
            assert_eq!(without_bits(value.as_bytes()), name.as_bytes(), "{value}");
        }
    }
}
