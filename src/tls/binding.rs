//! What binds a sign-in to the TLS connection it is made on: the channel binding `tls-server-end-point` (RFC 5929 §4).

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::der_parser::oid::Oid;
use x509_parser::oid_registry::{
    OID_NIST_HASH_SHA384, OID_NIST_HASH_SHA512, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// The channel binding of a connection to the server that showed this certificate; `None` where none is defined.
///
/// It is a digest of the certificate by the function that its signature uses, by SHA-256 where that is MD5 or SHA-1.
#[must_use]
pub fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = &parsed.signature_algorithm;
    let digest = match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => {
            digest(parameters.hash_algorithm_oid(), certificate)
        }
        _ => digest(&algorithm.algorithm, certificate),
    };
    Some([&b"tls-server-end-point:"[..], &digest?].concat())
}

/// By the function that this signature or digest algorithm uses.
fn digest(algorithm: &Oid<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let is_one_of = |algorithms: &[Oid<'_>]| algorithms.contains(algorithm);
    if is_one_of(&[OID_SIG_ED25519]) {
        None
    } else if is_one_of(&[OID_PKCS1_SHA384WITHRSA, OID_SIG_ECDSA_WITH_SHA384, OID_NIST_HASH_SHA384]) {
        Some(Sha384::digest(bytes).to_vec())
    } else if is_one_of(&[OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA512, OID_NIST_HASH_SHA512]) {
        Some(Sha512::digest(bytes).to_vec())
    } else {
        Some(Sha256::digest(bytes).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    use super::*;

    #[test]
    fn the_digest_follows_the_signature() {
        let length = |algorithm: &'static SignatureAlgorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = CertificateParams::new(["dc1".to_owned()]).unwrap().self_signed(&key).unwrap();
            end_point(certificate.der()).map(|binding| binding.len() - b"tls-server-end-point:".len())
        };
        assert_eq!(length(&rcgen::PKCS_ECDSA_P256_SHA256), Some(32));
        assert_eq!(length(&rcgen::PKCS_ECDSA_P384_SHA384), Some(48));
        assert_eq!(length(&rcgen::PKCS_ED25519), None);
        assert_eq!(end_point(&CertificateDer::from(vec![0x30, 0])), None);
    }

    #[test]
    fn it_is_the_digest_of_the_whole_certificate() {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["dc1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let expected =
            [b"tls-server-end-point:".to_vec(), Sha256::digest(certificate.der()).to_vec()].concat();
        assert_eq!(end_point(certificate.der()), Some(expected));
    }
}
