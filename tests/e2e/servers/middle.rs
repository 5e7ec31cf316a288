//! Someone in the middle: ends TLS with a certificate of its own that is trusted, too, and begins it anew to the server.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, IpAddr, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::certs::{AUTHORITY, Validity};
use super::{folder, free_address};

/// Stands in the way until it goes out of scope.
pub struct Middle {
    address: Ipv4Addr,
    _runtime: Runtime,
    _folder: TempDir,
}

impl Middle {
    /// Stands before the LDAPS port of a server whose certificate is of [`AUTHORITY`], as its own is.
    pub fn before(server: Ipv4Addr, name: &str) -> Middle {
        let (folder, address) = (folder("middle"), free_address(&[636]));
        let certs = AUTHORITY.issue(folder.path(), name, address, Validity::Now);
        let certificate = |file: &Path| CertificateDer::from_pem_file(file).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&certs.ca)).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let shown = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate(&certs.cert)],
                PrivateKeyDer::from_pem_file(&certs.key).unwrap(),
            )
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (acceptor, connector) =
            (TlsAcceptor::from(Arc::new(shown)), TlsConnector::from(Arc::new(client)));
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind((address, 636))).unwrap();
        runtime.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, connector) = (acceptor.clone(), connector.clone());
                tokio::spawn(async move {
                    let mut ours = acceptor.accept(tcp).await?;
                    let name = ServerName::IpAddress(IpAddr::V4(server.into()));
                    let mut theirs =
                        connector.connect(name, TcpStream::connect((server, 636)).await?).await?;
                    copy_bidirectional(&mut ours, &mut theirs).await
                });
            }
        });
        Middle { address, _runtime: runtime, _folder: folder }
    }

    /// `ldaps://` and its address.
    pub fn ldaps_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }
}
