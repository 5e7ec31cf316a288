//! What a server said, and what it offers.

use std::fmt;

/// No answer is kept longer than this; it goes into the delivery log.
const LONGEST_TEXT: usize = 1000;

/// A server's reply (RFC 5321 §4.2): printable, bounded, its lines run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text after them.
    pub text: String,
}

impl Reply {
    pub(super) fn new(code: u16, text: &str) -> Reply {
        let text = text.trim();
        Reply {
            code,
            text: text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or_default().to_owned(),
        }
    }

    /// For good: the same command will fail again (5xx).
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// What a server offers in its reply to EHLO (RFC 5321 §4.1.1.1). Keywords are compared without case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// The mechanisms of AUTH (RFC 4954), in capitals.
    pub auth: Vec<String>,
    /// SIZE (RFC 1870) was offered.
    pub size: bool,
    /// The largest message in bytes, if there is a limit.
    pub largest: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// DSN (RFC 3461): it can be asked for reports.
    pub reports: bool,
}

impl Offers {
    /// Reads the lines of a reply to EHLO, without their codes. The first names the server.
    pub(super) fn read(lines: &[String]) -> Offers {
        let mut offers = Offers::default();
        for line in lines.iter().skip(1) {
            // `AUTH=PLAIN` is how servers wrote it before RFC 2554; some still offer both.
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("AUTH") => offers.auth.extend(words.map(str::to_owned)),
                Some("SIZE") => {
                    offers.size = true;
                    // 0 means that no fixed limit is in force (RFC 1870 §4).
                    offers.largest =
                        words.next().and_then(|digits| digits.parse().ok()).filter(|size| *size > 0);
                }
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("DSN") => offers.reports = true,
                _ => {}
            }
        }
        offers
    }
}
