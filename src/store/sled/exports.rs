//! The exports: backups that the store writes by itself and is rebuilt from, the last few of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::super::backup::Header;
use super::ledger::Ledger;

const BEGIN: &str = "export-";
const END: &str = ".budkavle";

/// The header of a backup written now.
pub(super) fn header(ledger: &Ledger, instance: u64, now: DateTime<Utc>) -> Header {
    Header {
        budkavle: env!("CARGO_PKG_VERSION").into(),
        written: now,
        as_of: ledger.as_of,
        instance,
        commit: ledger.commit,
        counts: ledger.counts.clone(),
    }
}

/// The name of an export: how far the store had come, so that the order of names is that of age; and when, for people.
pub(super) fn name(header: &Header) -> String {
    format!("{BEGIN}{:012}-{}{END}", header.commit, header.written.format("%Y%m%dT%H%M%SZ"))
}

/// The exports in a folder, the newest first.
pub(super) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(BEGIN) && name.ends_with(END) {
            files.push(entry.path());
        }
    }
    files.sort_unstable_by(|a, b| b.cmp(a));
    Ok(files)
}

/// How far the store had come by the newest export, good or bad; 0 when there is none.
pub(super) fn newest_commit(folder: &Path) -> io::Result<u64> {
    let commit =
        |file: &PathBuf| file.file_name()?.to_str()?.strip_prefix(BEGIN)?.split('-').next()?.parse().ok();
    Ok(list(folder)?.iter().find_map(commit).unwrap_or_default())
}

/// Removes all but the newest `keep`.
pub(super) fn rotate(folder: &Path, keep: usize) -> io::Result<()> {
    list(folder)?.into_iter().skip(keep.max(1)).try_for_each(fs::remove_file)
}
