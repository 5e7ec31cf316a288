//! Users by what they are called: account, user principal name, mail address, full name.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::directory::User;

/// An index by digest: 32 bits of a name's digest and the user's number, in order. Small, since only the digest is kept: at four
/// names each, a million users take 32 MB.
#[derive(Clone, Debug)]
pub(super) struct Names(Vec<u64>);

impl Names {
    /// Indexes `users`, each under its number in the slice.
    pub(super) fn of(users: &[Arc<User>]) -> Names {
        let mut entries = Vec::with_capacity(users.len() * 4);
        let mut room = String::new();
        for (number, user) in (0_u32..).zip(users) {
            let names = [Some(&user.account), user.upn.as_ref(), user.mail.as_ref(), Some(&user.name)];
            entries
                .extend(names.into_iter().flatten().map(|name| digest(name, &mut room) | u64::from(number)));
        }
        entries.sort_unstable();
        entries.dedup();
        entries.shrink_to_fit();
        Names(entries)
    }

    /// The numbers of the users who may be called `name`; some may not, and have to be looked at.
    pub(super) fn find(&self, name: &str) -> impl Iterator<Item = usize> + '_ {
        const NUMBER: u64 = u32::MAX as u64;
        let wanted = digest(name, &mut String::new());
        let from = self.0.partition_point(|entry| *entry < wanted);
        let entries = self.0.get(from..).unwrap_or_default();
        entries.iter().take_while(move |e| **e & !NUMBER == wanted).map(|e| (e & NUMBER) as usize)
    }
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
