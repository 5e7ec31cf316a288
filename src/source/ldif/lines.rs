//! From bytes to lines: split, unfolded (RFC 2849 §2 note 2), numbered, bounded.

use super::Problem;

/// No line is longer, unfolded: a picture of 12 MB in base64.
const MAX_LINE: usize = 16 << 20;

/// Collects bytes until a line is whole.
#[derive(Default)]
pub(super) struct Lines {
    /// What came since the last line break.
    partial: Vec<u8>,
    /// The unfolded line, which may still be continued, and where it began.
    pending: Option<(u64, Vec<u8>)>,
    /// How many line breaks were seen.
    breaks: u64,
}

impl Lines {
    /// The number of the line that is being read, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.breaks + 1
    }

    /// Takes the next bytes and gives each line that they make whole, an empty one too.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            if self.partial.is_empty() {
                self.line(line, take)?;
            } else {
                self.hold(line)?;
                let whole = std::mem::take(&mut self.partial);
                self.line(&whole, take)?;
            }
            self.breaks += 1;
        }
        self.hold(rest)
    }

    /// There are no more bytes. Tells whether the last line ended in a line break.
    pub(super) fn end(
        &mut self,
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), Problem>,
    ) -> Result<bool, Problem> {
        let last = std::mem::take(&mut self.partial);
        if !last.is_empty() {
            self.line(&last, take)?;
        }
        self.flush(take)?;
        Ok(last.is_empty())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.partial.extend_from_slice(bytes);
        self.check_length(self.partial.len())
    }

    /// A line as it stands in the file.
    fn line(
        &mut self,
        line: &[u8],
        take: &mut impl FnMut(u64, &[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.contains(&0) {
            return Err(Problem::Malformed(
                self.number(),
                "there is a NUL in it; this is no LDIF".to_owned(),
            ));
        }
        let Some(continued) = line.strip_prefix(b" ") else {
            self.flush(take)?;
            if line.is_empty() {
                return take(self.number(), line);
            }
            self.pending = Some((self.number(), line.to_vec()));
            return self.check_length(line.len());
        };
        match &mut self.pending {
            Some((_, pending)) => {
                pending.extend_from_slice(continued);
                let length = pending.len();
                self.check_length(length)
            }
            None if continued.iter().all(|byte| *byte == b' ') => Ok(()),
            None => Err(Problem::Malformed(
                self.number(),
                "it begins with a space but there is no line that it continues".to_owned(),
            )),
        }
    }

    fn flush(&mut self, take: &mut impl FnMut(u64, &[u8]) -> Result<(), Problem>) -> Result<(), Problem> {
        match self.pending.take() {
            Some((number, line)) => take(number, &line),
            None => Ok(()),
        }
    }

    fn check_length(&self, length: usize) -> Result<(), Problem> {
        if length <= MAX_LINE {
            return Ok(());
        }
        Err(Problem::Malformed(self.number(), format!("it is longer than {} MiB", MAX_LINE >> 20)))
    }
}
