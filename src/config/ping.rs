//! `ping` of a `[[directory]]`: who gets a sign of life after each good run. Everything here can be reloaded.

use std::time::Duration;

use super::durations::{MINUTE, SECOND};
use super::reader::{Problem, Section};
use super::web::{self, Form, Web};

/// Who gets a sign of life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ping {
    /// Where.
    pub web: Web,
    /// By POST, and not by GET.
    pub post: bool,
}

/// How long an answer may take.
const USUAL: Duration = Duration::from_secs(20);

pub(super) fn read(table: &Section) -> Option<Ping> {
    table.know(&web::KEYS);
    let post = table.choice("method", &[("GET", false), ("POST", true)], Some("GET")).unwrap_or(false);
    let timeout = table.duration("timeout", SECOND..=MINUTE * 5, USUAL);
    if web::is_addressed(table) {
        return web::read(table, Form::Whole, timeout, false).map(|web| Ping { web, post });
    }
    let flag = |key: &&str| table.flag(key, false);
    let set = |key: &&str| table.is_set(key);
    let other = [("method", post), ("timeout", timeout != USUAL)].into_iter().filter(|(_, other)| *other);
    let meant = other.map(|(key, _)| key);
    let meant = meant.chain(["allow_private", "allow_plain_text"].into_iter().filter(flag));
    let mut meant = meant.chain(["proxy", "ca_file", "pinned_sha256"].into_iter().filter(set));
    if let Some(key) = meant.next() {
        let problem = Problem::new("is there for nothing: no address is named that gets a sign of life");
        table.mistake(key, problem.hint("ping.secret_url_file = \"/etc/budkavle/ping-url\", or ping.url"));
    }
    None
}
