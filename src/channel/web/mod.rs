//! To a web server by HTTP: a webhook, a team's channel, ntfy, an SMS gateway.

mod chat;
mod client;
mod graph;
mod guard;
mod ntfy;
mod ping;
mod reach;
mod sms;
#[cfg(test)]
pub(super) mod tests;
mod token;
mod webhook;

pub use client::{Credential, WebSettings};
pub use graph::GraphChannel;
pub use ping::{Ping, PingMethod};
pub use reach::Reached;
pub use sms::{SmsSettings, TemplateError};
pub(super) use token::Opinion;
pub use token::{TokenError, TokenSettings, Tokens};

use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use url::Url;

use self::client::Client;
use super::post::Post;
use super::{Outcome, ProbeError, ProbeReport};
use crate::tls::TlsError;

/// What a web server is sent.
#[derive(Debug)]
pub enum Form {
    /// The post as it is, signed if there is a secret.
    Webhook {
        /// By which the other side knows that it is from us.
        secret: Option<SecretString>,
    },
    /// An adaptive card for a workflow of Microsoft Teams.
    Teams,
    /// An incoming webhook of Slack.
    Slack,
    /// An incoming webhook of Mattermost.
    Mattermost,
    /// A topic of ntfy.
    Ntfy {
        /// Its name.
        topic: String,
    },
    /// A text message, by an operator's template.
    Sms(Box<sms::Sms>),
}

/// What is asked of the server.
struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A web server that takes notices.
#[derive(Debug)]
pub struct WebChannel {
    client: Client,
    url: Url,
    form: Form,
}

impl WebChannel {
    /// A channel to `url`, which for text messages is the address before anything is filled in.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(url: Url, form: Form, settings: WebSettings) -> Result<WebChannel, TlsError> {
        Ok(WebChannel { client: Client::new(settings)?, url, form })
    }

    /// A channel that sends text messages by a template.
    ///
    /// # Errors
    /// When the template or TLS can't be used.
    pub fn sms(sms: SmsSettings, settings: WebSettings) -> Result<WebChannel, TemplateError> {
        let sms = sms::Sms::new(sms)?;
        let url = sms.sample()?;
        Ok(WebChannel { client: Client::new(settings)?, url, form: Form::Sms(Box::new(sms)) })
    }

    pub(super) async fn send(&self, post: &Post, now: DateTime<Utc>) -> Outcome {
        match self.request(post, now) {
            Ok(request) => self.client.send(request, now).await,
            Err(why) => Outcome::Refused { answer: why, recipient: false },
        }
    }

    pub(super) async fn probe(&self) -> Result<ProbeReport, ProbeError> {
        let answered = self.client.probe(&self.url).await.map_err(ProbeError::Web)?;
        Ok(ProbeReport::Web { server: shown(&self.url), answered })
    }

    fn request(&self, post: &Post, now: DateTime<Utc>) -> Result<Request, String> {
        let id = HeaderValue::from_str(&post.id).map_err(|e| e.to_string())?;
        let mut request = match &self.form {
            Form::Webhook { secret } => webhook::request(post, secret.as_ref(), now)?,
            Form::Teams => json(&chat::teams(post)),
            Form::Slack => json(&chat::slack(post)),
            Form::Mattermost => json(&chat::mattermost(post)),
            Form::Ntfy { topic } => json(&ntfy::message(post, topic)),
            Form::Sms(sms) => return sms.request(post),
        };
        request.url = self.url.clone();
        request.headers.insert(HeaderName::from_static("idempotency-key"), id);
        Ok(request)
    }
}

/// A POST of JSON; where to is filled in later.
fn json(body: &serde_json::Value) -> Request {
    json_bytes(body.to_string().into_bytes())
}

fn json_bytes(body: Vec<u8>) -> Request {
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    let headers = [(reqwest::header::CONTENT_TYPE, content_type)].into_iter().collect();
    Request { method: Method::POST, url: nowhere(), headers, body }
}

#[expect(clippy::expect_used, reason = "the text is a URL")]
fn nowhere() -> Url {
    Url::parse("https://budkavle.invalid/").expect("a URL")
}

/// A server for people: what stands behind its name may be a secret.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}
