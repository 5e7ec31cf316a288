//! Backups: everything that a store holds, in one file that says what it is and whether it is whole.
//!
//! The same file is what the store exports by itself, and is rebuilt from. It doesn't depend on the engine:
//!
//! ```text
//! budkavle backup 1 ⏎
//! {"budkavle":"0.1.0","written":"2026-07-06T08:00:00Z", …, "kinds":[{"name":"users","things":20000, …}, …]} ⏎
//! for every record: length of the key (u32), length of the value (u32), key, value
//! ff ff ff ff
//! SHA-256 of everything before (32 bytes)
//! ```
//!
//! Numbers are big-endian. Keys and values are those of [`super::records`]. `head -n 2` shows what a file holds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::counts::{Count, Counts};
use super::error::StoreError;
use super::records::{Kind, check_schema};
use super::types::BackupInfo;

const MAGIC: &[u8] = b"budkavle backup ";
const FORMAT: u16 = 1;
const HEADER_MAX: u64 = 64 * 1024;
const KEY_MAX: u32 = 64 * 1024;
/// In place of the length of a key: there are no more records.
const END: u32 = u32::MAX;

/// What a backup says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    /// The version that wrote it.
    pub(crate) budkavle: Box<str>,
    /// When.
    pub(crate) written: DateTime<Utc>,
    /// The latest time that anything in it speaks of.
    pub(crate) as_of: DateTime<Utc>,
    /// The random number of the installation.
    pub(crate) instance: u64,
    /// How many commits led to it: of two backups of an installation, which is the newer.
    pub(crate) commit: u64,
    /// Its records.
    pub(crate) counts: Counts,
}

/// A header as it is written.
#[derive(Serialize, Deserialize)]
struct HeaderLine {
    budkavle: Box<str>,
    written: DateTime<Utc>,
    as_of: DateTime<Utc>,
    instance: u64,
    commit: u64,
    kinds: Vec<KindLine>,
}

#[derive(Serialize, Deserialize)]
struct KindLine {
    kind: u8,
    name: Box<str>,
    #[serde(flatten)]
    count: Count,
}

impl Header {
    /// The same for people.
    pub(crate) fn info(&self) -> BackupInfo {
        let counts = self.counts.iter().map(|(kind, count)| (kind.name().into(), count.things)).collect();
        BackupInfo { written: self.written, as_of: self.as_of, budkavle: self.budkavle.clone(), counts }
    }

    fn line(&self) -> HeaderLine {
        let kind =
            |(kind, count): (Kind, Count)| KindLine { kind: kind as u8, name: kind.name().into(), count };
        HeaderLine {
            budkavle: self.budkavle.clone(),
            written: self.written,
            as_of: self.as_of,
            instance: self.instance,
            commit: self.commit,
            kinds: self.counts.iter().map(kind).collect(),
        }
    }
}

impl HeaderLine {
    fn header(self) -> Result<Header, String> {
        let unknown = |k: &KindLine| {
            format!(
                "it holds {}, which this version doesn't know; it was written by {}",
                k.name, self.budkavle
            )
        };
        let count =
            |k: &KindLine| Kind::from_byte(k.kind).map(|kind| (kind, k.count)).ok_or_else(|| unknown(k));
        let counts: Result<Counts, String> = self.kinds.iter().map(count).collect();
        let (counts, HeaderLine { budkavle, written, as_of, instance, commit, .. }) = (counts?, self);
        Ok(Header { budkavle, written, as_of, instance, commit, counts })
    }
}

/// A backup in the making. Nothing is seen of it under its name before it is whole and on the disk.
pub(crate) struct BackupWriter {
    path: PathBuf,
    header: Header,
    out: BufWriter<NamedTempFile>,
}

impl BackupWriter {
    /// Begins a backup that is to be `path`.
    pub(crate) fn create(path: &Path, header: Header) -> Result<BackupWriter, StoreError> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let begun = || -> io::Result<_> {
            // Readable by its owner only, and removed if it isn't finished.
            let file = tempfile::Builder::new().prefix(".backup-").suffix(".tmp").tempfile_in(folder)?;
            let mut out = BufWriter::with_capacity(1 << 18, file);
            writeln!(out, "{}{FORMAT}", String::from_utf8_lossy(MAGIC))?;
            serde_json::to_writer(&mut out, &header.line())?;
            out.write_all(b"\n")?;
            Ok(out)
        };
        let out = begun().map_err(|e| unwritable(path, &e))?;
        Ok(BackupWriter { path: path.to_owned(), header, out })
    }

    /// Adds a record.
    pub(crate) fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let length = |n: usize| u32::try_from(n).map_err(|_| io::Error::other("a record is too long"));
        let mut written = || -> io::Result<()> {
            self.out.write_all(&length(key.len())?.to_be_bytes())?;
            self.out.write_all(&length(value.len())?.to_be_bytes())?;
            self.out.write_all(key)?;
            self.out.write_all(value)
        };
        written().map_err(|e| unwritable(&self.path, &e))
    }

    /// Reads back what was written, and if it is what the header says, gives it its checksum and its name.
    pub(crate) fn finish(self) -> Result<Header, StoreError> {
        let BackupWriter { path, header, mut out } = self;
        let disk = |e: io::Error| unwritable(&path, &e);
        out.write_all(&END.to_be_bytes()).map_err(disk)?;
        let mut file = out.into_inner().map_err(|e| disk(e.into_error()))?;
        let mut written = Reader::open(file.path()).map_err(|what| bad(&path, what))?;
        written.records(|_, _| Ok::<_, String>(())).map_err(|what| bad(&path, what))?;
        file.write_all(&written.sum.finalize()).map_err(disk)?;
        file.as_file().sync_all().map_err(disk)?;
        file.persist(&path).map_err(|e| disk(e.error))?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(disk)?;
        Ok(header)
    }
}

