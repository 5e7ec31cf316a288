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

use super::ber::{Element, Header, Reader, header};
use super::messages::{
    BIND_REQUEST, BIND_RESPONSE, EXTENDED_RESPONSE, INTERMEDIATE, SEARCH_DONE, SEARCH_ENTRY,
    SEARCH_REFERENCE, SEARCH_REQUEST, answer, are_controls, entry, is_result, parts,
};
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
mod tests;
