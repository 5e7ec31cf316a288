//! The messages, received by a real socket in the place of systemd's.

use super::super::clock::ManualClock;
use super::*;

/// How long a test waits for a datagram before it fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// A real socket in the place of systemd's.
pub(in super::super) struct Manager {
    socket: tokio::net::UnixDatagram,
    same_socket: UnixDatagram,
    _folder: tempfile::TempDir,
}

impl Manager {
    pub(in super::super) fn start(watchdog: Option<Duration>) -> (Self, Notifier) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let same_socket = UnixDatagram::bind(&path).unwrap();
        same_socket.set_nonblocking(true).unwrap();
        let socket = tokio::net::UnixDatagram::from_std(same_socket.try_clone().unwrap()).unwrap();
        (Self { socket, same_socket, _folder: folder }, Notifier::new(Some(path), watchdog))
    }

    /// The lines of the next message.
    pub(in super::super) async fn next(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let received = tokio::time::timeout(DEADLINE, self.socket.recv(&mut buffer));
        let length = received.await.expect("a message should have come").unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }

    pub(in super::super) fn is_silent(&self) -> bool {
        // Not by tokio's `try_recv`, which asks its own memory of the socket before the socket.
        self.same_socket.recv(&mut [0; 4096]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

#[tokio::test]
async fn the_messages_are_those_of_sd_notify() {
    let (manager, notifier) = Manager::start(None);
    notifier.ready("3 directories, 2,000 users");
    assert_eq!(manager.next().await, ["READY=1", "STATUS=3 directories, 2,000 users"]);
    notifier.status("sync of corp");
    assert_eq!(manager.next().await, ["STATUS=sync of corp"]);
    notifier.stopping("draining");
    assert_eq!(manager.next().await, ["STOPPING=1", "STATUS=draining"]);
    notifier.feed_watchdog();
    assert_eq!(manager.next().await, ["WATCHDOG=1"]);
    notifier.extend_timeout(Duration::from_secs(90));
    assert_eq!(manager.next().await, ["EXTEND_TIMEOUT_USEC=90000000"]);
}

#[tokio::test]
async fn a_reload_carries_the_monotonic_time() {
    let (manager, notifier) = Manager::start(None);
    notifier.reloading();
    let lines = manager.next().await;
    assert_eq!(lines[0], "RELOADING=1");
    let time: u64 = lines[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!(time > 0);
}

#[tokio::test]
async fn a_status_can_not_smuggle_in_another_field() {
    let (manager, notifier) = Manager::start(None);
    notifier.status("hello\nWATCHDOG=trigger");
    assert_eq!(manager.next().await, ["STATUS=hello WATCHDOG=trigger"]);
    notifier.status(&"å".repeat(100_000));
    assert_eq!(manager.next().await[0].chars().count(), "STATUS=".len() + STATUS_LIMIT);
}

#[tokio::test]
async fn an_abstract_socket_works() {
    let name = format!("budkavle-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    Notifier::new(Some(format!("@{name}").into()), None).status("hello");
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"STATUS=hello\n");
}

#[test]
fn nobody_to_tell_is_no_error() {
    let silent = Notifier::new(None, Some(Duration::from_secs(60)));
    silent.ready("nobody listens");
    assert_eq!(silent.watchdog_interval(), None);
    Notifier::new(Some("/nonexistent/notify".into()), None).ready("the socket is gone");
}

#[test]
fn the_watchdog_is_fed_at_half_its_time() {
    let notifier = |limit| Notifier::new(Some("/run/notify".into()), Some(Duration::from_secs(limit)));
    assert_eq!(notifier(60).watchdog_interval(), Some(Duration::from_secs(30)));
    assert_eq!(notifier(0).watchdog_interval(), None);
}

#[tokio::test]
async fn a_long_start_asks_for_time_until_its_limit() {
    let (manager, notifier) = Manager::start(None);
    let manual = ManualClock::new(chrono::DateTime::UNIX_EPOCH);
    let clock = Clock::Manual(manual.clone());
    let (finish, finished) = tokio::sync::oneshot::channel::<u8>();
    let starting = tokio::spawn(async move {
        notifier.while_starting(&clock, "mending the store", Duration::from_secs(25), finished).await
    });
    for _ in 0..3 {
        assert_eq!(manager.next().await, ["STATUS=mending the store", "EXTEND_TIMEOUT_USEC=30000000"]);
        manual.wait_for_sleepers(1).await;
        manual.advance(EXTEND_EVERY);
    }
    finish.send(7).unwrap();
    assert_eq!(tokio::time::timeout(DEADLINE, starting).await.unwrap().unwrap(), Ok(7));
    assert!(manager.is_silent());
}
