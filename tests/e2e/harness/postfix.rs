//! Postfix takes mail, delivers it to the right mailbox only, and fails when told to.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::process::Command;

use crate::servers::mail::send;
use crate::servers::postfix::{HOST, PORT, Postfix, SmtpSink, TLS_PORT};
use crate::servers::{PATIENCE, wait_until};
use crate::world::Organisation;

const MAIL: &str = "From: =?UTF-8?Q?=C3=85sa?= <asa.oberg@kommun.example>\n\
    To: \"Liam O'Brien\" <liam.o'brien@kommun.example>, b@vendor.example\n\
    Subject: =?UTF-8?Q?St=C3=B6rning?= i\n e-posten\n\
    Message-ID: <3@kommun.example>\n\
    References: <1@kommun.example>\n <2@kommun.example>\n\
    Auto-Submitted:\n auto-generated\n\
    MIME-Version: 1.0\n\
    Content-Type: multipart/alternative; boundary=x\n\n\
    --x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nSGFsbMOl\n\
    --x\nContent-Type: text/html; charset=utf-8\n\n<p>Hej</p>\n--x--";

#[test]
fn delivers_to_the_right_mailbox_only() {
    let mut postfix = Postfix::start(Organisation::kommun().mail_addresses());
    let server = (postfix.address(), PORT);
    assert!(postfix.delivered().is_empty());

    let sent = |to: &str| send(server, "budkavle@kommun.example", to, MAIL);
    assert!(sent("Liam.O'Brien@kommun.example").starts_with("250 2.0.0"));
    assert!(sent("nobody.here@kommun.example").starts_with("550 5.1.1"), "no such mailbox");
    assert!(sent("somebody@vendor.example").starts_with("554 5.7.1"), "it is no relay");
    let mails = postfix.wait_for("liam.o'brien@kommun.example", 1, PATIENCE);
    assert_eq!(postfix.delivered(), BTreeMap::from([("liam.o'brien@kommun.example".to_owned(), 1)]));

    let mail = &mails[0];
    assert_eq!(mail.subject(), "Störning i e-posten");
    assert_eq!(mail.from(), "asa.oberg@kommun.example");
    assert_eq!(mail.to(), ["liam.o'brien@kommun.example", "b@vendor.example"]);
    assert_eq!(mail.message_id(), "3@kommun.example");
    assert_eq!(mail.references(), ["1@kommun.example", "2@kommun.example"]);
    assert_eq!(mail.header("auto-submitted").unwrap(), "auto-generated");
    assert_eq!(mail.header("Return-Path").unwrap(), "<budkavle@kommun.example>");
    assert_eq!(mail.header("X-Nothing"), None);
    assert_eq!(mail.text().trim(), "Hallå");
    assert_eq!(mail.html().trim(), "<p>Hej</p>");
    assert!(mail.raw.contains("boundary=x"));

    postfix.stop();
    // A process of its own that was serving may listen for an instant more.
    wait_until("nobody listens", PATIENCE, || TcpStream::connect(server).is_err().then_some(()));
    postfix.resume();
    assert!(sent("asa.oberg@kommun.example").starts_with("250 2.0.0"));
    assert_eq!(postfix.delivered().len(), 2);
}

#[test]
fn offers_tls_and_proves_who_it_is() {
    let postfix = Postfix::start(["asa.oberg@kommun.example"]);
    let verified = |arguments: &[&str], port: u16, name: &str| {
        let mut finger = Command::new("posttls-finger");
        finger.env("MAIL_CONFIG", postfix.config());
        finger.args(["-c", "-l", "secure", "-L", "summary", "-F"]).arg(postfix.ca_file()).args(arguments);
        finger.arg(format!("[{}]:{port}", postfix.address())).arg(name);
        let output = finger.output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).contains("Verified TLS connection")
    };
    assert!(verified(&[], PORT, HOST), "{}", postfix.log());
    assert!(verified(&["-w"], TLS_PORT, HOST), "{}", postfix.log());
    assert!(!verified(&[], PORT, "somebody.else.example"));
}

#[test]
fn refuses_whom_it_is_told_to_refuse() {
    let postfix = Postfix::start(["asa.oberg@kommun.example", "obrien@kommun.example"]);
    let reply = |to: &str| send((postfix.address(), PORT), "budkavle@kommun.example", to, MAIL);
    assert!(reply("asa.oberg@kommun.example").starts_with("250"));
    postfix.refuse("asa.oberg@kommun.example", "450 4.2.2 mailbox full");
    assert!(reply("asa.oberg@kommun.example").starts_with("450 4.2.2"));
    assert!(reply("obrien@kommun.example").starts_with("250"));
    postfix.refuse_nobody();
    assert!(reply("asa.oberg@kommun.example").starts_with("250"));
}

#[test]
fn the_sink_takes_mail_or_makes_faults() {
    let sink = SmtpSink::start(&[]);
    assert!(send((sink.address(), PORT), "a@b.example", "c@d.example", MAIL).starts_with("250"));
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(sink.mails()[0].message_id(), "3@kommun.example");

    let broken = SmtpSink::start(&["-r", "MAIL"]);
    assert!(send((broken.address(), PORT), "a@b.example", "c@d.example", MAIL).starts_with("4"));
    assert!(broken.mails().is_empty());
}
