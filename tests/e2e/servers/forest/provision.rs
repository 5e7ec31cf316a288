//! Makes a domain with two controllers, once, and copies it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Forest, SECOND_HOST};
use crate::servers::ldif::{self, Record};
use crate::servers::network::{Namespace, Network};
use crate::servers::samba::provision::{TEMPLATE, cached, copy as copy_databases, finish, provision};
use crate::servers::samba::{ADMINISTRATOR_PASSWORD, HOST, Machine, Samba};
use crate::servers::{PATIENCE, folder, poll};
use crate::world::{BASE, Organisation};

/// The databases of the two, below the folder of the cache.
const PARTS: [&str; 2] = ["first", "second"];

/// Both controllers, started from a copy; they are made first if there are none yet.
pub fn copy(world: &Organisation) -> Forest {
    let original = cached("forest", world, |cache| make(cache, world));
    let addresses = fs::read_to_string(original.join("addresses")).unwrap();
    let old: Vec<Ipv4Addr> = addresses.lines().map(|line| line.parse().unwrap()).collect();

    let network = Network::new();
    let folders = PARTS.map(|part| {
        let folder = folder("samba");
        copy_databases(&original.join(part).join("private"), folder.path());
        fs::create_dir_all(folder.path().join("state")).unwrap();
        readdress(&folder.path().join("private/sam.ldb"), &old, &network.addresses());
        folder
    });
    start(network, folders)
}

fn start(network: Network, folders: [tempfile::TempDir; 2]) -> Forest {
    let ([one, two], [here, there]) = (network.addresses(), network.namespaces());
    let [first, second] = folders;
    let first = Samba::start_in(first, one, Machine { host: HOST, namespace: Some(here) });
    let second = Samba::start_in(second, two, Machine { host: SECOND_HOST, namespace: Some(there) });
    Forest { first, second, network }
}

/// Makes the domain at addresses that the copies won't have, and puts the databases into the cache.
fn make(cache: &Path, world: &Organisation) {
    let network = Network::new();
    let ([one, two], [here, there]) = (network.addresses(), network.namespaces());
    let folders = PARTS.map(|_| folder("samba"));
    provision(folders[0].path(), world, Some((here, one)));
    let [first, second] = folders;
    let first = Samba::start_in(first, one, Machine { host: HOST, namespace: Some(here) });
    join(second.path(), there, two);
    let second = Samba::start_in(second, two, Machine { host: SECOND_HOST, namespace: Some(there) });
    let mut forest = Forest { first, second, network };
    introduce(&forest);
    forest.wait_replicated();
    forest.wait_replicated_names();

    for (controller, part) in [&mut forest.first, &mut forest.second].into_iter().zip(PARTS) {
        controller.stop();
        fs::create_dir_all(cache.join(part)).unwrap();
        copy_databases(&controller.databases(), &cache.join(part));
    }
    fs::write(cache.join("addresses"), format!("{one}\n{two}\n")).unwrap();
}

/// Makes the databases of the second controller from those of the first, which runs.
fn join(folder: &Path, namespace: Namespace, address: Ipv4Addr) {
    let template = folder.join("provision.conf");
    fs::write(&template, TEMPLATE).unwrap();
    let mut join = namespace.command("samba-tool");
    join.args(["domain", "join", "AD.KOMMUN.EXAMPLE", "DC", "--realm=AD.KOMMUN.EXAMPLE", "-W", "KOMMUN"]);
    join.arg(format!("-UKOMMUN\\administrator%{ADMINISTRATOR_PASSWORD}")).arg(format!("--server={HOST}"));
    join.arg(format!("--targetdir={}", folder.display())).arg("--configfile").arg(template);
    join.args(["--backend-store=mdb", "--dns-backend=SAMBA_INTERNAL", "--option=ldb:nosync=yes"]);
    join.args(["--option=netbios name=DC2", "--option=bind interfaces only=yes"]);
    join.arg(format!("--option=interfaces={address}/32"));
    finish(&mut join, folder);
}

/// What Samba would do by itself, some minutes later: the names of both for Kerberos and in the name service, and who
/// fetches from whom.
fn introduce(forest: &Forest) {
    // A controller that has just been started may be busy with the same.
    let succeed = |command: &mut Command| {
        let mut complaint = String::new();
        poll(PATIENCE, || {
            let done = command.output().unwrap();
            complaint = String::from_utf8_lossy(&done.stderr).into_owned();
            done.status.success().then_some(())
        })
        .unwrap_or_else(|| panic!("{command:?}: {complaint}"));
    };
    let controllers = [&forest.first, &forest.second];
    for controller in controllers {
        succeed(&mut controller.tool("samba_spnupdate", &[]));
        succeed(&mut controller.tool("samba_dnsupdate", &["--use-samba-tool"]));
    }
    for controller in controllers {
        let mut consult = controller.tool("samba-tool", &["drs", "kcc", controller.host()]);
        succeed(consult.arg(format!("-Uadministrator%{ADMINISTRATOR_PASSWORD}")));
    }
}

/// Gives the names of the domain the new addresses, in the database of a controller that doesn't run.
fn readdress(database: &Path, old: &[Ipv4Addr], new: &[Ipv4Addr]) {
    for zone in ["DomainDnsZones", "ForestDnsZones"] {
        let mut search = Command::new("ldbsearch");
        search.arg("-H").arg(database).args([
            "-b",
            &format!("DC={zone},{BASE}"),
            "(dnsRecord=*)",
            "dnsRecord",
        ]);
        let found = search.output().expect("ldb-tools are installed");
        let text = String::from_utf8(found.stdout).unwrap().replace("\n ", "");
        let changes: String = ldif::parse(&text).iter().filter_map(|entry| moved(entry, old, new)).collect();

        let mut modify = Command::new("ldbmodify");
        modify.arg("-H").arg(database).arg("--nosync").stdin(Stdio::piped()).stdout(Stdio::null());
        let mut modify = modify.spawn().unwrap();
        std::io::Write::write_all(&mut modify.stdin.take().unwrap(), changes.as_bytes()).unwrap();
        assert!(modify.wait().unwrap().success(), "ldbmodify of {zone}");
    }
}

/// The change of a name that has one of the old addresses.
fn moved(entry: &ldif::Entry, old: &[Ipv4Addr], new: &[Ipv4Addr]) -> Option<String> {
    let mut changed = false;
    let values: Vec<Vec<u8>> = entry.attributes["dnsrecord"]
        .iter()
        .map(|record| {
            // MS-DNSP 2.3.2.2: the length of the data, the type (1 is an address), …, and from byte 24 on the data.
            let mut record = record.clone();
            let here =
                old.iter().position(|address| record[2..4] == [1, 0] && record[24..] == address.octets());
            if let Some(index) = here {
                record[24..].copy_from_slice(&new[index].octets());
                changed = true;
            }
            record
        })
        .collect();
    changed.then(|| Record::modify(&entry.dn, "replace", "dnsRecord", values).to_ldif())
}
