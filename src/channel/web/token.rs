//! Access tokens by client credentials (RFC 6749 §4.4), kept until shortly before they end.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::super::Outcome;
use super::client::{Client, WebSettings};
use super::{Request, shown};
use crate::runtime::clock::Clock;
use crate::tls::TlsError;

/// A token isn't used any more so long before it ends.
const EARLY: Duration = Duration::from_secs(60);
/// How long a token lives when the server doesn't say (RFC 6749 §5.1 only recommends that it does).
const USUAL: u64 = 300;
/// No token is longer.
const LARGEST: usize = 64 * 1024;

/// Where tokens are from, and for whom.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The token endpoint.
    pub url: Url,
    /// Who we are there.
    pub client_id: String,
    /// The proof of it.
    pub client_secret: SecretString,
    /// What the token is to be good for.
    pub scope: String,
}

/// Tokens of one client for one thing.
#[derive(Debug)]
pub struct Tokens {
    client: Client,
    settings: TokenSettings,
    held: Mutex<Option<(SecretString, Instant)>>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The server isn't there, or can't now.
    #[error("no access token: {0}")]
    NotNow(String),
    /// The server refuses us.
    #[error(
        "no access token: {0}; check client_id, client_secret_file, scope and the permissions of the application"
    )]
    Refused(String),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Seconds>,
}

/// A number, which some servers write as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl Seconds {
    fn value(&self) -> Option<u64> {
        match self {
            Seconds::Number(seconds) => Some(*seconds),
            Seconds::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// A token, and whether it has just been granted.
struct Token {
    secret: SecretString,
    is_fresh: bool,
}

/// What the other side thinks of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Opinion {
    /// Nothing against it.
    Good,
    /// It may be the reason why it failed: the next try has another one.
    Doubtful,
    /// It refuses it.
    Refused,
}

/// One try with the current token, and once more with a fresh one when the other side refuses it: it may have been taken back before its time.
/// Of a fresh one it can't be that.
pub(in super::super) struct Tries<'t> {
    tokens: &'t Tokens,
    token: Option<Token>,
    is_second: bool,
}

impl Tries<'_> {
    /// The token for this try.
    pub(in super::super) async fn token(&mut self) -> Result<SecretString, TokenError> {
        let token = self.token.insert(self.tokens.current().await?);
        Ok(token.secret.clone())
    }

    /// Whether to try it once more, after what the other side thinks of the token.
    pub(in super::super) async fn once_more(&mut self, opinion: Opinion) -> bool {
        let Some(token) = self.token.take().filter(|_| opinion != Opinion::Good) else { return false };
        self.tokens.forget(&token.secret).await;
        let once_more = opinion == Opinion::Refused && !token.is_fresh && !self.is_second;
        self.is_second = true;
        once_more
    }
}

#[derive(Deserialize)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    /// Tokens from there. None is asked for yet. The credential of `web` isn't used.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(settings: TokenSettings, web: WebSettings) -> Result<Tokens, TlsError> {
        let client = Client::new(WebSettings { credential: None, ..web })?;
        Ok(Tokens { client, settings, held: Mutex::new(None) })
    }

    /// A token that is good for a while yet.
    ///
    /// # Errors
    /// When the server gives none.
    pub async fn token(&self) -> Result<SecretString, TokenError> {
        self.current().await.map(|token| token.secret)
    }

    /// The tries of something that needs a token: see [`Tries`].
    pub(in super::super) fn tries(&self) -> Tries<'_> {
        Tries { tokens: self, token: None, is_second: false }
    }

    async fn current(&self) -> Result<Token, TokenError> {
        // Whoever comes meanwhile waits for the same answer.
        let mut held = self.held.lock().await;
        if let Some((token, until)) = held.as_ref()
            && Clock::System.monotonic() < *until
        {
            return Ok(Token { secret: token.clone(), is_fresh: false });
        }
        let asked = Clock::System.monotonic();
        let Granted { access_token, expires_in } = self.ask().await?;
        let token = SecretString::from(access_token);
        let lives = expires_in.and_then(|seconds| seconds.value()).unwrap_or(USUAL);
        let lives = Duration::from_secs(lives).saturating_sub(EARLY);
        *held = asked.checked_add(lives).map(|until| (token.clone(), until));
        Ok(Token { secret: token, is_fresh: true })
    }

    /// The other side didn't want this token: the next one is a new one.
    async fn forget(&self, unwanted: &SecretString) {
        let mut held = self.held.lock().await;
        // Another one may be there already.
        if held.as_ref().is_some_and(|(token, _)| token.expose_secret() == unwanted.expose_secret()) {
            *held = None;
        }
    }

    async fn ask(&self) -> Result<Granted, TokenError> {
        let TokenSettings { url, client_id, client_secret, scope } = &self.settings;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair("client_secret", client_secret.expose_secret())
            .append_pair("scope", scope)
            .finish();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers: HeaderMap = [(CONTENT_TYPE, form)].into_iter().collect();
        let request = Request { method: Method::POST, url: url.clone(), headers, body: body.into_bytes() };
        let mut response = self.client.ask(request).await.map_err(|outcome| match outcome {
            Outcome::ChannelBroken { reason }
            | Outcome::Refused { answer: reason, .. }
            | Outcome::RefusesUs { answer: reason, .. } => TokenError::Refused(reason),
            Outcome::Deferred { reason, .. } => TokenError::NotNow(reason),
            Outcome::Accepted { answer } => TokenError::NotNow(answer),
        })?;
        let (server, status) = (shown(url), response.status());
        let broken = |_| TokenError::NotNow(format!("the answer of {server} broke off"));
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > LARGEST {
                return Err(TokenError::NotNow(format!("{server} answered without end")));
            }
        }
        if status.is_success() {
            let unreadable = |_| TokenError::NotNow(format!("{server} answered {status}, but with no token"));
            return serde_json::from_slice(&answer).map_err(unreadable);
        }
        let said = serde_json::from_slice(&answer).map_or_else(
            |_| status.to_string(),
            |Denied { error, error_description }| {
                let first = error_description.lines().next().unwrap_or_default();
                super::super::post::clip(&format!("{status}: {error} {first}"), 300)
            },
        );
        let said = format!("{server} answered {said}");
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            Err(TokenError::NotNow(said))
        } else {
            Err(TokenError::Refused(said))
        }
    }
}
