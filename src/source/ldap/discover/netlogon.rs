//! What a domain controller says of itself and of the asker's site: the attribute `netlogon` ([MS-ADTS] 6.3.1.9).
//!
//! It comes over UDP from whoever answers, so every length and every pointer in it is checked.

/// `LOGON_SAM_LOGON_RESPONSE_EX` ([MS-ADTS] 6.3.1.3).
const RESPONSE_EX: u16 = 23;
/// The names begin behind opcode, padding, flags and the domain's GUID.
const NAMES_AT: usize = 24;
/// The longest name (RFC 1035 §2.3.4).
const LONGEST: usize = 255;

/// What it says, as far as it is needed here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Netlogon {
    /// The domain that it is a controller of.
    pub domain: String,
    /// Its own site.
    pub site: Option<String>,
    /// The site that the asker's address belongs to; none, when no subnet in the directory holds that address.
    pub client_site: Option<String>,
}

impl Netlogon {
    /// Reads a `NETLOGON_SAM_LOGON_RESPONSE_EX`; None when it is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Netlogon> {
        let (opcode, _) = bytes.split_first_chunk()?;
        if u16::from_le_bytes(*opcode) != RESPONSE_EX {
            return None;
        }
        let mut at = NAMES_AT;
        let mut next = || {
            let (name, end) = name(bytes, at)?;
            at = end;
            Some(name)
        };
        // Forest, domain, host, NetBIOS domain, NetBIOS computer, user, the controller's site, the client's site.
        let [_, domain, _, _, _, _, site, client_site] =
            [next()?, next()?, next()?, next()?, next()?, next()?, next()?, next()?];
        let site_of = |name: String| is_site(&name).then_some(name);
        Some(Netlogon { domain, site: site_of(site), client_site: site_of(client_site) })
    }
}

/// Whether a text can be the name of a site, which is one label of a name in DNS.
pub fn is_site(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// The name at `at`, compressed as in RFC 1035 §4.1.4, and where it ends.
fn name(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let (mut name, mut at, mut end) = (String::new(), at, None);
    // A pointer leads to an earlier place than any before it, so there is an end.
    let mut earliest = at;
    loop {
        let length = *bytes.get(at)?;
        match length {
            0 => return Some((name, end.unwrap_or(at + 1))),
            1..=63 => {
                let label = bytes.get(at + 1..)?.get(..usize::from(length))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(str::from_utf8(label).ok()?);
                if name.len() > LONGEST {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            0xc0.. => {
                let to = usize::from(length & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                if to >= earliest {
                    return None;
                }
                end.get_or_insert(at + 2);
                (at, earliest) = (to, to);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The answer of Samba 4.17 for the domain ad.choice.example, its controller and its asker being in the site Stockholm.
    pub(in super::super) const SAMBA: &[u8] =
        b"\x17\0\0\0\xbd\x11\0\0\x03\x35\x86\x6f\x9f\x19\x38\x4f\xa2\x67\x8e\x08\x2c\x70\xa0\xdd\
        \x02ad\x06choice\x07example\0\xc0\x18\x03dc1\xc0\x18\x06CHOICE\0\x03DC1\0\0\x09Stockholm\0\xc0\x41\
        \x05\0\0\0\xff\xff\xff\xff";

    #[test]
    fn the_sites_are_read() {
        let stockholm = || Some("Stockholm".to_owned());
        let expected =
            Netlogon { domain: "ad.choice.example".to_owned(), site: stockholm(), client_site: stockholm() };
        assert_eq!(Netlogon::parse(SAMBA), Some(expected));
        let at = SAMBA.windows(2).position(|bytes| bytes == b"\xc0\x41").unwrap();
        let mut nowhere = SAMBA.to_vec();
        nowhere.splice(at..at + 2, [0]);
        assert_eq!(Netlogon::parse(&nowhere).unwrap().client_site, None);
    }

    #[test]
    fn names_that_lead_nowhere_are_refused() {
        let with = |names: &[u8]| [&SAMBA[..NAMES_AT], names].concat();
        for names in [
            &b"\xc0\x18"[..],                 // to itself
            b"\x01a\xc0\x18",                 // to its own beginning
            b"\xc0\x1a\xc0\x18",              // forwards, and back
            b"\0\0\0\0\0\0\x01a\xc0\x1e\xc0", // to itself, and cut
            b"\x40a",                         // a kind of label that there isn't
            b"\x3fa",                         // longer than what is there
            b"\x02\xff\xfe\0",                // no text
            b"\0\0\0\0\0\0\0",                // one name too few
            b"",
        ] {
            assert_eq!(Netlogon::parse(&with(names)), None, "{names:?}");
        }
        let long = [&b"\x3f"[..], &[b'a'; 63]].concat().repeat(5);
        assert_eq!(Netlogon::parse(&with(&[long, vec![0; 9]].concat())), None);
        let mut other = SAMBA.to_vec();
        other[0] = 19;
        assert_eq!(Netlogon::parse(&other), None);
    }

    #[test]
    fn a_site_is_one_label() {
        for (text, fits) in
            [("Default-First-Site-Name", true), ("", false), ("a.b", false), ("a b", false), ("å", false)]
        {
            assert_eq!(is_site(text), fits, "{text}");
        }
        assert!(!is_site(&"a".repeat(64)));
    }

    proptest! {
        #[test]
        fn whatever_comes_it_ends(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            Netlogon::parse(&[&SAMBA[..NAMES_AT], &bytes].concat());
            Netlogon::parse(&bytes);
        }

        #[test]
        fn whatever_is_changed_sites_are_labels(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = SAMBA.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Some(Netlogon { site, client_site, .. }) = Netlogon::parse(&bytes) {
                prop_assert!([site, client_site].iter().flatten().all(|site| is_site(site)));
            }
        }
    }
}
