//! What a server said, and what it offers.

use std::fmt;

/// No answer is kept longer than this; it goes into the delivery log.
const LONGEST_TEXT: usize = 1000;

/// What servers without enhanced status codes say of senders whom they don't serve.
const POLICY: [&str; 9] = [
    "relay",
    "sender",
    "denied",
    "not permitted",
    "not allowed",
    "blocked",
    "blacklist",
    "policy",
    "authenticat",
];

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

    /// Whether a refusal may be one of the sender and not of this recipient: by its enhanced status code (RFC 3463); where it has none, by what it
    /// says. Most servers refuse a sender only when they know the recipient, or after the message.
    #[must_use]
    pub fn may_mean_us(&self) -> bool {
        let text = self.text.to_ascii_lowercase();
        match self.enhanced() {
            // Security or policy: not allowed to relay, to send as this sender, or at all.
            Some((7, _))
            // The sender's address is wrong, or blocked.
            | Some((1, 7 | 8))
            // Exchange's SendAsDenied.
            | Some((2, 252))
            // Takes no mail from the network.
            | Some((3, 2)) => true,
            Some(_) => false,
            None => POLICY.iter().any(|word| text.contains(word)),
        }
    }

    /// Subject and detail of the enhanced status code that the text begins with (RFC 2034).
    fn enhanced(&self) -> Option<(u16, u16)> {
        let code = self.text.split_whitespace().next()?;
        let mut parts = code.split('.').map(str::parse::<u16>);
        let (class, subject, detail) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        (class == self.code / 100 && parts.next().is_none()).then_some((subject, detail))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_said_of_the_sender_is_told_from_what_is_said_of_the_recipient() {
        for (code, text) in [
            (553, "5.7.1 <it@x.example>: Sender address rejected: not owned by user it"),
            (554, "5.7.1 <bo@y.example>: Relay access denied"),
            (554, "5.7.1 <host[192.0.2.1]>: Client host rejected: Access denied"),
            (550, "5.7.60 SMTP; Client does not have permissions to send as this sender"),
            (554, "5.2.252 SendAsDenied; it@x.example not allowed to send as alarm@x.example"),
            (550, "5.1.8 Access denied, bad outbound sender"),
            (550, "relay not permitted"),
            (550, "Sender verify failed"),
        ] {
            assert!(Reply::new(code, text).may_mean_us(), "{text}");
        }
        for (code, text) in [
            (550, "5.1.1 <bo@y.example>: Recipient address rejected: User unknown; sender told"),
            (552, "5.2.2 mailbox full"),
            (554, "5.0.0 no"),
            (550, "no such user here"),
            (550, "7.7.7.7 is no enhanced code"),
            (554, ""),
        ] {
            assert!(!Reply::new(code, text).may_mean_us(), "{text}");
        }
    }
}
