//! Budkavle without a domain controller: people from a file, outage contacts from a list. For tests of the store and of sending.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::budkavle::Budkavle;
use crate::servers::folder;
use crate::servers::postfix::PORT;
use crate::site::get;

/// Where the store lies, relative to the folder.
pub const STATE: &str = "disk/state";

/// The program with its configuration. The daemon isn't running yet.
pub struct Alone {
    pub budkavle: Budkavle,
    folder: TempDir,
}

impl Alone {
    /// Its mail goes to a server at this address, in plain text.
    pub fn new(mail: Ipv4Addr) -> Self {
        let folder = folder("alone");
        let organisation = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo/organisation.ldif");
        let text = format!(
            r#"
[organisation]
name = "Kommunen"
timezone = "Europe/Stockholm"

[store]
folder = "{STATE}"

[api]
socket = "socket"

[[directory]]
name = "main"
source = "ldif"
file = "{organisation}"
schedule = "0 3 1 1 *"

[mail]
from = "Budkavle <budkavle@kommun.example>"
host = "{mail}"
port = {PORT}
security = "plain"

[contact_changes]
digest = "off"
"#,
            organisation = organisation.display(),
        );
        fs::write(folder.path().join("budkavle.toml"), text).unwrap();
        Self { budkavle: Budkavle::new(folder.path()), folder }
    }

    /// Makes so many people outside of the directory outage contacts; gives their addresses.
    pub fn assign_contacts(&self, count: usize) -> Vec<String> {
        let addresses: Vec<String> = (0..count).map(|n| format!("contact.{n}@kommun.example")).collect();
        let mut list = "role,name,mail\n".to_owned();
        for address in &addresses {
            writeln!(list, "outage,{address},{address}").unwrap();
        }
        let file = self.path().join("contacts.csv");
        fs::write(&file, list).unwrap();
        self.budkavle.run(&["contacts", "import", &file.display().to_string()]).success();
        addresses
    }

    /// The folder with the configuration and the state.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// One GET of the API.
    pub fn get(&self, path: &str) -> Value {
        get(&self.path().join("socket"), path)
    }

    /// How many messages have not left.
    pub fn waiting(&self) -> u64 {
        let outbox = &self.get("/v1/status")["outbox"];
        ["queued", "sending", "deferred"].iter().map(|state| outbox[state].as_u64().unwrap_or(0)).sum()
    }
}
