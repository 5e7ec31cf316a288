//! A web server with a certificate, which answers what it is told to, takes what is posted to it, and can be away.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::certs::{AUTHORITY, Validity};
use super::folder;

/// What there is, by path, with its `ETag`.
type Pages = Arc<Mutex<HashMap<String, (String, String)>>>;

/// Something that was posted, and what was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posted {
    /// Where to.
    pub path: String,
    /// The headers, their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: String,
    /// What was answered.
    pub status: u16,
}

impl Posted {
    /// A header that must be there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

/// What is shared with the thread that answers.
#[derive(Clone, Default)]
struct Shared {
    pages: Pages,
    /// What is answered to a post, by path.
    takes: Arc<Mutex<HashMap<String, (u16, String)>>>,
    posted: Arc<Mutex<Vec<Posted>>>,
    away: Arc<AtomicBool>,
}

/// A server that runs until the tests end, but for when it is away.
pub struct Web {
    shared: Shared,
    config: Arc<ServerConfig>,
    answering: Mutex<Option<JoinHandle<()>>>,
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
        let (shared, config, answering) = (Shared::default(), Arc::new(config), Mutex::new(None));
        let web = Self { shared, config, answering, port, ca: files.ca, _folder: folder };
        web.listen(listener);
        web
    }

    fn listen(&self, listener: TcpListener) {
        let (shared, config) = (self.shared.clone(), Arc::clone(&self.config));
        let answering = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.away.load(Ordering::Relaxed) {
                    return;
                }
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                // Whoever goes away in the middle is no concern of the next.
                let _ = answer(StreamOwned::new(connection, stream), &shared);
            }
        });
        *self.answering.lock().unwrap() = Some(answering);
    }

    /// From now on nobody listens.
    pub fn stop(&self) {
        self.shared.away.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.answering.lock().unwrap().take().unwrap().join().unwrap();
    }

    /// It is back.
    pub fn resume(&self) {
        self.shared.away.store(false, Ordering::Relaxed);
        self.listen(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).unwrap());
    }

    /// From now on posts to this path are answered so.
    pub fn takes(&self, path: &str, status: u16) {
        self.answers(path, status, "");
    }

    /// The same, with a text.
    pub fn answers(&self, path: &str, status: u16, text: &str) {
        self.shared.takes.lock().unwrap().insert(path.to_owned(), (status, text.to_owned()));
    }

    /// What was posted.
    pub fn posted(&self) -> Vec<Posted> {
        self.shared.posted.lock().unwrap().clone()
    }

    /// From now on this is there.
    pub fn says(&self, path: &str, etag: &str, text: &str) {
        self.shared.pages.lock().unwrap().insert(path.to_owned(), (etag.to_owned(), text.to_owned()));
    }

    /// From now on nothing is there.
    pub fn forgets(&self, path: &str) {
        self.shared.pages.lock().unwrap().remove(path);
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
fn answer(stream: StreamOwned<ServerConnection, TcpStream>, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, path) =
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.insert(name.to_lowercase(), value.to_owned());
        }
    }
    let answer = if method == "POST" {
        let length = headers.get("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8(body).unwrap();
        let takes = shared.takes.lock().unwrap().get(&path).cloned();
        let (status, text) = takes.unwrap_or((404, String::new()));
        shared.posted.lock().unwrap().push(Posted { path, headers, body, status });
        let length = text.len();
        format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}")
    } else {
        let page = shared.pages.lock().unwrap().get(&path).cloned();
        match page {
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            Some((etag, _)) if headers.get("if-none-match").is_some_and(|known| known.trim() == etag) => {
                "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned()
            }
            Some((etag, text)) => {
                let length = text.len();
                format!(
                    "HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
                )
            }
        }
    };
    let mut stream = reader.into_inner();
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}
