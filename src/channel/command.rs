//! A program on this machine, which gets the notice as JSON on its standard input. No shell is involved, and none of our environment.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::post::{Post, clip};
use super::{Outcome, ProbeError, ProbeReport};

/// So much of what the program says is read.
const LARGEST: usize = 64 * 1024;
/// So much of it is kept.
const KEPT: usize = 300;
/// What it said is waited for no longer than this once it has ended: a program that it started may hold the other end.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// "The input data was incorrect", "the user did not exist", "the host did not exist" (sysexits.h): it will be so the next time, too. Programs
/// that know nothing of sysexits.h end with 1 or the like for whatever comes up, so everything else is tried again.
const REFUSED: [i32; 3] = [65, 67, 68];
/// "The command was used incorrectly" and "configuration error" (sysexits.h); a shell's "can't be executed" and "isn't there" (POSIX, 2.8.2).
const BROKEN: [i32; 4] = [64, 78, 126, 127];

/// A program on this machine.
#[derive(Clone, Debug)]
pub struct CommandChannel {
    program: PathBuf,
    arguments: Vec<String>,
    limit: Duration,
}

impl CommandChannel {
    /// A program with its arguments, which may take so long for a message.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<String>, limit: Duration) -> CommandChannel {
        CommandChannel { program, arguments, limit }
    }

    pub(super) async fn send(&self, post: &Post) -> Outcome {
        let deferred = |reason, perhaps_sent| Outcome::Deferred {
            reason,
            perhaps_sent,
            whole: false,
            retry_after: None,
        };
        let name = self.program.display();
        let child = match self.start(&post.id) {
            Ok(child) => child,
            Err(cause) => {
                let reason = format!("{name} can't be started: {cause}");
                return match cause.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                        Outcome::ChannelBroken { reason }
                    }
                    _ => deferred(reason, false),
                };
            }
        };
        let mut input = post.json();
        input.push(b'\n');
        let (status, said) = match timeout(self.limit, ended(child, &input)).await {
            // The program is killed when it is dropped, and what it started with it.
            Err(_) => return deferred(format!("{name} took longer than {:?}", self.limit), true),
            Ok(Err(cause)) => return deferred(format!("{name} can't be waited for: {cause}"), true),
            Ok(Ok(ended)) => ended,
        };
        let answer = match said.is_empty() {
            true => format!("it ended with {status}"),
            false => format!("it ended with {status}: {said}"),
        };
        match status.code() {
            Some(0) => Outcome::Accepted { answer },
            Some(code) if REFUSED.contains(&code) => Outcome::Refused { answer, recipient: false },
            Some(code) if BROKEN.contains(&code) => {
                Outcome::ChannelBroken { reason: format!("{name}: {answer}") }
            }
            Some(_) | None => deferred(format!("{name}: {answer}"), false),
        }
    }

    pub(super) async fn probe(&self) -> Result<ProbeReport, ProbeError> {
        use std::os::unix::fs::PermissionsExt;
        let cannot = |cause| ProbeError::Command { program: self.program.clone(), cause };
        let metadata = tokio::fs::metadata(&self.program).await.map_err(cannot)?;
        if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
            return Err(cannot(io::Error::other("it is no program: no file, or not executable")));
        }
        Ok(ProbeReport::Command { program: self.program.clone() })
    }

    fn start(&self, id: &str) -> io::Result<Child> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("BUDKAVLE_MESSAGE_ID", id)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// A program that hasn't ended, with all that it has started: killed when it is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Group {
        Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Gone is as good as killed.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

