//! Users by what they are called: account, user principal name, mail address, full name.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::directory::User;
use crate::domain::ids::{Guid, UserId};
use crate::domain::map::Map;

/// Who may be called what. A name that somebody had once may still be in it: who is found has to be looked at anyway.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Of everybody, when it was made.
    built: Arc<Built>,
    /// By digest: of those who were written since.
    since: Map<(u64, UserId), ()>,
}

/// An index by digest: 32 bits of a name's digest and the user's number, in order. Small, since only the digest is kept: at four
/// names each, a million users take 48 MB.
#[derive(Debug)]
struct Built {
    entries: Box<[u64]>,
    /// By number.
    users: Box<[UserId]>,
}

impl Names {
    /// Indexes all users of a directory.
    pub(super) fn of(all: &Map<UserId, Arc<User>>) -> Names {
        let mut entries = Vec::with_capacity(all.len() * 4);
        let mut room = String::new();
        for (number, user) in (0_u32..).zip(all.values()) {
            entries.extend(names(user).map(|name| digest(name, &mut room) | u64::from(number)));
        }
        entries.sort_unstable();
        entries.dedup();
        let built = Built { entries: entries.into(), users: all.keys().copied().collect() };
        Names { built: Arc::new(built), since: Map::new() }
    }

    /// The index with these users, too; None when so many were written since it was built that it is better built anew.
    pub(super) fn with<'a>(&self, written: impl Iterator<Item = &'a Arc<User>>) -> Option<Names> {
        let mut names = self.clone();
        let mut room = String::new();
        for user in written {
            let digests = self::names(user).map(|name| ((digest(name, &mut room), user.id), ()));
            names.since.extend(digests.collect::<Vec<_>>());
        }
        (names.since.len() <= self.built.entries.len() / 8 + 1_000).then_some(names)
    }

    /// The users who may be called `name`, some perhaps twice; some may not, or be gone, and have to be looked at.
    pub(super) fn find(&self, name: &str) -> impl Iterator<Item = UserId> + '_ {
        const NUMBER: u64 = u32::MAX as u64;
        let wanted = digest(name, &mut String::new());
        let Built { entries, users } = &*self.built;
        let from = entries.partition_point(|entry| *entry < wanted);
        let built = entries.get(from..).unwrap_or_default();
        let numbers =
            built.iter().take_while(move |e| **e & !NUMBER == wanted).map(|e| (e & NUMBER) as usize);
        let since = self.since.iter_from(&(wanted, UserId(Guid([0; 16])))).map(|(key, ())| *key);
        let since = since.take_while(move |(digest, _)| *digest == wanted).map(|(_, id)| id);
        numbers.filter_map(|number| users.get(number).copied()).chain(since)
    }
}

/// What a user can be found by.
fn names(user: &User) -> impl Iterator<Item = &str> {
    [Some(user.account()), user.upn(), user.mail(), Some(user.name())].into_iter().flatten()
}

/// A digest of the name in lower case, in the upper half. `room` is room to work in.
fn digest(name: &str, room: &mut String) -> u64 {
    room.clear();
    if name.is_ascii() {
        room.push_str(name);
        room.make_ascii_lowercase();
    } else {
        room.extend(lower(name));
    }
    xxh3_64(room.as_bytes()) & !u64::from(u32::MAX)
}

fn lower(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().flat_map(char::to_lowercase)
}

/// Whether two names are the same but for case.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && lower(a).eq(lower(b)))
}

/// Adds `text` to `out` in plain lower-case letters: `Åsa Øberg` as `asa oberg`, so that a person without the right keyboard
/// finds it.
pub(super) fn fold_into(text: &str, out: &mut String) {
    let from = out.len();
    if text.is_ascii() {
        out.push_str(text);
    } else {
        for c in text.chars() {
            if c.is_ascii() { out.push(c) } else { out.push_str(any_ascii::any_ascii_char(c)) }
        }
    }
    if let Some(added) = out.get_mut(from..) {
        added.make_ascii_lowercase();
    }
}

/// [`fold_into`] a new text.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    out
}
