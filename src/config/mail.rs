//! `[mail]`: how notices leave. Everything here can be reloaded; connections that are open are closed then.

use std::path::PathBuf;
use std::time::Duration;

use super::channel;
use super::durations::{DAY, MINUTE, SECOND};
use super::graph::{self, Graph};
use super::reader::{Problem, Section};
use super::smtp::{self, Smtp};
use super::words::quoted;
use crate::domain::backoff::Backoff;
use crate::domain::bounce::ReturnPath;
use crate::domain::mailbox::Address;

/// How notices leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// Who writes, and the envelope's sender.
    pub from: Mailbox,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<Mailbox>,
    /// Where mails come back to that can't be delivered.
    pub return_path: ReturnPath,
    /// What stands before each subject, such as `[IT]`; may be empty.
    pub subject_prefix: String,
    /// How they leave.
    pub transport: Transport,
    /// The most on their way at a time.
    pub connections: u32,
    /// The most messages within a minute; None: as many as go.
    pub per_minute: Option<u32>,
    /// The pauses between the tries.
    pub retry: Backoff,
    /// A notice that couldn't be sent for so long is given up.
    pub expires_after: Duration,
}

/// How notices leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// To a mail server.
    Smtp(Smtp),
    /// To Microsoft Graph.
    Graph(Graph),
    /// Into a folder, one `.eml` file each. They reach nobody.
    File {
        /// Which.
        folder: PathBuf,
    },
}

/// An address and the name to show with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    /// The name, without quotes; None when there is only an address.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Smtp,
    Graph,
    File,
}

const KINDS: [(&str, Kind); 3] = [("smtp", Kind::Smtp), ("graph", Kind::Graph), ("file", Kind::File)];

/// Reads it; None when something is missing.
pub(super) fn read(table: &Section) -> Option<Mail> {
    table.require("from", "from = \"Budkavle <budkavle@example.org>\"");
    let from = table.parsed("from", mailbox);
    let reply_to = table.parsed("reply_to", mailbox);
    let return_path = table.parsed("return_path", return_path).unwrap_or_default();
    let subject_prefix = table.any_text("subject_prefix", "");
    let retry = channel::retry(table);
    let expires_after = table.duration("expires_after", MINUTE * 5..=DAY * 30, DAY * 2);
    let kind = table.choice("transport", &KINDS, Some("smtp"));
    refuse_others(table, kind);
    let preset = if kind == Some(Kind::Graph) { graph::LIMITS } else { "none" };
    let (connections, per_minute) = channel::limits(table, 4, preset);
    let transport = match kind? {
        Kind::Smtp => smtp::read(table).map(Transport::Smtp),
        Kind::Graph => {
            judge_return_path(table);
            let timeout = table.duration("timeout", SECOND..=MINUTE * 10, SECOND * 30);
            graph::read(table, timeout).map(Transport::Graph)
        }
        Kind::File => {
            let problem = Problem::new("writes mails into a folder: they reach nobody");
            let hint = "that is for trying things out; use \"smtp\" or \"graph\" in earnest";
            table.warn("transport", problem.hint(hint));
            table.require("folder", "folder = \"/var/lib/budkavle/mails\"");
            table.path("folder").map(|folder| Transport::File { folder })
        }
    };
    let (from, transport) = (from?, transport?);
    Some(Mail {
        from,
        reply_to,
        return_path,
        subject_prefix,
        transport,
        connections,
        per_minute,
        retry,
        expires_after,
    })
}

impl Kind {
    /// The keys that go with it.
    fn keys(self) -> Vec<&'static str> {
        match self {
            Kind::Smtp => smtp::KEYS.into_iter().chain(channel::TOKEN_KEYS).collect(),
            Kind::Graph => graph::keys().collect(),
            Kind::File => vec!["folder"],
        }
    }
}

/// What goes only with other transports makes no sense; where it isn't known which it is, all may.
fn refuse_others(table: &Section, kind: Option<Kind>) {
    let mut told = kind.map(Kind::keys).unwrap_or_default();
    for (name, other) in KINDS {
        let keys: Vec<_> = other.keys().into_iter().filter(|key| !told.contains(key)).collect();
        match kind {
            Some(_) => table.refuse(&keys, &format!("transport = \"{name}\"")),
            None => table.know(&keys),
        }
        told.extend(keys);
    }
}

/// There is no envelope that the Graph would be told.
fn judge_return_path(table: &Section) {
    if table.is_set("return_path") {
        let problem = Problem::new(
            "can't be had with transport = \"graph\": mails come back to the mailbox that sends them",
        );
        table.mistake("return_path", problem.hint("take it out; [bounces] can read that mailbox"));
    }
}

impl Mail {
    /// Mails that come back to nobody can't be looked at.
    pub(super) fn judge_bounces(&self, table: &Section) {
        if self.return_path == ReturnPath::Nobody {
            let problem = Problem::new("contradicts [bounces]: nothing comes back to nobody");
            table.mistake(
                "return_path",
                problem.hint("name the address of that mailbox: \"bounce+*@example.org\""),
            );
        }
    }
}

fn return_path(text: &str) -> Result<ReturnPath, Problem> {
    text.parse().map_err(|error| {
        let problem = Problem::new(format!("{} is no return path: {error}", quoted(text)));
        problem.hint("for example: \"bounce+*@example.org\", where each mail's own sign takes the place of the *; or \"null\"")
    })
}

/// `Name <address>`, `"Name" <address>` or an address alone.
fn mailbox(text: &str) -> Result<Mailbox, Problem> {
    let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim(), address),
        None => ("", text),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let example = "for example: \"Budkavle <budkavle@example.org>\"";
    if name.contains(['<', '>', '"']) {
        return Err(Problem::new(format!("{} is not a name and an address", quoted(text))).hint(example));
    }
    let address =
        address.parse().map_err(|error| Problem::new(format!("can't be used: {error}")).hint(example))?;
    Ok(Mailbox { name: Some(name.to_owned()).filter(|name| !name.is_empty()), address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_has_a_name_or_not() {
        for (text, name, address) in [
            ("budkavle@example.org", None, "budkavle@example.org"),
            ("<budkavle@example.org>", None, "budkavle@example.org"),
            ("Budkavle i Åby <budkavle@example.org>", Some("Budkavle i Åby"), "budkavle@example.org"),
            ("\"IT, Åby\" <it@example.org>", Some("IT, Åby"), "it@example.org"),
        ] {
            let mailbox = mailbox(text).unwrap();
            assert_eq!((mailbox.name.as_deref(), mailbox.address.as_str()), (name, address));
        }
        for bad in [
            "Budkavle",
            "Budkavle <budkavle>",
            "a@b.example, c@d.example",
            "A <a@b.example> B",
            "A <<a@b.example>>",
        ] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
    }
}
