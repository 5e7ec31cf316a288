//! A web server that is spoken to: its address, and how it is treated. A `[[channel]]` and a `ping` have the same keys for that.

use std::time::Duration;

use serde_json::json;
use url::Url;

use super::reader::{Mark, Problem, Section};
use super::secret::{self, Secret};
use super::trust;
use super::words::quoted;
use crate::tls::TlsTrust;

/// A web server and how it is treated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Web {
    /// Where.
    pub url: Url,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Whether it may be on this machine or in the inner network.
    pub allow_private: bool,
    /// A proxy.
    pub proxy: Option<Url>,
    /// Who we say that we are.
    pub credential: Option<WebCredential>,
}

/// Who we say that we are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WebCredential {
    /// By a token.
    Bearer(Secret),
    /// By a name and a password.
    Basic(String, Secret),
    /// By a token in a header of this name.
    Header(String, Secret),
}

/// Its keys.
pub(super) const KEYS: [&str; 9] = [
    "url",
    "secret_url_file",
    "secret_url_env",
    "secret_url_credential",
    "allow_plain_text",
    "allow_private",
    "proxy",
    "ca_file",
    "pinned_sha256",
];
/// The keys that say who we are there.
pub(super) const SIGN_IN_KEYS: [&str; 8] = [
    "token_file",
    "token_env",
    "token_credential",
    "token_header",
    "username",
    "password_file",
    "password_env",
    "password_credential",
];

/// What an address is like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It is one.
    Whole,
    /// It has places to fill in.
    Template,
    /// It may be left out: then it is this one.
    Known(&'static str),
}

/// Whether there is an address.
pub(super) fn is_addressed(table: &Section) -> bool {
    table.is_set("url") || secret::is_named(table, "secret_url")
}

/// The address as it is written: `url`, or what `secret_url_file` and the like name.
pub(super) fn url_text(table: &Section) -> Option<String> {
    table.text("url").or_else(|| secret::read(table, "secret_url").map(|secret| secret.expose().to_owned()))
}

/// Reads it; `timeout` is how long an answer may take. Where nobody signs in, what would say who we are is no key.
pub(super) fn read(table: &Section, form: Form, timeout: Duration, signs_in: bool) -> Option<Web> {
    let plain = table.flag("allow_plain_text", false);
    let allow_private = table.flag("allow_private", false);
    let proxy = table.parsed("proxy", |text| {
        let hint = "for example: \"http://proxy.example.org:3128\"";
        let url = Url::parse(text)
            .ok()
            .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| Problem::new("is no address of a proxy").hint(hint))?;
        if !url.username().is_empty() || url.password().is_some() {
            let problem = Problem::new("has a name or a password in it, which everybody would see");
            return Err(problem.hint("let the proxy know this machine by its address"));
        }
        Ok(url)
    });
    let trust = trust::read(table);
    let credential = if signs_in { credential(table) } else { None };
    if table.is_set("url") && secret::is_named(table, "secret_url") {
        let problem = Problem::new("contradicts url: the address can't be in two places");
        table.mistake("url", problem.hint("keep one of the two"));
    }
    if !is_addressed(table) {
        if let Form::Known(usual) = form {
            let url = Url::parse(usual).ok()?;
            return Some(Web { url, trust, timeout, allow_private, proxy, credential });
        }
        let problem = Problem::new("doesn't say where it leads");
        let hint = "give url, or secret_url_file for an address that nobody else may know, as that of a Teams workflow is";
        table.note(Mark::Key, problem.hint(hint));
    }
    let key = if table.is_set("url") { "url" } else { "secret_url_file" };
    let text = url_text(table)?;
    // Of a template only what doesn't depend on what is filled in can be judged here.
    let fixed = if form == Form::Template { text.split("{{").next().unwrap_or_default() } else { &text };
    match address(fixed, plain) {
        Ok(url) => {
            if form != Form::Template && table.is_set("url") {
                table.set("url", json!(url.as_str()));
            }
            Some(Web { url, trust, timeout, allow_private, proxy, credential })
        }
        Err(problem) => {
            table.mistake(key, problem);
            None
        }
    }
}

/// An address of a web server, without who signs in to it.
pub(super) fn address(text: &str, plain: bool) -> Result<Url, Problem> {
    let hint = "for example: \"https://hooks.example.org/drift\"";
    let url = Url::parse(text).map_err(|e| Problem::new(format!("is no address: {e}")).hint(hint))?;
    let known = url.scheme() == "https" || url.scheme() == "http";
    if !known || url.host_str().is_none_or(str::is_empty) {
        return Err(Problem::new("must be an https address").hint(hint));
    }
    if url.scheme() == "http" && !plain {
        let problem = Problem::new("sends all notices in clear over the network");
        return Err(problem.hint("use https, or add allow_plain_text = true"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let problem = Problem::new("has a name or a password in it");
        return Err(problem.hint("they have keys of their own: username, and password_file"));
    }
    Ok(url)
}

fn credential(table: &Section) -> Option<WebCredential> {
    let token = secret::read(table, "token");
    let header = table.parsed("token_header", |text| {
        let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let problem = || Problem::new(format!("{} is no name of a header", quoted(text)));
        fits.then(|| text.to_owned()).ok_or_else(|| problem().hint("for example: \"X-Api-Key\""))
    });
    if table.is_set("token_header") && !secret::is_named(table, "token") {
        table.require("token_file", "token_file = \"/etc/budkavle/token\", since token_header is set");
    }
    let username = table.text("username");
    let password = if table.is_set("username") {
        secret::require(table, "password")
    } else {
        secret::read(table, "password")
    };
    if password.is_some() && username.is_none() {
        table.require("username", "username = \"budkavle\", since a password is named");
    }
    if secret::is_named(table, "token") && table.is_set("username") {
        let problem = Problem::new("contradicts the token: we can't be two");
        table.mistake("username", problem.hint("keep one of the two"));
    }
    match (token, header, username.zip(password)) {
        (Some(token), Some(header), _) => Some(WebCredential::Header(header, token)),
        (Some(token), None, _) => Some(WebCredential::Bearer(token)),
        (None, _, Some((username, password))) => Some(WebCredential::Basic(username, password)),
        _ => None,
    }
}
