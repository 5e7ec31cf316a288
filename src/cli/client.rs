//! Talks to the daemon over its socket.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono_tz::Tz;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::exit::{Exit, Trouble};
use super::print::visible;
use crate::http::error::ErrorBody;
use crate::http::nodes::AS_OF;
use crate::http::whoami::{self, WhoAmI};

/// A client of the running daemon.
pub struct Client {
    http: reqwest::Client,
    socket: PathBuf,
    /// Whether it was said that what is answered is old.
    aged: AtomicBool,
}

/// Where the daemon listens when nothing says otherwise.
const DEFAULT_SOCKET: &str = "/run/budkavle/budkavle.sock";

impl Client {
    /// A client for `socket`, else for the one that the configuration names, else for the usual one.
    pub fn new(socket: Option<PathBuf>, config: &Path) -> Result<Client, Trouble> {
        let socket = socket.or_else(|| socket_in(config)).unwrap_or_else(|| PathBuf::from(DEFAULT_SOCKET));
        // No TLS is spoken on the socket, but no client is made without somebody who could. An error says that one is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().unix_socket(socket.clone()).no_proxy().build();
        let http = http.map_err(|e| Trouble::failed(format!("no HTTP client can be made: {e}")))?;
        Ok(Client { http, socket, aged: AtomicBool::new(false) })
    }

    /// GET, with a query.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, Option<String>)],
    ) -> Result<T, Trouble> {
        let query: Vec<(&str, &String)> = query.iter().filter_map(|(k, v)| Some((*k, v.as_ref()?))).collect();
        self.read(self.request(Method::GET, path).query(&query)).await
    }

    /// Where the organisation's clocks are.
    pub async fn zone(&self) -> Result<Tz, Trouble> {
        // Everybody may ask that: what somebody may not do is refused by what they do.
        Ok(self.get::<WhoAmI>(whoami::PATH, &[]).await?.zone)
    }

    /// POST, with a body.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        self.read(self.request(Method::POST, path).json(body)).await
    }

    /// POST of bytes as they are.
    pub async fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<T, Trouble> {
        self.read(self.request(Method::POST, path).query(query).body(body)).await
    }

    /// GET, and the answer as bytes.
    pub async fn get_bytes(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, Trouble> {
        let response = self.send(self.request(Method::GET, path).query(query)).await?;
        Ok(response.bytes().await.map_err(|e| self.broken(&e))?.to_vec())
    }

    /// PATCH, with a body.
    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Trouble> {
        self.read(self.request(Method::PATCH, path).json(body)).await
    }

    /// DELETE, with the reason.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str, why: Option<&str>) -> Result<T, Trouble> {
        let query: Vec<(&str, &str)> = why.map(|w| ("why", w)).into_iter().collect();
        self.read(self.request(Method::DELETE, path).query(&query)).await
    }

    /// POST, and then one value for each line of the answer, as they come.
    pub async fn post_lines<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        mut each: impl FnMut(T),
    ) -> Result<(), Trouble> {
        let mut response = self.send(self.request(Method::POST, path).json(body)).await?;
        let mut waiting: Vec<u8> = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.broken(&e))? {
            // What was searched before has no end of a line in it: a first sync is one line of many MB.
            let mut from = waiting.len();
            waiting.extend_from_slice(&chunk);
            while let Some(end) = waiting.get(from..).and_then(|new| new.iter().position(|b| *b == b'\n')) {
                let line: Vec<u8> = waiting.drain(..=from + end).collect();
                from = 0;
                let value = serde_json::from_slice(&line);
                each(value.map_err(|e| {
                    Trouble::failed(format!(
                        "the daemon's answer isn't understood ({e}); is it of another version?"
                    ))
                })?);
            }
        }
        if waiting.is_empty() {
            Ok(())
        } else {
            Err(Trouble::failed("the daemon's answer was cut short; `budkavle status` shows how it is"))
        }
    }

    /// POST, and the raw answer.
    pub async fn post_raw(&self, path: &str) -> Result<Response, Trouble> {
        self.send(self.request(Method::POST, path)).await
    }

    /// What to say of an answer that broke off.
    pub fn broken(&self, error: &reqwest::Error) -> Trouble {
        Trouble::failed(format!("the connection to the daemon broke: {}", deepest(error)))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        // The host's name is never looked up: everything goes to the socket.
        self.http.request(method, format!("http://budkavle{path}"))
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        let response = self.send(request).await?;
        response.json().await.map_err(|e| {
            Trouble::failed(format!(
                "the daemon's answer isn't understood ({}); is it of another version?",
                deepest(&e)
            ))
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        if status.is_success() {
            self.tell_age(&response);
            return Ok(response);
        }
        let text = match response.json::<ErrorBody>().await {
            Ok(body) => body.error,
            Err(_) => format!("the daemon answered {status}"),
        };
        // A request that makes no sense is the caller's to mend.
        let exit = if status == 400 || status == 422 { Exit::Usage } else { Exit::Failed };
        Err(Trouble { exit, text })
    }

    /// Says once on stderr how old answers are, when the daemon is without its database.
    fn tell_age(&self, response: &Response) {
        let as_of = response.headers().get(AS_OF).and_then(|seen| seen.to_str().ok());
        if let Some(seen) = as_of.filter(|_| !self.aged.swap(true, Ordering::Relaxed)) {
            let note =
                format!("budkavle: the database is away; this is what the daemon knew at {}", visible(seen));
            let _ = writeln!(std::io::stderr().lock(), "{note}");
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let socket = self.socket.display();
        match io_kind(error) {
            Some(ErrorKind::PermissionDenied) => Trouble::failed(format!(
                "you may not use the daemon's socket {socket}; [api] in the configuration names who may, and its group must be yours"
            )),
            Some(ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Trouble {
                exit: Exit::NotRunning,
                text: format!(
                    "the daemon isn't running: nobody listens on {socket}. Start it with `systemctl start budkavle`, or name its socket with --socket"
                ),
            },
            _ => self.broken(error),
        }
    }
}

/// A part of a path, escaped.
pub fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~@".contains(&b);
    let escaped =
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") });
    let escaped: String = escaped.collect();
    // `.` and `..` are steps in a path, and no names.
    if escaped.chars().all(|c| c == '.') { escaped.replace('.', "%2E") } else { escaped }
}

/// The socket that a configuration names, when it can be read: not everybody who may ask may read it.
fn socket_in(config: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(config).ok()?;
    let document: toml_edit::DocumentMut = text.parse().ok()?;
    let socket = document.get("api")?.get("socket")?.as_str()?;
    // As in every file, a relative path starts at the folder of the file that names it.
    Some(config.parent()?.join(socket))
}

fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_socket_lies_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("budkavle.toml");
        for (named, found) in
            [("run/socket", folder.path().join("run/socket")), ("/a/b", PathBuf::from("/a/b"))]
        {
            std::fs::write(&config, format!("[api]\nsocket = \"{named}\"\n")).unwrap();
            assert_eq!(socket_in(&config), Some(found));
        }
        std::fs::write(&config, "[api]\n").unwrap();
        assert_eq!(socket_in(&config), None);
    }
}