/// How a program ended, and the last that it said: on its error output, else on its output.
async fn ended(mut child: Child, input: &[u8]) -> io::Result<(std::process::ExitStatus, String)> {
    // As long as the child isn't waited for, the number is its own.
    let mut group = Group::of(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = async {
        if let Some(mut stdin) = stdin {
            // A program may know enough before it has read everything.
            let _ = stdin.write_all(input).await;
        }
    };
    let (out, err) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let mut reading = std::pin::pin!(async { tokio::join!(read(stdout, &out), read(stderr, &err)) });
    let status = {
        let mut feeding = std::pin::pin!(feeding);
        let (mut fed, mut read) = (false, false);
        loop {
            tokio::select! {
                status = child.wait() => break (status?, read),
                () = &mut feeding, if !fed => fed = true,
                _ = &mut reading, if !read => read = true,
            }
        }
    };
    // What it leaves behind when it ends by itself is its own affair.
    group.0 = None;
    if !status.1 {
        let _ = timeout(AFTERWARDS, reading).await;
    }
    let text = |said: &Mutex<Vec<u8>>| {
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    };
    let text = Some(text(&err)).filter(|text| !text.trim().is_empty()).unwrap_or_else(|| text(&out));
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Ok((status.0, clip(last.trim(), KEPT)))
}

/// Reads to the end, so that nobody who writes has to wait, but keeps no more than a limit.
async fn read(from: Option<impl AsyncRead + Unpin>, kept: &Mutex<Vec<u8>>) {
    let Some(mut from) = from else { return };
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut chunk).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LARGEST.saturating_sub(kept.len()).min(n);
        kept.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::super::web::tests::post;
    use super::*;

    /// Lines for a shell as the program.
    async fn run(lines: &str, limit: Duration) -> Outcome {
        let arguments = ["-c", lines, "program", "one", "$HOME; two"].map(String::from).to_vec();
        CommandChannel::new("/bin/sh".into(), arguments, limit).send(&post()).await
    }

    const LONG: Duration = Duration::from_secs(60);

    fn kind(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Deferred { .. } => "deferred",
            Outcome::Refused { .. } | Outcome::RefusesUs { .. } => "refused",
            Outcome::ChannelBroken { .. } => "broken",
        }
    }

    #[tokio::test]
    async fn the_exit_code_says_what_became_of_it() {
        for (lines, expected) in [
            ("exit 0", "accepted"),
            ("cat > /dev/null; exit 0", "accepted"),
            ("exit 75", "deferred"),
            ("exit 1", "deferred"),
            ("exit 28", "deferred"),
            ("kill -9 $$", "deferred"),
            ("exit 78", "broken"),
            ("exit 64", "broken"),
            ("/nowhere/program", "broken"),
            ("exit 65", "refused"),
            ("exit 67", "refused"),
        ] {
            assert_eq!(kind(&run(lines, LONG).await), expected, "{lines}");
        }
    }

    #[tokio::test]
    async fn it_gets_the_notice_its_arguments_and_nothing_of_ours() {
        let check = r#"
read -r line
case "$line" in '{"version":1,'*'"subject":"Outage 12: Mail'*) ;; *) echo "no notice: $line"; exit 65;; esac
[ "$#" = 2 ] && [ "$1" = one ] && [ "$2" = '$HOME; two' ] || { echo "arguments: $*"; exit 65; }
[ -z "$CARGO_MANIFEST_DIR$HOME$USER" ] || { echo "environment: $(env)"; exit 65; }
echo "taken as $BUDKAVLE_MESSAGE_ID"
"#;
        let outcome = run(check, LONG).await;
        let Outcome::Accepted { answer } = &outcome else { panic!("{outcome:?}") };
        assert_eq!(answer, &format!("it ended with exit status: 0: taken as {}", post().id));
    }

    #[tokio::test]
    async fn neither_a_slow_nor_a_talkative_one_nor_one_that_leaves_children_holds_anybody_up() {
        let outcome = run("while :; do :; done", Duration::from_millis(200)).await;
        assert!(matches!(&outcome, Outcome::Deferred { perhaps_sent: true, .. }), "{outcome:?}");
        let outcome = run("head -c 3000000 /dev/zero; echo done >&2", LONG).await;
        assert!(
            matches!(&outcome, Outcome::Accepted { answer } if answer.ends_with(": done")),
            "{outcome:?}"
        );
        let outcome = run("sleep 300 & exit 0", Duration::from_secs(30)).await;
        assert_eq!(kind(&outcome), "accepted");
        // Nor one whose child holds the input that nobody reads.
        let long = Post { brief: "x".repeat(200_000), ..post() };
        let lines = ["-c", "sleep 300 <&0 & echo >&2; echo done"].map(String::from).to_vec();
        let channel = CommandChannel::new("/bin/sh".into(), lines, Duration::from_secs(30));
        let outcome = channel.send(&long).await;
        assert!(
            matches!(&outcome, Outcome::Accepted { answer } if answer.ends_with(": done")),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn what_is_given_up_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let noted = folder.path().join("pid");
        let lines = format!("sleep 300 & echo $! > {0}.new; mv {0}.new {0}; wait", noted.display());
        let started = async {
            while !noted.exists() {
                tokio::task::yield_now().await;
            }
        };
        // Whoever is dropped has been given up, whether by the limit or because the daemon ends.
        tokio::select! {
            outcome = run(&lines, LONG) => panic!("{outcome:?}"),
            () = started => {}
        }
        let pid = std::fs::read_to_string(&noted).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let lives = || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            // A zombie that nobody has waited for yet is dead as well.
            stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
        };
        let gone = async {
            while lives() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, gone).await.unwrap();
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_broken() {
        let channel = CommandChannel::new("/nowhere/program".into(), vec![], LONG);
        assert_eq!(kind(&channel.send(&post()).await), "broken");
        assert!(channel.probe().await.is_err());
        let there = CommandChannel::new("/bin/sh".into(), vec![], LONG);
        assert!(there.probe().await.is_ok());
    }
}
