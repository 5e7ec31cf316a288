//! A scripted IMAP server, for what a real one can't be made to do; a real one (Dovecot) is read in `tests/e2e/`.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::*;
use crate::tls::TlsTrust;
use crate::tls::pki::Authority;

type Answers = Arc<dyn Fn(&str) -> String + Send + Sync>;

struct Fake {
    port: u16,
    said: Arc<Mutex<Vec<String>>>,
    trust: TlsTrust,
    _folder: tempfile::TempDir,
}

impl Fake {
    /// Says `greeting` in clear (for STARTTLS) or inside TLS, and then what `answers` makes of each command; `%` stands for the command's tag.
    async fn start(security: ImapSecurity, greeting: &'static str, answers: Answers) -> Fake {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Corp CA");
        let ca = folder.path().join("ca.pem");
        fs::write(&ca, authority.pem()).unwrap();
        let acceptor = TlsAcceptor::from(authority.issue("127.0.0.1").server());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, said) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let noted = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, answers, noted) = (acceptor.clone(), Arc::clone(&answers), Arc::clone(&noted));
                tokio::spawn(async move {
                    let mut socket = BufReader::new(socket);
                    if security == ImapSecurity::StartTls {
                        socket.write_all(greeting.as_bytes()).await.unwrap();
                        converse(&mut socket, &answers, &noted, true).await;
                    }
                    let Ok(tls) = acceptor.accept(socket.into_inner()).await else { return };
                    let mut tls = BufReader::new(tls);
                    if security == ImapSecurity::Tls {
                        tls.write_all(greeting.as_bytes()).await.unwrap();
                    }
                    converse(&mut tls, &answers, &noted, false).await;
                });
            }
        });
        Fake { port, said, trust: TlsTrust::CaFile(ca), _folder: folder }
    }

    fn imap(&self, security: ImapSecurity, credential: Credential) -> Imap {
        Imap {
            host: "127.0.0.1".into(),
            port: self.port,
            security,
            trust: self.trust.clone(),
            username: "bounces@x.example".into(),
            credential,
            folder: "INBOX".into(),
            done_folder: Some("Done".into()),
            timeout: Duration::from_secs(2),
            stopwatch: super::standing(),
        }
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

async fn converse(
    stream: &mut (impl AsyncBufReadExt + AsyncRead + AsyncWrite + Unpin),
    answers: &Answers,
    noted: &Mutex<Vec<String>>,
    until_tls: bool,
) {
    let (mut line, mut tag) = (String::new(), String::new());
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
        let text = line.trim_end().to_owned();
        // What goes on with a sign-in has no tag.
        let command = match text.split_once(' ') {
            Some((first, command)) => {
                first.clone_into(&mut tag);
                command.to_owned()
            }
            None => text,
        };
        noted.lock().unwrap().push(command.clone());
        stream.write_all(answers(&command).replace('%', &tag).as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if until_tls && command == "STARTTLS" {
            return;
        }
        line.clear();
    }
}

/// What a friendly server with two unseen mails, of which the second is gone when it is asked for, says.
fn friendly(command: &str) -> String {
    let mail = "Subject: x\r\n\r\nText";
    match command.split(' ').collect::<Vec<_>>()[..] {
        ["UID", "SEARCH", ..] => "* SEARCH 9 4\r\n% OK done\r\n".to_owned(),
        ["UID", "FETCH", "4", ..] => {
            format!("* 1 FETCH (UID 4 BODY[]<0> {{{}}}\r\n{mail})\r\n% OK done\r\n", mail.len())
        }
        ["CAPABILITY"] => "* CAPABILITY IMAP4rev1 MOVE\r\n% OK done\r\n".to_owned(),
        ["AUTHENTICATE", "XOAUTH2"] => "+ \r\n".to_owned(),
        _ => "% OK done\r\n".to_owned(),
    }
}

fn password() -> Credential {
    Credential::Password("se\"cret".to_owned().into())
}

#[tokio::test]
async fn mails_are_read_marked_and_moved() {
    for security in [ImapSecurity::Tls, ImapSecurity::StartTls] {
        let fake = Fake::start(security, "* OK ready\r\n", Arc::new(friendly)).await;
        let mailbox = ReturnedMails::Imap(fake.imap(security, password()));
        assert!(!format!("{mailbox:?} {mailbox}").contains("cret"));
        let mut opened = mailbox.open(9).await.unwrap();
        assert_eq!(opened.left(), 2);
        let mail = opened.next().await.unwrap().unwrap();
        assert_eq!(mail.bytes, b"Subject: x\r\n\r\nText");
        opened.done(mail).await.unwrap();
        assert!(opened.next().await.unwrap().is_none());
        opened.close().await;
        let said = fake.said().join("\n");
        let expected = "LOGIN \"bounces@x.example\" \"se\\\"cret\"\nCAPABILITY\nSELECT \"INBOX\"\nUID SEARCH UNSEEN UNDELETED\n\
            UID FETCH 4 (UID INTERNALDATE BODY.PEEK[]<0.262144>)\nUID STORE 4 +FLAGS.SILENT (\\Seen)\nUID MOVE 4 \"Done\"\n\
            UID FETCH 9 (UID INTERNALDATE BODY.PEEK[]<0.262144>)\nLOGOUT";
        assert_eq!(said.trim_start_matches("STARTTLS\n"), expected);
        assert_eq!(said.starts_with("STARTTLS"), security == ImapSecurity::StartTls);
    }
}

#[tokio::test]
async fn a_token_signs_in_and_its_refusal_is_told() {
    let token: AskToken = Arc::new(|| async { Ok("t0ken".to_owned().into()) }.boxed());
    let fake = Fake::start(ImapSecurity::Tls, "* OK ready\r\n", Arc::new(friendly)).await;
    let imap = fake.imap(ImapSecurity::Tls, Credential::Token(Arc::clone(&token)));
    ReturnedMails::Imap(imap).open(9).await.unwrap();
    // base64 of "user=bounces@x.example^Aauth=Bearer t0ken^A^A"
    let proof = "dXNlcj1ib3VuY2VzQHguZXhhbXBsZQFhdXRoPUJlYXJlciB0MGtlbgEB";
    assert_eq!(fake.said()[..2], ["AUTHENTICATE XOAUTH2", proof]);

    let refuses = |command: &str| match command {
        "AUTHENTICATE XOAUTH2" => "+ \r\n".to_owned(),
        "" => "% NO AUTHENTICATE failed.\r\n".to_owned(),
        _ => "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n".to_owned(),
    };
    let fake = Fake::start(ImapSecurity::Tls, "* OK ready\r\n", Arc::new(refuses)).await;
    let imap = fake.imap(ImapSecurity::Tls, Credential::Token(token));
    let error = ReturnedMails::Imap(imap).open(9).await.err().unwrap().to_string();
    assert!(error.contains("refused the sign-in") && error.contains("AUTHENTICATE failed"), "{error}");

    let none: AskToken = Arc::new(|| async { Err("the secret has expired".to_owned()) }.boxed());
    let imap = fake.imap(ImapSecurity::Tls, Credential::Token(none));
    let error = ReturnedMails::Imap(imap).open(9).await.err().unwrap().to_string();
    assert!(error.contains("the secret has expired"), "{error}");
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_words_and_never_waited_for() {
    let at = |what: &'static str, says: &'static str| -> Answers {
        Arc::new(
            move |command: &str| if command.starts_with(what) { says.to_owned() } else { friendly(command) },
        )
    };
    let cases = [
        ("* BYE too many\r\n", at("", ""), "too many"),
        ("", at("", ""), "nothing came within 2s"),
        ("HTTP/1.1 400 no\r\n", at("", ""), "no usable answer to the connection"),
        ("* OK\r\n", at("LOGIN", "% NO [AUTHENTICATIONFAILED] no\r\n"), "refused the sign-in"),
        ("* OK\r\n", at("LOGIN", ""), "the sign-in: nothing came within 2s"),
        ("* OK\r\n", at("SELECT", "% NO no such folder\r\n"), "refused to open the folder: "),
        ("* OK\r\n", at("UID SEARCH", "* SEARCH \u{1}\u{1}\r\n"), "the list of mails"),
    ];
    for (greeting, answers, told) in cases {
        let fake = Fake::start(ImapSecurity::Tls, greeting, answers).await;
        let error = ReturnedMails::Imap(fake.imap(ImapSecurity::Tls, password())).open(9).await;
        let error = error.err().unwrap_or_else(|| panic!("{told}")).to_string();
        assert!(error.contains(told), "{error} lacks {told}");
        assert!(!error.contains("cret"), "{error}");
    }
    // Only what the greeting is counts, not what is said in it.
    let fake = Fake::start(ImapSecurity::Tls, "* OK Byelaws mail\r\n", at("", "")).await;
    let error = ReturnedMails::Imap(fake.imap(ImapSecurity::Tls, password())).open(9).await;
    assert!(error.err().unwrap().to_string().contains("the sign-in: nothing came"));
}

#[tokio::test]
async fn a_mail_in_trouble_stops_no_other() {
    let at = |what: &'static str, says: &'static str| -> Answers {
        Arc::new(
            move |command: &str| if command.starts_with(what) { says.to_owned() } else { friendly(command) },
        )
    };
    let open = async |answers| {
        let fake = Fake::start(ImapSecurity::Tls, "* OK\r\n", answers).await;
        let mailbox = ReturnedMails::Imap(fake.imap(ImapSecurity::Tls, password()));
        (mailbox.open(9).await.unwrap(), mailbox, fake)
    };
    let four = Name::Uid(4);
    // One that can't be marked is told of, so that it isn't read for ever in silence.
    let (mut opened, ..) = open(at("UID STORE", "% NO read-only\r\n")).await;
    let mail = opened.next().await.unwrap().unwrap();
    let error = opened.done(mail).await.unwrap_err();
    assert!(error.to_string().contains("refused to mark a mail as seen"), "{error}");
    assert_eq!(error.concerns(), Some(&four));

    // One that isn't given is as one that another program has taken.
    let (mut opened, mailbox, fake) = open(at("UID FETCH 4", "% NO broken\r\n")).await;
    assert!(opened.next().await.unwrap().is_none());
    // What made trouble comes last the next time.
    let terms = Terms { most: 9, within: LOOK_WITHIN, last: [four.clone()].into() };
    let mut opened = mailbox.open_for(terms).await.unwrap();
    assert!(opened.next().await.unwrap().is_none());
    let asked: Vec<_> = fake.said().into_iter().filter(|said| said.starts_with("UID FETCH")).collect();
    let numbers: Vec<_> = asked.iter().filter_map(|said| said.split(' ').nth(2)).collect();
    assert_eq!(numbers, ["4", "9", "9", "4"]);

    // A folder that isn't there keeps no mail from being seen.
    let (mut opened, _, fake) = open(at("UID MOVE", "% NO no such folder\r\n")).await;
    let mail = opened.next().await.unwrap().unwrap();
    opened.done(mail).await.unwrap();
    assert!(fake.said().iter().any(|said| said.starts_with("UID STORE 4")));
}

#[tokio::test]
async fn no_answer_is_endless_and_no_look_either() {
    let endless: Answers = Arc::new(|command: &str| match command {
        _ if command.starts_with("UID FETCH") => {
            format!("* 1 FETCH (UID 4 BODY[]<0> {{9000000}}\r\n{}", "x".repeat(1 << 20))
        }
        other => friendly(other),
    });
    let fake = Fake::start(ImapSecurity::Tls, "* OK\r\n", endless).await;
    let mailbox = ReturnedMails::Imap(fake.imap(ImapSecurity::Tls, password()));
    let error = mailbox.open(9).await.unwrap().next().await.unwrap_err();
    assert!(error.to_string().contains("it says more than any answer needs"), "{error}");
    assert_eq!(error.concerns(), Some(&Name::Uid(4)));

    let terms = Terms { most: 9, within: Duration::ZERO, last: Default::default() };
    let error = mailbox.open_for(terms).await.err().unwrap().to_string();
    // How far it comes in no time at all is by chance.
    assert!(
        ["no connection", "no TLS", "the time for a look is up"].iter().any(|way| error.contains(way)),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_said_where_tls_is_missing_or_not_believed() {
    let refuses =
        |command: &str| if command == "STARTTLS" { "% BAD what?\r\n".to_owned() } else { friendly(command) };
    let fake = Fake::start(ImapSecurity::StartTls, "* OK\r\n", Arc::new(refuses)).await;
    let error = ReturnedMails::Imap(fake.imap(ImapSecurity::StartTls, password())).open(9).await;
    assert!(error.err().unwrap().to_string().contains("refused STARTTLS"));
    assert_eq!(fake.said(), ["STARTTLS"]);

    // What comes in clear after the answer is no part of what is believed: neither mails, nor that what is asked next is refused.
    let injects = |command: &str| match command {
        "STARTTLS" => "% OK go\r\n* SEARCH 66\r\nA0001 NO injected\r\nA0002 NO injected\r\n".to_owned(),
        other => friendly(other),
    };
    let fake = Fake::start(ImapSecurity::StartTls, "* OK\r\n", Arc::new(injects)).await;
    let opened = ReturnedMails::Imap(fake.imap(ImapSecurity::StartTls, password())).open(9).await;
    assert_eq!(opened.unwrap_or_else(|e| panic!("{e}")).left(), 2);

    let fake = Fake::start(ImapSecurity::Tls, "* OK\r\n", Arc::new(friendly)).await;
    let imap = Imap { trust: TlsTrust::Pinned([0; 32]), ..fake.imap(ImapSecurity::Tls, password()) };
    let error = ReturnedMails::Imap(imap).open(9).await.err().unwrap().to_string();
    assert!(error.contains("no TLS with the IMAP server"), "{error}");
    assert!(fake.said().is_empty());
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let imap = Imap { port: nobody, ..fake.imap(ImapSecurity::Tls, password()) };
    let error = ReturnedMails::Imap(imap).open(9).await.err().unwrap().to_string();
    // How far it comes in no time at all is by chance.
    assert!(
        ["no connection", "no TLS", "the time for a look is up"].iter().any(|way| error.contains(way)),
        "{error}"
    );
}
