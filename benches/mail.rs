//! How fast mail leaves: ours beside Postfix's own `smtp-source`, in turns, into the same `smtp-sink`.
//!
//! Twice: the channel alone, and everything from the durable outbox on (claim, write the mail, send, note the answer on the disk).
//! `cargo bench --bench mail`, on a machine with the Debian package postfix.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed benchmark may panic, and prints its result"
)]

#[path = "support/outbox.rs"]
mod outbox;
#[path = "support/sink.rs"]
mod sink;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use budkavle::channel::{Channel, Envelope, Outcome, SmtpChannel};
use budkavle::domain::notice::MessageState;
use budkavle::flow::core::{Core, Settings};
use budkavle::store::Store;
use chrono::{DateTime, Utc};

use sink::Sink;

const MESSAGES: usize = 20_000;
const SIZE: usize = 4_000;
const CONNECTIONS: usize = 4;
const ROUNDS: usize = 5;
/// The rate to reach with the outbox, as a share of `smtp-source`'s.
const GOAL: f64 = 0.7;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return; // `cargo test --all-targets` starts it too
    }
    let sink = Sink::start();
    println!("{MESSAGES} messages of {SIZE} bytes over {CONNECTIONS} connections, {ROUNDS} rounds in turns");
    let (mut theirs, mut bare, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let their_rate = rate(|| smtp_source(sink.port));
        let (channel_rate, channel_cpu) = with_cpu(|| rate(|| channel_alone(sink.port)));
        let (outbox_rate, outbox_cpu) = with_cpu(|| from_outbox(sink.port));
        println!(
            "smtp-source {their_rate:>6.0}/s   channel {channel_rate:>6.0}/s ({:.2}, {channel_cpu:.2} CPU s)   with outbox {outbox_rate:>6.0}/s ({:.2}, {outbox_cpu:.2} CPU s)",
            channel_rate / their_rate,
            outbox_rate / their_rate,
        );
        theirs.push(their_rate);
        bare.push(channel_rate);
        whole.push(outbox_rate);
    }
    let (theirs, bare, whole) = (median(&mut theirs), median(&mut bare), median(&mut whole));
    println!(
        "median: smtp-source {theirs:.0}/s, channel {bare:.0}/s (ratio {:.2}), with outbox {whole:.0}/s (ratio {:.2}, goal {GOAL})",
        bare / theirs,
        whole / theirs
    );
}

/// The rate of `Sender::drain`, and nothing around it: the store is filled before, and checked after.
fn from_outbox(port: u16) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (store, _) = Store::open_sled(outbox::settings(folder.path()), Utc::now()).await.unwrap();
        let core = Arc::new(Core::load(store, Settings::default(), Arc::new(Utc::now)).await.unwrap());
        outbox::tell(&core.store, 0, MESSAGES).await;
        let sender = Arc::new(outbox::sender(port, CONNECTIONS));
        let start = Instant::now();
        let sent = outbox::drain(&core, &sender).await;
        let taken = start.elapsed().as_secs_f64();
        assert_eq!(sent, MESSAGES);
        assert_eq!(
            core.store.queue_counts().await.unwrap().get(&MessageState::Sent),
            Some(&(MESSAGES as u64))
        );
        core.store.close().await;
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = MESSAGES as f64 / taken;
        rate
    })
}

fn with_cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu_seconds();
    let done = work();
    (done, cpu_seconds() - before)
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

fn channel_alone(port: u16) {
    let channel = Arc::new(Channel::Smtp(SmtpChannel::new(outbox::smtp(port, CONNECTIONS)).unwrap()));
    let envelope = Envelope::new("a@x.example".parse().unwrap(), "b@y.example".parse().unwrap());
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
