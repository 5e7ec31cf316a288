//! A certificate of our own, shown to a server that wants to know by it who we are.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ServerConfig};
use sha2::{Digest, Sha256};

use super::{CertificateSummary, TlsError};

/// No certificate with its chain, and no key, is larger.
const LARGEST: u64 = 1 << 20;

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    pair: Arc<CertifiedKey>,
    /// Whose it is and until when.
    pub certificate: CertificateSummary,
    /// Over certificate and key: another one has another.
    pub digest: [u8; 32],
}

impl Identity {
    /// Reads the certificate (PEM, those that signed it behind it, the root left out) and its key (PEM, not encrypted).
    ///
    /// # Errors
    /// When one of the files can't be read or used, or they don't belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
        let (chain_pem, key_pem) = (bytes(certificate)?, bytes(key)?);
        let chain = CertificateDer::pem_slice_iter(&chain_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(certificate, error.to_string()))?;
        let summary = match chain.first() {
            None => return Err(unusable(certificate, "there is no certificate in PEM in it".to_owned())),
            Some(first) => CertificateSummary::of(first)
                .ok_or_else(|| unusable(certificate, "its first certificate can't be read".to_owned()))?,
        };
        let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|error| {
            let encrypted = String::from_utf8_lossy(&key_pem).contains("ENCRYPTED");
            let reason = if encrypted {
                "its key is encrypted; write it without a passphrase: openssl pkey -in FILE -out NEW"
                    .to_owned()
            } else {
                format!("there is no private key in PEM in it ({error})")
            };
            unusable(key, reason)
        })?;
        let pair =
            CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(
                |error| match error {
                    rustls::Error::InconsistentKeys(_) => unusable(
                        key,
                        format!(
                            "it is not the key of the certificate in {} ({})",
                            certificate.display(),
                            summary.subject
                        ),
                    ),
                    other => unusable(key, other.to_string()),
                },
            )?;
        let digest =
            Sha256::new().chain_update(&chain_pem).chain_update([0]).chain_update(&key_pem).finalize();
        Ok(Identity { pair: Arc::new(pair), certificate: summary, digest: digest.into() })
    }

    /// The configuration of a server that shows this certificate, and speaks HTTP/1.1.
    ///
    /// # Errors
    /// rustls refuses it.
    pub fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| TlsError::Setup(error.to_string()))?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&self.pair))));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The same configuration, showing this certificate to whoever asks for one.
    #[must_use]
    pub fn shown_by(&self, config: &ClientConfig) -> Arc<ClientConfig> {
        let mut config = config.clone();
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(Arc::clone(&self.pair)));
        // A session that is taken up again is that of the certificate it began with.
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }
}

fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    let cannot = |cause| TlsError::OwnFileUnreadable { file: file.to_owned(), cause };
    // A pipe would never end.
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err(unusable(file, "it is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(cannot)?;
    Ok(bytes)
}

fn unusable(file: &Path, reason: String) -> TlsError {
    TlsError::OwnFileUnusable { file: file.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::super::pki::{Authority, Identity as Issued};
    use super::*;

    fn files(certificate: &str, key: &str) -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let paths = [("own.pem", certificate), ("own.key", key)].map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        let [certificate, key] = paths;
        (folder, certificate, key)
    }

    #[test]
    fn a_certificate_and_its_key_are_read_and_told_from_others() {
        let authority = Authority::new("Test CA");
        let digests = [authority.issue("budkavle"), authority.issue("budkavle")].map(|issued: Issued| {
            let (certificate, key) = issued.pem();
            let (_folder, certificate, key) = files(&certificate, &key);
            let identity = Identity::read(&certificate, &key).unwrap();
            assert_eq!(identity.certificate.subject, "CN=budkavle");
            assert!(!format!("{identity:?}").contains("PRIVATE"));
            identity.digest
        });
        assert_ne!(digests[0], digests[1]);
    }

    #[test]
    fn what_can_not_be_shown_is_refused_with_the_reason() {
        let authority = Authority::new("Test CA");
        let (certificate, key) = authority.issue("budkavle").pem();
        let (_, other_key) = authority.issue("other").pem();
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for (certificate, key, words) in [
            (certificate.as_str(), other_key.as_str(), "not the key of the certificate"),
            (&certificate, encrypted, "without a passphrase"),
            (&certificate, &certificate, "no private key"),
            (&key, &key, "no certificate"),
            ("", &key, "no certificate"),
        ] {
            let (_folder, certificate, key) = files(certificate, key);
            let error = Identity::read(&certificate, &key).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let (folder, certificate, key) = files(&certificate, &key);
        let missing = Identity::read(&folder.path().join("none"), &key).unwrap_err().to_string();
        assert!(missing.contains("none could not be read"), "{missing}");
        assert!(Identity::read(&certificate, folder.path()).unwrap_err().to_string().contains("no file"));
    }
}
