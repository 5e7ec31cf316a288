//! Stands between the server and ldap3, and lets through only what ldap3 can digest.
//!
//! ldap3 0.12 panics on most malformed replies, its parser (lber) ends the process by a stack overflow on deeply nested ones, and
//! both keep any amount of bytes. A server isn't trusted so far, least of all before TLS is up. So the connection is ours; ldap3
//! holds one end of a socket pair, and every message from the server is looked at first: its size, its form, and whether it answers what was
//! asked. Why the connection ended is known here, too, which ldap3 doesn't tell.
//!
//! Entries aren't passed on at all but read here, in one go over the bytes: taking them apart twice, as ldap3 does, and each value into memory of
//! its own cost four times the processor time.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::UnixStream;

use super::ber::{APPLICATION, CONTEXT, Element, Header, Reader, header};
use super::standard::sync::{self, Told};
#[cfg(fuzzing)]
use crate::domain::decode::Mapping;
use crate::domain::entry::Entry;
#[cfg(fuzzing)]
use crate::source::fuzz::Synchronized;
use crate::source::{Answer, SourceError};
use crate::tls;

/// No message of the server is larger: a group of half a million members on one that gives them all at once.
const MAX_MESSAGE: usize = 64 << 20;
/// No search is answered with more before its result comes; pages are far smaller.
const MAX_FOUND: usize = 512 << 20;
/// So much is kept of entries that aren't wanted but to see what they look like.
const MAX_SEEN: usize = 1 << 20;
const CHUNK: usize = 64 << 10;

const BIND_REQUEST: u8 = 0;
pub(super) const BIND_RESPONSE: u8 = 1;
const SEARCH_REQUEST: u8 = 3;
pub(super) const SEARCH_ENTRY: u8 = 4;
pub(super) const SEARCH_DONE: u8 = 5;
const SEARCH_REFERENCE: u8 = 19;
pub(super) const EXTENDED_RESPONSE: u8 = 24;
const INTERMEDIATE: u8 = 25;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// We closed it.
    #[error("it was closed")]
    ByUs,
    #[error("it had ended before")]
    Before,
    #[error("the server closed it")]
    ByServer,
    #[error("the server closed it in the middle of a message")]
    Cut,
    #[error("{}", words(.0))]
    Broken(#[from] io::Error),
    #[error("the server ended the session: {0}")]
    Notice(Answer),
    /// The server said what can't be let through.
    #[error("{0}")]
    Nonsense(&'static str),
}

impl Ended {
    /// The same for whoever asked the server to do something.
    pub(super) fn into_error(self, server: &str, doing: &str) -> SourceError {
        let (server, doing) = (server.to_owned(), doing.to_owned());
        match self {
            Ended::Nonsense(reason) => SourceError::Protocol { server, doing, reason: reason.to_owned() },
            Ended::Notice(answer) => SourceError::Refused { server, doing, answer },
            other => SourceError::Disconnected { server, doing, reason: other.to_string() },
        }
    }
}

/// What the search that is going on has given so far.
#[derive(Default)]
pub(super) struct Found {
    finds: Mutex<Finds>,
    listener: OnceLock<Listener>,
}

/// Is shown the entries of a search that never ends, which aren't kept.
pub(super) type Listener = Box<dyn Fn(&Entry) + Send + Sync>;

/// What the next search is to be, and what of it is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Expected {
    /// All that it finds, each entry without a state; nothing is said in between.
    #[default]
    All,
    /// Content synchronization (RFC 4533), and all that it tells.
    Changes,
    /// Content synchronization, for its cookie: of what there is only the first entries are kept, to see what they look like.
    Cookie,
}

/// What a search gave.
#[derive(Default)]
pub(super) struct Finds {
    pub entries: Vec<Entry>,
    /// How many references to other servers. They are never followed.
    pub references: usize,
    /// What the server says of each of the entries, and of others, when changes were asked for (RFC 4533).
    pub told: Told,
    /// Whether more was told of changes than is kept.
    pub cut: bool,
    /// How much is held.
    held: usize,
    /// How much came.
    bytes: usize,
    expected: Expected,
}

