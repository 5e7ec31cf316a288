//! From bytes to text, whatever a spreadsheet or an editor wrote them in.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How letters were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// With or without a byte-order mark.
    Utf8,
    /// Of either byte order.
    Utf16,
    /// What Windows calls "ANSI" in western Europe; older spreadsheets save it.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16 => "UTF-16",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

/// The text, and how it was written: by its byte-order mark; else UTF-8 when it is valid; UTF-16 when every other byte is nought;
/// else Windows-1252, in which every text can be read, right or wrong.
///
/// # Errors
/// What isn't a text: a sentence that goes on from the file.
pub fn text_of(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), String> {
    let (encoding, marked) = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, bytes.get(length..).unwrap_or_default()),
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, bytes),
        None => (guessed(bytes), bytes),
    };
    let (text, damaged) = encoding.decode_without_bom_handling(marked);
    if damaged && encoding != WINDOWS_1252 {
        return Err(format!("this isn't valid {}; save the file as UTF-8", encoding.name()));
    }
    // A text of letters that are one byte each has none in UTF-16 without a mark, and is valid UTF-8 with noughts.
    if text.contains('\0') {
        return match guessed(bytes) {
            utf16 if utf16 != WINDOWS_1252 && encoding == UTF_8 => {
                match utf16.decode_without_bom_handling(bytes) {
                    (text, false) if !text.contains('\0') => Ok((text, Encoding::Utf16)),
                    _ => Err("this is no text: there are zero bytes in it; save the file as UTF-8".into()),
                }
            }
            _ => Err("this is no text: there are zero bytes in it; save the file as UTF-8".into()),
        };
    }
    let encoding = match encoding {
        e if e == UTF_8 => Encoding::Utf8,
        e if e == WINDOWS_1252 => Encoding::Windows1252,
        _ => Encoding::Utf16,
    };
    Ok((text, encoding))
}

/// UTF-16 when most letters of the beginning have a byte that is nought, else Windows-1252.
fn guessed(bytes: &[u8]) -> &'static encoding_rs::Encoding {
    let pairs = bytes.chunks_exact(2).take(200);
    let (mut big, mut little, mut all) = (0, 0, 0);
    for pair in pairs {
        all += 1;
        big += usize::from(pair.first() == Some(&0));
        little += usize::from(pair.get(1) == Some(&0));
    }
    match (big * 2 > all, little * 2 > all) {
        (true, false) => UTF_16BE,
        (false, true) => UTF_16LE,
        _ => WINDOWS_1252,
    }
}
