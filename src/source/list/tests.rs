use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::domain::lists::Listing;
use crate::tls::pki::Authority;

// Made by `minisign -S` with a key of its own: the public key, the file's bytes and the signature are those of the crate's tests.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const SIGNED: &[u8] = b"test";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";

/// A status, headers and a body.
type Canned = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// What the server answers to each path, and what it was asked.
#[derive(Clone, Default)]
struct Web {
    answers: Arc<Mutex<HashMap<String, Canned>>>,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
}

fn answer(web: &Web, path: &str, headers: &HeaderMap) -> Response {
    web.asked.lock().unwrap().push(headers.clone());
    let answers = web.answers.lock().unwrap();
    let Some((status, more, body)) = answers.get(path) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = more.iter().find(|(name, _)| *name == "etag").map(|(_, value)| value);
    if etag.is_some()
        && headers.get("if-none-match").and_then(|v| v.to_str().ok()) == etag.map(String::as_str)
    {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut response = (StatusCode::from_u16(*status).unwrap(), body.clone()).into_response();
    for (name, value) in more {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

/// An HTTPS server on this machine.
struct Server {
    web: Web,
    address: SocketAddr,
    ca: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Server {
        let authority = Authority::new("lists");
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        let acceptor = TlsAcceptor::from(authority.issue("localhost").server());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let web = Web::default();
        let answering = web.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, web) = (acceptor.clone(), answering.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    serve(stream, web).await;
                });
            }
        });
        Server { web, address, ca, _folder: folder }
    }

    fn says(&self, path: &str, status: u16, headers: &[(&'static str, &str)], body: &[u8]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.web.answers.lock().unwrap().insert(path.into(), (status, headers, body.to_vec()));
    }

    fn at(&self, path: &str) -> Location {
        Location::Url(format!("https://localhost:{}{path}", self.address.port()).parse().unwrap())
    }

    fn source(&self, proof: Proof) -> ListSource {
        let tls = TlsTrust::CaFile(self.ca.clone());
        ListSource { location: self.at("/list"), proof, tls, timeout: Duration::from_secs(20) }
    }
}

/// One request after the other, by hand: HTTP/1.1 with a length is all it takes.
async fn serve(mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, web: Web) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.insert(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let response = answer(&web, &path, &headers);
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut answer = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", parts.status.as_u16());
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "content-length") {
        answer += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    if parts.status != StatusCode::NOT_MODIFIED {
        answer += &format!("content-length: {}\r\n", body.len());
    }
    let _ = stream.write_all((answer + "\r\n").as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}

fn taken(source: &ListSource, etag: &str) -> TakenList {
    TakenList {
        name: "vendor".into(),
        listing: Listing::default(),
        taken: chrono::DateTime::UNIX_EPOCH,
        from: "x".into(),
        sha256: [0; 32],
        terms: source.terms(),
        etag: Some(etag.into()),
        modified: None,
    }
}

async fn error(source: &ListSource) -> String {
    source.read(None).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_has_not_changed_is_not_read_again_unless_it_is_to_be_believed_by_something_else() {
    let server = Server::start().await;
    server.says("/list", 200, &[("etag", "\"1\"")], b"people = []");
    let source = server.source(Proof::Transport);
    let Fetched::New(file) = source.read(None).await.unwrap() else { panic!() };
    assert_eq!((file.bytes.as_slice(), file.etag.as_deref()), (&b"people = []"[..], Some("\"1\"")));
    assert_eq!(source.read(Some(&taken(&source, "\"1\""))).await.unwrap(), Fetched::Same);
    assert!(matches!(source.read(Some(&taken(&source, "\"0\""))).await.unwrap(), Fetched::New(_)));
    let signed = server.source(Proof::Sha256(file.sha256));
    assert!(matches!(signed.read(Some(&taken(&source, "\"1\""))).await.unwrap(), Fetched::New(_)));
    assert!(server.web.asked.lock().unwrap().last().unwrap().get("if-none-match").is_none());
}

#[tokio::test]
async fn a_checksum_is_compared_and_a_signature_verified() {
    let server = Server::start().await;
    server.says("/list", 200, &[], SIGNED);
    let right: [u8; 32] = Sha256::digest(SIGNED).into();
    assert!(server.source(Proof::Sha256(right)).read(None).await.is_ok());
    assert!(error(&server.source(Proof::Sha256([1; 32]))).await.contains("and should be 0101"));
    let sum = server.source(Proof::Sha256At(server.at("/sum")));
    assert!(error(&sum).await.contains("404"));
    server.says("/sum", 200, &[], format!("{}  list\n", hex(&right)).as_bytes());
    assert!(sum.read(None).await.is_ok());
    server.says("/sum", 200, &[], b"<html>");
    assert!(error(&sum).await.contains("holds no SHA-256"));

    let key = PublicKey::from_base64(KEY).unwrap();
    let signed = server.source(Proof::Signed { key, signature: server.at("/list.minisig") });
    server.says("/list.minisig", 200, &[], SIGNATURE.as_bytes());
    assert!(signed.read(None).await.is_ok());
    for wrong in
        [SIGNATURE.replace("file:test", "file:best"), "x".into(), "\u{0}\n\n\n".into(), String::new()]
    {
        server.says("/list.minisig", 200, &[], wrong.as_bytes());
        assert!(error(&signed).await.contains("isn't right"));
    }
    server.says("/list.minisig", 200, &[], SIGNATURE.as_bytes());
    server.says("/list", 200, &[], b"Test");
    assert!(error(&signed).await.contains("isn't right"));
}

#[tokio::test]
async fn what_is_too_large_elsewhere_or_of_an_unknown_server_is_not_read() {
    let server = Server::start().await;
    let source = server.source(Proof::Transport);
    assert!(error(&source).await.contains("the server answered 404"));
    server.says("/list", 200, &[], &vec![b' '; LARGEST + 1]);
    assert!(error(&source).await.contains("more than 1048576 bytes"));
    server.says("/moved", 200, &[], b"people = []");
    server.says("/list", 302, &[("location", "/moved")], b"");
    assert!(source.read(None).await.is_ok());
    for away in ["https://127.0.0.1:1/", "http://localhost/"] {
        server.says("/list", 302, &[("location", away)], b"");
        let error = error(&source).await;
        assert!(error.contains("another host"), "{error}");
    }
    server.says("/list", 302, &[("location", "/list")], b"");
    assert!(error(&source).await.contains("from address to address"));
    server.says("/list", 200, &[], b"people = []");
    let stranger = ListSource { tls: TlsTrust::Pinned([0; 32]), ..source.clone() };
    let error = error(&stranger).await;
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_file_is_read_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    let source = |path: PathBuf| ListSource {
        location: Location::File(path),
        proof: Proof::Sha256(Sha256::digest(b"x").into()),
        tls: TlsTrust::Pinned([0; 32]),
        timeout: Duration::from_secs(20),
    };
    assert!(error(&source(path.clone())).await.contains("can't be read"));
    std::fs::write(&path, "x").unwrap();
    assert!(source(path.clone()).read(None).await.is_ok());
    std::fs::write(&path, vec![0; LARGEST + 1]).unwrap();
    assert!(error(&source(path)).await.contains("more than"));
    assert!(error(&source(folder.path().to_owned())).await.contains("no file"));
}
