//! One request, and what its answer means. No redirects, no cookies, no other address than was asked for.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Proxy, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::Outcome;
use super::{Request, guard, shown};
use crate::tls::{self, TlsError, TlsTrust};

/// How long a server may take to be connected to.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// So much of an answer is read.
const LARGEST: usize = 64 * 1024;
/// So much of it is kept.
const KEPT: usize = 200;

/// Who we say that we are.
#[derive(Clone, Debug)]
pub enum Credential {
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic(String, SecretString),
    /// A header of the other side's choice.
    Header(String, SecretString),
}

/// How a web server is treated.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// How long an answer may take, everything included.
    pub timeout: Duration,
    /// Whether it may be on this machine or in the inner network.
    pub allow_private: bool,
    /// A proxy that all goes through; it sees to which addresses may be connected to.
    pub proxy: Option<Url>,
    /// Who we say that we are.
    pub credential: Option<Credential>,
}

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Whether addresses are judged here.
    guarded: bool,
    credential: Option<Credential>,
}

impl Client {
    pub(super) fn new(settings: WebSettings) -> Result<Client, TlsError> {
        let config = tls::client_config(&settings.trust)?;
        let guarded = !settings.allow_private && settings.proxy.is_none();
        let setup = |e: reqwest::Error| TlsError::Setup(words(&e));
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured((*config).clone())
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(settings.timeout)
            .user_agent(concat!("budkavle/", env!("CARGO_PKG_VERSION")))
            // The environment must not lead it elsewhere.
            .no_proxy();
        if let Some(proxy) = settings.proxy {
            http = http.proxy(Proxy::all(proxy).map_err(setup)?);
        }
        if guarded {
            http = http.dns_resolver(Arc::new(guard::OuterOnly));
        }
        Ok(Client { http: http.build().map_err(setup)?, guarded, credential: settings.credential })
    }

    /// Asks, and judges the answer.
    pub(super) async fn send(&self, request: Request, now: DateTime<Utc>) -> Outcome {
        let server = shown(&request.url);
        match self.ask(request).await {
            Ok(response) => answered(&server, response, now).await,
            Err(outcome) => outcome,
        }
    }

    /// Connects and asks for nothing in particular: the status of the answer.
    pub(super) async fn probe(&self, url: &Url) -> Result<String, String> {
        let mut root = url.clone();
        root.set_path("/");
        root.set_query(None);
        let request =
            Request { method: reqwest::Method::HEAD, url: root, headers: HeaderMap::new(), body: Vec::new() };
        // Whoever we are is told only with a message.
        match self.ask_as(request, None).await {
            Ok(response) => Ok(response.status().to_string()),
            Err(
                Outcome::Deferred { reason, .. }
                | Outcome::ChannelBroken { reason }
                | Outcome::Refused { answer: reason, .. }
                | Outcome::RefusesUs { answer: reason, .. },
            ) => Err(reason),
            Err(Outcome::Accepted { answer }) => Ok(answer),
        }
    }

    /// Asks, and leaves the answer to whoever asked.
    pub(super) async fn ask(&self, request: Request) -> Result<Response, Outcome> {
        self.ask_as(request, self.credential.as_ref()).await
    }

    async fn ask_as(&self, request: Request, credential: Option<&Credential>) -> Result<Response, Outcome> {
        let Request { method, url, headers, body } = request;
        let server = shown(&url);
        if self.guarded
            && let Err(inner) = guard::judge(&url)
        {
            return Err(Outcome::ChannelBroken { reason: inner.to_string() });
        }
        let mut asked = self.http.request(method, url).headers(headers).body(body);
        asked = match credential {
            None => asked,
            Some(Credential::Bearer(token)) => asked.bearer_auth(token.expose_secret()),
            Some(Credential::Basic(user, password)) => asked.basic_auth(user, Some(password.expose_secret())),
            Some(Credential::Header(name, value)) => {
                let name = HeaderName::from_bytes(name.as_bytes());
                let value = HeaderValue::from_str(value.expose_secret());
                let (Ok(name), Ok(mut value)) = (name, value) else {
                    let reason = "the header with the token can't be sent: the token has a character that can't be in a header";
                    return Err(Outcome::ChannelBroken { reason: reason.to_owned() });
                };
                value.set_sensitive(true);
                asked.header(name, value)
            }
        };
        asked.send().await.map_err(|error| failed(&server, &error))
    }
}

/// What it means that there is no answer.
fn failed(server: &str, error: &reqwest::Error) -> Outcome {
    let reason = format!("{server} didn't answer: {}", words(error));
    if guard::find(error).is_some() || tls::explain(error).is_some() {
        return Outcome::ChannelBroken { reason };
    }
    // Once connected, the request may have been taken, and only its answer be lost.
    let perhaps_sent = !error.is_connect();
    // Where it is silent at one message it may answer others.
    Outcome::Deferred { reason, perhaps_sent, whole: error.is_connect(), retry_after: None }
}

/// What an answer means.
pub(super) async fn answered(server: &str, response: Response, now: DateTime<Utc>) -> Outcome {
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| wait(value, now));
    let said = beginning(response).await;
    let answer = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
    let reason = || format!("{server} answered {answer}");
    match status {
        _ if status.is_success() => Outcome::Accepted { answer },
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Outcome::Deferred { reason: reason(), perhaps_sent: false, whole: true, retry_after }
        }
        // A gateway that waited in vain doesn't know, either.
        _ if status.is_server_error() => {
            let perhaps_sent = status == StatusCode::GATEWAY_TIMEOUT;
            // Who says until when means everybody; else it may be this message that it stumbles over.
            let whole = retry_after.is_some();
            Outcome::Deferred { reason: reason(), perhaps_sent, whole, retry_after }
        }
        _ if status.is_redirection() => Outcome::ChannelBroken {
            reason: format!("{}; nobody is followed elsewhere: name the new address", reason()),
        },
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::GONE => Outcome::ChannelBroken { reason: reason() },
        _ => Outcome::Refused { answer, recipient: false },
    }
}

/// How long the server wants to be left alone (RFC 9110 §10.2.3): seconds, or a date.
fn wait(value: &HeaderValue, now: DateTime<Utc>) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().ok()
}

/// The first words of an answer. It is read no further than [`LARGEST`]; how it ends doesn't matter any more.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < LARGEST
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(LARGEST);
    let text = String::from_utf8_lossy(&bytes);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    super::super::post::clip(&line, KEPT)
}

/// What went wrong, in words that help. The URL isn't among them: it may be a secret.
pub(super) fn words(error: &reqwest::Error) -> String {
    guard::find(error).map_or_else(|| tls::explain_request(error), ToString::to_string)
}
