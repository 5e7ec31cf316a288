//! Which of two real controllers is read: found by DNS, kept to, and left when it dies.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::budkavle::{Budkavle, Daemon};
use crate::servers::forest::{Forest, SECOND_HOST, SITE};
use crate::servers::samba::{HOST, READER, READER_PASSWORD, Samba};
use crate::servers::{PATIENCE, folder, wait_until};
use crate::site::outcome;
use crate::world::{Organisation, ROOT_UNIT};

/// Budkavle with a forest; its mails go into a folder.
pub(super) struct Place {
    pub forest: Forest,
    pub budkavle: Budkavle,
    folder: TempDir,
}

impl Place {
    pub(super) fn new(world: &Organisation) -> Place {
        let (forest, folder) = (Forest::start(world), folder("place"));
        std::fs::create_dir(folder.path().join("mails")).unwrap();
        let password = folder.path().join("bind_password");
        std::fs::write(&password, READER_PASSWORD).unwrap();
        std::fs::set_permissions(password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let place = Place { forest, budkavle: Budkavle::new(folder.path()), folder };
        place.configure(place.forest.first(), "");
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Names the domain, and this controller as the DNS server.
    fn configure(&self, dns_server: &Samba, more: &str) {
        let text = format!(
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
domain = "ad.kommun.example"
dns_server = "{dns}"
ca_file = "{ca}"
bind_dn = "{READER}"
bind_password_file = "{folder}/bind_password"
bases = ["{ROOT_UNIT}"]
schedule = "0 3 1 1 *"
change_notification = false
connect_timeout = "5s"
{more}
[mail]
from = "Budkavle <budkavle@kommun.example>"
transport = "file"
folder = "{folder}/mails"
"#,
            folder = self.path().display(),
            dns = dns_server.address(),
            ca = self.forest.first().ca_file().display(),
        );
        std::fs::write(self.path().join("budkavle.toml"), text).unwrap();
    }

    pub(super) fn start(&self) -> Daemon {
        let mut daemon = self.budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
        wait_until("the run of the start has ended", PATIENCE, || {
            let runs = self.budkavle.json(&["sync", "history"]);
            (!runs.as_array().unwrap().is_empty()).then_some(())
        });
        daemon
    }

    fn reload(&self, daemon: &Daemon) {
        let lines = || daemon.log().matches("was reloaded").count();
        let before = lines();
        daemon.reload();
        wait_until("the daemon has reloaded", PATIENCE, || (lines() > before).then_some(()));
    }

    /// Names both controllers by their addresses, the first first.
    pub(super) fn name_both(&self) {
        let file = self.path().join("budkavle.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let named = |line: &&str| !line.starts_with("domain = ") && !line.starts_with("dns_server = ");
        let both = [self.forest.first(), self.forest.second()].map(Samba::ldaps_url);
        let urls = format!("source = \"ldap\"\nurls = {both:?}");
        let lines: Vec<&str> = text.lines().filter(named).collect();
        std::fs::write(file, lines.join("\n").replace("source = \"ldap\"", &urls)).unwrap();
    }

    /// Syncs what changed; gives the report, its server by name.
    pub(super) fn sync_changes(&self, code: i32) -> Value {
        self.report(&["sync", "--json"], code)
    }

    /// What a whole read would change.
    pub(super) fn dry_run_of_everything(&self) -> Value {
        self.report(&["sync", "--json", "--dry-run", "--full"], 0)
    }

    fn report(&self, arguments: &[&str], code: i32) -> Value {
        let mut report = self.budkavle.run(arguments).ended_with(code).json()[0].clone();
        for dc in [self.forest.first(), self.forest.second()] {
            if report["run"]["server"] == *dc.ldaps_url() {
                report["run"]["server"] = format!("ldaps://{}", dc.host()).into();
            }
        }
        report
    }

    /// Everybody who is known, by name.
    pub(super) fn names(&self) -> Vec<String> {
        let users = self.budkavle.json(&["user", "list", "--limit", "10000"]);
        let users =
            users["items"].as_array().or_else(|| users.as_array()).unwrap_or_else(|| panic!("{users}"));
        let mut names: Vec<String> = users.iter().map(|user| user["name"].to_string()).collect();
        names.sort();
        names
    }

    /// Syncs; gives the run.
    pub(super) fn sync(&self, code: i32) -> Value {
        self.budkavle.run(&["sync", "--full", "--json"]).ended_with(code).json()[0]["run"].clone()
    }

    /// The number of the controller that a run was read from, and of the other.
    pub(super) fn read_from(run: &Value) -> (usize, usize) {
        let hosts = [HOST, SECOND_HOST].map(|host| format!("ldaps://{host}"));
        let read = hosts.iter().position(|host| run["server"] == **host).unwrap_or_else(|| panic!("{run}"));
        (read, 1 - read)
    }

    fn controller(&self, number: usize) -> &Samba {
        if number == 0 { self.forest.first() } else { self.forest.second() }
    }

    fn controller_mut(&mut self, number: usize) -> &mut Samba {
        if number == 0 { self.forest.first_mut() } else { self.forest.second_mut() }
    }

    /// Syncs, and calls `midway` when some has been read; gives the run.
    fn sync_and(&mut self, midway: impl FnOnce(&mut Place)) -> Value {
        let mut stream = UnixStream::connect(self.path().join("socket")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let body = r#"{"full":true}"#;
        write!(
            stream,
            "POST /v1/sync HTTP/1.0\r\nHost: budkavle\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut midway = Some(midway);
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            if line["progress"]["progress"]["users"].as_u64().is_some_and(|users| users > 100) {
                midway.take().into_iter().for_each(|midway| midway(self));
            }
            if line["report"].is_object() {
                assert!(midway.is_none(), "the read was over before anything could happen");
                return line["report"]["run"].clone();
            }
        }
        panic!("the sync has no end");
    }
}

#[test]
fn the_controllers_of_a_domain_are_found_one_is_kept_to_and_the_other_read_when_it_is_gone() {
    let mut place = Place::new(&Organisation::generate(600, 40));
    let check = place.budkavle.run(&["check", "--online"]).success().stdout;
    for words in [HOST, SECOND_HOST, &format!("this machine is in the site {SITE}"), "would be read"] {
        assert!(check.contains(words), "{words} is not in: {check}");
    }

    let daemon = place.start();
    let (read, other) = Place::read_from(&place.sync(0));
    // DNS gives them in any order: ten runs at the same one are no chance.
    for _ in 0..10 {
        assert_eq!(Place::read_from(&place.sync(0)).0, read);
    }
    place.configure(place.controller(other), "");
    place.reload(&daemon);
    assert_eq!(Place::read_from(&place.sync(0)).0, read, "it is kept to over a reload");

    place.controller_mut(read).stop();
    let run = place.sync(0);
    assert_eq!((Place::read_from(&run).0, outcome(&run)), (other, "unchanged"));
    let failed = [HOST, SECOND_HOST][read];
    assert!(daemon.log().contains("is left alone") && daemon.log().contains(failed), "{}", daemon.log());
    place.controller_mut(read).resume();
    assert_eq!(Place::read_from(&place.sync(0)).0, other, "it works, so it is kept to");
}

#[test]
fn a_controller_that_dies_in_mid_read_is_no_end_of_the_run() {
    let mut place = Place::new(&Organisation::generate(600, 40));
    let daemon = place.start();
    let run = place.sync(0);
    let (read, other) = Place::read_from(&run);
    // One object at a time, from the one that was read, by the other's DNS.
    place.configure(place.controller(other), "page_size = 1");
    place.reload(&daemon);
    let users = run["counts"]["users"]["read"].clone();
    let run = place.sync_and(|place| place.controller_mut(read).stop());
    assert_eq!((Place::read_from(&run).0, outcome(&run)), (other, "unchanged"), "{}", daemon.log());
    assert_eq!(run["counts"]["users"]["read"], users);
}

#[test]
fn the_controller_of_the_own_site_comes_first() {
    let place = Place::new(&Organisation::generate(80, 20));
    place.forest.put_tests_and_second_into_site("Norr");
    // Without the site, each would come first in half of the tries.
    let second_is_first = || {
        let check = place.budkavle.run(&["check", "--online"]).success().stdout;
        let first = check.lines().find(|line| line.contains("would be read"));
        check.contains("this machine is in the site Norr")
            && first.is_some_and(|line| line.contains(SECOND_HOST))
    };
    wait_until("both controllers know the site", PATIENCE, || {
        (0..10).all(|_| second_is_first()).then_some(())
    });
    let _daemon = place.start();
    assert_eq!(Place::read_from(&place.sync(0)).0, 1);
}
