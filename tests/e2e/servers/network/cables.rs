//! A machine that each of several others reaches by a cable of its own, which can be pulled out.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::{FORGET, Namespace, free_addresses, ip};
use crate::servers::folder;
use crate::servers::process::Process;

/// A network namespace and the cables to it. Nothing of it has to be removed, as with [`super::Network`].
pub struct Cables {
    addresses: Vec<Ipv4Addr>,
    // It ends before its folder goes.
    holder: Process,
    _folder: TempDir,
}

impl Cables {
    /// With so many cables, all of which are plugged in.
    pub fn new(count: usize) -> Cables {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = folder("cables");
        let ready = folder.path().join("ready");
        let script =
            format!("set -e; ip link set lo up; {FORGET}; : >{}; exec sleep infinity", ready.display());
        let unshare = |command: &mut Command| {
            command.args(["--net", "sh", "-c", &script]);
        };
        let mut holder = Process::start("unshare", unshare, &folder.path().join("cables.log"));
        holder.wait_until_ready(|| ready.exists().then_some(()));
        let machine = Namespace { holder: holder.id() };
        let here = || Command::new("ip");
        let name = format!("bc{:x}n{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let lay = |n: usize| {
            let [far, near, _] = free_addresses();
            let end = format!("{name}{}", char::from(b'a' + n as u8));
            ip(&mut here(), &format!("link add {end} type veth peer name cable{n} netns {}", machine.holder));
            ip(&mut here(), &format!("addr add {near} peer {far} dev {end}"));
            ip(&mut here(), &format!("link set {end} up"));
            ip(&mut machine.command("ip"), &format!("addr add {far} peer {near} dev cable{n}"));
            ip(&mut machine.command("ip"), &format!("link set cable{n} up"));
            far
        };
        let addresses = (0..count).map(lay).collect();
        Cables { addresses, holder, _folder: folder }
    }

    /// The machine at their end.
    pub fn machine(&self) -> Namespace {
        Namespace { holder: self.holder.id() }
    }

    /// Its address by each of the cables.
    pub fn addresses(&self) -> &[Ipv4Addr] {
        &self.addresses
    }

    /// Pulls the plug of one, or puts it in again. What was connected by it isn't told.
    pub fn connect(&self, cable: usize, connected: bool) {
        let state = if connected { "up" } else { "down" };
        ip(&mut self.machine().command("ip"), &format!("link set cable{cable} {state}"));
    }
}
