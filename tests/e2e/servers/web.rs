//! A web server with a certificate, which answers what it is told to.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::certs::{AUTHORITY, Validity};
use super::folder;

/// What there is, by path, with its `ETag`.
type Pages = Arc<Mutex<HashMap<String, (String, String)>>>;

/// A server that runs until the tests end.
pub struct Web {
    pages: Pages,
    port: u16,
    ca: PathBuf,
    _folder: TempDir,
}

impl Web {
    /// With nothing on it.
    pub fn start() -> Self {
        let folder = folder("web");
        let files = AUTHORITY.issue(folder.path(), "web", Ipv4Addr::LOCALHOST, Validity::Now);
        let chain = CertificateDer::pem_file_iter(&files.cert).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (pages, config) = (Pages::default(), Arc::new(config));
        let shown = Arc::clone(&pages);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                // Whoever goes away in the middle is no concern of the next.
                let _ = answer(StreamOwned::new(connection, stream), &shown);
            }
        });
        Self { pages, port, ca: files.ca, _folder: folder }
    }

    /// From now on this is there.
    pub fn says(&self, path: &str, etag: &str, text: &str) {
        self.pages.lock().unwrap().insert(path.to_owned(), (etag.to_owned(), text.to_owned()));
    }

    /// From now on nothing is there.
    pub fn forgets(&self, path: &str) {
        self.pages.lock().unwrap().remove(path);
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    /// Who signed its certificate.
    pub fn ca_file(&self) -> &Path {
        &self.ca
    }
}

/// One request, one answer.
fn answer(stream: StreamOwned<ServerConnection, std::net::TcpStream>, pages: &Pages) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut path, mut known) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        if let Some(etag) = line.to_lowercase().strip_prefix("if-none-match: ") {
            known = etag.trim().to_owned();
        }
    }
    let page = pages.lock().unwrap().get(&path).cloned();
    let answer = match page {
        None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        Some((etag, _)) if etag == known => {
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned()
        }
        Some((etag, text)) => {
            let length = text.len();
            format!(
                "HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
            )
        }
    };
    let mut stream = reader.into_inner();
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}
