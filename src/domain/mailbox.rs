//! An address that can be mailed to, parsed once and trusted from then on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A mail address (`local@domain`, RFC 5321 §4.1.2 without the quoted and the literal forms), at most 254 octets.
///
/// Compared without case, since no mail system in use tells `Asa@` from `asa@`, and a person must not get a notice twice.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct Address(Box<str>);

/// Why a text is no mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a mail address: {why}")]
pub struct NotAnAddress {
    text: String,
    why: &'static str,
}

impl Address {
    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form that two addresses are compared by.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Mailable::parse(text).map(|address| address.owned())
    }
}

/// A mail address that belongs to somebody else, looked at where it is: most are only counted, never written to.
#[derive(Clone, Copy, Debug)]
pub struct Mailable<'a>(&'a str);

impl<'a> Mailable<'a> {
    /// What [`Address`] takes.
    pub fn parse(text: &'a str) -> Result<Self, NotAnAddress> {
        let text = text.trim();
        let bad =
            |why| NotAnAddress { text: text.chars().filter(|c| !c.is_control()).take(80).collect(), why };
        if text.len() > 254 {
            return Err(bad("it is longer than 254 octets (RFC 5321 §4.5.3.1.3)"));
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(bad("it has no @"));
        };
        if local.is_empty() || local.len() > 64 {
            return Err(bad("the part before the @ must have 1 to 64 octets"));
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(bad("the part before the @ has a dot at an end, or two in a row"));
        }
        if local.chars().any(|c| c.is_control() || c.is_whitespace() || "()<>[]:;@\\,\"".contains(c)) {
            return Err(bad("the part before the @ has a character that can't be there"));
        }
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c == '-' || (!c.is_ascii() && c.is_alphanumeric()) || c.is_ascii_alphanumeric())
        };
        if !domain.split('.').all(label_ok) {
            return Err(bad("what stands after the @ is no domain name"));
        }
        Ok(Mailable(text))
    }
    /// The address itself.
    pub fn owned(self) -> Address {
        Address(self.0.into())
    }
}

impl<'a> From<&'a Address> for Mailable<'a> {
    fn from(address: &'a Address) -> Self {
        Mailable(&address.0)
    }
}

impl TryFrom<Box<str>> for Address {
    type Error = NotAnAddress;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for Box<str> {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused_with_a_reason() {
        for good in [
            "a@b",
            "asa.oberg@kommun.example",
            "o'brien+x@sub.kommun.example",
            "åsa@kommun.example",
            " trimmed@x.example ",
        ] {
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@@b",
            "a b@c",
            "a@b..c",
            "a@-b",
            "a..b@c",
            ".a@c",
            "a\r\nBcc: x@y",
            "\"a\"@b",
            "a@[127.0.0.1]",
            "a@b_c",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn case_makes_no_second_person() {
        assert_eq!("Asa@Kommun.Example".parse::<Address>().unwrap(), "asa@kommun.example".parse().unwrap());
    }
}
