//! A whole site for one test: a domain controller, a mail server, and Budkavle configured for both.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::budkavle::{Budkavle, Daemon};
use crate::servers::postfix::{PORT, Postfix};
use crate::servers::samba::rights::Right;
use crate::servers::samba::{READER, READER_PASSWORD, Samba};
use crate::servers::{PATIENCE, folder};
use crate::world::{Organisation, ROOT_UNIT};

/// A site. The daemon isn't running yet.
pub struct Site {
    /// What was put into the directory.
    pub world: Organisation,
    /// The domain controller.
    pub dc: Samba,
    /// The mail server; everybody in the organisation has a mailbox.
    pub post: Postfix,
    /// The program with the site's configuration.
    pub budkavle: Budkavle,
    folder: TempDir,
}

impl Site {
    /// A site with this organisation, whose account may see what is deleted. Nothing is synced but by hand: the schedule fires on New Year's night.
    pub fn new(world: Organisation) -> Site {
        let folder = folder("site");
        let dc = Samba::start(&world);
        dc.grant(Right::ReadDeletions);
        let post = Postfix::start(world.mail_addresses());
        let budkavle = Budkavle::new(folder.path());
        let site = Site { world, dc, post, budkavle, folder };
        site.set_password(READER_PASSWORD);
        site.configure(&|_| {});
        site
    }

    /// Writes the configuration, with `change` made to the usual one.
    pub fn configure(&self, change: &dyn Fn(&mut String)) {
        let mut text = format!(
            r#"
[organisation]
name = "Kommunen"
timezone = "Europe/Stockholm"

[store]
folder = "{folder}/state"

[api]
socket = "{folder}/socket"

[[directory]]
name = "main"
source = "ldap"
urls = ["{url}"]
ca_file = "{dc_ca}"
bind_dn = "{READER}"
bind_password_file = "{folder}/bind_password"
bases = ["{ROOT_UNIT}"]
schedule = "0 3 1 1 *"
change_notification = false

[mail]
from = "Budkavle <budkavle@kommun.example>"
host = "{mail}"
port = {PORT}
security = "starttls"
ca_file = "{mail_ca}"
retry_first = "1s"

[roles.outage]
groups = ["outage-contacts"]

[contact_changes]
digest = "off"
"#,
            folder = self.path().display(),
            url = self.dc.ldaps_url(),
            dc_ca = self.dc.ca_file().display(),
            mail = self.post.address(),
            mail_ca = self.post.ca_file().display(),
        );
        change(&mut text);
        fs::write(self.path().join("budkavle.toml"), text).unwrap();
    }

    /// The password that Budkavle signs in with.
    pub fn set_password(&self, password: &str) {
        let file = self.path().join("bind_password");
        fs::write(&file, password).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The folder with the configuration and the state.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the daemon listens.
    pub fn socket(&self) -> PathBuf {
        self.path().join("socket")
    }

    /// Starts the daemon, and waits until it answers and the first sync has ended.
    pub fn start(&self) -> Daemon {
        let mut daemon = self.budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
        self.wait_for_runs(1);
        daemon
    }

    /// Waits until so many runs are in the history; gives the newest.
    pub fn wait_for_runs(&self, count: usize) -> Value {
        crate::servers::wait_until(&format!("{count} runs have ended"), PATIENCE, || {
            // The history knows a run an instant before its data is shown.
            let shown = self.get("/v1/status")["directories"][0]["last_run"]["id"].clone();
            let runs = self.get("/v1/runs");
            (runs.as_array().unwrap().len() >= count && runs[0]["id"] == shown).then(|| runs[0].clone())
        })
    }

    /// Syncs; gives the report.
    pub fn sync(&self, code: i32) -> Value {
        self.budkavle.run(&["sync", "--json"]).ended_with(code).json()[0].clone()
    }

    /// One GET of the API, without the program: for tests that ask thousands of times.
    ///
    /// # Panics
    /// When the answer isn't a 200 with JSON.
    pub fn get(&self, path: &str) -> Value {
        get(&self.socket(), path)
    }

    /// How many mails an address has got, once nothing is on its way any more: neither here nor in the mail server.
    pub fn mails_when_quiet(&self, address: &str) -> usize {
        crate::servers::wait_until("the outbox is empty", PATIENCE, || {
            let waiting = self.get("/v1/status")["outbox"].clone();
            let none = |state: &str| waiting[state].as_u64().unwrap_or(0) == 0;
            (none("queued") && none("sending") && none("deferred")).then_some(())
        });
        self.post.delivered().get(address).copied().unwrap_or(0)
    }

    /// The addresses of those who are told of outages: the members of the group, nested ones too, who can be reached.
    pub fn outage_contacts(&self) -> Vec<String> {
        let answer = self.get("/v1/contacts/of?role=outage");
        let mail = |contact: &Value| contact["mail"].as_str().unwrap().to_lowercase();
        let contacts: Vec<String> = answer["contacts"].as_array().unwrap().iter().map(mail).collect();
        assert!(!contacts.is_empty(), "nobody would be told: {answer}");
        contacts
    }

    /// Makes the usual people responsible: for everything, for the sync.
    pub fn assign_contacts(&self) {
        for (role, account) in [("global", "asa.oberg"), ("ad-sync", "soren.odegard")] {
            self.budkavle.run(&["contacts", "assign", role, "--user", account]).success();
        }
    }
}

/// One GET of the API of the daemon at a socket.
///
/// # Panics
/// When the answer isn't a 200 with JSON.
pub fn get(socket: &Path, path: &str) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: budkavle\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "GET {path}: {answer}");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("GET {path}: {error}: {body}"))
}

/// What came of a run, as a word.
pub fn outcome(run: &Value) -> &str {
    let outcome = &run["outcome"];
    outcome.as_str().unwrap_or_else(|| outcome.as_object().unwrap().keys().next().unwrap())
}

/// Escapes a part of a path or a query.
pub fn escape(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
