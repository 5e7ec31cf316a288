//! How far the store has come, noted outside of the engine: a store that opens with less has lost something.
//!
//! The engine can come up whole and consistent, yet *older* than it was (a cut tail makes it forget the last writes, and our own
//! counts with them). Only something that wasn't forgotten with them can tell.
//!
//! It is written after each durable group of commits, so a store that is newer than its mark is fine. It has two slots that are
//! written in turn, so that one torn write leaves the other; and it is synced now and then, not each time: what a power cut
//! takes of it makes it older, which is fine, too.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::super::records::NUMBERS;

/// The name of the file, beside the engine's folder.
pub(super) const NAME: &str = "committed";

const MAGIC: u64 = u64::from_be_bytes(*b"budkavl1");
/// One slot to a block of the disk, so that no write can tear both.
const SLOT: u64 = 4096;
/// So many writes, at most, are left unsynced.
const UNSYNCED_MAX: u32 = 256;

/// What is noted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Mark {
    /// The number of the last commit that is durable.
    pub(super) commit: u64,
    /// The random number of the installation.
    pub(super) instance: u64,
    /// The last numbers that were handed out.
    pub(super) numbers: [u64; NUMBERS],
}

/// The file of the mark, open for writing.
#[derive(Debug)]
pub(super) struct Watermark {
    file: File,
    unsynced: u32,
}

impl Watermark {
    /// Makes the file, or opens it, with `mark` in it.
    pub(super) fn create(folder: &Path, mark: &Mark) -> io::Result<Watermark> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(folder.join(NAME))?;
        let mut block = bytes_of(mark).to_vec();
        block.resize(SLOT as usize, 0);
        for slot in 0..2 {
            file.write_all_at(&block, slot * SLOT)?;
        }
        file.sync_all()?;
        Ok(Watermark { file, unsynced: 0 })
    }

    /// What the file says; None when there is none, or neither slot is whole.
    pub(super) fn read(folder: &Path) -> Option<Mark> {
        let file = File::open(folder.join(NAME)).ok()?;
        let slots = [0, SLOT].into_iter().filter_map(|at| {
            let mut bytes = [0; BYTES];
            file.read_exact_at(&mut bytes, at).ok()?;
            mark_of(&bytes)
        });
        slots.max_by_key(|mark| mark.commit)
    }

    /// Notes a commit that is durable.
    pub(super) fn write(&mut self, mark: &Mark) -> io::Result<()> {
        self.file.write_all_at(&bytes_of(mark), (mark.commit % 2) * SLOT)?;
        self.unsynced += 1;
        if self.unsynced >= UNSYNCED_MAX { self.sync() } else { Ok(()) }
    }

    /// Makes durable what was noted.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced > 0 {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

const WORDS: usize = 3 + NUMBERS;
const BYTES: usize = (WORDS + 1) * 8;

fn bytes_of(mark: &Mark) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let words = [MAGIC, mark.commit, mark.instance].into_iter().chain(mark.numbers);
    let (body, sum) = bytes.split_at_mut(WORDS * 8);
    body.chunks_exact_mut(8).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_be_bytes()));
    sum.copy_from_slice(&xxh3_64(body).to_be_bytes());
    bytes
}

fn mark_of(bytes: &[u8; BYTES]) -> Option<Mark> {
    let (body, sum) = bytes.split_at(WORDS * 8);
    if xxh3_64(body).to_be_bytes() != sum {
        return None;
    }
    let mut words = body.as_chunks().0.iter().map(|word| u64::from_be_bytes(*word));
    if words.next() != Some(MAGIC) {
        return None;
    }
    let mut mark = Mark { commit: words.next()?, instance: words.next()?, numbers: [0; NUMBERS] };
    mark.numbers.iter_mut().zip(words).for_each(|(to, word)| *to = word);
    Some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(commit: u64) -> Mark {
        Mark { commit, instance: 7, numbers: [commit; NUMBERS] }
    }

    #[test]
    fn the_newest_whole_slot_counts() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Watermark::read(folder.path()), None);
        let mut file = Watermark::create(folder.path(), &mark(1)).unwrap();
        for commit in 2..6 {
            file.write(&mark(commit)).unwrap();
        }
        assert_eq!(Watermark::read(folder.path()), Some(mark(5)));
        // A torn write of number 6 hits the older slot; one of number 7 leaves number 6.
        file.file.write_all_at(&[0xff; 20], 0).unwrap();
        assert_eq!(Watermark::read(folder.path()), Some(mark(5)));
        file.write(&mark(6)).unwrap();
        file.file.write_all_at(&[0xff; 20], SLOT).unwrap();
        assert_eq!(Watermark::read(folder.path()), Some(mark(6)));
        file.file.write_all_at(&[0xff; 20], 0).unwrap();
        assert_eq!(Watermark::read(folder.path()), None);
    }
}
