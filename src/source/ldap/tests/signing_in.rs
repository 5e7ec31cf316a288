//! Signing in with a certificate, what is told of the account, and what happens after a refusal.

use std::sync::Arc;

use chrono::TimeDelta;

use super::*;
use crate::domain::warning::WarningKind;
use crate::tls::pki::Identity;

/// A folder with a CA's certificate in it and a client's certificate and key.
struct Files {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Files {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("Test CA"));
        let files = Files { folder, authority };
        std::fs::write(files.path("ca.pem"), files.authority.pem()).unwrap();
        files.renew("budkavle");
        files
    }

    fn renew(&self, name: &str) {
        let (certificate, key) = self.authority.issue(name).pem();
        std::fs::write(self.path("own.pem"), certificate).unwrap();
        std::fs::write(self.path("own.key"), key).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self) -> Identity {
        self.authority.issue("127.0.0.1")
    }

    fn settings(&self, responder: &Responder) -> Ldap {
        let mut ldap = settings(vec![format!("ldaps://{}", responder.address).parse().unwrap()]);
        ldap.trust = TlsTrust::CaFile(self.path("ca.pem"));
        ldap.sign_in = SignIn::External { certificate: self.path("own.pem"), key: self.path("own.key") };
        ldap
    }
}

#[tokio::test]
async fn a_certificate_signs_in_by_sasl_external() {
    let files = Files::new();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    let tls = files.server().server_for_clients_of(&files.authority);
    let responder = Responder::protected(Protection::Tls(tls), move |asked| {
        if matches!(asked.what, What::Bind { .. } | What::Sasl { .. }) {
            told.lock().unwrap().push(asked.what.clone());
        }
        Reply::Usual
    })
    .await;
    let ldap = files.settings(&responder);
    let reading = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    let external = What::Sasl { mechanism: "EXTERNAL".to_owned(), token: Vec::new() };
    assert_eq!(*asked.lock().unwrap(), [external]);
    let ends: Vec<_> = reading.warnings.iter().map(|w| (w.kind, &*w.about)).collect();
    let server = format!("CN=127.0.0.1 of {}", ldap.servers);
    assert_eq!(
        ends,
        [(WarningKind::ServerCertificate, &*server), (WarningKind::ClientCertificate, "CN=budkavle")]
    );

    // A renewed one is taken at the next connection.
    files.renew("budkavle-2");
    let reading = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
    assert_eq!(&*reading.warnings[1].about, "CN=budkavle-2");
}

#[tokio::test]
async fn a_certificate_that_the_server_does_not_take_is_told_of() {
    let files = Files::new();
    let others = files.server().server_for_clients_of(&Authority::new("Another CA"));
    let responder = Responder::protected(Protection::Tls(others), |_| Reply::Usual).await;
    let (kind, words) = kind(files.settings(&responder).read(&"main".into(), &ask(), &|_| {}).await);
    assert_eq!(kind, ErrorKind::Tls);
    assert!(words.contains("CN=budkavle") && words.contains("trust the authority"), "{words}");
}

#[tokio::test]
async fn each_refusal_of_a_certificate_has_its_words() {
    let files = Files::new();
    for (code, expected, pauses) in [
        (49, BindProblem::Certificate, true),
        (48, BindProblem::Certificate, false),
        (7, BindProblem::Mechanism, false),
        (8, BindProblem::TlsRequired, false),
    ] {
        let tls = files.server().server_for_clients_of(&files.authority);
        let responder = Responder::protected(Protection::Tls(tls), move |asked| {
            Reply::Send(done(asked.id, BIND, code, "", "no"))
        })
        .await;
        let error = files.settings(&responder).read(&"main".into(), &ask(), &|_| {}).await.unwrap_err();
        assert_eq!(error.refuses_credentials(), pauses);
        let SourceError::Bind { problem, account, .. } = error else { panic!("{error}") };
        assert_eq!((problem, account.as_str()), (expected, "CN=budkavle"));
    }
}

