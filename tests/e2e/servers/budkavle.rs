//! Budkavle as it is installed: its commands, and its daemon as a child process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::process::Process;
use super::{PATIENCE, wait_until};

/// The installed program with one configuration.
#[derive(Debug, Clone)]
pub struct Budkavle {
    program: PathBuf,
    /// Holds `budkavle.toml`, and what the test puts beside it.
    folder: PathBuf,
}

/// What a command has left.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Budkavle {
    /// The program that `tests/run` has installed (`$BUDKAVLE_BIN`), or without it the one Cargo has built, with the
    /// configuration in this folder.
    pub fn new(folder: &Path) -> Self {
        Self::of_program(&Self::installed(), folder)
    }

    /// Where that program is.
    pub fn installed() -> PathBuf {
        let installed = std::env::var_os("BUDKAVLE_BIN");
        installed.unwrap_or_else(|| env!("CARGO_BIN_EXE_budkavle").into()).into()
    }

    /// Another program in its place.
    pub fn of_program(program: &Path, folder: &Path) -> Self {
        Self { program: program.to_owned(), folder: folder.to_owned() }
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.finish(Command::new(&self.program), arguments)
    }

    /// Runs a command to its end as another user of this machine, with that user's own groups.
    pub fn run_as(&self, user: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--init-groups"]).arg(&self.program);
        self.finish(command, arguments)
    }

    fn finish(&self, mut command: Command, arguments: &[&str]) -> Outcome {
        self.configure(&mut command, arguments);
        let done = command.output().unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        Outcome {
            code: done.status.code(),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// Runs a command that must succeed with `--json`, and gives what it printed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).success().json()
    }

    /// Syncs what changed, read in this mode; gives that in order of the alphabet, and fails if a whole read then finds anything else.
    pub fn followed(&self, mode: &str) -> Vec<String> {
        let sync = |arguments: &[&str]| {
            self.run(&[&["sync", "--json"], arguments].concat()).ended_with(0).json()[0].clone()
        };
        let report = sync(&[]);
        let run = &report["run"];
        let read = (run["mode"].as_str().unwrap(), run["mode_reason"].as_str().unwrap());
        assert_eq!(read, (mode, "continued"), "{report}");
        let after = sync(&["--dry-run", "--full"]);
        assert_eq!(after["run"]["mode"], "full");
        assert_eq!(after["changes"], Value::Array(Vec::new()), "a whole read finds more after {report}");
        changes(&report)
    }

    /// Starts `budkavle run` and returns at once. Each daemon has a log of its own.
    pub fn start(&self) -> Daemon {
        static STARTED: AtomicU32 = AtomicU32::new(1);
        let log = self.folder.join(format!("daemon-{}.log", STARTED.fetch_add(1, Ordering::Relaxed)));
        let run = |command: &mut Command| self.configure(command, &["run"]);
        Daemon { process: Process::start(&self.program, run, &log) }
    }

    /// The same by a clock that is ahead by so much, such as `+73h` (one number, one unit): of the wall alone, so that nothing takes longer or less.
    ///
    /// # Panics
    /// Without the package `libfaketime`, which `tests/run` installs.
    pub fn start_ahead(&self, by: &str) -> Daemon {
        let library = std::fs::read_dir("/usr/lib").unwrap().flatten();
        let mut library = library.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
        let library = library.find(|file| file.exists()).expect("libfaketime is installed");
        static STARTED: AtomicU32 = AtomicU32::new(1);
        let log = self.folder.join(format!("ahead-{}.log", STARTED.fetch_add(1, Ordering::Relaxed)));
        let run = |command: &mut Command| {
            self.configure(command, &["run"]);
            command.env("LD_PRELOAD", &library).env("FAKETIME", by).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        };
        Daemon { process: Process::start(&self.program, run, &log) }
    }

    /// Settings and secrets come from the test's folder alone, not from variables that happen to be set.
    fn configure(&self, command: &mut Command, arguments: &[&str]) {
        let ours = |name: &OsStr| name.as_encoded_bytes().starts_with(b"BUDKAVLE_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        for systemd in
            ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM"]
        {
            command.env_remove(systemd);
        }
        command.arg("--config").arg(self.folder.join("budkavle.toml")).args(arguments);
    }
}

/// What a run changed, in order of the alphabet.
pub fn changes(report: &Value) -> Vec<String> {
    let line = |c: &Value| {
        let text = |key: &str| c[key].as_str().unwrap();
        format!("{} {} {}", text("kind"), text("what"), text("name"))
    };
    let mut lines: Vec<String> = report["changes"].as_array().unwrap().iter().map(line).collect();
    lines.sort_unstable();
    lines
}

impl Outcome {
    /// # Panics
    /// Unless the command ended with 0.
    pub fn success(self) -> Self {
        self.ended_with(0)
    }

    /// # Panics
    /// Unless the command ended with this code.
    pub fn ended_with(self, code: i32) -> Self {
        let Self { code: found, stdout, stderr } = &self;
        assert_eq!(*found, Some(code), "standard output:\n{stdout}\nstandard error:\n{stderr}");
        self
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        let Self { stdout, stderr, .. } = self;
        serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error} in:\n{stdout}\n{stderr}"))
    }
}

/// A running daemon. Dropping it ends it.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
}

impl Daemon {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until a line of the log contains this text; gives the line.
    ///
    /// # Panics
    /// When the daemon ends or the deadline passes before.
    pub fn wait_for_log(&mut self, text: &str, deadline: Duration) -> String {
        wait_until(&format!("the daemon logs {text:?}"), deadline, || {
            // Asked before the log is read: what it wrote last is then in it.
            let ended = self.process.ended();
            let log = self.process.log();
            let line = log.lines().find(|line| line.contains(text)).map(str::to_owned);
            assert!(
                line.is_some() || ended.is_none(),
                "the daemon ended ({ended:?}) without it; its log:\n{log}"
            );
            line
        })
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// SIGKILL, as a crash would be.
    pub fn kill(mut self) -> ExitStatus {
        self.process.signal("KILL");
        self.process.wait(PATIENCE)
    }

    /// SIGTERM, as systemd stops it; waits until it has ended.
    pub fn terminate(mut self, deadline: Duration) -> ExitStatus {
        self.process.terminate(deadline)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// SIGHUP: reads its configuration again.
    pub fn reload(&self) {
        self.process.signal("HUP");
    }
}
