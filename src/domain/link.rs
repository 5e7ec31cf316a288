//! Links in mails that do something: whoever has one can't make another, and none holds for ever.
//!
//! What a link is for, of what, and until when stands in it, signed with HMAC-SHA256 (RFC 2104) by a key that never leaves the store.
//! Nothing else has to be kept of it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::hmac;

/// What a link is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Purpose {
    /// Whoever got this message takes on what it tells.
    Acknowledge = 1,
    /// This subscriber wants to be one.
    Confirm = 2,
    /// This subscriber doesn't want to be one any more.
    Unsubscribe = 3,
}

impl Purpose {
    const ALL: [Purpose; 3] = [Purpose::Acknowledge, Purpose::Confirm, Purpose::Unsubscribe];
}

/// What a link says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Of which message or subscriber.
    pub id: u64,
    /// Not from then on.
    pub expires: DateTime<Utc>,
}

/// Why a link does nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadLink {
    /// It wasn't made here, or was cut short on the way.
    #[error("the link isn't whole; copy all of it from the mail")]
    Unreadable,
    /// Its time is over.
    #[error("the link has expired; its time was over {0}")]
    Expired(DateTime<Utc>),
}

/// The length of what is signed: purpose, number, seconds since 1970.
const SAID: usize = 1 + 8 + 8;
/// What is signed before it: no signature of anything else is one of a link.
const CONTEXT: &[u8] = b"budkavle link 1\n";

/// The key that links are signed with.
#[derive(Clone, Debug)]
pub struct LinkKey(hmac::Key);

impl LinkKey {
    /// A key of these random bytes: as many as the digest has (RFC 2104 §3).
    pub fn new(bytes: &[u8]) -> LinkKey {
        LinkKey(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The link as text, of the letters that a path takes as they are.
    pub fn sign(&self, link: &Link) -> String {
        let mut bytes = vec![link.purpose as u8];
        bytes.extend(link.id.to_be_bytes());
        bytes.extend(link.expires.timestamp().to_be_bytes());
        let tag = hmac::sign(&self.0, &[CONTEXT, &bytes].concat());
        bytes.extend(tag.as_ref());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a text says, if it is one of ours and holds at `now`.
    ///
    /// # Errors
    /// [`BadLink`].
    pub fn read(&self, text: &str, now: DateTime<Utc>) -> Result<Link, BadLink> {
        let link = self.parse(text).ok_or(BadLink::Unreadable)?;
        if link.expires <= now { Err(BadLink::Expired(link.expires)) } else { Ok(link) }
    }

    fn parse(&self, text: &str) -> Option<Link> {
        /// No link of ours is longer.
        const LONGEST: usize = 100;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
        let (said, tag) = bytes.split_at_checked(SAID)?;
        hmac::verify(&self.0, &[CONTEXT, said].concat(), tag).ok()?;
        let (purpose, rest) = said.split_first()?;
        let (id, expires) = rest.split_first_chunk::<8>()?;
        Some(Link {
            purpose: Purpose::ALL.into_iter().find(|known| *known as u8 == *purpose)?,
            id: u64::from_be_bytes(*id),
            expires: DateTime::from_timestamp(i64::from_be_bytes(expires.try_into().ok()?), 0)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::hour;
    use proptest::prelude::*;

    fn key(byte: u8) -> LinkKey {
        LinkKey::new(&[byte; 32])
    }

    #[test]
    fn a_link_says_what_was_signed_until_it_expires() {
        for purpose in Purpose::ALL {
            let link = Link { purpose, id: u64::MAX, expires: hour(24) };
            let text = key(1).sign(&link);
            assert_eq!(key(1).read(&text, hour(0)), Ok(link));
            assert_eq!(key(1).read(&text, hour(24)), Err(BadLink::Expired(hour(24))));
            assert_eq!(key(2).read(&text, hour(0)), Err(BadLink::Unreadable), "of another installation");
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{text}");
        }
    }

    proptest! {
        /// Nobody makes a link of another, nor out of nothing.
        #[test]
        fn a_link_that_was_changed_is_none(id in any::<u64>(), at in 0usize..66, to in "[A-Za-z0-9_-]") {
            let text = key(1).sign(&Link { purpose: Purpose::Acknowledge, id, expires: hour(1) });
            let mut other = text.clone();
            other.replace_range(at..=at, &to);
            let read = key(1).read(&other, hour(0));
            prop_assert!(other == text || read == Err(BadLink::Unreadable), "{:?}", read);
            prop_assert_eq!(key(1).read(&text[..at], hour(0)), Err(BadLink::Unreadable));
        }

        #[test]
        fn whatever_stands_there_is_refused(text in ".{0,120}") {
            prop_assert_eq!(key(1).read(&text, hour(0)), Err(BadLink::Unreadable));
        }
    }
}
