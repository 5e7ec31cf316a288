//! `[mail]`: how notices leave. Everything here can be reloaded; connections that are open are closed then.

use std::path::PathBuf;
use std::time::Duration;

use super::channel;
use super::durations::{DAY, MINUTE};
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
    /// The most messages within a minute; None: as many as go.
    pub per_minute: Option<u32>,
    /// The pauses between the tries.
    pub retry: Backoff,
    /// A notice that couldn't be sent for so long is given up.
    pub expires_after: Duration,
}

/// How notices leave.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a handful, and they live as long as the process")]
pub enum Transport {
    /// To a mail server.
    Smtp(Smtp),
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
    File,
}

/// The keys that go with `transport = "file"`.
const FILE_KEYS: [&str; 1] = ["folder"];

/// Reads it; None when something is missing.
pub(super) fn read(table: &Section) -> Option<Mail> {
    table.require("from", "from = \"Budkavle <budkavle@example.org>\"");
    let from = table.parsed("from", mailbox);
    let reply_to = table.parsed("reply_to", mailbox);
    let return_path = table.parsed("return_path", return_path).unwrap_or_default();
    let subject_prefix = table.any_text("subject_prefix", "");
    let retry = channel::retry(table);
    let expires_after = table.duration("expires_after", MINUTE * 5..=DAY * 30, DAY * 2);
    let kind = table.choice("transport", &[("smtp", Kind::Smtp), ("file", Kind::File)], Some("smtp"));
    let smtp_keys = [&smtp::KEYS[..], &channel::TOKEN_KEYS];
    match kind {
        Some(Kind::Smtp) => table.refuse(&FILE_KEYS, "transport = \"file\""),
        Some(Kind::File) => smtp_keys.into_iter().for_each(|keys| table.refuse(keys, "transport = \"smtp\"")),
        None => smtp_keys.into_iter().chain([&FILE_KEYS[..]]).for_each(|keys| table.know(keys)),
    }
    let (connections, per_minute) = channel::limits(table, 4);
    let transport = match kind? {
        Kind::Smtp => smtp::read(table, connections).map(Transport::Smtp),
        Kind::File => {
            let problem = Problem::new("writes mails into a folder: they reach nobody");
            table.warn("transport", problem.hint("that is for trying things out; use \"smtp\" in earnest"));
            table.require("folder", "folder = \"/var/lib/budkavle/mails\"");
            table.path("folder").map(|folder| Transport::File { folder })
        }
    };
    let (from, transport) = (from?, transport?);
    Some(Mail { from, reply_to, return_path, subject_prefix, transport, per_minute, retry, expires_after })
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
