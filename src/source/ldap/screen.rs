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

/// What a search gave.
#[derive(Default)]
pub(super) struct Finds {
    pub entries: Vec<Entry>,
    /// How many references to other servers. They are never followed.
    pub references: usize,
    /// What the server says of each of the entries, and of others, when changes were asked for (RFC 4533).
    pub told: Told,
    bytes: usize,
    /// Whether they were.
    synchronizes: bool,
}

impl Found {
    /// The next search is a content synchronization, or isn't: then its entries carry no state, and nothing is said in between.
    pub(super) fn expect(&self, synchronizes: bool) {
        *self.lock() = Finds { synchronizes, ..Finds::default() };
    }

    /// How much came, to see whether there is any progress.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Takes everything, at the end of a search.
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
        ended = pass(from_ldap3, to_server, |message| note(message, &asked)) => match ended {
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
fn note(message: &[u8], asked: &AtomicU64) -> Result<Fate, Ended> {
    if let Some((id, operation, _)) = parts(message) {
        asked.store(u64::from(id) << 8 | u64::from(operation.number), Ordering::Relaxed);
    }
    Ok(Fate::Pass)
}

/// Judges a message of the server: whether it is a well-formed answer to what was asked.
fn check(message: &[u8], asked: &AtomicU64, found: &Found) -> Result<Fate, Ended> {
    const MALFORMED: Ended = Ended::Nonsense("a message of it is malformed");
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
            if found.synchronizes {
                const STATELESS: Ended =
                    Ended::Nonsense("an entry of it came without a state that makes sense");
                let state = controls.filter(|c| are_controls(*c)).and_then(sync::state).ok_or(STATELESS)?;
                found.told.states.push(state);
            }
            found.bytes += message.len() + size_of::<Entry>();
            if found.bytes > MAX_FOUND {
                return Err(Ended::Nonsense("it gives more at once than can be held"));
            }
            found.entries.push(entry);
            Ok(Fate::Keep)
        }
        SEARCH_REFERENCE => {
            found.lock().references += 1;
            Ok(Fate::Keep)
        }
        INTERMEDIATE => {
            const SENSELESS: Ended = Ended::Nonsense("what it says of its changes makes no sense");
            let mut found = found.lock();
            if found.synchronizes {
                found.bytes += message.len();
                if found.bytes > MAX_FOUND {
                    return Err(Ended::Nonsense("it gives more at once than can be held"));
                }
                found.told.take(operation).ok_or(SENSELESS)?;
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
    found.expect(synchronizes);
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
