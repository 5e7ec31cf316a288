//! Which of several servers is read.

use chrono::TimeDelta;
use socket2::SockRef;

use super::dns::*;
use super::*;
use crate::source::ldap::connect;

/// A server with the users 1 and 2 on two pages.
fn whole() -> impl Fn(&Asked) -> Reply + Send + Sync {
    let count = std::sync::atomic::AtomicUsize::new(0);
    searched(move |_, id, _| match count.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => send(&[user(id, 1), page(id, 0, b"next")]),
        _ => send(&[user(id, 2), page(id, 0, b"")]),
    })
}

/// A server that does this on its second page, behind a user 9.
fn failing(answer: impl Fn(u32) -> Reply + Send + Sync + 'static) -> impl Fn(&Asked) -> Reply + Send + Sync {
    searched(move |_, id, cookie| match cookie {
        b"" => send(&[user(id, 9), page(id, 0, b"next")]),
        _ => answer(id),
    })
}

fn url(responder: &Responder) -> Server {
    responder.server().in_plain_text()
}

fn connections(responder: &Responder) -> usize {
    responder.connections.load(Ordering::SeqCst)
}

/// When the next read is asked for, and what the last one gave.
fn later(seconds: i64, cursor: Option<&Cursor>) -> Ask<'_> {
    Ask { cursor, now: DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds), ..ask() }
}

#[tokio::test]
async fn a_read_that_breaks_off_starts_anew_on_the_next_server() {
    let notice = |_| {
        let end = tlv(EXTENDED, &[tlv(10, &[52]), tlv(4, b""), tlv(4, b"going down")].concat());
        Reply::SendAndClose(message(0, &[end, tlv(0x8a, b"1.3.6.1.4.1.1466.20036")].concat()))
    };
    let cases: [fn(u32) -> Reply; 7] = [
        |id| Reply::SendAndClose(user(id, 8)),
        |_| Reply::Silence,
        notice,
        |id| Reply::Send(done(id, SEARCH, 51, "", "busy")),
        |id| Reply::Send(done(id, SEARCH, 52, "", "unavailable")),
        |id| Reply::Send(done(id, SEARCH, 80, "", "other")),
        |_| Reply::Send(b"HTTP/1.1 400\r\n\r\n".to_vec()),
    ];
    for (n, case) in cases.into_iter().enumerate() {
        let (bad, good) = (Responder::start(failing(case)).await, Responder::start(whole()).await);
        let mut ldap = settings(vec![url(&bad), url(&good)]);
        ldap.operation_timeout = Duration::from_millis(500);
        let reading = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
        assert_eq!(numbers(&reading), [1, 2], "case {n}: nothing of the first server is in it");
        assert_eq!(*reading.server, *url(&good).to_string());
        assert_eq!(reading.cursor.server, reading.server);
        assert_eq!((connections(&bad), connections(&good)), (1, 1));
    }
}

#[tokio::test]
async fn a_refusal_leads_to_no_other_server() {
    let cases: [fn(u32) -> Reply; 5] = [
        |id| Reply::Send(done(id, SEARCH, 1, "", "")),
        |id| Reply::Send(done(id, SEARCH, 32, "", "")),
        |id| Reply::Send(done(id, SEARCH, 50, "", "")),
        |id| Reply::Send(done(id, SEARCH, 4, "", "")),
        |id| Reply::Send(done(id, SEARCH, 0, "", "")),
    ];
    for case in cases {
        let (bad, good) = (Responder::start(failing(case)).await, Responder::start(whole()).await);
        let read = settings(vec![url(&bad), url(&good)]).read(&"main".into(), &ask(), &|_| {}).await;
        assert!(read.is_err());
        assert_eq!((connections(&bad), connections(&good)), (1, 0));
    }
    let busy = Responder::start(|asked| match asked.what {
        What::Bind { .. } => Reply::Send(done(asked.id, BIND, 51, "", "")),
        _ => Reply::Usual,
    });
    let (busy, good) = (busy.await, Responder::start(whole()).await);
    let ldap = settings(vec![url(&busy), url(&good)]);
    assert!(ldap.read(&"main".into(), &ask(), &|_| {}).await.is_ok(), "no time for a sign-in is no refusal");
}

