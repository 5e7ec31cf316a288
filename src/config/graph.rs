//! Mails by Microsoft Graph: `[mail]` with `transport = "graph"` and a `[[channel]]` of that kind have the same keys for that.

use std::time::Duration;

use super::channel::{TOKEN_KEYS, TokenSource, token_source};
use super::reader::Section;
use super::web::{self, Form, Web};

/// A mailbox that sends by Microsoft Graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Graph {
    /// The Graph.
    pub web: Web,
    /// Who sends; None: whom mails are from.
    pub mailbox: Option<String>,
    /// Where tokens are from.
    pub tokens: TokenSource,
}

/// The key that nothing else has.
pub(super) const KEYS: [&str; 1] = ["mailbox"];
/// What `limits` is with the Graph, where it isn't set: the mailboxes are those of Exchange Online.
pub(super) const LIMITS: &str = "exchange-online";

/// All of its keys.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(["timeout"]).chain(web::KEYS).chain(TOKEN_KEYS)
}

/// Reads it, but for `timeout`, which is how long an answer may take; None when something is missing.
pub(super) fn read(table: &Section, timeout: Duration) -> Option<Graph> {
    // Who we are there the token says.
    let web = web::read(table, Form::Known("https://graph.microsoft.com/v1.0"), timeout, false);
    let mailbox = table.text("mailbox");
    let tokens = token_source(table, "https://graph.microsoft.com/.default");
    Some(Graph { web: web?, mailbox, tokens: tokens? })
}