impl Finds {
    fn synchronizes(&self) -> bool {
        self.expected != Expected::All
    }

    /// Whether there is room for so much more. Of changes what is too much is left out, elsewhere it ends the connection.
    fn has_room(&mut self, bytes: usize) -> Result<bool, Ended> {
        let most = if self.expected == Expected::Cookie { MAX_SEEN } else { MAX_FOUND };
        self.bytes += bytes;
        let fits = self.held + bytes <= most;
        match fits {
            true => self.held += bytes,
            false if self.synchronizes() => self.cut = true,
            false => return Err(Ended::Nonsense("it gives more at once than can be held")),
        }
        Ok(fits)
    }
}

impl Found {
    /// What the next search is.
    pub(super) fn expect(&self, expected: Expected) {
        *self.lock() = Finds { expected, ..Finds::default() };
    }

    /// A search begins: what an earlier one has left, for whose end nobody waited, goes.
    fn begin(&self) {
        let mut finds = self.lock();
        *finds = Finds { expected: finds.expected, ..Finds::default() };
    }

    /// How much came, to see whether there is any progress.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Takes everything, at the end of a search; the next one is a usual one, unless something else is expected.
    pub(super) fn take(&self) -> Finds {
        std::mem::take(&mut *self.lock())
    }

    /// From now on shows each entry to `listener`, once and for all, and keeps none.
    pub(super) fn show_to(&self, listener: Listener) {
        // A connection gets one listener at most.
        let _ = self.listener.set(listener);
    }

    fn lock(&self) -> MutexGuard<'_, Finds> {
        self.finds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries messages between the server and ldap3, and entries into `found`, until one side ends it.
pub(super) async fn carry(server: impl AsyncRead + AsyncWrite, ldap3: UnixStream, found: &Found) -> Ended {
    let (from_server, to_server) = split(server);
    let (from_ldap3, to_ldap3) = ldap3.into_split();
    let asked = AtomicU64::new(0);
    let ended = tokio::select! {
        ended = pass(from_server, to_ldap3, |message| check(message, &asked, found)) => ended,
        ended = pass(from_ldap3, to_server, |message| note(message, &asked, found)) => match ended {
            Ended::ByServer => Ended::ByUs,
            other => other,
        },
    };
    tracing::trace!(%ended, "the connection to the directory server ended");
    ended
}

/// What becomes of a message.
enum Fate {
    Pass,
    Keep,
}

/// Passes whole messages on, each after a look at it. The end of the input ends the output.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    look: impl Fn(&[u8]) -> Result<Fate, Ended>,
) -> Ended {
    let (mut buffer, mut passed) = (Vec::new(), Vec::new());
    let result: Result<(), Ended> = async {
        loop {
            let mut whole = 0;
            while let Some(message) = first_message(buffer.get(whole..).unwrap_or_default())? {
                if let Fate::Pass = look(message)? {
                    passed.extend_from_slice(message);
                }
                whole += message.len();
            }
            buffer.drain(..whole);
            if !passed.is_empty() {
                to.write_all(&passed).await?;
                to.flush().await?;
                passed.clear();
            }
            buffer.reserve(CHUNK);
            if from.read_buf(&mut buffer).await? == 0 {
                return if buffer.is_empty() { Ok(()) } else { Err(Ended::Cut) };
            }
        }
    }
    .await;
    // Best effort: the other side may be gone.
    let _ = to.shutdown().await;
    result.err().unwrap_or(Ended::ByServer)
}

/// The first message of these bytes, once it is there to its end.
fn first_message(bytes: &[u8]) -> Result<Option<&[u8]>, Ended> {
    if bytes.first().is_some_and(|first| *first != 0x30) {
        return Err(Ended::Nonsense("what it sent is not LDAP"));
    }
    match header(bytes) {
        Header::Bad => Err(Ended::Nonsense("what it sent is not LDAP")),
        Header::Known { length, .. } if length > MAX_MESSAGE => {
            Err(Ended::Nonsense("a message of it is too large"))
        }
        Header::Known { header, length } => Ok(bytes.get(..header + length)),
        Header::Cut => Ok(None),
    }
}

