//! `[[list]]`: lists of people that somebody else keeps. Everything here can be reloaded.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use minisign_verify::PublicKey;
use url::Url;

use super::directory::{name, schedule};
use super::durations::{MINUTE, SECOND};
use super::reader::{Mark, Problem, Section};
use super::trust;
use super::words::{choose, quoted};
use crate::domain::lists::{Format, ListName};
use crate::domain::roles::{Role, RoleName, Scope};
use crate::domain::schedule::Schedule;
use crate::tls::{TlsTrust, parse_sha256};

/// A list of people that somebody else keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    /// What it is called here.
    pub name: ListName,
    /// The roles that it may give.
    pub roles: Vec<RoleName>,
    /// Where it is.
    pub at: ListPlace,
    /// How it is written.
    pub format: Format,
    /// When it is looked at.
    pub schedule: Schedule,
    /// By what it is believed.
    pub proof: ListProof,
    /// Which servers are believed.
    pub tls: TlsTrust,
    /// How long each of its files may take.
    pub timeout: Duration,
}

/// Where a file of a list is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListPlace {
    /// On a disk.
    File(PathBuf),
    /// At an `https` address.
    Url(Url),
}

/// By what a list is believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListProof {
    /// Its SHA-256 is this.
    Sha256([u8; 32]),
    /// Its SHA-256 is the one in this file.
    Sha256At(ListPlace),
    /// The holder of this key has signed it; the signature is there.
    Signed(PublicKey, ListPlace),
    /// The server's certificate is all that is asked for.
    Transport,
}

const KEYS: [&str; 17] = [
    "name",
    "roles",
    "file",
    "url",
    "format",
    "schedule",
    "sha256",
    "sha256_file",
    "sha256_url",
    "public_key",
    "signature_file",
    "signature_url",
    "trust",
    "ca_file",
    "pinned_sha256",
    "timeout",
    "*",
];

/// Reads all of them.
pub(super) fn read_all(root: &Section, timezone: Tz, roles: &[Role]) -> Vec<List> {
    let section = root.section("list");
    // Also without a list, the keys are known.
    let keys: Vec<&str> = KEYS.into_iter().filter(|key| *key != "*").collect();
    section.one("*").know(&keys);
    let read: Vec<_> = section.named().iter().map(|table| read(table, timezone, roles)).collect();
    read.into_iter().flatten().collect()
}

fn read(table: &Section, timezone: Tz, roles: &[Role]) -> Option<List> {
    let name = name(table, "list", "vendor");
    table.require("roles", "roles = [\"account-manager\"]");
    let of_all: Vec<&str> =
        roles.iter().filter(|r| r.scope == Scope::Organisation).map(|r| &*r.name.0).collect();
    let given = table.list("roles", |text| {
        if of_all.contains(&text) {
            return Ok(RoleName::from(text));
        }
        Err(match roles.iter().any(|role| &*role.name.0 == text) {
            true => Problem::new(format!(
                "can't be {}: a list can give only roles of the whole organisation",
                quoted(text)
            ))
            .hint(choose(text, &of_all)),
            false => Problem::new(format!("there is no role {}", quoted(text))).hint(choose(text, &of_all)),
        })
    });
    let schedule = schedule(table, "schedule", "17 5 * * *", timezone);
    let timeout = table.duration("timeout", SECOND..=MINUTE * 10, MINUTE);
    let tls = trust::read(table);
    let at = place(table, "file", "url");
    if !table.is_set("file") && !table.is_set("url") {
        let problem = Problem::new("names neither a file nor an address");
        table.note(Mark::Key, problem.hint("for example: url = \"https://vendor.example/contacts.toml\""));
    }
    let formats = [("toml", Format::Toml), ("json", Format::Json), ("csv", Format::Csv)];
    let format = table.choice("format", &formats, None);
    let format =
        if table.is_set("format") { format } else { at.as_ref().and_then(|at| format_of(table, at)) };
    let proof = proof(table, at.as_ref());
    Some(List {
        name: ListName(name.into()),
        roles: given?,
        at: at?,
        format: format?,
        schedule: schedule?,
        proof: proof?,
        tls,
        timeout,
    })
}