/// Reads a backup to its end, checks it against its header and its checksum, and hands every record to `each`.
///
/// `each` has seen records before it is known whether the file is whole: read it once with an `each` that does nothing.
pub(crate) fn read<E: From<StoreError>>(
    path: &Path,
    each: impl FnMut(&[u8], Vec<u8>) -> Result<(), E>,
) -> Result<Header, E> {
    let mut reader = Reader::open(path).map_err(|what| bad(path, what))?;
    let mut each = each;
    let mut failed = None;
    let read = reader.records(|key, value| {
        each(key, value).map_err(|e| {
            failed = Some(e);
            String::new()
        })
    });
    if let Some(e) = failed {
        return Err(e);
    }
    read.map_err(|what| bad(path, what))?;
    reader.end().map_err(|what| bad(path, what))?;
    Ok(reader.header)
}

/// Whether a backup is whole, and what it holds.
pub(crate) fn check(path: &Path) -> Result<Header, StoreError> {
    read(path, |_, _| Ok(()))
}

/// A file being read, with the checksum of what was read so far.
struct Reader {
    file: BufReader<File>,
    sum: Sha256,
    header: Header,
}

const CUT_SHORT: &str = "it is cut short";

impl Reader {
    fn open(path: &Path) -> Result<Reader, String> {
        let file = File::open(path).map_err(|e| e.to_string())?;
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut sum = Sha256::new();
        let mut line = || -> Result<Vec<u8>, String> {
            let mut line = Vec::new();
            (&mut file).take(HEADER_MAX).read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
            sum.update(&line);
            if line.pop() == Some(b'\n') { Ok(line) } else { Err("it is no backup of Budkavle".into()) }
        };
        let first = line()?;
        let format = first.strip_prefix(MAGIC).and_then(|n| std::str::from_utf8(n).ok()?.parse::<u16>().ok());
        match format {
            Some(FORMAT) => {}
            Some(newer) => {
                return Err(format!("it is a backup of format {newer}; this version reads format {FORMAT}"));
            }
            None => return Err("it is no backup of Budkavle".into()),
        }
        let header: HeaderLine =
            serde_json::from_slice(&line()?).map_err(|e| format!("its header is damaged: {e}"))?;
        Ok(Reader { file, sum, header: header.header()? })
    }

    /// Reads all records and compares them with the header.
    fn records(&mut self, mut each: impl FnMut(&[u8], Vec<u8>) -> Result<(), String>) -> Result<(), String> {
        let mut counts = Counts::default();
        loop {
            let length = self.number()?;
            if length == END {
                break;
            }
            if length > KEY_MAX {
                return Err("it is damaged: a key is too long".into());
            }
            let value_length = self.number()?;
            let (key, value) = (self.bytes(length)?, self.bytes(value_length)?);
            let byte = key.first().copied().unwrap_or_default();
            let kind = Kind::from_byte(byte)
                .ok_or_else(|| format!("it holds records of kind {byte}, which this version doesn't know"))?;
            check_schema(kind, &value)
                .map_err(|e| format!("it holds a record that this version can't read: {e}"))?;
            counts.add(kind, &key, &value);
            each(&key, value)?;
        }
        match self.header.counts.difference(&counts) {
            Some(difference) => Err(format!("it is damaged: {difference}")),
            None => Ok(()),
        }
    }

    /// Compares the checksum.
    fn end(&mut self) -> Result<(), String> {
        let mut sum = Vec::new();
        (&mut self.file).take(33).read_to_end(&mut sum).map_err(|e| e.to_string())?;
        match std::mem::take(&mut self.sum).finalize().as_slice() {
            right if right == sum => Ok(()),
            _ => Err("it is damaged: its checksum is wrong".into()),
        }
    }

    fn number(&mut self) -> Result<u32, String> {
        let bytes = self.bytes(4)?;
        bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)).ok_or_else(|| CUT_SHORT.into())
    }

    /// Reads so many bytes. A length that lies costs no more memory than the file is long.
    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(length.min(1 << 16) as usize);
        (&mut self.file).take(length.into()).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        self.sum.update(&bytes);
        if bytes.len() == length as usize { Ok(bytes) } else { Err(CUT_SHORT.into()) }
    }
}

fn unwritable(path: &Path, e: &io::Error) -> StoreError {
    let path = path.display().to_string();
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
        _ => StoreError::Backup { path, cause: e.to_string() },
    }
}

fn bad(path: &Path, what: String) -> StoreError {
    StoreError::BadBackup { path: path.display().to_string(), what }
}
