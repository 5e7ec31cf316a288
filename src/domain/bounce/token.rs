//! The sign that each message carries, by which what comes back is known for ours.

use ring::hmac;
use serde::{Deserialize, Serialize};

use super::super::ids::MessageId;
use super::super::link::LinkKey;

/// The header that carries it; servers return the headers of what they can't deliver.
pub const HEADER: &str = "Budkavle-Message";

/// So much of the HMAC goes along: 80 bits can't be guessed, and leave room for a name in the 64 octets before an @.
const MAC: usize = 10;
/// What stands between the number and its HMAC. No hexadecimal digit, and no letter that a server might take for a separator.
const BETWEEN: char = 'z';

/// What the signs are made with. Known to this installation only: who got one mail can't make the sign of another's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnKey([u8; 32]);

impl ReturnKey {
    /// Of 32 random bytes.
    pub fn new(random: [u8; 32]) -> ReturnKey {
        ReturnKey(random)
    }

    /// What links in messages are signed with: made of the same, so that all nodes know it, and it is in every backup.
    pub fn for_links(&self) -> LinkKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        LinkKey::new(hmac::sign(&key, b"budkavle key of links 1").as_ref())
    }

    /// The sign of a message: letters and digits, of which a server may change the case.
    pub fn token(&self, message: MessageId) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, format!("budkavle message {}", message.0).as_bytes());
        let mac: String = tag.as_ref().iter().take(MAC).map(|byte| format!("{byte:02x}")).collect();
        format!("{:x}{BETWEEN}{mac}", message.0)
    }

    /// The message of the first of these texts that holds a sign of ours.
    pub fn find<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Option<MessageId> {
        texts.into_iter().flat_map(tokens).find_map(|(message, token)| {
            // How long this takes tells nobody anything: a mail is answered with nothing.
            (self.token(message) == token).then_some(message)
        })
    }
}

impl std::fmt::Debug for ReturnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReturnKey")
    }
}

/// So many places of a text are looked at.
const LOOKED_AT: usize = 32;

/// What looks like a sign, wherever it stands in a text.
pub fn tokens(text: &str) -> impl Iterator<Item = (MessageId, String)> {
    let text = text.to_ascii_lowercase();
    let places: Vec<usize> = text.match_indices(BETWEEN).map(|(at, _)| at).take(LOOKED_AT).collect();
    places.into_iter().filter_map(move |at| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let mac = after.get(..2 * MAC)?;
        let ends =
            after.get(2 * MAC..).is_none_or(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
        let digits = before.rsplit(|c: char| !c.is_ascii_hexdigit()).next()?;
        let hex = mac.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number =
            (hex && ends && digits.len() <= 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()?;
        Some((MessageId(number), format!("{digits}{BETWEEN}{mac}")))
    })
}
