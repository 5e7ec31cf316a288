//! The form of mails, by a parser that isn't ours.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const CHECK: &str = include_str!("form.py");

fn python(mails: &[PathBuf], input: &[u8]) -> String {
    let mut python = Command::new("python3");
    python.args(["-c", CHECK]).args(mails);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().expect("python3 is installed by tests/run, with Samba");
    python.stdin.take().unwrap().write_all(input).unwrap();
    let Output { status, stdout, stderr } = python.wait_with_output().unwrap();
    assert!(status.success(), "{}\n{}", String::from_utf8_lossy(&stderr), String::from_utf8_lossy(input));
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

/// Sees that a mail that is to be sent is of good form; its language.
pub fn checked(mail: &[u8]) -> String {
    python(&[], mail)
}

/// The same of all of Budkavle's among mails that have arrived; how many these are.
pub fn check_arrived(mails: &[PathBuf]) -> usize {
    mails.chunks(500).map(|some| python(some, b"").lines().count()).sum()
}
