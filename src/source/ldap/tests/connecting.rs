//! Getting to a server and signing in; the settings.

use super::*;

#[tokio::test]
async fn a_refused_sign_in_says_why() {
    let cases = [
        ("52e", BindProblem::WrongPassword),
        ("525", BindProblem::UnknownAccount),
        ("530", BindProblem::LogonHours),
        ("531", BindProblem::Workstation),
        ("532", BindProblem::PasswordExpired),
        ("533", BindProblem::Disabled),
        ("701", BindProblem::AccountExpired),
        ("773", BindProblem::MustChangePassword),
        ("775", BindProblem::Locked),
        ("57", BindProblem::Other),
    ];
    for (data, expected) in cases {
        let text = format!(
            "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data {data}, v4563\0"
        );
        let error = read(move |asked| Reply::Send(done(asked.id, BIND, 49, "", &text))).await.unwrap_err();
        let SourceError::Bind { problem, .. } = &error else { panic!("{error}") };
        assert_eq!(*problem, expected);
        assert!(error.to_string().contains(&format!("data {data}")) && !error.to_string().contains("secret"));
    }
    for (code, expected) in
        [(49, BindProblem::WrongPassword), (8, BindProblem::TlsRequired), (53, BindProblem::Other)]
    {
        let error = read(move |asked| Reply::Send(done(asked.id, BIND, code, "", ""))).await.unwrap_err();
        assert!(matches!(error, SourceError::Bind { problem, .. } if problem == expected));
    }
}

#[tokio::test]
async fn an_empty_password_never_reaches_a_server() {
    let responder = Responder::start(|_| Reply::Usual).await;
    for (name, password) in [("CN=reader", ""), (" ", "secret")] {
        let mut ldap = settings(vec![responder.server().in_plain_text()]);
        ldap.sign_in = SignIn::Simple { bind_dn: name.into(), password: Password::Fixed(password.into()) };
        assert_eq!(kind(ldap.read(&"main".into(), &ask(), &|_| {}).await).0, ErrorKind::Settings);
    }
    assert_eq!(responder.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_next_server_is_tried_when_one_can_not_be_connected_to_but_not_when_it_refuses() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("ldap://{}", listener.local_addr().unwrap()).parse::<Server>().unwrap().in_plain_text()
    };
    let good = Responder::start(searched(|_, id, _| send(&[user(id, 1), page(id, 0, b"")]))).await;
    let refusing = Responder::start(|asked| Reply::Send(done(asked.id, BIND, 49, "", ""))).await;
    let [good_server, refusing] = [&good, &refusing].map(|r| r.server().in_plain_text());

    let reading = settings(vec![nobody.clone(), good_server.clone()])
        .read(&"main".into(), &ask(), &|_| {})
        .await
        .unwrap();
    assert_eq!(*reading.server, *good_server.to_string());

    let before = good.connections.load(Ordering::SeqCst);
    assert_eq!(
        kind(settings(vec![refusing, good_server]).read(&"main".into(), &ask(), &|_| {}).await).0,
        ErrorKind::Bind
    );
    assert_eq!(good.connections.load(Ordering::SeqCst), before);

    let (kind, words) =
        kind(settings(vec![nobody.clone(), nobody]).read(&"main".into(), &ask(), &|_| {}).await);
    assert_eq!(kind, ErrorKind::ConnectFailed);
    assert!(words.contains("none of 2 servers"), "{words}");
}