#[tokio::test]
async fn a_server_is_kept_to_and_one_that_failed_is_left_alone_for_a_while() {
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let first = Responder::start({
        let (broken, well) = (Arc::clone(&broken), whole());
        move |asked| if broken.load(Ordering::SeqCst) { Reply::SendAndClose(Vec::new()) } else { well(asked) }
    })
    .await;
    let second = Responder::start(whole()).await;
    let ldap = settings(vec![url(&first), url(&second)]);
    let read = async |ask: Ask<'_>| {
        let reading = ldap.read(&"main".into(), &ask, &|_| {}).await.unwrap();
        assert_eq!(numbers(&reading), [1, 2]);
        (reading.cursor, connections(&first), connections(&second))
    };
    let (cursor, ..) = read(later(0, None)).await;
    assert_eq!(cursor.server, url(&second).to_string().into());
    broken.store(false, Ordering::SeqCst);
    let (_, tried, _) = read(later(10, None)).await;
    assert_eq!(tried, 1, "it is left alone, though it works again");
    let (cursor, tried, _) = read(later(3_600, Some(&cursor))).await;
    assert_eq!(tried, 1, "the one that was read last is kept to");
    let (_, _, second_before) = read(later(3_600, Some(&cursor))).await;
    let (cursor, tried, second_after) = read(later(3_600, None)).await;
    assert_eq!((tried, second_after), (2, second_before), "the pause is over");
    assert_eq!(cursor.server, url(&first).to_string().into());
}

#[tokio::test]
async fn when_all_fail_each_is_tried_once_and_each_error_told() {
    let cut = || Responder::start(failing(|_| Reply::SendAndClose(Vec::new())));
    let busy = Responder::start(failing(|id| Reply::Send(done(id, SEARCH, 51, "", "try later"))));
    let (one, two) = (cut().await, busy.await);
    let ldap = settings(vec![url(&one), url(&two)]);
    for round in 1..=3 {
        // In which order is for the pauses to say, which chance moves.
        let (_, words) = kind(ldap.read(&"main".into(), &ask(), &|_| {}).await);
        for expected in ["none of 2 servers", "try later", "the server closed it"] {
            assert!(words.contains(expected), "{words}");
        }
        assert_eq!(
            (connections(&one), connections(&two)),
            (round, round),
            "in a pause, they are tried all the same"
        );
    }
}

#[tokio::test]
async fn a_connection_that_drops_is_made_once_more_where_there_is_no_other_server() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let pages = Arc::clone(&count);
    let drops_once = Responder::start(searched(move |_, id, cookie| match cookie {
        b"" => send(&[user(id, 1), page(id, 0, b"next")]),
        _ if pages.fetch_add(1, Ordering::SeqCst) == 0 => Reply::SendAndClose(user(id, 9)),
        _ => send(&[user(id, 2), page(id, 0, b"")]),
    }))
    .await;
    let ldap = settings(vec![url(&drops_once)]);
    let reading = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    assert_eq!(
        (numbers(&reading), connections(&drops_once)),
        (vec![1, 2], 2),
        "from the start, without what had come"
    );

    let drops = Responder::start(failing(|_| Reply::SendAndClose(Vec::new()))).await;
    let (kind, words) = kind(settings(vec![url(&drops)]).read(&"main".into(), &ask(), &|_| {}).await);
    assert_eq!((kind, connections(&drops)), (ErrorKind::Disconnected, 2), "{words}");
    let busy = Responder::start(failing(|id| Reply::Send(done(id, SEARCH, 51, "", "")))).await;
    assert!(settings(vec![url(&busy)]).read(&"main".into(), &ask(), &|_| {}).await.is_err());
    assert_eq!(connections(&busy), 1, "one that says no is not asked again");
}

