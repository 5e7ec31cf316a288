//! What an object is known by for good, in the forms that directories have for it.

use std::fmt::Write as _;

use crate::domain::ids::Guid;

/// How an identity is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Identity {
    /// 16 bytes: `objectGUID` ([MS-ADTS] 3.1.1.1.4).
    Bytes,
    /// A UUID as text: `entryUUID` (RFC 4530).
    Uuid,
    /// Four groups of eight hexadecimal digits: `nsUniqueId` of 389 Directory Server.
    NsUniqueId,
}

impl Identity {
    /// That of an attribute.
    pub(super) fn of(attribute: &str) -> Identity {
        if attribute.eq_ignore_ascii_case("objectGUID") {
            Identity::Bytes
        } else if attribute.eq_ignore_ascii_case("nsUniqueId") {
            Identity::NsUniqueId
        } else {
            Identity::Uuid
        }
    }

    /// As it stands in a filter.
    pub(super) fn assertion(self, id: Guid) -> String {
        match self {
            Identity::Bytes => id.0.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "\\{byte:02x}");
                text
            }),
            Identity::Uuid => id.to_string(),
            Identity::NsUniqueId => {
                let digits: String = id.to_string().chars().filter(|c| *c != '-').collect();
                let mut text = String::new();
                for (n, digit) in digits.chars().enumerate() {
                    if n > 0 && n % 8 == 0 {
                        text.push('-');
                    }
                    text.push(digit);
                }
                text
            }
        }
    }
}

/// A UUID as text, or an `nsUniqueId`. Both are shown as they are written.
pub(super) fn parse_uuid(value: &[u8]) -> Option<Guid> {
    let text = str::from_utf8(value).ok()?.trim();
    if text.len() != 35 {
        return text.parse().ok();
    }
    let groups: Vec<&str> = text.split('-').collect();
    let digits = |group: &&str| group.len() == 8 && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    if groups.len() != 4 || !groups.iter().all(digits) {
        return None;
    }
    let number = u128::from_str_radix(&groups.concat(), 16).ok()?;
    Some(Guid::from_uuid(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_and_written_as_the_directory_does() {
        let uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        let id = parse_uuid(uuid.as_bytes()).unwrap();
        assert_eq!((id.to_string().as_str(), Identity::Uuid.assertion(id).as_str()), (uuid, uuid));
        assert_eq!(Guid::from_uuid(0xf81d_4fae_7dec_11d0_a765_00a0_c91e_6bf6_u128.to_be_bytes()), id);
        let ns = "f81d4fae-7dec11d0-a76500a0-c91e6bf6";
        assert_eq!(parse_uuid(ns.as_bytes()), Some(id));
        assert_eq!(Identity::NsUniqueId.assertion(id), ns);
        assert_eq!(Identity::Bytes.assertion(Guid([0xa0; 16])), "\\a0".repeat(16));
    }

    #[test]
    fn what_is_none_is_not_taken_for_one() {
        for text in [
            "",
            "f81d4fae7dec11d0a76500a0c91e6bf6",
            "f81d4fae-7dec11d0-a76500a0-c91e6bfg",
            "+81d4fae-7dec11d0-a76500a0-c91e6bf6",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6f",
            "\u{ff}",
        ] {
            assert_eq!(parse_uuid(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_uuid(&[7; 16]), None);
    }
}
