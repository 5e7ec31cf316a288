//! A real 389 Directory Server, without systemd and its own tools to set it up, which want the machine's folders. It has people as
//! `inetOrgPerson`, and offers to tell of changes by RFC 4533.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::account::Account;
use super::certs::{AUTHORITY, CertFiles, Validity};
use super::ldif::Record;
use super::openldap::{HOST, READER, READER_PASSWORD, content};
use super::process::Process;
use super::{folder, free_address};
use crate::world::{BASE, Organisation};

/// Everybody may do with this one what they want.
const ADMINISTRATOR: &str = "cn=Directory Manager";
const ADMINISTRATOR_PASSWORD: &str = "Adm1n.Password";
/// Where the package keeps what a server's configuration is made of.
const TEMPLATES: &str = "/usr/share/dirsrv/data";

/// What gives entries an `entryUUID` beside their `nsUniqueId`; the package's own tool adds it to the template, too.
const ENTRY_UUID: &str = "\
dn: cn=entryuuid_syntax,cn=plugins,cn=config
objectclass: top
objectclass: nsSlapdPlugin
cn: entryuuid_syntax
nsslapd-pluginpath: libentryuuid-syntax-plugin
nsslapd-plugininitfunc: entryuuid_syntax_plugin_init
nsslapd-plugintype: syntax
nsslapd-pluginenabled: on

dn: cn=entryuuid,cn=plugins,cn=config
objectclass: top
objectclass: nsSlapdPlugin
cn: entryuuid
nsslapd-pluginpath: libentryuuid-plugin
nsslapd-plugininitfunc: entryuuid_plugin_init
nsslapd-plugintype: betxnpreoperation
nsslapd-pluginenabled: on
nsslapd-plugin-depends-on-type: database

";

/// A running server.
pub struct Ds389 {
    _process: Process,
    ldaps: String,
    certs: CertFiles,
    // Last, so that the server has ended when its folder goes.
    _folder: TempDir,
}

impl Ds389 {
    /// A server of its own for one test, with this organisation in it; returns when it answers.
    pub fn start(world: &Organisation) -> Self {
        let folder = folder("ds389");
        let path = folder.path();
        let address = free_address(&[389, 636]);
        let certs = AUTHORITY.issue(&path.join("tls"), HOST, address, Validity::Now);
        let config = path.join("config");
        for sub in ["config/schema", "log", "db", "run"] {
            fs::create_dir_all(path.join(sub)).unwrap();
        }
        for (from, to) in [
            ("/etc/dirsrv/config/slapd-collations.conf", "config/slapd-collations.conf"),
            ("/etc/dirsrv/config/certmap.conf", "config/certmap.conf"),
            ("/etc/dirsrv/schema/99user.ldif", "config/schema/99user.ldif"),
        ] {
            fs::copy(from, path.join(to)).expect("389-ds-base is installed");
        }
        fs::write(config.join("dse.ldif"), configuration(path, address)).unwrap();
        certificates(&config, &certs, &path.join("tls/server.p12"));
        let run = |server: &mut Command| {
            // With a level of debugging, even none, it stays in the foreground.
            server.args(["-d", "0", "-i"]).arg(path.join("run/pid")).arg("-D").arg(&config);
        };
        let mut process = Process::start("/usr/sbin/ns-slapd", run, &path.join("ns-slapd.log"));
        let ldaps = format!("ldaps://{address}");
        let administrator =
            Account { url: &ldaps, ca: &certs.ca, name: ADMINISTRATOR, password: ADMINISTRATOR_PASSWORD };
        process.wait_until_ready(|| {
            let mut search = administrator.tool("ldapsearch");
            search.args(["-b", "", "-s", "base", "dn"]).stdout(Stdio::null()).stderr(Stdio::null());
            search.status().unwrap().success().then_some(())
        });
        administrator.change(&[], &content::records(world));
        let may_read = format!(
            "(targetattr != \"userPassword\")(version 3.0; acl \"reader\"; allow (read, search, compare) userdn = \"ldap:///{READER}\";)"
        );
        let unlimited = |record: Record, limit: &str| record.and("replace", limit, ["-1"]);
        let limits = ["nsSizeLimit", "nsLookThroughLimit", "nsIDListScanLimit"];
        let reader =
            limits.into_iter().fold(Record::modify(READER, "replace", "nsTimeLimit", ["-1"]), unlimited);
        administrator.change(&[], &[Record::modify(BASE, "add", "aci", [may_read]), reader]);
        Self { _process: process, ldaps, certs, _folder: folder }
    }

