//! A directory that isn't Active Directory: read whole, then by what changed, as RFC 4533 or the time of the last change tells.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::budkavle::{Budkavle, Daemon, changes};
use crate::servers::ldif::Record;
use crate::servers::openldap::content::{POSIX_GROUPS, POSIX_PEOPLE};
use crate::servers::openldap::{OpenLdap, READER, READER_PASSWORD};
use crate::servers::{PATIENCE, folder, wait_until};
use crate::site::outcome;
use crate::world::{BASE, Organisation, ROOT_UNIT};

/// Budkavle with a server of this kind, synced by hand.
pub(super) struct Place<S> {
    pub server: S,
    pub budkavle: Budkavle,
    folder: TempDir,
}

impl<S> Place<S> {
    /// One whose server has this URL and this authority's certificate.
    pub fn at(server: S, url: &str, ca: &Path, schema: &str, base: &str) -> Place<S> {
        let folder = folder("openldap-site");
        let path = folder.path().display();
        let password = folder.path().join("bind_password");
        fs::write(&password, READER_PASSWORD).unwrap();
        fs::set_permissions(password, fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            r#"
[organisation]
name = "Kommunen"
[store]
folder = "{path}/state"
[api]
socket = "{path}/socket"
[[directory]]
name = "main"
source = "ldap"
schema = "{schema}"
attributes.unit_manager = "seeAlso"
urls = ["{url}"]
ca_file = "{ca}"
bind_dn = "{READER}"
bind_password_file = "{path}/bind_password"
bases = ["{base}"]
schedule = "0 3 1 1 *"
whole_read_schedule = "0 4 1 1 *"
[mail]
from = "Budkavle <budkavle@kommun.example>"
transport = "file"
folder = "{path}/mails"
[roles.outage]
groups = ["outage-contacts"]
"#,
            ca = ca.display(),
        );
        fs::write(folder.path().join("budkavle.toml"), text).unwrap();
        Place { server, budkavle: Budkavle::new(folder.path()), folder }
    }

    /// Adds keys to the directory, before the start.
    pub fn configure(&self, keys: &str) {
        let file = self.folder.path().join("budkavle.toml");
        let text = fs::read_to_string(&file).unwrap().replace("[mail]", &format!("{keys}\n[mail]"));
        fs::write(file, text).unwrap();
    }

    pub fn start(&self) -> Daemon {
        let mut daemon = self.budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
        wait_until("the first sync has ended", PATIENCE, || {
            let runs = self.budkavle.json(&["sync", "history"]);
            (!runs.as_array().unwrap().is_empty()).then_some(())
        });
        daemon
    }

    pub fn sync(&self, arguments: &[&str]) -> Value {
        let arguments = [&["sync", "--json"], arguments].concat();
        self.budkavle.run(&arguments).ended_with(0).json()[0].clone()
    }
}

impl Place<OpenLdap> {
    fn new(server: OpenLdap, schema: &str, base: &str) -> Place<OpenLdap> {
        let (url, ca) = (server.ldaps_url(), server.ca_file().to_owned());
        Place::at(server, &url, &ca, schema, base)
    }

    /// Lets a certificate say who reads, and nothing else, before the start.
    fn sign_in_by_certificate(&self) {
        let file = self.folder.path().join("budkavle.toml");
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("bind_")).collect();
        fs::write(file, lines.join("\n")).unwrap();
        fs::remove_file(self.folder.path().join("bind_password")).unwrap();
        let client = self.server.client_certificate();
        self.configure(&format!(
            "sign_in = \"external\"\nclient_certificate_file = \"{}\"\nclient_key_file = \"{}\"",
            client.cert.display(),
            client.key.display()
        ));
    }

    /// Waits until a group names this member: the server mends references behind the change.
    fn wait_for_member(&self, group: &str, dn: &str) {
        let holds =
            |member: String| crate::servers::ldif::decode_dn(&member) == crate::servers::ldif::decode_dn(dn);
        wait_until("the reference follows", PATIENCE, || {
            let entry = self.server.reader().read(group, &["member"]).unwrap();
            entry.texts("member").into_iter().any(holds).then_some(())
        });
    }
}

pub(super) fn human(dn: &str, account: &str) -> Record {
    Record::add(dn, "inetOrgPerson").value("uid", account).value("sn", account)
}