/// Notes what ldap3 asks. It asks one thing at a time.
fn note(message: &[u8], asked: &AtomicU64, found: &Found) -> Result<Fate, Ended> {
    if let Some((id, operation, _)) = parts(message) {
        if operation.number == SEARCH_REQUEST {
            found.begin();
        }
        asked.store(u64::from(id) << 8 | u64::from(operation.number), Ordering::Relaxed);
    }
    Ok(Fate::Pass)
}

/// Judges a message of the server: whether it is a well-formed answer to what was asked.
fn check(message: &[u8], asked: &AtomicU64, found: &Found) -> Result<Fate, Ended> {
    const MALFORMED: Ended = Ended::Nonsense("a message of it is malformed");
    const STATELESS: Ended = Ended::Nonsense("an entry of it came without a state that makes sense");
    let (id, operation, controls) = parts(message).ok_or(MALFORMED)?;
    if operation.number == EXTENDED_RESPONSE {
        // Nothing extended is ever asked here: either a Notice of Disconnection (RFC 4511 §4.4.1), or Samba's answer to
        // a critical control that it doesn't know.
        return Err(answer(operation).map_or(MALFORMED, Ended::Notice));
    }
    let asked = asked.load(Ordering::Relaxed);
    let fits = match operation.number {
        BIND_RESPONSE => asked & 0xff == u64::from(BIND_REQUEST),
        SEARCH_ENTRY | SEARCH_DONE | SEARCH_REFERENCE | INTERMEDIATE => {
            asked & 0xff == u64::from(SEARCH_REQUEST)
        }
        _ => false,
    };
    if !fits || u64::from(id) != asked >> 8 {
        return Err(Ended::Nonsense("it answered something else than it was asked"));
    }
    match operation.number {
        SEARCH_ENTRY => {
            let entry = entry(operation).ok_or(MALFORMED)?;
            if let Some(listener) = found.listener.get() {
                listener(&entry);
                return Ok(Fate::Keep);
            }
            let mut found = found.lock();
            let state = match found.synchronizes() {
                true => Some(controls.filter(|c| are_controls(*c)).and_then(sync::state).ok_or(STATELESS)?),
                false => None,
            };
            if found.has_room(message.len() + size_of::<Entry>())? {
                found.told.states.extend(state);
                found.entries.push(entry);
            }
            Ok(Fate::Keep)
        }
        SEARCH_REFERENCE => {
            found.lock().references += 1;
            Ok(Fate::Keep)
        }
        INTERMEDIATE => {
            const SENSELESS: Ended = Ended::Nonsense("what it says of its changes makes no sense");
            let mut found = found.lock();
            if found.synchronizes() {
                let fits = found.has_room(message.len())?;
                found.told.take(operation, fits).ok_or(SENSELESS)?;
            }
            Ok(Fate::Keep)
        }
        _ => {
            let sound = Reader(message).next().is_some_and(Element::is_sound);
            let digestible = is_result(operation) && controls.is_none_or(are_controls);
            if sound && digestible { Ok(Fate::Pass) } else { Err(MALFORMED) }
        }
    }
}

/// An entry (RFC 4511 §4.5.2).
pub(super) fn entry(operation: Element<'_>) -> Option<Entry> {
    let mut parts = operation.inside()?;
    // A name in another encoding is shown with marks in it, and stops nobody else.
    let mut entry = Entry::new(String::from_utf8_lossy(parts.next()?.bytes()?));
    let mut attributes = parts.next()?.inside()?;
    while let Some(attribute) = attributes.next() {
        let mut parts = attribute.inside()?;
        let name = parts.next()?.text()?;
        let mut values = parts.next()?.inside()?;
        let mut sound = true;
        let values = std::iter::from_fn(|| {
            let value = values.next();
            sound &= value.map_or(values.is_empty(), |value| !value.constructed);
            value.filter(|_| sound).map(|value| value.content)
        });
        entry.add(name, values).ok()?;
        if !sound {
            return None;
        }
    }
    attributes.is_empty().then_some(entry)
}