#[tokio::test]
async fn a_server_that_takes_a_whole_run_is_not_the_first_in_the_next() {
    let count = std::sync::atomic::AtomicU8::new(0);
    let endless = Responder::start(searched(move |_, id, _| {
        send(&[user(id, count.fetch_add(1, Ordering::Relaxed).wrapping_add(1)), page(id, 0, b"x")])
    }))
    .await;
    let good = Responder::start(whole()).await;
    let mut ldap = settings(vec![url(&endless), url(&good)]);
    ldap.run_timeout = Duration::from_millis(300);
    let (kind, words) = kind(ldap.read(&"main".into(), &ask(), &|_| {}).await);
    assert_eq!(kind, ErrorKind::Timeout);
    assert!(words.contains(&url(&endless).to_string()), "{words}");
    ldap.run_timeout = Duration::from_secs(60);
    assert_eq!(*ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap().server, *url(&good).to_string());
}

#[tokio::test]
async fn the_controllers_of_a_domain_are_found_and_the_next_read_when_one_breaks_off() {
    let (bad, good) = (
        Responder::start(failing(|id| Reply::SendAndClose(user(id, 8)))).await,
        Responder::start(whole()).await,
    );
    let (all, near) =
        ("_ldap._tcp.dc._msdcs.ad.example.org", "_ldap._tcp.North._sites.dc._msdcs.ad.example.org");
    let hosts = ["dc1.ad.example.org", "dc2.ad.example.org"];
    let controllers = [srv(0, 100, bad.address.port(), hosts[0]), srv(0, 100, good.address.port(), hosts[1])];
    let zone = [
        records(all, &controllers),
        records(near, &controllers[..1]),
        records(hosts[0], &[a([127, 0, 0, 1])]),
        records(hosts[1], &[a([127, 0, 0, 1])]),
    ];
    let dns = DnsServer::start(&zone).await;
    let mut ldap = settings(Vec::new());
    ldap.servers = Servers::Domain(Domain {
        name: "ad.example.org".into(),
        site: Some("North".into()),
        dns_server: Some(dns.address),
        security: Security::PlainText,
    });
    let reading = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    assert_eq!(numbers(&reading), [1, 2]);
    assert_eq!(connections(&bad), 1, "the one of the own site came first");
    let server = format!("ldap://dc2.ad.example.org:{}", good.address.port());
    assert_eq!(*reading.server, *server);
    dns.change(&zone[2..]);
    let reading = ldap.read(&"main".into(), &later(60, Some(&reading.cursor)), &|_| {}).await.unwrap();
    assert_eq!(*reading.server, *server, "those that were found earlier are tried");

    ldap.experience = Experience::default();
    let (kind, words) = kind(ldap.read(&"main".into(), &ask(), &|_| {}).await);
    assert_eq!(kind, ErrorKind::NoController);
    assert!(words.contains(all), "{words}");
}

#[tokio::test]
async fn one_dead_address_of_two_does_not_use_up_the_time() {
    let server: Server = "ldap://dc1".parse().unwrap();
    let addresses: [std::net::SocketAddr; 2] =
        ["10.0.0.1:389".parse().unwrap(), "10.0.0.2:389".parse().unwrap()];
    let dead = async |dead: usize, limit| {
        connect::in_turn(&server, addresses.to_vec(), limit, |address| async move {
            if address == addresses[dead] { std::future::pending().await } else { Ok(address) }
        })
        .await
    };
    assert_eq!(dead(0, Duration::from_millis(50)).await.unwrap(), addresses[1]);
    assert_eq!(dead(1, Duration::MAX).await.unwrap(), addresses[0]);
    let refused = connect::in_turn(&server, addresses.to_vec(), Duration::from_secs(60), |_| async {
        let reason = "refused".to_owned();
        Err::<(), _>(SourceError::ConnectFailed { server: String::new(), reason })
    });
    let words = refused.await.unwrap_err().to_string();
    assert!(words.contains("10.0.0.1: refused, 10.0.0.2: refused"), "{words}");
}

#[tokio::test]
async fn a_connection_is_kept_under_watch() {
    let responder = Responder::start(|_| Reply::Usual).await;
    let tcp = connect::tcp(&responder.server(), responder.address).await.unwrap();
    let socket = SockRef::from(&tcp);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(30));
}
