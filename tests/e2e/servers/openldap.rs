//! A real OpenLDAP server, for directories that aren't Active Directory: people as `inetOrgPerson`, groups as
//! `groupOfNames`, and the same as accounts of Unix (RFC 2307). It tells of changes by RFC 4533.

pub mod content;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::account::Account;
use super::certs::{AUTHORITY, CertFiles, Validity};
use super::ldif::{Entry, Record};
use super::process::Process;
use super::{PATIENCE, folder, free_address};
use crate::world::{BASE, Organisation};

/// What the server is called; it is in its certificate, beside its address.
pub const HOST: &str = "ldap.kommun.example";
/// The account that Budkavle reads with. It may read everything but passwords, without limits.
pub const READER: &str = "uid=svc-budkavle,DC=ad,DC=kommun,DC=example";
/// Its password.
pub const READER_PASSWORD: &str = "Read3r.Password";
/// Everybody may do with this one what they want.
const ADMINISTRATOR: &str = "cn=admin,DC=ad,DC=kommun,DC=example";
const ADMINISTRATOR_PASSWORD: &str = "Adm1n.Password";
/// The common name of the certificate that stands for [`READER`].
const READER_NAME: &str = "svc-budkavle";

/// A running or stopped server.
pub struct OpenLdap {
    process: Option<Process>,
    address: Ipv4Addr,
    ldaps: String,
    certs: CertFiles,
    client: CertFiles,
    // Last, so that the server has ended when its folder goes.
    folder: TempDir,
}

impl OpenLdap {
    /// A server of its own for one test, with this organisation in it; returns when it answers. It remembers that many
    /// changes for who asks what is new (`syncprov-sessionlog`); with 0 it tells what is still there instead.
    pub fn start(world: &Organisation, remembered: u32) -> Self {
        Self::start_with(world, Some(remembered))
    }

    /// One that doesn't tell of changes at all.
    pub fn start_silent(world: &Organisation) -> Self {
        Self::start_with(world, None)
    }

    fn start_with(world: &Organisation, remembered: Option<u32>) -> Self {
        let folder = folder("openldap");
        let address = free_address(&[389, 636]);
        let certs = AUTHORITY.issue(&folder.path().join("tls"), HOST, address, Validity::Now);
        let client = AUTHORITY.issue_client(&folder.path().join("client"), READER_NAME);
        let ldaps = format!("ldaps://{address}");
        let mut server = Self { process: None, address, ldaps, certs, client, folder };
        fs::create_dir(server.folder.path().join("data")).unwrap();
        fs::write(server.config(), server.configuration(remembered)).unwrap();
        // Where AppArmor is on, it lets the program at its usual place read the folders of the package only. Another process makes the
        // copy: of ours, whatever a neighbouring test starts meanwhile holds the file open for an instant, and what is open for
        // writing can't be run (ETXTBSY).
        let copied = Command::new("cp").arg("/usr/sbin/slapd").arg(server.program()).status().unwrap();
        assert!(copied.success(), "slapd is installed");
        server.resume();
        server.change(&content::records(world));
        server
    }