/// Number, operation and controls of a message (RFC 4511 §4.1.1).
pub(super) fn parts(message: &[u8]) -> Option<(u32, Element<'_>, Option<Element<'_>>)> {
    let mut parts = Reader(message).next()?.inside()?;
    let id = parts.next().filter(|id| (id.class, id.number) == (0, 2))?.unsigned()?;
    let operation = parts.next().filter(|operation| operation.class == APPLICATION)?;
    let controls = parts.next();
    // Active Directory puts the name of a Notice of Disconnection where controls belong.
    let controls = controls.filter(|_| operation.number != EXTENDED_RESPONSE);
    let are_fit = controls.is_none_or(|c| (c.class, c.number, c.constructed) == (CONTEXT, 0, true));
    (are_fit && parts.is_empty()).then_some((id, operation, controls))
}

/// What an operation's result says (RFC 4511 §4.1.9).
pub(super) fn answer(operation: Element<'_>) -> Option<Answer> {
    let mut parts = operation.inside()?;
    let code = parts.next().filter(|code| (code.class, code.number) == (0, 10))?.unsigned()?;
    let matched = parts.next()?.text()?;
    let text = parts.next()?.text()?;
    Some(Answer::new(code, matched, text))
}

/// The result of a StartTLS request: the whole reply in, what it says out.
pub(super) fn extended_answer(message: &[u8]) -> Option<Answer> {
    let (_, operation, _) = parts(message)?;
    (operation.number == EXTENDED_RESPONSE).then(|| answer(operation))?
}

fn is_result(operation: Element<'_>) -> bool {
    let rest = |mut parts: Reader<'_>| {
        for _ in 0..3 {
            parts.next();
        }
        while let Some(part) = parts.next() {
            let fit = match part.number {
                3 => part.inside().is_some_and(are_texts),
                7 | 11 => part.bytes().is_some(),
                10 => part.text().is_some(),
                _ => true,
            };
            if !fit {
                return false;
            }
        }
        parts.is_empty()
    };
    answer(operation).is_some() && operation.inside().is_some_and(rest)
}

fn are_texts(mut parts: Reader<'_>) -> bool {
    while let Some(part) = parts.next() {
        if part.text().is_none() {
            return false;
        }
    }
    parts.is_empty()
}

fn are_controls(controls: Element<'_>) -> bool {
    let one = |control: Element<'_>| {
        let mut parts = control.inside()?;
        parts.next()?.text()?;
        let mut next = parts.next();
        if let Some(criticality) = next.filter(|part| part.number == 1) {
            criticality.bytes().filter(|bytes| !bytes.is_empty())?;
            next = parts.next();
        }
        match next {
            Some(value) if value.number == 4 => value.bytes().map(|_| ()),
            Some(_) => None,
            None => Some(()),
        }
    };
    let Some(mut all) = controls.inside() else {
        return false;
    };
    while let Some(control) = all.next() {
        if one(control).is_none() {
            return false;
        }
    }
    all.is_empty()
}

/// What a search gives by these bytes, up to the first message that isn't let through.
#[cfg(fuzzing)]
fn fuzz_finds(mut bytes: &[u8], synchronizes: bool) -> Finds {
    let found = Found::default();
    found.expect(if synchronizes { Expected::Changes } else { Expected::All });
    while let Ok(Some(message)) = first_message(bytes) {
        let id = parts(message).map_or(0, |(id, _, _)| id);
        let asked = AtomicU64::new(u64::from(id) << 8 | u64::from(SEARCH_REQUEST));
        if check(message, &asked, &found).is_err() {
            break;
        }
        bytes = bytes.get(message.len()..).unwrap_or_default();
    }
    found.take()
}

