//! The real servers of the tests: a Samba domain controller or two that replicate, OpenLDAP, 389 Directory Server, Postfix and its
//! `smtp-sink`, Dovecot, and Budkavle itself as it is installed.
//!
//! Each instance has a folder of its own and, since a domain controller can't choose its ports, a loopback address of
//! its own (two that replicate have a network of their own). A guard ends it when it goes out of scope; the kernel ends it if the tests are killed.

pub mod account;
pub mod budkavle;
pub mod certs;
pub mod chromium;
pub mod dovecot;
pub mod ds389;
pub mod forest;
pub mod form;
pub mod ldif;
pub mod mail;
#[cfg(feature = "gssapi")]
pub mod middle;
pub mod network;
pub mod openldap;
pub mod postfix;
#[path = "../../local/postgres/server.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
pub mod postgres;
pub mod process;
pub mod samba;
pub mod web;

use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start or to stop: far longer than any does, on any machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A folder for one server or one test, removed with its guard. Everybody may enter it, as servers that give up root
/// must.
pub fn folder(name: &str) -> TempDir {
    tempfile::Builder::new()
        .prefix(&format!("budkavle-{name}-"))
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(run_folder().unwrap_or_else(std::env::temp_dir))
        .expect("a temporary folder")
}

/// The folder that `tests/run` removes when all tests have ended; `None` when Cargo runs the tests by itself.
fn run_folder() -> Option<PathBuf> {
    std::env::var_os("BUDKAVLE_TEST_DIR").map(PathBuf::from)
}

/// A loopback address on which these ports are free. No other server of this process gets it, nor does one of another
/// process: two of its numbers are from the process id. All of 127/8 is local to Linux, nothing has to be set up.
pub fn free_address(ports: &[u16]) -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    let (second, third) = ((process / 256 % 250 + 2) as u8, (process % 256) as u8);
    (0..u8::MAX)
        .map(|_| Ipv4Addr::new(127, second, third, NEXT.fetch_add(1, Ordering::Relaxed)))
        .filter(|address| ![0, 255].contains(&address.octets()[3]))
        .find(|address| ports.iter().all(|port| is_free(*address, *port)))
        .unwrap_or_else(|| panic!("no address is left on which the ports {ports:?} are free"))
}

fn is_free(address: Ipv4Addr, port: u16) -> bool {
    let bound = TcpListener::bind((address, port));
    let forbidden = bound.as_ref().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    assert!(!forbidden, "only root may listen on port {port}: run the tests by tests/run");
    bound.is_ok()
}

/// Waits for something that happens outside this process: asks again and again until there is an answer.
///
/// # Panics
/// When the deadline has passed, saying what was waited for.
pub fn wait_until<T>(what: &str, deadline: Duration, answer: impl FnMut() -> Option<T>) -> T {
    poll(deadline, answer).unwrap_or_else(|| panic!("waited {} s in vain until {what}", deadline.as_secs()))
}

/// Asks until there is an answer or the deadline has passed.
#[expect(clippy::disallowed_methods, reason = "a deadline for other processes, which have no clock of ours")]
fn poll<T>(deadline: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        match answer() {
            None if Instant::now() < end => thread::sleep(Duration::from_millis(20)),
            answer => return answer,
        }
    }
}

/// How often a test tries: as often as this variable says (`tests/soak` sets it), else `usual`.
pub fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |rounds| rounds.parse().unwrap())
}
