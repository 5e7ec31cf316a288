//! The mailbox into which mails come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;

use super::{WireError, delta, tokens};
use crate::channel::WebSettings;
use crate::config::{self, BouncePlace, Config, SignIn};
use crate::domain::bounce::Policy;
use crate::domain::ids::SourceName;
use crate::domain::schedule::Schedule;
use crate::flow::bounces::NAME;
use crate::runtime::clock::Clock;
use crate::source::returned::{AskToken, Credential, Imap, ImapSecurity, Maildir, ReturnedMails, Stopwatch};

/// How what comes back is judged.
pub(super) fn policy(bounces: &config::Bounces) -> Policy {
    Policy { window: delta(bounces.window), mark_for: delta(bounces.mark_for) }
}

/// Where it is; None: there is none.
///
/// # Errors
/// When TLS to where access tokens are from can't be set up.
pub fn mailbox(config: &Config, clock: &Clock) -> Result<Option<ReturnedMails>, WireError> {
    config.bounces.as_ref().map(|bounces| place(&bounces.place, stopwatch(clock))).transpose()
}

fn stopwatch(clock: &Clock) -> Stopwatch {
    let (clock, begun) = (clock.clone(), clock.monotonic());
    Stopwatch::new(move || clock.monotonic().saturating_duration_since(begun))
}

fn place(place: &BouncePlace, stopwatch: Stopwatch) -> Result<ReturnedMails, WireError> {
    let imap = match place {
        BouncePlace::Maildir(folder) => {
            return Ok(ReturnedMails::Maildir(Maildir { folder: folder.clone(), stopwatch }));
        }
        BouncePlace::Imap(imap) => imap,
    };
    let (username, credential) = match &imap.sign_in {
        SignIn::Password { username, password } => (username, Credential::Password(password.value().clone())),
        SignIn::Token { username, tokens: source } => {
            let web = WebSettings {
                trust: imap.trust.clone(),
                timeout: imap.timeout,
                allow_private: true,
                proxy: None,
                credential: None,
            };
            let tokens = tokens(source, web).map_err(|e| WireError::Bounces(e.to_string()))?;
            let ask: AskToken = Arc::new(move || {
                let tokens = Arc::clone(&tokens);
                async move { tokens.token().await.map_err(|e| e.to_string()) }.boxed()
            });
            (username, Credential::Token(ask))
        }
    };
    Ok(ReturnedMails::Imap(Imap {
        host: imap.host.clone(),
        port: imap.port,
        security: if imap.implicit_tls { ImapSecurity::Tls } else { ImapSecurity::StartTls },
        trust: imap.trust.clone(),
        username: username.clone(),
        credential,
        folder: imap.folder.clone(),
        done_folder: imap.done_folder.clone(),
        timeout: imap.timeout,
        stopwatch,
    }))
}

/// When it is looked at.
pub fn schedules(config: &Config) -> BTreeMap<SourceName, Schedule> {
    config.bounces.iter().map(|bounces| (SourceName::from(NAME), bounces.schedule.clone())).collect()
}
