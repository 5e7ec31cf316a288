//! Users, units and groups from a file in LDIF (RFC 2849), as `ldifde`, `ldapsearch` or a person writes it.
//!
//! The file is read in pieces and never held whole. It is believed only if it shows no sign of being cut: what these tools say at the end of
//! their output (result, number of entries, whether pages follow) is read, too.

mod lines;
mod records;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use encoding_rs::{Decoder as Transcoder, DecoderResult, UTF_16BE, UTF_16LE};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::{Ask, Progress, Reading, SourceError, Tell, scope};
use crate::domain::decode::{Decoder, Mapping};
use crate::domain::directory::Found;
use crate::domain::dn::Dn;
use crate::domain::entry::Entry;
use crate::domain::ids::{DirectoryName, Guid};
use crate::domain::run::{Cursor, Mode, ModeReason, Position};
use crate::domain::shape::{UnitsFrom, shape};
use records::Records;

const CHUNK: usize = 256 << 10;

/// A file that is read as a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ldif {
    /// Which file.
    pub file: PathBuf,
    /// Which attribute means what.
    pub mapping: Mapping,
    /// How long reading it may take: what lies behind a path may be another machine.
    pub run_timeout: Duration,
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    /// It can't be understood at this line, counted from 1.
    Malformed(u64, String),
    /// It ends too early.
    Incomplete(String),
}

impl Ldif {
    /// A file, with the usual limit.
    pub fn new(file: impl Into<PathBuf>, mapping: Mapping) -> Ldif {
        Ldif { file: file.into(), mapping, run_timeout: Duration::from_secs(30 * 60) }
    }

    /// How it will be read, and why: whole, always.
    pub fn plan(&self, ask: &Ask<'_>) -> (Mode, ModeReason) {
        (Mode::Full, ask.whole_because(self.scope()).unwrap_or(ModeReason::OnlyFull))
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// When it can't be read, not in time, is no LDIF, or is not whole.
    pub async fn read(
        &self,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        let limit = self.run_timeout;
        let late = |_| SourceError::RunTimeout { server: self.file.display().to_string(), limit };
        tokio::time::timeout(limit, self.read_all(directory, ask, tell)).await.map_err(late)?
    }

    async fn read_all(
        &self,
        directory: &DirectoryName,
        ask: &Ask<'_>,
        tell: Tell<'_>,
    ) -> Result<Reading, SourceError> {
        let unreadable = |cause| SourceError::FileUnreadable { file: self.file.clone(), cause };
        let mut decoder = Decoder::new(&self.mapping, directory).with_known(ask.known);
        // To open a pipe would wait for whoever writes into it.
        if !tokio::fs::metadata(&self.file).await.map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("it is no file; export to one, and name that")));
        }
        let mut file = File::open(&self.file).await.map_err(unreadable)?;
        let mut parser = Parser::new(&self.mapping.id);
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = file.read(&mut chunk).await.map_err(unreadable)?;
            let bytes = chunk.get(..length).unwrap_or_default();
            let parsed = if bytes.is_empty() {
                parser.end(|entry| decoder.push(entry))
            } else {
                parser.push(bytes, |entry| decoder.push(entry))
            };
            parsed.map_err(|problem| self.explain(problem))?;
            tell(decoder.progress());
            if bytes.is_empty() {
                break;
            }
        }
        self.judge(decoder.progress())?;
        let server: Box<str> = self.file.display().to_string().into();
        let (mode, reason) = self.plan(ask);
        let cursor = Cursor {
            scope: self.scope(),
            server: server.clone(),
            position: Position::None,
            read_at: Some(ask.now),
            whole_at: Some(ask.now),
            sees_deletions: true,
        };
        let below = match &self.mapping.units {
            UnitsFrom::Groups { below: Some(below), .. } => Some(self.place_of_units(&mut decoder, below)?),
            _ => None,
        };
        let mut found = Found::Whole(decoder.finish());
        shape(&mut found, &ask.frame(directory, &self.mapping, self.scope(), below));
        Ok(Reading { found, mode, reason, cursor, server, warnings: Vec::new() })
    }

    /// Below what groups are units.
    fn place_of_units(&self, decoder: &mut Decoder<'_>, below: &Dn) -> Result<Guid, SourceError> {
        decoder.bearer_of(&below.to_string()).ok_or_else(|| {
            let reason = format!("there is no \"{below}\" in it, which `units.base` names");
            SourceError::FileEmpty { file: self.file.clone(), reason }
        })
    }

    /// A file with nothing in it is a mistake, not an empty organisation.
    fn judge(&self, found: Progress) -> Result<(), SourceError> {
        let reason = match found {
            Progress { users: 0, units: 0, groups: 0, others: 0, quarantined: 0, .. } => {
                "there are no entries in it".to_owned()
            }
            Progress { users: 0, units: 0, groups: 0, others, quarantined: 0, .. } => {
                format!(
                    "none of its {others} entries is a user, unit or group by its objectClass; was that attribute exported?"
                )
            }
            _ => return Ok(()),
        };
        Err(SourceError::FileEmpty { file: self.file.clone(), reason })
    }

    fn explain(&self, problem: Problem) -> SourceError {
        let file = self.file.clone();
        match problem {
            Problem::Malformed(line, reason) => SourceError::FileMalformed { file, line, reason },
            Problem::Incomplete(reason) => SourceError::FileIncomplete { file, reason },
        }
    }

    fn scope(&self) -> u64 {
        let shape = self.mapping.shape_words();
        scope(["ldif"].into_iter().chain(self.mapping.words()).chain(shape.iter().map(String::as_str)))
    }
}

