//! A small network for two servers that must be two machines to each other: a network namespace for each, a cable
//! between them, and a cable from each to the tests.
//!
//! Nothing of it has to be removed, not even after a kill: the namespaces have no names, so they last as long as a
//! process is in them, and the tests' ends of the cables go with the other ends. Needs root, and `ip` of iproute2.

pub mod cables;

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::folder;
use super::process::Process;

/// A connection whose other side is gone would keep its namespace for two minutes.
const FORGET: &str = "echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries || true";

/// Two namespaces, and their addresses as everybody sees them: each other, and the tests.
pub struct Network {
    addresses: [Ipv4Addr; 2],
    // Each is held by a process that does nothing; they end before their folder goes.
    holders: [Process; 2],
    _folder: TempDir,
}

/// Where a server runs: in one of the namespaces of a [`Network`].
#[derive(Debug, Clone, Copy)]
pub struct Namespace {
    /// The process that holds it.
    holder: u32,
}

impl Network {
    /// Two machines that know no names but those that their own name servers give: they ask each other's address, the
    /// first's before the second's.
    pub fn new() -> Self {
        let folder = folder("network");
        let [first, second, tests] = free_addresses();
        let resolv = folder.path().join("resolv.conf");
        fs::write(&resolv, format!("nameserver {first}\nnameserver {second}\noptions timeout:2\n")).unwrap();
        let hosts = folder.path().join("hosts");
        fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();

        let hold = |name: &str| {
            let ready = folder.path().join(name);
            let script = format!(
                "set -e; mount --bind {resolv} /etc/resolv.conf; mount --bind {hosts} /etc/hosts; ip link set lo up; {FORGET}; \
                 : >{ready}; exec sleep infinity",
                resolv = resolv.display(),
                hosts = hosts.display(),
                ready = ready.display(),
            );
            let unshare = |command: &mut Command| {
                command.args(["--net", "--mount", "sh", "-c", &script]);
            };
            let mut holder = Process::start("unshare", unshare, &folder.path().join("network.log"));
            holder.wait_until_ready(|| ready.exists().then_some(()));
            holder
        };
        let holders = [hold("first"), hold("second")];
        let network = Self { addresses: [first, second], holders, _folder: folder };
        network.lay_cables(tests);
        network
    }

    /// The address of the first and of the second machine.
    pub fn addresses(&self) -> [Ipv4Addr; 2] {
        self.addresses
    }

    /// The block that all addresses are in, those of the tests too: `198.18.0.0/30`.
    pub fn block(&self) -> String {
        format!("{}/30", self.addresses[0])
    }

    /// The first and the second machine.
    pub fn namespaces(&self) -> [Namespace; 2] {
        self.holders.each_ref().map(|holder| Namespace { holder: holder.id() })
    }

    /// Pulls the plug of the cable between the two (the tests still reach both), or puts it in again.
    pub fn connect_each_other(&self, connected: bool) {
        let [first, _] = self.namespaces();
        ip(&mut first.command("ip"), &format!("link set other {}", if connected { "up" } else { "down" }));
    }

    fn lay_cables(&self, tests: Ipv4Addr) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let cable = format!("bk{:x}n{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let [first, second] = self.namespaces();
        let here = || Command::new("ip");

        let between = format!("link add other type veth peer name other netns {}", second.holder);
        ip(&mut first.command("ip"), &between);
        for (index, machine) in [first, second].into_iter().enumerate() {
            let (own, other) = (self.addresses[index], self.addresses[1 - index]);
            let end = format!("{cable}{}", ["a", "b"][index]);
            ip(&mut here(), &format!("link add {end} type veth peer name tests netns {}", machine.holder));
            ip(&mut here(), &format!("addr add {tests} peer {own} dev {end}"));
            ip(&mut here(), &format!("link set {end} up"));
            for (cable, peer) in [("tests", tests), ("other", other)] {
                ip(&mut machine.command("ip"), &format!("addr add {own} peer {peer} dev {cable}"));
                ip(&mut machine.command("ip"), &format!("link set {cable} up"));
            }
        }
    }
}

impl Namespace {
    /// A program that runs in it. It starts in the folder `/`.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(self.arguments()).arg(program);
        command
    }

    /// What `nsenter` is given before the program.
    pub fn arguments(&self) -> [String; 5] {
        ["--target", &self.holder.to_string(), "--net", "--mount", "--"].map(str::to_owned)
    }
}

/// Three neighbours of 198.18.0.0/15, which is for tests of networks (RFC 2544) and in use nowhere. No other network
/// of this process gets them, nor does one of another process: the place to begin is from the process id.
fn free_addresses() -> [Ipv4Addr; 3] {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const BLOCKS: u32 = 1 << 15; // of four addresses
    let base = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    let taken = Command::new("ip")
        .args(["-4", "-oneline", "address", "show"])
        .output()
        .expect("iproute2 is installed");
    let taken = String::from_utf8_lossy(&taken.stdout).into_owned();
    (0..BLOCKS)
        .map(|_| (std::process::id() * 8 + NEXT.fetch_add(1, Ordering::Relaxed)) % BLOCKS)
        .map(|block| [1, 2, 3].map(|host| Ipv4Addr::from(base + block * 4 + host - 1)))
        .find(|addresses| addresses.iter().all(|address| !taken.contains(&format!(" {address} "))))
        .expect("a block of addresses is free")
}

fn ip(command: &mut Command, arguments: &str) {
    let done = command.args(arguments.split(' ')).output().expect("iproute2 is installed");
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "ip {arguments}: {complaint}");
}
