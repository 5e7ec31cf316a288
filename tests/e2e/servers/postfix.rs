//! A real mail server: Postfix, which delivers to maildirs. And its `smtp-sink`, for mail that goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use tempfile::TempDir;

use super::certs::{AUTHORITY, CertFiles, Validity};
use super::mail::{ParsedMail, Told};
use super::process::Process;
use super::{PATIENCE, folder, form, free_address, wait_until};

/// What the server calls itself; it is in its certificate, beside its address.
pub const HOST: &str = "mx.kommun.example";
/// Plain text, with STARTTLS offered.
pub const PORT: u16 = 2525;
/// TLS from the first byte.
pub const TLS_PORT: u16 = 2465;
/// A domain for which it takes every mail, and then finds that nobody is there.
pub const AWAY: &str = "away.example";
/// Who owns the maildirs: no user of the machine.
pub const MAILBOX_OWNER: u32 = 50_000;

/// The folders of the queue, as `postfix check` would make them with the help of a hundred processes
/// (`postfix-files` lists them).
const QUEUES: [&str; 13] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
    "public", "saved", "trace",
];

/// A running or stopped mail server.
pub struct Postfix {
    process: Option<Process>,
    address: Ipv4Addr,
    certs: CertFiles,
    // Last, so that the server has ended when its folder goes.
    folder: TempDir,
}

impl Postfix {
    /// A mail server of its own for one test, with a mailbox for each of these addresses. It refuses all others.
    pub fn start(mailboxes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let folder = folder("postfix");
        let address = free_address(&[PORT, TLS_PORT]);
        let certs = AUTHORITY.issue(&folder.path().join("tls"), HOST, address, Validity::Now);
        let mut postfix = Self { process: None, address, certs, folder };
        for name in ["conf", "mail", "queue", "queue/pid"] {
            fs::create_dir(postfix.path(name)).unwrap();
        }
        postfix.create_own("data");
        for queue in QUEUES {
            postfix.create_own(&format!("queue/{queue}"));
        }
        let mailboxes: Vec<String> =
            mailboxes.into_iter().map(|address| address.as_ref().to_lowercase()).collect();
        let maildirs = mailboxes.iter().map(|address| format!("{address} {address}/\n"));
        fs::write(postfix.path("conf/mailboxes"), maildirs.collect::<String>()).unwrap();
        fs::write(postfix.path("conf/main.cf"), postfix.main_cf(&mailboxes)).unwrap();
        fs::write(postfix.path("conf/master.cf"), postfix.master_cf()).unwrap();
        chown(postfix.path("mail"), Some(MAILBOX_OWNER), Some(MAILBOX_OWNER)).unwrap();
        postfix.refuse_nobody();
        postfix.resume();
        postfix
    }

