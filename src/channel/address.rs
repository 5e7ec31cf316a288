//! Who a message is from and to, parsed once, so that nothing that can end a line or a path gets near a mail server.

use std::fmt;
use std::str::FromStr;

/// A mail address that is safe to put into an SMTP command (RFC 5321 §4.1.2): no control characters, within the
/// size limits, its domain in ASCII (an internationalised one as RFC 5891 writes it).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address(lettre::Address);

/// One sender and one recipient: a refused recipient must not take others along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Who gets the bounces; None: nobody.
    pub from: Option<Address>,
    /// Who gets the message.
    pub to: Address,
    /// What a report on its delivery names it by, where the server knows that (`ENVID`, RFC 3461 §4.4): letters and digits.
    pub id: Option<Box<str>>,
}

impl Envelope {
    /// From one to the other, with nothing special about reports.
    pub fn new(from: Address, to: Address) -> Envelope {
        Envelope { from: Some(from), to, id: None }
    }
}

/// Why a text is no mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A control character could end the line and start another command.
    #[error("the mail address {0:?} contains a control character")]
    ControlCharacter(String),
    /// RFC 5321 §4.5.3.1: 64 octets before the @, 254 in all.
    #[error("the mail address {0:?} is too long: at most 64 bytes before the @ and 254 in all")]
    TooLong(String),
    /// It doesn't have the form of an address.
    #[error("{0:?} is no mail address: {1}")]
    Malformed(String, String),
}

impl Address {
    /// Whether a server must offer SMTPUTF8 (RFC 6531) to take it: the part before the @ isn't ASCII.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.0.user().is_ascii()
    }

    /// The address as lettre wants it.
    pub(super) fn as_lettre(&self) -> lettre::Address {
        self.0.clone()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        if text.contains(char::is_control) {
            return Err(AddressError::ControlCharacter(text.to_owned()));
        }
        let malformed = |why: &str| AddressError::Malformed(text.to_owned(), why.to_owned());
        let (user, domain) = text.rsplit_once('@').ok_or_else(|| malformed("it has no @"))?;
        // An address literal such as [192.0.2.1] is no host name and stays as it is.
        let domain = if domain.starts_with('[') {
            domain.to_owned()
        } else {
            idna::domain_to_ascii(domain).map_err(|_| malformed("its domain is no host name"))?
        };
        if user.len() > 64 || user.len() + 1 + domain.len() > 254 {
            return Err(AddressError::TooLong(text.to_owned()));
        }
        lettre::Address::new(user, domain).map(Address).map_err(|error| malformed(&error.to_string()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text made safe for the value of a header: whatever could end the line, and every other control character, becomes a space;
/// spaces are run together; characters that turn the direction of the text after them go (a subject must not read
/// backwards in one's inbox because of a display name). lettre panics on CR or LF in a display name.
#[must_use]
pub fn clean_header(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() || c.is_whitespace() => {
                if !clean.is_empty() && !clean.ends_with(' ') {
                    clean.push(' ');
                }
            }
            c => clean.push(c),
        }
    }
    clean.truncate(clean.trim_end().len());
    clean
}
