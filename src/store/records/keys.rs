//! The keys that records are kept under.

use super::Kind;
use crate::domain::ids::{DirectoryName, MessageId};
use crate::domain::intake::Teller;
use crate::domain::notice::EventKey;

/// The key of a record.
pub(crate) fn key(kind: Kind, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(kind as u8);
    key.extend(rest);
    key
}

/// The key of a record that has a number.
pub(crate) fn number_key(kind: Kind, number: u64) -> Vec<u8> {
    key(kind, &number.to_be_bytes())
}

/// The number in such a key, or at the end of a longer one.
pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// What the keys of a directory's runs begin with.
pub(crate) fn runs_of(directory: &DirectoryName) -> Vec<u8> {
    // The length keeps the directory "a" from seeing the runs of "ab".
    let mut rest = u32::try_from(directory.0.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    rest.extend(directory.0.as_bytes());
    key(Kind::RunOf, &rest)
}

/// The key that says that a directory had a run.
pub(crate) fn run_of_key(directory: &DirectoryName, run: u64) -> Vec<u8> {
    let mut key = runs_of(directory);
    key.extend(run.to_be_bytes());
    key
}

/// What the keys of a thread's notices begin with.
pub(crate) fn threads_of(thread: &EventKey) -> Vec<u8> {
    let mut rest = u32::try_from(thread.0.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    rest.extend(thread.0.as_bytes());
    key(Kind::Thread, &rest)
}

/// The key that says that a thread has a notice.
pub(crate) fn thread_key(thread: &EventKey, notice: u64) -> Vec<u8> {
    let mut key = threads_of(thread);
    key.extend(notice.to_be_bytes());
    key
}

/// The key of a part of a run's steps.
pub(crate) fn steps_key(run: u64, part: u64) -> Vec<u8> {
    let mut key = number_key(Kind::RunSteps, run);
    key.extend(part.to_be_bytes());
    key
}

/// The key of how something was before a commit: the generation it made, and a number within it.
pub(crate) fn past_key(generation: u64, part: u64) -> Vec<u8> {
    let mut key = number_key(Kind::Past, generation);
    key.extend(part.to_be_bytes());
    key
}

/// The key of how far a report is followed.
pub(crate) fn followed_key(teller: &Teller, report: &str) -> Vec<u8> {
    key(Kind::Followed, format!("{teller}\0{report}").as_bytes())
}

/// The key of a try to send a message.
pub(crate) fn attempt_key(message: MessageId, number: u64) -> Vec<u8> {
    let mut key = number_key(Kind::Attempt, message.0);
    key.extend(number.to_be_bytes());
    key
}

/// The key of an audit entry or a change of contacts, in order of time.
pub(crate) fn time_key(kind: Kind, at_ms: i64, number: u64) -> Vec<u8> {
    let mut rest = audit_time(at_ms).to_vec();
    rest.extend(number.to_be_bytes());
    key(kind, &rest)
}

/// A time as it stands in such a key: negative ones sort first.
pub(crate) fn audit_time(at_ms: i64) -> [u8; 8] {
    (at_ms.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}
