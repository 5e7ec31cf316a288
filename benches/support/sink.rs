//! Where the mails of a benchmark go.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::unistd::Uid;

/// Postfix's mail sink on a free port, ended with this value.
pub struct Sink {
    process: Child,
    pub port: u16,
}

impl Sink {
    pub fn start() -> Sink {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("smtp-sink");
        if Uid::effective().is_root() {
            command.args(["-u", "nobody"]); // it refuses to run as root
        }
        let process =
            command.args([&format!("127.0.0.1:{port}"), "1000"]).stdout(Stdio::null()).spawn().unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            sleep(Duration::from_millis(10));
        }
        Sink { process, port }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
