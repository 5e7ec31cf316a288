//! Gets one file from a disk or by HTTPS, whole or not at all: at most so large, within its time, from no other host.

#[cfg(test)]
pub(crate) mod web;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, redirect};
use tokio::io::AsyncReadExt;
use url::Url;

use crate::tls::{self, TlsError, TlsTrust};

/// How long a server may take to be connected to.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// So often a server may send us on, within itself.
const REDIRECTS: usize = 3;

/// Where a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Location {
    /// On a disk.
    File(PathBuf),
    /// At an `https` address.
    Url(Url),
    /// At an `https` address whose path is a secret, as that of a published calendar: only its server is shown.
    Hidden(Url),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::File(path) => write!(f, "{}", path.display()),
            Location::Url(url) => {
                // What stands behind the `?` may be a secret.
                let mut shown = url.clone();
                shown.set_query(url.query().map(|_| "…"));
                write!(f, "{shown}")
            }
            Location::Hidden(url) => write!(f, "{}://{}/…", url.scheme(), url.host_str().unwrap_or_default()),
        }
    }
}

/// What a server said of the file when it was read last.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The server's `ETag`.
    pub etag: Option<&'a str>,
    /// The server's `Last-Modified`.
    pub modified: Option<&'a str>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file on a disk.
    #[error("{location} can't be read: {cause}")]
    Unreadable {
        /// Which.
        location: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file that is too large.
    #[error("{0} has more than {1} bytes, and isn't read to its end")]
    TooLarge(String, usize),
    /// No answer.
    #[error("{location} can't be fetched: {cause}")]
    Unreachable {
        /// Which.
        location: String,
        /// What happened.
        cause: String,
    },
    /// Another answer.
    #[error("{location} can't be fetched: the server answered {status}")]
    Refused {
        /// Which.
        location: String,
        /// The status.
        status: String,
    },
    /// TLS can't be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A file.
#[derive(Default)]
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The server's `ETag`.
    pub etag: Option<Box<str>>,
    /// The server's `Last-Modified`.
    pub modified: Option<Box<str>>,
}

pub(super) struct Client {
    http: reqwest::Client,
}

impl Client {
    pub fn new(trust: &TlsTrust, timeout: Duration) -> Result<Client, FetchError> {
        let config = tls::client_config(trust)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .https_only(true)
            .redirect(Policy::custom(within_the_host))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(timeout)
            .user_agent(concat!("budkavle/", env!("CARGO_PKG_VERSION")))
            .build();
        let http = http.map_err(|e| TlsError::Setup(tls::explain_request(&e)))?;
        Ok(Client { http })
    }

    /// None: it is still what is `known`.
    pub async fn get(
        &self,
        location: &Location,
        known: Option<Known<'_>>,
        largest: usize,
    ) -> Result<Option<File>, FetchError> {
        let url = match location {
            Location::Url(url) | Location::Hidden(url) => url.clone(),
            Location::File(path) => {
                let unreadable = |cause| FetchError::Unreadable { location: location.to_string(), cause };
                let metadata = tokio::fs::metadata(path).await.map_err(unreadable)?;
                if !metadata.is_file() {
                    return Err(unreadable(std::io::Error::other("it is no file")));
                }
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                let mut bytes = Vec::new();
                let most = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
                file.take(most).read_to_end(&mut bytes).await.map_err(unreadable)?;
                let too_large = bytes.len() > largest;
                let file = File { bytes, ..File::default() };
                return if too_large {
                    Err(FetchError::TooLarge(location.to_string(), largest))
                } else {
                    Ok(Some(file))
                };
            }
        };
        let unreachable = |e: reqwest::Error| FetchError::Unreachable {
            location: location.to_string(),
            cause: tls::explain_request(&e),
        };
        let mut request = self.http.get(url);
        if let Some(known) = known {
            for (name, value) in [(IF_NONE_MATCH, known.etag), (IF_MODIFIED_SINCE, known.modified)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
        }
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok(None);
        }
        // 206 would be a part, and 204 nothing.
        if response.status() != StatusCode::OK {
            let status = response.status().to_string();
            return Err(FetchError::Refused { location: location.to_string(), status });
        }
        let too_large = || FetchError::TooLarge(location.to_string(), largest);
        if response.content_length().is_some_and(|n| usize::try_from(n).unwrap_or(usize::MAX) > largest) {
            return Err(too_large());
        }
        let (etag, modified) =
            (header(response.headers(), &ETAG), header(response.headers(), &LAST_MODIFIED));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > largest {
                return Err(too_large());
            }
        }
        Ok(Some(File { bytes, etag, modified }))
    }
}

/// A header that is worth keeping.
fn header(headers: &HeaderMap, name: &HeaderName) -> Option<Box<str>> {
    headers.get(name)?.to_str().ok().filter(|value| value.len() <= 200).map(Box::from)
}

/// Another host may be anybody's.
fn within_the_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first();
    let same = first.is_some_and(|first| {
        (first.host_str(), first.port_or_known_default())
            == (attempt.url().host_str(), attempt.url().port_or_known_default())
    });
    if !same {
        attempt.error("it sends to another host, where nobody is believed; name that address instead")
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("it sends from address to address")
    } else {
        attempt.follow()
    }
}
