//! A program as a child process: what it writes is kept, and it ends when its guard is dropped or the tests die.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::{PATIENCE, poll, wait_until};

/// A running program. Dropping it ends it, and shows the end of its log if the test has failed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// The kernel ends a child with the *thread* that started it (PR_SET_PDEATHSIG in prctl(2)), and a test's thread ends
/// with the test: so one thread that lives as long as all tests starts all children.
static SPAWNER: LazyLock<Mutex<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (orders, queue) = mpsc::channel::<Order>();
    thread::spawn(move || {
        for (mut command, answer) in queue {
            let _ = answer.send(command.spawn());
        }
    });
    Mutex::new(orders)
});

/// Hands SIGTERM down to the program and waits until it has ended.
const SHEPHERD: &str = r#"trap 'kill "$child"' TERM; "$@" & child=$!; wait "$child"; wait "$child""#;

impl Process {
    /// Starts a program. What it writes to standard output and standard error is appended to `log`.
    pub fn start(program: impl AsRef<Path>, configure: impl FnOnce(&mut Command), log: &Path) -> Self {
        let mut command = ending_with_us();
        command.arg(program.as_ref());
        configure(&mut command);
        Self::spawn(program.as_ref(), command, log)
    }

    /// The same for a program that changes its user, which makes the kernel forget that it should end with us: a shell
    /// stands between. It understands no signal but SIGTERM.
    pub fn start_behind_shell(
        program: impl AsRef<Path>,
        configure: impl FnOnce(&mut Command),
        log: &Path,
    ) -> Self {
        let mut command = ending_with_us();
        command.args(["sh", "-c", SHEPHERD, "sh"]).arg(program.as_ref());
        configure(&mut command);
        Self::spawn(program.as_ref(), command, log)
    }

    fn spawn(program: &Path, mut command: Command, log: &Path) -> Self {
        let name = program.display().to_string();
        let output = append_to(log);
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let (answer, child) = mpsc::channel();
        SPAWNER.lock().unwrap().send((command, answer)).unwrap();
        let child = child.recv().unwrap().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name, child, log: log.to_owned() }
    }

    /// Waits until the program answers: until there is a result.
    ///
    /// # Panics
    /// When the program ends before, with what it wrote.
    pub fn wait_until_ready<T>(&mut self, mut answer: impl FnMut() -> Option<T>) -> T {
        wait_until(&format!("{} answers", self.name), PATIENCE, || {
            let ended = self.ended();
            assert!(ended.is_none(), "{} ended ({ended:?}), having written:\n{}", self.name, self.log());
            answer()
        })
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends a signal such as `TERM` or `HUP`.
    pub fn signal(&self, signal: &str) {
        // The shell has a kill of its own; Debian's smallest system has no other.
        let sent =
            Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.id())]).status().unwrap();
        assert!(sent.success(), "{} (process {}) can't be sent {signal}", self.name, self.id());
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("{} (process {}) ends", self.name, self.id());
        wait_until(&what, deadline, || self.ended())
    }

    /// SIGTERM, and waits until it ends.
    pub fn terminate(&mut self, deadline: Duration) -> ExitStatus {
        self.signal("TERM");
        self.wait(deadline)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.signal("TERM");
            poll(Duration::from_secs(5), || self.ended());
        }
        self.kill();
        if thread::panicking() {
            eprintln!("--- the end of what {} wrote:\n{}---", self.name, tail(&self.log()));
        }
    }
}

/// SIGTERM and not SIGKILL, for the sake of programs that have children of their own.
fn ending_with_us() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]);
    command
}

fn append_to(log: &Path) -> File {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.unwrap_or_else(|error| panic!("cannot open {}: {error}", log.display()))
}

/// The last 60 lines.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].iter().map(|line| format!("{line}\n")).collect()
}