/// The file or the address that one of two keys names.
fn place(table: &Section, file: &str, url: &str) -> Option<ListPlace> {
    let (path, address) = (table.path(file), table.parsed(url, address));
    if table.is_set(file) && table.is_set(url) {
        table.mistake(url, Problem::new(format!("contradicts {file}")).hint("keep one of the two"));
    }
    path.map(ListPlace::File).or(address.map(ListPlace::Url))
}

pub(super) fn address(text: &str) -> Result<Url, Problem> {
    let example = "for example: \"https://vendor.example/contacts.toml\"";
    let url = Url::parse(text).map_err(|e| Problem::new(format!("is no address: {e}")).hint(example))?;
    if url.scheme() != "https" || url.host_str().is_none_or(str::is_empty) {
        return Err(Problem::new("must be an https address").hint(example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            Problem::new("has a name or a password in it").hint("a list is asked for without signing in")
        );
    }
    Ok(url)
}

/// By the ending of its name.
fn format_of(table: &Section, at: &ListPlace) -> Option<Format> {
    let path = match at {
        ListPlace::File(path) => path.display().to_string(),
        ListPlace::Url(url) => url.path().to_owned(),
    };
    let path = path.to_lowercase();
    let known = [(".toml", Format::Toml), (".json", Format::Json), (".csv", Format::Csv)];
    let format = known.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, format)| *format);
    if format.is_none() {
        let problem = Problem::new("isn't set, and the name of the list doesn't say how it is written");
        table.mistake("format", problem.hint("it can be \"toml\", \"json\" or \"csv\""));
    }
    format
}

fn proof(table: &Section, at: Option<&ListPlace>) -> Option<ListProof> {
    let sha256 = table.parsed("sha256", |text| {
        let problem = || Problem::new("is no SHA-256").hint("it has 64 hexadecimal digits: sha256sum FILE");
        parse_sha256(text).ok_or_else(problem)
    });
    let sha256_at = place(table, "sha256_file", "sha256_url");
    let key = table.parsed("public_key", |text| {
        let hint = "take the last line of minisign.pub, which begins with RW";
        PublicKey::from_base64(text.trim())
            .map_err(|e| Problem::new(format!("can't be used: {e}")).hint(hint))
    });
    let signature = place(table, "signature_file", "signature_url");
    let transport = table.choice("trust", &[("transport", ())], None);
    let sum = table.is_set("sha256_file") || table.is_set("sha256_url");
    let ways = [
        ("sha256", table.is_set("sha256")),
        (if table.is_set("sha256_url") { "sha256_url" } else { "sha256_file" }, sum),
        ("public_key", table.is_set("public_key")),
        ("trust", table.is_set("trust")),
    ];
    let set: Vec<&str> = ways.iter().filter(|(_, set)| *set).map(|(key, _)| *key).collect();
    match set[..] {
        [_] => {}
        [] => {
            let problem = Problem::new("doesn't say by what the list is believed");
            let hint = "give public_key (minisign), or sha256, sha256_file or sha256_url; for an address whose server is enough: trust = \"transport\"";
            table.note(Mark::Key, problem.hint(hint));
        }
        [first, second, ..] => {
            table.mistake(
                second,
                Problem::new(format!("contradicts {first}")).hint("a list is believed by one of them"),
            );
        }
    }
    let signed = table.is_set("signature_file") || table.is_set("signature_url");
    if signed && !table.is_set("public_key") {
        table.refuse(&["signature_file", "signature_url"], "public_key");
    }
    if table.is_set("trust") && matches!(at, Some(ListPlace::File(_))) {
        let problem = Problem::new("makes no sense for a file: nothing is transported");
        table.mistake("trust", problem.hint("give public_key, or sha256, sha256_file or sha256_url"));
    }
    if let Some(key) = key {
        return Some(ListProof::Signed(key, signature.or_else(|| at.map(beside))?));
    }
    sha256
        .map(ListProof::Sha256)
        .or(sha256_at.map(ListProof::Sha256At))
        .or(transport.map(|()| ListProof::Transport))
}

/// Where minisign puts a signature.
fn beside(at: &ListPlace) -> ListPlace {
    match at {
        ListPlace::File(path) => {
            let mut name = path.clone().into_os_string();
            name.push(".minisig");
            ListPlace::File(name.into())
        }
        ListPlace::Url(url) => {
            let mut url = url.clone();
            url.set_path(&format!("{}.minisig", url.path()));
            ListPlace::Url(url)
        }
    }
}
