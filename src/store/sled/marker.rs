//! A file outside of the engine's folder that is there while the store is being opened.
//!
//! An opening that is cut short (killed, out of memory, hanging until somebody stops it) leaves it behind. That alone is no damage:
//! every opening compares every record with the ledger, and the ledger with the watermark, so a store that an earlier, broken-off
//! opening has turned back is recognised without it. But an opening that never ends would be tried forever; so it is counted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// After so many openings in a row that didn't end, the store counts as damaged.
const PATIENCE: u32 = 3;

/// What an opening knows beforehand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// Nothing that speaks against it.
    Nothing,
    /// The store met damage while it was in use.
    Damage(String),
    /// Openings never end.
    NeverOpens(String),
}

/// The marker of a state folder.
#[derive(Clone, Debug)]
pub(super) struct Marker {
    path: PathBuf,
}

impl Marker {
    pub(super) fn new(folder: &Path) -> Marker {
        Marker { path: folder.join("opening") }
    }

    /// Notes that an opening begins. Returns what speaks against it.
    pub(super) fn begin(&self) -> io::Result<Known> {
        let found = self.read()?;
        if let Some(damage) = found.as_deref().and_then(|text| text.strip_prefix("damaged: ")) {
            return Ok(Known::Damage(damage.trim().to_owned()));
        }
        let before: u32 = found.as_deref().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
        if before >= PATIENCE {
            return Ok(Known::NeverOpens(format!("opening it was begun {before} times and never ended")));
        }
        // What is there but says nothing is a marker all the same.
        let before = if found.is_some() { before.max(1) } else { 0 };
        self.write(&format!("{}\n", before + 1))?;
        Ok(Known::Nothing)
    }

    /// Notes that the opening has ended, well or with an error that says why.
    pub(super) fn end(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => self.sync_folder(),
        }
    }

    /// Notes for the next opening that the store must be rebuilt.
    pub(super) fn note_damage(&self, what: &str) -> io::Result<()> {
        self.write(&format!("damaged: {what}\n"))
    }

    /// Whether the next opening will rebuild the store.
    pub(super) fn notes_damage(&self) -> bool {
        self.read().is_ok_and(|text| text.is_some_and(|text| text.starts_with("damaged: ")))
    }

    fn read(&self) -> io::Result<Option<String>> {
        match File::open(&self.path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(1000).read_to_end(&mut bytes)?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_that_never_end_are_damage_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let marker = Marker::new(folder.path());
        for _ in 0..PATIENCE {
            assert_eq!(marker.begin().unwrap(), Known::Nothing);
        }
        assert!(matches!(marker.begin().unwrap(), Known::NeverOpens(why) if why.contains("3 times")));
        marker.end().unwrap();
        assert_eq!(marker.begin().unwrap(), Known::Nothing);
        marker.note_damage("a page is gone").unwrap();
        assert_eq!(marker.begin().unwrap(), Known::Damage("a page is gone".into()));
    }
}
