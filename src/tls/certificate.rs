//! A server's certificate in words: whose it is, for which names and until when, and why it was refused.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, Utc};
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// No text taken from a certificate is longer than this; the other side wrote it.
const LONGEST_TEXT: usize = 200;
/// No more names of a certificate than these are told.
const MOST_NAMES: usize = 20;

/// What a person wants to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Whose it is, as a distinguished name, such as `CN=mail.example`.
    pub subject: String,
    /// Who signed it; the subject itself if it is self-signed.
    pub issuer: String,
    /// The host names and addresses it is valid for (subjectAltName, RFC 6125 §6.4).
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: DateTime<Utc>,
    /// Until when it is valid.
    pub not_after: DateTime<Utc>,
    /// Whether it is marked as a certification authority's (RFC 5280 §4.2.1.9).
    pub is_ca: bool,
    /// SHA-256 over the DER, what a pin compares: upper-case hexadecimal pairs with colons.
    pub sha256: String,
}

impl CertificateSummary {
    /// Reads a certificate in DER; `None` if it isn't one.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<CertificateSummary> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let names = match parsed.subject_alternative_name() {
            Ok(Some(extension)) => {
                extension.value.general_names.iter().filter_map(host).take(MOST_NAMES).collect()
            }
            _ => Vec::new(),
        };
        Some(CertificateSummary {
            subject: printable(&parsed.subject().to_string()),
            issuer: printable(&parsed.issuer().to_string()),
            names,
            not_before: DateTime::from_timestamp(parsed.validity().not_before.timestamp(), 0)?,
            not_after: DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0)?,
            is_ca: parsed.is_ca(),
            sha256: pairs(&sha256(certificate)),
        })
    }
}

impl fmt::Display for CertificateSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, for {}", self.subject, listed(&self.names))?;
        write!(f, ", issued by {}, valid until {}", self.issuer, day(self.not_after))
    }
}

/// Why a server's certificate was refused: a sentence with the name, the date or the issuer in question and what to do.
#[derive(Clone)]
pub struct CertificateProblem {
    words: String,
    /// The certificate in question, if it could be read.
    pub certificate: Option<CertificateSummary>,
}

impl CertificateProblem {
    /// Puts webpki's verdict into words.
    pub(super) fn refused(
        error: &rustls::Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> CertificateProblem {
        let certificate = CertificateSummary::of(end_entity);
        let words = match &certificate {
            None => "its certificate can't be read: it is no X.509 certificate".to_owned(),
            Some(summary) => match error {
                rustls::Error::InvalidCertificate(verdict) => {
                    let top = intermediates.last().and_then(CertificateSummary::of);
                    words(verdict, summary, top.as_ref(), &name.to_str())
                }
                other => format!("its certificate ({}) was refused: {other}", summary.subject),
            },
        };
        CertificateProblem { words, certificate }
    }

    /// Another certificate than the pinned one was shown.
    pub(super) fn not_the_pinned(pin: &[u8; 32], end_entity: &CertificateDer<'_>) -> CertificateProblem {
        let certificate = CertificateSummary::of(end_entity);
        let who = certificate.as_ref().map_or("unreadable", |summary| &summary.subject);
        let words = format!(
            "its certificate ({who}) is not the pinned one: its SHA-256 is {}, the pinned is {}; if the server was \
             given a new certificate, pin that one",
            pairs(&sha256(end_entity)),
            pairs(pin)
        );
        CertificateProblem { words, certificate }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The words: rustls prints what it wraps with `{:?}`.
impl fmt::Debug for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for CertificateProblem {}

/// SHA-256 over the certificate's DER.
pub(super) fn sha256(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

fn words(
    verdict: &CertificateError,
    shown: &CertificateSummary,
    top: Option<&CertificateSummary>,
    name: &str,
) -> String {
    let CertificateSummary { subject, issuer, sha256, .. } = shown;
    match verdict {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            // The one that expired may be further up; the date tells.
            let expired = not_after(verdict, shown);
            let whose =
                if expired == shown.not_after { "its certificate" } else { "a certificate above its own" };
            format!("{whose} ({subject}) expired on {}; give the server a new one", day(expired))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
            "its certificate ({subject}) is not valid before {}; compare the clocks of both machines",
            day(shown.not_before)
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "its certificate ({subject}) is not valid for {name} but for {}; use one of its names as the server's \
             name, or give the server a certificate for {name}, or pin this one (SHA-256 {sha256})",
            listed(&shown.names)
        ),
        CertificateError::UnknownIssuer if subject == issuer && !shown.is_ca => format!(
            "its certificate ({subject}) is signed by itself, and nothing here trusts it; if it is the right one \
             (SHA-256 {sha256}), pin it or name it as CA file"
        ),
        CertificateError::UnknownIssuer if subject != issuer => format!(
            "its certificate ({subject}) leads to {}, which nothing here trusts; put that authority's certificate in \
             the CA file (a server must send the authorities in between)",
            top.map_or(issuer, |top| &top.issuer)
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("its certificate ({subject}) is not meant for servers (extended key usage)")
        }
        _ if shown.is_ca => format!(
            "its certificate ({subject}) is marked as a certification authority's, which no server may show as its \
             own; pin it if it is the right one (SHA-256 {sha256})"
        ),
        other => format!("its certificate ({subject}) was refused: {other}"),
    }
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(printable(name)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|four| Ipv4Addr::from(four).to_string());
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(|sixteen| Ipv6Addr::from(sixteen).to_string()))
                .ok()
        }
        _ => None,
    }
}

fn not_after(verdict: &CertificateError, shown: &CertificateSummary) -> DateTime<Utc> {
    match verdict {
        CertificateError::ExpiredContext { not_after, .. } => i64::try_from(not_after.as_secs())
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .unwrap_or(shown.not_after),
        _ => shown.not_after,
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "no name at all (no subjectAltName)".to_owned() } else { names.join(", ") }
}

fn day(time: DateTime<Utc>) -> String {
    time.format("%-d %b %Y %H:%M UTC").to_string()
}

fn pairs(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_TEXT).collect()
}
