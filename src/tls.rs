//! One way to speak TLS for the directory, the mail server and `check`: rustls with ring, the certificate and
//! its name always verified, and a refusal that says in words what is wrong with the certificate.
//!
//! The words are made by the verifier itself, where certificate, name and trust are all at hand, and travel inside
//! rustls' own error: any client that is given this configuration (ldap3, reqwest, ours) gets them, and [`explain`] finds
//! them again in whatever error that client returns.

mod binding;
mod certificate;
mod identity;

#[cfg(test)]
pub(crate) mod pki;
#[cfg(test)]
mod tests;

pub use binding::end_point;
pub use certificate::{CertificateProblem, CertificateSummary};
pub use identity::Identity;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};

/// Which servers are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsTrust {
    /// Those whose certificate leads to a root that the operating system trusts.
    SystemRoots,
    /// Those whose certificate leads to one of the certificates in this file (PEM, or one in DER), and to no other.
    CaFile(PathBuf),
    /// The one whose certificate has this SHA-256 over its DER, whatever its name, dates and issuer. Meant for servers
    /// with a self-signed certificate that is marked as a CA or carries no name, as domain controllers often have.
    Pinned([u8; 32]),
}

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The CA file can't be read.
    #[error("the CA file {} could not be read: {cause}", file.display())]
    CaFileUnreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The CA file holds something else, or nothing.
    #[error("the CA file {} is no use: {reason}; it must hold certificates in PEM, or one in DER", file.display())]
    CaFileUnusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Our own certificate or its key can't be read.
    #[error("{} could not be read: {cause}; it must be a file that this program's user can read", file.display())]
    OwnFileUnreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Our own certificate or its key can't be used.
    #[error("{} can't be used: {reason}", file.display())]
    OwnFileUnusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system trusts nobody, or its list can't be read.
    #[error(
        "the operating system has no usable root certificates{reason}; install the package ca-certificates or name a CA file"
    )]
    NoSystemRoots {
        /// What loading them said, with a leading colon, or nothing.
        reason: String,
    },
    /// rustls refused the configuration.
    #[error("TLS could not be set up: {0}")]
    Setup(String),
}

/// The TLS client configuration for this trust: TLS 1.2 and 1.3, without a certificate of our own ([`Identity::shown_by`] adds one).
///
/// # Errors
/// When the CA file or the system's roots can't be used.
pub fn client_config(trust: &TlsTrust) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let judge = match trust {
        TlsTrust::SystemRoots => by_roots(system_roots()?, &provider)?,
        TlsTrust::CaFile(file) => by_roots(roots_from(file)?, &provider)?,
        TlsTrust::Pinned(sha256) => Judge::Pin(*sha256),
    };
    let verifier = Verifier { judge, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .dangerous() // rustls' word for any verifier of one's own; this one refuses all that webpki refuses
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What went wrong in TLS, in words for the person who has to mend it, if this error or one of its causes came from
/// rustls; `None` if TLS had no part in it.
#[must_use]
pub fn explain(error: &(dyn StdError + 'static)) -> Option<String> {
    find(error).map(|error| match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(cause)))
            if cause.is::<CertificateProblem>() =>
        {
            cause.to_string()
        }
        rustls::Error::InvalidMessage(_) => {
            "the other side did not answer in TLS; perhaps this port speaks plain text or wants StartTLS"
                .to_owned()
        }
        rustls::Error::AlertReceived(alert) => {
            format!("the other side ended the handshake with the alert {alert:?}")
        }
        rustls::Error::PeerIncompatible(what) => {
            format!("no TLS version or cipher in common ({what:?}); TLS 1.2 or 1.3 is needed")
        }
        other => other.to_string(),
    })
}

/// What went wrong in a request over HTTPS, in words that help. The address isn't among them: it may be a secret.
#[must_use]
pub fn explain_request(error: &reqwest::Error) -> String {
    if let Some(tls) = explain(error) {
        return tls;
    }
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn StdError = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// The SHA-256 in this text: 64 hexadecimal digits, with or without colons, as
/// `openssl x509 -noout -fingerprint -sha256` prints them. `None` if it is something else.
#[must_use]
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut sha256 = [0; 32];
    for (byte, pair) in sha256.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(sha256)
}

/// rustls' error somewhere in this one's causes. An `io::Error` hides what it wraps from `source()`.
fn find<'a>(mut error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error = match wrapped {
            Some(inner) => inner as &(dyn StdError + 'static),
            None => error.source()?,
        };
    }
}

/// Verifies like webpki, or against the pin, and says what is wrong in words.
#[derive(Debug)]
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Judge {
    Roots(Arc<WebPkiServerVerifier>),
    Pin([u8; 32]),
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let problem = match &self.judge {
            Judge::Roots(webpki) => {
                match webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                    Ok(verified) => return Ok(verified),
                    Err(error) => CertificateProblem::refused(&error, end_entity, intermediates, server_name),
                }
            }
            Judge::Pin(sha256) if certificate::sha256(end_entity) == *sha256 => {
                return Ok(ServerCertVerified::assertion());
            }
            Judge::Pin(sha256) => CertificateProblem::not_the_pinned(sha256, end_entity),
        };
        Err(CertificateError::Other(OtherError(Arc::new(problem))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn by_roots(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Judge, TlsError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map(Judge::Roots)
        .map_err(|error| TlsError::Setup(error.to_string()))
}

/// The operating system's roots. One that can't be read or parsed doesn't take the others with it.
fn system_roots() -> Result<RootCertStore, TlsError> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        let reason = loaded.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(TlsError::NoSystemRoots { reason });
    }
    Ok(roots)
}

/// Every certificate of the file; one that can't be used is an error, since somebody put it there on purpose.
fn roots_from(file: &Path) -> Result<RootCertStore, TlsError> {
    let bytes =
        fs::read(file).map_err(|cause| TlsError::CaFileUnreadable { file: file.to_owned(), cause })?;
    let unusable = |reason: String| TlsError::CaFileUnusable { file: file.to_owned(), reason };
    // DER starts with a SEQUENCE's tag; Windows exports certificates so by default.
    let certificates = if bytes.first() == Some(&0x30) {
        vec![CertificateDer::from(bytes)]
    } else {
        CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(error.to_string()))?
    };
    if certificates.is_empty() {
        return Err(unusable("there is no certificate in it".to_owned()));
    }
    let mut roots = RootCertStore::empty();
    for (number, certificate) in (1..).zip(certificates) {
        roots.add(certificate).map_err(|error| unusable(format!("certificate {number}: {error}")))?;
    }
    Ok(roots)
}