    /// `ldaps://` and its address.
    pub fn ldaps_url(&self) -> &str {
        &self.ldaps
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_file(&self) -> &Path {
        &self.certs.ca
    }

    /// Budkavle's account, to look by `ldapsearch`.
    pub fn reader(&self) -> Account<'_> {
        Account { url: &self.ldaps, ca: &self.certs.ca, name: READER, password: READER_PASSWORD }
    }

    /// The account to change everything with.
    pub fn administrator(&self) -> Account<'_> {
        Account { name: ADMINISTRATOR, password: ADMINISTRATOR_PASSWORD, ..self.reader() }
    }
}

/// The package's template with one database, in which references follow, and with the list of changes that RFC 4533 is answered from.
fn configuration(path: &Path, address: Ipv4Addr) -> String {
    let hash = done(Command::new("pwdhash").args(["-s", "SSHA512", ADMINISTRATOR_PASSWORD]));
    let read =
        |name: &str| fs::read_to_string(Path::new(TEMPLATES).join(name)).expect("389-ds-base is installed");
    let folder = path.display().to_string();
    // An empty line more between two entries is the end of the file for it, and that without a word.
    let text = [&*read("template-dse.ldif"), &*read("template-suffix-db.ldif"), ENTRY_UUID].concat();
    let mut text = text.replace(
        "nsslapd-port: %ds_port%",
        &format!(
            "nsslapd-port: 389\nnsslapd-listenhost: {address}\nnsslapd-securelistenhost: {address}\nnsslapd-securePort: 636\n\
             nsslapd-security: on\nnsslapd-require-secure-binds: on"
        ),
    );
    for (name, value) in [
        ("schema_dir", format!("{folder}/config/schema")),
        ("cert_dir", format!("{folder}/config")),
        ("config_dir", format!("{folder}/config")),
        ("log_dir", format!("{folder}/log")),
        ("db_dir", format!("{folder}/db")),
        ("db_home_dir", format!("{folder}/db")),
        ("lock_dir", format!("{folder}/run")),
        ("run_dir", format!("{folder}/run")),
        ("tmp_dir", format!("{folder}/run")),
        ("ldif_dir", format!("{folder}/run")),
        ("bak_dir", format!("{folder}/run")),
        ("inst_dir", format!("{folder}/run")),
        ("ldapi", format!("{folder}/run/ldapi")),
        ("ldapi_enabled", "off".to_owned()),
        ("ldapi_autobind", "off".to_owned()),
        ("fqdn", HOST.to_owned()),
        ("ds_user", "root".to_owned()),
        ("rootdn", ADMINISTRATOR.to_owned()),
        ("ds_passwd", hash.trim().to_owned()),
        ("db_lib", "bdb".to_owned()),
        ("ds_suffix", BASE.to_owned()),
        ("ds_bename", "userRoot".to_owned()),
    ] {
        text = text.replace(&format!("%{name}%"), &value);
    }
    let entries = text.split("\n\n").map(|entry| {
        let is = |name: &str| entry.lines().any(|line| line.strip_prefix("cn: ") == Some(name));
        let more = if is("Retro Changelog Plugin") {
            "\nnsslapd-attribute: nsuniqueid:targetUniqueId"
        } else if is("referential integrity postoperation") {
            "\nreferint-membership-attr: manager"
        } else if is("Content Synchronization") {
            ""
        } else {
            return entry.to_owned();
        };
        entry.replace("nsslapd-pluginenabled: off", "nsslapd-pluginenabled: on") + more
    });
    entries.collect::<Vec<_>>().join("\n\n")
}

/// Puts the server's certificate where it looks for it: into a database of NSS.
fn certificates(config: &Path, certs: &CertFiles, bundle: &PathBuf) {
    let database = format!("sql:{}", config.display());
    done(Command::new("certutil").args(["-N", "--empty-password", "-d", &database]));
    let trusted = ["-A", "-n", "CA", "-t", "CT,,", "-a", "-d", &database, "-i"];
    done(Command::new("certutil").args(trusted).arg(&certs.ca));
    let export = ["pkcs12", "-export", "-name", "Server-Cert", "-passout", "pass:", "-in"];
    done(
        Command::new("openssl")
            .args(export)
            .arg(&certs.cert)
            .arg("-inkey")
            .arg(&certs.key)
            .arg("-out")
            .arg(bundle),
    );
    done(Command::new("pk12util").args(["-W", "", "-K", "", "-d", &database, "-i"]).arg(bundle));
}

/// Runs a tool to its end; gives what it printed.
fn done(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {complaint}");
    String::from_utf8(done.stdout).unwrap()
}