#[test]
fn what_changed_is_told_by_the_server() {
    for remembered in [1_000, 0] {
        let world = Organisation::generate(100, 30);
        let place = Place::new(OpenLdap::start(&world, remembered), "inetorgperson", ROOT_UNIT);
        let _daemon = place.start();
        let first = &place.budkavle.json(&["sync", "history"])[0];
        assert_eq!((&first["mode"], &first["mode_reason"]), (&"full".into(), &"first".into()), "{first}");
        assert_eq!(first["counts"]["users"]["added"], 100);
        assert_eq!(first["counts"]["units"]["added"], 30);
        let sync = || place.budkavle.followed("content_sync");
        assert_eq!(sync(), [""; 0]);

        let admin = place.server.administrator();
        let person = |n: usize| world.dn(&world.people[n]);
        admin.replace(&person(10), "telephoneNumber", &["+46 8 999 000 11"]);
        assert_eq!(sync().len(), 1);
        admin.replace(&person(10), "telephoneNumber", &[]);
        admin.replace(&person(12), "manager", &[&person(13)]);
        assert_eq!(sync().len(), 2);

        // Somebody new, whom a group already names; then in other places and by other names.
        let group = world.group_dn("outage-duty");
        let new = format!("CN=Nyanställd,{}", world.unit_dn(3));
        admin.change_member("add", &group, &new);
        sync();
        admin.change(&[], &[human(&new, "nyanstalld")]);
        assert_eq!(sync(), ["group changed outage-duty", "user added Nyanställd"]);
        let new = admin.rename(&new, "Annan, Någon <ny>");
        place.wait_for_member(&group, &new);
        assert_eq!(sync(), ["user changed Annan, Någon <ny>"]);
        let new = admin.move_to(&new, &world.unit_dn(5));
        place.wait_for_member(&group, &new);
        assert_eq!(sync(), ["user changed Annan, Någon <ny>"]);
        admin.delete([new.as_str()]);
        assert_eq!(sync(), ["group changed outage-duty", "user removed Annan, Någon <ny>"]);

        // A unit with people below: of these nothing is told.
        let unit = format!("OU=Nybildad,{}", world.unit_dn(3));
        admin.change(&[], &[Record::add(&unit, "organizationalUnit")]);
        let inside = format!("CN=Inne,{unit}");
        admin.change(&[], &[human(&inside, "inne")]);
        admin.change_member("add", &group, &inside);
        assert_eq!(sync(), ["group changed outage-duty", "unit added Nybildad", "user added Inne"]);
        let unit = admin.rename(&unit, "Ombildad");
        place.wait_for_member(&group, &format!("CN=Inne,{unit}"));
        assert_eq!(sync(), ["unit changed Ombildad"]);
        let unit = admin.move_to(&unit, &world.unit_dn(2));
        place.wait_for_member(&group, &format!("CN=Inne,{unit}"));
        assert_eq!(sync(), ["unit changed Ombildad"]);
        let unit = admin.move_to(&unit, BASE);
        place.wait_for_member(&group, &format!("CN=Inne,{unit}"));
        assert_eq!(sync(), ["group changed outage-duty", "unit removed Ombildad", "user removed Inne"]);
        let unit = admin.move_to(&unit, &world.unit_dn(1));
        place.wait_for_member(&group, &format!("CN=Inne,{unit}"));
        assert_eq!(sync(), ["group changed outage-duty", "unit came_back Ombildad", "user came_back Inne"]);

        // Groups that name their members with bits behind, and groups themselves.
        let unique = format!("CN=Unika,{unit}");
        let members = [person(20), format!("{}#'0101'B", person(21))];
        admin.change(&[], &[Record::add(&unique, "groupOfUniqueNames").values("uniqueMember", members)]);
        assert_eq!(sync(), ["group added Unika"]);
        admin.delete([unique.as_str()]);
        assert_eq!(sync(), ["group removed Unika"]);
    }
}

#[test]
fn a_server_that_was_put_back_is_read_whole() {
    let world = Organisation::generate(50, 20);
    let mut place = Place::new(OpenLdap::start(&world, 1_000), "inetorgperson", ROOT_UNIT);
    let _daemon = place.start();
    place.server.keep();
    let dn = world.dn(&world.people[10]);
    place.server.administrator().replace(&dn, "title", &["Rektor"]);
    assert_eq!(place.budkavle.followed("content_sync").len(), 1);
    place.server.put_back();
    let report = place.sync(&[]);
    assert_eq!((&report["run"]["mode"], &report["run"]["mode_reason"]), (&"full".into(), &"restored".into()));
    assert_eq!(changes(&report).len(), 1);
    assert_eq!(place.budkavle.followed("content_sync"), [""; 0]);
}

#[test]
fn who_shows_a_certificate_reads_everything_and_then_what_changed() {
    let world = Organisation::generate(50, 20);
    let place = Place::new(OpenLdap::start(&world, 1_000), "inetorgperson", ROOT_UNIT);
    place.sign_in_by_certificate();
    let _daemon = place.start();
    let first = &place.budkavle.json(&["sync", "history"])[0];
    assert_eq!((&first["mode"], outcome(first)), (&"full".into(), "committed"), "{first}");
    assert_eq!(first["counts"]["users"]["added"], 50, "{first}");
    let admin = place.server.administrator();
    admin.replace(&world.dn(&world.people[10]), "title", &["Rektor"]);
    let name = &world.people[10].display_name;
    assert_eq!(place.budkavle.followed("content_sync"), [format!("user changed {name}")]);
    admin.delete([world.dn(&world.people[11]).as_str()]);
    let changes = place.budkavle.followed("content_sync");
    assert!(changes.contains(&format!("user removed {}", world.people[11].display_name)), "{changes:?}");
}

