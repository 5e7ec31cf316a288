//! The names of things: what a user, a unit, a run or an outage is called, for good.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An `objectGUID`: 16 bytes that stay with an object through every rename and move
/// ([MS-ADTS] 3.1.1.1.4). Kept in the byte order of the directory.
///
/// It is shown as Microsoft shows it, the first three fields little-endian:
/// `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// From a UUID's 16 bytes in the order of the network (RFC 4122 §4.1.2), which is that of its text.
    pub fn from_uuid(bytes: [u8; 16]) -> Guid {
        let [a, b, c, d, e, g, h, i, rest @ ..] = bytes;
        let mut own = [d, c, b, a, g, e, i, h, 0, 0, 0, 0, 0, 0, 0, 0];
        own.iter_mut().skip(8).zip(rest).for_each(|(to, from)| *to = from);
        Guid(own)
    }
}

// Serialized by its kind of format: as text for people (JSON), as 16 bytes for the store.
impl Serialize for Guid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(Guid)
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.0;
        write!(f, "{d:02x}{c:02x}{b:02x}{a:02x}-{g:02x}{e:02x}-{i:02x}{h:02x}-")?;
        for (n, byte) in rest.iter().enumerate() {
            if n == 2 {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a GUID such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6")]
pub struct NotAGuid(String);

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || NotAGuid(text.chars().take(60).collect());
        if text.len() != 36 {
            return Err(bad());
        }
        let mut number = 0_u128;
        for (at, c) in text.char_indices() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if c != '-' {
                    return Err(bad());
                }
            } else {
                number = number << 4 | u128::from(c.to_digit(16).ok_or_else(bad)?);
            }
        }
        Ok(Guid::from_uuid(number.to_be_bytes()))
    }
}

macro_rules! guid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Guid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAGuid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

guid_id! {
    /// A user, by `objectGUID`.
    UserId
}
guid_id! {
    /// A unit, by the `objectGUID` of its OU.
    UnitId
}
guid_id! {
    /// A group, by `objectGUID`.
    GroupId
}

impl UnitId {
    /// The one unit above all directories: the organisation itself. No object has the zero GUID.
    pub const ROOT: UnitId = UnitId(Guid([0; 16]));
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    };
}

number_id! {
    /// One run of a sync, counted from 1 over all directories.
    RunId
}
number_id! {
    /// An outage, counted from 1.
    OutageId
}
number_id! {
    /// The assignment of one role to one holder, counted from 1.
    AssignmentId
}
number_id! {
    /// One absence of one person, counted from 1.
    AbsenceId
}
number_id! {
    /// A notice: what must be told about one event, counted from 1.
    NoticeId
}
number_id! {
    /// A message: a notice for one recipient on one channel, counted from 1.
    MessageId
}
number_id! {
    /// A silence, counted from 1.
    SilenceId
}
number_id! {
    /// Somebody outside who wants to be told of outages, counted from 1.
    SubscriberId
}
number_id! {
    /// How many changes have been committed to what is held in memory. Grows with every commit.
    Generation
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident($text:ty)) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $text);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                $name(name.into())
            }
        }
    };
}

name_id! {
    /// The name of a directory as the configuration gives it (`[[directory]] name = "main"`).
    DirectoryName(Arc<str>)
}
name_id! {
    /// The short name of a report, a system, or whatever else somebody answers for.
    SubjectName(Arc<str>)
}
name_id! {
    /// The name of a role, such as `local` or `ad-sync`.
    RoleName(Box<str>)
}
name_id! {
    /// The name of a calendar that absences are taken from, as the configuration gives it (`[[absence_source]] name = "asa"`).
    SourceName(Arc<str>)
}
name_id! {
    /// The name of a list as the configuration gives it (`[[list]] name = "vendor"`).
    ListName(Box<str>)
}

name_id! {
    /// The name of a vendor's status page as the configuration gives it (`[[feed]] name = "cloud"`).
    FeedName(Arc<str>)
}
name_id! {
    /// The name of a job that gives signs of life (`[[heartbeat]] name = "backup"`).
    HeartbeatName(Arc<str>)
}

name_id! {
    /// The name of a channel as the configuration gives it (`[channel.NAME]`); `mail` for the one of `[mail]`.
    ChannelName(Arc<str>)
}

impl ChannelName {
    /// The channel of `[mail]`, which there always is.
    pub fn mail() -> ChannelName {
        ChannelName::from(MAIL_CHANNEL)
    }

    /// Whether it is the channel of `[mail]`.
    pub fn is_mail(&self) -> bool {
        &*self.0 == MAIL_CHANNEL
    }
}

const MAIL_CHANNEL: &str = "mail";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_shown_as_microsoft_shows_it_and_read_back() {
        // The example of [MS-DTYP] 2.3.4: the wire order reverses the first three fields.
        let guid = Guid([
            0xae, 0x4f, 0x1d, 0xf8, 0xec, 0x7d, 0xd0, 0x11, 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6,
        ]);
        assert_eq!(guid.to_string(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
        assert_eq!(guid.to_string().parse(), Ok(guid));
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "f81d4fae",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
            "f81d4fae7-dec-11d0-a765-00a0c91e6bf6",
            "+81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "f81d4fae-7dec-11d0-a765-00a0c91e6b\u{e5}",
            "f81d4fae-7dec-11d0-a765-00a0-91e6bf6",
        ] {
            assert!(text.parse::<Guid>().is_err(), "{text}");
        }
    }
}
