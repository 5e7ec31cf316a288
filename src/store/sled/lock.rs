//! One process to a store: a lock that says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::super::jobs::trouble::Trouble;

/// The lock, held until it is dropped. The system takes it from a process that dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the state folder, and writes into it who we are.
    pub(super) fn take(folder: &Path) -> Result<Lock, Trouble> {
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"));
        let mut file = opened.map_err(|e| Trouble::io("opened", &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without the number the answer is still right.
                let _ = file.take(20).read_to_string(&mut holder);
                let holder = holder.trim();
                let known = !holder.is_empty() && holder.bytes().all(|b| b.is_ascii_digit());
                return Err(Trouble::InUse(if known {
                    format!(" (process {holder})")
                } else {
                    String::new()
                }));
            }
            Err(TryLockError::Error(e)) => return Err(Trouble::io("locked", &e)),
        }
        // On a full disk the number can't be written; the lock holds all the same.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }
}
