//! The DirSync control ([MS-ADTS] 3.1.1.3.4.1.3): what changed since a cookie was given, and the next cookie.

use ldap3::Scope;
use ldap3::controls::RawControl;

use crate::domain::entry::Entry;
use crate::source::ldap::ber::{Reader, tlv};
use crate::source::ldap::session::{Search, Session};
use crate::source::{Answer, SourceError};

pub(super) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
/// LDAP_DIRSYNC_OBJECT_SECURITY: what the account may read and nothing else, so that changes and whole reads agree; it needs no right to
/// replicate. LDAP_DIRSYNC_INCREMENTAL_VALUES: of a list only the values that changed.
const FLAGS: [u8; 4] = [0x80, 0, 0, 1];
/// How much one batch may hold, in bytes. Samba doesn't care.
const BATCH: [u8; 4] = [0, 0x10, 0, 0];
/// No cookie is larger: it has some dozen bytes for each controller of the domain.
const MAX_COOKIE: usize = 64 << 10;
/// More batches in a row without an entry lead nowhere.
const MAX_EMPTY: u32 = 100;

/// Asks for what changed since `cookie` (empty: for everything) and matches `filter`, batch by batch. Gives the next cookie, or the server's
/// answer when it doesn't take the control or the cookie.
pub(super) async fn changes(
    session: &mut Session<'_>,
    search: &Search<'_>,
    cookie: &[u8],
    mut take: impl FnMut(&Entry),
) -> Result<Result<Box<[u8]>, Answer>, SourceError> {
    let mut cookie = cookie.to_vec();
    let mut empty = 0;
    loop {
        let control = RawControl { ctype: DIRSYNC.to_owned(), crit: true, val: Some(request(&cookie)) };
        let (found, result) = session.run(search, vec![control]).await?;
        // Not able, not allowed, not this cookie; with others it may be otherwise the next time.
        if matches!(result.rc, 1 | 2 | 12 | 50 | 53 | 80) {
            return Ok(Err(Answer::new(result.rc, &result.matched, &result.text)));
        }
        session.judge(search, &result)?;
        let control = result.ctrls.iter().find(|control| control.1.ctype == DIRSYNC);
        let Some((more, next)) = control.and_then(|control| response(control.1.val.as_deref()?)) else {
            let reason = "what changed came without the mark that tells whether there is more";
            return Err(session.incomplete(search.base, reason));
        };
        if next.is_empty() || next.len() > MAX_COOKIE {
            let reason = format!("what changed came with a cookie of {} bytes", next.len());
            return Err(session.incomplete(search.base, reason));
        }
        found.entries.iter().for_each(&mut take);
        if !more {
            return Ok(Ok(next.into()));
        }
        empty = if found.entries.is_empty() { empty + 1 } else { 0 };
        if next == cookie || empty > MAX_EMPTY {
            return Err(session.incomplete(search.base, "the server gives the same changes again and again"));
        }
        cookie = next;
    }
}

/// `SEQUENCE { flags INTEGER, maxBytes INTEGER, cookie OCTET STRING }`.
fn request(cookie: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(2, &FLAGS), tlv(2, &BATCH), tlv(4, cookie)].concat())
}

/// Whether there is more, and the cookie.
fn response(value: &[u8]) -> Option<(bool, Vec<u8>)> {
    let mut outside = Reader(value);
    let mut parts =
        outside.next().filter(|sequence| (sequence.class, sequence.number) == (0, 16))?.inside()?;
    let more = parts.next().filter(|more| (more.class, more.number) == (0, 2))?.bytes()?;
    let more = more.iter().any(|byte| *byte != 0);
    parts.next().filter(|unused| (unused.class, unused.number) == (0, 2))?.bytes()?;
    let cookie = parts.next().filter(|cookie| (cookie.class, cookie.number) == (0, 4))?.bytes()?;
    (parts.is_empty() && outside.is_empty()).then(|| (more, cookie.to_vec()))
}

/// What is asked of DirSync, or a plain search, beside a base: everything below it.
pub(super) fn everything_below<'a>(base: &'a str, filter: &'a str, attributes: Vec<&'a str>) -> Search<'a> {
    Search { base, scope: Scope::Subtree, filter, attributes }
}

/// Reads the bytes as a server's control; the cookie in it must go back as it came.
#[cfg(fuzzing)]
pub(in crate::source) fn fuzz_dirsync(bytes: &[u8]) {
    let Some((_, cookie)) = response(bytes) else {
        return;
    };
    let sent = request(&cookie);
    let mut parts = Reader(&sent).next().and_then(|sequence| sequence.inside()).expect("a sequence");
    let last = std::iter::from_fn(|| parts.next()).last().and_then(|part| part.bytes());
    assert_eq!(last, Some(&cookie[..]), "another cookie is sent than was given");
    assert!(parts.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_what_other_programs_send() {
        let sent = request(b"ck");
        let mut parts = Reader(&sent).next().unwrap().inside().unwrap();
        assert_eq!(parts.next().unwrap().bytes(), Some(&0x8000_0001_u32.to_be_bytes()[..]));
        assert_eq!(parts.next().unwrap().unsigned(), Some(1 << 20));
        assert_eq!(parts.next().unwrap().bytes(), Some(&b"ck"[..]));
        assert!(parts.is_empty());
    }

    #[test]
    fn a_response_that_is_none_is_not_taken_for_one() {
        assert_eq!(response(b"\x30\x0a\x02\x01\x00\x02\x01\x00\x04\x02ck"), Some((false, b"ck".to_vec())));
        assert_eq!(response(b"\x30\x0b\x02\x02\x01\x00\x02\x01\x00\x04\x02ck"), Some((true, b"ck".to_vec())));
        for bad in [
            &b""[..],
            b"\x30\x00",
            b"\x30\x06\x02\x01\x00\x02\x01\x00",
            b"\x30\x0a\x04\x01\x00\x02\x01\x00\x04\x02ck",
            b"\x30\x0a\x02\x01\x00\x02\x01\x00\x04\x03ck",
            b"\x30\x0a\x02\x01\x00\x02\x01\x00\x04\x02ckx",
            b"\x04\x0a\x02\x01\x00\x02\x01\x00\x04\x02ck",
        ] {
            assert_eq!(response(bad), None, "{bad:?}");
        }
    }
}
