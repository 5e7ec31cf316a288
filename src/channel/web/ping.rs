//! A sign of life to a dead-man's switch: a service that tells somebody when it comes no more.

use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::client::{Client, WebSettings};
use super::reach::{Reached, reach};
use super::{Request, shown};
use crate::channel::Outcome;
use crate::tls::TlsError;

/// How it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PingMethod {
    /// By looking.
    Get,
    /// By sending nothing.
    Post,
}

/// An address that wants a sign of life.
#[derive(Debug)]
pub struct Ping {
    client: Client,
    url: Url,
    method: PingMethod,
    settings: WebSettings,
}

impl Ping {
    /// Signs of life to `url`.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(url: Url, method: PingMethod, settings: WebSettings) -> Result<Ping, TlsError> {
        Ok(Ping { client: Client::new(settings.clone())?, url, method, settings })
    }

    /// Connects to whoever gets them and says nothing: that is no sign, whatever counts as one there.
    ///
    /// # Errors
    /// Why they can't be reached, in words.
    pub async fn reach(&self) -> Result<Reached, String> {
        reach(&self.url, &self.settings).await
    }

    /// Gives one, once.
    ///
    /// # Errors
    /// Why it wasn't taken, in words. What of the address may be a secret isn't among them.
    pub async fn give(&self, now: DateTime<Utc>) -> Result<(), String> {
        let method = match self.method {
            PingMethod::Get => Method::GET,
            PingMethod::Post => Method::POST,
        };
        let (url, headers) = (self.url.clone(), HeaderMap::new());
        match self.client.send(Request { method, url, headers, body: Vec::new() }, now).await {
            Outcome::Accepted { .. } => Ok(()),
            Outcome::Deferred { reason, .. } | Outcome::ChannelBroken { reason } => Err(reason),
            Outcome::Refused { answer, .. } | Outcome::RefusesUs { answer, .. } => {
                Err(format!("{} answered {answer}", shown(&self.url)))
            }
        }
    }
}

#[cfg(test)]
impl Ping {
    /// Signs of life to this machine.
    pub(crate) fn inside(url: &str, method: PingMethod) -> Ping {
        let settings = WebSettings {
            trust: crate::tls::TlsTrust::SystemRoots,
            timeout: std::time::Duration::from_secs(20),
            allow_private: true,
            proxy: None,
            credential: None,
        };
        Ping::new(url.parse().unwrap(), method, settings).unwrap()
    }
}