    /// Stops the server as systemd would. Its address refuses connections until [`Self::resume`].
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(PATIENCE);
        }
    }

    /// Starts it again after a [`Self::stop`], with the same address and the same data.
    pub fn resume(&mut self) {
        let urls = format!("{} {}", self.ldap_url(), self.ldaps);
        let run = |slapd: &mut Command| {
            // With a level of debugging, even none, it stays in the foreground.
            slapd.args(["-d", "none", "-h", &urls, "-f"]).arg(self.config());
        };
        let mut process = Process::start(self.program(), run, &self.folder.path().join("slapd.log"));
        process.wait_until_ready(|| {
            let mut search = self.administrator().tool("ldapsearch");
            search.args(["-b", "", "-s", "base", "dn"]).stdout(Stdio::null()).stderr(Stdio::null());
            search.status().unwrap().success().then_some(())
        });
        self.process = Some(process);
    }

    /// Keeps what it holds at this moment.
    pub fn keep(&mut self) {
        self.stop();
        let (data, kept) = (self.folder.path().join("data"), self.folder.path().join("kept"));
        fs::create_dir(&kept).unwrap();
        for file in fs::read_dir(data).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), kept.join(file.file_name())).unwrap();
        }
        self.resume();
    }

    /// Puts back what was kept, as from a backup.
    pub fn put_back(&mut self) {
        self.stop();
        let (data, kept) = (self.folder.path().join("data"), self.folder.path().join("kept"));
        fs::remove_dir_all(&data).unwrap();
        fs::rename(kept, data).unwrap();
        self.resume();
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

    /// The certificate of the authority that signed the server's, and the client's.
    pub fn ca_file(&self) -> &Path {
        &self.certs.ca
    }

    /// The certificate and key that sign Budkavle's account in without a password (SASL EXTERNAL).
    pub fn client_certificate(&self) -> &CertFiles {
        &self.client
    }

    /// Budkavle's account, to look by `ldapsearch`.
    pub fn reader(&self) -> Account<'_> {
        Account { url: &self.ldaps, ca: &self.certs.ca, name: READER, password: READER_PASSWORD }
    }

    /// The account to change everything with.
    pub fn administrator(&self) -> Account<'_> {
        Account { name: ADMINISTRATOR, password: ADMINISTRATOR_PASSWORD, ..self.reader() }
    }

    /// What Budkavle's account can read below `base` (itself included).
    pub fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> Vec<Entry> {
        self.reader().search(base, filter, attributes)
    }

    /// Makes any changes, one after the other.
    pub fn change(&self, records: &[Record]) {
        self.administrator().change(&[], records);
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("slapd.conf")
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("slapd")
    }

    /// Passwords go over TLS only. Who shows a certificate with the reader's name is the reader. References to what is
    /// renamed or deleted follow, as in Active Directory. Nothing has to outlast a power cut.
    fn configuration(&self, remembered: Option<u32>) -> String {
        let folder = self.folder.path().display();
        let (ca, cert, key) = (self.certs.ca.display(), self.certs.cert.display(), self.certs.key.display());
        let schemas = ["core", "cosine", "nis", "inetorgperson"]
            .map(|schema| format!("include /etc/ldap/schema/{schema}.schema\n"))
            .concat();
        let modules = ["back_mdb", "syncprov", "memberof", "refint"]
            .map(|module| format!("moduleload {module}\n"))
            .concat();
        let told = match remembered {
            None => String::new(),
            Some(0) => "overlay syncprov\nsyncprov-checkpoint 1 1\n".to_owned(),
            Some(changes) => {
                format!("overlay syncprov\nsyncprov-checkpoint 1 1\nsyncprov-sessionlog {changes}\n")
            }
        };
        format!(
            "{schemas}\
             modulepath /usr/lib/ldap\n\
             {modules}\
             pidfile {folder}/slapd.pid\n\
             TLSCACertificateFile {ca}\n\
             TLSCertificateFile {cert}\n\
             TLSCertificateKeyFile {key}\n\
             TLSVerifyClient try\n\
             security simple_bind=128\n\
             sizelimit 500\n\
             authz-regexp \"^cn={READER_NAME}$\" \"{READER}\"\n\
             database mdb\n\
             suffix \"{BASE}\"\n\
             directory {folder}/data\n\
             maxsize 268435456\n\
             dbnosync\n\
             rootdn \"{ADMINISTRATOR}\"\n\
             rootpw \"{ADMINISTRATOR_PASSWORD}\"\n\
             index objectClass,entryCSN,entryUUID eq\n\
             index uid,mail,member,memberUid eq\n\
             limits dn.exact=\"{READER}\" size=unlimited time=unlimited\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"{READER}\" read by * none\n\
             overlay memberof\n\
             overlay refint\n\
             refint_attributes member manager seeAlso\n\
             refint_nothing \"{ADMINISTRATOR}\"\n\
             {told}"
        )
    }
}
