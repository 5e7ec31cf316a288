//! Certificates for tests, made on the spot: good ones, and each kind of bad one.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion};

/// A certification authority that nobody knows.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A server's certificate and key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> &[u8] {
        self.0.der()
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        self.sign(&params(name, &[name]))
    }

    /// Valid in 2001 only.
    pub(crate) fn issue_expired(&self, name: &str) -> Identity {
        let mut params = params(name, &[name]);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2001, 12, 31);
        self.sign(&params)
    }

    /// Valid from the year 3000 on.
    pub(crate) fn issue_not_yet_valid(&self, name: &str) -> Identity {
        let mut params = params(name, &[name]);
        params.not_before = date_time_ymd(3000, 1, 1);
        self.sign(&params)
    }

    /// With a common name but no subjectAltName, as old domain controllers have.
    pub(crate) fn issue_nameless(&self, name: &str) -> Identity {
        self.sign(&params(name, &[]))
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }
}

impl Identity {
    pub(crate) fn self_signed(name: &str, marked_as_ca: bool) -> Identity {
        let mut params = params(name, &[name]);
        if marked_as_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Identity { certificate: certificate.der().clone(), key: key.serialize_der() }
    }

    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// This certificate with another one's key, as an impostor who copied the public part would have it.
    pub(crate) fn with_key_of(&self, other: &Identity) -> Identity {
        Identity { certificate: self.certificate.clone(), key: other.key.clone() }
    }

    /// Certificate and key as files hold them.
    pub(crate) fn pem(&self) -> (String, String) {
        let pem = |label: &str, der: &[u8]| {
            let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
            format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
        };
        (pem("CERTIFICATE", &self.certificate), pem("PRIVATE KEY", &self.key))
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.server_with(rustls::DEFAULT_VERSIONS)
    }

    /// Asks its clients for a certificate of this authority, and takes none without.
    pub(crate) fn server_for_clients_of(&self, authority: &Authority) -> Arc<ServerConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![self.certificate.clone()], key)
            .unwrap();
        Arc::new(config)
    }

    pub(crate) fn server_with(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.key.clone()).unwrap();
        let key = ring::sign::any_supported_type(&key).unwrap();
        // Unlike `with_single_cert` this doesn't mind an impostor, whose key isn't the certificate's.
        let shown = SingleCertAndKey::from(CertifiedKey::new(vec![self.certificate.clone()], key));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(shown));
        Arc::new(config)
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
