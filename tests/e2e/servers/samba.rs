//! A real Active Directory domain controller: Samba, with an organisation in it.
//!
//! Provisioning one and filling it takes ten seconds, so it is done once per organisation and `tests/run`, and every
//! [`Samba::start`] takes a copy, in a second. The copies share their object GUIDs and their invocation id.
//! (Without `tests/run` the original is kept below Cargo's target folder until `cargo clean`.)

mod admin;
mod provision;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::certs::{AUTHORITY, Authority, CertFiles, Validity};
use super::ldif::{self, Entry};
use super::process::Process;
use super::{PATIENCE, folder, free_address};
use crate::world::{BASE, Organisation};

/// What the domain controller is called; it is in its certificate, beside its address.
pub const HOST: &str = "dc1.ad.kommun.example";
/// The account that Budkavle reads with: an ordinary user without any right of its own.
pub const READER: &str = "svc-budkavle@ad.kommun.example";
/// Its password until a test changes it.
pub const READER_PASSWORD: &str = "Read3r.Password";
const ADMINISTRATOR: &str = "administrator@ad.kommun.example";
const ADMINISTRATOR_PASSWORD: &str = "Adm1n.Password";

/// A running or stopped domain controller.
pub struct Samba {
    process: Option<Process>,
    address: Ipv4Addr,
    certs: CertFiles,
    // Last, so that the server has ended when its folder goes.
    folder: TempDir,
}

impl Samba {
    /// A domain controller of its own for one test, with this organisation in it; returns when it answers.
    pub fn start(world: &Organisation) -> Self {
        let folder = folder("samba");
        provision::copy_to(folder.path(), world);
        let address = free_address(&[88, 389, 464, 636, 3268, 3269]);
        let certs = AUTHORITY.issue(&folder.path().join("tls"), HOST, address, Validity::Now);
        let mut samba = Self { process: None, address, certs, folder };
        fs::write(samba.config(), samba.configuration()).unwrap();
        samba.resume();
        samba
    }

    /// Stops the server as systemd would. Its address refuses connections until [`Self::resume`].
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(PATIENCE);
        }
    }

    /// Starts it again after a [`Self::stop`], with the same address and the same data.
    pub fn resume(&mut self) {
        let config = self.config();
        let run = |samba: &mut Command| {
            samba.arg("-s").arg(config).args(["-F", "--no-process-group", "-M", "single"]);
        };
        let mut process = Process::start("samba", run, &self.log_file());
        process.wait_until_ready(|| {
            // Whatever certificate it has been given.
            let mut bind = self.bind(ADMINISTRATOR, ADMINISTRATOR_PASSWORD);
            bind.env("LDAPTLS_REQCERT", "never").status().unwrap().success().then_some(())
        });
        self.process = Some(process);
    }

    /// Gives the server another certificate, for [`HOST`] and its address, and starts it again with it.
    pub fn use_certificate_of(&mut self, authority: &Authority, validity: Validity) {
        self.stop();
        self.certs = authority.issue(&self.folder.path().join("tls"), HOST, self.address, validity);
        self.resume();
    }

    /// Its address; the ports are 389 (with StartTLS) and 636.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// `ldaps://` and its address.
    pub fn ldaps_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// `ldap://` and its address.
    pub fn ldap_url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_file(&self) -> &Path {
        &self.certs.ca
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Whether the directory lets this account in.
    pub fn accepts(&self, account: &str, password: &str) -> bool {
        self.bind(account, password).status().unwrap().success()
    }

    /// What Budkavle's account can read below `base` (itself included), page by page, by `ldapsearch`.
    pub fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> Vec<Entry> {
        let mut search = self.ldap_tool("ldapsearch", READER, READER_PASSWORD);
        search.args(["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", base, filter]);
        let found = search.args(attributes).output().unwrap();
        let complaint = String::from_utf8_lossy(&found.stderr);
        assert!(found.status.success(), "ldapsearch below {base} for {filter}: {complaint}");
        ldif::parse(std::str::from_utf8(&found.stdout).unwrap())
    }

    /// One object by its distinguished name, as Budkavle's account sees it; `None` when there is none.
    pub fn read(&self, dn: &str) -> Option<Entry> {
        let mut search = self.ldap_tool("ldapsearch", READER, READER_PASSWORD);
        let found = search.args(["-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn]).output().unwrap();
        ldif::parse(std::str::from_utf8(&found.stdout).unwrap()).pop()
    }

    /// The smallest search there is.
    fn bind(&self, account: &str, password: &str) -> Command {
        let mut search = self.ldap_tool("ldapsearch", account, password);
        search.args(["-b", BASE, "-s", "base", "dn"]).stdout(Stdio::null()).stderr(Stdio::null());
        search
    }

    /// One of OpenLDAP's tools, over LDAPS with the server's certificate verified.
    fn ldap_tool(&self, tool: &str, account: &str, password: &str) -> Command {
        let mut command = Command::new(tool);
        command.args(["-x", "-H", &self.ldaps_url(), "-D", account, "-w", password]);
        command.env("LDAPTLS_CACERT", &self.certs.ca).env("LDAPTLS_REQCERT", "demand");
        command
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("smb.conf")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("samba.log")
    }

    /// The paths are the copy's own. Of the services only those that a client of the directory talks to run. Nothing
    /// has to outlast a power cut.
    fn configuration(&self) -> String {
        let folder = self.folder.path().display();
        let (ca, cert, key) = (self.certs.ca.display(), self.certs.cert.display(), self.certs.key.display());
        let directories = [
            ("private dir", "private"),
            ("state directory", "state"),
            ("cache directory", "cache"),
            ("lock directory", "lock"),
            ("pid directory", "run"),
            ("ncalrpc dir", "run/ncalrpc"),
            ("ntp signd socket directory", "run/ntp"),
            ("binddns dir", "bind-dns"),
        ];
        let directories = directories.map(|(key, path)| format!("{key} = {folder}/{path}\n")).concat();
        for path in ["cache", "lock", "run"] {
            fs::create_dir_all(self.folder.path().join(path)).unwrap();
        }
        format!(
            "[global]\n\
             netbios name = DC1\n\
             realm = AD.KOMMUN.EXAMPLE\n\
             workgroup = KOMMUN\n\
             server role = active directory domain controller\n\
             server services = ldap, cldap, kdc\n\
             interfaces = {address}/8\n\
             bind interfaces only = yes\n\
             tls cafile = {ca}\n\
             tls certfile = {cert}\n\
             tls keyfile = {key}\n\
             ldb:nosync = yes\n\
             log file = {folder}/samba.log\n\
             {directories}",
            address = self.address,
        )
    }
}