    /// Stops the server. Its address refuses connections until [`Self::resume`]; what it has taken stays in its queue.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate(PATIENCE);
        }
    }

    /// Starts it again after a [`Self::stop`].
    pub fn resume(&mut self) {
        // `postfix start` would leave the master process to init, out of the reach of the guard.
        let master = self.setting("daemon_directory") + "/master";
        let conf = self.config();
        let run = |command: &mut Command| {
            command.arg("-c").arg(conf).arg("-s");
        };
        let mut process = Process::start_behind_shell(master, run, &self.path("master.log"));
        process.wait_until_ready(|| TcpStream::connect((self.address, PORT)).ok());
        self.process = Some(process);
    }

    /// From now on this recipient is refused with this reply, such as `450 4.2.2 mailbox full`.
    pub fn refuse(&self, address: &str, reply: &str) {
        self.refuse_all(&format!("{address} {reply}\n"));
    }

    /// From now on nobody is refused but those without a mailbox.
    pub fn refuse_nobody(&self) {
        self.refuse_all("");
    }

    /// The server asks at each connection whether such a table has changed: by its time in whole seconds, or because
    /// another file has taken its name. (That of the mailboxes it reads once.)
    fn refuse_all(&self, table: &str) {
        let next = self.path("conf/next");
        fs::write(&next, table).unwrap();
        self.tool(
            "postmap",
            &["-c", &self.config().display().to_string(), &format!("hash:{}", next.display())],
        );
        fs::rename(self.path("conf/next.db"), self.path("conf/refused.db")).unwrap();
    }

    /// Its address; the ports are [`PORT`] and [`TLS_PORT`].
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_file(&self) -> &Path {
        &self.certs.ca
    }

    /// Its configuration, which Postfix's own tools take from the variable `MAIL_CONFIG` or the switch `-c`.
    pub fn config(&self) -> PathBuf {
        self.path("conf")
    }

    /// Its mail log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("mail.log")).unwrap_or_default()
    }

    /// The mails in a mailbox now, in the order in which they arrived.
    pub fn mails_for(&self, address: &str) -> Vec<ParsedMail> {
        let mut files = files(&self.path("mail").join(address.to_lowercase()).join("new"));
        files.sort_by_key(|file| (fs::metadata(file).unwrap().modified().unwrap(), file.clone()));
        files.iter().map(|file| ParsedMail::read(file)).collect()
    }

    /// Sees that `contact` was told of each of the outages `accepted`, by their titles, and that what came twice is the same mail; how many did.
    pub fn told_of_each(&self, contact: &str, accepted: &BTreeSet<String>) -> usize {
        let mut told = Told::default();
        let repeated = told.note_all(&self.mails_for(contact));
        for title in accepted {
            assert!(
                told.all().any(|(subject, _)| subject.ends_with(title)),
                "{contact} was not told of {title}"
            );
        }
        repeated
    }

    /// Where a mailbox lies.
    pub fn maildir(&self, address: &str) -> PathBuf {
        self.path("mail").join(address.to_lowercase())
    }

    /// Waits until a mailbox holds so many mails (or more), and gives them.
    pub fn wait_for(&self, address: &str, count: usize, deadline: Duration) -> Vec<ParsedMail> {
        wait_until(&format!("{count} mails are in the mailbox of {address}"), deadline, || {
            Some(self.mails_for(address)).filter(|mails| mails.len() >= count)
        })
    }

    /// How many mails lie in each mailbox that isn't empty, when everything accepted so far has been delivered.
    pub fn delivered(&self) -> BTreeMap<String, usize> {
        let queues = ["incoming", "active", "maildrop"].map(|queue| self.path("queue").join(queue));
        wait_until("Postfix has delivered what it has taken", PATIENCE, || {
            queues.iter().all(|queue| files(queue).is_empty()).then_some(())
        });
        let mailboxes = fs::read_dir(self.path("mail")).unwrap().map(|mailbox| mailbox.unwrap().path());
        mailboxes
            .map(|mailbox| {
                (
                    mailbox.file_name().unwrap().to_string_lossy().into_owned(),
                    files(&mailbox.join("new")).len(),
                )
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Sees that all mails of Budkavle that have arrived are of good form; how many these are.
    pub fn check_form(&self) -> usize {
        let mailboxes = fs::read_dir(self.path("mail")).unwrap();
        let mails: Vec<PathBuf> =
            mailboxes.flat_map(|mailbox| files(&mailbox.unwrap().path().join("new"))).collect();
        form::check_arrived(&mails)
    }

    fn create_own(&self, name: &str) {
        fs::create_dir(self.path(name)).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o700)).unwrap();
        chown(self.path(name), Some(*POSTFIX_USER), None).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A setting of Postfix that the distribution has decided on.
    fn setting(&self, name: &str) -> String {
        self.tool("postconf", &["-c", &self.config().display().to_string(), "-h", name])
    }

    fn tool(&self, name: &str, arguments: &[&str]) -> String {
        let done =
            Command::new(name).args(arguments).output().unwrap_or_else(|error| panic!("{name}: {error}"));
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{name} {arguments:?}: {:?} {complaint}{}", done.status, self.log());
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn main_cf(&self, mailboxes: &[String]) -> String {
        let folder = self.folder.path().display();
        let mut domains: Vec<&str> =
            mailboxes.iter().filter_map(|mailbox| mailbox.split('@').nth(1)).collect();
        domains.sort_unstable();
        domains.dedup();
        let (cert, key) = (self.certs.cert.display(), self.certs.key.display());
        // With the listener's address in inet_interfaces Postfix would end without a word, as it is on no interface.
        format!(
            "compatibility_level = 3.6\n\
             queue_directory = {folder}/queue\n\
             data_directory = {folder}/data\n\
             maillog_file = {folder}/mail.log\n\
             maillog_file_prefixes = {folder}\n\
             myhostname = {HOST}\n\
             mydestination =\n\
             mynetworks =\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             disable_dns_lookups = yes\n\
             alias_maps =\n\
             alias_database =\n\
             local_recipient_maps =\n\
             virtual_mailbox_domains = {domains}\n\
             virtual_mailbox_base = {folder}/mail\n\
             virtual_mailbox_maps = texthash:{folder}/conf/mailboxes\n\
             virtual_uid_maps = static:{MAILBOX_OWNER}\n\
             virtual_gid_maps = static:{MAILBOX_OWNER}\n\
             recipient_delimiter = +\n\
             relay_domains = {AWAY}\n\
             transport_maps = inline:{{{AWAY}=virtual:}}\n\
             smtpd_tls_security_level = may\n\
             smtpd_tls_cert_file = {cert}\n\
             smtpd_tls_key_file = {key}\n\
             smtpd_relay_restrictions = reject_unauth_destination\n\
             smtpd_recipient_restrictions = check_recipient_access hash:{folder}/conf/refused\n\
             smtpd_client_connection_count_limit = 0\n",
            domains = domains.join(" "),
        )
    }

    /// Only what receiving mail takes, nothing of it in a chroot.
    fn master_cf(&self) -> String {
        let address = self.address;
        format!(
            "{address}:{PORT} inet n - n - - smtpd\n\
             {address}:{TLS_PORT} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
             cleanup unix n - n - 0 cleanup\n\
             qmgr unix n - n 300 1 qmgr\n\
             tlsmgr unix - - n 1000? 1 tlsmgr\n\
             rewrite unix - - n - - trivial-rewrite\n\
             bounce unix - - n - 0 bounce\n\
             defer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\n\
             proxymap unix - - n - - proxymap\n\
             error unix - - n - - error\n\
             retry unix - - n - - error\n\
             virtual unix - n n - - virtual\n\
             anvil unix - - n - 1 anvil\n\
             postlog unix-dgram n - n - 1 postlogd\n",
        )
    }
}

/// Whatever a test looks at: all mails that have arrived are of good form.
impl Drop for Postfix {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check_form();
        }
    }
}

