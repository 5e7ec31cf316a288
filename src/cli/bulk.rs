//! Many things at once: files that are imported, and what they change.

use std::io::Read;
use std::path::Path;

use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::http::absences::IMPORT_LIMIT;

/// What a file holds, or the standard input.
pub fn contents(file: &Path) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    let limit = IMPORT_LIMIT as u64 + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(limit).read_to_end(&mut bytes))
    };
    let name = file.display();
    read.map_err(|e| Trouble { exit: Exit::Usage, text: format!("{name} can't be read: {e}") })?;
    if bytes.len() > IMPORT_LIMIT {
        let text = format!("{name} is larger than {} MiB; split it", IMPORT_LIMIT / 1024 / 1024);
        return Err(Trouble { exit: Exit::Usage, text });
    }
    Ok(bytes)
}

/// What a file is written in, by how it begins: `ics`, `json` or `csv`.
pub fn format_of(bytes: &[u8]) -> &'static str {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    // In UTF-16 other bytes stand between these.
    let plain: Vec<u8> = bytes.iter().filter(|byte| byte.is_ascii_graphic()).take(15).copied().collect();
    match plain.first() {
        _ if plain.eq_ignore_ascii_case(b"BEGIN:VCALENDAR") => "ics",
        Some(b'[' | b'{') => "json",
        _ => "csv",
    }
}

/// A flag, as it stands in a query.
pub fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// What an import comes to, line by line.
#[derive(Debug, Default)]
pub struct Changes {
    /// What the columns are called.
    pub header: Vec<&'static str>,
    /// What is new.
    pub added: Vec<Vec<String>>,
    /// What becomes something else: before and after.
    pub changed: Vec<(Vec<String>, Vec<String>)>,
    /// What ends.
    pub ended: Vec<Vec<String>>,
    /// How many were there already.
    pub unchanged: usize,
}

impl Changes {
    /// Prints how many there are; what is only tried, line by line before that.
    pub fn print(&self, out: &Out, dry_run: bool) {
        let Changes { added, changed, ended, unchanged, .. } = self;
        if dry_run {
            added.iter().for_each(|line| out.line(format!("+ {}", self.said(line))));
            for (before, after) in changed {
                let differs = self.header.iter().zip(before.iter().zip(after)).filter(|(_, (b, a))| b != a);
                let words = |cell: &String| if cell.is_empty() { "nothing".to_owned() } else { cell.clone() };
                let differs =
                    differs.map(|(name, (b, a))| format!("{name} from {} to {}", words(b), words(a)));
                let differs = differs.collect::<Vec<_>>().join(", ");
                out.line(super::print::visible(&format!("~ {}: {differs}", self.said(before))));
            }
            ended.iter().for_each(|line| out.line(format!("- {}", self.said(line))));
        }
        let would = if dry_run { "Nothing was done. It would be: " } else { "" };
        let (added, changed) = (added.len(), changed.len());
        let ended = if ended.is_empty() { String::new() } else { format!(" {} ended,", ended.len()) };
        out.line(format!("{would}{added} added, {changed} changed,{ended} {unchanged} there already."));
    }

    /// A line in words: the names of its cells and what stands in them.
    fn said(&self, line: &[String]) -> String {
        let cells = self.header.iter().zip(line).filter(|(_, cell)| !cell.is_empty());
        let words = cells.map(|(name, cell)| format!("{name} {cell}")).collect::<Vec<_>>().join(", ");
        super::print::visible(&words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_out_by_the_beginning() {
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain("[{\"role\"".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for (bytes, format) in [
            (&b"role,user\n"[..], "csv"),
            (b"", "csv"),
            (b"\xef\xbb\xbf\r\n [{", "json"),
            (b"{}", "json"),
            (&*utf16, "json"),
            (b"\nbegin:vcalendar\r\n", "ics"),
        ] {
            assert_eq!(format_of(bytes), format, "{bytes:?}");
        }
    }
}
