//! `[bounces]`: the mailbox into which mails come back that couldn't be delivered. Everything here can be reloaded.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use url::Url;

use super::channel::TOKEN_KEYS;
use super::directory::schedule;
use super::durations::{DAY, HOUR, MINUTE, SECOND};
use super::reader::{Problem, Section};
use super::smtp::{self, SignIn};
use super::trust;
use super::words::quoted;
use crate::domain::schedule::Schedule;
use crate::tls::TlsTrust;

/// The mailbox for mails that come back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounces {
    /// Where it is.
    pub place: BouncePlace,
    /// When it is looked at.
    pub schedule: Schedule,
    /// So long after it was sent a mail can come back.
    pub window: Duration,
    /// So long after the last mail to it came back an address isn't written to.
    pub mark_for: Duration,
}

/// Where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, and it lives as long as the process")]
pub enum BouncePlace {
    /// In a maildir on this machine.
    Maildir(PathBuf),
    /// On an IMAP server.
    Imap(Imap),
}

/// A folder on an IMAP server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imap {
    /// The server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS from the first byte, not by STARTTLS.
    pub implicit_tls: bool,
    /// Whose certificates are believed.
    pub trust: TlsTrust,
    /// Who signs in.
    pub sign_in: SignIn,
    /// Which folder is read.
    pub folder: String,
    /// Where mails go that were looked at.
    pub done_folder: Option<String>,
    /// How long each step may take.
    pub timeout: Duration,
}

/// The keys that go with `imap`.
const IMAP_KEYS: [&str; 10] = [
    "username",
    "xoauth2",
    "password_file",
    "password_env",
    "password_credential",
    "folder",
    "done_folder",
    "ca_file",
    "pinned_sha256",
    "timeout",
];

/// Reads it; None when there is to be none, or after a mistake.
pub(super) fn read(table: &Section, timezone: Tz) -> Option<Bounces> {
    let schedule = schedule(table, "schedule", "*/5 * * * *", timezone);
    let window = table.duration("window", HOUR..=DAY * 90, DAY * 14);
    let mark_for = table.duration("mark_for", HOUR..=DAY * 365, DAY * 30);
    if table.is_set("maildir") && table.is_set("imap") {
        let problem = Problem::new("contradicts maildir: the mailbox can't be in two places");
        table.mistake("imap", problem.hint("keep one of the two"));
    }
    let maildir = table.path("maildir");
    let server = table.parsed("imap", address);
    let place = if table.is_set("imap") {
        imap(table, server)
    } else {
        let with = "imap = \"imaps://mail.example.org\"";
        table.refuse(&IMAP_KEYS, with);
        table.refuse(&TOKEN_KEYS, with);
        maildir.map(BouncePlace::Maildir)
    };
    Some(Bounces { place: place?, schedule: schedule?, window, mark_for })
}

fn imap(table: &Section, server: Option<(String, u16, bool)>) -> Option<BouncePlace> {
    table.require("username", "username = \"bounces@example.org\"");
    let sign_in = smtp::account(table);
    let folder = table.parsed("folder", folder_name);
    if !table.is_set("folder") {
        table.set("folder", "INBOX".into());
    }
    let done_folder = table.parsed("done_folder", folder_name);
    let trust = trust::read(table);
    let timeout = table.duration("timeout", SECOND..=MINUTE * 5, SECOND * 30);
    let (host, port, implicit_tls) = server?;
    let folder = folder.unwrap_or_else(|| "INBOX".to_owned());
    Some(BouncePlace::Imap(Imap {
        host,
        port,
        implicit_tls,
        trust,
        sign_in: sign_in?,
        folder,
        done_folder,
        timeout,
    }))
}

/// Host, port, and whether TLS begins with the first byte.
fn address(text: &str) -> Result<(String, u16, bool), Problem> {
    let example = "for example: \"imaps://mail.example.org\", or \"imap://…\" for STARTTLS";
    if text.contains('@') {
        // It may hold a password: it isn't shown.
        return Err(
            Problem::new("holds who signs in").hint("username and password_file have keys of their own")
        );
    }
    let bad = |why: &str| Problem::new(format!("{} {why}", quoted(text))).hint(example);
    let url: Url = text.parse().map_err(|_| bad("is no address of an IMAP server"))?;
    let (usual, implicit) = match url.scheme() {
        "imaps" => (993, true),
        "imap" => (143, false),
        _ => return Err(bad("is no address of an IMAP server")),
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err(Problem::new("holds more than a server").hint("the folder has a key of its own"));
    }
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if !trust::is_host(host) {
        return Err(bad("names no server"));
    }
    Ok((host.to_owned(), url.port().unwrap_or(usual), implicit))
}

/// Names in other letters are written in an alphabet of their own (RFC 3501 §5.1.3).
fn folder_name(text: &str) -> Result<String, Problem> {
    if text.is_ascii() && !text.contains(|c: char| c.is_control()) {
        return Ok(text.to_owned());
    }
    Err(Problem::new("must be in ASCII").hint("write it as the server does: `LIST \"\" *` shows it"))
}
