//! A real Active Directory domain controller: Samba, with an organisation in it.
//!
//! Provisioning one and filling it takes ten seconds, so it is done once per organisation and `tests/run`, and every
//! [`Samba::start`] takes a copy, in a second. The copies share their object GUIDs and their invocation id.
//! (Without `tests/run` the original is kept below Cargo's target folder until `cargo clean`.)

mod admin;
pub mod kerberos;
pub mod provision;
pub mod restore;
pub mod rights;

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::account::Account;
use super::certs::{AUTHORITY, Authority, CertFiles, Validity};
use super::ldif::{self, Entry};
use super::network::Namespace;
use super::process::Process;
use super::{PATIENCE, folder, free_address, wait_until};
use crate::world::{BASE, Organisation};

/// What the domain controller is called; it is in its certificate, beside its address.
pub const HOST: &str = "dc1.ad.kommun.example";
/// The account that Budkavle reads with: an ordinary user without any right of its own.
pub const READER: &str = "svc-budkavle@ad.kommun.example";
/// Its password until a test changes it.
pub const READER_PASSWORD: &str = "Read3r.Password";
const ADMINISTRATOR: &str = "administrator@ad.kommun.example";
/// The password of `administrator`.
pub const ADMINISTRATOR_PASSWORD: &str = "Adm1n.Password";

/// A running or stopped domain controller.
pub struct Samba {
    process: Option<Process>,
    model: &'static str,
    machine: Machine,
    address: Ipv4Addr,
    ldaps: String,
    certs: CertFiles,
    // Last, so that the server has ended when its folder goes.
    folder: TempDir,
}

/// What distinguishes one controller of a domain from another.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Its full name, which is in its certificate.
    pub host: &'static str,
    /// Where it runs if it has to replicate; `None` for one that is alone.
    pub namespace: Option<Namespace>,
}

impl Samba {
    /// A domain controller of its own for one test, with this organisation in it; returns when it answers.
    pub fn start(world: &Organisation) -> Self {
        let folder = folder("samba");
        provision::copy_to(folder.path(), world);
        let address = free_address(&[88, 389, 464, 636, 3268, 3269]);
        Self::start_in(folder, address, Machine { host: HOST, namespace: None })
    }

    /// Starts the domain controller whose databases are in this folder.
    pub fn start_in(folder: TempDir, address: Ipv4Addr, machine: Machine) -> Self {
        let certs = AUTHORITY.issue(&folder.path().join("tls"), machine.host, address, Validity::Now);
        let ldaps = format!("ldaps://{address}");
        // One process alone would wait for the other controller while that waits for it.
        let model = if machine.namespace.is_some() { "standard" } else { "single" };
        let mut samba = Self { process: None, model, machine, address, ldaps, certs, folder };
        fs::write(samba.config(), samba.configuration()).unwrap();
        samba.resume();
        samba
    }

