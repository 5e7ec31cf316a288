//! When what the sign-in depends on ends: the account, its password, the certificates.

use chrono::{DateTime, Utc};

use super::super::session::Session;
use crate::domain::decode::from_filetime;
use crate::domain::entry::Entry;
use crate::domain::warning::{Warning, WarningKind};
use crate::tls::CertificateSummary;

const PASSWORD: &str = "msDS-UserPasswordExpiryTimeComputed";
const ACCOUNT: &str = "accountExpires";

/// Everything known to end, on whatever day, after a sign-in. What a server doesn't tell is left out: nothing here stops a read.
pub(in crate::source::ldap) async fn warnings(session: &mut Session<'_>) -> Vec<Warning> {
    let server = session.server().to_owned();
    let certificate = |kind, of: Option<&CertificateSummary>| {
        of.map(|c| Warning { kind, about: format!("{} of {server}", c.subject).into(), at: c.not_after })
    };
    let mut warnings: Vec<Warning> =
        certificate(WarningKind::ServerCertificate, session.certificate()).into_iter().collect();
    warnings.extend(session.own_certificate().map(|c| Warning {
        kind: WarningKind::ClientCertificate,
        about: c.subject.as_str().into(),
        at: c.not_after,
    }));
    if let Some(account) = own_account(session).await {
        warnings.extend(of_account(&account));
    }
    warnings
}

/// The entry of whoever signed in. Active Directory tells who that is as the first of the `tokenGroups` of the root DSE; Samba does so, too,
/// and doesn't know "Who am I?" (RFC 4532).
async fn own_account(session: &mut Session<'_>) -> Option<Entry> {
    let root = session.look("", vec!["tokenGroups"]).await.ok()??;
    let sid = sid(root.first("tokenGroups")?)?;
    match session.look(&format!("<SID={sid}>"), vec![PASSWORD, ACCOUNT]).await {
        Ok(entry) => entry,
        Err(error) => {
            tracing::debug!(%error, "the account that signs in can't be looked at");
            None
        }
    }
}

fn of_account(account: &Entry) -> Vec<Warning> {
    let ends = |kind, attribute| {
        let at = time(account.first(attribute)?)?;
        Some(Warning { kind, about: account.dn.as_str().into(), at })
    };
    let both = [ends(WarningKind::Password, PASSWORD), ends(WarningKind::Account, ACCOUNT)];
    both.into_iter().flatten().collect()
}

/// A day on which something ends. 0 and the largest number mean never; a password that must be changed has 0, too, but that can't sign in.
fn time(value: &[u8]) -> Option<DateTime<Utc>> {
    let number: i64 = str::from_utf8(value).ok()?.parse().ok()?;
    (number != 0 && number != i64::MAX).then(|| from_filetime(number))?
}

/// A security identifier as text ([MS-DTYP] 2.4.2).
fn sid(bytes: &[u8]) -> Option<String> {
    let (&[1, count], rest) = bytes.split_first_chunk::<2>()? else { return None };
    let (authority, mut parts) = rest.split_first_chunk::<6>()?;
    let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let mut text = format!("S-1-{authority}");
    for _ in 0..count {
        let (part, rest) = parts.split_first_chunk::<4>()?;
        text.push_str(&format!("-{}", u32::from_le_bytes(*part)));
        parts = rest;
    }
    parts.is_empty().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_security_identifier_is_written_out() {
        let bytes = [1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x21, 2, 0, 0];
        assert_eq!(sid(&bytes).unwrap(), "S-1-5-32-545");
        assert_eq!(sid(&bytes[..15]), None);
        assert_eq!(sid(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(sid(&[2, 0, 0, 0, 0, 0, 0, 5]), None);
        assert_eq!(sid(b""), None);
    }

    #[test]
    fn an_account_tells_what_ends() {
        let mut account = Entry::new("CN=reader");
        // 1 Jan 2027 00:00 UTC.
        account.add(PASSWORD, [&b"134432352000000000"[..]]).unwrap();
        account.add(ACCOUNT, [&b"9223372036854775807"[..]]).unwrap();
        let found = of_account(&account);
        let at = DateTime::parse_from_rfc3339("2027-01-01T00:00:00Z").unwrap().to_utc();
        assert_eq!(found, [Warning { kind: WarningKind::Password, about: "CN=reader".into(), at }]);
        for never in [&b"0"[..], b"-1", b"soon", b"9223372036854775807"] {
            assert_eq!(time(never), None);
        }
    }
}
