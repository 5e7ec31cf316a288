//! How fast mail leaves: our channel beside Postfix's own `smtp-source`, in turns, into the same `smtp-sink`.
//!
//! `cargo bench --bench mail`, on a machine with the Debian package postfix. For now the channel alone, without the outbox.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed benchmark may panic, and prints its result"
)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use budkavle::channel::{Channel, Envelope, Outcome, Security, SmtpChannel, SmtpSettings};
use chrono::{DateTime, Utc};
use nix::unistd::Uid;

const MESSAGES: usize = 20_000;
const SIZE: usize = 4_000;
const CONNECTIONS: usize = 4;
const ROUNDS: usize = 5;
/// DESIGN §5.
const GOAL: f64 = 0.7;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    let sink = Sink::start();
    println!("{MESSAGES} messages of {SIZE} bytes over {CONNECTIONS} connections, {ROUNDS} rounds in turns");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(rate(|| smtp_source(sink.port)));
        let before = cpu_seconds();
        let rate = rate(|| budkavle(sink.port));
        println!(
            "smtp-source {:>6.0}/s   budkavle {rate:>6.0}/s   ratio {:.2}   our CPU {:.2} s",
            theirs.last().unwrap(),
            rate / theirs.last().unwrap(),
            cpu_seconds() - before
        );
        ours.push(rate);
    }
    let (theirs, ours) = (median(&mut theirs), median(&mut ours));
    println!(
        "median: smtp-source {theirs:.0}/s, budkavle {ours:.0}/s, ratio {:.2} (goal {GOAL})",
        ours / theirs
    );
}

fn smtp_source(port: u16) {
    let (messages, size, connections) = (MESSAGES.to_string(), SIZE.to_string(), CONNECTIONS.to_string());
    let status = Command::new("smtp-source")
        .args(["-d", "-s", &connections, "-m", &messages, "-l", &size])
        .args(["-f", "a@x.example", "-t", "b@y.example", &format!("127.0.0.1:{port}")])
        .status()
        .unwrap();
    assert!(status.success());
}

fn budkavle(port: u16) {
    let settings = SmtpSettings {
        security: Security::PlainText { sign_in: false },
        connections: CONNECTIONS,
        // smtp-source too keeps each connection to the end.
        messages_per_connection: u32::MAX,
        ..SmtpSettings::new("127.0.0.1", port)
    };
    let channel = Arc::new(Channel::Smtp(SmtpChannel::new(settings).unwrap()));
    let envelope = Envelope { from: "a@x.example".parse().unwrap(), to: "b@y.example".parse().unwrap() };
    let mime: Arc<[u8]> = mime().into();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (channel, envelope, mime) = (Arc::clone(&channel), envelope.clone(), Arc::clone(&mime));
            senders.spawn(async move {
                for _ in 0..MESSAGES / CONNECTIONS {
                    let outcome = channel.send(&envelope, &mime, DateTime::<Utc>::UNIX_EPOCH).await;
                    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
                }
            });
        }
        senders.join_all().await;
        channel.close().await;
    });
}

/// A message of `SIZE` bytes, in lines as a real one has them.
fn mime() -> Vec<u8> {
    let mut mime =
        b"From: a@x.example\r\nTo: b@y.example\r\nSubject: outage\r\nMessage-ID: <1@x.example>\r\n\r\n"
            .to_vec();
    while mime.len() < SIZE {
        let rest = (SIZE - mime.len()).min(78);
        mime.extend(std::iter::repeat_n(b'x', rest.saturating_sub(2)));
        mime.extend_from_slice(b"\r\n");
    }
    mime
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn rate(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    MESSAGES as f64 / start.elapsed().as_secs_f64()
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap()
}

/// User and system time of this process so far (proc(5): fields 14 and 15, in hundredths of a second on Linux).
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// Postfix's mail sink on a free port, ended with this value.
struct Sink {
    process: Child,
    port: u16,
}

impl Sink {
    fn start() -> Sink {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("smtp-sink");
        if Uid::effective().is_root() {
            command.args(["-u", "nobody"]); // it refuses to run as root
        }
        let process =
            command.args([&format!("127.0.0.1:{port}"), "1000"]).stdout(Stdio::null()).spawn().unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            sleep(Duration::from_millis(10));
        }
        Sink { process, port }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
