//! Gets one file, whole or not at all: at most so large, within its time, from no other host.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, redirect};
use tokio::io::AsyncReadExt;

use super::{ListError, Location};
use crate::domain::lists::{LARGEST, TakenList};
use crate::tls::{self, TlsTrust};

/// How long a server may take to be connected to.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// So often a server may send us on, within itself.
const REDIRECTS: usize = 3;

/// A file.
#[derive(Default)]
pub(super) struct File {
    pub bytes: Vec<u8>,
    pub etag: Option<Box<str>>,
    pub modified: Option<Box<str>>,
}

pub(super) struct Client {
    http: reqwest::Client,
}

impl Client {
    pub fn new(trust: &TlsTrust, timeout: Duration) -> Result<Client, ListError> {
        let config = tls::client_config(trust)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .https_only(true)
            .redirect(Policy::custom(within_the_host))
            .connect_timeout(CONNECT_WITHIN)
            .timeout(timeout)
            .user_agent(concat!("budkavle/", env!("CARGO_PKG_VERSION")))
            .build();
        let http = http.map_err(|e| tls::TlsError::Setup(words(&e)))?;
        Ok(Client { http })
    }

    /// None: it is still what was `taken`.
    pub async fn get(
        &self,
        location: &Location,
        taken: Option<&TakenList>,
    ) -> Result<Option<File>, ListError> {
        let url = match location {
            Location::Url(url) => url.clone(),
            Location::File(path) => {
                let unreadable = |cause| ListError::Unreadable { location: location.to_string(), cause };
                let metadata = tokio::fs::metadata(path).await.map_err(unreadable)?;
                if !metadata.is_file() {
                    return Err(unreadable(std::io::Error::other("it is no file")));
                }
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                let mut bytes = Vec::new();
                let most = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
                file.take(most).read_to_end(&mut bytes).await.map_err(unreadable)?;
                let too_large = bytes.len() > LARGEST;
                let file = File { bytes, ..File::default() };
                return if too_large {
                    Err(ListError::TooLarge(location.to_string()))
                } else {
                    Ok(Some(file))
                };
            }
        };
        let unreachable =
            |e: reqwest::Error| ListError::Unreachable { location: location.to_string(), cause: words(&e) };
        let mut request = self.http.get(url);
        if let Some(taken) = taken {
            for (name, value) in [(IF_NONE_MATCH, &taken.etag), (IF_MODIFIED_SINCE, &taken.modified)] {
                if let Some(value) = value {
                    request = request.header(name, &**value);
                }
            }
        }
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() == StatusCode::NOT_MODIFIED && taken.is_some() {
            return Ok(None);
        }
        // 206 would be a part, and 204 nothing.
        if response.status() != StatusCode::OK {
            let status = response.status().to_string();
            return Err(ListError::Refused { location: location.to_string(), status });
        }
        let too_large = || ListError::TooLarge(location.to_string());
        if response.content_length().is_some_and(|n| usize::try_from(n).unwrap_or(usize::MAX) > LARGEST) {
            return Err(too_large());
        }
        let (etag, modified) =
            (header(response.headers(), &ETAG), header(response.headers(), &LAST_MODIFIED));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
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

/// What went wrong, in words that help.
fn words(error: &reqwest::Error) -> String {
    if let Some(tls) = tls::explain(error) {
        return tls;
    }
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
