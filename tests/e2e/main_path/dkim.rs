//! Signatures (DKIM) of mails that went through a real Postfix, verified by dkimpy, which shares nothing with ours.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::bounces::{Place, post, secret};
use crate::servers::{PATIENCE, folder};

/// Prints whether the mail on standard input is signed well by whom the record is of.
const VERIFY: &str = "import dkim, sys\n\
    record = sys.argv[1].encode()\n\
    asked = []\n\
    def dns(name, timeout=5):\n\
    \x20   asked.append(name.decode() if isinstance(name, bytes) else name)\n\
    \x20   return record\n\
    good = dkim.verify(sys.stdin.buffer.read(), dnsfunc=dns)\n\
    print(good, asked)";

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut openssl =
        Command::new("openssl").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    openssl.stdin.take().unwrap().write_all(input).unwrap();
    let output = openssl.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

fn verified(mail: &str, record: &str) -> String {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", VERIFY, record])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(mail.replace('\n', "\r\n").as_bytes()).unwrap();
    String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn mails_are_signed_so_that_others_can_verify_it() {
    let base64 = |der: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
    for (kind, options) in [
        ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..]),
        ("ed25519", &["-algorithm", "ED25519"]),
    ] {
        let keys = folder("dkim");
        let key = openssl(&[&["genpkey"], options].concat(), &[]);
        let public = openssl(&["pkey", "-pubout", "-outform", "DER"], &key);
        // Of an Ed25519 key the record has the key alone (RFC 8463 §4.2), the last 32 bytes.
        let public = if kind == "rsa" { base64(&public) } else { base64(&public[public.len() - 32..]) };
        let record = format!("v=DKIM1; k={kind}; p={public}");
        let file = keys.path().join("dkim.key");
        secret(&file, std::str::from_utf8(&key).unwrap());
        let mail = format!(
            "dkim_domain = \"kommun.example\"\ndkim_selector = \"b2026\"\ndkim_key_file = \"{}\"",
            file.display()
        );
        let place = Place::new(post(), &mail, "");
        let _daemon = place.budkavle.start();
        place.started();
        let run = |arguments: &[&str]| place.budkavle.run(arguments).success();
        run(&["contacts", "assign", "outage", "--user", "asa"]);
        run(&["outage", "open", "E-posten är nere – åtgärdas  nu", "--text", ".\nTvå   blanksteg. \n\n\n"]);
        let mails = place.post.wait_for("asa@kommun.example", 1, PATIENCE);
        let raw = &mails[0].raw;
        assert!(raw.contains(&format!("a={kind}-sha256")), "{raw}");
        assert_eq!(verified(raw, &record).trim(), "True ['b2026._domainkey.kommun.example.']", "{raw}");
        let other = raw.replacen("Budkavle <", "Somebody <", 1);
        assert!(verified(&other, &record).starts_with("False"), "another sender");
        let added = format!("Subject: another\n{raw}");
        assert!(verified(&added, &record).starts_with("False"), "another subject");
        let text = raw.rfind("</").unwrap();
        let changed = format!("{}x{}", &raw[..text], &raw[text..]);
        assert!(verified(&changed, &record).starts_with("False"), "another text");
    }
}
