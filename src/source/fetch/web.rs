//! A real HTTPS server on this machine, for tests.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::Location;
use crate::source::calendar::CalendarSource;
use crate::tls::TlsTrust;
use crate::tls::pki::Authority;

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
    let modified = more.iter().find(|(name, _)| *name == "last-modified").map(|(_, value)| value);
    if modified.is_some()
        && headers.get("if-modified-since").and_then(|v| v.to_str().ok()) == modified.map(String::as_str)
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
pub(crate) struct Server {
    web: Web,
    address: SocketAddr,
    ca: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) async fn start() -> Server {
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

    pub(crate) fn says(&self, path: &str, status: u16, headers: &[(&'static str, &str)], body: &[u8]) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.web.answers.lock().unwrap().insert(path.into(), (status, headers, body.to_vec()));
    }

    /// What it was asked, request by request.
    pub(crate) fn asked(&self) -> Vec<HeaderMap> {
        self.web.asked.lock().unwrap().clone()
    }

    pub(crate) fn trust(&self) -> TlsTrust {
        TlsTrust::CaFile(self.ca.clone())
    }

    /// A calendar there.
    pub(crate) fn calendar(&self, location: Location) -> CalendarSource {
        CalendarSource { location, tls: self.trust(), timeout: Duration::from_secs(20) }
    }

    pub(crate) fn at(&self, path: &str) -> Location {
        Location::Url(format!("https://localhost:{}{path}", self.address.port()).parse().unwrap())
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
