//! The content synchronization operation (RFC 4533), without its persist stage: what changed since a cookie was given, and the next cookie.

use std::collections::BTreeSet;

use ldap3::controls::RawControl;

use crate::domain::decode::Mapping;
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;
#[cfg(fuzzing)]
use crate::source::fuzz::Synchronized;
use crate::source::ldap::ber::{CONTEXT, Element, Reader, tlv};
use crate::source::ldap::screen::{Expected, Finds};
use crate::source::ldap::session::{Search, Session};
use crate::source::{Answer, SourceError};

/// Sync Request (§2.2).
pub(in crate::source::ldap) const REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";
/// Sync State, with each entry (§2.3).
pub(in crate::source::ldap) const STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
/// Sync Done, at the end (§2.4).
pub(in crate::source::ldap) const DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// Sync Info, in between (§2.5).
pub(in crate::source::ldap) const INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";
/// `e-syncRefreshRequired` (§2.6).
const REFRESH_REQUIRED: u32 = 4096;
/// No cookie is larger: it has some dozen bytes for each server that takes changes.
const MAX_COOKIE: usize = 64 << 10;

/// What is said of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source::ldap) struct State {
    kind: Kind,
    id: Guid,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Present,
    Changed,
    Deleted,
}

/// What a search tells beside its entries.
#[derive(Default)]
pub(in crate::source::ldap) struct Told {
    /// One for each entry, in their order.
    pub states: Vec<State>,
    present: Vec<Guid>,
    deleted: Vec<Guid>,
    /// Whoever isn't named present is gone.
    all_present_named: bool,
    cookie: Option<Vec<u8>>,
}

/// What changed.
#[derive(Default)]
pub(super) struct Changes {
    /// With their identity.
    pub changed: Vec<Entry>,
    pub deleted: BTreeSet<Guid>,
    /// All that there are, when they were named.
    pub present: Option<BTreeSet<Guid>>,
    pub cookie: Vec<u8>,
}

/// Why the server doesn't tell what changed.
pub(super) enum Refusal {
    /// It said no.
    Answer(Answer),
    /// It told everything, and nothing to go on from.
    NoCookie,
    /// It speaks of its entries by another identity than the one that is read.
    OtherIdentity,
    /// It told more than can be held.
    TooMuch,
}

/// Asks for what changed since `cookie`. When there is none, for everything: then the next cookie is what counts, and of what there is little
/// is kept.
pub(super) async fn changes(
    session: &mut Session<'_>,
    search: &Search<'_>,
    mapping: &Mapping,
    cookie: Option<&[u8]>,
) -> Result<Result<Changes, Refusal>, SourceError> {
    let control = RawControl { ctype: REQUEST.to_owned(), crit: true, val: Some(request(cookie)) };
    let expected = if cookie.is_some() { Expected::Changes } else { Expected::Cookie };
    let (found, result) = session.synchronize(search, control, expected).await?;
    // Not able, not allowed, too much at once, not this cookie.
    if matches!(result.rc, 1 | 2 | 4 | 11 | 12 | 50 | 53 | 80 | REFRESH_REQUIRED) {
        return Ok(Err(Refusal::Answer(Answer::new(result.rc, &result.matched, &result.text))));
    }
    session.judge(search, &result)?;
    let control = result.ctrls.iter().find(|control| control.1.ctype == DONE);
    let Some((last, only_deleted)) = control.and_then(|control| done(control.1.val.as_deref()?)) else {
        let reason = "what changed came without the mark that tells what is left";
        return Err(session.incomplete(search.base, reason));
    };
    let changes = match together(found, last, only_deleted, mapping, cookie) {
        Ok(changes) => changes,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if changes.cookie.len() > MAX_COOKIE {
        let reason = format!("what changed came with a cookie of {} bytes", changes.cookie.len());
        return Err(session.incomplete(search.base, reason));
    }
    Ok(Ok(changes))
}

/// What was told since `cookie` in entries, in between and at the end.
fn together(
    found: Finds,
    last: Option<Vec<u8>>,
    only_deleted: bool,
    mapping: &Mapping,
    cookie: Option<&[u8]>,
) -> Result<Changes, Refusal> {
    if found.cut && cookie.is_some() {
        return Err(Refusal::TooMuch);
    }
    let told = found.told;
    // Where nothing changed OpenLDAP gives none: the old one stays good.
    let next = last.or(told.cookie).filter(|next| !next.is_empty());
    let next = next.or_else(|| cookie.map(<[u8]>::to_vec)).ok_or(Refusal::NoCookie)?;
    let mut changes =
        Changes { deleted: told.deleted.into_iter().collect(), cookie: next, ..Changes::default() };
    let mut present: BTreeSet<Guid> = told.present.into_iter().collect();
    for (entry, state) in found.entries.into_iter().zip(told.states) {
        match state.kind {
            Kind::Deleted => {
                changes.deleted.insert(state.id);
            }
            Kind::Present => {
                present.insert(state.id);
            }
            Kind::Changed => {
                if mapping.id_of(&entry) != Some(state.id) {
                    return Err(Refusal::OtherIdentity);
                }
                present.insert(state.id);
                changes.changed.push(entry);
            }
        }
    }
    if told.all_present_named || !only_deleted {
        changes.present = Some(present);
    }
    Ok(changes)
}

/// `SEQUENCE { mode ENUMERATED, cookie OCTET STRING OPTIONAL }`; the mode is refreshOnly.
fn request(cookie: Option<&[u8]>) -> Vec<u8> {
    let mut inside = tlv(10, &[1]);
    if let Some(cookie) = cookie {
        inside.extend(tlv(4, cookie));
    }
    tlv(0x30, &inside)
}

/// Several cookies as one, to be kept.
pub(super) fn join<'a>(cookies: impl IntoIterator<Item = &'a [u8]>) -> Box<[u8]> {
    cookies.into_iter().flat_map(|cookie| tlv(4, cookie)).collect()
}

