//! What `check --online` tells about a mail server.

use std::fmt;
use std::net::SocketAddr;

use crate::tls::CertificateSummary;

/// What a mail server was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpReport {
    /// The name it gave itself.
    pub name: String,
    /// Where it was reached.
    pub address: Option<SocketAddr>,
    /// TLS version and cipher, if TLS is used.
    pub tls: Option<String>,
    /// Its certificate, if TLS is used.
    pub certificate: Option<CertificateSummary>,
    /// Whether somebody signed in.
    pub signed_in: bool,
    /// The largest message it takes, in bytes, if it says so (RFC 1870).
    pub largest_message: Option<u64>,
    /// PIPELINING (RFC 2920): a message costs two round trips instead of four.
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531): it takes addresses outside ASCII before the @.
    pub smtputf8: bool,
}

impl fmt::Display for SmtpReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(address) = self.address {
            write!(f, " at {address}")?;
        }
        match &self.tls {
            Some(tls) => write!(f, "; {tls}")?,
            None => f.write_str("; without TLS")?,
        }
        if let Some(certificate) = &self.certificate {
            write!(f, "; certificate {certificate}")?;
        }
        f.write_str(if self.signed_in { "; signed in" } else { "; not signed in" })?;
        match self.largest_message {
            Some(bytes) => write!(f, "; takes messages up to {bytes} bytes")?,
            None => f.write_str("; names no largest message")?,
        }
        let offered =
            [("PIPELINING", self.pipelining), ("8BITMIME", self.eight_bit_mime), ("SMTPUTF8", self.smtputf8)];
        for (keyword, offered) in offered {
            write!(f, "; {keyword} {}", if offered { "offered" } else { "not offered" })?;
        }
        Ok(())
    }
}
