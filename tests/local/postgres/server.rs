//! A PostgreSQL of the tests' own, from Debian's package, in a folder and on a port of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use tempfile::TempDir;

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// A server.
pub struct Server {
    folder: TempDir,
    pub port: u16,
    place: Place,
}

/// Where a server runs and can be reached, beside the loopback address.
#[derive(Clone, Default)]
pub struct Place {
    /// A command that comes before that of the server.
    pub within: Vec<String>,
    /// More addresses that it listens on.
    pub addresses: Vec<Ipv4Addr>,
}

impl Server {
    /// Makes a new one and starts it.
    pub fn start(name: &str, place: Place) -> Server {
        Server::make(name, None, place)
    }

    /// Makes a standby: from now on this server says of nothing that it is committed before the standby has it.
    pub fn replicate(&self, name: &str) -> Server {
        let standby = Server::make(name, Some(self), self.place.clone());
        self.psql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.psql("postgres", "SELECT pg_reload_conf()");
        let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        for _ in 0..300 {
            if self.psql("postgres", synchronous) == "1" {
                return standby;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("the standby doesn't follow:\n{}", standby.log());
    }

    fn make(name: &str, standby_of: Option<&Server>, place: Place) -> Server {
        assert!(
            Path::new(PROGRAMS).join("postgres").exists(),
            "PostgreSQL 15 isn't installed: apt-get install --no-install-recommends postgresql-15 (tests/run does it)"
        );
        let folder = tempfile::Builder::new().prefix(&format!("budkavle-pg-{name}.")).tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        certificates(folder.path(), &place.addresses);
        if is_root() {
            run(Command::new("chown").arg("-R").arg("postgres:postgres").arg(folder.path()));
        }
        match standby_of {
            None => run(as_postgres("initdb").arg("-D").arg(&data).args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ])),
            Some(server) => {
                run(as_postgres("pg_basebackup").arg("-D").arg(&data).arg("-h").arg(&*server.data()).args([
                    "-p",
                    &server.port.to_string(),
                    "-U",
                    "postgres",
                    "-R",
                    "-X",
                    "stream",
                    "-c",
                    "fast",
                ]));
            }
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        fs::write(data.join("postgresql.conf"), configuration(folder.path(), port, &place.addresses))
            .unwrap();
        begin(&data, &place.within);
        let server = Server { folder, port, place };
        server.wait();
        if standby_of.is_none() {
            server.psql("postgres", "CREATE USER budkavle PASSWORD 'secret'");
        }
        server
    }

    fn wait(&self) {
        for _ in 0..300 {
            let ready = as_postgres("pg_isready")
                .arg("-h")
                .arg(self.data())
                .args(["-p", &self.port.to_string()])
                .stdout(Stdio::null())
                .status()
                .unwrap();
            if ready.success() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL doesn't start:\n{}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.data().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its authority.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Runs SQL as the superuser; returns what comes back.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = as_postgres("psql");
        psql.arg("-h").arg(self.data()).args([
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-d",
            database,
        ]);
        let out = psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]).output().unwrap();
        assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim_end().to_owned()
    }

    /// A session that does what is written to it, and stays in the middle of that.
    pub fn session(&self, database: &str, name: &str) -> Child {
        let mut psql = as_postgres("psql");
        let (data, port) = (self.data(), self.port.to_string());
        psql.env("PGAPPNAME", name).arg("-h").arg(data).args(["-p", &port, "-U", "budkavle", "-d", database]);
        psql.args(["-X", "-q"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        psql.spawn().unwrap()
    }

    /// Makes a standby the server that takes everything.
    pub fn promote(&self) {
        self.psql("postgres", "SELECT pg_promote()");
    }

    /// Ends it as a power cut does.
    pub fn kill(&self) {
        let lock = self.data().join("postmaster.pid");
        let process = fs::read_to_string(&lock).unwrap().lines().next().unwrap().to_owned();
        // Its children notice that it is gone.
        run(Command::new("kill").args(["-KILL", &process]));
        // Its number may soon be another's.
        fs::remove_file(&lock).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let process = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        if let Some(process) = process.lines().next() {
            let _ = Command::new("kill").args(["-INT", process]).output();
        }
    }
}

const HBA: &str = "local all all trust\n\
                   local replication all trust\n\
                   host all budkavle 127.0.0.1/32 scram-sha-256\n\
                   host all budkavle 198.18.0.0/15 scram-sha-256\n";

fn configuration(folder: &Path, port: u16, addresses: &[Ipv4Addr]) -> String {
    let folder = folder.display();
    let more: String = addresses.iter().map(|address| format!(", {address}")).collect();
    format!(
        "listen_addresses = '127.0.0.1{more}'\nport = {port}\nunix_socket_directories = '{folder}/data'\nmax_connections = 300\n\
         shared_buffers = '64MB'\nfsync = off\nssl = on\nssl_cert_file = '{folder}/cert.pem'\nssl_key_file = '{folder}/key.pem'\n\
         wal_level = replica\nmax_wal_senders = 4\nhot_standby = on\nlog_min_messages = warning\ntimezone = 'UTC'\n"
    )
}

fn certificates(folder: &Path, addresses: &[Ipv4Addr]) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Budkavle Test CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let addresses = [Ipv4Addr::LOCALHOST].into_iter().chain(addresses.iter().copied());
    params.subject_alt_names.extend(addresses.map(|address| SanType::IpAddress(address.into())));
    let key = KeyPair::generate().unwrap();
    let cert = params.signed_by(&key, &authority).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
}

/// A program of PostgreSQL, by a user who isn't root; it ends with the thread that begins it.
fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "INT", "--"]).arg(Path::new(PROGRAMS).join(program)).current_dir("/");
    command
}

/// Starts the server from a thread that lives as long as the tests: the kernel ends it with that.
fn begin(data: &Path, within: &[String]) {
    let (told, id) = mpsc::channel();
    let (data, within) = (data.to_owned(), within.to_vec());
    thread::spawn(move || {
        let log = fs::File::create(data.join("log")).unwrap();
        // A shell stands between, which also takes the folder away when the tests have been killed.
        let mut shepherd = Command::new("setpriv");
        shepherd
            .args(["--pdeathsig", "TERM", "--", "sh", "-c", SHEPHERD, "sh"])
            .arg(data.parent().unwrap())
            .args(within);
        let postgres = as_postgres("postgres");
        shepherd.arg(postgres.get_program()).args(postgres.get_args()).arg("-D").arg(&data).current_dir("/");
        let mut child =
            shepherd.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        told.send(()).unwrap();
        let _ = child.wait();
    });
    id.recv().unwrap();
}

/// Ends the server when the tests end, and takes its folder away.
const SHEPHERD: &str = r#"folder=$1; shift; trap 'kill -INT "$child"; wait "$child"; rm -rf "$folder"; exit' TERM; "$@" & child=$!; wait "$child""#;

fn run(command: &mut Command) {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}