/// The entries in these bytes.
#[cfg(fuzzing)]
pub fn fuzz_entries(bytes: &[u8]) -> Vec<Entry> {
    fuzz_finds(bytes, false).entries
}

/// Reads the bytes as what is told of changes (RFC 4533), and `end` as the control at the end.
#[cfg(fuzzing)]
pub fn fuzz_sync(bytes: &[u8], end: &[u8], mapping: &Mapping, cookie: Option<&[u8]>) -> Option<Synchronized> {
    sync::fuzz_together(fuzz_finds(bytes, true), end, mapping, cookie)
}

fn words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the server closed it without a goodbye".to_owned();
    }
    tls::explain(error).unwrap_or_else(|| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::standard::sync::{INFO, STATE};
    use super::super::tests::responder::{control, intermediate, stated, tlv, user};
    use super::*;

    /// What is kept of these messages, which answer the question number 1.
    fn found(expected: Expected, messages: impl Iterator<Item = Vec<u8>>) -> Result<Finds, Ended> {
        let found = Found::default();
        found.expect(expected);
        let asked = AtomicU64::new(1 << 8 | u64::from(SEARCH_REQUEST));
        for message in messages {
            check(&message, &asked, &found)?;
        }
        let bytes = found.bytes();
        let finds = found.take();
        assert!(finds.held <= bytes && found.lock().expected == Expected::All);
        Ok(finds)
    }

    fn told(size: usize) -> Vec<u8> {
        let state = tlv(0x30, &[tlv(10, &[1]), tlv(4, &[7; 16])].concat());
        stated(1, "cn=x", &[("description", vec![vec![b'x'; size]])], &control(STATE, &state))
    }

    fn info(value: &[u8]) -> Vec<u8> {
        intermediate(1, INFO, value)
    }

    #[test]
    fn where_the_cookie_is_wanted_what_there_is_is_not_held() {
        let ids = tlv(0xa3, &tlv(0x31, &tlv(4, &[7; 16]).repeat(1_000)));
        let entries = (0..3_000).map(|_| told(1_000));
        let rest = std::iter::repeat_n(info(&ids), 100).chain([info(&tlv(0x80, b"cookie"))]);
        let finds = found(Expected::Cookie, entries.chain(rest)).unwrap();
        assert!(finds.cut && finds.held <= MAX_SEEN && finds.bytes > 3 * MAX_SEEN);
        assert!(finds.entries.len() > 500 && finds.entries.len() == finds.told.states.len());
        assert_eq!(finds.told.told(), (0, Some(&b"cookie"[..])), "the cookie counts wherever it comes");
    }

    #[test]
    fn too_many_changes_are_known_to_be_too_many_and_end_nothing() {
        let mut finds = found(Expected::Changes, [told(10)].into_iter()).unwrap();
        assert!(!finds.cut && finds.entries.len() == 1);
        finds.expected = Expected::Changes;
        assert!(finds.has_room(MAX_FOUND - finds.held).unwrap() && !finds.cut);
        assert!(!finds.has_room(1).unwrap() && finds.cut);
        finds.expected = Expected::All;
        assert!(finds.has_room(1).is_err(), "elsewhere nothing may be left out");
    }

    #[test]
    fn what_an_earlier_search_has_left_is_none_of_the_next() {
        let (found, asked) = (Found::default(), AtomicU64::new(1 << 8 | u64::from(SEARCH_REQUEST)));
        check(&user(1, 1), &asked, &found).unwrap();
        let request = super::super::tests::responder::message(2, &tlv(0x63, b""));
        note(&request, &asked, &found).unwrap();
        check(&user(2, 2), &asked, &found).unwrap();
        let finds = found.take();
        assert_eq!(
            finds.entries.iter().map(|entry| entry.dn.as_str()).collect::<Vec<_>>(),
            ["CN=u2,DC=example,DC=org"]
        );
    }
}