#[tokio::test]
async fn a_certificate_never_goes_over_a_connection_in_clear() {
    let files = Files::new();
    let responder = Responder::start(|_| Reply::Usual).await;
    let mut ldap = files.settings(&responder);
    ldap.servers = Servers::Listed(vec![responder.server().in_plain_text()]);
    assert_eq!(kind(ldap.read(&"main".into(), &ask(), &|_| {}).await).0, ErrorKind::Settings);
    assert_eq!(responder.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again_until_something_changes() {
    let tries = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&tries);
    let responder = Responder::start(move |asked| match &asked.what {
        What::Bind { password, .. } => {
            told.lock().unwrap().push(password.clone());
            let code = if password == "right" { 0 } else { 49 };
            Reply::Send(done(asked.id, BIND, code, "", "80090308: data 52e, v1"))
        }
        _ => Reply::Usual,
    })
    .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |text: &str| std::fs::write(file.path(), text).unwrap();
    write("wrong\n");
    let server = responder.server().in_plain_text();
    let mut ldap = settings(vec![server.clone(), server]);
    ldap.sign_in =
        SignIn::Simple { bind_dn: "CN=reader".into(), password: Password::File(file.path().to_owned()) };
    let at = |minute| Ask { now: ask().now + TimeDelta::minutes(minute), by_hand: false, ..ask() };
    let read = async |ask: Ask<'static>| ldap.read(&"main".into(), &ask, &|_| {}).await;
    let tried = || std::mem::take(&mut *tries.lock().unwrap());

    assert_eq!(kind(read(at(0)).await).0, ErrorKind::Bind);
    assert_eq!(tried(), ["wrong"], "the other server isn't asked, too");
    let (paused, words) = kind(read(at(29)).await);
    assert_eq!((paused, tried().len()), (ErrorKind::SignInPaused, 0));
    assert!(words.contains("not signed in again before 1 Jan 1970 00:30 UTC"), "{words}");
    assert!(words.contains("data 52e") && words.contains("budkavle sync"), "{words}");

    // A person's try counts from then on; so does one after the pause.
    assert_eq!(kind(read(Ask { by_hand: true, ..at(29) }).await).0, ErrorKind::Bind);
    assert_eq!(kind(read(at(31)).await).0, ErrorKind::SignInPaused);
    assert_eq!(kind(read(at(59)).await).0, ErrorKind::Bind);
    assert_eq!(tried(), ["wrong", "wrong"]);

    // Another directory with the same account neither, also when both begin at once or a person asks for both.
    let other = ldap.clone();
    let both = async |ask: Ask<'static>| {
        let name = "other".into();
        let (one, two) = tokio::join!(read(ask), other.read(&name, &ask, &|_| {}));
        // Whoever is first is refused; the other one heeds it.
        let mut kinds = [kind(one).0, kind(two).0];
        kinds.sort_by_key(|kind| *kind != ErrorKind::Bind);
        kinds
    };
    assert_eq!(both(at(60)).await, [ErrorKind::SignInPaused; 2]);
    assert_eq!(both(at(90)).await, [ErrorKind::Bind, ErrorKind::SignInPaused]);
    assert_eq!(both(Ask { by_hand: true, ..at(95) }).await, [ErrorKind::Bind, ErrorKind::SignInPaused]);
    assert_eq!(tried(), ["wrong", "wrong"]);

    // A new password is tried at once.
    write("right\n");
    assert!(read(at(96)).await.is_ok());
    assert_eq!(tried(), ["right"]);
}

#[tokio::test]
async fn a_look_stops_at_the_first_server_that_refuses() {
    let responder = Responder::start(|asked| Reply::Send(done(asked.id, BIND, 49, "", ""))).await;
    let server = responder.server().in_plain_text();
    let reports = settings(vec![server.clone(), server.clone(), server]).probe().await;
    let kinds = reports.servers.into_iter().map(|(_, report)| report.unwrap_err().kind());
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [ErrorKind::Bind, ErrorKind::SignInPaused, ErrorKind::SignInPaused]
    );
    assert_eq!(responder.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_a_directory_tells_of_the_account_is_given() {
    let responder = Responder::start(|asked| {
        let id = asked.id;
        match &asked.what {
            What::Search { base, attributes, .. } if base.is_empty() && attributes == &["tokenGroups"] => {
                let user = [&[1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0][..], &1104_u32.to_le_bytes()].concat();
                let group = vec![1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
                send(&[entry(id, "", &[("tokenGroups", vec![user, group])]), done(id, SEARCH, 0, "", "")])
            }
            What::Search { base, .. } if base == "<SID=S-1-5-21-1104>" => {
                let ends = vec![b"134432352000000000".to_vec()];
                let account = entry(id, "CN=reader", &[("msDS-UserPasswordExpiryTimeComputed", ends)]);
                send(&[account, done(id, SEARCH, 0, "", "")])
            }
            _ => Reply::Usual,
        }
    })
    .await;
    let reading = read_from(&responder).await.unwrap();
    let told: Vec<_> = reading.warnings.iter().map(|w| (w.kind, &*w.about, w.at.to_rfc3339())).collect();
    assert_eq!(told, [(WarningKind::Password, "CN=reader", "2027-01-01T00:00:00+00:00".to_owned())]);
}

#[tokio::test]
async fn what_comes_in_place_of_an_answer_to_the_sign_in_is_told_apart() {
    let notice = tlv(
        0x78,
        &[tlv(10, &[52]), tlv(4, b""), tlv(4, b"going down"), tlv(0x8a, b"1.3.6.1.4.1.1466.20036")].concat(),
    );
    let notice = message(0, &notice);
    type Case = (&'static str, ErrorKind, Box<dyn Fn(u32) -> Reply + Send + Sync>);
    let cases: [Case; 6] = [
        ("closed", ErrorKind::Disconnected, Box::new(|_| Reply::SendAndClose(Vec::new()))),
        ("cut", ErrorKind::Disconnected, Box::new(|_| Reply::SendAndClose(vec![0x30, 0x10, 2]))),
        ("no LDAP", ErrorKind::Protocol, Box::new(|_| Reply::Send(b"HTTP/1.1 400\r\n".to_vec()))),
        ("another number", ErrorKind::Protocol, Box::new(|id| Reply::Send(done(id + 1, BIND, 0, "", "")))),
        ("another answer", ErrorKind::Protocol, Box::new(|id| Reply::Send(done(id, SEARCH, 0, "", "")))),
        ("notice", ErrorKind::Refused, Box::new(move |_| Reply::Send(notice.clone()))),
    ];
    for (name, expected, reply) in cases {
        let (kind, words) = kind(read(move |asked| reply(asked.id)).await);
        assert_eq!(kind, expected, "{name}: {words}");
        assert!(words.contains("sign in"), "{name}: {words}");
    }
    let silent = Responder::start(|_| Reply::Silence).await;
    let mut ldap = settings(vec![silent.server().in_plain_text()]);
    ldap.operation_timeout = Duration::from_millis(50);
    assert_eq!(kind(ldap.read(&"main".into(), &ask(), &|_| {}).await).0, ErrorKind::Timeout);
}