/// The cookies of [`join`].
pub(super) fn split(joined: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut reader, mut cookies) = (Reader(joined), Vec::new());
    while let Some(cookie) = reader.next() {
        cookies.push(is(cookie, 0, 4)?.bytes()?);
    }
    reader.is_empty().then_some(cookies)
}

/// The state that an entry's controls tell.
pub(in crate::source::ldap) fn state(controls: Element<'_>) -> Option<State> {
    let mut controls = controls.inside()?;
    while let Some(control) = controls.next() {
        let mut parts = control.inside()?;
        if parts.next()?.bytes()? == STATE.as_bytes() {
            let value = std::iter::from_fn(|| parts.next()).last()?.bytes()?;
            let mut value = only(value)?.inside()?;
            let kind = match is(value.next()?, 0, 10)?.unsigned()? {
                0 => Kind::Present,
                1 | 2 => Kind::Changed,
                3 => Kind::Deleted,
                _ => return None,
            };
            let id = uuid(value.next()?)?;
            // A cookie may follow; the last one counts.
            return value.next().is_none_or(|c| is(c, 0, 4).is_some()).then_some(State { kind, id });
        }
    }
    None
}

impl Told {
    /// How many it names besides the entries, and the cookie.
    #[cfg(test)]
    pub(in crate::source::ldap) fn told(&self) -> (usize, Option<&[u8]>) {
        (self.present.len() + self.deleted.len(), self.cookie.as_deref())
    }

    /// Takes an intermediate response (RFC 4511 §4.13); one of another kind says nothing. Unless all of it is `wanted`, who is named isn't kept.
    pub(in crate::source::ldap) fn take(&mut self, operation: Element<'_>, wanted: bool) -> Option<()> {
        let mut parts = operation.inside()?;
        let name = is(parts.next()?, CONTEXT, 0)?.bytes()?;
        if name != INFO.as_bytes() {
            return Some(());
        }
        let value = only(is(parts.next()?, CONTEXT, 1)?.bytes()?)?;
        if value.class != CONTEXT || !parts.is_empty() {
            return None;
        }
        if value.number == 0 {
            self.cookie = Some(value.bytes()?.to_vec());
            return Some(());
        }
        let mut parts = value.inside()?;
        let mut next = parts.next();
        if let Some(cookie) = next.and_then(|part| is(part, 0, 4)) {
            self.cookie = Some(cookie.bytes()?.to_vec());
            next = parts.next();
        }
        let mut flag = None;
        if let Some(part) = next.and_then(|part| is(part, 0, 1)) {
            let &[byte] = part.bytes()? else { return None };
            flag = Some(byte != 0);
            next = parts.next();
        }
        match value.number {
            1 | 2 => {
                self.all_present_named |= value.number == 2;
                next.is_none().then_some(())?;
            }
            3 => {
                let list = if flag == Some(true) { &mut self.deleted } else { &mut self.present };
                let mut ids = is(next?, 0, 17)?.inside()?;
                while let Some(id) = ids.next() {
                    let id = uuid(id)?;
                    if wanted {
                        list.push(id);
                    }
                }
                ids.is_empty().then_some(())?;
            }
            _ => return None,
        }
        parts.is_empty().then_some(())
    }
}

