//! A real IMAP server: Dovecot, over maildirs that somebody else fills.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::certs::{AUTHORITY, CertFiles, Validity};
use super::process::Process;
use super::{folder, free_address};

/// TLS from the first byte.
pub const TLS_PORT: u16 = 2993;
/// STARTTLS; nobody signs in without.
pub const PORT: u16 = 2143;
/// Everybody's password.
pub const PASSWORD: &str = "Im\"ap.\\Password";
const HOST: &str = "imap.kommun.example";

/// A running server.
pub struct Dovecot {
    _process: Process,
    address: Ipv4Addr,
    certs: CertFiles,
    // Last, so that the server has ended when its folder goes.
    _folder: TempDir,
}

impl Dovecot {
    /// A server of its own for one test. Whoever signs in finds the maildir of that name below `mail`, which belongs to that owner.
    pub fn start(mail: &Path, owner: u32) -> Self {
        let folder = folder("dovecot");
        let address = free_address(&[PORT, TLS_PORT]);
        let certs = AUTHORITY.issue(&folder.path().join("tls"), HOST, address, Validity::Now);
        let config = folder.path().join("dovecot.conf");
        let (at, mail) = (folder.path().display(), mail.display());
        let (cert, key) = (certs.cert.display(), certs.key.display());
        fs::write(folder.path().join("users"), format!("bounces@kommun.example:{{PLAIN}}{PASSWORD}\n"))
            .unwrap();
        let text = format!(
            "base_dir = {at}/run\n\
             state_dir = {at}/state\n\
             log_path = {at}/dovecot.log\n\
             protocols = imap\n\
             listen = {address}\n\
             ssl = required\n\
             ssl_cert = <{cert}\n\
             ssl_key = <{key}\n\
             first_valid_uid = 1\n\
             mail_location = maildir:{mail}/%u\n\
             passdb {{\n  driver = passwd-file\n  args = username_format=%u {at}/users\n}}\n\
             userdb {{\n  driver = static\n  args = uid={owner} gid={owner} home={at}\n}}\n\
             service imap-login {{\n  chroot =\n\
             \x20 inet_listener imap {{\n    port = {PORT}\n  }}\n\
             \x20 inet_listener imaps {{\n    port = {TLS_PORT}\n    ssl = yes\n  }}\n}}\n\
             service anvil {{\n  chroot =\n}}\n"
        );
        fs::write(&config, text).unwrap();
        let run = |dovecot: &mut std::process::Command| {
            dovecot.arg("-F").arg("-c").arg(&config);
        };
        let mut process = Process::start_behind_shell("dovecot", run, &folder.path().join("start.log"));
        process.wait_until_ready(|| TcpStream::connect((address, TLS_PORT)).ok());
        Self { _process: process, address, certs, _folder: folder }
    }

    /// Its address; the ports are [`PORT`] and [`TLS_PORT`].
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_file(&self) -> PathBuf {
        self.certs.ca.clone()
    }
}