#[test]
fn accounts_of_unix_are_read_and_followed() {
    let world = Organisation::generate(60, 20);
    let place = Place::new(OpenLdap::start(&world, 1_000), "rfc2307", "OU=posix,DC=ad,DC=kommun,DC=example");
    let _daemon = place.start();
    let first = &place.budkavle.json(&["sync", "history"])[0];
    assert_eq!(first["counts"]["users"]["added"], 60, "{first}");
    let sync = || place.budkavle.followed("content_sync");
    let admin = place.server.administrator();
    let account = &world.people[7].account;
    let group = format!("CN=outage-duty,{POSIX_GROUPS}");
    assert!(!world.groups.iter().any(|g| g.name == "outage-duty" && g.members.contains(&7)));
    admin.change(&[], &[Record::modify(&group, "add", "memberUid", [account.clone()])]);
    assert_eq!(sync(), ["group changed outage-duty"]);
    // With the account's name the membership goes, and comes back with it: nothing is told of the group.
    let dn = format!("uid={account},{POSIX_PEOPLE}");
    let renamed = admin.rename(&dn, "annat.konto");
    let name = &world.people[7].display_name;
    let both = ["group changed all-staff", "group changed outage-duty", &format!("user changed {name}")];
    assert_eq!(sync(), both);
    admin.rename(&renamed, account);
    assert_eq!(sync(), both);
    admin.replace(&dn, "shadowExpire", &["1"]);
    assert_eq!(sync().len(), 1);
}

#[test]
fn without_being_told_the_times_of_changes_do() {
    let world = Organisation::generate(50, 20);
    let place = Place::new(OpenLdap::start_silent(&world), "inetorgperson", ROOT_UNIT);
    let _daemon = place.start();
    let sync = || place.budkavle.followed("modify_timestamp");
    assert_eq!(sync(), [""; 0]);
    let admin = place.server.administrator();
    let dn = world.dn(&world.people[10]);
    admin.replace(&dn, "title", &["Rektor"]);
    assert_eq!(sync().len(), 1);
    // What is deleted shows when everything is read.
    admin.delete([dn.as_str()]);
    let report = place.sync(&[]);
    assert_eq!(report["run"]["mode"], "modify_timestamp");
    assert!(!changes(&report).iter().any(|line| line.starts_with("user removed")), "{report}");
    let report = place.sync(&["--full"]);
    assert!(changes(&report).iter().any(|line| line.starts_with("user removed")), "{report}");
    let unit = admin.rename(&world.unit_dn(world.unit("Personal")), "Personal + lön");
    assert_eq!(sync().iter().filter(|line| line.starts_with("unit changed")).count(), 1, "{unit}");
}

#[test]
fn units_of_an_attribute_and_what_is_left_out_are_followed_there_too() {
    let world = Organisation::generate(50, 20);
    let place = Place::new(OpenLdap::start(&world, 1_000), "inetorgperson", ROOT_UNIT);
    let admin = place.server.administrator();
    let outside = format!("OU=Utanför,{ROOT_UNIT}");
    admin.change(&[], &[Record::add(&outside, "organizationalUnit")]);
    admin.change(&[], &[human(&format!("CN=Dold,{outside}"), "dold")]);
    place.configure(&format!(
        "exclude = [\"{outside}\"]\nunits = {{ from = \"attribute\", attribute = \"departmentNumber\" }}"
    ));
    let _daemon = place.start();
    let first = &place.budkavle.json(&["sync", "history"])[0];
    assert_eq!(first["counts"]["users"]["added"], 50, "{first}");
    let sync = || place.budkavle.followed("content_sync");
    let person = |n: usize| world.dn(&world.people[n]);
    let name = |n: usize| &world.people[n].display_name;
    admin.replace(&person(10), "departmentNumber", &["Växel"]);
    let changes = sync();
    assert!(changes.contains(&"unit added Växel".to_owned()), "{changes:?}");
    assert!(changes.contains(&format!("user changed {}", name(10))), "{changes:?}");
    admin.replace(&person(11), "departmentNumber", &["Växel"]);
    let changes = sync();
    assert!(changes.contains(&format!("user changed {}", name(11))), "{changes:?}");
    let moved = admin.move_to(&person(10), &outside);
    let changes = sync();
    assert!(changes.contains(&format!("user removed {}", name(10))), "{changes:?}");
    assert!(!changes.contains(&"unit removed Växel".to_owned()), "{changes:?}");
    admin.move_to(&moved, &world.unit_dn(5));
    let changes = sync();
    assert!(changes.contains(&format!("user came_back {}", name(10))), "{changes:?}");
}
