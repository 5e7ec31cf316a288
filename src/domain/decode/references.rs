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
