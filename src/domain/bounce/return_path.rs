//! Where mails come back to that can't be delivered (`MAIL FROM`, RFC 5321 §4.5.5).

use std::str::FromStr;

use super::super::mailbox::{Address, NotAnAddress};

/// Where they come back to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReturnPath {
    /// To whom they are from.
    #[default]
    From,
    /// To nobody (`<>`).
    Nobody,
    /// To this address.
    Fixed(Address),
    /// To an address that holds the sign of its message (VERP).
    Signed {
        /// What stands before the sign.
        before: Box<str>,
        /// What stands after it, with the `@`.
        after: Box<str>,
    },
}

/// Why a text is no return path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReturnPath {
    /// Not an address, with or without the place for the sign.
    #[error(transparent)]
    Address(#[from] NotAnAddress),
    /// The sign must be told from what stands around it.
    #[error("the * stands once, before the @, and next to no letter or digit")]
    Star,
}

/// As long as the longest sign, for a check of the whole address.
const LONGEST_SIGN: &str = "ffffffffffffffffz00000000000000000000";

impl ReturnPath {
    /// The address for the message with this sign; None: it is as the path says without one.
    pub fn address(&self, sign: &str) -> Option<String> {
        match self {
            ReturnPath::From | ReturnPath::Nobody => None,
            ReturnPath::Fixed(address) => Some(address.to_string()),
            ReturnPath::Signed { before, after } => Some(format!("{before}{sign}{after}")),
        }
    }
}

impl FromStr for ReturnPath {
    type Err = NotAReturnPath;

    /// `null`, an address, or an address with a `*` where the sign stands.
    fn from_str(text: &str) -> Result<ReturnPath, NotAReturnPath> {
        if text == "null" {
            return Ok(ReturnPath::Nobody);
        }
        let Some((before, after)) = text.split_once('*') else {
            return Ok(ReturnPath::Fixed(text.parse()?));
        };
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let stands_well = apart(before.chars().next_back()) && apart(after.chars().next());
        if !stands_well || before.contains('@') || after.contains('*') {
            return Err(NotAReturnPath::Star);
        }
        let _: Address = format!("{before}{LONGEST_SIGN}{after}").parse()?;
        Ok(ReturnPath::Signed { before: before.into(), after: after.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_makes_its_address() {
        for (text, address) in [
            ("null", None),
            ("bounce@x.example", Some("bounce@x.example")),
            ("bounce+*@x.example", Some("bounce+2az00@x.example")),
            ("*@bounces.x.example", Some("2az00@bounces.x.example")),
            ("b-*-b@x.example", Some("b-2az00-b@x.example")),
        ] {
            let made = text.parse::<ReturnPath>().unwrap().address("2az00");
            assert_eq!(made.as_deref(), address, "{text}");
        }
    }

    #[test]
    fn what_would_make_no_address_or_hide_the_sign_is_refused() {
        let long = format!("{}+*@x.example", "b".repeat(40));
        for text in [
            "",
            "nobody",
            "b*@x.example",
            "*b@x.example",
            "a@*",
            "a+*@x@y",
            "*-*@x.example",
            "a\r\n+*@x.example",
            &long,
        ] {
            assert!(text.parse::<ReturnPath>().is_err(), "{text}");
        }
    }
}