/// The entries in these bytes, given in pieces of `size`; None when they are no LDIF.
#[cfg(fuzzing)]
pub fn fuzz_entries(bytes: &[u8], size: usize) -> Option<Vec<Entry>> {
    let mut parser = Parser::new(&Mapping::default().id);
    let mut entries = Vec::new();
    for piece in bytes.chunks(size) {
        parser.push(piece, |entry| entries.push(entry.clone())).ok()?;
    }
    parser.end(|entry| entries.push(entry.clone())).ok()?;
    Some(entries)
}

/// From bytes to entries, piece by piece.
struct Parser {
    /// The first bytes, until there are enough to know the encoding.
    start: Option<Vec<u8>>,
    transcoder: Option<Transcoder>,
    records: Records,
}

impl Parser {
    fn new(id: &str) -> Parser {
        Parser { start: Some(Vec::new()), transcoder: None, records: Records::new(id) }
    }

    fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&Entry)) -> Result<(), Problem> {
        let Some(mut start) = self.start.take() else {
            return self.pass(bytes, false, &mut take);
        };
        start.extend_from_slice(bytes);
        if start.len() < 3 {
            self.start = Some(start);
            return Ok(());
        }
        self.begin(&start, &mut take)
    }

    fn end(&mut self, mut take: impl FnMut(&Entry)) -> Result<(), Problem> {
        if let Some(start) = self.start.take() {
            self.begin(&start, &mut take)?;
        }
        self.pass(&[], true, &mut take)?;
        self.records.end(&mut take)
    }

    /// Looks at the byte-order mark, if there is one.
    fn begin(&mut self, start: &[u8], take: &mut impl FnMut(&Entry)) -> Result<(), Problem> {
        let rest = match start {
            [0xef, 0xbb, 0xbf, rest @ ..] => rest,
            [0xff, 0xfe, rest @ ..] => {
                self.transcoder = Some(UTF_16LE.new_decoder_without_bom_handling());
                rest
            }
            [0xfe, 0xff, rest @ ..] => {
                self.transcoder = Some(UTF_16BE.new_decoder_without_bom_handling());
                rest
            }
            [0, ..] | [_, 0, ..] => {
                let reason = "this is UTF-16 without a byte-order mark, or no text; export it with ldifde -u, or as UTF-8";
                return Err(Problem::Malformed(1, reason.to_owned()));
            }
            all => all,
        };
        self.pass(rest, false, take)
    }

    fn pass(&mut self, mut bytes: &[u8], last: bool, take: &mut impl FnMut(&Entry)) -> Result<(), Problem> {
        let Some(transcoder) = &mut self.transcoder else {
            return self.records.push(bytes, take);
        };
        loop {
            let space = transcoder.max_utf8_buffer_length_without_replacement(bytes.len());
            let mut text = String::with_capacity(space.unwrap_or(bytes.len() * 3));
            let (result, read) = transcoder.decode_to_string_without_replacement(bytes, &mut text, last);
            self.records.push(text.as_bytes(), take)?;
            bytes = bytes.get(read..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let reason = "its UTF-16 is damaged or cut here; export the file again";
                    return Err(Problem::Malformed(self.records.line(), reason.to_owned()));
                }
            }
        }
    }
}
