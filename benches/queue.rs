//! A long queue, and a short way: how long a store with 1,000,000 messages takes to open and to claim from, beside one with 1,000; and how long it
//! takes from `budkavle outage open` to the first mail at the server. `cargo bench --bench queue [-- MESSAGES]`.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed benchmark may panic, and prints its result"
)]

#[path = "support/outbox.rs"]
#[expect(dead_code, reason = "nothing is sent")]
mod outbox;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use budkavle::domain::ids::ChannelName;
use budkavle::store::Store;
use chrono::{TimeDelta, Utc};

const MESSAGES: usize = 1_000_000;
const FEW: usize = 1_000;
/// As many as are told of one thing.
const OF_A_NOTICE: usize = 20_000;
const CLAIMS: usize = 50;
const BATCH: usize = 20;
const OPENINGS: usize = 3;
const OUTAGES: usize = 21;
/// What waits longer than this is broken.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    let messages = arguments.iter().skip(1).find_map(|a| a.parse().ok()).unwrap_or(MESSAGES);
    first_mail();
    for messages in [FEW, messages] {
        let folder = tempfile::tempdir().unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(queue(folder.path(), messages));
    }
}

async fn queue(folder: &Path, messages: usize) {
    let (store, _) = Store::open_sled(outbox::settings(folder), Utc::now()).await.unwrap();
    let start = Instant::now();
    for first in (0..messages).step_by(OF_A_NOTICE) {
        outbox::tell(&store, first, OF_A_NOTICE.min(messages - first)).await;
    }
    println!("{messages} messages: written in {:.2} s", start.elapsed().as_secs_f64());
    store.close().await;
    for _ in 0..OPENINGS {
        let start = Instant::now();
        let (store, _) = Store::open_sled(outbox::settings(folder), Utc::now()).await.unwrap();
        let opened = start.elapsed();
        let released = store.release_claims(Utc::now()).await.unwrap();
        let ready = start.elapsed();
        let claims = claims(&store).await;
        println!(
            "{messages} messages: opened in {:.2} s, ready to claim after {:.2} s ({released} taken back); a claim of {BATCH}: p50 {:.2} ms, longest {:.2} ms",
            opened.as_secs_f64(),
            ready.as_secs_f64(),
            claims.0,
            claims.1,
        );
        store.close().await;
    }
}

/// How long it takes to claim a few, in ms: in the middle, and at most.
async fn claims(store: &Store) -> (f64, f64) {
    let mut taken = Vec::new();
    for _ in 0..CLAIMS {
        let now = Utc::now();
        let start = Instant::now();
        let claimed =
            store.claim_due(&ChannelName::mail(), now, now + TimeDelta::hours(1), BATCH).await.unwrap();
        taken.push(start.elapsed().as_secs_f64() * 1000.0);
        if claimed.len() < BATCH {
            break;
        }
    }
    taken.sort_by(f64::total_cmp);
    (*taken.get(taken.len() / 2).unwrap(), *taken.last().unwrap())
}

/// From the start of the command to the end of the first mail at the server, the daemon being there.
fn first_mail() {
    let folder = tempfile::tempdir().unwrap();
    let (port, mails) = server();
    let configuration = folder.path().join("budkavle.toml");
    let organisation = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo/organisation.ldif");
    let text = format!(
        r#"
[organisation]
name = "Kommunen"
timezone = "Europe/Stockholm"
[store]
folder = "state"
[api]
socket = "socket"
[[directory]]
name = "main"
source = "ldif"
file = "{}"
schedule = "0 3 1 1 *"
[mail]
from = "Budkavle <budkavle@kommun.example>"
host = "127.0.0.1"
port = {port}
security = "plain"
[contact_changes]
digest = "off"
"#,
        organisation.display()
    );
    fs::write(&configuration, text).unwrap();
    let budkavle = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_budkavle"));
        command
            .env("BUDKAVLE_CONFIG", &configuration)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let mut daemon = budkavle(&["run"]).spawn().unwrap();
    let start = Instant::now();
    let contacts: PathBuf = folder.path().join("contacts.csv");
    fs::write(&contacts, "role,name,mail\noutage,Drift,drift@kommun.example\n").unwrap();
    while !budkavle(&["contacts", "import", &contacts.display().to_string()]).status().unwrap().success() {
        assert!(start.elapsed() < PATIENCE, "the daemon doesn't come up");
        thread::sleep(Duration::from_millis(50));
    }
    // What the sync and the list are told about has gone out.
    while mails.recv_timeout(Duration::from_secs(3)).is_ok() {}
    let mut taken: Vec<f64> = (0..OUTAGES)
        .map(|n| {
            let start = Instant::now();
            let mut opening = budkavle(&["outage", "open", &format!("Outage {n}")]).spawn().unwrap();
            let at = mails.recv_timeout(PATIENCE).unwrap();
            assert!(opening.wait().unwrap().success());
            (at - start).as_secs_f64() * 1000.0
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    println!(
        "from `outage open` to the first mail: p50 {:.1} ms, longest {:.1} ms of {OUTAGES}",
        taken.get(OUTAGES / 2).unwrap(),
        taken.last().unwrap()
    );
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// A mail server that takes everything, and says when each mail was whole.
fn server() -> (u16, mpsc::Receiver<Instant>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (whole, mails) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let whole = whole.clone();
            thread::spawn(move || talk(stream, &whole));
        }
    });
    (port, mails)
}

fn talk(mut stream: TcpStream, whole: &mpsc::Sender<Instant>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 here\r\n")?;
    while let Some(Ok(line)) = lines.next() {
        let answer: &[u8] = match line.get(..4).map(str::to_ascii_uppercase).as_deref() {
            Some("DATA") => {
                stream.write_all(b"354 go on\r\n")?;
                while lines.next().is_some_and(|line| line.is_ok_and(|line| line != ".")) {}
                let _ = whole.send(Instant::now());
                b"250 taken\r\n"
            }
            Some("QUIT") => return stream.write_all(b"221 bye\r\n"),
            _ => b"250 well\r\n",
        };
        stream.write_all(answer)?;
    }
    Ok(())
}