#[tokio::test]
async fn tls_is_set_up_and_the_name_in_the_certificate_verified() {
    let authority = Authority::new("Test CA");
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let accepted = tlv(
        0x30,
        &[tlv(2, &[1]), tlv(EXTENDED, &[tlv(10, &[0]), tlv(4, b""), tlv(4, b"")].concat())].concat(),
    );
    let injected = [accepted.clone(), done(1, BIND, 0, "", "")].concat();
    for (name, start_tls, fits) in [
        ("127.0.0.1", None, true),
        ("dc1.example.org", None, false),
        ("127.0.0.1", Some(accepted.clone()), true),
        ("dc1.example.org", Some(accepted), false),
        ("127.0.0.1", Some(injected), false),
    ] {
        let config = authority.issue(name).server();
        let scheme = if start_tls.is_some() { "ldap" } else { "ldaps" };
        let protection =
            start_tls.map_or(Protection::Tls(config.clone()), |reply| Protection::StartTls(config, reply));
        let responder = Responder::protected(protection, |_| Reply::Usual).await;
        let mut ldap = settings(vec![format!("{scheme}://{}", responder.address).parse().unwrap()]);
        ldap.trust = TlsTrust::CaFile(ca.clone());
        let result = ldap.read(&"main".into(), &ask(), &|_| {}).await;
        assert_eq!(result.is_ok(), fits, "{name}: {result:?}");
        if !fits {
            assert_eq!(kind(result).0, ErrorKind::Tls);
        }
        let (_, report) = ldap.probe().await.servers.pop().unwrap();
        assert_eq!(
            report.ok().and_then(|r| r.certificate).map(|c| c.subject),
            fits.then(|| format!("CN={name}"))
        );
    }
}

#[tokio::test]
async fn refused_start_tls_sends_no_password() {
    for (code, expected) in [(52, ErrorKind::Tls), (2, ErrorKind::Tls)] {
        let responder = Responder::start(move |asked| match asked.what {
            What::StartTls => Reply::Send(done(asked.id, EXTENDED, code, "", "no TLS here")),
            _ => panic!("{asked:?} came in plain text"),
        })
        .await;
        let (kind, words) =
            kind(settings(vec![responder.server()]).read(&"main".into(), &ask(), &|_| {}).await);
        assert_eq!(kind, expected);
        assert!(words.contains("no TLS here"), "{words}");
    }
}

#[tokio::test]
async fn a_look_tells_what_is_there_without_reading_it_all() {
    let responder = Responder::start(searched(|n, id, _| match n {
        1 => send(&[user(id, 1), user(id, 2), page(id, 0, b"more")]),
        _ => Reply::Send(page(id, 0, b"")),
    }))
    .await;
    let mut ldap = settings(vec![responder.server().in_plain_text()]);
    ldap.bases.push("DC=other".to_owned());
    let (_, report) = ldap.probe().await.servers.pop().unwrap();
    let report = report.unwrap();
    assert_eq!(report.root.naming_contexts, [BASE]);
    let found = report.bases[0].1.as_ref().unwrap();
    assert_eq!(found.users, Glimpse { seen: 2, more: true, estimate: None });
    assert_eq!(found.groups, Glimpse::default());
    assert_eq!(report.bases.len(), 2);
}

#[test]
fn settings_that_can_not_work_are_told_apart() {
    let good = settings(vec!["ldaps://dc1".parse().unwrap()]);
    assert!(good.check().is_ok());
    type Change = (fn(&mut Ldap), &'static str);
    let changes: [Change; 6] = [
        (|l| l.servers = Servers::Listed(Vec::new()), "no server"),
        (|l| l.bases.clear(), "no base"),
        (|l| l.bases = vec!["example".to_owned()], "not a distinguished name"),
        (|l| l.unit_filter = "(objectClass=".into(), "no filter"),
        (|l| l.group_filter = "objectClass=group".into(), "no filter"),
        (|l| l.page_size = 0, "more than zero"),
    ];
    for (change, words) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        let error = bad.check().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_look_that_loses_its_connection_says_so_for_every_base() {
    let responder = Responder::start(searched(|_, id, _| Reply::SendAndClose(user(id, 1)))).await;
    let mut ldap = settings(vec![responder.server().in_plain_text()]);
    ldap.bases.push("DC=other".to_owned());
    let (_, report) = ldap.probe().await.servers.pop().unwrap();
    let kinds = report.unwrap().bases.into_iter().map(|(_, found)| found.unwrap_err().kind());
    assert_eq!(kinds.collect::<Vec<_>>(), [ErrorKind::Disconnected; 2]);
}

#[tokio::test]
async fn a_server_that_says_nothing_of_itself_is_read_all_the_same() {
    let reading = read(|asked| match &asked.what {
        What::Search { base, .. } if base.is_empty() => Reply::Send(done(asked.id, SEARCH, 50, "", "")),
        _ => Reply::Usual,
    });
    assert_eq!(reading.await.unwrap().cursor.position, Position::None);
}