    /// Stops the server as systemd would. Its address refuses connections until [`Self::resume`].
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(PATIENCE);
            // Its children end by themselves when they see that it did, a little later.
            let refuses = |port| TcpStream::connect((self.address, port)).is_err();
            wait_until("the controller is gone", PATIENCE, || {
                [389, 636].into_iter().all(refuses).then_some(())
            });
        }
    }

    /// Starts it again after a [`Self::stop`], with the same address and the same data.
    pub fn resume(&mut self) {
        let mut process = match self.machine.namespace {
            None => Process::start("samba", |samba| self.run(samba), &self.log_file()),
            Some(namespace) => {
                let run = |nsenter: &mut Command| {
                    nsenter.args(namespace.arguments()).arg("samba");
                    self.run(nsenter);
                };
                Process::start("nsenter", run, &self.log_file())
            }
        };
        process.wait_until_ready(|| {
            // Whatever certificate it has been given.
            let mut search = self.administrator().tool("ldapsearch");
            search.args(["-b", BASE, "-s", "base", "dn"]).stdout(Stdio::null()).stderr(Stdio::null());
            search.env("LDAPTLS_REQCERT", "never").status().unwrap().success().then_some(())
        });
        self.process = Some(process);
    }

    /// Starts it again with a process for each connection, as a controller has that serves many at once.
    pub fn with_a_process_each(mut self) -> Self {
        self.stop();
        self.model = "standard";
        self.resume();
        self
    }

    /// Lets in by Kerberos over TLS only who binds that to the TLS connection, if this Samba can tell: from 4.21 on.
    pub fn demand_binding(&mut self) -> bool {
        let version = Command::new("samba").arg("--version").output().unwrap().stdout;
        let version = String::from_utf8(version).unwrap();
        let numbers: Vec<u32> = version.split(['.', ' ']).filter_map(|part| part.parse().ok()).collect();
        if numbers < vec![4, 21] {
            return false;
        }
        self.stop();
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), text.replace("= allow_sasl_over_tls", "= yes")).unwrap();
        self.resume();
        true
    }

    /// Gives the server another certificate, for its name and its address, and starts it again with it.
    pub fn use_certificate_of(&mut self, authority: &Authority, validity: Validity) {
        self.stop();
        let tls = self.folder.path().join("tls");
        self.certs = authority.issue(&tls, self.machine.host, self.address, validity);
        self.resume();
    }

    /// Its full name.
    pub fn host(&self) -> &'static str {
        self.machine.host
    }

    /// Its address; the ports are 389 (with StartTLS) and 636.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// `ldaps://` and its address.
    pub fn ldaps_url(&self) -> String {
        self.ldaps.clone()
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
        Account { name: account, password, ..self.reader() }.is_let_in(BASE)
    }

    /// What Budkavle's account can read below `base` (itself included), page by page, by `ldapsearch`.
    pub fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> Vec<Entry> {
        self.reader().search(base, filter, attributes)
    }

    /// One object by its distinguished name, as Budkavle's account sees it; `None` when there is none.
    pub fn read(&self, dn: &str) -> Option<Entry> {
        self.reader().read(dn, &[])
    }

    /// An attribute of the rootDSE, the entry with the empty name.
    ///
    /// # Panics
    /// When it has no such attribute.
    pub fn root(&self, attribute: &str) -> String {
        let root = self.reader().read("", &[attribute]).expect("the server answers");
        root.text(attribute).unwrap_or_else(|| panic!("the rootDSE has no {attribute}"))
    }

    /// How many changes it has made to its database (`highestCommittedUSN`).
    pub fn usn(&self) -> u64 {
        self.root("highestCommittedUSN").parse().unwrap()
    }

    /// The id of its database as others know it (`invocationId`).
    pub fn invocation_id(&self) -> Vec<u8> {
        let settings = self.read(&self.root("dsServiceName")).unwrap();
        settings.bytes("invocationId").unwrap().to_vec()
    }

    /// What DirSync gives an account that has only the right to read (flag 1), and the cookie for what comes next.
    pub fn dirsync(&self, cookie: Option<&str>, filter: &str, attributes: &[&str]) -> (Vec<Entry>, String) {
        let extension = format!("!dirSync=1/1000000{}", cookie.map(|c| format!("/{c}")).unwrap_or_default());
        let mut search = self.reader().tool("ldapsearch");
        search.args(["-o", "ldif-wrap=no", "-b", BASE, "-E", &extension, filter]).args(attributes);
        let found = search.output().unwrap();
        let complaint = String::from_utf8_lossy(&found.stderr);
        assert!(found.status.success(), "ldapsearch by DirSync for {filter}: {complaint}");
        let text = String::from_utf8(found.stdout).unwrap();
        let cookie = text.lines().find_map(|line| line.strip_prefix("# cookie:: ")).expect("a cookie");
        (ldif::parse(&text), cookie.to_owned())
    }

    /// One of Samba's own tools with this controller's configuration, where the controller runs.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> Command {
        let mut tool = match self.machine.namespace {
            None => Command::new(program),
            Some(namespace) => namespace.command(program),
        };
        tool.args(arguments).arg("-s").arg(self.config());
        tool
    }

    /// The folder of its databases. While it is stopped they are complete.
    pub fn databases(&self) -> PathBuf {
        self.folder.path().join("private")
    }

    fn reader(&self) -> Account<'_> {
        Account { url: &self.ldaps, ca: &self.certs.ca, name: READER, password: READER_PASSWORD }
    }

    fn administrator(&self) -> Account<'_> {
        Account { name: ADMINISTRATOR, password: ADMINISTRATOR_PASSWORD, ..self.reader() }
    }

    fn run(&self, samba: &mut Command) {
        samba.arg("-s").arg(self.config()).args(["-F", "--no-process-group", "-M", self.model]);
    }

    /// The database as a file, which the tools of ldb-tools change without asking the server for leave.
    fn database(&self) -> PathBuf {
        self.databases().join("sam.ldb")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("smb.conf")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("samba.log")
    }

    /// The paths are the copy's own. Of the services only those that a client of the directory talks to run, and the
    /// other controller if there is one. Nothing has to outlast a power cut. Kerberos over TLS is allowed, as Active
    /// Directory allows it.
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
        let name = self.machine.host.split('.').next().unwrap().to_uppercase();
        let (services, prefix) = match self.machine.namespace {
            None => ("ldap, cldap, kdc", 8),
            Some(_) => ("rpc, ldap, cldap, kdc, drepl, kcc, dns", 32),
        };
        format!(
            "[global]\n\
             netbios name = {name}\n\
             realm = AD.KOMMUN.EXAMPLE\n\
             workgroup = KOMMUN\n\
             server role = active directory domain controller\n\
             server services = {services}\n\
             dreplsrv:periodic_startup_interval = 1\n\
             dreplsrv:notify_interval = 1\n\
             dreplsrv:periodic_interval = 5\n\
             ldap server require strong auth = allow_sasl_over_tls\n\
             interfaces = {address}/{prefix}\n\
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
