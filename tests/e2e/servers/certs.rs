//! A certification authority for the tests and the certificates it gives to their servers.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// The authority that the servers of the tests have their certificates from.
pub static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("Budkavle Test CA"));

/// Someone who signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Now,
    /// It ended on 1 February 2024.
    Expired,
}

/// The files that a server is started with.
#[derive(Debug, Clone)]
pub struct CertFiles {
    /// The certificate of the authority.
    pub ca: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// A new authority, which nobody trusts who isn't told to.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    /// Makes a server's certificate and writes it, its key and the authority's certificate into a folder.
    pub fn issue(&self, folder: &Path, name: &str, address: Ipv4Addr, validity: Validity) -> CertFiles {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress(address.into()));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if validity == Validity::Expired {
            params.not_before = date_time_ymd(2024, 1, 1);
            params.not_after = date_time_ymd(2024, 2, 1);
        }
        self.sign(params, folder, name)
    }

    /// The same for a client that shows by a certificate who it is: by the common name.
    pub fn issue_client(&self, folder: &Path, name: &str) -> CertFiles {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, folder, name)
    }

    fn sign(&self, mut params: CertificateParams, folder: &Path, name: &str) -> CertFiles {
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();

        fs::create_dir_all(folder).unwrap();
        let files = CertFiles {
            ca: folder.join("ca.pem"),
            cert: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&files.ca, self.issuer.pem()).unwrap();
        fs::write(&files.cert, cert.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        // Samba refuses a key that others may read.
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
        files
    }
}
