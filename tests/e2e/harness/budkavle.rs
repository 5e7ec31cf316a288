//! The program is run as the tests say; and nothing that they start outlives them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::servers::budkavle::Budkavle;
use crate::servers::postfix::{PORT, Postfix};
use crate::servers::{PATIENCE, folder, wait_until};

/// A shell script in the place of the program.
fn script(folder: &Path, lines: &str) -> Budkavle {
    let program: PathBuf = folder.join("program");
    fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Budkavle::of_program(&program, folder)
}

#[test]
fn the_installed_program_runs() {
    let folder = folder("program");
    let version = Budkavle::new(folder.path()).run(&["--version"]).success();
    assert_eq!(version.stderr, "");
}

#[test]
fn a_command_is_captured() {
    let folder = folder("program");
    let outcome =
        script(folder.path(), r#"echo "{\"arguments\": \"$*\"}"; echo oh >&2; exit ${BUDKAVLE_TEST_DIR:-3}"#)
            .run(&["status"]);
    let outcome = outcome.ended_with(3);
    assert_eq!(outcome.stderr, "oh\n");
    let config = folder.path().join("budkavle.toml");
    assert_eq!(outcome.json()["arguments"], format!("--config {} status", config.display()));

    let printed = script(folder.path(), r#"echo "[\"$4\"]""#).json(&["status"]);
    assert_eq!(printed[0], "--json");
}

#[test]
fn a_daemon_is_watched_and_ended() {
    let folder = folder("program");
    let program = script(
        folder.path(),
        "trap 'echo again' HUP; trap 'echo bye; exit 7' TERM; echo started; while :; do sleep 0.01; done",
    );
    let mut daemon = program.start();
    assert_eq!(daemon.wait_for_log("start", PATIENCE), "started");
    daemon.reload();
    daemon.wait_for_log("again", PATIENCE);
    assert!(daemon.ended().is_none());
    assert!(Path::new(&format!("/proc/{}", daemon.id())).exists());
    assert_eq!(daemon.log(), "started\nagain\n");
    assert_eq!(daemon.terminate(PATIENCE).code(), Some(7));

    let mut daemon = program.start();
    daemon.wait_for_log("started", PATIENCE);
    assert_eq!(daemon.kill().signal(), Some(9));
}

/// The tests themselves are killed: these are run again in a child process that starts a server and waits.
#[test]
fn servers_end_with_the_tests() {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let started = folder("orphan").keep().join("address");
    tests.args(["--exact", "harness::budkavle::starts_a_server_and_waits", "--ignored"]);
    tests.env("BUDKAVLE_TEST_DIR", started.parent().unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tests = tests.spawn().unwrap();
    let address = wait_until("the other tests have a server", PATIENCE, || {
        fs::read_to_string(&started).ok().filter(|text| text.ends_with('\n'))
    });
    let server = format!("{}:{PORT}", address.trim());
    assert!(std::net::TcpStream::connect(&server).is_ok());
    tests.kill().unwrap();
    tests.wait().unwrap();
    wait_until("the server has ended", PATIENCE, || {
        std::net::TcpStream::connect(&server).is_err().then_some(())
    });
    fs::remove_dir_all(started.parent().unwrap()).unwrap();
}

#[test]
#[ignore = "a part of servers_end_with_the_tests"]
fn starts_a_server_and_waits() {
    let postfix = Postfix::start(["a@kommun.example"]);
    let started = Path::new(&std::env::var("BUDKAVLE_TEST_DIR").unwrap()).join("address");
    fs::write(started, format!("{}\n", postfix.address())).unwrap();
    loop {
        std::thread::park();
    }
}
