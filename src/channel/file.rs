//! A folder as mailbox: each message becomes an `.eml` file that is either whole and on the disk, or not there.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

use super::{Outcome, ProbeError, ProbeReport};

/// Puts messages into a folder. The folder is made when it is first needed, for its owner alone; so are the files (mode 0600).
#[derive(Debug, Clone)]
pub struct FileChannel {
    folder: PathBuf,
}

impl FileChannel {
    /// A channel into this folder. Nothing is touched yet.
    #[must_use]
    pub fn new(folder: PathBuf) -> FileChannel {
        FileChannel { folder }
    }

    pub(super) async fn send(&self, mime: &[u8], now: DateTime<Utc>) -> Outcome {
        let (folder, mime) = (self.folder.clone(), mime.to_vec());
        let written = spawn_blocking(move || write(&folder, &file_name(&mime, now), &mime)).await;
        match written.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(file) => Outcome::Accepted { answer: format!("written to {}", file.display()) },
            Err(cause) => {
                let reason =
                    format!("the message could not be written into {}: {cause}", self.folder.display());
                match cause.kind() {
                    // A full disk can empty again by itself; these can't mend themselves.
                    io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem => Outcome::ChannelBroken { reason },
                    _ => Outcome::Deferred { reason, perhaps_sent: false, whole: true, retry_after: None },
                }
            }
        }
    }

    pub(super) async fn probe(&self) -> Result<ProbeReport, ProbeError> {
        let folder = self.folder.clone();
        let tried = spawn_blocking(move || {
            make(&folder)?;
            tempfile::NamedTempFile::new_in(&folder)?.close()
        });
        match tried.await.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(()) => Ok(ProbeReport::Folder { folder: self.folder.clone() }),
            Err(cause) => Err(ProbeError::Folder { folder: self.folder.clone(), cause }),
        }
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes beside the final name, syncs, renames, and syncs the folder: only then the file has surely come to stay.
fn write(folder: &Path, name: &str, mime: &[u8]) -> io::Result<PathBuf> {
    make(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?; // created with mode 0600
    file.write_all(mime)?;
    file.as_file().sync_all()?;
    for number in 1..1000 {
        let path = match number {
            1 => folder.join(format!("{name}.eml")),
            _ => folder.join(format!("{name}-{number}.eml")),
        };
        match file.persist_noclobber(&path) {
            Ok(_) => {
                File::open(folder)?.sync_all()?;
                return Ok(path);
            }
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => file = taken.file,
            Err(failed) => return Err(failed.error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The time and the Message-ID, so that the files sort by time and a repeat is seen as one.
fn file_name(mime: &[u8], now: DateTime<Utc>) -> String {
    let id = message_id(mime).unwrap_or_else(|| "no-message-id".to_owned());
    let safe = |c: char| if c.is_ascii_alphanumeric() || "@.-_".contains(c) { c } else { '_' };
    let id: String = id.chars().map(safe).take(100).collect();
    format!("{}-{id}", now.format("%Y%m%dT%H%M%S%.3fZ"))
}

/// What stands between the angle brackets of the header `Message-ID`, which lettre may have folded onto the next line.
fn message_id(mime: &[u8]) -> Option<String> {
    let end = mime.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(mime.len());
    let head = String::from_utf8_lossy(mime.get(..end)?).replace("\r\n ", " ");
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("message-id").then_some(value.trim())
    })?;
    Some(value.trim_matches(['<', '>']).to_owned())
}