/// Postfix's `smtp-sink`: takes mail as fast as it can, or does what its switches say, such as `-f RCPT` (refuses
/// recipients for good), `-r MAIL` (senders for now), `-q DATA` (disconnects), `-w 5` (keeps the answer to DATA back).
pub struct SmtpSink {
    _process: Process,
    address: Ipv4Addr,
    folder: TempDir,
}

impl SmtpSink {
    /// A sink of its own for one test. Its port is [`PORT`].
    pub fn start(switches: &[&str]) -> Self {
        let folder = folder("sink");
        chown(folder.path(), Some(*POSTFIX_USER), None).unwrap();
        let address = free_address(&[PORT]);
        let run = |sink: &mut Command| {
            sink.args(["-u", "postfix"]).args(switches).arg("-d").arg(folder.path().join("mail."));
            sink.arg(format!("{address}:{PORT}")).arg("1000");
        };
        let mut process = Process::start_behind_shell("smtp-sink", run, &folder.path().join("sink.log"));
        process.wait_until_ready(|| TcpStream::connect((address, PORT)).ok());
        Self { _process: process, address, folder }
    }

    /// Its address; the port is [`PORT`].
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The mails it has taken.
    pub fn mails(&self) -> Vec<ParsedMail> {
        self.files().iter().map(|file| ParsedMail::read(file)).collect()
    }

    /// Their files, those too that it is still writing.
    pub fn files(&self) -> Vec<PathBuf> {
        let files = files(self.folder.path()).into_iter();
        files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("mail.")).collect()
    }
}

/// The number of the user that Postfix runs as.
static POSTFIX_USER: LazyLock<u32> = LazyLock::new(|| {
    let id = Command::new("id").args(["-u", "postfix"]).output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim().parse().expect("the package postfix has made its user")
});

/// The files in a folder; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect()
}
