//! `ping` of a `[[directory]]`: who gets a sign of life after each good run. Everything here can be reloaded.

use url::Url;

use super::channel::address;
use super::reader::{Problem, Section};
use super::secret;
use super::trust;
use crate::tls::TlsTrust;

/// Who gets a sign of life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ping {
    /// Where.
    pub url: Url,
    /// By POST, and not by GET.
    pub post: bool,
    /// Whether it may be on this machine or in the inner network.
    pub allow_private: bool,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
}

pub(super) fn read(table: &Section) -> Option<Ping> {
    let plain = table.flag("allow_plain_text", false);
    let allow_private = table.flag("allow_private", false);
    let post = table.choice("method", &[("GET", false), ("POST", true)], Some("GET")).unwrap_or(false);
    let trust = trust::read(table);
    let named = secret::is_named(table, "secret_url");
    let secret = secret::read(table, "secret_url");
    let open = table.text("url");
    if open.is_some() && named {
        let problem = Problem::new("contradicts url: the address can't be in two places");
        table.mistake("url", problem.hint("keep one of the two"));
    }
    let key = if open.is_some() { "url" } else { "secret_url_file" };
    let text = open.or_else(|| secret.map(|secret| secret.expose().to_owned()))?;
    match address(&text, plain) {
        Ok(url) => Some(Ping { url, post, allow_private, trust }),
        Err(problem) => {
            table.mistake(key, problem);
            None
        }
    }
}