/// The last cookie, and whether only the deleted were named, not the present.
fn done(value: &[u8]) -> Option<(Option<Vec<u8>>, bool)> {
    let mut parts = is(only(value)?, 0, 16)?.inside()?;
    let (mut cookie, mut next) = (None, parts.next());
    if let Some(part) = next.and_then(|part| is(part, 0, 4)) {
        cookie = Some(part.bytes()?.to_vec());
        next = parts.next();
    }
    let mut only_deleted = false;
    if let Some(part) = next {
        let &[byte] = is(part, 0, 1)?.bytes()? else { return None };
        only_deleted = byte != 0;
    }
    parts.is_empty().then_some((cookie, only_deleted))
}

/// The one element that these bytes are.
fn only(bytes: &[u8]) -> Option<Element<'_>> {
    let mut reader = Reader(bytes);
    let element = reader.next()?;
    (reader.is_empty() && element.is_sound()).then_some(element)
}

fn is(element: Element<'_>, class: u8, number: u8) -> Option<Element<'_>> {
    ((element.class, element.number) == (class, number)).then_some(element)
}

fn uuid(element: Element<'_>) -> Option<Guid> {
    let id = Guid::from_uuid(is(element, 0, 4)?.bytes()?.try_into().ok()?);
    (id != Guid::default()).then_some(id)
}

/// Takes together what was told: the entries and what came in between, and the control at the end. The cookie is kept and sent as it came.
#[cfg(fuzzing)]
pub(in crate::source) fn fuzz_together(
    found: Finds,
    end: &[u8],
    mapping: &Mapping,
    cookie: Option<&[u8]>,
) -> Option<Synchronized> {
    assert_eq!(found.entries.len(), found.told.states.len(), "an entry has no state, or a state no entry");
    let (last, only_deleted) = done(end)?;
    let changes = together(found, last, only_deleted, mapping, cookie).ok()?;
    let cookie = &changes.cookie[..];
    assert_eq!(split(&join([cookie, cookie])), Some(vec![cookie, cookie]), "another is kept than was given");
    let sent = request(Some(cookie));
    let mut parts = only(&sent).and_then(Element::inside).expect("a sequence");
    let last = std::iter::from_fn(|| parts.next()).last().and_then(Element::bytes);
    assert_eq!(last, Some(cookie), "another cookie is sent than was given");
    assert!(parts.is_empty());
    let bytes = |ids: BTreeSet<Guid>| ids.into_iter().map(|id| id.0).collect();
    Some(Synchronized {
        changed: changes.changed.iter().map(|entry| mapping.id_of(entry).expect("an identity").0).collect(),
        deleted: bytes(changes.deleted),
        present: changes.present.map(bytes),
        cookie: changes.cookie,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_what_other_programs_send() {
        let sent = request(Some(b"ck"));
        let mut parts = Reader(&sent).next().unwrap().inside().unwrap();
        assert_eq!(parts.next().unwrap().unsigned(), Some(1));
        assert_eq!(parts.next().unwrap().bytes(), Some(&b"ck"[..]));
        assert!(parts.is_empty());
    }

    #[test]
    fn of_too_much_only_the_cookie_counts() {
        let mapping = Mapping::default();
        let finds = || {
            let mut finds = Finds::default();
            finds.cut = true;
            finds
        };
        let last = Some(b"next".to_vec());
        let since = together(finds(), last.clone(), true, &mapping, Some(b"old"));
        assert!(matches!(since, Err(Refusal::TooMuch)));
        let first = together(finds(), last, true, &mapping, None);
        assert!(first.is_ok_and(|changes| changes.cookie == b"next"));
    }

    #[test]
    fn cookies_are_kept_as_they_came() {
        for cookies in [vec![], vec![&b"a"[..]], vec![b"a", b"", b"\x04\x00"]] {
            assert_eq!(split(&join(cookies.iter().copied())), Some(cookies));
        }
        assert_eq!(split(b"\x04\x05a"), None);
        assert_eq!(split(b"\x02\x01a"), None);
    }

    #[test]
    fn an_end_that_is_none_is_not_taken_for_one() {
        assert_eq!(done(b"\x30\x00"), Some((None, false)));
        assert_eq!(done(b"\x30\x07\x04\x02ck\x01\x01\xff"), Some((Some(b"ck".to_vec()), true)));
        for bad in
            [&b""[..], b"\x04\x00", b"\x30\x03\x02\x01\x01", b"\x30\x03\x01\x01\xffx", b"\x30\x02\x01\x00"]
        {
            assert_eq!(done(bad), None, "{bad:?}");
        }
    }
}
