//! Whose certificates are believed: `ca_file`, or `pinned_sha256`, or those whom the operating system trusts.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::reader::{Problem, Section};
use super::words::quoted;
use crate::tls::{TlsTrust, parse_sha256};

/// Reads it.
pub(super) fn read(section: &Section) -> TlsTrust {
    let ca_file = section.path("ca_file");
    let pinned = section.parsed("pinned_sha256", fingerprint);
    if section.is_set("ca_file") && section.is_set("pinned_sha256") {
        let problem = Problem::new("contradicts ca_file: a pinned certificate is believed whoever signed it");
        section.mistake("pinned_sha256", problem.hint("keep one of the two"));
    }
    if let Some(file) = &ca_file
        && let Err(problem) = holds_certificates(file)
    {
        section.mistake("ca_file", problem);
    }
    match (ca_file, pinned) {
        (Some(file), _) => TlsTrust::CaFile(file),
        (None, Some(sha256)) => TlsTrust::Pinned(sha256),
        (None, None) => TlsTrust::SystemRoots,
    }
}

fn fingerprint(text: &str) -> Result<[u8; 32], Problem> {
    let problem = || {
        Problem::new(format!("{} is no SHA-256 of a certificate", quoted(text))).hint(
            "it has 64 hexadecimal digits, with or without colons: openssl x509 -in FILE -noout -fingerprint -sha256",
        )
    };
    parse_sha256(text).ok_or_else(problem)
}

/// Whether a CA file can be read and has any certificate in it. Whether each is any good is seen when TLS is set up.
fn holds_certificates(file: &Path) -> Result<(), Problem> {
    /// All the roots of Mozilla take 220 KB.
    const LARGEST: u64 = 4 << 20;
    let is_file = file.metadata().map(|metadata| metadata.is_file());
    let mut bytes = Vec::new();
    let read = is_file.and_then(|is_file| match is_file {
        true => File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)),
        false => Err(std::io::Error::other("it is no file")),
    });
    if let Err(error) = read {
        let problem = Problem::new(format!("names {}, which can't be read: {error}", file.display()));
        return Err(problem.hint("put the certificate of the CA there in PEM, readable for budkavle"));
    }
    // DER starts with the tag of a SEQUENCE; Windows exports certificates so by default.
    if bytes.first() == Some(&0x30) || CertificateDer::pem_slice_iter(&bytes).flatten().next().is_some() {
        return Ok(());
    }
    let problem = Problem::new(format!("names {}, which holds no certificate", file.display()));
    Err(problem.hint(
        "it must hold lines from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, or one in DER",
    ))
}

/// Whether a server of this name is this machine, so that nobody can listen in between.
pub(super) fn is_this_machine(host: &str) -> bool {
    let address: Result<std::net::IpAddr, _> = host.parse();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

/// Whether a server can have this name or address.
pub(super) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    text.parse::<std::net::IpAddr>().is_ok() || (name.len() <= 253 && name.split('.').all(label))
}
