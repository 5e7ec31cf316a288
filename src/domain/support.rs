//! What is agreed with the vendor's support: the ways to it, when it is there, what it covers and what it bills.

use std::sync::Arc;

use chrono_tz::Tz;

use super::calendar::OpeningHours;
use super::mailbox::Address;

/// The vendor's support.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Support {
    /// Where to call, in the opening hours.
    pub phone: Option<Box<str>>,
    /// Where to write to.
    pub mail: Option<Address>,
    /// Where cases are reported, an address on the web.
    pub portal: Option<Box<str>>,
    /// Where to call when it can't wait.
    pub urgent_phone: Option<Box<str>>,
    /// When it is there.
    pub hours: OpeningHours,
    /// What the agreement covers.
    pub covered: Vec<Box<str>>,
    /// What is billed.
    pub billed: Vec<Box<str>>,
}

/// Nothing is said of it; Mondays to Fridays from 8 to 16, on UTC.
impl Default for Support {
    fn default() -> Support {
        Support {
            phone: None,
            mail: None,
            portal: None,
            urgent_phone: None,
            hours: OpeningHours::usual(Tz::UTC, Arc::default()),
            covered: Vec::new(),
            billed: Vec::new(),
        }
    }
}

impl Support {
    /// Whether anything is said of it.
    pub fn is_set(&self) -> bool {
        let ways = [&self.phone, &self.portal, &self.urgent_phone];
        ways.iter().any(|way| way.is_some())
            || self.mail.is_some()
            || !self.covered.is_empty()
            || !self.billed.is_empty()
    }
}
