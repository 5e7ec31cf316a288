//! Mails by Microsoft Graph: `sendMail` takes the MIME message as it is, in base64
//! (<https://learn.microsoft.com/graph/outlook-send-mime-message>).

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::super::{Outcome, ProbeError, ProbeReport};
use super::client::{Client, WebSettings, answered};
use super::token::{Opinion, TokenError, Tokens};
use super::{Request, shown};
use crate::tls::TlsError;

/// A mailbox that sends.
#[derive(Debug)]
pub struct GraphChannel {
    client: Client,
    url: Url,
    tokens: Arc<Tokens>,
}

impl GraphChannel {
    /// The mailbox `mailbox` at the Graph whose version stands at the end of `base`: `https://graph.microsoft.com/v1.0`.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(
        base: &Url,
        mailbox: &str,
        tokens: Arc<Tokens>,
        web: WebSettings,
    ) -> Result<GraphChannel, TlsError> {
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["users", mailbox, "sendMail"]);
        }
        let client = Client::new(WebSettings { credential: None, ..web })?;
        Ok(GraphChannel { client, url, tokens })
    }

    pub(in super::super) async fn send(&self, mime: &[u8], now: DateTime<Utc>) -> Outcome {
        let body = BASE64_STANDARD.encode(mime).into_bytes();
        let mut tries = self.tokens.tries();
        loop {
            let token = match tries.token().await {
                Ok(token) => token,
                Err(error @ TokenError::Refused(_)) => {
                    return Outcome::ChannelBroken { reason: error.to_string() };
                }
                Err(error @ TokenError::NotNow(_)) => {
                    let reason = error.to_string();
                    return Outcome::Deferred { reason, perhaps_sent: false, whole: true, retry_after: None };
                }
            };
            let response = match self.ask(&token, body.clone()).await {
                Ok(response) => response,
                Err(outcome) => return outcome,
            };
            let opinion = match response.status() {
                StatusCode::UNAUTHORIZED => Opinion::Refused,
                _ => Opinion::Good,
            };
            if !tries.once_more(opinion).await {
                return answered(&shown(&self.url), response, now).await;
            }
        }
    }

    async fn ask(&self, token: &SecretString, body: Vec<u8>) -> Result<Response, Outcome> {
        let Ok(mut bearer) = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())) else {
            let reason = "the access token has a character that can't be in a header".to_owned();
            return Err(Outcome::ChannelBroken { reason });
        };
        bearer.set_sensitive(true);
        let text = HeaderValue::from_static("text/plain");
        let headers: HeaderMap = [(AUTHORIZATION, bearer), (CONTENT_TYPE, text)].into_iter().collect();
        self.client.ask(Request { method: Method::POST, url: self.url.clone(), headers, body }).await
    }

    pub(in super::super) async fn probe(&self) -> Result<ProbeReport, ProbeError> {
        self.tokens.token().await.map_err(|e| ProbeError::Web(e.to_string()))?;
        let answered = self.client.probe(&self.url).await.map_err(ProbeError::Web)?;
        Ok(ProbeReport::Web {
            server: shown(&self.url),
            answered: format!("{answered}, with an access token"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Act, Server, answer, at};
    use super::super::token::TokenSettings;
    use super::*;

    fn granted() -> String {
        let body = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0ken"}"#;
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    pub(super) fn tokens(server: &Server) -> Arc<Tokens> {
        let settings = TokenSettings {
            url: server.url(),
            client_id: "app id".into(),
            client_secret: "ge&heim".to_owned().into(),
            scope: "https://graph.example/.default".into(),
        };
        Arc::new(Tokens::new(settings, server.settings()).unwrap())
    }

    fn graph(server: &Server, tokens: &Arc<Tokens>) -> GraphChannel {
        let base = format!("https://localhost:{}/v1.0/", server.port).parse().unwrap();
        GraphChannel::new(&base, "it@x.example", Arc::clone(tokens), server.settings()).unwrap()
    }

    #[tokio::test]
    async fn a_mail_goes_with_a_token_that_is_asked_for_once() {
        let authority = Server::start(Server::says(granted())).await;
        let server = Server::start(answer("202 Accepted", "")).await;
        let channel = graph(&server, &tokens(&authority));
        for _ in 0..2 {
            let outcome = channel.send(b"Subject: x\r\n\r\ny\r\n", at()).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        let [asked] = &authority.asked()[..] else { panic!("{:?}", authority.asked()) };
        assert!(
            asked.ends_with(
                "grant_type=client_credentials&client_id=app+id&client_secret=ge%26heim&scope=https%3A%2F%2Fgraph.example%2F.default"
            ),
            "{asked}"
        );
        let sent = server.asked();
        assert_eq!(sent.len(), 2);
        assert!(sent[0].starts_with("POST /v1.0/users/it@x.example/sendMail HTTP/1.1"), "{}", sent[0]);
        assert!(
            sent[0].contains("authorization: Bearer t0ken") && sent[0].contains("content-type: text/plain")
        );
        assert!(sent[0].ends_with("\r\n\r\nU3ViamVjdDogeA0KDQp5DQo="), "{}", sent[0]);
    }

    #[tokio::test]
    async fn a_token_that_was_taken_back_is_replaced_within_the_same_try() {
        let body = r#"{"token_type":"Bearer","expires_in":"3599","access_token":"t0ken"}"#;
        let granted =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let authority = Server::start(Server::says(granted)).await;
        let [yes, no] = ["202 Accepted", "401 Unauthorized"].map(|status| answer(status, ""));
        let server = Server::start(Act::InTurn(vec![yes.clone(), no, yes])).await;
        let channel = graph(&server, &tokens(&authority));
        for _ in 0..2 {
            let outcome = channel.send(b"x", at()).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        assert_eq!((server.asked().len(), authority.asked().len()), (3, 2));
    }

    #[tokio::test]
    async fn a_token_that_is_not_wanted_is_not_used_again_and_one_that_is_refused_breaks_the_channel() {
        let authority = Server::start(Server::says(granted())).await;
        let server = Server::start(answer("401 Unauthorized", "")).await;
        let channel = graph(&server, &tokens(&authority));
        for _ in 0..2 {
            let outcome = channel.send(b"x", at()).await;
            assert!(matches!(outcome, Outcome::ChannelBroken { .. }), "{outcome:?}");
        }
        assert_eq!(authority.asked().len(), 2);
        let denied = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret.\r\nTrace ID: 1"}"#;
        let denied = format!(
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{denied}",
            denied.len()
        );
        for (said, broken) in [
            (Server::says(denied), true),
            (answer("400 Bad Request", ""), true),
            (answer("503 Busy", ""), false),
            (answer("200 OK", ""), false),
        ] {
            let authority = Server::start(said).await;
            let outcome = graph(&server, &tokens(&authority)).send(b"x", at()).await;
            assert_eq!(matches!(outcome, Outcome::ChannelBroken { .. }), broken, "{outcome:?}");
        }
        assert_eq!(server.asked().len(), 2, "without a token nothing is sent");
    }
}
