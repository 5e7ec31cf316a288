//! Room on the disk: asked for before the engine is, and a reserve to give up when it runs out all the same.
//!
//! An engine that meets a full disk has to be opened again, and needs some room for that. So a group of commits is refused while
//! there isn't room for it; and should the engine run out nevertheless (somebody else was faster), the reserve file is removed, the
//! engine opened again, and nothing written until the reserve is back.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::statvfs;

use super::super::jobs::trouble::Trouble;

/// What the engine may take beyond what is written: a segment or two of 512 KB.
const SLACK: u64 = 2 << 20;

/// The room that is left for a store.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    reserve: u64,
    reserved: bool,
}

impl Space {
    /// The room in `folder`, of which `reserve` bytes are to be kept back.
    pub(super) fn new(folder: &Path, reserve: u64) -> Space {
        let mut space = Space { folder: folder.to_owned(), reserve, reserved: false };
        space.reserved = reserve == 0 || fs::metadata(space.file()).is_ok_and(|file| file.len() >= reserve);
        space
    }

    /// Makes room for opening the engine: gives up the reserve when there is next to nothing else.
    pub(super) fn before_opening(&mut self) {
        if self.free().is_ok_and(|free| free < 2 * SLACK) {
            self.give_up();
        }
    }

    /// Refuses `bytes` more when there isn't room for them and for the reserve.
    pub(super) fn check(&mut self, bytes: usize) -> Result<(), Trouble> {
        // Rows are written at least twice: by themselves, and when their page is written anew.
        let need = SLACK + 3 * bytes as u64;
        let kept_back = if self.reserved { 0 } else { self.reserve };
        let free = self.free().map_err(|e| Trouble::io("written", &e))?;
        if free < need + kept_back {
            return Err(Trouble::DiskFull);
        }
        if !self.reserved {
            self.keep_back()?;
        }
        Ok(())
    }

    /// Removes the reserve.
    pub(super) fn give_up(&mut self) {
        self.reserved = self.reserve == 0;
        if let Err(e) = fs::remove_file(self.file())
            && e.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("the reserve file {} can't be removed: {e}", self.file().display());
        }
    }

    fn keep_back(&mut self) -> Result<(), Trouble> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(self.file());
        let length = i64::try_from(self.reserve).unwrap_or(i64::MAX);
        let kept = file.and_then(|file| Ok(posix_fallocate(&file, 0, length)?));
        match kept.map_err(|e| Trouble::io("written", &e)) {
            Err(Trouble::DiskFull) => {
                self.give_up();
                return Err(Trouble::DiskFull);
            }
            // Not every file system can set room aside. Then we do without.
            Err(other) => tracing::warn!("no reserve can be kept in {}: {other:?}", self.folder.display()),
            Ok(()) => {}
        }
        self.reserved = true;
        Ok(())
    }

    fn free(&self) -> io::Result<u64> {
        let disk = statvfs(&self.folder)?;
        Ok(disk.blocks_available() * disk.fragment_size())
    }

    fn file(&self) -> PathBuf {
        self.folder.join("reserve")
    }
}
